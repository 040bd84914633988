//! A secret that the sender itself brings, believed once: the first one is kept on the disk and in this cell, which all
//! generations of the source share, so that it counts at once and no reload can lose it.
//!
//! Bringing the same one again is answered as the first time was, since the answer to that may have been lost. It tells
//! whoever guesses no more than he can learn anyway: that a guess is right is also told by an event that is signed with
//! it and accepted. A wrong one is refused in constant time, save for its length.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;

use crate::config::{Create, SecretError, SecretRead, SecretRef, keep_secret};
use crate::signature::{Scheme, Secret, Verifier};

/// Bytes of a secret that a sender may bring.
const MAX_SECRET: usize = 512;

/// The secret, once it is known.
#[derive(Debug)]
pub(crate) struct HookSecret {
    path: PathBuf,
    known: ArcSwapOption<Secret>,
    /// Held while the file and what is known of it may differ.
    changing: Mutex<()>,
}

/// What came of a secret that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is kept from now on.
    First,
    /// It is the one that is known.
    Again,
}

/// Why a secret that a sender brings is not taken.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// There is another one already, in this file.
    Known(PathBuf),
    /// It cannot be one.
    Unsuitable(&'static str),
    /// It cannot be kept.
    NotKept(PathBuf, io::Error),
}

impl HookSecret {
    fn new(path: PathBuf) -> Self {
        HookSecret { path, known: ArcSwapOption::empty(), changing: Mutex::new(()) }
    }

    /// Reads the file, which the operator may have removed to let another secret be brought.
    fn look(&self, source: &str, state_dir: &Path, create: Create) -> Result<SecretRead, SecretError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let read = SecretRef::Handshake.read(source, state_dir, create)?;
        let same = self.known.load().as_deref() == read.secret();
        if !same {
            self.known.store(read.secret().cloned().map(Arc::new));
        }
        Ok(read)
    }

    fn keep(&self, secret: Secret) -> Result<Taken, NotTaken> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.known.load().as_deref() {
            Some(known) if known.is(secret.expose()) => return Ok(Taken::Again),
            Some(_) => return Err(NotTaken::Known(self.path.clone())),
            None => {}
        }
        keep_secret(&self.path, &secret).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => NotTaken::Known(self.path.clone()),
            _ => NotTaken::NotKept(self.path.clone(), error),
        })?;
        self.known.store(Some(Arc::new(secret)));
        Ok(Taken::First)
    }
}

/// A scheme with the key that the sender brings.
#[derive(Debug)]
pub(crate) struct HookVerifier {
    scheme: Scheme,
    secret: Arc<HookSecret>,
    /// Made of which secret.
    made: ArcSwapOption<(Option<Arc<Secret>>, Verifier)>,
}

impl HookVerifier {
    /// Shares the cell of the generation before, if it was for the same file. Says what was found in the file.
    pub(super) fn build(
        scheme: &Scheme,
        source: &str,
        state_dir: &Path,
        create: Create,
        before: Option<&HookVerifier>,
    ) -> Result<(Self, SecretRead), SecretError> {
        let path = state_dir.join("secrets").join(source);
        let shared = before.map(|before| &before.secret).filter(|secret| secret.path == path);
        let secret = shared.cloned().unwrap_or_else(|| Arc::new(HookSecret::new(path)));
        let read = secret.look(source, state_dir, create)?;
        Ok((HookVerifier { scheme: scheme.clone(), secret, made: ArcSwapOption::empty() }, read))
    }

