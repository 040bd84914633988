//! One step of a script, whose arguments the host keeps.

use hookyard_plugin::{Event, Header, config};

/// A place in the configuration.
pub struct Step(String);

impl Step {
    pub fn new(script: &str, number: u32) -> Self {
        Step(format!("/{script}/{number}"))
    }

    /// An argument as it stands there; None where it does not.
    pub fn argument(&self, name: &str) -> Option<String> {
        config::get([&self.0, "/", name].concat())
    }

    /// A text, empty unless given.
    pub fn text(&self, name: &str) -> String {
        self.argument(name).unwrap_or_default()
    }

    /// The argument `value`, as often as the argument `repeat` says.
    pub fn value(&self) -> Option<String> {
        Some(self.argument("value")?.repeat(self.number("repeat", 1) as usize))
    }

    /// The argument `value` as bytes; where it is not given, the body of the event.
    pub fn bytes(&self, event: &Event) -> Vec<u8> {
        self.value().map_or_else(|| event.body(), String::into_bytes)
    }

    pub fn number(&self, name: &str, default: u32) -> u32 {
        self.argument(name).map_or(default, |digits| digits.parse().expect("a number of 32 bits"))
    }

    pub fn delta(&self) -> i64 {
        self.argument("delta").map_or(0, |digits| digits.parse().expect("a number of 64 bits"))
    }

    /// A double by its bits.
    pub fn double(&self) -> f64 {
        let bits = u64::from_str_radix(&self.text("bits"), 16).expect("sixteen hex digits");
        f64::from_bits(bits)
    }

    /// Names of destinations.
    pub fn names(&self) -> Vec<String> {
        (0..).map_while(|number: u32| self.argument(&format!("to/{number}"))).collect()
    }

    pub fn headers(&self) -> Vec<Header> {
        let header = |number: u32| {
            let name = self.argument(&format!("headers/{number}/name"))?;
            Some(Header { name, value: self.text(&format!("headers/{number}/value")) })
        };
        (0..).map_while(header).collect()
    }
}
