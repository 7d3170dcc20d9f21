//! Entry of card network messages: card numbers and secrets are compared with the vault's before the command is built,
//! and only the results go into the command.

use paygen_core::cards::CardSecret;
use paygen_core::ids::{CardId, ClientId};
use paygen_core::messages::{Match, Presented, Trace};
use paygen_core::record::Key;
use paygen_vault::{Expiry, Pan, Pin, ServiceCode};

use crate::{App, Failure};

/// How a message identifies a card.
pub enum Shown<'a> {
    /// By the card's id, resolved from a network token.
    Id(CardId),
    Number {
        pan: &'a Pan,
        /// Expiry year and month, as given.
        expiry: Option<(i64, i64)>,
        /// The card verification code, as given.
        cvv: Option<&'a str>,
    },
}

/// Resolves the card and compares the secrets given with it. A number of another client's card is unknown.
pub async fn present(app: &App, client: ClientId, shown: Shown<'_>, pin: Option<&Pin>) -> Result<Presented, Failure> {
    let nothing = Match::NotGiven;
    let mut presented =
        Presented { card: None, expiry: nothing, cvv: nothing, pin: nothing, pin_sealed: None, links: None };
    let (id, code) = match shown {
        Shown::Id(id) => (id, None),
        Shown::Number { pan, expiry, cvv } => {
            let found = app.reader.card_of_number(&app.vault.fingerprint(pan)).await?;
            let Some(card) = found.filter(|found| found.client == client) else { return Ok(presented) };
            presented.links = Some(card.links);
            presented.expiry = expiry.map_or(nothing, |given| same(given == card.expiry));
            (card.card, cvv.map(|code| (code, card.expiry)))
        }
    };
    presented.card = Some(id);
    if code.is_none() && pin.is_none() {
        return Ok(presented);
    }
    let Some(secret) = app.reader.get::<CardSecret>(Key::of(client, id.0)).await? else { return Ok(presented) };
    let (client, card_id) = (client.0.bytes(), id.0.bytes());
    let failed = |error| Failure::Internal(format!("the secrets of card {id} do not open: {error}"));
    let pan = app.vault.open_pan(client, card_id, &secret.number).map_err(failed)?;
    if let Some((code, (year, month))) = code {
        let expiry = Expiry { year: u16::try_from(year).unwrap_or(0), month: u8::try_from(month).unwrap_or(0) };
        let right = app.vault.card_code(&pan, expiry, ServiceCode::Printed).map_err(failed)?;
        presented.cvv = same(right.is(code));
    }
    if let Some(pin) = pin {
        presented.pin = match &secret.pin {
            None => Match::NotSet,
            Some(sealed) => same(app.vault.pin_matches(client, card_id, &pan, sealed, pin).map_err(failed)?),
        };
        presented.pin_sealed = secret.pin;
    }
    Ok(presented)
}

fn same(right: bool) -> Match {
    if right { Match::Match } else { Match::Mismatch }
}

/// The network's identification of a message. Numbers the caller omits are derived from those it gives, so that a
/// repeated message has the same identification; when the caller gives none they are drawn at random, so every message
/// is distinct.
pub fn trace(
    stan: Option<String>,
    rrn: Option<String>,
    transaction_id: Option<String>,
    authorization_code: Option<String>,
) -> Trace {
    let said = [&transaction_id, &rrn, &stan].map(|part| part.as_deref().unwrap_or_default().trim().to_owned());
    let drawn = match said.iter().all(String::is_empty) {
        true => digits(6 + 12 + 15),
        false => digits_of(&said.join("\n"), 6 + 12 + 15),
    };
    let trimmed = |text: String| text.trim().to_owned();
    let (transaction_id, authorization_code) = (transaction_id.map(trimmed), authorization_code.map(trimmed));
    Trace {
        stan: stan.unwrap_or_else(|| drawn[..6].to_owned()),
        rrn: rrn.unwrap_or_else(|| drawn[6..18].to_owned()),
        transaction_id: transaction_id.unwrap_or_else(|| drawn[18..].to_owned()),
        authorization_code,
    }
}

/// The identification of a reversal: a message of its own, unless the caller gives its numbers.
pub fn trace_of_reversal(transaction_id: String, stan: Option<String>, rrn: Option<String>) -> Trace {
    let numbers = trace(stan, rrn, None, None);
    Trace { transaction_id: transaction_id.trim().to_owned(), ..numbers }
}

/// Decimal digits derived from a text, at most 38.
fn digits_of(text: &str, count: usize) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let bytes: [u8; 16] = *digest.as_ref().first_chunk().unwrap_or_else(|| unreachable!("SHA-256 has 32 bytes"));
    decimals(u128::from_be_bytes(bytes), count)
}

/// Random decimal digits, at most 38.
pub fn digits(count: usize) -> String {
    let bytes: [u8; 16] = paygen_vault::random_bytes();
    decimals(u128::from_be_bytes(bytes), count)
}

fn decimals(number: u128, count: usize) -> String {
    format!("{number:039}").chars().rev().take(count).collect()
}
