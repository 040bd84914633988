//! Fetches the secrets that a configuration refers to, and makes those that are to be generated.
//!
//! No error, warning or debug text here ever holds a secret, or any part of one.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;

use crate::signature::{Scheme, Secret, private_key, public_key, signing_secret};

use super::SecretRef;

/// The largest file that is taken for a secret; keys are some dozens of bytes.
const MAX_SECRET: u64 = 64 * 1024;
/// As many as the output of SHA-256: what RFC 2104 asks of a key at least.
const RANDOM_BYTES: usize = 32;

/// What to do about a generated secret that is not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// Make it.
    IfMissing,
    /// Leave everything as it is; for a check that changes nothing.
    Never,
}

/// A reference that could be followed.
#[derive(Clone, Debug)]
pub enum SecretRead {
    /// It was there.
    Found {
        /// The secret.
        secret: Secret,
        /// The file, unless it is an environment variable.
        path: Option<PathBuf>,
        /// What an operator should think about.
        warning: Option<String>,
    },
    /// It was made just now: the operator must hand it to the sender.
    Created {
        /// The secret.
        secret: Secret,
        /// The file that keeps it.
        path: PathBuf,
    },
    /// It would be made, were that allowed.
    WouldBeCreated {
        /// The file that would keep it.
        path: PathBuf,
    },
    /// The sender has not brought it yet.
    Awaited {
        /// The file that will keep it.
        path: PathBuf,
    },
}

impl SecretRead {
    /// The secret, unless it is yet to be made.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            SecretRead::Found { secret, .. } | SecretRead::Created { secret, .. } => Some(secret),
            SecretRead::WouldBeCreated { .. } | SecretRead::Awaited { .. } => None,
        }
    }

    /// The file that keeps it, unless it is an environment variable.
    pub fn path(&self) -> Option<&Path> {
        match self {
            SecretRead::Found { path, .. } => path.as_deref(),
            SecretRead::Created { path, .. }
            | SecretRead::WouldBeCreated { path }
            | SecretRead::Awaited { path } => Some(path),
        }
    }
}

/// Why a secret cannot be had.
#[derive(Debug)]
pub enum SecretError {
    /// The environment has no such variable.
    NoVariable(String),
    /// The variable is empty.
    EmptyVariable(String),
    /// `$CREDENTIALS_DIRECTORY` is not set: systemd did not start this process, or without credentials.
    NoCredentials(String),
    /// The file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The file holds nothing but a line break, or not even that.
    Empty(PathBuf),
    /// The file holds more than 64 KiB.
    TooLarge(PathBuf),
    /// A generated secret could not be kept.
    NotCreated(PathBuf, io::Error),
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretError::NoVariable(name) => write!(f, "environment variable {name} is not set"),
            SecretError::EmptyVariable(name) => write!(f, "environment variable {name} is empty"),
            SecretError::NoCredentials(name) => write!(
                f,
                "there is no credential {name}: $CREDENTIALS_DIRECTORY is not set; add LoadCredential={name}:… to the unit"
            ),
            SecretError::Unreadable(path, problem) => write!(f, "secret file {}: {problem}", path.display()),
            SecretError::Empty(path) => write!(f, "secret file {} is empty", path.display()),
            SecretError::TooLarge(path) => write!(f, "secret file {} is larger than 64 KiB", path.display()),
            SecretError::NotCreated(path, problem) => {
                write!(f, "could not keep a generated secret in {}: {problem}", path.display())
            }
        }
    }
}

impl std::error::Error for SecretError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SecretError::Unreadable(_, problem) | SecretError::NotCreated(_, problem) => Some(problem),
            _ => None,
        }
    }
}

/// A secret that may be made here.
struct Made<'a> {
    /// Of its file.
    name: &'a str,
    /// How random bytes are written.
    text: fn(&[u8]) -> String,
}

impl SecretRef {
    /// Follows the reference. A generated secret is kept in `state_dir` under `secrets/` and the source's name.
    pub fn read(
        &self,
        source_name: &str,
        state_dir: &Path,
        create: Create,
    ) -> Result<SecretRead, SecretError> {
        let made = Made { name: source_name, text: |bytes| hex::encode(bytes) };
        self.read_with(&made, state_dir, create, |name| std::env::var_os(name))
    }

