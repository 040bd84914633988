//! `ip_allow` and `rate` of a source: who may knock, and how often.

use ipnet::IpNet;

use crate::provider::Preset;
use crate::rate::Rate;

use super::network::networks;
use super::rate;
use super::table::Table;

/// What is asked of a request before its body is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Admission {
    /// Networks of clients; none where it does not matter.
    pub ip_allow: Option<Vec<IpNet>>,
    /// How many requests are taken.
    pub rate: Option<SourceRate>,
}

/// How many requests of a source are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceRate {
    /// How many.
    pub rate: Rate,
    /// What the others are told.
    pub answer: Limited,
}

/// What a sender is told who sends too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// 429: it sends too much.
    TooManyRequests,
    /// 503: for senders that take any 4xx for final.
    Unavailable,
}

impl Admission {
    pub(super) fn read(table: &Table<'_>, provider: Option<&Preset>) -> Self {
        let (ip_allow, rate) = (table.get("ip_allow"), table.get("rate"));
        if table.get("verify").is_some_and(|value| value.node.get_ref().as_str() == Some("internal")) {
            for unused in [ip_allow, rate].into_iter().flatten() {
                let key = unused.key;
                unused.error(
                    format!("`{key}` has no effect beside verify = \"internal\"; remove one of them"),
                    |_| (),
                );
            }
            return Admission::default();
        }
        Admission {
            ip_allow: ip_allow.and_then(|value| {
                networks(value, "nobody could send; list the sender's networks, or remove `ip_allow`")
            }),
            rate: rate.and_then(|value| rate::read_of_source(value, table, usual_answer(provider))),
        }
    }
}

fn usual_answer(provider: Option<&Preset>) -> Limited {
    match provider {
        Some(Preset { final_4xx: true, .. }) => Limited::Unavailable,
        _ => Limited::TooManyRequests,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::check;
    use super::*;

    fn text(lines: &str) -> String {
        format!("[sources.github]\nsecret = {{ env = \"A\" }}\n{lines}\n{}", check::ROUTE)
    }

    fn admission(lines: &str) -> Admission {
        check::read(&text(lines)).unwrap().sources.remove("github").unwrap().admission
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(admission(""), Admission::default());
        let networks = |texts: &[&str]| Some(texts.iter().map(|text| text.parse().unwrap()).collect());
        assert_eq!(admission("ip_allow = \"192.0.2.1\"").ip_allow, networks(&["192.0.2.1/32"]));
        let several = admission("ip_allow = [\"192.0.2.0/24\", \"2001:db8::1\"]");
        assert_eq!(several.ip_allow, networks(&["192.0.2.0/24", "2001:db8::1/128"]));
        let check = |line: &str, millis, burst, answer| {
            let rate = Rate { interval: Duration::from_millis(millis), burst };
            assert_eq!(admission(line).rate, Some(SourceRate { rate, answer }), "{line}");
        };
        check("rate = \"50/s\"", 20, 5, Limited::TooManyRequests);
        check("rate = { limit = \"120/m\", burst = 10 }", 500, 10, Limited::TooManyRequests);
        check("rate = { limit = \"120/m\", status = 503 }", 500, 1, Limited::Unavailable);
    }

    #[test]
    fn who_drops_at_4xx_is_told_503() {
        let answer = |provider: &str, rate: &str| {
            let text = text(rate)
                .replace("[sources.github]", &format!("[sources.github]\nprovider = \"{provider}\""));
            check::read(&text).unwrap().sources["github"].admission.rate.map(|rate| rate.answer)
        };
        assert_eq!(answer("pagerduty", "rate = \"5/s\""), Some(Limited::Unavailable));
        assert_eq!(answer("alertmanager", "rate = { limit = \"5/s\" }"), Some(Limited::Unavailable));
        assert_eq!(answer("github", "rate = \"5/s\""), Some(Limited::TooManyRequests));
        let operator = "rate = { limit = \"5/s\", status = 429 }";
        assert_eq!(answer("pagerduty", operator), Some(Limited::TooManyRequests));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (lines, expected) in [
            ("ip_allow = []", "nobody could send"),
            ("ip_allow = [\"10/8\"]", "neither a network"),
            ("ip_allow = 4", "found an integer"),
            ("rate = \"50\"", "is no rate"),
            ("rate = {}", "lacks `limit`"),
            ("rate = { limit = \"5/s\", status = 504 }", "`status` is out of range"),
            ("rate = { limit = \"5/s\", status = 500 }", "429 (too many requests) or 503 (unavailable)"),
        ] {
            check::fails(&text(lines), expected);
        }
        for lines in ["rate = \"5/s\"", "ip_allow = \"10.0.0.1\""] {
            let text = format!("[sources.github]\nverify = \"internal\"\n{lines}\n{}", check::ROUTE);
            check::fails(&text, "has no effect beside verify = \"internal\"");
        }
    }
}
