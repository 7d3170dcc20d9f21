//! Bodies: parsed into types that can only be valid; every wrong field is reported at once.
//!
//! One declaration ([`crate::body`]) makes the struct, its reader and its OpenAPI schema, so that the documented and
//! the enforced bounds are the same constants.

use std::sync::OnceLock;

use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use futures_util::StreamExt;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::problem::{FieldProblem, MAX_FIELDS, Problem};
use paygen_edge::budget::Account;
use paygen_edge::json::Json;
use paygen_edge::nearest::hint;

/// Upper bound on a body, except uploads of documents.
pub const MAX_BODY_BYTES: usize = 1 << 20;

pub type Faults = Vec<FieldProblem>;

/// A type that is parsed from JSON.
pub trait Field: Sized {
    /// Parses a value; on an error, adds to `faults` and returns `None`.
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Self>;

    /// Its OpenAPI schema, with the bounds that `read` enforces.
    fn schema() -> RefOr<Schema>;
}

/// A body declared with [`crate::body`].
pub trait Fields: Sized {
    /// Parses all fields, and reports every one that is wrong or unknown.
    fn read(members: Members<'_>, faults: &mut Faults) -> Option<Self>;
}

/// A field of a partial update.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Change<T> {
    /// Omitted.
    #[default]
    Keep,
    /// Null.
    Clear,
    /// Present.
    Set(T),
}

impl<T> Change<T> {
    /// `None` keeps, `Some(None)` clears.
    pub fn into_option<U: From<T>>(self) -> Option<Option<U>> {
        match self {
            Change::Keep => None,
            Change::Clear => Some(None),
            Change::Set(value) => Some(Some(value.into())),
        }
    }
}

/// The members of an object being read.
pub struct Members<'a> {
    members: &'a [(String, Json)],
    at: &'a str,
}

impl<'a> Members<'a> {
    /// The members of a value, which must be an object.
    pub fn of(json: &'a Json, at: &'a str, faults: &mut Faults) -> Option<Members<'a>> {
        match json {
            Json::Object(members) => Some(Members { members, at }),
            other => {
                let message = format!("must be an object, not {}", other.kind());
                faults.push(FieldProblem::new(at, "type", message));
                None
            }
        }
    }

    /// A member as it was sent; null counts as absent.
    pub fn get(&self, name: &str) -> Option<&'a Json> {
        self.find(name).filter(|json| **json != Json::Null)
    }

    fn find(&self, name: &str) -> Option<&'a Json> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn pointer(&self, name: &str) -> String {
        if name.contains(['~', '/']) {
            return format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"));
        }
        [self.at, "/", name].concat()
    }

    /// A required field.
    pub fn required<T: Field>(&self, name: &str, faults: &mut Faults) -> Option<T> {
        match self.find(name) {
            None | Some(Json::Null) => {
                faults.push(FieldProblem::new(self.pointer(name), "required", "is required"));
                None
            }
            Some(json) => T::read(json, &self.pointer(name), faults),
        }
    }

    /// An optional field.
    pub fn optional<T: Field>(&self, name: &str, faults: &mut Faults) -> Option<Option<T>> {
        match self.find(name) {
            None => Some(None),
            Some(Json::Null) => {
                let message = "must not be null; leave it out instead";
                faults.push(FieldProblem::new(self.pointer(name), "type", message));
                None
            }
            Some(json) => T::read(json, &self.pointer(name), faults).map(Some),
        }
    }

    /// An optional field in which null counts as absent.
    pub fn nullable<T: Field>(&self, name: &str, faults: &mut Faults) -> Option<Option<T>> {
        match self.find(name) {
            None | Some(Json::Null) => Some(None),
            Some(json) => T::read(json, &self.pointer(name), faults).map(Some),
        }
    }

    /// A field of a partial update: omitted, null or present.
    pub fn change<T: Field>(&self, name: &str, faults: &mut Faults) -> Option<Change<T>> {
        match self.find(name) {
            None => Some(Change::Keep),
            Some(Json::Null) => Some(Change::Clear),
            Some(json) => T::read(json, &self.pointer(name), faults).map(Change::Set),
        }
    }

    /// The members at these pointers that are not declared, as JSON.
    pub fn echo(
        &self,
        declared: &[&str],
        pointers: &'static [&'static str],
        faults: &mut Faults,
    ) -> Vec<(&'static str, serde_json::Value)> {
        let undeclared = pointers.iter().filter(|pointer| !declared.contains(&pointer.trim_start_matches('/')));
        let sent = undeclared.filter_map(|pointer| Some((*pointer, self.find(pointer.trim_start_matches('/'))?)));
        let read = |(pointer, json): (&'static str, &Json)| match serde_json::from_str(&json.canonical()) {
            Ok(value) => Some((pointer, value)),
            Err(error) => {
                faults.push(FieldProblem::new(pointer, "type", error.to_string()));
                None
            }
        };
        sent.filter_map(read).collect()
    }

    /// Reports unknown members, at most as many as an error lists, because each costs a search for the nearest name.
    pub fn known(&self, names: &[&str], faults: &mut Faults) {
        for (name, _) in self.members {
            if faults.len() > MAX_FIELDS {
                return;
            }
            if !names.contains(&name.as_str()) {
                let shown: String = name.chars().take(64).collect();
                let message = format!("is not a known field.{}", hint(&shown, names.iter().copied()));
                faults.push(FieldProblem::new(self.pointer(&shown), "unknown_field", message));
            }
        }
    }
}

