//! A body: bytes that go on as they are, and the JSON view in which conditions and plugins read them.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::edit::apply;
use super::view::View;
use super::{Document, Edit, EditError, Headers, NotJson};

/// Bytes with their JSON view, made at most once, by whoever asks first, and shared by all clones.
///
/// What the view is of depends on what the bytes are said to be. JSON is its own view, whatever it is called. A form is
/// an object of its fields; XML an object with the root element in it; JSON lines are a list.
#[derive(Clone, Debug, Default)]
pub struct Body {
    bytes: Bytes,
    content_type: Option<Bytes>,
    view: Arc<OnceLock<Result<View, NotJson>>>,
}

impl Body {
    /// Bytes that came, or are to go, with these headers. Looks at nothing but `Content-Type`, and at that later.
    pub fn new(bytes: Bytes, headers: &Headers) -> Self {
        Body { bytes, content_type: headers.first("content-type").cloned(), view: Arc::default() }
    }

    /// The same bytes under other headers. The view stays what it is unless the content type is another.
    #[must_use]
    pub fn under(self, headers: &Headers) -> Self {
        if headers.first("content-type") == self.content_type.as_ref() {
            return self;
        }
        Body::new(self.bytes, headers)
    }

    /// The same body without what has been made of it for reading, which may take many times its room.
    #[must_use]
    pub fn unread(self) -> Self {
        Body { view: Arc::default(), ..self }
    }

    /// The JSON view for reading, or why there is none.
    pub fn json(&self) -> Result<&Document, &NotJson> {
        self.view().map(View::document)
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes with these changes made to them. Only what is JSON itself can be changed like this: the view of any
    /// other body is a text of our own, and changes to that are no changes to the body.
    pub fn edited(&self, edits: &[Edit]) -> Result<Bytes, EditError> {
        self.edited_in_time(edits, &mut || true)
    }

    /// The same for edits by the thousand, which take their time: now and then `may_go_on` is asked whether there is any
    /// left.
    pub fn edited_in_time(
        &self,
        edits: &[Edit],
        may_go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Bytes, EditError> {
        match self.view() {
            Ok(View::Own(document)) => apply(document, edits, may_go_on),
            Ok(View::Lines(_)) => Err(EditError::OnlyAView("JSON lines")),
            Ok(View::Made { of, .. }) => Err(EditError::OnlyAView(of)),
            Err(not_json) => Err(EditError::NotJson(not_json.clone())),
        }
    }

    pub(super) fn view(&self) -> Result<&View, &NotJson> {
        self.view.get_or_init(|| View::of(&self.bytes, self.content_type.as_deref())).as_ref()
    }

    pub(super) fn content_type(&self) -> Option<&[u8]> {
        self.content_type.as_deref()
    }
}

/// Bytes of which nothing says what they are. Only for tests: whoever has received bytes has headers as well, and what
/// is made without them is taken for JSON.
#[cfg(test)]
impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body::new(bytes, &Headers::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &str) -> Headers {
        let mut headers = Headers::new();
        headers.set("content-type", content_type).expect("a header");
        headers
    }

    fn body(content_type: &str, bytes: &'static str) -> Body {
        Body::new(Bytes::from_static(bytes.as_bytes()), &headers(content_type))
    }

    #[test]
    fn only_json_itself_is_edited() {
        let check = |body: Body, expected: Result<&str, &str>| {
            let edit = Edit::Set { pointer: "/a".to_owned(), value: "2".to_owned() };
            let edited = body.edited(&[edit]).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let edited = edited.map_err(|error| error.to_string());
            assert_eq!(edited.as_deref().map_err(String::as_str), expected);
        };
        check(body("application/json", "{ \"a\": 1 }"), Ok("{ \"a\": 2 }"));
        check(body("text/plain", "{ \"a\": 1 }"), Ok("{ \"a\": 2 }"));
        check(body("application/x-www-form-urlencoded", "{ \"a\": 1 }"), Ok("{ \"a\": 2 }"));
        let refused = |what: &str| {
            format!("the body is not JSON: it is {what}, of which the JSON view can be read, not edited")
        };
        check(body("application/x-www-form-urlencoded", "a=1"), Err(&refused("a form")));
        check(body("application/x-www-form-urlencoded", "payload=%7B%22a%22:1%7D"), Err(&refused("a form")));
        check(body("application/xml", "<a>1</a>"), Err(&refused("XML")));
        check(body("application/x-ndjson", "{\"a\":1}"), Err(&refused("JSON lines")));
        check(
            body("text/plain", "a=1"),
            Err("the body is not JSON: expected value at line 1 column 1 (content type \"text/plain\")"),
        );
    }

    #[test]
    fn another_content_type_makes_another_view() {
        let text = |body: &Body| body.json().map(|json| json.text(json.root()).to_owned()).ok();
        let form = body("application/x-www-form-urlencoded", "a=1");
        assert_eq!(text(&form).as_deref(), Some(r#"{"a":"1"}"#));
        let same = form.clone().under(&headers("application/x-www-form-urlencoded"));
        assert!(Arc::ptr_eq(&form.view, &same.view), "the view is shared");
        assert_eq!(text(&form.under(&headers("application/json"))), None);
    }
}
