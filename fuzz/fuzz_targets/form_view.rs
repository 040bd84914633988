//! The views of forms, of multipart forms and of JSON lines.
#![no_main]

use hookyard_fuzz::{FORMS, form_seeds, look, write_seeds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: write_seeds(form_seeds), |data: &[u8]| {
    if let Some((choice, body)) = data.split_first() {
        look(FORMS[usize::from(*choice) % FORMS.len()], body);
    }
});