/// Declares a body: the struct, its reader and its schema.
#[macro_export]
macro_rules! body {
    ($(#[$meta:meta])* pub struct $name:ident $(echoing $view:ty)? {
        $($(#[doc = $doc:literal])+ $mode:ident $field:ident: $kind:ty = $json:literal $(, example $example:expr)? $(, at least $minimum:literal)?;)*
    }) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $crate::body!(@type $mode $kind),)*
            $(
                /// Read-only fields of the view that were sent back, by their pointers.
                pub echo: $crate::body!(@echo $view),
            )?
        }

        impl $name {
            /// The names of its own fields.
            const DECLARED: &[&str] = &[$($json),*];
        }

        impl $crate::body::Fields for $name {
            fn read(
                members: $crate::body::Members<'_>,
                faults: &mut $crate::body::Faults,
            ) -> Option<$name> {
                #[allow(unused_mut)]
                let mut names = <$name>::DECLARED.to_vec();
                $(names.extend($crate::view_members::names::<$view>());)?
                members.known(&names, faults);
                $(let $field = members.$mode::<$kind>($json, faults);)*
                Some($name {
                    $($field: $field?,)*
                    $(echo: members.echo(<$name>::DECLARED, $crate::view_members::pointers::<$view>(), faults),)?
                })
            }
        }

        impl $crate::body::Field for $name {
            fn read(
                json: &paygen_edge::json::Json,
                at: &str,
                faults: &mut $crate::body::Faults,
            ) -> Option<$name> {
                let members = $crate::body::Members::of(json, at, faults)?;
                <$name as $crate::body::Fields>::read(members, faults)
            }

            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                <$name as utoipa::PartialSchema>::schema()
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                #[allow(unused_mut)]
                let mut object = utoipa::openapi::schema::ObjectBuilder::new()
                    .title(Some(stringify!($name).trim_end_matches("Body")))
                    .schema_type(utoipa::openapi::schema::Type::Object)
                    .additional_properties(Some(
                        utoipa::openapi::schema::AdditionalProperties::<utoipa::openapi::schema::Schema>::FreeForm(false),
                    ));
                $(
                    let schema = <$kind as $crate::body::Field>::schema();
                    let schema = $crate::fields::described(schema, concat!($($doc),+).trim());
                    $(let schema = $crate::fields::with_example(schema, serde_json::json!($example));)?
                    $(let schema = $crate::fields::with_minimum(schema, $minimum);)?
                    object = object.property($json, $crate::body!(@schema $mode schema));
                    $crate::body!(@required $mode object $json);
                )*
                $(
                    for name in $crate::view_members::names::<$view>().filter(|name| !<$name>::DECLARED.contains(name)) {
                        object = object.property(name, $crate::fields::read_only());
                    }
                )?
                object.into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name).trim_end_matches("Body"))
            }
        }
    };
    (@echo $view:ty) => { Vec<(&'static str, serde_json::Value)> };
    (@type required $kind:ty) => { $kind };
    (@type optional $kind:ty) => { Option<$kind> };
    (@type nullable $kind:ty) => { Option<$kind> };
    (@type change $kind:ty) => { $crate::body::Change<$kind> };
    (@schema required $schema:ident) => { $schema };
    (@schema optional $schema:ident) => { $schema };
    (@schema nullable $schema:ident) => { $crate::fields::or_null($schema) };
    (@schema change $schema:ident) => { $crate::fields::or_null($schema) };
    (@required required $object:ident $json:literal) => { $object = $object.required($json); };
    (@required optional $object:ident $json:literal) => {};
    (@required nullable $object:ident $json:literal) => {};
    (@required change $object:ident $json:literal) => {};
}

/// A parsed JSON body.
pub struct Body<T> {
    pub value: T,
    pub canonical: Canonical,
}

/// The canonical text of a body: equal for equal content. It is made when it is needed, which is only with an
/// idempotency key.
pub struct Canonical {
    json: Json,
    text: OnceLock<String>,
}

impl AsRef<str> for Canonical {
    fn as_ref(&self) -> &str {
        self.text.get_or_init(|| self.json.canonical())
    }
}

impl<S: Send + Sync, T: Fields> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = read_json(request).await?;
        let mut faults = Vec::new();
        let value = Members::of(&json, "", &mut faults).and_then(|members| T::read(members, &mut faults));
        match value {
            Some(value) if faults.is_empty() => {
                Ok(Body { value, canonical: Canonical { json, text: OnceLock::new() } })
            }
            _ => Err(Problem::invalid(faults)),
        }
    }
}

