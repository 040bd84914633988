//! Values of the author's own types, from and to JSON.

use serde::de::DeserializeOwned;

use crate::{Event, Failure};

impl Event {
    /// The body, which is JSON, as a type of your own. With the feature `serde`.
    ///
    /// This copies the whole body into the sandbox; a few fields of a large one are cheaper through the `json_*` functions.
    ///
    /// # Errors
    ///
    /// A permanent failure that says where it does not fit.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        parse(&self.body(), "the body")
    }

    /// The node at an RFC 6901 pointer as a type of your own; what is absent reads like `null`. With the feature `serde`.
    ///
    /// # Errors
    ///
    /// A permanent failure that says where it does not fit.
    pub fn parse_at<T: DeserializeOwned>(&self, pointer: &str) -> Result<T, Failure> {
        let text = self.json_source(pointer);
        parse(text.as_deref().unwrap_or("null").as_bytes(), pointer)
    }
}

pub(crate) fn parse<T: DeserializeOwned>(json: &[u8], what: &str) -> Result<T, Failure> {
    serde_json::from_slice(json)
        .map_err(|error| Failure::permanent([what, ": ", &error.to_string()].concat()))
}

pub(crate) fn text(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::permanent(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::testing::Host;
    use crate::{Event, Failure, Verdict, config, output};

    type Numbers = BTreeMap<String, i64>;

    fn process(event: Event) -> Result<Verdict, Failure> {
        let plus: Numbers = config::parse()?;
        let mut numbers: Numbers = event.parse()?;
        assert_eq!(event.parse_at::<Option<i64>>("/a")?, numbers.get("a").copied());
        for (name, number) in plus {
            *numbers.entry(name).or_default() += number;
        }
        output::set_json(&numbers)?;
        output::json_set_value("/all", &numbers.values().collect::<Vec<_>>())?;
        Ok(Verdict::Forward)
    }

    #[test]
    fn values_come_and_go_as_json() {
        let mut host = Host::new().config(r#"{"a": 1, "b": 2}"#);
        let ran = host.process(process, r#"{"a": 10}"#);
        assert_eq!(ran.message().text(), r#"{"a":11,"b":2,"all":[11,2]}"#);
        assert_eq!(ran.message().header("content-type"), Some("application/json"));
        for (body, problem) in [
            ("{", "the body: EOF while parsing an object at line 1 column 1"),
            (r#"{"a": "x"}"#, "the body: invalid type: string \"x\", expected i64 at line 1 column 9"),
        ] {
            assert_eq!(host.process(process, body).failure(), &Failure::permanent(problem));
        }
    }
}
