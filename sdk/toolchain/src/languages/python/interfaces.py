# python3 interfaces.py MODULE: prints what the plugin that begins with this module of the working directory imports and
# exports of the contract, as `import kv` or `export handler`, a line each. Looks at the sources; runs none of them.

import ast
import pathlib
import sys

IMPORTS = "wit_world.imports"
EXPORTS = {"Handler": "handler", "Verification": "verification", "Delivery": "delivery", "Lifecycle": "lifecycle"}


def main(name):
    imports, seen, due = set(), set(), [name]
    while due:
        name = due.pop()
        path = source(name)
        if path is None or name in seen:
            continue
        seen.add(name)
        for module in modules(name, path):
            if module.startswith(IMPORTS + "."):
                imports.add(module.removeprefix(IMPORTS + ".").split(".")[0])
            due.append(module)
    for interface in sorted(imports):
        print("import", interface.replace("_", "-"))


def source(name):
    """The file of a module, if it is one of the plugin's own."""
    path = pathlib.Path(*name.split("."))
    candidates = [path.with_name(path.name + ".py"), path / "__init__.py"]
    return next((path for path in candidates if path.is_file()), None)


def modules(name, path):
    """The modules that a module imports; names that may be modules are among them."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join(base + ([node.module] if node.module else []))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def exported(path):
    """The classes that stand for exported interfaces: defined in the first module, or imported into it."""
    for node in tree(path).body:
        if isinstance(node, ast.ClassDef):
            yield EXPORTS.get(node.name)
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("wit_world"):
            yield from (EXPORTS.get(alias.asname or alias.name) for alias in node.names)


def tree(path):
    return ast.parse(path.read_bytes(), str(path))


if source(sys.argv[1]) is None:
    sys.exit(f"there is no {sys.argv[1]}.py, with which a plugin in Python begins")
try:
    main(sys.argv[1])
    for interface in sorted(filter(None, exported(source(sys.argv[1])))):
        print("export", interface)
except SyntaxError as error:
    sys.exit(f"{error.filename}:{error.lineno}: {error.msg}")
