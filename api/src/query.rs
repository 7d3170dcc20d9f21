//! Strict query strings: a misspelled parameter is an error instead of being ignored.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::problem::{FieldProblem, MAX_FIELDS, Problem};
use paygen_edge::nearest::hint;

/// Bounds on a query string: its bytes, and its parameters.
const MAX_QUERY_BYTES: usize = 16 << 10;
const MAX_PARAMETERS: usize = 100;

/// The parameters of a request, taken one by one; those left over are unknown.
#[derive(Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
    /// The parameters with an unencoded +, which arrived as a space.
    with_plus: Vec<String>,
    faults: Vec<FieldProblem>,
}

/// The parameters of a request.
pub struct Query(pub Params);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Params::parse(parts.uri.query().unwrap_or_default()).map(Query)
    }
}

/// The query of a call that takes no parameters.
pub struct NoParams;

impl<S: Sync> FromRequestParts<S> for NoParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Params::parse(parts.uri.query().unwrap_or_default())?.finish(&[])?;
        Ok(NoParams)
    }
}

impl Params {
    /// Parses a query string. The parameter with the credential is omitted: the gate has read it.
    pub fn parse(query: &str) -> Result<Params, Problem> {
        let pieces = query.split('&').filter(|piece| !piece.is_empty()).count();
        if query.len() > MAX_QUERY_BYTES || pieces > MAX_PARAMETERS {
            let message = format!(
                "must have at most {MAX_QUERY_BYTES} bytes and {MAX_PARAMETERS} parameters; it has {} and {pieces}",
                query.len()
            );
            return Err(Problem::invalid(vec![FieldProblem::new("query", "max_length", message)]));
        }
        let mut params = Params::default();
        for piece in query.split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let plus = value.contains('+');
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                params.faults.push(FieldProblem::new(
                    shortened(name),
                    "encoding",
                    "is not percent-encoded UTF-8; encode % as %25",
                ));
                continue;
            };
            if name == "apiKey" {
                continue;
            }
            if params.pairs.iter().any(|(known, _)| *known == name) {
                params.faults.push(FieldProblem::new(shortened(&name), "repeated", "is given twice"));
                continue;
            }
            if plus {
                params.with_plus.push(name.clone());
            }
            params.pairs.push((name, value));
        }
        Ok(params)
    }

    /// Takes a parameter's text.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.pairs.iter().position(|(known, _)| known == name)?;
        Some(self.pairs.remove(at).1)
    }

    /// Whether the parameter's value had an unencoded +: forms mean a space by it, people a plus.
    pub fn has_plus(&self, name: &str) -> bool {
        self.with_plus.iter().any(|known| known == name)
    }

    /// Adds a parameter that was not sent.
    pub fn put(&mut self, name: &str, value: &str) {
        self.pairs.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a parameter parsed by `read`, whose error states what it must be.
    pub fn take_with<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.take(name)?;
        read(&text).map_err(|message| self.fault(name, "invalid", message)).ok()
    }

    /// Takes a parameter parsed by its type.
    pub fn take_parsed<T: FromStr>(&mut self, name: &str, must: &str) -> Option<T> {
        self.take_with(name, |text| text.parse().map_err(|_| must.to_owned()))
    }

    /// Whether there are more faults than an error lists, so that parsing can stop.
    pub fn is_hopeless(&self) -> bool {
        self.faults.len() > MAX_FIELDS
    }

    /// Adds a fault.
    pub fn fault(&mut self, name: &str, code: &str, message: impl Into<String>) {
        self.faults.push(FieldProblem::new(name, code, message));
    }

    /// Reports every fault, and every parameter that was not taken.
    pub fn finish(mut self, known: &[&str]) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            let shown = shortened(&name);
            let mut message = format!("is not a known parameter.{}", hint(&shown, known.iter().copied()));
            if known.contains(&"filter") && (shown.contains('.') || message.ends_with('.')) {
                message.push_str(" If it belongs to the filter, encode & as %26.");
            }
            self.faults.push(FieldProblem::new(shown, "unknown_parameter", message));
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::invalid(self.faults)) }
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let pair = [rest.next()?, rest.next()?];
                let digits =
                    std::str::from_utf8(&pair).ok().filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
            }
            other => bytes.push(other),
        }
    }
    // U+0000 cannot be stored as text by either database.
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}
