//! Operations of one run over values on a shelf.

use std::sync::Mutex;

use super::*;

/// Values with their versions, and how often it was asked.
#[derive(Debug, Default)]
struct Shelf {
    values: HashMap<(String, String), (&'static str, u64)>,
    asked: Mutex<Vec<String>>,
    closed: bool,
}

impl Kept for Shelf {
    fn value(&self, namespace: &Arc<str>, key: &str, _: Duration) -> Result<Option<KeptValue>, Unavailable> {
        self.asked.lock().unwrap().push(format!("{namespace}/{key}"));
        if self.closed {
            return Err(Unavailable("closed".to_owned()));
        }
        let found = self.values.get(&(namespace.to_string(), key.to_owned()));
        Ok(found.map(|(value, version)| KeptValue { value: Bytes::from(*value), version: *version }))
    }

    fn usage(&self, namespace: &Arc<str>, exact: bool, _: Duration) -> Result<KvUsage, Unavailable> {
        self.asked.lock().unwrap().push(format!("{namespace} {}", if exact { "exactly" } else { "about" }));
        let of = self.values.iter().filter(|((whose, _), _)| **whose == **namespace);
        Ok(of.fold(KvUsage::default(), |used, ((_, key), (value, _))| {
            used.plus(1, (key.len() + value.len()) as i64)
        }))
    }
}

const LONG: Duration = Duration::from_secs(5);

fn shelf(values: &[(&str, &str, &'static str, u64)]) -> Arc<Shelf> {
    let value = |(namespace, key, value, version): &(&str, &str, &'static str, u64)| {
        ((namespace.to_string(), key.to_string()), (*value, *version))
    };
    Arc::new(Shelf { values: values.iter().map(value).collect(), ..Shelf::default() })
}

fn grant(namespace: &str, keys: u64, bytes: u64) -> KvGrant {
    KvGrant { namespace: namespace.into(), most: KvUsage { keys, bytes } }
}

fn roomy() -> KvGrant {
    grant("p", 1000, 1 << 20)
}

fn text(value: Result<Option<Bytes>, KvError>) -> Option<String> {
    value.unwrap().map(|value| String::from_utf8(value.to_vec()).unwrap())
}

/// Reads and writes, sorted.
fn changes(buffer: &KvBuffer) -> (Vec<String>, Vec<String>) {
    let KvChanges { read, written, version, .. } = buffer.changes(7, 1000);
    assert_eq!(version, 7);
    let mut read: Vec<_> =
        read.iter().map(|read| format!("{}/{}@{}", read.namespace, read.key, read.version)).collect();
    let shown = |write: &KvWrite| {
        let value = write.value.as_ref().map(|value| String::from_utf8(value.to_vec()).unwrap());
        let until = write.expires_at.map(|until| format!(" until {until}")).unwrap_or_default();
        format!("{}/{}={}{until}", write.namespace, write.key, value.unwrap_or("-".to_owned()))
    };
    let mut written: Vec<_> = written.iter().map(shown).collect();
    read.sort_unstable();
    written.sort_unstable();
    (read, written)
}

#[test]
fn reads_see_what_the_run_has_written() {
    let shelf = shelf(&[("p", "a", "stored", 3), ("q", "a", "other", 4)]);
    let mut buffer = KvBuffer::new(shelf.clone());
    let mut p = buffer.access(&roomy(), LONG);
    assert_eq!(text(p.get("a".into())).as_deref(), Some("stored"));
    assert_eq!(text(p.get("a".into())).as_deref(), Some("stored"));
    assert_eq!(text(p.get("b".into())), None);
    p.set("a".into(), "one".into(), 0).unwrap();
    p.set("a".into(), "two".into(), 5).unwrap();
    p.set("c".into(), "".into(), 0).unwrap();
    assert_eq!(text(p.get("a".into())).as_deref(), Some("two"));
    assert_eq!(text(p.get("c".into())).as_deref(), Some(""));
    p.remove("c".into()).unwrap();
    p.remove("d".into()).unwrap();
    assert_eq!(text(p.get("c".into())), None);
    let mut q = buffer.access(&grant("q", 9, 99), LONG);
    assert_eq!(text(q.get("a".into())).as_deref(), Some("other"), "another plugin has other keys");
    let (read, written) = changes(&buffer);
    assert_eq!(read, ["p/a@3", "p/b@0", "q/a@4"]);
    assert_eq!(written, ["p/a=two until 6000", "p/c=-", "p/d=-"]);
    let asked = shelf.asked.lock().unwrap();
    let values = asked.iter().filter(|asked| asked.contains('/')).count();
    assert_eq!(values, 3, "each once: {asked:?}");
}

#[test]
fn counters_are_decimal_text_and_saturate() {
    let shelf = shelf(&[
        ("p", "ten", "10", 1),
        ("p", "text", "ten", 1),
        ("p", "most", "9223372036854775807", 1),
        ("p", "huge", "9223372036854775808", 1),
    ]);
    let mut buffer = KvBuffer::new(shelf);
    let mut p = buffer.access(&roomy(), LONG);
    for (key, delta, sum) in [
        ("ten", 5, 15),
        ("ten", -20, -5),
        ("none", 3, 3),
        ("text", 1, 1),
        ("huge", 2, 2),
        ("most", 1, i64::MAX),
        ("least", i64::MIN, i64::MIN),
        ("least", -1, i64::MIN),
        ("zero", 0, 0),
    ] {
        assert_eq!(p.increment(key.into(), delta, 0), Ok(sum), "{key}");
        assert_eq!(text(p.get(key.into())), Some(sum.to_string()));
    }
    p.set("ten".into(), "7".into(), 0).unwrap();
    assert_eq!(p.increment("ten".into(), 1, 60), Ok(8));
    let (_, written) = changes(&buffer);
    assert!(written.contains(&"p/ten=8 until 61000".to_owned()), "{written:?}");
}

#[test]
fn comparing_sets_only_what_is_as_expected() {
    let shelf = shelf(&[("p", "a", "one", 1), ("p", "empty", "", 1)]);
    let mut buffer = KvBuffer::new(shelf);
    let mut p = buffer.access(&roomy(), LONG);
    for (key, expected, did, after) in [
        ("a", None, false, Some("one")),
        ("a", Some("two"), false, Some("one")),
        ("a", Some("one"), true, Some("set")),
        ("a", Some("one"), false, Some("set")),
        ("b", Some(""), false, None),
        ("b", None, true, Some("set")),
        ("b", None, false, Some("set")),
        ("empty", None, false, Some("")),
        ("empty", Some(""), true, Some("set")),
    ] {
        let expected = expected.map(str::as_bytes);
        assert_eq!(p.compare_and_set(key.into(), expected, "set".into(), 0), Ok(did), "{key}");
        assert_eq!(text(p.get(key.into())).as_deref(), after, "{key}");
    }
}

#[test]
fn a_failed_call_has_written_nothing_and_those_before_have() {
    let shelf = shelf(&[("p", "a", "stored", 3)]);
    let mut buffer = KvBuffer::new(shelf);
    let set = |buffer: &mut KvBuffer, key: &str, value: &'static str| {
        buffer.access(&roomy(), LONG).set(key.into(), value.into(), 0).unwrap();
    };
    set(&mut buffer, "a", "first");
    set(&mut buffer, "b", "first");
    buffer.mark();
    set(&mut buffer, "a", "second");
    set(&mut buffer, "a", "third");
    set(&mut buffer, "c", "second");
    let mut q = buffer.access(&grant("q", 9, 99), LONG);
    q.set("x".into(), "y".into(), 0).unwrap();
    assert_eq!(text(q.get("z".into())), None);
    buffer.roll_back();
    assert_eq!(changes(&buffer), (vec!["q/z@0".to_owned()], vec!["p/a=first".into(), "p/b=first".into()]));
    let growth: Vec<_> = buffer.growth().map(|(_, keys, bytes)| (keys, bytes)).collect();
    assert_eq!(growth, [(2, 12), (0, 0)]);
    buffer.mark();
    set(&mut buffer, "a", "4");
    buffer.mark();
    buffer.roll_back();
    assert_eq!(changes(&buffer).1, ["p/a=4", "p/b=first"]);
}

#[test]
fn what_goes_beyond_a_limit_does_nothing() {
    use KvError::Quota;

    let shelf = shelf(&[("p", "a", "1234", 1), ("p", "b", "1234", 1)]);
    let mut buffer = KvBuffer::new(shelf.clone());
    let mut p = buffer.access(&grant("p", 3, 12), LONG);
    let set = |p: &mut KvAccess<'_>, key: &str, value: &'static str| p.set(key.into(), value.into(), 0);
    assert_eq!(set(&mut p, "c", "12"), Err(Quota), "3 bytes, and there is room for 2");
    assert_eq!(set(&mut p, "a", "4321"), Ok(()), "as long as what it replaces");
    assert_eq!(set(&mut p, "a", "123456"), Ok(()));
    assert_eq!(set(&mut p, "a", "1234567"), Err(Quota));
    assert_eq!(set(&mut p, "b", ""), Ok(()));
    assert_eq!(set(&mut p, "c", "123"), Ok(()));
    assert_eq!(set(&mut p, "d", ""), Err(Quota), "a fourth key");
    p.remove("a".into()).unwrap();
    assert_eq!(set(&mut p, "d", ""), Ok(()));
    assert_eq!(p.increment("e".into(), 1, 0), Err(Quota));
    assert_eq!(p.compare_and_set("e".into(), None, "".into(), 0), Err(Quota));
    assert_eq!(p.compare_and_set("e".into(), Some(b"x"), "".into(), 0), Ok(false));
    assert_eq!(changes(&buffer).1, ["p/a=-", "p/b=", "p/c=123", "p/d="]);

    let mut p = buffer.access(&roomy(), LONG);
    let (long, longest) = ("k".repeat(MAX_KEY + 1), "k".repeat(MAX_KEY));
    let large = Bytes::from(vec![b'x'; MAX_VALUE + 1]);
    assert_eq!(p.set(longest.clone(), large.slice(1..), 0), Ok(()));
    assert_eq!(p.set(longest.clone(), large.clone(), 0), Err(Quota));
    assert_eq!(p.compare_and_set(longest, Some(b"?"), large, 0), Err(Quota));
    for key in [String::new(), long] {
        assert_eq!(p.get(key.clone()), Err(Quota));
        assert_eq!(p.set(key.clone(), "".into(), 0), Err(Quota));
        assert_eq!(p.remove(key.clone()), Err(Quota));
        assert_eq!(p.increment(key.clone(), 1, 0), Err(Quota));
        assert_eq!(p.compare_and_set(key, None, "".into(), 0), Err(Quota));
    }
}

#[test]
fn a_run_touches_so_many_keys_only() {
    let mut buffer = KvBuffer::new(shelf(&[]));
    let mut p = buffer.access(&roomy(), LONG);
    for number in 0..MAX_KEYS {
        assert_eq!(p.get(number.to_string()), Ok(None));
    }
    assert_eq!(p.get("one more".into()), Err(KvError::Quota));
    assert_eq!(p.get("1".into()), Ok(None));
}

#[test]
fn what_cannot_be_reached_is_said() {
    let shelf = Arc::new(Shelf { closed: true, ..Shelf::default() });
    let mut buffer = KvBuffer::new(shelf);
    let mut p = buffer.access(&roomy(), LONG);
    let closed = Err(KvError::Unavailable(Unavailable("closed".to_owned())));
    assert_eq!(p.get("a".into()), closed);
    p.set("a".into(), "1".into(), 0).unwrap();
    assert_eq!(text(p.get("a".into())).as_deref(), Some("1"), "its own is known");
    assert_eq!(changes(&buffer).0, [""; 0]);
}
