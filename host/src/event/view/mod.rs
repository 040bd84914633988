//! Bodies of all kinds as JSON. What comes out is at most about four times as long as what goes in.

mod fields;
mod form;
mod lines;
mod made;
mod multipart;
mod xml;

#[cfg(test)]
mod tests;

pub(crate) use form::decode;
pub(super) use made::View;
