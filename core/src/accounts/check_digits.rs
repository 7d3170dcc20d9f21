//! Check digits of bank and wallet numbers, verified where the type of a number is recognisable.
//!
//! IBAN: ISO 13616, ISO 7064 MOD 97-10. ABA routing number: weights 3 7 1 modulo 10. NUBAN: Central Bank of Nigeria,
//! weights 3 7 3 over bank code and serial number. EVM addresses: EIP-55.

use serde_json::{Map, Value};
use sha3::{Digest, Keccak256};

use crate::refusal::Refusal;

/// Checks every recognisable number in `details`, a JSON object.
pub(super) fn check(details: &str) -> Result<(), Refusal> {
    let Ok(members) = serde_json::from_str::<Map<String, Value>>(details) else { return Ok(()) };
    let bank_code = members.iter().find(|(name, _)| plain(name) == "bankcode").and_then(|(_, value)| value.as_str());
    for (name, value) in &members {
        let Some(text) = value.as_str() else { continue };
        let wrong = match plain(name).as_str() {
            "iban" => (!iban(text)).then_some("The IBAN"),
            "routingnumber" | "abaroutingnumber" | "aba" | "routing" if digits(text, 9) => {
                (!aba(text)).then_some("The ABA routing number")
            }
            "nuban" | "accountnumber" if digits(text, 10) => match bank_code {
                Some(code) if digits(code, 3) || digits(code, 5) || digits(code, 6) => {
                    (!nuban(code, text)).then_some("The NUBAN")
                }
                _ => None,
            },
            "address" | "walletaddress" if evm_shape(text) => (!eip55(text)).then_some("The EVM address"),
            _ => None,
        };
        if let Some(what) = wrong {
            return Err(Refusal::CheckDigits { field: format!("/details/{name}"), what });
        }
    }
    Ok(())
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

fn iban(text: &str) -> bool {
    let compact: String = text.chars().filter(|c| *c != ' ').collect();
    let shaped = (15..=34).contains(&compact.len())
        && compact.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && compact.bytes().take(2).all(|b| b.is_ascii_uppercase());
    if !shaped {
        return false;
    }
    let (front, rest) = compact.split_at(4);
    let remainder = rest.bytes().chain(front.bytes()).fold(0u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    remainder == 1
}

fn aba(text: &str) -> bool {
    let sum: u32 = text.bytes().zip([3, 7, 1].into_iter().cycle()).map(|(b, w)| u32::from(b - b'0') * w).sum();
    sum > 0 && sum.is_multiple_of(10)
}

/// Deposit banks have three-digit codes. Other institutions have five-digit codes, prefixed with 9.
fn nuban(bank_code: &str, number: &str) -> bool {
    let code = match bank_code.len() {
        3 => format!("000{bank_code}"),
        5 => format!("9{bank_code}"),
        _ => bank_code.to_owned(),
    };
    let (serial, check) = number.split_at(9);
    let weighted = code.bytes().chain(serial.bytes()).zip([3, 7, 3].into_iter().cycle());
    let sum: u32 = weighted.map(|(b, w)| u32::from(b - b'0') * w).sum();
    let expected = (10 - sum % 10) % 10;
    check.parse() == Ok(expected)
}

fn evm_shape(text: &str) -> bool {
    text.strip_prefix("0x").is_some_and(|hex| hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// An address in a single letter case has no checksum and passes.
fn eip55(text: &str) -> bool {
    let hex = &text[2..];
    let mixed = hex.bytes().any(|b| b.is_ascii_lowercase()) && hex.bytes().any(|b| b.is_ascii_uppercase());
    if !mixed {
        return true;
    }
    let hash = Keccak256::digest(hex.to_ascii_lowercase());
    hex.bytes().enumerate().all(|(at, byte)| {
        let nibble = if at % 2 == 0 { hash[at / 2] >> 4 } else { hash[at / 2] & 15 };
        !byte.is_ascii_alphabetic() || byte.is_ascii_uppercase() == (nibble >= 8)
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn numbers_are_checked_where_the_shape_is_known() {
        let cases = [
            (r#"{"iban":"GB82 WEST 1234 5698 7654 32"}"#, true),
            (r#"{"iban":"GB82 WEST 1234 5698 7654 33"}"#, false),
            (r#"{"iban":"not an iban"}"#, false),
            (r#"{"routingNumber":"021000021"}"#, true),
            (r#"{"routing_number":"021000022"}"#, false),
            (r#"{"routingNumber":"000000000"}"#, false),
            (r#"{"accountNumber":"0000014579","bankCode":"011"}"#, true),
            (r#"{"accountNumber":"0000014578","bankCode":"011"}"#, false),
            (r#"{"accountNumber":"0000014578"}"#, true),
            (r#"{"address":"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}"#, true),
            (r#"{"address":"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"}"#, false),
            (r#"{"address":"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"}"#, true),
            (r#"{"address":"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"}"#, true),
            (r#"{"anything":1}"#, true),
        ];
        for (details, good) in cases {
            assert_eq!(check(details).is_ok(), good, "{details}");
        }
    }
}
