//! What expressions are true of, what is wrong with them, and what they may cost.

use bytes::Bytes;

use super::super::Undecided;
use super::*;
use crate::event::{Event, EventId, Headers};

const BODY: &str = r#"{
    "amount": 1250, "price": 9.5, "big": 18446744073709551615, "neg": -3, "ok": true, "none": null,
    "name": "Zoë \u0041", "half": "\ud800", "tags": ["a", "b"], "deep": {"a": {"b": [1, 2, {"c": "x"}]}},
    "items": [{"price": 5, "qty": 2}, {"price": 50, "qty": 1}], "empty": [], "same": {"b": [1, 2], "a": 1}
}"#;

fn event(body: impl Into<Bytes>) -> Event {
    let mut headers = Headers::new();
    headers.set("X-GitHub-Event", "pull_request").unwrap();
    headers.set("X-Empty", "").unwrap();
    Event {
        id: EventId(uuid::Uuid::nil()),
        source: "github".into(),
        kind: "pull_request.opened".to_owned(),
        delivery_id: None,
        proof: None,
        hops: 0,
        received_at: 1_700_000_000_000,
        method: "POST".to_owned(),
        path: "/in/github".to_owned(),
        query: "team=a%20b&n=7&flag".to_owned(),
        headers,
        body: body.into().into(),
    }
}