/// The body as JSON. An empty body is an empty object, whatever its content type: for calls whose fields are all
/// optional.
pub async fn read_json(request: Request) -> Result<Json, Problem> {
    let named = request.headers().contains_key(header::CONTENT_TYPE);
    if named && !is_json(&request) {
        return Err(unsupported());
    }
    let bytes = read_bytes(request).await?;
    match (named, bytes.iter().all(u8::is_ascii_whitespace)) {
        (_, true) => Ok(Json::Object(Vec::new())),
        (false, false) => Err(unsupported()),
        (true, false) => parse(&bytes),
    }
}

fn unsupported() -> Problem {
    let message = "Send the body as JSON, with the header content-type: application/json.";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
}

/// The body of a call that takes none: empty, or an empty object.
pub struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read_bytes(request).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(NoBody);
        }
        match parse(&bytes)? {
            Json::Object(members) if members.is_empty() => Ok(NoBody),
            _ => Err(Problem::invalid(vec![FieldProblem::new("", "unknown_field", "this call takes no body")])),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Json, Problem> {
    Json::parse(bytes).map_err(|why| {
        let message = format!("The body cannot be read as JSON: {why}.");
        Problem::new(StatusCode::BAD_REQUEST, "malformed_json", message)
    })
}

fn is_json(request: &Request) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = content_type.and_then(|text| text.split(';').next()).map(|kind| kind.trim().to_ascii_lowercase());
    kind.is_some_and(|kind| kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")))
}

async fn read_bytes(request: Request) -> Result<Vec<u8>, Problem> {
    let account = request.extensions().get::<Account>().cloned();
    let mut pieces = request.into_body().into_data_stream();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        let incomplete = |_| Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", "The body did not arrive whole.");
        let piece = piece.map_err(incomplete)?;
        let size = bytes.len() + piece.len();
        if size > MAX_BODY_BYTES {
            let message = format!("The body is larger than {MAX_BODY_BYTES} bytes.");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message));
        }
        has_room(account.as_ref(), size)?;
        if bytes.capacity() < size {
            // Without this the Vec would double itself, to twice of what is counted.
            bytes.reserve_exact(piece.len() + bytes.len() / 4);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Whether the budget has room for this many bytes of a body.
pub fn has_room(account: Option<&Account>, bytes: usize) -> Result<(), Problem> {
    if account.is_none_or(|account| account.may_have(bytes)) {
        return Ok(());
    }
    let message =
        "Too many large bodies are on their way. Nothing was done; send fewer at a time, or try again shortly.";
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message).retry_after(1))
}
