//! How a new plugin starts: the files of `templates/LANGUAGE/common` and `templates/LANGUAGE/WORLD`.
//!
//! A file whose name ends in `.in` loses that ending, and in its text `{{name}}` becomes the plugin's name and
//! `{{identifier}}` the same with underscores. Any other file is written as it is.

use std::path::Path;

use crate::error::Error;
use crate::{Language, Name, World, folder};

/// A file of a template.
struct File {
    language: &'static str,
    /// The world's name, or `common`.
    part: &'static str,
    /// Relative to the new folder, with `/` between its parts.
    path: &'static str,
    text: &'static str,
}

// `FILES`, which the build script lists.
include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// Writes the files into `destination`, which must not exist.
pub(crate) fn write(destination: &Path, name: &Name, language: Language, world: World) -> Result<(), Error> {
    if destination.symlink_metadata().is_ok() {
        return Err(Error::other(format!("{} exists already", destination.display())));
    }
    let mut written = 0;
    for file in FILES.iter().filter(|file| file.language == language.name()) {
        if file.part == "common" {
            put(destination, file, name)?;
        } else if file.part == world.name() {
            put(destination, file, name)?;
            written += 1;
        }
    }
    match written {
        0 => Err(Error::other(format!("there is no template yet for the world {world} in {language}"))),
        _ => Ok(()),
    }
}

fn put(destination: &Path, file: &File, name: &Name) -> Result<(), Error> {
    match file.path.strip_suffix(".in") {
        None => folder::write(&destination.join(file.path), file.text.as_bytes()),
        Some(path) => {
            let text =
                file.text.replace("{{name}}", name.as_str()).replace("{{identifier}}", &name.identifier());
            folder::write(&destination.join(path), text.as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Workbench;

    #[test]
    fn every_language_has_a_template_for_every_world() {
        let folder = tempfile::tempdir().unwrap();
        for language in Language::ALL {
            for world in World::ALL {
                let name: Name = format!("{}-{world}", language.name()).parse().unwrap();
                crate::create(folder.path(), &name, language, world).unwrap();
                let project = folder.path().join(name.as_str());
                assert_eq!(Language::of(&project).unwrap(), language);
                assert_eq!(Workbench::new(&project, |_| {}).unwrap().name(), name.as_str());
                let readme = std::fs::read_to_string(project.join("README.md")).unwrap();
                assert!(readme.starts_with(&format!("# {name}\n")) && !readme.contains("{{"), "{readme}");
                assert!(project.join("tests").is_dir() && project.join(".gitignore").is_file());
            }
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("mine")).unwrap();
        let error = crate::create(folder.path(), &"mine".parse().unwrap(), Language::C, World::Sink);
        assert!(error.unwrap_err().to_string().ends_with("mine exists already"));
    }
}
