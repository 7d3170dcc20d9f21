//! Mutations of inputs: of bytes, and of JSON trees.

use paygen_core::testing::simulation::Dice;

/// Fragments that parsers often mishandle.
const WORDS: &[&str] = &[
    "\0",
    "\u{feff}",
    "\u{202e}",
    "é",
    "e\u{301}",
    "\u{1f4b3}",
    "\u{ffff}",
    "%00",
    "%",
    "%zz",
    "%26",
    "&",
    "=",
    "|",
    ",",
    ".",
    "..",
    "/",
    "\\",
    "\"",
    "'",
    ";",
    ":",
    "-",
    "+",
    " ",
    "\t",
    "\r\n",
    "\r\n\r\n",
    "{",
    "}",
    "[",
    "]",
    "[[[[",
    "{}",
    "null",
    "true",
    "NaN",
    "Infinity",
    "0",
    "-0",
    "1",
    "-1",
    "0.1",
    "1e9",
    "1e-9",
    "1e308",
    "1e-2147483648",
    "1e2147483647",
    "e+99999999999",
    "999999999999999",
    "9999999999999999",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551616",
    "0.000000000000001",
    "4111111111111111",
    "4111 1111 1111 1111",
    ".gte",
    ".between",
    ".exists",
    ".in",
    "\\u0000",
    "\\ud800",
    "'; DROP TABLE accounts; --",
    "${jndi:x}",
    "<script>",
    "2026-02-30",
    "9999-12-31T23:59:59.999999999Z",
    "-009999-01-01",
    "0000-00-00",
    "+00:00",
    "000000000000000000000000",
    "ffffffffffffffffffffffff",
    "http://169.254.169.254/",
    "https://[::ffff:127.0.0.1]/",
    "0x7f.1",
    "*",
];

fn at(dice: &mut Dice, length: usize) -> usize {
    let bound = u64::try_from(length).unwrap_or(u64::MAX).max(1);
    usize::try_from(dice.below(bound)).unwrap_or(0)
}

fn pick<'a, T>(dice: &mut Dice, all: &'a [T]) -> &'a T {
    &all[at(dice, all.len())]
}

/// One of the inputs, mutated in up to four places.
pub fn mutated(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = pick(dice, corpus).clone();
    for _ in 0..=dice.below(4) {
        change(dice, &mut bytes, corpus);
    }
    bytes.truncate(1 << 16);
    bytes
}

fn change(dice: &mut Dice, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let (place, other) = (at(dice, bytes.len() + 1), at(dice, bytes.len() + 1));
    let (from, to) = (place.min(other), place.max(other));
    match dice.below(10) {
        0 if place < bytes.len() => bytes[place] ^= 1 << dice.below(8),
        1 if place < bytes.len() => bytes[place] = dice.below(256).to_le_bytes()[0],
        2 => bytes.insert(place, dice.below(256).to_le_bytes()[0]),
        3 => drop(bytes.drain(from..to.min(from + 16))),
        4 => {
            let piece = bytes[from..to.min(from + 64)].to_vec();
            bytes.splice(place..place, piece);
        }
        5 => bytes.truncate(place),
        6 => {
            let donor = pick(dice, corpus);
            let start = at(dice, donor.len() + 1);
            let piece = donor[start..(start + 48).min(donor.len())].to_vec();
            bytes.splice(place..place, piece);
        }
        7 => {
            let piece = pick(dice, WORDS).as_bytes();
            let many = if dice.one_in(8) { 1 + dice.below(400) } else { 1 };
            let piece = piece.repeat(usize::try_from(many).unwrap_or(1));
            bytes.splice(place..place, piece);
        }
        _ => {
            let word = pick(dice, WORDS).bytes();
            bytes.splice(from..to.min(from + 12), word);
        }
    }
}

/// A place in a JSON text and its replacement.
pub mod json {
    use paygen_core::testing::simulation::Dice;
    use serde_json::{Value, json};

    use super::{WORDS, at, pick};

    /// The body as text, mutated in one to three places, sometimes in ways that only text allows.
    pub fn changed(dice: &mut Dice, body: &Value) -> Vec<u8> {
        let mut body = body.clone();
        let gentle = dice.one_in(2);
        for _ in 0..=dice.below(3) {
            let count = size(&body);
            let mut place = at(dice, count);
            change(dice, &mut body, &mut place, gentle);
        }
        let text = body.to_string();
        match if gentle { 12 } else { dice.below(12) } {
            0 => twice(dice, &text),
            1 => super::mutated(dice, &[text.into_bytes()]),
            2 => deep(dice, &text),
            3 => long_number(dice, &text),
            _ => text.into_bytes(),
        }
    }

