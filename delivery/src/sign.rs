//! Signatures of deliveries: the Standard Webhooks scheme, and for a webhook with a token the documented HMAC headers.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{alphabet, engine::DecodePaddingMode};
use paygen_core::hash::hex;

/// Prefix of secrets, by which secret scanners and this server recognize them.
const PREFIX: &str = "whsec_";

/// Allowed length of a secret in bytes, by the Standard Webhooks specification.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// Accepts base64 without padding, which is easily lost when a secret is copied.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A secret of a webhook. It has no `Debug` or serialization, so it is not leaked by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A secret from random bytes.
    pub fn new(bytes: [u8; 32]) -> Secret {
        Secret(bytes.to_vec())
    }

    /// Parses `whsec_` followed by base64 of 24 to 64 bytes.
    pub fn parse(text: &str) -> Option<Secret> {
        let bytes = LENIENT.decode(text.strip_prefix(PREFIX)?).ok()?;
        LENGTHS.contains(&bytes.len()).then_some(Secret(bytes))
    }

    /// The secret as text, for the party that verifies signatures.
    pub fn shown(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// One signature of the `webhook-signature` header: version 1, over id, timestamp and body.
    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        let tag = tagged(mac, &[id.as_bytes(), b".", timestamp.to_string().as_bytes(), b".", body]);
        format!("v1,{}", STANDARD.encode(tag))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// The signed parts of a delivery.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The event's type.
    pub event: &'a str,
    /// The event's id, the same for every attempt.
    pub id: &'a str,
    /// When it is sent, in unix seconds of wall time.
    pub timestamp: i64,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// The signature headers: signed with every valid secret, and with the token when there is one.
pub fn headers(message: Message<'_>, secrets: &[Secret], token: Option<&str>) -> Vec<(&'static str, String)> {
    let Message { event, id, timestamp, body } = message;
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(id, timestamp, body)).collect();
    let mut headers = vec![
        ("x-paygen-event", event.to_owned()),
        ("x-paygen-timestamp", timestamp.to_string()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    if let Some(token) = token {
        headers.push(("authorization", format!("Bearer {token}")));
        headers.push(("x-paygen-webhook-token", token.to_owned()));
        headers.push(("x-paygen-signature", token_signature(token, timestamp, body)));
    }
    headers
}

/// Lowercase hexadecimal HMAC-SHA256, keyed by the token, over timestamp, a dot and the body.
fn token_signature(token: &str, timestamp: i64, body: &[u8]) -> String {
    let mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes()));
    let tag = tagged(mac, &[timestamp.to_string().as_bytes(), b".", body]);
    hex(&tag)
}

fn tagged(mut mac: hmac::Context, pieces: &[&[u8]]) -> Vec<u8> {
    pieces.iter().for_each(|piece| mac.update(piece));
    mac.sign().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::{Message, Secret, headers, token_signature};

    /// The example of the Standard Webhooks specification.
    const KNOWN: (&str, &str, i64, &[u8], &str) = (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        br#"{"test": 2432232314}"#,
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );

    fn value<'a>(headers: &'a [(&str, String)], name: &str) -> Option<&'a str> {
        headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn the_known_answer_of_the_specification() {
        let (secret, id, timestamp, body, expected) = KNOWN;
        let secret = Secret::parse(secret).expect("a secret");
        assert_eq!(secret.sign(id, timestamp, body), expected);
        assert_eq!(secret.shown(), KNOWN.0);
        assert_eq!(format!("{secret:?}"), "[secret]");
    }

    #[test]
    fn the_token_signs_as_published() {
        // printf '1714000000.{"a":1}' | openssl dgst -sha256 -hmac token-1
        let expected = "34dfb347d0b7f3cedec7dcfb107d05ea2db33f557b1a14b0062793427a8d016f";
        assert_eq!(token_signature("token-1", 1_714_000_000, br#"{"a":1}"#), expected);
        let message = Message { event: "card.created", id: "e", timestamp: 1_714_000_000, body: br#"{"a":1}"# };
        let with = headers(message, &[Secret::new([7; 32])], Some("token-1"));
        assert_eq!(value(&with, "x-paygen-signature"), Some(expected));
        assert_eq!(value(&with, "authorization"), Some("Bearer token-1"));
        assert_eq!(value(&with, "x-paygen-webhook-token"), Some("token-1"));
        assert_eq!(value(&with, "x-paygen-timestamp"), Some("1714000000"));
        let without = headers(message, &[Secret::new([7; 32])], None);
        assert_eq!(without.len(), 5);
    }

    #[test]
    fn the_official_library_takes_each_of_two_secrets() {
        let secrets = [Secret::new([1; 32]), Secret::new([2; 32])];
        let timestamp = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
        let timestamp = i64::try_from(timestamp).expect("a time");
        let signed = headers(Message { event: "e", id: "id-1", timestamp, body: b"{}" }, &secrets, None);
        let mut map = axum::http::HeaderMap::new();
        for (name, value) in &signed {
            map.insert(*name, value.parse().expect("a header"));
        }
        for secret in &secrets {
            let verifier = standardwebhooks::Webhook::new(&secret.shown()).expect("a secret");
            assert!(verifier.verify(b"{}", &map).is_ok());
            assert!(verifier.verify(b"{ }", &map).is_err());
        }
        let other = standardwebhooks::Webhook::new(&Secret::new([3; 32]).shown()).expect("a secret");
        assert!(other.verify(b"{}", &map).is_err());
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!!!"] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
    }
}
