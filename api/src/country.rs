//! Countries in bodies: ISO 3166-1 alpha-2.

use celes::Country;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::body::{Faults, Field};
use super::problem::FieldProblem;
use paygen_edge::json::Json;

/// The code of an existing country, in capitals.
#[derive(Clone, Debug, PartialEq)]
pub struct CountryCode(String);

impl From<CountryCode> for String {
    fn from(code: CountryCode) -> String {
        code.0
    }
}

impl Field for CountryCode {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<CountryCode> {
        let known = |text: &&String| {
            text.len() == 2
                && text.bytes().all(|letter| letter.is_ascii_uppercase())
                && Country::from_alpha2(text.as_str()).is_ok()
        };
        match json {
            Json::Text(text) if known(&text) => Some(CountryCode(text.clone())),
            _ => {
                let message = "must be a country's code of two capital letters, ISO 3166-1 alpha-2, such as US";
                faults.push(FieldProblem::new(at, "country", message));
                None
            }
        }
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[A-Z]{2}$"))
            .description(Some("ISO 3166-1 alpha-2."))
            .examples(["US"])
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::CountryCode;
    use crate::body::Field;
    use paygen_edge::json::Json;

    #[test]
    fn only_countries_that_there_are() {
        for (text, known) in [("US", true), ("NG", true), ("us", false), ("XX", false), ("USA", false), ("", false)] {
            let mut faults = Vec::new();
            let read = CountryCode::read(&Json::Text(text.to_owned()), "/country", &mut faults);
            assert_eq!((read.is_some(), faults.is_empty()), (known, known), "{text}");
        }
    }
}
