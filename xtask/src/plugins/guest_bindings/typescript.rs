//! The types for JavaScript and TypeScript: what an author's editor and `tsc` know of it.
//!
//! Names and types are those that componentize-js and componentize-qjs give to a component's imports and exports.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use heck::{ToLowerCamelCase as _, ToUpperCamelCase as _};
use wit_bindgen_core::wit_parser::{
    Docs, Function, Handle, Interface, InterfaceId, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner,
    WorldItem,
};

pub(super) const FILE: &str = "sdk/javascript/plugin.d.ts";

const HEAD: &str = "\
// The contract between Hookyard and its plugins, for TypeScript and editors. Generated from wit/0.1.0/plugin.wit by
// `cargo xtask plugins`.

/** What a function of the host throws where its documentation says so. */
interface ComponentError<E> extends Error {
  payload: E;
}
";

/// The text of the file.
pub(super) fn generate(contract: &Path) -> Result<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(contract).context("failed to read the contract")?;
    let worlds = resolve.packages[package].worlds.values();
    let exports = worlds.flat_map(|world| resolve.worlds[*world].exports.values());
    let exported = exports.filter_map(|item| match item {
        WorldItem::Interface { id, .. } => Some(*id),
        _ => None,
    });
    let writer = Writer { exported: exported.collect(), names: names(&resolve), resolve: &resolve };
    let mut text = HEAD.to_owned();
    for interface in resolve.packages[package].interfaces.values() {
        writer.module(&mut text, *interface)?;
    }
    Ok(text)
}

struct Writer<'a> {
    resolve: &'a Resolve,
    /// Interfaces that plugins implement.
    exported: Vec<InterfaceId>,
    /// Names of functions, fields and types that are written otherwise in JavaScript.
    names: BTreeSet<String>,
}

