//! What the view of each kind of body is, and that nothing a sender may send makes it panic or grow.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use bytes::Bytes;

use super::super::{Body, Headers};
use super::fields::MAX_FIELDS;

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=\"x-1\"";

fn body(content_type: &str, bytes: &[u8]) -> Body {
    let mut headers = Headers::new();
    headers.set("Content-Type", content_type).expect("a header");
    Body::new(Bytes::copy_from_slice(bytes), &headers)
}

fn view(content_type: &str, bytes: &[u8]) -> Result<String, String> {
    let body = body(content_type, bytes);
    assert_eq!(body.bytes(), bytes);
    body.json().map(|json| json.text(json.root()).to_owned()).map_err(ToString::to_string)
}

/// The view, or how the account of what is wrong begins after "the body is not JSON: ".
#[track_caller]
fn check(content_type: &str, bytes: impl AsRef<[u8]>, expected: Result<&str, &str>) {
    let bytes = bytes.as_ref();
    let seen = view(content_type, bytes);
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    match expected {
        Ok(expected) => assert_eq!(seen.as_deref(), Ok(expected), "{shown}"),
        Err(expected) => {
            let problem = seen.expect_err("no view");
            let said = problem.strip_prefix("the body is not JSON: ").expect(&problem);
            assert!(said.starts_with(expected), "{shown}: {problem}");
            assert!(said.ends_with(&format!("(content type {content_type:?})")), "{problem}");
        }
    }
}

#[test]
fn json_is_json_whatever_it_is_called() {
    for content_type in
        ["application/json", "text/plain; charset=UTF-8", "image/png", "", FORM, "text/xml", MULTIPART]
    {
        check(content_type, " {\"a\" : 1}\n", Ok("{\"a\" : 1}"));
    }
    check("application/x-ndjson", "{\n\"a\":1}", Ok("{\n\"a\":1}"));
    check("application/json", "a=1", Err("expected value"));
    check("application/json", "\u{feff}{}", Err("expected value"));
    check("text/plain", "", Err("it is empty"));
    let nameless = Body::new(Bytes::from_static(b"?"), &Headers::new());
    let problem = nameless.json().expect_err("no view").to_string();
    assert!(problem.ends_with("(no content type)"), "{problem}");
}

