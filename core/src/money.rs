//! Exact money: decimals as text from outside, integer minor units inside, no float anywhere.
//!
//! A [`Decimal`] is what a client wrote; an amount in minor units exists only together with a
//! [`Currency`], which knows how many decimals it has (ISO 4217 for fiat).

use std::fmt;

/// The maximum number of significant digits of an amount: every JSON reader represents it exactly.
pub const MAX_DIGITS: usize = 15;

/// The largest amount and balance in minor units. Only postings that the network imposes may exceed it.
pub const MAX_MINOR_UNITS: i64 = 999_999_999_999_999;

/// A decimal number exactly as it was written: `units` × 10^-`scale`, without trailing zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    units: i64,
    scale: u8,
}

crate::stored_as_text!(Decimal => |text: &str| Decimal::parse(text).ok(), Currency => Currency::from_code);

/// Why a text is not a valid decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not a JSON number.
    #[error("must be a plain decimal number such as 12.5")]
    Malformed,
    /// More than [`MAX_DIGITS`] significant digits.
    #[error("has more than {MAX_DIGITS} significant digits, so it could not be kept exact")]
    TooManyDigits,
    /// Larger than can be stored.
    #[error("is too large to be kept exact; an amount has at most {MAX_DIGITS} digits")]
    TooLarge,
    /// Closer to zero than can be stored.
    #[error("is too close to zero to be kept exact; no currency has so many decimals")]
    TooSmall,
}

impl Decimal {
    pub const ZERO: Decimal = Decimal { units: 0, scale: 0 };

    /// Parses a JSON number, exponents included, of at most [`MAX_DIGITS`] digits.
    pub fn parse(text: &str) -> Result<Decimal, DecimalError> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let point_without_digits = digits.contains('.') && fraction.is_empty();
        if whole.is_empty() || point_without_digits || !all_digits(whole) || !all_digits(fraction) {
            return Err(DecimalError::Malformed);
        }
        let joined = format!("{whole}{fraction}");
        let significant = joined.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Ok(Decimal::ZERO);
        }
        let trailing = joined.len() - joined.trim_end_matches('0').len();
        if significant.len() > MAX_DIGITS {
            return Err(DecimalError::TooManyDigits);
        }
        match exponent {
            65.. => return Err(DecimalError::TooLarge),
            ..-64 => return Err(DecimalError::TooSmall),
            _ => {}
        }
        let scale =
            i32::try_from(fraction.len()).unwrap_or(i32::MAX) - i32::try_from(trailing).unwrap_or(i32::MAX) - exponent;
        let mut units: i64 = significant.parse().map_err(|_| DecimalError::Malformed)?;
        let scale = if scale < 0 {
            let up = u32::try_from(-scale).map_err(|_| DecimalError::TooLarge)?;
            units = 10i64.checked_pow(up).and_then(|p| units.checked_mul(p)).ok_or(DecimalError::TooLarge)?;
            if units >= 10i64.pow(15) {
                return Err(DecimalError::TooLarge);
            }
            0
        } else {
            u8::try_from(scale).map_err(|_| DecimalError::TooSmall)?
        };
        Ok(Decimal { units: if negative { -units } else { units }, scale })
    }

    /// Parses an amount that was sent as a string: a JSON number without an exponent.
    pub fn parse_plain(text: &str) -> Result<Decimal, DecimalError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        if leading_zero || text.contains(['e', 'E']) { Err(DecimalError::Malformed) } else { Decimal::parse(text) }
    }

    /// The number that was probably meant by one with too many digits: binary floats turn 0.1 + 0.2 into
    /// 0.30000000000000004. It is the nearest number of [`MAX_DIGITS`] digits, provided that it has no more decimals
    /// than currencies have.
    pub fn meant_by(text: &str) -> Option<Decimal> {
        const MOST_DECIMALS: u8 = 8;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.')?;
        let joined = format!("{whole}{fraction}");
        if joined.len() > 64 || !joined.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let significant = joined.trim_start_matches('0');
        let cut = significant.len().checked_sub(MAX_DIGITS).filter(|cut| *cut > 0)?;
        let first: i64 = significant.get(..=MAX_DIGITS)?.parse().ok()?;
        let scale = u8::try_from(fraction.len().checked_sub(cut)?).ok()?;
        let rounded = Decimal::new((first + 5) / 10, scale);
        let units = if text.starts_with('-') { -rounded.units } else { rounded.units };
        (rounded.scale <= MOST_DECIMALS && units.abs() <= MAX_MINOR_UNITS).then_some(Decimal { units, ..rounded })
    }

    /// Builds `units` × 10^-`scale`.
    pub fn new(units: i64, scale: u8) -> Decimal {
        let (mut units, mut scale) = (units, scale);
        while scale > 0 && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        Decimal { units, scale: if units == 0 { 0 } else { scale } }
    }

    pub fn is_negative(self) -> bool {
        self.units < 0
    }

    pub fn is_zero(self) -> bool {
        self.units == 0
    }

    /// The number of decimals.
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// Its text, without an allocation.
    pub(crate) fn digits(self) -> Digits {
        Digits::of(self.units, self.scale)
    }

    /// Whether the number is greater than another one.
    pub fn is_above(self, other: Decimal) -> bool {
        let scale = self.scale.max(other.scale);
        let scaled = |number: Decimal| i128::from(number.units) * 10i128.pow(u32::from(scale - number.scale));
        scaled(self) > scaled(other)
    }

    /// The number × 10^`exponent` as an integer; `None` if it needs more decimals or overflows.
    pub fn to_minor(self, exponent: u8) -> Option<i64> {
        let up = exponent.checked_sub(self.scale)?;
        10i64.checked_pow(u32::from(up)).and_then(|p| self.units.checked_mul(p))
    }

    /// The number × 10^`exponent`, rounded down or up to an integer; saturates.
    pub fn to_minor_rounded(self, exponent: u8, up: bool) -> i64 {
        let value = i128::from(self.units);
        let scaled = if exponent >= self.scale {
            10i128.checked_pow(u32::from(exponent - self.scale)).map_or(i128::MAX, |power| value.saturating_mul(power))
        } else {
            match 10i128.checked_pow(u32::from(self.scale - exponent)) {
                Some(divisor) => value.div_euclid(divisor) + i128::from(up && value.rem_euclid(divisor) != 0),
                None => i128::from(up && value > 0) - i128::from(!up && value < 0),
            }
        };
        i64::try_from(scaled).unwrap_or(if scaled < 0 { i64::MIN } else { i64::MAX })
    }
}

