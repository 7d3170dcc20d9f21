//! Card secrets: numbers, codes and PINs. Nothing outside this crate derives or stores them in clear.

mod codes;
mod des;
mod number;
mod pin;

pub use codes::{Code, Expiry, ServiceCode};
pub(crate) use des::KeyPair;
pub use number::{CardRange, Pan, PanError};
pub use pin::{Pin, ZonePinKey};

#[cfg(test)]
mod property_tests;