#[test]
fn a_form_is_an_object_of_its_fields() {
    let check = |bytes: &str, expected| check(FORM, bytes, expected);
    check("From=%2B15551234&Body=a+b%20c", Ok(r#"{"From":"+15551234","Body":"a b c"}"#));
    check("b=1&a=2&b=3&b=", Ok(r#"{"b":["1","3",""],"a":"2"}"#));
    check("a&=b&&c==&", Ok(r#"{"a":"","":"b","c":"="}"#));
    check("a%5B%5D=%22&x=%zz%", Ok(r#"{"a[]":"\"","x":"%zz%"}"#));
    check("é=%e9%c3%a9&n=%00%0a\n", Ok("{\"é\":\"\u{fffd}é\",\"n\":\"\\u0000\\n\"}"));
    check("1", Ok(r#"{"1":""}"#));
    check("{=1", Ok(r#"{"{":"1"}"#));
    check("", Err("as a form, it is empty"));
    check("a=\0", Err("as a form, it has a control character"));
}

#[test]
fn a_payload_alone_is_the_view() {
    check(FORM, "payload=%7B%22action%22%3A+%22opened%22%7D", Ok(r#"{"action": "opened"}"#));
    check(FORM, "payload=%5B1%5D", Ok("[1]"));
    check(FORM, "payload=1", Ok(r#"{"payload":"1"}"#));
    check(FORM, "payload=%7B", Ok(r#"{"payload":"{"}"#));
    check(FORM, "payload=%7B%7D&a=1", Ok(r#"{"payload":"{}","a":"1"}"#));
    check(FORM, "payload=%7B%7D&payload=%7B%7D", Ok(r#"{"payload":["{}","{}"]}"#));
}

#[test]
fn a_multipart_form_has_files_as_what_they_are_called() {
    let form = "preamble\r\n--x-1\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n{\"a\":1}\r\n--x-1\r\n\
        content-disposition: form-data; name=f; filename=\"a \\\"b\\\".png\"\r\nContent-Type: image/png\r\n\r\n\0\u{1}\r\n\
        --x-1\r\nContent-Disposition: form-data; name=\"raw\"\r\n\r\n\0\r\n--x-1\r\nX: nameless\r\n\r\n\r\n--x-1--\r\n";
    check(
        MULTIPART,
        form,
        Ok(concat!(
            r#"{"json":"{\"a\":1}","f":{"filename":"a \"b\".png","content_type":"image/png","size":2},"#,
            r#""raw":{"size":1}}"#
        )),
    );
    let payload = "--x-1\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{\"a\":1}\r\n--x-1--";
    check(MULTIPART, payload, Ok(r#"{"a":1}"#));
    check(MULTIPART, "--x-1--", Ok("{}"));
    check(MULTIPART, "--x-1\r\n\r\n\r\n", Err("as a multipart form, it ends inside a part"));
    check(MULTIPART, "x", Err("as a multipart form, its boundary is not in it"));
    // Each would be written as six bytes.
    let head = "--x-1\r\nContent-Disposition: form-data; name=\"\0\"\r\n\r\n\r\n--x-1--";
    check(MULTIPART, head, Err("as a multipart form, the head of a part has a control character"));
    check("multipart/form-data", "x", Err("as a multipart form, its content type names no boundary"));
}

#[test]
fn xml_is_an_object_with_its_root_in_it() {
    let check = |bytes: &str, expected| check("application/xml; charset=utf-8", bytes, expected);
    check(
        "\u{feff}<?xml version=\"1.0\"?>\n<!-- c --><order id='7' xmlns:s=\"u\">\n <s:line n=\"1\">a &amp; b</s:line>\
         <s:line/><total>  1.50\n</total><?pi?></order>\n",
        Ok(
            r##"{"order":{"@id":"7","@xmlns:s":"u","s:line":[{"@n":"1","#text":"a & b"},""],"total":"1.50"}}"##,
        ),
    );
    check("<a>x<b/>y<![CDATA[<z>&amp;]]></a>", Ok(r##"{"a":{"#text":"xy<z>&amp;","b":""}}"##));
    check(
        "<a b='&lt;&#x41;&#65;&nope;&'>&quot;\"\n&#0;</a>",
        Ok(r##"{"a":{"@b":"<AA&nope;&","#text":"\"\"\n&#0;"}}"##),
    );
    check("<a/>", Ok(r#"{"a":""}"#));
    check("<a b=\"1\" b=\"2\"/>", Ok(r#"{"a":{"@b":["1","2"]}}"#));
    for (bytes, problem) in [
        ("", "as XML, it has no element"),
        ("just text", "as XML, there is text outside of its root element"),
        ("<a><b>", "as XML, it ends inside <b>"),
        ("<a/><b/>", "as XML, it has more than one root element"),
        ("<a></b>", "as XML, ill-formed document"),
        ("<a>\0</a>", "as XML, it has a control character"),
        ("<a", "as XML, syntax error"),
    ] {
        check(bytes, Err(problem));
    }
    for content_type in ["text/xml", "application/soap+xml", "application/atom+XML;x=y"] {
        assert_eq!(view(content_type, b"<a/>").as_deref(), Ok(r#"{"a":""}"#));
    }
    assert!(view("text/xml", b"<a>\xe9</a>").is_err());
}

#[test]
fn entities_of_a_document_type_are_not_expanded() {
    let bomb = r#"<!DOCTYPE a [<!ENTITY x "boom"><!ENTITY y "&x;&x;"><!ENTITY f SYSTEM "file:///etc/passwd">]>
        <a b="&y;">&y;&f;</a>"#;
    check("text/xml", bomb, Ok(r##"{"a":{"@b":"&y;","#text":"&y;&f;"}}"##));
}

#[test]
fn json_lines_are_a_list() {
    let check = |bytes: &str, expected| check("application/x-ndjson", bytes, expected);
    check("{\"a\": 1}\r\n\n [2] \n\"x\"", Ok("[{\"a\": 1},[2],\"x\"]"));
    check("{}", Ok("[{}]"));
    // Lines that are values only together.
    check("1,2", Err("trailing characters"));
    check("[1\n2]", Err("expected `,` or `]`"));
    check("", Err("it is empty"));
    assert_eq!(view("application/jsonl", b"1\n2").as_deref(), Ok("[1,2]"));
}

#[test]
fn what_is_too_much_is_refused() {
    check(FORM, "a=&".repeat(350_000), Err("as a form, it has more than 10000 fields"));
    let fields = view(FORM, "a=&".repeat(MAX_FIELDS).as_bytes()).expect("as many as allowed");
    assert_eq!(fields.len(), MAX_FIELDS * 3 + "{'a':[]}".len() - 1);
    let deep = "<a>".repeat(200_000);
    check("text/xml", &deep, Err("as XML, it is nested deeper than 128 elements"));
    let wide = format!("<a>{}</a>", "<b/>".repeat(200_000));
    check("text/xml", &wide, Err("as XML, it has more than 100000 elements and attributes"));
    let attributes: String = (0..200_000).map(|at| format!("a{at}='' ")).collect();
    check(
        "text/xml",
        format!("<a {attributes}/>"),
        Err("as XML, it has more than 100000 elements and attributes"),
    );
    let part = "--x-1\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
    check(MULTIPART, part.repeat(20_000), Err("as a multipart form, it has more than 10000 fields"));
    let just_so = format!("{}{}", "<a>".repeat(128), "</a>".repeat(128));
    assert!(view("text/xml", just_so.as_bytes()).is_ok());
}

/// Bytes of no kind, and pieces that mean something in the wrong places. The seed is printed, and taken from
/// `HOOKYARD_SEED` if that is set.
#[test]
fn nothing_panics_and_nothing_grows() {
    const PIECES: [&[u8]; 28] = [
        b"<a",
        b">",
        b"</a>",
        b"/>",
        b"<!DOCTYPE a [",
        b"]>",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"-->",
        b"<?",
        b"?>",
        b"&amp;",
        b"&#x",
        b";",
        b"='",
        b"\"",
        b"--x-1",
        b"\r\n",
        b"\r\n\r\n",
        b"Content-Disposition: form-data; name=",
        b"filename=",
        b"&",
        b"=",
        b"%",
        b"payload=",
        b"{\"a\":[",
        b"]}",
    ];
    let seed = std::env::var("HOOKYARD_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    eprintln!("HOOKYARD_SEED={seed}");
    let mut state = seed | 1;
    let mut random = move || {
        // Xorshift: good enough to stir bytes.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let kinds = [FORM, MULTIPART, "text/xml", "application/x-ndjson", "application/json"];
    for _ in 0..4_000 {
        let mut bytes = Vec::new();
        for _ in 0..random() % 60 {
            match random() % 4 {
                0 => bytes.extend_from_slice(&random().to_le_bytes()[..(random() % 8) as usize]),
                1 => bytes.push(b' ' + (random() % 95) as u8),
                _ => bytes.extend_from_slice(PIECES[random() as usize % PIECES.len()]),
            }
        }
        for kind in kinds {
            if let Ok(text) = view(kind, &bytes) {
                assert!(text.len() <= 4 * bytes.len() + 64, "{kind}: {text}");
            }
        }
    }
}
