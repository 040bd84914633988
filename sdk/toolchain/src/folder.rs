//! Reading and writing files, with errors that name them.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Names that are tried for a file on the way; others may be left over.
const NAMES: u32 = 100;

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| Error::io("read", path, &error))
}

/// Writes a file, and makes the folders that are missing on the way. What was there before is replaced, as a whole or not
/// at all; of a link the link, and not what it leads to.
///
/// # Errors
/// Names the file or folder that could not be written or made.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Error::io("make", folder, &error))?;
    }
    replace(path, bytes).map_err(|error| Error::io("write", path, &error))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Renaming would put a file in the place of a device, for good.
    if let Ok(there) = path.symlink_metadata()
        && !there.is_file()
        && !there.is_symlink()
    {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something that is not a file"));
    }
    let (mut file, temporary) = beside(path)?;
    let written = file.write_all(bytes);
    drop(file);
    let renamed = written.and_then(|()| std::fs::rename(&temporary, path));
    renamed.inspect_err(|_| drop(std::fs::remove_file(&temporary)))
}

/// A new file in the folder of another, and where it is.
fn beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not the name of a file"));
    };
    let process = std::process::id();
    for number in 0..NAMES {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{process}-{number}.tmp"));
        let temporary = path.with_file_name(temporary);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many files that were not finished lie beside it"))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let check = |name: &str, expected: usize| {
            let file = root.join(name);
            write(&file, b"new").unwrap();
            assert_eq!(std::fs::read(&file).unwrap(), b"new", "{name}");
            assert!(file.symlink_metadata().unwrap().is_file(), "{name}");
            assert_eq!(file.parent().unwrap().read_dir().unwrap().count(), expected, "{name}");
        };
        check("one/two/file", 1);
        check("one/two/file", 1);
        let other = root.join("other");
        std::fs::write(&other, "old").unwrap();
        symlink(&other, root.join("one/two/link")).unwrap();
        check("one/two/link", 2);
        symlink(root.join("nothing"), root.join("one/two/loose")).unwrap();
        check("one/two/loose", 3);
        assert_eq!(std::fs::read(&other).unwrap(), b"old");
        assert!(!root.join("nothing").exists());

        // A process of the same number has been stopped in the middle.
        let left = root.join(format!("one/two/.file.{}-0.tmp", std::process::id()));
        std::fs::write(&left, "half").unwrap();
        check("one/two/file", 4);
        assert_eq!(std::fs::read(&left).unwrap(), b"half");

        let refused = write(&root.join("one"), b"new").unwrap_err().to_string();
        assert!(refused.ends_with("there is something that is not a file"), "{refused}");
    }
}