/// Parses an exponent with its sign. An exponent that overflows is replaced by the largest one.
fn read_exponent(text: &str) -> Result<i32, DecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(DecimalError::Malformed);
    }
    Ok(text.parse().unwrap_or(if text.starts_with('-') { i32::MIN } else { i32::MAX }))
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits().trimmed())
    }
}

/// The text of an amount in major units, with all decimals.
pub(crate) struct Digits {
    /// A sign, at most 256 digits, and a point; the text ends at the end.
    text: [u8; 258],
    start: usize,
    /// Where the decimals begin, after the point.
    decimals: usize,
}

impl Digits {
    pub(crate) fn of(minor: i64, exponent: u8) -> Digits {
        let mut text = [b'0'; 258];
        let (mut at, mut rest) = (text.len(), minor.unsigned_abs());
        let decimals = at - usize::from(exponent);
        while at > decimals || rest > 0 || at == text.len() {
            at -= 1;
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if at == decimals {
                at -= 1;
                text[at] = b'.';
                // At least one digit stands before the point.
                at -= 1;
                text[at] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        if minor < 0 {
            at -= 1;
            text[at] = b'-';
        }
        Digits { text, start: at, decimals }
    }

    pub(crate) fn padded(&self) -> &str {
        std::str::from_utf8(&self.text[self.start..]).unwrap_or_default()
    }

    /// Without zeros at the end of the decimals.
    pub(crate) fn trimmed(&self) -> &str {
        let text = self.padded();
        if self.decimals == self.text.len() { text } else { text.trim_end_matches('0').trim_end_matches('.') }
    }
}

/// Formats minor units as a decimal in major units, without trailing zeros: 1250 with exponent 2 is `12.5`.
pub fn format_minor(minor: i64, exponent: u8) -> String {
    Digits::of(minor, exponent).trimmed().to_owned()
}

/// As [`format_minor`], with all decimals of the currency: 1250 with exponent 2 is `12.50`.
pub fn format_padded(minor: i64, exponent: u8) -> String {
    Digits::of(minor, exponent).padded().to_owned()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// A currency of ISO 4217.
    Fiat,
    /// One of the crypto currencies listed in [`Currency`].
    Crypto,
}

/// A currency: a code of up to eight upper-case characters and its number of decimals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: [u8; 8],
    exponent: u8,
}

const CRYPTO: [(&str, u8); 3] = [("USDC", 6), ("USDT", 6), ("BTC", 8)];

impl Currency {
    /// The default currency.
    pub fn us_dollar() -> Currency {
        Currency::from_code("USD").expect("USD is a currency")
    }

