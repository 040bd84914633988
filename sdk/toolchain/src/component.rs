//! From a core module to a component.

use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::contract::{CONTRACT, Used};
use crate::error::Error;
use crate::wasi;

/// The contract's interfaces begin so in the imports and exports of a core module.
const PREFIX: &str = "hookyard:plugin/";

/// Makes a component of a core module that says itself which world it is of, in a section that its bindings put there.
pub(crate) fn of_described(core: &[u8]) -> Result<Vec<u8>, Error> {
    encode(core, None)
}

/// Makes a component of a core module whose bindings cover the whole contract: its world is what it imports and exports of
/// it. So it asks for no capability that it does not use.
pub(crate) fn of_linked(core: &[u8]) -> Result<Vec<u8>, Error> {
    let linked = linked(core)?;
    let mut described = core.to_vec();
    let mut resolve = Resolve::default();
    resolve.push_str("plugin.wit", CONTRACT).map_err(|error| unusable(&error))?;
    let package = resolve.push_str("linked.wit", &linked.world()?).map_err(|error| unusable(&error))?;
    let world = resolve.select_world(&[package], None).map_err(|error| unusable(&error))?;
    embed_component_metadata(&mut described, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| unusable(&error))?;
    let adapter = wasi::adapter(core).map_err(|error| unusable(&error))?;
    encode(&described, adapter.as_deref())
}

/// Drops what debuggers read, which is more than all else. The names of functions and of the compiler stay.
pub(crate) fn without_debug_info(core: &[u8]) -> Result<Vec<u8>, Error> {
    let mut kept = wasm_encoder::Module::new();
    for payload in Parser::new(0).parse_all(core) {
        let payload = payload.map_err(|error| unusable(&error))?;
        if matches!(&payload, Payload::CustomSection(section) if section.name().starts_with(".debug")) {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            let data = core.get(range).unwrap_or_default();
            kept.section(&wasm_encoder::RawSection { id, data });
        }
    }
    Ok(kept.finish())
}

fn encode(core: &[u8], adapter: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    let mut encoder =
        ComponentEncoder::default().validate(true).module(core).map_err(|error| unusable(&error))?;
    if let Some(adapter) = adapter {
        encoder = encoder.adapter(wasi::MODULE, adapter).map_err(|error| unusable(&error))?;
    }
    encoder.encode().map_err(|error| unusable(&error))
}

fn unusable(error: &dyn std::fmt::Display) -> Error {
    Error::other(format!("no component can be made of what the compiler wrote: {error:#}"))
}

/// What a core module imports and exports of the contract.
fn linked(core: &[u8]) -> Result<Used, Error> {
    let mut used = Used::default();
    for payload in Parser::new(0).parse_all(core) {
        match payload.map_err(|error| unusable(&error))? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let module = import.map_err(|error| unusable(&error))?.module;
                    if module.starts_with(PREFIX) {
                        used.import(module)?;
                    }
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    // `hookyard:plugin/handler@0.1.0#process`; what `cabi_post_…` belongs to is there as well.
                    let function = export.map_err(|error| unusable(&error))?.name;
                    let interface = function.strip_prefix(PREFIX).and_then(|rest| rest.split_once('@'));
                    if let Some((interface, _)) = interface {
                        used.export(interface);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_and_what_debuggers_read_goes() {
        let custom = |name: &'static str| wasm_encoder::CustomSection {
            name: name.into(),
            data: [0].as_slice().into(),
        };
        let mut module = wasm_encoder::Module::new();
        module.section(&wasm_encoder::MemorySection::new());
        module.section(&custom("producers"));
        let expected = module.clone().finish();
        module.section(&custom(".debug_info")).section(&custom(".debug_line"));
        assert_eq!(without_debug_info(&module.finish()).unwrap(), expected);
    }

    #[test]
    fn a_module_of_no_use_is_refused_with_a_reason() {
        let check = |core: &[u8], reason: &str| {
            let error = of_linked(core).unwrap_err().to_string();
            assert!(error.starts_with(reason), "{error}");
        };
        check(b"\0asm\x01\0\0\0", "the plugin exports nothing: ");
        check(b"\0asm", "no component can be made of what the compiler wrote: ");
        check(b"", "no component can be made of what the compiler wrote: ");
    }
}