impl Writer<'_> {
    fn module(&self, text: &mut String, id: InterfaceId) -> Result<()> {
        let interface = &self.resolve.interfaces[id];
        text.push('\n');
        self.docs(text, "", &interface.docs, None);
        writeln!(text, "declare module '{}' {{", self.specifier(id)?)?;
        for (name, id) in &interface.types {
            self.type_definition(text, name, &self.resolve.types[*id])?;
        }
        if self.exported.contains(&id) {
            let name = interface.name.as_deref().unwrap_or_default();
            writeln!(text, "  /** What a plugin exports as `{}`. */", name.to_lower_camel_case())?;
            writeln!(text, "  export interface {} {{", name.to_upper_camel_case())?;
            for function in interface.functions.values() {
                self.function(text, "    ", function)?;
            }
            text.push_str("  }\n");
        } else {
            for function in free_functions(interface) {
                self.function(text, "  export function ", function)?;
            }
        }
        text.push_str("}\n");
        Ok(())
    }

    fn specifier(&self, id: InterfaceId) -> Result<String> {
        self.resolve.id_of(id).context("an interface without a name")
    }

    fn type_definition(&self, text: &mut String, name: &str, definition: &TypeDef) -> Result<()> {
        let class = name.to_upper_camel_case();
        if let TypeDefKind::Type(Type::Id(used)) = definition.kind {
            let module = self.specifier(self.home(used)?)?;
            writeln!(text, "  import type {{ {class} }} from '{module}';")?;
            return Ok(());
        }
        self.docs(text, "  ", &definition.docs, None);
        match &definition.kind {
            TypeDefKind::Record(record) => {
                writeln!(text, "  export interface {class} {{")?;
                for field in &record.fields {
                    self.docs(text, "    ", &field.docs, None);
                    let kind = self.name(&field.ty)?;
                    writeln!(text, "    {}: {kind};", field.name.to_lower_camel_case())?;
                }
                text.push_str("  }\n");
            }
            TypeDefKind::Resource => {
                writeln!(text, "  export interface {class} {{")?;
                for function in self.methods(name, definition)? {
                    self.function(text, "    ", function)?;
                }
                text.push_str("  }\n");
            }
            TypeDefKind::Variant(variant) => {
                writeln!(text, "  export type {class} =")?;
                for case in &variant.cases {
                    self.docs(text, "    ", &case.docs, None);
                    match &case.ty {
                        None => writeln!(text, "    | {{ tag: '{}' }}", case.name)?,
                        Some(ty) => {
                            writeln!(text, "    | {{ tag: '{}'; val: {} }}", case.name, self.name(ty)?)?
                        }
                    }
                }
                text.push_str("    ;\n");
            }
            TypeDefKind::Enum(cases) => {
                writeln!(text, "  export type {class} =")?;
                for case in &cases.cases {
                    self.docs(text, "    ", &case.docs, None);
                    writeln!(text, "    | '{}'", case.name)?;
                }
                text.push_str("    ;\n");
            }
            other => bail!("the contract has no {} so far, and neither has this generator", other.as_str()),
        }
        Ok(())
    }

    fn methods(&self, name: &str, resource: &TypeDef) -> Result<Vec<&Function>> {
        let TypeOwner::Interface(home) = resource.owner else {
            bail!("resource {name} is in no interface");
        };
        let methods = self.resolve.interfaces[home].functions.values();
        Ok(methods.filter(|function| function.name.starts_with(&format!("[method]{name}."))).collect())
    }

    fn function(&self, text: &mut String, before: &str, function: &Function) -> Result<()> {
        let indent = &before[..before.len() - before.trim_start().len()];
        let method = function.name.starts_with('[');
        let mut parameters = Vec::new();
        for parameter in function.params.iter().skip(usize::from(method)) {
            parameters.push(format!(
                "{}: {}",
                parameter.name.to_lower_camel_case(),
                self.name(&parameter.ty)?
            ));
        }
        let (returned, thrown) = self.result(function.result.as_ref())?;
        self.docs(text, indent, &function.docs, thrown.as_deref());
        let name = function.item_name().to_lower_camel_case();
        writeln!(text, "{before}{name}({}): {returned};", parameters.join(", "))?;
        Ok(())
    }

    /// What a function returns, and what it throws.
    fn result(&self, result: Option<&Type>) -> Result<(String, Option<String>)> {
        let Some(result) = result else { return Ok(("void".to_owned(), None)) };
        let Type::Id(id) = result else { return Ok((self.name(result)?, None)) };
        let TypeDefKind::Result(either) = &self.resolve.types[*id].kind else {
            return Ok((self.name(result)?, None));
        };
        let returned = either.ok.as_ref().map_or_else(|| Ok("void".to_owned()), |ty| self.name(ty));
        let thrown = either.err.as_ref().map(|ty| self.name(ty)).transpose()?;
        Ok((returned?, thrown))
    }

    fn name(&self, ty: &Type) -> Result<String> {
        Ok(match ty {
            Type::Bool => "boolean".to_owned(),
            Type::S64 | Type::U64 => "bigint".to_owned(),
            Type::U8 | Type::U16 | Type::U32 | Type::S8 | Type::S16 | Type::S32 | Type::F32 | Type::F64 => {
                "number".to_owned()
            }
            Type::String | Type::Char => "string".to_owned(),
            Type::Id(id) => self.defined(*id)?,
            other => bail!("the contract has no {other:?} so far, and neither has this generator"),
        })
    }

    fn defined(&self, id: TypeId) -> Result<String> {
        let definition = &self.resolve.types[id];
        Ok(match (&definition.kind, &definition.name) {
            (TypeDefKind::Handle(handle), _) => {
                let (Handle::Own(id) | Handle::Borrow(id)) = handle;
                self.defined(*id)?
            }
            (_, Some(name)) => name.to_upper_camel_case(),
            (TypeDefKind::List(Type::U8), None) => "Uint8Array".to_owned(),
            (TypeDefKind::List(item), None) => format!("{}[]", self.name(item)?),
            (TypeDefKind::Option(some), None) => format!("{} | null | undefined", self.name(some)?),
            (other, None) => {
                bail!("the contract has no {} so far, and neither has this generator", other.as_str())
            }
        })
    }

    /// The interface in which a type that is used elsewhere is defined.
    fn home(&self, id: TypeId) -> Result<InterfaceId> {
        match self.resolve.types[id].owner {
            TypeOwner::Interface(home) => Ok(home),
            _ => bail!("a type outside of an interface"),
        }
    }

    fn docs(&self, text: &mut String, indent: &str, docs: &Docs, thrown: Option<&str>) {
        let written = docs.contents.as_deref().unwrap_or_default().trim_end();
        let mut lines: Vec<String> = written.lines().map(|line| self.translated(line)).collect();
        if let Some(thrown) = thrown {
            // A plugin throws the value itself; what it calls wraps it.
            let wrapped =
                if thrown == "Failure" { thrown.to_owned() } else { format!("ComponentError<{thrown}>") };
            lines.push(format!("@throws {{{wrapped}}}"));
        }
        match lines.as_slice() {
            [] => {}
            [line] => text.push_str(&format!("{indent}/** {line} */\n")),
            lines => {
                text.push_str(&format!("{indent}/**\n"));
                for line in lines {
                    text.push_str(format!("{indent} * {line}").trim_end());
                    text.push('\n');
                }
                text.push_str(&format!("{indent} */\n"));
            }
        }
    }

    /// A line of documentation with names as JavaScript has them, where they stand in backquotes.
    fn translated(&self, line: &str) -> String {
        let parts = line.split('`').enumerate().map(|(at, part)| match at % 2 {
            0 => part.to_owned(),
            _ => {
                let words = part.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                words.map(|word| self.word(word)).collect()
            }
        });
        parts.collect::<Vec<_>>().join("`")
    }

    fn word(&self, word: &str) -> String {
        let name = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        match self.names.contains(name) {
            true => word.replacen(name, &name.to_lower_camel_case(), 1),
            false => word.to_owned(),
        }
    }
}

/// The functions of an interface that belong to no resource.
fn free_functions(interface: &Interface) -> impl Iterator<Item = &Function> {
    interface.functions.values().filter(|function| !function.name.starts_with('['))
}

/// Names of functions, parameters and fields with a hyphen.
fn names(resolve: &Resolve) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for function in resolve.interfaces.iter().flat_map(|(_, interface)| interface.functions.values()) {
        names.insert(function.item_name().to_owned());
        names.extend(function.params.iter().map(|parameter| parameter.name.clone()));
    }
    for (_, definition) in resolve.types.iter() {
        if let TypeDefKind::Record(record) = &definition.kind {
            names.extend(record.fields.iter().map(|field| field.name.clone()));
        }
    }
    names.retain(|name| name.contains('-'));
    names
}
