//! PINs: stored only as a sealed PIN verification value (the Visa PVV algorithm), received in ISO 9564-1 format 0
//! blocks.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

use super::des::{Block, KeyPair, decimal_digits, nibbles, packed};
use super::number::Pan;
use crate::{Purpose, Vault, VaultError};

/// The key index in every PIN verification value; there is one key pair.
const KEY_INDEX: u8 = 1;

/// A four-digit PIN. It cannot be printed, and is wiped when dropped.
pub struct Pin(Zeroizing<[u8; 4]>);

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[PIN]")
    }
}

impl Pin {
    /// Parses four digits.
    pub fn parse(text: &str) -> Option<Pin> {
        let digits = <[u8; 4]>::try_from(text.as_bytes()).ok()?;
        digits.iter().all(u8::is_ascii_digit).then(|| Pin(Zeroizing::new(digits)))
    }

    fn digits(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().map(|digit| digit - b'0')
    }
}

/// The PVV: the eleven rightmost digits of the number without its check digit, the key index and the PIN, encrypted
/// with Triple DES and decimalized to four digits.
fn verification_value(keys: &KeyPair, pan: &Pan, pin: &Pin) -> Result<Zeroizing<[u8; 4]>, VaultError> {
    let body = pan.digits().skip(pan.digits().len() - 12).take(11);
    let digits = body.chain([KEY_INDEX]).chain(pin.digits());
    Ok(Zeroizing::new(decimal_digits(&keys.encrypt(packed(digits))?)))
}

/// The zone PIN key, under which clients encrypt PIN blocks; it is exchanged outside this system.
#[derive(Clone)]
pub struct ZonePinKey(Zeroizing<[u8; 16]>);

impl fmt::Debug for ZonePinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[zone PIN key]")
    }
}

impl ZonePinKey {
    /// Parses a double-length key of 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<ZonePinKey> {
        let mut key = Zeroizing::new([0; 16]);
        key.copy_from_slice(&hex(text, 16)?);
        // A key whose halves are equal is single DES.
        (key[..8] != key[8..]).then_some(ZonePinKey(key))
    }

    /// Decrypts a block (16 hexadecimal digits) that was made for this card number.
    pub fn open(&self, block: &str, pan: &Pan) -> Option<Pin> {
        let sealed = Block::try_from(hex(block, 8)?.as_slice()).ok()?;
        let clear = Zeroizing::new(KeyPair::from_bytes(*self.0).decrypt(sealed).ok()?);
        read_block(&clear, pan)
    }
}

/// The account part of a block: four zeros and the twelve rightmost digits without the check digit.
fn account_part(pan: &Pan) -> Block {
    let length = pan.digits().len();
    let missing = 13usize.saturating_sub(length);
    let digits = pan.digits().skip(length.saturating_sub(13)).take(12 - missing);
    packed(std::iter::repeat_n(0, 4 + missing).chain(digits))
}

/// Reads an ISO 9564-1 format 0 block with a PIN of four digits.
fn read_block(block: &Block, pan: &Pan) -> Option<Pin> {
    let mut pin_part = Zeroizing::new(*block);
    for (byte, other) in pin_part.iter_mut().zip(account_part(pan)) {
        *byte ^= other;
    }
    let nibbles: Zeroizing<Vec<u8>> = Zeroizing::new(nibbles(&pin_part).collect());
    let (head, rest) = nibbles.split_at(2);
    let (digits, fill) = rest.split_at(4);
    if head != [0, 4] || digits.iter().any(|digit| *digit > 9) || fill.iter().any(|nibble| *nibble != 0x0f) {
        return None;
    }
    let mut pin = Zeroizing::new([0; 4]);
    for (slot, digit) in pin.iter_mut().zip(digits) {
        *slot = b'0' + digit;
    }
    Some(Pin(pin))
}

fn hex(text: &str, bytes: usize) -> Option<Zeroizing<Vec<u8>>> {
    let digits: Option<Zeroizing<Vec<u8>>> =
        text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<Vec<u8>>>().map(Zeroizing::new);
    let digits = digits.filter(|digits| digits.len() == bytes * 2)?;
    Some(Zeroizing::new(digits.chunks_exact(2).map(|pair| (pair[0] << 4) | pair[1]).collect()))
}

impl Vault {
    /// The stored form of a PIN: its verification value, sealed for the card.
    pub fn seal_pin(&self, client: &[u8], card: &[u8], pan: &Pan, pin: &Pin) -> Result<Vec<u8>, VaultError> {
        let value = verification_value(&self.pair(Purpose::PinVerification), pan, pin)?;
        Ok(self.seal(Purpose::Pins, &[client, card], value.as_slice()))
    }

