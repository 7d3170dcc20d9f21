//! Currency conversion: exact, rounded half to even.

use crate::money::{Currency, Decimal};

/// `value / by`, rounded half to even (IEEE 754 roundTiesToEven).
pub(crate) fn divide_half_even(value: i128, by: i128) -> i128 {
    let (quotient, rest) = (value.div_euclid(by), value.rem_euclid(by));
    match (rest * 2).cmp(&by) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

/// Converts minor units of one currency to another, rounded half to even; `None` on overflow.
pub fn convert(minor: i64, from: Currency, rate: Decimal, to: Currency) -> Option<i64> {
    // rate = units × 10^-scale, so minor × units × 10^to ÷ 10^(from + scale).
    let (units, scale) = (i128::from(rate.to_minor(rate.scale())?), u32::from(rate.scale()));
    let value = i128::from(minor).checked_mul(units)?;
    let value = value.checked_mul(10i128.checked_pow(u32::from(to.exponent()))?)?;
    let by = 10i128.checked_pow(u32::from(from.exponent()) + scale)?;
    i64::try_from(divide_half_even(value, by)).ok()
}

#[cfg(test)]
mod tests {
    use super::{convert, divide_half_even};
    use crate::money::Currency;
    use crate::testing::decimal;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).expect("a currency")
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (value, by, expected) in
            [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (1, 3, 0), (2, 3, 1), (25, 10, 2), (35, 10, 4)]
        {
            assert_eq!(divide_half_even(value, by), expected, "{value}/{by}");
        }
    }

    #[test]
    fn amounts_are_converted_exactly() {
        for (minor, from, rate, to, expected) in [
            (10_000, "EUR", "1.0837", "USD", Some(10_837)),
            (1_000, "JPY", "0.0065", "USD", Some(650)),
            (1, "USD", "1543.25", "NGN", Some(1_543)),
            (250, "USD", "1", "NGN", Some(250)),
            (1_234, "KWD", "3.25", "USD", Some(401)),
            (i64::MAX, "USD", "1543.25", "NGN", None),
        ] {
            assert_eq!(convert(minor, currency(from), decimal(rate), currency(to)), expected, "{minor} {from}");
        }
    }
}
