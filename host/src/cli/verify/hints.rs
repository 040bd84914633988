//! What usually goes wrong between a sender and a file, tried with the same check and the same secrets.

use super::case::Case;
use super::command::query;
use super::variants;
use crate::provider::Preset;
use crate::signature::{KeyEncoding, Refusal, Scheme, Secret};

/// Variations that are tried at most.
const MAX_TRIES: usize = 64;

/// Conditions under which the request would be genuine, each to follow "it would be genuine if".
pub(super) fn hints(case: &Case, refusal: &Refusal, preset: Option<&Preset>) -> Vec<String> {
    let mut tries = schemes(case, preset);
    if matches!(refusal, Refusal::BadSignature | Refusal::WrongToken) {
        tries.extend(bodies(case));
        tries.extend(secrets(case));
        tries.extend(urls(case));
    }
    let fitting = tries.into_iter().take(MAX_TRIES).filter(|(_, case)| case.fits());
    time(case, refusal).into_iter().chain(fitting.map(|(condition, _)| condition)).collect()
}

/// When the request has to have come, where nothing but its age is against it.
fn time(case: &Case, refusal: &Refusal) -> Option<String> {
    let seconds = match refusal {
        Refusal::StaleTimestamp(age) => -i64::try_from(*age).ok()?,
        Refusal::FutureTimestamp(ahead) => i64::try_from(*ahead).ok()?,
        _ => return None,
    };
    let now = case.now.saturating_add(seconds.saturating_mul(1000));
    let then = Case { now, ..case.clone() };
    matches!(then.check(&mut ()), Ok(Ok(_)))
        .then(|| format!("it came when it was signed, which --now {} says", now.div_euclid(1000)))
}

type Try = (String, Case);

fn schemes(case: &Case, preset: Option<&Preset>) -> Vec<Try> {
    let all = preset.map_or(&[][..], |preset| preset.schemes).iter();
    let others = all.map(|named| (named.name, (named.scheme)())).filter(|(_, scheme)| *scheme != case.scheme);
    others
        .map(|(name, scheme)| (format!("the scheme were {name}"), Case { scheme, ..case.clone() }))
        .collect()
}

fn bodies(case: &Case) -> Vec<Try> {
    let bytes = case.request.body.bytes();
    let mut others: Vec<(&str, Vec<u8>)> = Vec::new();
    for end in [&b"\r\n"[..], b"\n"] {
        match bytes.strip_suffix(end) {
            Some(shorter) => {
                others.push(("the body did not end in a line break", shorter.to_vec()));
            }
            None => others.push(("the body ended in a line break", [bytes, end].concat())),
        }
    }
    if let Some(rest) = bytes.strip_prefix("\u{feff}".as_bytes()) {
        others.push(("the body did not begin with a byte order mark", rest.to_vec()));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if text.contains("\r\n") {
            others.push((
                "the lines of the body ended in LF instead of CR LF",
                text.replace("\r\n", "\n").into(),
            ));
        } else if text.contains('\n') {
            others.push((
                "the lines of the body ended in CR LF instead of LF",
                text.replace('\n', "\r\n").into(),
            ));
        }
        let forms = [
            ("the JSON of the body had no blanks between its parts", None),
            ("the JSON of the body were indented by two", Some(2)),
            ("the JSON of the body were indented by four", Some(4)),
        ];
        for (condition, indent) in forms {
            others.extend(variants::json(text, indent).map(|text| (condition, text.into_bytes())));
        }
        match variants::payload_of_form(text) {
            Some(payload) => {
                others.push(("the body were the decoded payload of its form", payload.into_bytes()));
            }
            None => others.push((
                "the body were the form that was sent, in which this is the payload",
                variants::form_of_payload(text).into_bytes(),
            )),
        }
    }
    // The first words for a body are those that say most.
    let mut seen = vec![bytes.to_vec()];
    others.retain(|(_, body)| {
        let new = !seen.contains(body);
        seen.extend(new.then(|| body.clone()));
        new
    });
    let others = others.into_iter();
    others.map(|(condition, body)| (condition.to_owned(), case.with_body(body))).collect()
}

fn secrets(case: &Case) -> Vec<Try> {
    let mut tries = Vec::new();
    for (at, secret) in case.secrets.iter().enumerate() {
        let with = |secret: Vec<u8>| Case { secrets: vec![Secret::new(secret).into()], ..case.clone() };
        let trimmed = secret.secret.expose().trim_ascii();
        if trimmed != secret.secret.expose() {
            tries.push((
                format!("secret {at} had no blanks or line breaks around it"),
                with(trimmed.to_vec()),
            ));
        }
        let Scheme::Signed(signed) = &case.scheme else { continue };
        for (encoding, condition) in [
            (KeyEncoding::Verbatim, "were used as it stands"),
            (KeyEncoding::Base64, "were decoded from base64"),
            (KeyEncoding::Hex, "were decoded from hexadecimal"),
        ] {
            let mut other = signed.clone();
            other.key_encoding = encoding;
            if encoding == KeyEncoding::Verbatim {
                other.key_prefix = String::new();
            } else if other.key_prefix.is_empty() {
                other.key_prefix = "whsec_".to_owned();
            }
            if other == *signed {
                continue;
            }
            let scheme = Scheme::Signed(other);
            tries.push((format!("secret {at} {condition}"), Case { scheme, ..with(trimmed.to_vec()) }));
        }
    }
    tries
}

fn urls(case: &Case) -> Vec<Try> {
    let url = case.request.url.as_deref().filter(|_| case.scheme.names_url());
    let others = url.map(variants::urls).unwrap_or_default();
    others
        .into_iter()
        .map(|(difference, url)| {
            let mut other = case.clone();
            let condition = format!("the address {difference}: {url}");
            other.request.query = query(&url).to_owned();
            other.request.url = Some(url);
            (condition, other)
        })
        .collect()
}
