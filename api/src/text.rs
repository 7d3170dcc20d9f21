//! Texts in bodies: no control characters, no card numbers, and a required text has visible characters. An accepted
//! text is stored as written, including white space at its ends.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::body::{Faults, Field};
use super::card_numbers;
use super::fields::{text_of, wrong};
use paygen_edge::json::Json;

/// Text of at least `MIN` visible and at most `MAX` characters, without control characters and card numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

/// Text of a network, with the same bounds: card numbers in it are masked, because the network cannot be asked to
/// correct it.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkText<const MIN: usize, const MAX: usize>(String);

/// The number of an official document, with the same bounds, which may look like a card number. It is personal data:
/// stored sealed, only its end is shown, and it is never in an event or a log.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentNumber<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> From<DocumentNumber<MIN, MAX>> for String {
    fn from(number: DocumentNumber<MIN, MAX>) -> String {
        number.0
    }
}

impl<const MIN: usize, const MAX: usize> From<Text<MIN, MAX>> for String {
    fn from(text: Text<MIN, MAX>) -> String {
        text.0
    }
}

impl<const MIN: usize, const MAX: usize> From<NetworkText<MIN, MAX>> for String {
    fn from(text: NetworkText<MIN, MAX>) -> String {
        text.0
    }
}

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character is invisible: white space, fillers, and characters that only modify their neighbours.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a text has no visible character.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

fn read<'a>(json: &'a Json, at: &str, (least, most): (usize, usize), faults: &mut Faults) -> Option<&'a str> {
    let text = text_of(json, at, faults)?;
    // A text without visible characters counts as empty.
    let text = if is_blank(text) { "" } else { text };
    let length = text.chars().count();
    if text.chars().filter(|c| !is_invisible(*c)).take(least).count() < least {
        let message = format!("must have at least {least} visible characters");
        return wrong(faults, at, "min_length", message.replace(" 1 visible characters", " 1 visible character"));
    }
    if length > most {
        return wrong(faults, at, "max_length", format!("must have at most {most} characters; it has {length}"));
    }
    if text.chars().any(char::is_control) {
        return wrong(faults, at, "control_character", "must not contain control characters");
    }
    Some(text)
}

fn schema(least: usize, most: usize) -> RefOr<Schema> {
    let minimum = (least > 0).then_some(least);
    let builder = ObjectBuilder::new().schema_type(Type::String).description(Some("No control characters."));
    builder.min_length(minimum).max_length(Some(most)).into()
}

impl<const MIN: usize, const MAX: usize> Field for Text<MIN, MAX> {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Self> {
        let text = read(json, at, (MIN, MAX), faults)?;
        card_numbers::refuse(text, at, faults).then(|| Text(text.to_owned()))
    }

    fn schema() -> RefOr<Schema> {
        schema(MIN, MAX)
    }
}

impl<const MIN: usize, const MAX: usize> Field for NetworkText<MIN, MAX> {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Self> {
        let text = read(json, at, (MIN, MAX), faults)?;
        Some(NetworkText(card_numbers::masked(text.to_owned())))
    }

    fn schema() -> RefOr<Schema> {
        schema(MIN, MAX)
    }
}

impl<const MIN: usize, const MAX: usize> Field for DocumentNumber<MIN, MAX> {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Self> {
        read(json, at, (MIN, MAX), faults).map(|text| DocumentNumber(text.to_owned()))
    }

    fn schema() -> RefOr<Schema> {
        schema(MIN, MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{NetworkText, Text};
    use crate::body::Field;
    use paygen_edge::json::Json;

    fn text<T: Field + Into<String>>(text: &str) -> Result<String, String> {
        let mut faults = Vec::new();
        let read = T::read(&Json::Text(text.to_owned()), "/name", &mut faults).map(Into::into);
        read.ok_or_else(|| faults.remove(0).code)
    }

    #[test]
    fn what_cannot_be_seen_is_empty() {
        let blanks =
            ["", " ", "\u{a0}\u{2003}", "\u{200b}", "\u{feff}", "\u{ad}\u{2060} ", "\u{3164}", "\u{2800}", "\t\n"];
        for blank in blanks {
            assert_eq!(text::<Text<1, 9>>(blank), Err("min_length".to_owned()), "{blank:?}");
            assert_eq!(text::<Text<0, 9>>(blank), Ok(String::new()), "{blank:?}");
        }
        assert_eq!(text::<Text<3, 9>>("a\u{200b}\u{200b}b"), Err("min_length".to_owned()), "two can be seen");
    }

    #[test]
    fn what_can_be_seen_is_kept_as_it_was_written() {
        for written in [" a ", "MID ", "a  b", "\u{a0}❤\u{fe0f}"] {
            assert_eq!(text::<Text<1, 4>>(written), Ok(written.to_owned()));
        }
        assert_eq!(text::<Text<1, 4>>("a\tb"), Err("control_character".to_owned()));
        assert_eq!(text::<Text<1, 4>>("abcde"), Err("max_length".to_owned()));
    }

    #[test]
    fn card_numbers_of_callers_are_refused_and_those_of_networks_masked() {
        assert_eq!(text::<Text<1, 40>>("of 4005 5500 0000 0019"), Err("card_number".to_owned()));
        assert_eq!(text::<NetworkText<1, 40>>("ACME 4005550000000019"), Ok("ACME 400555******0019".to_owned()));
    }
}
