//! The rows, by what people use the senders for. Facts are from the senders' own documentation and libraries, named
//! beside the vectors in `provider/vectors.json` that hold each row to them.

mod chat;
mod code;
mod first;
mod generic;
mod office;
mod payment;

use super::preset::Preset;

pub(super) static ALL: &[&[Preset]] =
    &[first::ROWS, payment::ROWS, chat::ROWS, code::ROWS, office::ROWS, generic::ROWS];