    /// Whether a PIN is the card's.
    pub fn pin_matches(
        &self,
        client: &[u8],
        card: &[u8],
        pan: &Pan,
        sealed: &[u8],
        pin: &Pin,
    ) -> Result<bool, VaultError> {
        let kept = self.open_sealed(Purpose::Pins, &[client, card], sealed)?;
        let given = verification_value(&self.pair(Purpose::PinVerification), pan, pin)?;
        Ok(verify_slices_are_equal(&kept, given.as_slice()).is_ok())
    }

    /// Seals a stored PIN for another card with the same number.
    pub fn move_pin(&self, client: &[u8], from: &[u8], to: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let value = self.open_sealed(Purpose::Pins, &[client, from], sealed)?;
        Ok(self.seal(Purpose::Pins, &[client, to], &value))
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyPair, Pan, Pin, ZonePinKey, account_part, read_block, verification_value};

    const KEY: &str = "0123456789ABCDEFFEDCBA9876543210";
    const PAIR: [u8; 16] =
        [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10];

    fn pin(text: &str) -> Pin {
        Pin::parse(text).expect("a PIN")
    }

    /// Computed with an independent implementation (psec), key index 1.
    #[test]
    fn known_verification_values() {
        let cases = [
            ("4123456789012349", "1234", "1894"),
            ("4123456789012349", "0000", "6873"),
            ("4005550000000019", "1234", "4715"),
            ("4005550000000019", "9999", "6384"),
            ("5555441234567893", "0000", "3765"),
            ("378282246310005", "1234", "1321"),
            ("6234567890123456780", "9999", "4167"),
        ];
        let keys = KeyPair::from_bytes(PAIR);
        for (number, digits, expected) in cases {
            let pan = Pan::parse(number).expect("a number");
            let value = verification_value(&keys, &pan, &pin(digits)).expect("a value");
            assert_eq!(std::str::from_utf8(value.as_slice()), Ok(expected), "{number} {digits}");
        }
    }

    /// The common example of ISO 9564-1 format 0 (PIN 1234, account 4321 9876 5432 1098), and blocks computed with an
    /// independent implementation (psec).
    #[test]
    fn known_blocks() {
        let cases = [
            (Pan::unchecked("4321987654321098"), [0x04, 0x12, 0x2d, 0x78, 0x9a, 0xbc, 0xde, 0xf6]),
            (Pan::unchecked("5544332211009966"), [0x04, 0x12, 0x77, 0xcd, 0xde, 0xef, 0xf6, 0x69]),
            (Pan::unchecked("4005550000000019"), [0x04, 0x12, 0x61, 0xaf, 0xff, 0xff, 0xff, 0xfe]),
        ];
        for (pan, block) in cases {
            let read = read_block(&block, &pan).expect("a block");
            assert_eq!(read.0.as_slice(), b"1234");
            let sealed = KeyPair::from_bytes(PAIR).encrypt(block).expect("Triple DES");
            let text: String = sealed.iter().map(|byte| format!("{byte:02X}")).collect();
            let key = ZonePinKey::parse(KEY).expect("a key");
            assert_eq!(key.open(&text, &pan).expect("it opens").0.as_slice(), b"1234");
            let other = Pan::unchecked("4000000000000002");
            assert!(key.open(&text, &other).is_none_or(|pin| pin.0.as_slice() != b"1234"), "bound to its number");
        }
    }

    #[test]
    fn malformed_blocks_pins_and_keys_are_refused() {
        let pan = Pan::unchecked("4005550000000019");
        for block in [[0u8; 8], [0xff; 8], [0x14, 0x12, 0x61, 0xaf, 0xff, 0xff, 0xff, 0xfe]] {
            assert!(read_block(&block, &pan).is_none(), "{block:?}");
        }
        for text in ["", "123", "12345", "12a4", "１２３４"] {
            assert!(Pin::parse(text).is_none(), "{text}");
        }
        for text in ["", "0123456789ABCDEF", "0123456789ABCDEF0123456789ABCDEF", "zz23456789ABCDEFFEDCBA9876543210"] {
            assert!(ZonePinKey::parse(text).is_none(), "{text}");
        }
        let key = ZonePinKey::parse(KEY).expect("a key");
        for block in ["", "0412", "zz", "0412 61afffffffff"] {
            assert!(key.open(block, &pan).is_none(), "{block}");
        }
        assert_eq!(account_part(&Pan::unchecked("123456789012")), [0, 0, 0x01, 0x23, 0x45, 0x67, 0x89, 0x01]);
        assert_eq!(format!("{:?} {key:?}", pin("1234")), "[PIN] [zone PIN key]");
    }
}
