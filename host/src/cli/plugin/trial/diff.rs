//! What is other after a call than before it, for people: by members where both are JSON, by lines where both are text.

use serde_json::Value;

use super::super::super::operate::text;

/// Lines that are shown; what goes beyond is counted.
const MAX_LINES: usize = 200;

/// Characters of a value that are shown.
const MAX_VALUE: usize = 160;

/// Pairs of lines that are compared; larger texts are compared at their ends only.
const MAX_PAIRS: usize = 4_000_000;

/// One line of what is other: `-` before, `+` after, `~` both.
pub(super) type Line = String;

/// What is other between two bodies.
pub(super) fn bodies(before: &[u8], after: &[u8]) -> Vec<Line> {
    if before == after {
        return Vec::new();
    }
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    if let (Some(before), Some(after)) = (json(before), json(after)) {
        let lines = values(&before, &after);
        return if lines.is_empty() {
            vec!["  only white space or the order of members".to_owned()]
        } else {
            lines
        };
    }
    match (std::str::from_utf8(before), std::str::from_utf8(after)) {
        (Ok(before), Ok(after)) => bounded(texts(before, after)),
        _ => {
            let same = before.iter().zip(after).take_while(|(one, other)| one == other).count();
            let (before, after) = (before.len(), after.len());
            vec![format!("~ {before} bytes → {after} bytes, which differ from byte {same} on")]
        }
    }
}

/// What is other between two JSON values, by pointers.
pub(super) fn values(before: &Value, after: &Value) -> Vec<Line> {
    let mut lines = Vec::new();
    compare("", before, after, &mut lines);
    bounded(lines)
}

fn compare(at: &str, before: &Value, after: &Value, lines: &mut Vec<Line>) {
    let within = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                match after.get(name) {
                    Some(other) => compare(&within(name), value, other, lines),
                    None => lines.push(format!("- {}: {}", place(&within(name)), shown(value))),
                }
            }
            for (name, value) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
                lines.push(format!("+ {}: {}", place(&within(name)), shown(value)));
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for (number, (one, other)) in before.iter().zip(after).enumerate() {
                compare(&format!("{at}/{number}"), one, other, lines);
            }
            for (number, value) in before.iter().enumerate().skip(after.len()) {
                lines.push(format!("- {at}/{number}: {}", shown(value)));
            }
            for (number, value) in after.iter().enumerate().skip(before.len()) {
                lines.push(format!("+ {at}/{number}: {}", shown(value)));
            }
        }
        (before, after) if before == after => {}
        (before, after) => lines.push(format!("~ {}: {} → {}", place(at), shown(before), shown(after))),
    }
}

fn place(at: &str) -> String {
    if at.is_empty() { "(all)".to_owned() } else { text::line(at) }
}

fn shown(value: &Value) -> String {
    let written = value.to_string();
    match written.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => text::line(&format!("{}…", &written[..end])),
        None => text::line(&written),
    }
}

/// What is other between two texts, by lines.
fn texts(before: &str, after: &str) -> Vec<Line> {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let start = same(&mut before.iter().zip(&after));
    let end = same(&mut before[start..].iter().rev().zip(after[start..].iter().rev()));
    let (before, after) = (&before[start..before.len() - end], &after[start..after.len() - end]);
    let written = |sign: char, line: &&str| {
        let cut: String = line.chars().take(MAX_VALUE).collect();
        format!("{sign} {}", text::line(&cut))
    };
    if before.len().saturating_mul(after.len()) > MAX_PAIRS {
        let gone = before.iter().map(|line| written('-', line));
        return gone.chain(after.iter().map(|line| written('+', line))).collect();
    }
    let common = common(before, after);
    let (mut one, mut other) = (0, 0);
    let mut lines = Vec::new();
    while one < before.len() || other < after.len() {
        match (before.get(one), after.get(other)) {
            (Some(line), Some(same)) if line == same => (one, other) = (one + 1, other + 1),
            (Some(line), further)
                if further.is_none() || common[one + 1][other] >= common[one][other + 1] =>
            {
                lines.push(written('-', line));
                one += 1;
            }
            (_, Some(line)) => {
                lines.push(written('+', line));
                other += 1;
            }
            (_, None) => break,
        }
    }
    lines
}

/// How many lines are common at most from each pair of lines on.
fn common(before: &[&str], after: &[&str]) -> Vec<Vec<u32>> {
    let mut common = vec![vec![0; after.len() + 1]; before.len() + 1];
    for (one, line) in before.iter().enumerate().rev() {
        for (other, further) in after.iter().enumerate().rev() {
            common[one][other] = match line == further {
                true => common[one + 1][other + 1] + 1,
                false => common[one + 1][other].max(common[one][other + 1]),
            };
        }
    }
    common
}

fn bounded(mut lines: Vec<Line>) -> Vec<Line> {
    if lines.len() > MAX_LINES {
        let further = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(format!("  and {further} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_other_is_shown_by_its_kind() {
        let check = |before: &str, after: &str, expected: &[&str]| {
            assert_eq!(bodies(before.as_bytes(), after.as_bytes()), expected, "{before} → {after}");
        };
        check("{}", "{}", &[]);
        check(
            r#"{"a": 1, "b": {"c/d": [1, 2]}, "e": "x"}"#,
            r#"{"a": 2, "b": {"c/d": [1]}, "f": null}"#,
            &["~ /a: 1 → 2", "- /b/c~1d/1: 2", "- /e: \"x\"", "+ /f: null"],
        );
        check(r#"{"a":1}"#, r#"{ "a": 1 }"#, &["  only white space or the order of members"]);
        check("[1]", "7", &["~ (all): [1] → 7"]);
        check("a\nb\nc\nd", "a\nx\nc\ny\nd", &["- b", "+ x", "+ y"]);
        check("a\n", "", &["- a"]);
        check("a=1", "a=\u{1b}", &["- a=1", "+ a=\\u{1b}"]);
        let differ = bodies(b"ab\xff", b"ab\xfe\0");
        assert_eq!(differ, ["~ 3 bytes → 4 bytes, which differ from byte 2 on"]);
    }

    #[test]
    fn much_is_cut() {
        let many = |sign: &str| (0..1_000).map(|number| format!("{sign}{number}\n")).collect::<String>();
        let lines = bodies(many("a").as_bytes(), many("b").as_bytes());
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (MAX_LINES + 1, "  and 1800 more"));
        let value = format!("\"{}\"", "é".repeat(1_000));
        assert!(bodies(b"1", value.as_bytes())[0].chars().count() < 200);
    }
}