    /// Follows the reference to what a source's requests are proven with. For a scheme with a public key, a pair is
    /// generated: the public key is kept where a generated secret would be, and the private one beside it in a file
    /// that ends in `.private`, with which samples can be signed.
    pub fn read_proof(
        &self,
        scheme: &Scheme,
        source_name: &str,
        state_dir: &Path,
        create: Create,
    ) -> Result<SecretRead, SecretError> {
        if *self != SecretRef::Generated || !scheme.is_asymmetric() {
            return self.read(source_name, state_dir, create);
        }
        let directory = state_dir.join("secrets");
        if !matches!(scheme, Scheme::Signed(_)) {
            let path = directory.join(source_name);
            let problem =
                "neither a certificate nor a key for JSON Web Tokens is made here; name the sender's";
            return Err(SecretError::NotCreated(path, io::Error::other(problem)));
        }
        let text = || Ok(private_key(scheme).map_err(io::Error::other)?.expose().to_vec());
        // The private key first, since the public one can be made of it at any time.
        let private = generated(&directory, &private_name(source_name), &text, create)?;
        let Some(private) = private.secret() else {
            return Ok(SecretRead::WouldBeCreated { path: directory.join(source_name) });
        };
        let text = || Ok(public_key(scheme, private).map_err(io::Error::other)?.expose().to_vec());
        generated(&directory, source_name, &text, create)
    }

    /// The private key of a generated pair, see [`read_proof`](SecretRef::read_proof). Makes none.
    pub fn read_private(&self, source_name: &str, state_dir: &Path) -> Result<SecretRead, SecretError> {
        let path = state_dir.join("secrets").join(private_name(source_name));
        match file(&path) {
            Err(SecretError::Unreadable(_, problem)) if problem.kind() == io::ErrorKind::NotFound => {
                Ok(SecretRead::WouldBeCreated { path })
            }
            read => read,
        }
    }

    /// Follows the reference to a secret that a destination's requests are signed with. A generated one is of the form
    /// of Standard Webhooks and kept in `state_dir` under `secrets/`, in a file of its own beside a source's.
    pub fn read_signing(
        &self,
        destination: &str,
        state_dir: &Path,
        create: Create,
    ) -> Result<SecretRead, SecretError> {
        // No source has a name with a dot.
        let name = format!("{destination}.signing");
        let made = Made { name: &name, text: signing_secret };
        self.read_with(&made, state_dir, create, |name| std::env::var_os(name))
    }