    /// The verifier for the secret that is known now; without one it refuses everything.
    pub(super) fn verifier(&self) -> Arc<(Option<Arc<Secret>>, Verifier)> {
        let known = self.secret.known.load_full();
        let same = |made: &(Option<Arc<Secret>>, Verifier)| match (&made.0, &known) {
            (Some(made), Some(known)) => Arc::ptr_eq(made, known),
            (made, known) => made.is_none() && known.is_none(),
        };
        if let Some(made) = self.made.load_full().filter(|made| same(made)) {
            return made;
        }
        let of =
            |secret: Option<&Secret>| Verifier::new(self.scheme.clone(), secret.cloned().map(Into::into));
        // Without secrets there is none that cannot be used; one that cannot was refused when it came.
        let verifier =
            of(known.as_deref()).unwrap_or_else(|_| Verifier::without_secrets(self.scheme.clone()));
        let made = Arc::new((known, verifier));
        self.made.store(Some(made.clone()));
        made
    }

    /// Keeps a secret that the sender brings, durably, if there is none yet. Also takes the one that is known. Blocks.
    pub(crate) fn take(&self, text: &[u8]) -> Result<Taken, NotTaken> {
        if text.is_empty() || text.len() > MAX_SECRET || !text.iter().all(u8::is_ascii_graphic) {
            return Err(NotTaken::Unsuitable("it is not a word of at most 512 characters"));
        }
        let secret = Secret::new(text);
        let usable = Verifier::new(self.scheme.clone(), [secret.clone().into()]);
        usable.map_err(|(_, problem)| NotTaken::Unsuitable(problem))?;
        self.secret.keep(secret)
    }
}

#[cfg(test)]
mod tests {
    use crate::signature::Hash;

    use super::*;

    fn build(state: &Path, before: Option<&HookVerifier>) -> HookVerifier {
        let scheme = Scheme::hex_of_body(Hash::Sha256, "X-Hook-Signature", "");
        HookVerifier::build(&scheme, "asana", state, Create::IfMissing, before).unwrap().0
    }

    fn known(hook: &HookVerifier) -> Option<Vec<u8>> {
        hook.verifier().0.as_deref().map(|secret| secret.expose().to_vec())
    }

    #[test]
    fn the_first_secret_is_believed_and_no_other() {
        let state = tempfile::tempdir().unwrap();
        let hook = build(state.path(), None);
        assert_eq!(known(&hook), None);
        for text in ["", "two words", "\u{e9}", &"x".repeat(513)] {
            assert!(matches!(hook.take(text.as_bytes()), Err(NotTaken::Unsuitable(_))), "{text:?}");
        }
        assert_eq!(hook.take(b"first").unwrap(), Taken::First);
        assert_eq!(known(&hook).unwrap(), b"first");
        for text in ["second", "firs", "first1"] {
            assert!(matches!(hook.take(text.as_bytes()), Err(NotTaken::Known(_))), "{text}");
        }
        assert_eq!(hook.take(b"first").unwrap(), Taken::Again);
        let restarted = build(state.path(), None);
        assert_eq!(known(&restarted).unwrap(), b"first", "after a restart");
        assert_eq!(restarted.take(b"first").unwrap(), Taken::Again);
        assert!(matches!(restarted.take(b"second"), Err(NotTaken::Known(_))));
    }

    #[test]
    fn of_many_at_once_one_is_believed() {
        let state = tempfile::tempdir().unwrap();
        let hook = build(state.path(), None);
        let taken = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|number| {
                    scope.spawn({
                        let hook = &hook;
                        move || hook.take(format!("s{number}").as_bytes())
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(Result::is_ok).count()
        });
        assert_eq!(taken, 1);
        assert_eq!(known(&build(state.path(), None)), known(&hook));
    }

    #[test]
    fn a_reload_sees_what_the_generation_before_was_brought() {
        let state = tempfile::tempdir().unwrap();
        let old = build(state.path(), None);
        let new = build(state.path(), Some(&old));
        old.take(b"first").unwrap();
        assert_eq!(known(&new).unwrap(), b"first", "brought to the old one after the new one was made");
        std::fs::remove_file(state.path().join("secrets/asana")).unwrap();
        let armed = build(state.path(), Some(&new));
        assert_eq!(known(&armed), None);
        armed.take(b"second").unwrap();
        assert_eq!(known(&armed).unwrap(), b"second");
    }
}
