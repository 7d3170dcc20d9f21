//! Amounts compared with a reference of unlimited precision: a list of digits and an exponent, with a parser of its
//! own.

use paygen_core::money::{Currency, Decimal, DecimalError, MAX_DIGITS, format_minor};

use super::Target;

/// A number of any size: its digits without zeros at either end, times a power of ten.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Big {
    negative: bool,
    digits: Vec<u8>,
    power: i128,
}

impl Big {
    /// Parses JSON's grammar, with leading zeros allowed; nothing when the text is no number.
    fn read(text: &str) -> Option<Big> {
        let mut rest = text.as_bytes().iter().copied().peekable();
        let negative = rest.next_if_eq(&b'-').is_some();
        let (mut digits, mut power, mut whole, mut fraction) = (Vec::new(), 0_i128, 0, 0);
        while let Some(digit) = rest.next_if(u8::is_ascii_digit) {
            digits.push(digit - b'0');
            whole += 1;
        }
        if rest.next_if_eq(&b'.').is_some() {
            while let Some(digit) = rest.next_if(u8::is_ascii_digit) {
                digits.push(digit - b'0');
                fraction += 1;
            }
            if fraction == 0 {
                return None;
            }
        }
        power -= fraction;
        if rest.next_if(|sign| matches!(sign, b'e' | b'E')).is_some() {
            let below = rest.next_if(|sign| matches!(sign, b'+' | b'-')) == Some(b'-');
            let (mut exponent, mut count) = (0_i128, 0);
            while let Some(digit) = rest.next_if(u8::is_ascii_digit) {
                exponent = exponent.saturating_mul(10).saturating_add(i128::from(digit - b'0'));
                count += 1;
            }
            if count == 0 {
                return None;
            }
            power = power.saturating_add(if below { -exponent } else { exponent });
        }
        (whole > 0 && rest.next().is_none()).then(|| Big { negative, digits, power }.trimmed())
    }

    fn trimmed(mut self) -> Big {
        let zeros = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.digits.drain(..zeros);
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.power = self.power.saturating_add(1);
        }
        if self.digits.is_empty() { Big { negative: false, digits: Vec::new(), power: 0 } } else { self }
    }

    /// The number × 10^`exponent`, when it is whole and fits an i64.
    fn minor(&self, exponent: u8) -> Option<i64> {
        let power = self.power.checked_add(i128::from(exponent))?;
        if !(0..=40).contains(&power) {
            return self.digits.is_empty().then_some(0);
        }
        let zeros = usize::try_from(power).ok()?;
        let mut value = 0_i128;
        for digit in self.digits.iter().copied().chain(std::iter::repeat_n(0, zeros)) {
            value = value.checked_mul(10)?.checked_add(i128::from(digit))?;
        }
        i64::try_from(if self.negative { -value } else { value }).ok()
    }

    /// Whether it can be stored: at most [`MAX_DIGITS`] digits, and below 10^15.
    fn fits(&self) -> bool {
        let length = i128::try_from(self.digits.len()).unwrap_or(i128::MAX);
        self.digits.len() <= MAX_DIGITS && length.saturating_add(self.power) <= 15
    }
}

#[test]
fn amounts_are_exact_or_refused() {
    Target::new("money", 20_000).check(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        let (read, big) = (Decimal::parse(text), Big::read(text));
        let decimal = match (read, big.as_ref()) {
            (Err(DecimalError::Malformed), None) => return Ok(()),
            // A large exponent is refused, even when the number's zeros would compensate for it.
            (Err(DecimalError::TooManyDigits), Some(big)) if !big.fits() => return Ok(()),
            (Err(DecimalError::TooLarge), Some(big)) if !big.fits() || exponent(text) > 64 => return Ok(()),
            (Err(DecimalError::TooSmall), Some(big)) if exponent(text) > 64 || big.power < -255 => return Ok(()),
            (Ok(decimal), Some(_)) => decimal,
            (read, big) => return Err(format!("read as {read:?}, the reference says {big:?}")),
        };
        let (shown, big) = (decimal.to_string(), big.expect("looked at above"));
        if Decimal::parse(&shown) != Ok(decimal) || Big::read(&shown) != Some(big.clone()) {
            return Err(format!("shown as {shown}, which is another number than {big:?}"));
        }
        for exponent in 0..=8 {
            let minor = decimal.to_minor(exponent);
            if minor != big.minor(exponent) {
                return Err(format!("{minor:?} minor units of {exponent} decimals, not {:?}", big.minor(exponent)));
            }
            let Some(minor) = minor else { continue };
            let formatted = format_minor(minor, exponent);
            if Big::read(&formatted) != Some(big.clone()) || formatted.contains(['e', 'E', '+']) {
                return Err(format!("{minor} minor units of {exponent} decimals are shown as {formatted}"));
            }
            let (down, up) = (decimal.to_minor_rounded(exponent, false), decimal.to_minor_rounded(exponent, true));
            if (down, up) != (minor, minor) {
                return Err(format!("{minor} is rounded to {down} or {up}"));
            }
        }
        Ok(())
    });
}

fn exponent(text: &str) -> u64 {
    let digits = text.split_once(['e', 'E']).map_or("", |(_, exponent)| exponent.trim_start_matches(['+', '-', '0']));
    if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u64::MAX) }
}

#[test]
fn currencies_are_their_codes() {
    Target::new("currency", 3_000).check(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        let Some(currency) = Currency::from_code(text) else { return Ok(()) };
        let same = currency.code() == text && Currency::from_code(currency.code()) == Some(currency);
        (same && currency.exponent() <= 8).then_some(()).ok_or_else(|| format!("{text} became {currency:?}"))
    });
}
