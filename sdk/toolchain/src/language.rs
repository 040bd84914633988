//! The languages plugins are written in, and how a folder of each looks.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::Error;
use crate::languages::{self, Toolchain};

/// A language that plugins are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Rust, by cargo.
    Rust,
    /// TypeScript, by esbuild, in an engine for JavaScript.
    TypeScript,
    /// JavaScript, by esbuild, in an engine for it.
    JavaScript,
    /// Python, by componentize-py.
    Python,
    /// Go, by the usual compiler.
    Go,
    /// C, by clang or Zig.
    C,
}

impl Language {
    /// All of them, in the order in which a folder is looked at: one in TypeScript has the marks of JavaScript as well.
    pub const ALL: [Self; 6] =
        [Self::Rust, Self::TypeScript, Self::JavaScript, Self::Python, Self::Go, Self::C];

    /// As it is written on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::TypeScript => "typescript",
            Self::JavaScript => "javascript",
            Self::Python => "python",
            Self::Go => "go",
            Self::C => "c",
        }
    }

    /// The language of the plugin in this folder.
    ///
    /// # Errors
    /// Where the folder is none of a plugin, or does not exist.
    pub fn of(folder: &Path) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|language| language.toolchain().recognises(folder));
        found.ok_or_else(|| {
            let marks: Vec<_> = Self::ALL.iter().map(|language| language.toolchain().mark()).collect();
            Error::other(format!(
                "{} is no plugin's folder: it has none of {}",
                folder.display(),
                marks.join(", ")
            ))
        })
    }

    pub(crate) fn toolchain(self) -> &'static dyn Toolchain {
        match self {
            Self::Rust => &languages::rust::Rust,
            Self::TypeScript => &languages::javascript::TYPESCRIPT,
            Self::JavaScript => &languages::javascript::JAVASCRIPT,
            Self::Python => &languages::python::Python,
            Self::Go => &languages::go::Go,
            Self::C => &languages::c::C,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::TypeScript => "TypeScript",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::C => "C",
        })
    }
}

impl FromStr for Language {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|language| language.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|language| language.name()).collect();
            Error::other(format!("plugins are not written in `{text}` here, but in {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Workbench;

    #[test]
    fn a_folder_tells_its_language() {
        let check = |files: &[&str], expected: Option<Language>| {
            let folder = tempfile::tempdir().unwrap();
            for file in files {
                crate::write(&folder.path().join(file), b"").unwrap();
            }
            assert_eq!(Language::of(folder.path()).ok(), expected, "{files:?}");
        };
        check(&["Cargo.toml", "src/lib.rs"], Some(Language::Rust));
        check(&["go.mod", "main.go"], Some(Language::Go));
        check(&["plugin.c", "targets.c", "targets.h"], Some(Language::C));
        check(&["package.json", "plugin.js"], Some(Language::JavaScript));
        check(&["package.json", "tsconfig.json", "plugin.ts"], Some(Language::TypeScript));
        check(&["Cargo.toml", "build/shim.c", "shim.c"], Some(Language::Rust));
        check(&["sdk/memory.c", "README.md"], None);
        check(&[], None);
    }

    #[test]
    fn a_folder_that_is_no_plugins_says_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let error = Language::of(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is no plugin's folder: it has none of Cargo.toml"), "{error}");
    }

    #[test]
    fn what_is_missing_is_named_with_the_line_that_installs_it() {
        let folder = tempfile::tempdir().unwrap();
        let bench = Workbench::with_tools(folder.path(), None, Vec::new(), |_| {}).unwrap();
        for language in Language::ALL {
            let missing = crate::missing(language, &bench);
            assert!(!missing.is_empty(), "{language} is built without any tool");
            let error = Error::Missing { language, tools: missing.clone() }.to_string();
            for tool in missing {
                assert!(!tool.install.contains('\n') && !tool.install.is_empty(), "{language}");
                assert!(error.contains(&format!("\n  {}: {}", tool.tool, tool.install)), "{error}");
            }
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for language in Language::ALL {
            assert_eq!(language.name().parse::<Language>().unwrap(), language);
        }
        let error = "cobol".parse::<Language>().unwrap_err().to_string();
        assert!(error.starts_with("plugins are not written in `cobol` here, but in rust, "), "{error}");
    }
}
