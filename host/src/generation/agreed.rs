//! What both sides have agreed on for handshakes, with the token read.

use crate::config::{Handshakes, SecretRead};
use crate::provider::Handshake;
use crate::signature::Secret;

use super::{Problem, Workshop};

/// How a source answers a sender that makes sure that somebody listens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agreed {
    /// The questions that are answered.
    pub(crate) kinds: Vec<Handshake>,
    /// The agreed token, where one was needed and is known.
    pub(crate) token: Option<Secret>,
    /// Who may send: host names, or `*` for all.
    pub(crate) origins: Vec<String>,
    /// Requests a minute that are granted; as many as asked for without.
    pub(crate) rate: Option<u32>,
}

impl Agreed {
    pub(super) fn read(
        handshakes: &Handshakes,
        source: &str,
        workshop: &Workshop,
    ) -> Result<(Self, Option<Problem>), Vec<Problem>> {
        let mut agreed = Agreed {
            kinds: handshakes.kinds.clone(),
            token: None,
            origins: handshakes.allowed_origins.clone(),
            rate: handshakes.allowed_rate,
        };
        let Some((at, reference)) = &handshakes.verify_token else { return Ok((agreed, None)) };
        let problem = |message: String| Problem { at: Some(at.clone()), message };
        let read = reference
            .read(source, &workshop.state_dir, workshop.create)
            .map_err(|error| vec![problem(format!("source `{source}`: {error}"))])?;
        agreed.token = read.secret().cloned();
        let warning = match read {
            SecretRead::Found { warning: Some(warning), .. } => Some(problem(warning)),
            _ => None,
        };
        Ok((agreed, warning))
    }
}
