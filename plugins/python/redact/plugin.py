"""Removes or masks what should not leave: the nodes at the configured JSON pointers, and nothing else.

When in doubt it fails rather than letting data through: an option it does not know, a pointer that is none, or a body
it cannot look into makes a dead letter, which an operator can replay once the configuration is right.
"""

import json
from collections.abc import Callable, Iterable

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.handler import Verdict, Verdict_Forward
from wit_world.imports import config, output
from wit_world.imports.events import Event, JsonKind
from wit_world.imports.types import Failure_Permanent

Edit = Callable[[str], None]
# What is left of a pointer from the node on that is looked at, and what happens to the nodes that it means.
Rule = tuple[list[str], Edit]


class Handler(exports.Handler):
    def process(self, event: Event) -> Verdict:
        options = Options(config.text())
        if event.json_kind("") == JsonKind.INVALID:
            if options.forward_invalid or event.body_length() == 0:
                return Verdict_Forward()
            forward = '`on_invalid = "forward"` lets it pass as it is'
            raise permanent(f"the body is not JSON, so nothing can be redacted in it; {forward}")
        redact(event, "", options.rules())
        return Verdict_Forward()


class Options:
    """The plugin's table in the configuration."""

    def __init__(self, text: str):
        table = json.loads(text)
        self.remove = pointers("remove", table.pop("remove", []))
        self.mask = pointers("mask", table.pop("mask", []))
        self.replacement = json.dumps(table.pop("replacement", "***"), ensure_ascii=False, separators=(",", ":"))
        on_invalid = table.pop("on_invalid", "fail")
        if on_invalid not in ("fail", "forward"):
            raise permanent('config: `on_invalid` must be "fail" or "forward"')
        self.forward_invalid = on_invalid == "forward"
        # An unknown option is an error: `removed` for `remove` must not leak anything.
        for name in table:
            options = "remove, mask, replacement, on_invalid"
            raise permanent(f"config: `{name}` is not an option; the options are {options}")

    def rules(self) -> list[Rule]:
        def mask(place: str) -> None:
            output.json_set(place, self.replacement)

        removing = [(pointer.split("/")[1:], output.json_remove) for pointer in self.remove]
        return removing + [(pointer.split("/")[1:], mask) for pointer in self.mask]


def pointers(option: str, pointers: list[str]) -> list[str]:
    if not isinstance(pointers, list):
        raise permanent(f"config: `{option}` must be a list of JSON pointers")
    for pointer in pointers:
        if not isinstance(pointer, str) or not pointer.startswith("/"):
            found = json.dumps(pointer)
            raise permanent(f'config: `{option}` has {found}, which is not a JSON pointer such as "/user/email"')
    return pointers


def redact(event: Event, place: str, rules: list[Rule]) -> None:
    """Applies what the rules say of a node and of what lies below it."""
    for path, edit in rules:
        if not path:
            # Of a key that an object repeats only the last value is seen, but removing takes them all. So what seems
            # not to be there is removed, which does nothing where it is really not.
            absent = event.json_kind(place) == JsonKind.ABSENT
            return output.json_remove(place) if absent else edit(place)
    names = set[str]()
    for path, _ in rules:
        names.update(children(event, place) if path[0] == "*" else [path[0]])
    # From the back to the front: a removed array element then moves none that is still to come.
    for name in sorted(names, key=index, reverse=True):
        below = [(path[1:], edit) for path, edit in rules if path[0] in (name, "*")]
        redact(event, f"{place}/{name}", below)


def children(event: Event, place: str) -> Iterable[str]:
    """The names of everything directly below a node, as segments of a pointer."""
    match event.json_kind(place):
        case JsonKind.ARRAY:
            return map(str, range(event.json_length(place) or 0))
        case JsonKind.OBJECT:
            return map(segment, json.loads(event.json_source(place) or "{}"))
        case _:
            return []


def segment(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def index(name: str) -> int:
    """An index of an array as a number. What is none comes before them."""
    return int(name) if name.isascii() and name.isdigit() else -1


def permanent(reason: str) -> Err[Failure_Permanent]:
    return Err(Failure_Permanent(reason))