fn holds(text: &str, body: impl Into<Bytes>) -> Result<bool, String> {
    let when = When::compile(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    when.holds(&event(body)).map_err(|undecided| undecided.to_string())
}

#[test]
fn what_is_true_and_what_is_not() {
    for (text, expected) in [
        ("true", true),
        ("body.amount > 1000", true),
        ("body.amount > 1000.5 && body.price < 10", true),
        ("body.amount == 1250.0", true),
        ("body.amount % 2 == 0 && body.amount / 2 == 625", true),
        ("body.big > 9223372036854775807u", true),
        ("-body.neg == 3", true),
        ("body.ok", true),
        ("!body.ok || body.none == null", true),
        ("body.name == 'Zoë A'", true),
        ("body.name.startsWith(\"Zo\") && body.name.size() == 5", true),
        ("body.name.lowerAscii().contains('zo')", true),
        ("body.name.matches('^Z.* A$')", true),
        ("body.name.matches(r'\\d')", false),
        ("body.half != ''", true),
        ("'a' in body.tags && !('z' in body.tags)", true),
        ("'amount' in body && !('x' in body)", true),
        ("body.tags == ['a', 'b'] && ['a', 'b'] == body.tags", true),
        ("['a'] != body.tags", true),
        ("body.same == {'a': 1, 'b': [1, 2]}", true),
        ("{'a': 1} == body.same", false),
        ("body.deep.a.b[2].c == 'x' && body['deep']['a'].b[1.0] == 2", true),
        ("size(body.tags) == 2 && size(body) > 5 && body.empty.size() == 0", true),
        ("has(body.amount) && !has(body.x) && has(body.none)", true),
        ("has(body.x) && body.x > 5", false),
        ("has(body.deep.a) && !has(body.deep.z)", true),
        ("body.items.all(i, i.price * i.qty >= 10)", true),
        ("body.items.exists(i, i.price > 40)", true),
        ("body.items.exists_one(i, i.price > 1)", false),
        ("body.items.filter(i, i.price > 10).map(i, i.qty) == [1]", true),
        ("size([1, 2] + body.tags) == 4", true),
        ("body.deep.exists(key, key == 'a')", true),
        ("body.tags.all(t, t in ['a', 'b', 'c'])", true),
        ("body.empty.all(i, i > 5)", true),
        ("body.ok ? body.amount > 1 : body.x", true),
        ("type(body.amount) == int && type(body.tags) == list", true),
        ("string(body.amount) == '1250' && int('7') == 7", true),
        ("event.source == 'github' && event.kind.startsWith('pull_request.')", true),
        ("event.received_at > 1600000000000 && event.method == 'POST' && event.path == '/in/github'", true),
        ("event.id == '00000000-0000-0000-0000-000000000000'", true),
        ("has(event.delivery_id)", false),
        ("headers['x-github-event'] == 'pull_request'", true),
        ("'x-github-event' in headers && !('x-none' in headers)", true),
        ("headers['x-empty'] == '' && size(headers) == 2", true),
        ("headers.exists(name, name.startsWith('x-'))", true),
        ("query.team == 'a b' && int(query['n']) == 7 && 'flag' in query && !has(query.none)", true),
        // What decides is enough; the rest need not be there.
        ("event.kind == 'push' && body.x > 5", false),
        ("event.kind != 'push' || body.x > 5", true),
        ("body.x > 5 || true", true),
        ("// a remark\nbody.amount\n  > 5", true),
    ] {
        assert_eq!(holds(text, BODY), Ok(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_decided_says_why() {
    for (text, expected) in [
        ("body.x > 5", "there is no `x`"),
        ("body.deep.x.y == 1", "there is no `x`"),
        ("headers['x-none'] == ''", "there is no `x-none`"),
        ("event.delivery_id == ''", "there is no `delivery_id`"),
        ("body.name > 5", "`>` does not take string and int"),
        ("body.tags[7] == 'a'", "a list has no item at that place"),
        ("body.tags.x == 'a'", "`.` does not take list and string"),
        ("body.amount.x == 1", "does not take"),
        ("body.amount", "it is neither true nor false but int"),
        ("body.tags", "it is neither true nor false but list"),
        ("body.ok && body.amount", "`&&` does not take"),
        ("body.amount / 0 == 1", "it divides by zero"),
        ("body.amount.size() == 1", "`size` does not take int"),
        ("body.amount.all(x, true)", "it needs iterable where there is int"),
        ("body.amount * 9223372036854775807 > 0", "a number is too large"),
        ("5 in body.name", "`in` does not take"),
    ] {
        let reason = holds(text, BODY).expect_err(text);
        assert!(
            reason.starts_with("`when` cannot be decided: ") && reason.contains(expected),
            "{text}: {reason}"
        );
    }
}

#[test]
fn a_body_that_is_not_json_is_asked_only_where_it_matters() {
    assert_eq!(holds("event.kind == 'push' && body.x", "not json"), Ok(false));
    assert_eq!(holds("event.kind != 'push'", "not json"), Ok(true));
    let when = When::compile("body.x == 1").unwrap();
    assert!(matches!(when.holds(&event("not json")), Err(Undecided::NotJson(_))));
}

#[test]
fn a_loop_over_what_a_sender_sends_takes_bounded_steps() {
    let list = |items: usize| format!("{{\"l\":[{}1]}}", "1,".repeat(items - 1));
    assert_eq!(holds("body.l.all(x, x == 1) && 1 in body.l", list(4_900)), Ok(true));
    for (text, items) in [
        ("body.l.all(x, x == 1)", 20_000),
        ("body.l.exists(x, x == 2)", 20_000),
        ("2 in body.l", 20_000),
        ("body.l == [1]", 20_000),
        ("body.l.all(x, body.l.all(y, body.l.all(z, z == 1)))", 400),
        ("body.l.map(x, body.l.map(y, y)).size() == 0", 400),
        ("[1, 2, 3].all(x, body.l.exists(y, y == 2) || true)", 9_000),
        // The same list over and over.
        ("[body.l].all(l, body.l.all(x, l.all(y, y == 1)))", 400),
        ("body.l.all(x, headers.all(a, headers.all(b, headers.all(c, a != ''))))", 2_000),
        // An error inside a loop does not save it from its end.
        ("body.l.exists(x, body.l.exists(y, y.z)) || true", 400),
    ] {
        let reason = holds(text, list(items)).expect_err(text);
        assert!(reason.contains("more than 10000 steps"), "{text}: {reason}");
    }
    let nested = ["[1,1,1,1,1,1,1,1,1,1].all(x, "; 8].concat() + "true" + &")".repeat(8);
    assert!(holds(&nested, "{}").expect_err("10^8 steps").contains("more than 10000 steps"));
    let deep = format!(
        "{{\"a\":{0}{1},\"b\":{0}{1},\"pad\":\"{2}\"}}",
        "[".repeat(400),
        "]".repeat(400),
        "x".repeat(1 << 20)
    );
    assert!(holds("body.a == body.b", deep).expect_err("too deep").contains("more than 10000 steps"));
    let long = format!("{{\"t\":{:?}}}", "x".repeat(1 << 20));
    assert_eq!(holds("body.t.size() == 1048576 && !body.t.contains('y')", long), Ok(true));
}

#[test]
fn what_an_expression_makes_is_bounded() {
    let body = format!("{{\"s\":{:?},\"l\":[{}1]}}", "x".repeat(100_000), "1,".repeat(4_000));
    let nested =
        |start: &str, grown: &str| format!("{start}{}.size() == 1", format!(".map(x, {grown})").repeat(16));
    for text in [
        nested("[body.s]", "x + x"),
        nested("[bytes(body.s)]", "x + x"),
        nested("[[1]]", "x + x + x"),
        nested("[[1]]", "[x, x, x]"),
        nested("[body.s]", "[x, x]"),
        nested("[body.s]", "{'a': x, 'b': x}"),
        "[body.s + 'x'].all(t, body.l.map(x, t).size() > 0)".to_owned(),
        "body.l.map(x, body.s + 'x').size() > 0".to_owned(),
    ] {
        let reason = holds(&text, body.clone()).expect_err(&text);
        assert!(reason.contains("more than 10000 steps"), "{text}: {reason}");
    }
    for text in [
        "(body.s + body.s).size() == 200000",
        "[1] + [2, 3] == [1, 2, 3]",
        "b'a' + b'b' == b'ab'",
        "'a' + 'b' == 'ab' && 1 + 2 == 3 && 1.5 + 1.0 == 2.5 && 1u + 1u == 2u",
        "body.l.map(x, x + 1).size() == 4001",
        "body.l.exists_one(x, x == 2) == false",
        "[body.s, body.s].map(x, x.size()) == [100000, 100000]",
    ] {
        assert_eq!(holds(text, body.clone()), Ok(true), "{text}");
    }
    assert!(holds("body.l + 'a' == 'b'", body).is_err());
}

/// Expressions made of words at random: none panics, whatever is said of it, and a fault lies within the text.
#[test]
fn any_order_of_words_is_taken_or_refused() {
    const WORDS: [&str; 40] = [
        "body", "event", "headers", "query", "kind", "amount", "tags", "x", ".", ".", ".", "(", ")", "[",
        "]", "{", "}", ":", ",", "?", "==", "!=", "<", "in", "&&", "||", "!", "-", "+", "%", "1", "1.5",
        "2u", "'a'", "\"é\"", "null", "true", "size(", ".all(x, ", "has(",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let event = event(BODY);
    let mut taken = 0;
    for _ in 0..4_000 {
        let text: String = (0..1 + random(12)).map(|_| WORDS[random(WORDS.len())]).collect();
        match When::compile(&text) {
            Ok(when) => {
                taken += 1;
                let _ = (when.holds(&event), when.found(&event));
            }
            Err(fault) => assert!(text.get(fault.at.clone()).is_some(), "{text}: {fault:?}"),
        }
    }
    assert!(taken > 20, "{taken} of them were expressions");
}

/// What is marked and what is said.
fn fault(text: &str) -> (String, String) {
    let fault = with_much_stack(|| When::compile(text)).expect_err(text);
    let marked = text.get(fault.at.clone()).unwrap_or_else(|| panic!("{text}: {:?}", fault.at)).to_owned();
    let near = fault.near.map(|near| format!(" ~{}", near.written)).unwrap_or_default();
    let label = fault.label.map(|label| format!(": {label}")).unwrap_or_default();
    (marked, format!("{}{label}{near}", fault.message))
}

#[test]
fn what_is_wrong_is_found_before_there_is_an_event() {
    for (text, marked, expected) in [
        ("", "", "the expression is empty"),
        ("  ", "  ", "the expression is empty"),
        ("body.amount > ", "", "the expression ends too early"),
        ("body.a = 1", "=", "`=` sets nothing here: `==` compares"),
        ("body.a == 'x", "'x", "a text is not closed"),
        ("body.a & body.b", "&", "a single `&` or `|` is no operator: write `&&` or `||`"),
        ("body.a == 1 and body.b", "and", "`and` is not expected here: write `&&`"),
        ("body.a or body.b", "or", "`or` is not expected here: write `||`"),
        ("not body.a", "body", "`body` is not expected here: write `!` for not"),
        ("body.tags[0", "", "`]` is missing at the end of the expression"),
        ("body.é > 1", "é", "\"é\" has no meaning here"),
        ("'€€' = body.a", "=", "`=` sets nothing here"),
        ("for > 1", "for", "reserved identifier"),
        ("has(body)", "body", "`has` looks for a field: write has(body.field)"),
        ("body.l.all(1, true)", "1", "a loop gives its items a name: write list.all(x, x > 1)"),
        ("bdy.amount > 5", "bdy", "there is no variable `bdy` ~bdy"),
        ("'€' == bdy.amount", "bdy", "there is no variable `bdy`"),
        ("amount > 5", "amount", "there is no variable `amount`"),
        ("event.knd == 'push'", "knd", "`event` has no `knd` ~knd"),
        ("event . type == 'push'", "type", "`event` has no `type`: it is called `kind`"),
        ("event.body.x == 1", "body", "`event` has no `body`: write `body` alone"),
        ("has(event.x)", "has", "`event` has no `x`"),
        (
            "headers['X-Event'] == 'x'",
            "'X-Event'",
            "names of headers are in lower case here: write \"x-event\"",
        ),
        ("headers.x-event == 'x'", "-", "`-` subtracts from headers.x: write headers[\"x-…\"]"),
        ("body.name.startswith('x')", "startswith", "there is no function `startswith` ~startswith"),
        ("lower(body.name) == 'x'", "lower", "there is no function `lower`"),
        ("body.a.all(x)", "all", "`all` is called with something else: write list.all(x, condition on x)"),
        ("size(body.a, 1) > 1", "size", "`size` is called with anything, an integer"),
        (
            "event.kind.contains(5)",
            "contains",
            "`contains` is called with a text, an integer: it is (text).contains(text)",
        ),
        ("body.a.matches(body.b)", "body.b", "a regular expression is written down here"),
        ("body.a.matches('(')", "'('", "this is no regular expression: unclosed group"),
        ("1 + 1", "1 + 1", "`when` is true or false, and this is an integer"),
        (" event.kind ", "event.kind", "`when` is true or false, and this is a text"),
        ("body.items.map(i, i.x)", "body.items.map(i, i.x)", "`when` is true or false, and this is a list"),
        ("event.kind == 5", "==", "a text is never equal to an integer"),
        ("event.kind > 5", ">", "`>` does not take a text and an integer"),
        ("1 + 1.5 > 2", "+", "`+` does not take an integer and a floating-point number: make both the same"),
        ("!event.kind", "event.kind", "what stands after `!` is true or false, and this is a text"),
        ("body.a && 1", "1", "what stands after `&&` is true or false, and this is an integer"),
        ("event.kind ? true : false", "event.kind", "what stands before `?` is true or false"),
        (
            "'x' in event.kind",
            "in",
            "`in` looks into a list or a map, and this is a text: write text.contains(part)",
        ),
        ("event.kind[0] == 'p'", "[", "a text has no items"),
        ("event.kind.all(c, true)", "all", "a text has no items to go through"),
        ("body.a.all(body, body.x)", "all", "`body` has a meaning already"),
        ("event['kind'] == 'x'", "[", "`event` is not indexed"),
        ("X{a: 1}", "{", "there are no messages to make here"),
    ] {
        let (found, said) = fault(text);
        assert!(said.starts_with(expected), "{text}: {said}");
        assert_eq!(found, marked, "{text}: {said}");
    }
}

/// As the configuration compiles.
fn with_much_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(32 << 20).spawn_scoped(scope, work);
        thread.unwrap().join().unwrap()
    })
}

#[test]
fn nothing_that_is_written_takes_long_or_too_deep() {
    let parts = [
        "(",
        "[",
        "{",
        "{1:",
        "a(",
        "!",
        "-",
        "body?",
        "body.b.",
        "!(",
        "body+",
        "1+",
        "1==",
        "a.",
        "a[0]",
        ".a",
        "a[0].",
        "body&&",
        "body==",
        "body[",
        "body.all(x,",
        "'",
        "\"",
        "\\",
        "body?body:",
        "1 ",
        "has(body.b)",
        "-(",
        "body in ",
        "\u{1F600}",
        "\0",
        "'\\ud800'",
        "0x",
        "1e999 ",
        "//",
        "\n",
        "b'\\xff'",
        "`",
    ];
    for part in parts {
        for (begins, ends) in [("", ""), ("", "1"), ("body", ""), ("", ")"), ("(", "1)")] {
            let text = begins.to_owned() + &part.repeat(4000 / part.len()) + ends;
            with_much_stack(|| drop(When::compile(&text)));
        }
    }
    for (open, close) in
        [("(", ")"), ("[", "]"), ("!(", ")"), ("body[", "]"), ("body.all(x, ", ")"), ("body ? (", ") : 1")]
    {
        for depth in [30, 60, 90, 300] {
            let text = open.repeat(depth) + "body" + &close.repeat(depth);
            with_much_stack(|| drop(When::compile(&text)));
        }
    }
    // What is as deep as it may be is evaluated on an ordinary stack.
    for (open, close) in
        [("!(!(", "))"), ("(body.ok ? ", " : false)"), ("[1].all(x, ", ")"), ("[1] == [1] && (", ")")]
    {
        let deepest = (1..50).rev().find_map(|depth| {
            let text = open.repeat(depth) + "body.ok" + &close.repeat(depth);
            with_much_stack(|| When::compile(&text)).ok().map(|when| (depth, when))
        });
        let (depth, when) = deepest.unwrap_or_else(|| panic!("{open}"));
        assert!(depth >= 10, "{open} {depth}");
        assert_eq!(when.holds(&event(BODY)), Ok(true), "{open}");
    }
    assert!(fault(&"x".repeat(5000)).1.contains("the expression has 5000 bytes: at most 4096"));
    assert!(fault(&("(".repeat(60) + "true" + &")".repeat(60))).1.contains("nested too deep"));
    assert!(fault(&("body".to_owned() + &"+1".repeat(600))).1.contains("too large"));
    assert!(fault(&("body".to_owned() + &".a".repeat(600))).1.contains("too large"));
}

#[test]
fn what_an_expression_names_is_shown() {
    let when = When::compile(
        r#"(has(body.deep.a) || body["deep"].a.b[0] == 1 || !has(body.x)) && body.items.all(i, i.price > body.amount)
           && event.kind != "" && "x-none" in headers && headers["x-empty"] == "" && size(headers) > 1 && query.n == "7"
           && body.name != "" && has(body.deep.a) && "a" in body.tags"#,
    );
    let found = when.unwrap().found(&event(BODY));
    let shown: Vec<(&str, Option<&str>)> =
        found.iter().map(|found| (&*found.name, found.value.as_deref())).collect();
    assert_eq!(
        shown,
        [
            ("body.deep.a", Some(r#"{"b": [1, 2, {"c": "x"}]}"#)),
            ("body[\"deep\"].a.b[0]", Some("1")),
            ("body.x", None),
            ("body.items", Some(r#"[{"price": 5, "qty": 2}, {"price": 50, "qty": 1}]"#)),
            ("body.amount", Some("1250")),
            ("event.kind", Some("\"pull_request.opened\"")),
            ("headers[\"x-none\"]", None),
            ("headers[\"x-empty\"]", Some("\"\"")),
            ("headers", Some("[\"x-empty\", \"x-github-event\"]")),
            ("query.n", Some("\"7\"")),
            ("body.name", Some("\"Zoë A\"")),
            ("body.tags", Some("[\"a\", \"b\"]")),
        ]
    );
}
