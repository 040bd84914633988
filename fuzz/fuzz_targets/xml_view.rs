//! The view of XML.
#![no_main]

use hookyard_fuzz::{look, write_seeds, xml_seeds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: write_seeds(xml_seeds), |data: &[u8]| look("application/xml", data));