    /// Looks up a code, case-sensitive: ISO 4217 for fiat; USDC, USDT and BTC for crypto.
    pub fn find(code: &str, category: Category) -> Option<Currency> {
        match category {
            Category::Fiat => {
                let known = iso_currency::Currency::from_code(code)?;
                // Gold and test codes have no exponent and cannot be the currency of an account.
                let exponent = u8::try_from(known.exponent()?).ok()?;
                Some(Currency::build(code, exponent))
            }
            Category::Crypto => {
                CRYPTO.iter().find(|(known, _)| *known == code).map(|(code, exponent)| Currency::build(code, *exponent))
            }
        }
    }

    /// The currency whose code differs only in letter case or surrounding blanks.
    pub fn meant_by(code: &str, category: Category) -> Option<Currency> {
        Currency::find(&code.trim().to_ascii_uppercase(), category).filter(|meant| meant.code() != code)
    }

    /// " Did you mean USD?", or an empty string.
    pub fn hint(code: &str, category: Category) -> String {
        Currency::meant_by(code, category).map(|meant| format!(" Did you mean {meant}?")).unwrap_or_default()
    }

    /// Looks up a stored code in both categories.
    pub fn from_code(code: &str) -> Option<Currency> {
        Currency::find(code, Category::Crypto).or_else(|| Currency::find(code, Category::Fiat))
    }

    /// The currency of a code that was stored. A code that is no longer known is kept without decimals: it can be
    /// compared and shown, and no amount is converted by it.
    pub(crate) fn of_stored(code: &str) -> Option<Currency> {
        let kept = || (!code.is_empty() && code.len() <= 8).then(|| Currency::build(code, 0));
        Currency::from_code(code).or_else(kept)
    }

    /// Reads what [`Currency::of_stored`] accepts, where a stored text is read with serde.
    pub(crate) fn read_stored<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        let code = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
        Currency::of_stored(&code).ok_or_else(|| serde::de::Error::custom("not a currency"))
    }

    fn build(text: &str, exponent: u8) -> Currency {
        let mut code = [0; 8];
        for (slot, byte) in code.iter_mut().zip(text.bytes()) {
            *slot = byte;
        }
        Currency { code, exponent }
    }

    pub fn code(&self) -> &str {
        let end = self.code.iter().position(|b| *b == 0).unwrap_or(8);
        std::str::from_utf8(&self.code[..end]).unwrap_or_default()
    }

