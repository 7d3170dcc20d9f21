//! Card numbers: drawn from a range, validated (ISO/IEC 7812-1, Luhn), looked up by a keyed fingerprint.

use std::fmt;

use zeroize::Zeroizing;

use crate::{Purpose, Vault, VaultError, random_bytes};

/// A primary account number (PAN). It cannot be printed, and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Pan(Zeroizing<String>);

/// Why a text is not a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PanError {
    /// Not 12 to 19 digits.
    #[error("must be a card number: 12 to 19 digits")]
    Digits,
    #[error("has a wrong check digit")]
    CheckDigit,
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[card number]")
    }
}

impl Pan {
    /// Parses a number; spaces and hyphens between digits are ignored.
    pub fn parse(text: &str) -> Result<Pan, PanError> {
        let digits: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !matches!(c, ' ' | '-')).collect());
        if !(12..=19).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PanError::Digits);
        }
        let (body, check) = digits.split_at(digits.len() - 1);
        if check.as_bytes() != [luhn(body)] {
            return Err(PanError::CheckDigit);
        }
        Ok(Pan(digits))
    }

    /// A number whose check digit is wrong, as in published examples.
    #[cfg(test)]
    pub(crate) fn unchecked(digits: &str) -> Pan {
        Pan(Zeroizing::new(digits.to_owned()))
    }

    /// The digits, for a caller that may see them.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn bin(&self) -> String {
        self.0[..6].to_owned()
    }

    pub fn last4(&self) -> String {
        self.0[self.0.len() - 4..].to_owned()
    }

    /// Each digit as a number.
    pub(crate) fn digits(&self) -> impl DoubleEndedIterator<Item = u8> + ExactSizeIterator + Clone + '_ {
        self.0.bytes().map(|digit| digit - b'0')
    }
}

/// The check digit for these digits (ISO/IEC 7812-1, annex B), as a character.
fn luhn(body: &str) -> u8 {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            let counted = if place % 2 == 0 { digit * 2 } else { digit };
            counted / 10 + counted % 10
        })
        .sum();
    b'0' + u8::try_from((10 - sum % 10) % 10).unwrap_or(0)
}

/// A range from which card numbers are drawn: every number with this prefix and length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardRange {
    prefix: String,
    length: usize,
}

impl CardRange {
    /// The range of numbers of `length` digits that begin with `prefix`, 6 to 11 digits; at least a thousand numbers.
    pub fn new(prefix: &str, length: usize) -> Option<CardRange> {
        let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let fits = (6..=11).contains(&prefix.len()) && (13..=19).contains(&length) && length >= prefix.len() + 4;
        (digits && fits).then(|| CardRange { prefix: prefix.to_owned(), length })
    }

    pub fn contains(&self, pan: &Pan) -> bool {
        pan.0.len() == self.length && pan.0.starts_with(&self.prefix)
    }

    /// A random number of the range with a correct check digit. Whether it is already issued is checked by its
    /// fingerprint.
    pub fn draw(&self) -> Pan {
        let mut digits = Zeroizing::new(self.prefix.clone());
        while digits.len() < self.length - 1 {
            let [byte] = random_bytes::<1>();
            // Bytes of 250 and above would make the low digits likelier.
            if byte < 250 {
                digits.push(char::from(b'0' + byte % 10));
            }
        }
        let check = luhn(&digits);
        digits.push(char::from(check));
        Pan(digits)
    }
}

impl Vault {
    /// The keyed hash by which a card number is looked up.
    pub fn fingerprint(&self, pan: &Pan) -> [u8; 32] {
        self.mac(Purpose::CardFingerprints, &[pan.expose().as_bytes()])
    }

    /// Seals a number for its card.
    pub fn seal_pan(&self, client: &[u8], card: &[u8], pan: &Pan) -> Vec<u8> {
        self.seal(Purpose::CardNumbers, &[client, card], pan.expose().as_bytes())
    }

    /// Opens the number of a card.
    pub fn open_pan(&self, client: &[u8], card: &[u8], sealed: &[u8]) -> Result<Pan, VaultError> {
        let plain = self.open_sealed(Purpose::CardNumbers, &[client, card], sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| VaultError::CannotOpen)?;
        Pan::parse(text).map_err(|_| VaultError::CannotOpen)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{CardRange, Pan, PanError};

    #[test]
    fn numbers_are_checked() {
        let cases = [
            ("4111111111111111", Ok("411111 1111")),
            ("4111 1111-1111 1111", Ok("411111 1111")),
            ("378282246310005", Ok("378282 0005")),
            ("4111111111111112", Err(PanError::CheckDigit)),
            ("411111111111", Err(PanError::CheckDigit)),
            ("41111111111", Err(PanError::Digits)),
            ("", Err(PanError::Digits)),
            ("41111111111111111111", Err(PanError::Digits)),
            ("411111111111111a", Err(PanError::Digits)),
            ("４111111111111111", Err(PanError::Digits)),
        ];
        for (text, expected) in cases {
            let read = Pan::parse(text).map(|pan| format!("{} {}", pan.bin(), pan.last4()));
            assert_eq!(read, expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn drawn_numbers_are_of_their_range_and_differ() {
        let range = CardRange::new("40055512", 16).expect("a range");
        let drawn: Vec<Pan> = (0..2000).map(|_| range.draw()).collect();
        for pan in &drawn {
            assert_eq!(Pan::parse(pan.expose()).as_ref(), Ok(pan), "its check digit is right");
            assert!(range.contains(pan));
            assert_eq!(pan.expose().len(), 16);
        }
        let different: HashSet<&str> = drawn.iter().map(Pan::expose).collect();
        assert!(different.len() > 1900, "{} of 2000 differ", different.len());
        for place in 8..15 {
            let seen: HashSet<u8> = drawn.iter().map(|pan| pan.expose().as_bytes()[place]).collect();
            assert_eq!(seen.len(), 10, "every digit comes at place {place}");
        }
    }

    #[test]
    fn ranges_leave_room() {
        for (prefix, length) in
            [("40055", 16), ("400555123456", 16), ("40055a", 16), ("400555", 9), ("", 16), ("400555", 20)]
        {
            assert_eq!(CardRange::new(prefix, length), None, "{prefix} {length}");
        }
    }

    #[test]
    fn a_number_cannot_be_printed() {
        let pan = Pan::parse("4111111111111111").expect("a number");
        assert_eq!(format!("{pan:?}"), "[card number]");
    }
}
