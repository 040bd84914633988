//! Numbers compared as they are written: exact, and without the tables that turn text into floating point, which would be a
//! fifth of a small component.

use core::cmp::Ordering;

/// A number: its sign, and its magnitude as 0.d₁d₂d₃… × 10^exponent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    exponent: i64,
    /// ASCII digits without zeros at either end; none for zero.
    digits: Vec<u8>,
}

impl Decimal {
    /// Reads a number as JSON writes it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            None => (text, 0),
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        };
        let (whole, fraction) =
            mantissa.split_once('.').map_or((mantissa, None), |(whole, rest)| (whole, Some(rest)));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !fraction.is_none_or(are_digits) {
            return None;
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.unwrap_or_default().bytes()).collect();
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Decimal { negative: false, exponent: 0, digits });
        }
        let exponent = i64::from(exponent)
            .saturating_add_unsigned(whole.len() as u64)
            .saturating_sub_unsigned(leading as u64);
        Some(Decimal { negative, exponent, digits })
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        let zero = other.digits.is_empty().cmp(&self.digits.is_empty());
        zero.then(self.exponent.cmp(&other.exponent)).then_with(|| self.digits.cmp(&other.digits))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
            (left, right) => right.cmp(&left),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn numbers_are_in_their_order() {
        let ascending = [
            "-1e400",
            "-120",
            "-12",
            "-1.5",
            "-1.25",
            "-0.1",
            "0",
            "1e-400",
            "0.001",
            "0.01",
            "0.012",
            "0.1",
            "1",
            "1.00001",
            "2",
            "9.99",
            "10",
            "12345678901234567890",
            "12345678901234567891",
            "1e20",
            "1e400",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(Decimal::read(left).cmp(&Decimal::read(right)), at.cmp(&other), "{left} {right}");
            }
        }
    }

    #[test]
    fn a_number_may_be_written_in_many_ways() {
        for texts in [
            &["0", "-0", "0.0", "0e7"][..],
            &["100", "1e2", "100.0", "1E+2", "0.1e3", "1000e-1"],
            &["-0.05", "-5e-2"],
        ] {
            for text in texts {
                assert_eq!(Decimal::read(text), Decimal::read(texts[0]), "{text}");
            }
        }
        for text in ["", "-", ".", "1.", ".5", "x", "1x", "inf", "1e", "1e1.5", "--1", "+1"] {
            assert_eq!(Decimal::read(text), None, "{text}");
        }
    }
}
