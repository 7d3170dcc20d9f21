//! Masks card numbers in text. Names, paths and ids of callers are repeated in errors and logs; a card number among
//! them is shown as its first six and last four digits only.

use std::ops::Range;

/// Separators that people and forms put between the groups of a card number.
const SEPARATORS: &[&str] = &[" ", "-", "+", "_", ENCODED_SPACE, "\u{a0}"];

/// A space in a URL.
const ENCODED_SPACE: &str = "%20";

/// Upper bound on the groups of one number, because it has at most 19 digits.
const MAX_GROUPS: usize = 19;

/// The text with every card number in it masked, whether written as one group or several.
pub fn masked(text: String) -> String {
    if text.bytes().filter(u8::is_ascii_digit).count() < 12 {
        return text;
    }
    let hidden = hidden(&text);
    starred(text, &hidden)
}

/// The text with a star at these positions, each of which is a digit.
pub fn starred(text: String, hidden: &[usize]) -> String {
    if hidden.is_empty() {
        return text;
    }
    let mut shown = text.into_bytes();
    for place in hidden {
        shown[*place] = b'*';
    }
    // Only ASCII digits were replaced, each by one byte, so the text is still UTF-8.
    String::from_utf8(shown).unwrap_or_default()
}

/// Whether the text contains a card number.
pub fn has_card_number(text: &str) -> bool {
    !hidden(text).is_empty()
}

/// The positions of the digits to mask.
fn hidden(text: &str) -> Vec<usize> {
    hidden_of(&groups(text), MAX_GROUPS, |groups| is_card_number(text, groups))
}

/// All but the first six and last four digits of every number among groups of digits. Of overlapping candidates the one
/// with the most groups counts.
pub fn hidden_of(
    groups: &[Range<usize>],
    max_groups: usize,
    is_number: impl Fn(&[Range<usize>]) -> bool,
) -> Vec<usize> {
    let (mut hidden, mut at) = (Vec::new(), 0);
    while at < groups.len() {
        let last = groups.len().min(at + max_groups);
        let number = (at + 1..=last).rev().find(|end| is_number(&groups[at..*end]));
        let Some(end) = number else {
            at += 1;
            continue;
        };
        let digits: Vec<usize> = groups[at..end].iter().flat_map(Clone::clone).collect();
        hidden.extend(&digits[6..digits.len() - 4]);
        at = end;
    }
    hidden
}

/// Runs of digits, except those inside ids and those that encode a space.
fn groups(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut groups, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(ENCODED_SPACE.as_bytes()) {
            at += ENCODED_SPACE.len();
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if end > at && !is_in_id(bytes, &(at..end)) {
            groups.push(at..end);
        }
        at = end.max(at + 1);
    }
    groups
}

/// Whether the digits are part of an id of this API: 24 hexadecimal characters, letters among them.
fn is_in_id(text: &[u8], digits: &Range<usize>) -> bool {
    // One character more than an id has shows that the word is longer.
    let joins = |byte: &&u8| byte.is_ascii_alphanumeric();
    let before = text[..digits.start].iter().rev().take(25).take_while(joins).count();
    let after = text[digits.end..].iter().take(25).take_while(joins).count();
    let word = &text[digits.start - before..digits.end + after];
    word.len() == 24 && word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) && before + after > 0
}

/// Whether these groups form one number with a correct check digit. A longer run of digits within one group counts as a
/// number too, because a number may be hidden in it.
fn is_card_number(text: &str, groups: &[Range<usize>]) -> bool {
    let joined = groups.windows(2).all(|two| SEPARATORS.contains(&&text[two[0].end..two[1].start]));
    let digits: String = groups.iter().map(|group| &text[group.clone()]).collect();
    joined && (crate::Pan::parse(&digits).is_ok() || (groups.len() == 1 && digits.len() > 19))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{has_card_number, masked};

    #[test]
    fn card_numbers_are_masked_and_other_numbers_are_not() {
        let cases = [
            ("4111111111111111", "411111******1111"),
            ("/cards/4111111111111111/x", "/cards/411111******1111/x"),
            ("4111 1111 1111 1111", "4111 11** **** 1111"),
            ("4111-1111-1111-1111.", "4111-11**-****-1111."),
            ("4111%201111%201111%201111", "4111%2011**%20****%201111"),
            ("%204111111111111111", "%20411111******1111"),
            ("pan4111111111111111x", "pan411111******1111x"),
            ("12 4111111111111111", "12 411111******1111"),
            ("41111111111111112030", "411111**********2030"),
            ("4111111111111112", "4111111111111112"),
            ("665f1c4f4111111111111111", "665f1c4f4111111111111111"),
            ("from 1 to 1000000, at most 4096", "from 1 to 1000000, at most 4096"),
            ("192.168.100.200", "192.168.100.200"),
            ("é 4111111111111111 é", "é 411111******1111 é"),
        ];
        for (text, shown) in cases {
            assert_eq!(masked(text.to_owned()), shown, "{text}");
            assert_eq!(has_card_number(text), text != shown, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_card_number_comes_through(
            digits in "[3-6][0-9]{11,17}", before in "[a-zé/:,.]{0,6}", after in "[a-zé/:,.]{0,6}", by in "(| |-|%20|\\+)",
        ) {
            let check = (0..10).find(|check| crate::Pan::parse(&format!("{digits}{check}")).is_ok()).expect("one fits");
            let number = format!("{digits}{check}");
            let groups: Vec<&str> = (0..number.len()).step_by(4).map(|at| &number[at..number.len().min(at + 4)]).collect();
            let written = groups.join(&by);
            let shown = masked(format!("{before}{written}{after}"));
            prop_assert!(!shown.contains(&written), "{}", shown);
            let bare: String = shown.replace("%20", "").chars().filter(char::is_ascii_digit).collect();
            prop_assert!(!bare.contains(&number), "{}", shown);
            prop_assert!(shown.starts_with(&before) && shown.ends_with(&after));
        }

        #[test]
        fn any_text_is_masked(text in "[0-9 a-f%é+-]{0,60}") {
            let shown = masked(text.clone());
            prop_assert_eq!(shown.chars().count(), text.chars().count());
            prop_assert_eq!(has_card_number(&text), shown != text);
        }
    }
}
