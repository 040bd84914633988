//! JavaScript and TypeScript: bundled by esbuild, then put into an engine that is itself WebAssembly.

mod bundle;
mod engine;
mod manifest;

use crate::error::{Error, Missing};
use crate::languages::Toolchain;
use crate::workbench::Workbench;

use bundle::Bundle;
use manifest::Manifest;

/// A language that esbuild makes JavaScript of.
pub(crate) struct Script {
    mark: &'static str,
    /// The source to begin with, unless `main` in package.json names one.
    main: &'static str,
}

pub(crate) static JAVASCRIPT: Script = Script { mark: "package.json", main: "plugin.js" };

pub(crate) static TYPESCRIPT: Script = Script { mark: "tsconfig.json", main: "plugin.ts" };

impl Toolchain for Script {
    fn mark(&self) -> &'static str {
        self.mark
    }

    fn missing(&self, bench: &Workbench) -> Vec<Missing> {
        if bench.find("node").is_none() {
            return vec![Missing { tool: "Node.js 20 or newer", install: "https://nodejs.org".to_owned() }];
        }
        // A manifest that cannot be read is for `build` to tell of.
        let engine = Manifest::of(bench).unwrap_or_default().engine;
        let tools = [bundle::ESBUILD, engine.package()];
        tools.into_iter().filter(|tool| !tool.is_installed(bench)).map(Package::missing).collect()
    }

    fn build(&self, bench: &Workbench) -> Result<Vec<u8>, Error> {
        let manifest = Manifest::of(bench)?;
        let main = manifest.main.as_deref().unwrap_or(self.main);
        let bundle = Bundle::of(bench, main, manifest.engine)?;
        manifest.engine.componentize(bench, &bundle)
    }
}

/// A package of npm, with the version that was tried.
#[derive(Clone, Copy)]
struct Package {
    name: &'static str,
    version: &'static str,
    /// The command that it brings, if it is used through one.
    command: Option<&'static str>,
}

impl Package {
    fn is_installed(self, bench: &Workbench) -> bool {
        match self.command {
            Some(command) => bench.find(command).is_some(),
            None => bench.node_module(self.name).is_some(),
        }
    }

    fn missing(self) -> Missing {
        let Package { name, version, .. } = self;
        Missing { tool: name, install: format!("npm install --save-dev --save-exact {name}@{version}") }
    }
}
