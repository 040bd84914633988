//! Two HMACs, one for the key and one for the request.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::day::day;

/// Whether this is the signature, in hex. Compared in constant time.
pub fn is_signed(secret: &[u8], seconds: i64, signed: &[u8], signature: &str) -> bool {
    let Some(signature) = unhex(signature) else { return false };
    let key = keyed(secret, day(seconds).as_bytes()).finalize().into_bytes();
    keyed(&key, signed).verify_slice(&signature).is_ok()
}

fn keyed(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    // An HMAC takes a key of any length.
    let mut hmac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(key).unwrap_or_else(|_| unreachable!());
    hmac.update(text);
    hmac
}

/// Lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"acme-secret";
    const TIME: i64 = 1_795_219_200;
    /// Made with Python: hmac.new(hmac.new(SECRET, b"2026-11-21", sha256).digest(), b"what is signed", sha256).hexdigest()
    const SIGNATURE: &str = "0e7a5cf81bd176f405571c780ddfe0e2fddf1847ccf29f16dd0ce6bdee2469b9";

    #[test]
    fn signatures_by_somebody_else() {
        let mut shortened = SIGNATURE.to_string();
        shortened.truncate(62);
        let next_day = TIME + 86_400;
        for (secret, time, signed, signature, expected) in [
            (SECRET, TIME, "what is signed", SIGNATURE, true),
            (SECRET, TIME + 86_399, "what is signed", SIGNATURE, true),
            (SECRET, TIME, "what is signed", &SIGNATURE.to_uppercase(), true),
            (SECRET, next_day, "what is signed", SIGNATURE, false),
            (SECRET, TIME, "what is tampered with", SIGNATURE, false),
            (b"another", TIME, "what is signed", SIGNATURE, false),
            (SECRET, TIME, "what is signed", &shortened, false),
            (SECRET, TIME, "what is signed", "", false),
            (SECRET, TIME, "what is signed", "not hex", false),
        ] {
            assert_eq!(
                is_signed(secret, time, signed.as_bytes(), signature),
                expected,
                "{time} {signed} {signature}"
            );
        }
        assert_eq!(unhex(&hex(&[0, 9, 10, 255])), Some(vec![0, 9, 10, 255]));
    }
}
