//! The types of personal fields.

use jiff::civil::Date;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};

use crate::body::{Faults, Field};
use crate::card_numbers;
use crate::problem::FieldProblem;
use paygen_edge::json::Json;

/// Declares a text type with a format.
macro_rules! shaped {
    ($(#[$doc:meta])* $name:ident, $code:literal, $test:path, $must:literal, $schema:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name(String);

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        impl Field for $name {
            fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<$name> {
                if let Json::Text(text) = json
                    && $test(text)
                {
                    return card_numbers::refuse(text, at, faults).then(|| $name(text.clone()));
                }
                faults.push(FieldProblem::new(at, $code, $must));
                None
            }

            fn schema() -> RefOr<Schema> {
                let schema: fn(ObjectBuilder) -> ObjectBuilder = $schema;
                schema(ObjectBuilder::new().schema_type(Type::String)).into()
            }
        }
    };
}

shaped!(
    /// An e-mail address.
    Email, "email", is_email, "must be an e-mail address such as alex.johnson@example.com",
    |schema| schema.format(Some(SchemaFormat::KnownFormat(KnownFormat::Email))).max_length(Some(254))
);
shaped!(
    /// A phone number with its country, E.164.
    Phone, "phone", is_phone, "must be a phone number with its country, + and 7 to 15 digits, such as +12125550198",
    |schema| schema.pattern(Some(r"^\+[1-9][0-9]{6,14}$"))
);
shaped!(
    /// A date.
    CalendarDate, "date", is_date, "must be a date, YYYY-MM-DD",
    |schema| schema.format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
);

shaped!(
    /// A gender.
    Gender, "choice", is_gender, "must be one of m, f, x",
    |schema| schema.enum_values(Some(["m", "f", "x"]))
);

fn is_gender(text: &str) -> bool {
    matches!(text, "m" | "f" | "x")
}

/// One `@` after at least one character, and a domain of at least two labels: all that can be checked without sending
/// mail.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |part: &str| !part.chars().any(|c| c.is_whitespace() || c.is_control() || "@,;<>()[]\\\"".contains(c));
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    text.len() <= 254
        && (1..=64).contains(&local.len())
        && dots
        && plain(local)
        && domain.contains('.')
        && domain.split('.').all(label)
}

fn is_phone(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (7..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0')
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|c| c.is_ascii_digit() || c == b'-') && text.parse::<Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{is_date, is_email, is_phone};

    #[test]
    fn formats_are_distinguished() {
        type Case<'a> = (fn(&str) -> bool, &'a [&'a str], &'a [&'a str]);
        let cases: &[Case<'_>] = &[
            (
                is_email,
                &["a@b.co", "alex.johnson@example.com", "x+tag@sub.example.org", "ü@exämple.de"],
                &[
                    "",
                    "a",
                    "a@b",
                    "@b.co",
                    "a@",
                    "a b@c.de",
                    "a@b..co",
                    "a@-b.co",
                    ".a@b.co",
                    "a..b@c.de",
                    "a@@b.co",
                    "<a@b.co>",
                ],
            ),
            (
                is_phone,
                &["+12125550198", "+2348012345678", "+1234567"],
                &["", "12125550198", "+123456", "+1234567890123456", "+1 212 555 0198", "+0123456789", "+"],
            ),
            (
                is_date,
                &["1990-04-12", "2024-02-29"],
                &["", "1990-4-12", "2023-02-29", "1990-04-12T00:00:00Z", "19900412", "1990-13-01"],
            ),
        ];
        for (test, good, bad) in cases {
            assert!(good.iter().all(|text| test(text)), "{good:?}");
            for text in *bad {
                assert!(!test(text), "{text}");
            }
        }
    }
}