    fn size(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(size).sum(),
            Value::Object(members) => members.values().map(size).sum(),
            _ => 0,
        }
    }

    /// Mutates the value that is `place` steps into the tree.
    fn change(dice: &mut Dice, value: &mut Value, place: &mut usize, gentle: bool) -> bool {
        if *place == 0 {
            if gentle {
                vary(dice, value)
            } else {
                become_other(dice, value)
            }
            return true;
        }
        *place -= 1;
        match value {
            Value::Array(items) => items.iter_mut().any(|item| change(dice, item, place, gentle)),
            Value::Object(members) => members.values_mut().any(|member| change(dice, member, place, gentle)),
            _ => false,
        }
    }

    /// A mutation that often leaves a body valid, so that the checks after parsing are tried too.
    fn vary(dice: &mut Dice, value: &mut Value) {
        match value {
            Value::Null => {}
            Value::Bool(flag) => *flag = !*flag,
            Value::Number(_) => {
                let numbers =
                    [json!(0), json!(0.01), json!(1), json!(2.5), json!(99.99), json!(1000), json!(9_999_999_999.99)];
                *value = pick(dice, &numbers).clone();
            }
            Value::String(text) => {
                let longer = [" é", "'", "%_", "\u{1f4b3}", "\u{202e}", "<b>", "\\", "0"];
                text.push_str(longer[at(dice, longer.len())]);
            }
            Value::Array(items) if dice.one_in(2) => drop(items.pop()),
            Value::Array(items) => items.extend(items.first().cloned()),
            Value::Object(members) => {
                let names: Vec<String> = members.keys().cloned().collect();
                if let Some(name) = names.get(at(dice, names.len())) {
                    members.remove(name);
                }
            }
        }
    }

    fn become_other(dice: &mut Dice, value: &mut Value) {
        match (dice.below(8), &mut *value) {
            (0..=2, Value::Object(members)) => {
                let names: Vec<String> = members.keys().cloned().collect();
                match names.get(at(dice, names.len())) {
                    Some(name) if dice.one_in(2) => drop(members.remove(name)),
                    Some(name) if dice.one_in(2) => {
                        let moved = members.remove(name).unwrap_or_default();
                        members.insert(format!("{name}{}", pick(dice, WORDS)), moved);
                    }
                    _ => drop(members.insert((*pick(dice, WORDS)).to_owned(), other(dice))),
                }
            }
            (0..=2, Value::Array(items)) => {
                let many = if dice.one_in(4) { 300 } else { 1 };
                let item = items.first().cloned().unwrap_or_else(|| other(dice));
                items.extend(std::iter::repeat_n(item, many));
            }
            (0..=3, Value::String(text)) => {
                let bytes = super::mutated(dice, &[text.clone().into_bytes()]);
                *text = String::from_utf8_lossy(&bytes).into_owned();
            }
            (0..=4, Value::Number(_)) => *value = number(dice),
            _ => *value = other(dice),
        }
    }

    fn number(dice: &mut Dice) -> Value {
        let numbers = [
            json!(0),
            json!(-1),
            json!(1),
            json!(0.01),
            json!(0.001),
            json!(-0.01),
            json!(1e15),
            json!(1e-7),
            json!(1e300),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(999_999_999_999_999_i64),
            json!(12.345),
            json!(3_000_000),
        ];
        pick(dice, &numbers).clone()
    }

    fn other(dice: &mut Dice) -> Value {
        match dice.below(9) {
            0 => Value::Null,
            1 => json!(dice.one_in(2)),
            2 | 3 => number(dice),
            4 => json!([]),
            5 => json!({}),
            6 => json!({ (*pick(dice, WORDS)): pick(dice, WORDS) }),
            7 => json!("x".repeat(at(dice, 3000))),
            _ => json!(pick(dice, WORDS)),
        }
    }

    /// A member of the first object occurs twice.
    fn twice(dice: &mut Dice, text: &str) -> Vec<u8> {
        let word = pick(dice, WORDS);
        text.replacen('{', &format!("{{{}:1,{}:2,", json!(word), json!(word)), 1).into_bytes()
    }

    fn deep(dice: &mut Dice, text: &str) -> Vec<u8> {
        let depth = if dice.one_in(4) { 100_000 } else { 40 };
        text.replacen(':', &format!(":{}1{},\"b\":", "[".repeat(depth), "]".repeat(depth)), 1).into_bytes()
    }

    fn long_number(dice: &mut Dice, text: &str) -> Vec<u8> {
        let digits = "123456789012345678901234567890".repeat(1 + at(dice, 20));
        let number = match dice.below(4) {
            0 => digits,
            1 => format!("0.{digits}"),
            2 => format!("1e{digits}"),
            _ => "1e-2147483648".to_owned(),
        };
        match text.find(|sign: char| sign.is_ascii_digit()) {
            Some(start) => {
                let end = text[start..].find(|sign: char| !sign.is_ascii_digit()).map_or(text.len(), |len| start + len);
                format!("{}{number}{}", &text[..start], &text[end..]).into_bytes()
            }
            None => text.as_bytes().to_vec(),
        }
    }
}
