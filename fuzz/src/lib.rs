//! What the targets have in common. Each takes bytes apart by a simple rule, so that a seed can be written down and a
//! mutation changes one thing.

mod known;
mod pieces;
mod seeds;
mod views;

pub use known::{Known, known};
pub use pieces::{Pieces, join};
pub use seeds::{FORMS, expression_seeds, form_seeds, signature_seeds, write_seeds, xml_seeds};
pub use views::look;
