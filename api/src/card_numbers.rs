//! Card numbers in free text. One rule for everything that is stored or repeated: text of callers that contains a card
//! number is refused, text of a network is masked.
//!
//! A card number has 13 to 19 digits, a correct check digit and a prefix that a card network uses for that length. It
//! is written as one group or with separators, and then its first group has four digits. Numbers of 13 digits whose
//! only match is the prefix 4 are barcodes today, and digits inside a hexadecimal word belong to an id.
//! ([`paygen_vault::mask`] is for errors, and masks more than it needs to.)

use std::ops::Range;

use super::body::Faults;
use super::problem::FieldProblem;
use paygen_vault::mask::{hidden_of, starred};

/// Separators that people put between the groups of a number.
const SEPARATORS: &[&str] = &[" ", "-", ".", "\u{a0}", "\u{2009}", "\u{202f}"];

/// Upper bound on the groups of a number: each has two digits at least.
const MAX_GROUPS: usize = 9;

/// The error of a text that contains a card number.
pub const RULE: &str =
    "must not contain a card number: Paygen keeps none outside of its vault. Name the card by its id";

/// Refuses a text that contains a card number; returns whether it contains none.
pub fn refuse(text: &str, at: &str, faults: &mut Faults) -> bool {
    let found = is_in(text);
    if found {
        faults.push(FieldProblem::new(at, "card_number", RULE));
    }
    !found
}

/// Whether the text contains a card number.
pub fn is_in(text: &str) -> bool {
    !hidden(text).is_empty()
}

/// The text with all but the first six and last four digits of every card number masked.
pub fn masked(text: String) -> String {
    let hidden = hidden(&text);
    starred(text, &hidden)
}

/// The positions of the digits to mask.
fn hidden(text: &str) -> Vec<usize> {
    if text.bytes().filter(u8::is_ascii_digit).count() < 13 {
        return Vec::new();
    }
    hidden_of(&groups(text), MAX_GROUPS, |groups| is_card_number(text, groups))
}

/// Runs of digits, except those inside ids and those of phone numbers, which begin with a plus.
fn groups(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut groups, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let end = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if end > at && !is_in_id(bytes, &(at..end)) && (at == 0 || bytes[at - 1] != b'+') {
            groups.push(at..end);
        }
        at = end.max(at + 1);
    }
    groups
}

/// Whether the digits are part of a hexadecimal word with letters.
fn is_in_id(text: &[u8], digits: &Range<usize>) -> bool {
    let joins = |byte: &&u8| byte.is_ascii_alphanumeric();
    let before = text[..digits.start].iter().rev().take_while(joins).count();
    let after = text[digits.end..].iter().take_while(joins).count();
    let word = &text[digits.start - before..digits.end + after];
    before + after > 0 && word.iter().all(u8::is_ascii_hexdigit)
}

fn is_card_number(text: &str, groups: &[Range<usize>]) -> bool {
    let joined = groups.windows(2).all(|two| SEPARATORS.contains(&&text[two[0].end..two[1].start]));
    let grouped = groups.len() == 1 || (groups[0].len() == 4 && groups.iter().all(|group| group.len() >= 2));
    let length: usize = groups.iter().map(Range::len).sum();
    if !joined || !grouped || !(13..=19).contains(&length) {
        return false;
    }
    let digits: String = groups.iter().map(|group| &text[group.clone()]).collect();
    begins_as_one(&digits) && paygen_vault::Pan::parse(&digits).is_ok()
}

/// Whether a card network uses this prefix for numbers of this length (ISO/IEC 7812; the networks' published ranges).
fn begins_as_one(digits: &str) -> bool {
    let first = |count: usize| digits[..count].parse::<u32>().unwrap_or(0);
    let (two, three, four, six) = (first(2), first(3), first(4), first(6));
    match digits.len() {
        13 | 18 => is_maestro(four) || (digits.len() == 18 && two == 62),
        14 => matches!(three, 300..=305) || four == 3095 || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        // Visa, Mastercard, JCB, Discover and RuPay, UnionPay, Diners Club, Maestro, Mir, Troy, Verve.
        16 | 19 => {
            matches!(digits.as_bytes()[0], b'4')
                || matches!(two, 36 | 51..=55 | 60 | 62 | 65)
                || matches!(three, 644..=649)
                || matches!(four, 2200..=2204 | 2221..=2720 | 3528..=3589 | 9792)
                || matches!(six, 506_099..=506_198 | 507_865..=507_964 | 508_500..=508_999)
                || is_maestro(four)
        }
        17 => two == 62,
        _ => false,
    }
}

fn is_maestro(four: u32) -> bool {
    matches!(four, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_in, masked};

    #[test]
    fn card_numbers_are_found_and_other_numbers_are_not() {
        let found = [
            ("4005550000000019", "400555******0019"),
            ("4005 5500 0000 0019", "4005 55** **** 0019"),
            ("4005-5500-0000-0019", "4005-55**-****-0019"),
            ("4005.5500.0000.0019", "4005.55**.****.0019"),
            ("4005\u{a0}5500\u{a0}0000\u{a0}0019", "4005\u{a0}55**\u{a0}****\u{a0}0019"),
            ("5555444444444440", "555544******4440"),
            ("3782 822463 10005", "3782 82**** *0005"),
            ("30569309025904", "305693****5904"),
            ("6011111111111117", "601111******1117"),
            ("PAN4005550000000019.", "PAN400555******0019."),
            ("card_4005550000000019", "card_400555******0019"),
            ("12 4005550000000019 7", "12 400555******0019 7"),
            ("{\"a\":4005550000000019}", "{\"a\":400555******0019}"),
            ("2222405343248877é", "222240******8877é"),
        ];
        for (text, shown) in found {
            assert!(is_in(text), "{text}");
            assert_eq!(masked(text.to_owned()), shown);
        }
        let others = [
            "4005550000000018",         // a wrong check digit
            "9005550000000018",         // no network's
            "4006381333932",            // a barcode
            "1795574531000000",         // microseconds
            "665f1c4f4005550000000019", // an id
            "550e8400-e29b-41d4-a716-446655440000",
            "b3b7a0c4-4000-4000-8000-411111111111",
            "+4005550000000019",
            "40055500000000199", // 17 digits
            "GB82WEST12345698765432",
            "646180157000000000", // a CLABE
            "40 05 55 00 00 00 00 19",
            "192.168.100.200 2026-11-28 10:00:00.000000",
        ];
        for text in others {
            assert!(!is_in(text), "{text}");
            assert_eq!(masked(text.to_owned()), text);
        }
    }

    proptest! {
        #[test]
        fn ids_of_ours_and_uuids_are_no_card_numbers(bytes in any::<[u8; 16]>()) {
            let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid().to_string();
            prop_assert!(!is_in(&uuid), "{}", uuid);
            let hex: String = bytes[..12].iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert!(!is_in(&hex), "{}", hex);
        }

        #[test]
        fn any_text_is_masked_in_its_length(text in "[0-9 a-z.é+-]{0,60}") {
            let shown = masked(text.clone());
            prop_assert_eq!(shown.chars().count(), text.chars().count());
            prop_assert_eq!(is_in(&text), shown != text);
            prop_assert!(!is_in(&shown), "{}", shown);
        }
    }
}