    /// The number of decimals of the currency: 2 for USD, 0 for JPY, 3 for KWD.
    pub fn exponent(&self) -> u8 {
        self.exponent
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Category, Currency, Decimal, DecimalError, format_minor, format_padded};

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        let cases = [
            ("25", Ok("25")),
            ("12.50", Ok("12.5")),
            ("-0", Ok("0")),
            ("0.10", Ok("0.1")),
            ("1e3", Ok("1000")),
            ("1.5E-2", Ok("0.015")),
            ("999999999999999", Ok("999999999999999")),
            ("100000000000000000000e-20", Ok("1")),
            ("9999999999999999", Err(DecimalError::TooManyDigits)),
            ("1e400", Err(DecimalError::TooLarge)),
            ("1e-400", Err(DecimalError::TooSmall)),
            ("1e15", Err(DecimalError::TooLarge)),
            ("0.1234567890123456", Err(DecimalError::TooManyDigits)),
            (".5", Err(DecimalError::Malformed)),
            ("5.", Err(DecimalError::Malformed)),
            ("", Err(DecimalError::Malformed)),
            ("1,5", Err(DecimalError::Malformed)),
            ("NaN", Err(DecimalError::Malformed)),
            ("+1", Err(DecimalError::Malformed)),
            ("1e", Err(DecimalError::Malformed)),
            ("1e-", Err(DecimalError::Malformed)),
            ("1e+-1", Err(DecimalError::Malformed)),
            ("1e-2147483648", Err(DecimalError::TooSmall)),
            ("1e99999999999", Err(DecimalError::TooLarge)),
            ("0e99999999999", Ok("0")),
            ("--1", Err(DecimalError::Malformed)),
        ];
        for (text, expected) in cases {
            assert_eq!(Decimal::parse(text).map(|decimal| decimal.to_string()), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn strings_are_read_as_they_stand_or_refused() {
        let cases = [
            ("19.99", Some("19.99")),
            ("-5", Some("-5")),
            ("0", Some("0")),
            ("0.50", Some("0.5")),
            ("", None),
            (" ", None),
            (" 1", None),
            ("1 ", None),
            ("1e3", None),
            ("1E-3", None),
            ("1,000", None),
            ("1_000", None),
            ("1.000.5", None),
            ("+1", None),
            ("007", None),
            ("0x10", None),
            ("NaN", None),
            ("\u{661}", None),
        ];
        for (text, expected) in cases {
            let read = Decimal::parse_plain(text).ok().map(|decimal| decimal.to_string());
            assert_eq!(read.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_floats_make_of_an_amount_is_recognised() {
        let cases = [
            ("0.30000000000000004", Some("0.3")),
            ("3.3000000000000003", Some("3.3")),
            ("434.99999999999994", Some("435")),
            ("-0.30000000000000004", Some("-0.3")),
            ("999999999999999.99", None),
            ("0.1234567890123456", None),
            ("9999999999999999", None),
            ("0.3", None),
            ("5.551115123125783e-17", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Decimal::meant_by(text).map(|decimal| decimal.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn codes_in_other_letters_are_recognised() {
        let meant = |code: &str| Currency::meant_by(code, Category::Fiat).map(|currency| currency.code().to_owned());
        assert_eq!(meant("usd").as_deref(), Some("USD"));
        assert_eq!(meant(" Eur ").as_deref(), Some("EUR"));
        assert_eq!((meant("USD"), meant("usdd"), meant("usdc")), (None, None, None));
        assert_eq!(Currency::hint("btc", Category::Crypto), " Did you mean BTC?");
    }

    #[test]
    fn currencies_have_their_decimals() {
        let cases = [
            ("USD", Category::Fiat, Some(2)),
            ("JPY", Category::Fiat, Some(0)),
            ("KWD", Category::Fiat, Some(3)),
            ("BTC", Category::Crypto, Some(8)),
            ("USDC", Category::Crypto, Some(6)),
            ("BTC", Category::Fiat, None),
            ("USD", Category::Crypto, None),
            ("XAU", Category::Fiat, None),
            ("usd", Category::Fiat, None),
        ];
        for (code, category, exponent) in cases {
            assert_eq!(Currency::find(code, category).map(|currency| currency.exponent()), exponent, "{code}");
        }
    }

    #[test]
    fn texts_have_all_decimals_of_the_currency() {
        let cases = [
            (1250, 2, "12.50"),
            (-5, 2, "-0.05"),
            (0, 2, "0.00"),
            (700, 0, "700"),
            (1, 3, "0.001"),
            (99_999, 2, "999.99"),
        ];
        for (minor, exponent, expected) in cases {
            assert_eq!(format_padded(minor, exponent), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(minor in -999_999_999_999_999i64..999_999_999_999_999, exponent in 0u8..9) {
            let decimal = Decimal::parse(&format_minor(minor, exponent)).expect("a decimal");
            prop_assert_eq!(decimal.to_minor(exponent), Some(minor));
            prop_assert_eq!(decimal.to_minor_rounded(exponent, true), minor);
            prop_assert_eq!(decimal.to_minor_rounded(exponent, false), minor);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.eE]{0,30}") {
            let _ = Decimal::parse(&text);
            let _ = Decimal::meant_by(&text);
        }
    }
}
