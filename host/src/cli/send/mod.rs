//! `hookyard send`: a sample, signed as its sender signs, to a gateway or to whoever is to receive it.

mod command;
mod curl;
mod edit;
mod key;
mod list;
mod post;
mod signed;
mod target;

pub(super) use command::{Arguments, run};
pub(super) use list::{find_sample, sample_request};
pub(super) use target::unknown;