    fn read_with(
        &self,
        made: &Made<'_>,
        state_dir: &Path,
        create: Create,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<SecretRead, SecretError> {
        match self {
            SecretRef::Env(name) => variable(name, environment(name)),
            SecretRef::File(path) => file(path),
            SecretRef::Credential(name) => match environment("CREDENTIALS_DIRECTORY") {
                Some(directory) => file(&Path::new(&directory).join(name)),
                None => Err(SecretError::NoCredentials(name.clone())),
            },
            SecretRef::Generated => {
                let text = || Ok((made.text)(&random::<RANDOM_BYTES>()?).into_bytes());
                generated(&state_dir.join("secrets"), made.name, &text, create)
            }
            SecretRef::Handshake => awaited(state_dir.join("secrets").join(made.name)),
        }
    }
}

fn variable(name: &str, value: Option<OsString>) -> Result<SecretRead, SecretError> {
    let value = value.ok_or_else(|| SecretError::NoVariable(name.to_owned()))?;
    if is_blank(value.as_encoded_bytes()) {
        return Err(SecretError::EmptyVariable(name.to_owned()));
    }
    Ok(SecretRead::Found { secret: Secret::new(value.into_encoded_bytes()), path: None, warning: None })
}

fn file(path: &Path) -> Result<SecretRead, SecretError> {
    let unreadable = |problem| SecretError::Unreadable(path.to_owned(), problem);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    let warning = readable_by_others(&file).then(|| {
        format!("secret file {} is readable by others; restrict it to its owner (chmod 600)", path.display())
    });
    file.take(MAX_SECRET + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_SECRET {
        return Err(SecretError::TooLarge(path.to_owned()));
    }
    // `echo secret > file` adds a line break that is no part of it.
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if is_blank(&bytes) {
        return Err(SecretError::Empty(path.to_owned()));
    }
    Ok(SecretRead::Found { secret: Secret::new(bytes), path: Some(path.to_owned()), warning })
}

/// Spaces and line breaks alone are nobody's secret, but what is left where one was forgotten.
fn is_blank(secret: &[u8]) -> bool {
    secret.trim_ascii().is_empty()
}

#[cfg(unix)]
fn readable_by_others(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &File) -> bool {
    false
}

/// No source has a name with a dot.
fn private_name(source_name: &str) -> String {
    format!("{source_name}.private")
}

/// What is kept in a file of that name, made by `text` where there is none.
fn generated(
    directory: &Path,
    name: &str,
    text: &dyn Fn() -> io::Result<Vec<u8>>,
    create: Create,
) -> Result<SecretRead, SecretError> {
    let path = directory.join(name);
    match file(&path) {
        Err(SecretError::Unreadable(_, problem)) if problem.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    if create == Create::Never {
        return Ok(SecretRead::WouldBeCreated { path });
    }
    match make(&path, text) {
        Ok(secret) => Ok(SecretRead::Created { secret, path }),
        // Another process was faster; its secret is the secret.
        Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => file(&path),
        Err(problem) => Err(SecretError::NotCreated(path, problem)),
    }
}

fn awaited(path: PathBuf) -> Result<SecretRead, SecretError> {
    match file(&path) {
        Err(SecretError::Unreadable(_, problem)) if problem.kind() == io::ErrorKind::NotFound => {
            Ok(SecretRead::Awaited { path })
        }
        found => found,
    }
}

fn make(path: &Path, text: &dyn Fn() -> io::Result<Vec<u8>>) -> io::Result<Secret> {
    let secret = Secret::new(text()?);
    keep_secret(path, &secret)?;
    Ok(secret)
}

/// Keeps a secret in a file of a private directory, and returns once it would survive a power failure. The error is
/// `AlreadyExists` where there is one: it is never replaced. Blocks.
///
/// Writes the whole file under another name first, so that nobody ever reads half a secret, and links it into place,
/// which unlike a rename never replaces one that is there.
pub(crate) fn keep_secret(path: &Path, secret: &Secret) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    private_directory(directory)?;
    let draft = directory.join(format!(".{}.new", hex::encode(random::<8>()?)));
    let kept = write_private(&draft, secret.expose()).and_then(|()| fs::hard_link(&draft, path));
    // Left over, it would be a second copy that nobody rotates.
    let removed = fs::remove_file(&draft);
    kept?;
    removed?;
    File::open(directory)?.sync_all()?;
    // The directory itself may be new.
    directory.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn random<const BYTES: usize>() -> io::Result<[u8; BYTES]> {
    let mut random = [0; BYTES];
    rand::fill(&mut random).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    Ok(random)
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    if let Some(parent) = path.parent() {
        // The state directory, if this is what makes it, is nobody else's either.
        builder.recursive(true).create(parent)?;
        builder.recursive(false);
    }
    match builder.create(path) {
        Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        created => created,
    }
}

#[cfg(test)]
mod tests {
    use crate::signature::SigningKey;

    use super::*;

    fn environment(name: &str) -> Option<OsString> {
        match name {
            "SET" => Some("value\n".into()),
            "EMPTY" => Some("".into()),
            "BLANK" => Some(" \n".into()),
            _ => None,
        }
    }

    fn read(reference: SecretRef, state: &Path) -> Result<SecretRead, String> {
        let made = Made { name: "github", text: |bytes| hex::encode(bytes) };
        let read = reference.read_with(&made, state, Create::IfMissing, environment);
        read.map_err(|problem| problem.to_string())
    }

    fn secret(read: Result<SecretRead, String>) -> Result<Vec<u8>, String> {
        read.map(|read| read.secret().unwrap().expose().to_vec())
    }

    #[test]
    fn variables_are_taken_as_they_are() {
        let check = |name: &str, expected: Result<Vec<u8>, String>| {
            assert_eq!(secret(read(SecretRef::Env(name.to_owned()), Path::new("/none"))), expected);
        };
        check("SET", Ok(b"value\n".to_vec()));
        check("EMPTY", Err("environment variable EMPTY is empty".to_owned()));
        check("BLANK", Err("environment variable BLANK is empty".to_owned()));
        check("UNSET", Err("environment variable UNSET is not set".to_owned()));
    }

    #[test]
    fn files_lose_one_line_break() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        for (content, expected) in [
            (b"a".to_vec(), Ok(b"a".to_vec())),
            (b"a\n".to_vec(), Ok(b"a".to_vec())),
            (b"a\r\n".to_vec(), Ok(b"a".to_vec())),
            (b"a\n\n".to_vec(), Ok(b"a\n".to_vec())),
            (b" a ".to_vec(), Ok(b" a ".to_vec())),
            (b"\xff".to_vec(), Ok(b"\xff".to_vec())),
            (b"\n".to_vec(), Err("is empty")),
            (b" \n\t\n".to_vec(), Err("is empty")),
            (b"".to_vec(), Err("is empty")),
            (vec![b'a'; 65_537], Err("is larger than 64 KiB")),
        ] {
            fs::write(&path, &content).unwrap();
            let found = secret(read(SecretRef::File(path.clone()), directory.path()));
            let expected = expected.map_err(|problem| format!("secret file {} {problem}", path.display()));
            assert_eq!(found, expected);
        }
        let missing = read(SecretRef::File(directory.path().join("none")), directory.path()).unwrap_err();
        assert!(missing.contains("No such file"), "{missing}");
        let credential = read(SecretRef::Credential("github".to_owned()), directory.path()).unwrap_err();
        assert!(credential.contains("LoadCredential=github"), "{credential}");
    }

    #[test]
    fn a_generated_secret_is_made_once_and_kept_private() {
        let state = tempfile::tempdir().unwrap();
        let nested = state.path().join("a/b");
        let would = SecretRef::Generated.read("github", &nested, Create::Never).unwrap();
        assert!(matches!(would, SecretRead::WouldBeCreated { .. }) && !nested.exists());
        let SecretRead::Created { secret: made, path } = read(SecretRef::Generated, &nested).unwrap() else {
            panic!("made now");
        };
        assert_eq!(made.expose().len(), 64);
        assert!(made.expose().iter().all(u8::is_ascii_hexdigit));
        assert_eq!(secret(read(SecretRef::Generated, &nested)).unwrap(), made.expose());
        let entries = fs::read_dir(nested.join("secrets")).unwrap();
        assert_eq!(entries.count(), 1, "no draft is left");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&nested.join("secrets"))), (0o600, 0o700));
        }
    }

    #[test]
    fn a_generated_signing_secret_has_the_form_of_standard_webhooks() {
        let state = tempfile::tempdir().unwrap();
        let of_source = secret(read(SecretRef::Generated, state.path())).unwrap();
        let read = || SecretRef::Generated.read_signing("github", state.path(), Create::IfMissing).unwrap();
        let SecretRead::Created { secret: made, path } = read() else { panic!("made now") };
        assert!(made.expose().starts_with(b"whsec_") && SigningKey::new(&made).is_ok());
        assert_eq!(path, state.path().join("secrets/github.signing"));
        assert_eq!(read().secret(), Some(&made));
        assert_ne!(made.expose(), of_source);
    }

    #[test]
    fn a_generated_key_that_signs_has_a_public_half() {
        use crate::provider::preset;
        use crate::signature::{Draft, Verifier, sign};

        for (provider, name) in
            [("discord", None), ("sendgrid", None), ("standard-webhooks", Some("standard-webhooks-ed25519"))]
        {
            let scheme = (preset(provider).unwrap().scheme(name).unwrap().scheme)();
            let state = tempfile::tempdir().unwrap();
            let read =
                |create| SecretRef::Generated.read_proof(&scheme, provider, state.path(), create).unwrap();
            let private = || SecretRef::Generated.read_private(provider, state.path()).unwrap();
            assert!(read(Create::Never).secret().is_none() && private().secret().is_none());
            let made = read(Create::IfMissing);
            assert_eq!(made.path(), Some(&*state.path().join("secrets").join(provider)));
            // Where only the private key is left, the same public one is made again.
            fs::remove_file(made.path().unwrap()).unwrap();
            let public = read(Create::IfMissing).secret().unwrap().clone();
            assert_eq!(Some(&public), made.secret());
            let mut draft = Draft::post(bytes::Bytes::from_static(b"{}").into());
            sign(&scheme, private().secret().unwrap(), &mut draft, "id", 0).unwrap();
            let verifier = Verifier::new(scheme.clone(), [public.into()]).unwrap();
            assert!(verifier.verify(draft.request(), 0).is_ok(), "{provider}");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = fs::metadata(private().path().unwrap()).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600);
            }
        }
    }

    #[test]
    fn many_starts_at_once_agree_on_one_secret() {
        let state = tempfile::tempdir().unwrap();
        let secrets: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| secret(read(SecretRef::Generated, state.path())).unwrap()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(secrets.iter().all(|secret| *secret == secrets[0]));
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_others_can_read_is_warned_about() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, "a").unwrap();
        for (mode, expected) in [(0o600, false), (0o640, true), (0o604, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let Ok(SecretRead::Found { warning, .. }) = file(&path) else { panic!("readable") };
            assert_eq!(warning.is_some(), expected, "{mode:o}");
        }
    }

    #[test]
    fn nothing_shows_a_secret() {
        let shown = format!("{:?}", read(SecretRef::Env("SET".to_owned()), Path::new("/none")));
        assert!(!shown.contains("value"), "{shown}");
    }
}
