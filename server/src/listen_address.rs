//! Parses the address to listen on.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// The accepted forms with examples, for error messages.
const ACCEPTED_FORMS: &str =
    "must be an address and a port, such as 127.0.0.1:4000, localhost:4000 or 4000; 0.0.0.0:4000 is every interface";

/// An address and a port. Without an address it is loopback: making a card platform reachable from elsewhere must be
/// explicit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress(pub SocketAddr);

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<ListenAddress, &'static str> {
        let port = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(text);
        if let Ok(port) = port.parse::<u16>() {
            return Ok(ListenAddress(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
        }
        text.parse().map(ListenAddress).map_err(|_| ACCEPTED_FORMS)
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ListenAddress, D::Error> {
        deserializer.deserialize_any(Typed)
    }
}

struct Typed;

impl Visitor<'_> for Typed {
    type Value = ListenAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address and a port, such as \"127.0.0.1:4000\" or 4000")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ListenAddress, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, port: i64) -> Result<ListenAddress, E> {
        port.to_string().parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::ListenAddress;

    #[test]
    fn what_people_type() {
        let cases = [
            ("127.0.0.1:4420", Some("127.0.0.1:4420")),
            ("localhost:4420", Some("127.0.0.1:4420")),
            (":4420", Some("127.0.0.1:4420")),
            ("4420", Some("127.0.0.1:4420")),
            ("0.0.0.0:0", Some("0.0.0.0:0")),
            ("[::1]:4420", Some("[::1]:4420")),
            ("", None),
            ("nowhere", None),
            ("localhost", None),
            ("127.0.0.1", None),
            ("65536", None),
            ("example.com:80", None),
        ];
        for (text, expected) in cases {
            let found = text.parse::<ListenAddress>().map(|address| address.0.to_string());
            assert_eq!(found.ok().as_deref(), expected, "{text}");
        }
    }
}
