//! Where messages of the card network enter: numbers and secrets are compared with the vault's beside the engine, and
//! only what that came to goes on.

use paygen_core::Refusal;
use paygen_core::authorizations::{Match, Presented, Trace};
use paygen_core::cards::{Card, CardFingerprint, CardSecret};
use paygen_core::ids::{CardId, ClientId};
use paygen_core::record::Key;
use paygen_vault::{Expiry, Pan, Pin, ServiceCode};

use crate::app::App;
use crate::http::problem::Problem;

/// How a card is shown to a merchant.
pub enum Shown<'a> {
    /// By our own id: what a network's token leads to.
    Id(CardId),
    /// By its number.
    Number {
        /// The number.
        pan: &'a Pan,
        /// Year and month on the card.
        expiry: Option<(i64, i64)>,
        /// The code on the card.
        cvv: Option<&'a str>,
    },
}

/// What is found of a card and of the secrets that came with it. A number that is not one of this client's is unknown.
pub async fn present(app: &App, client: ClientId, shown: Shown<'_>, pin: Option<&Pin>) -> Result<Presented, Problem> {
    let id = match &shown {
        Shown::Id(id) => Some(*id),
        Shown::Number { pan, .. } => {
            let key = CardFingerprint::key_of(&app.vault.fingerprint(pan));
            let found = app.reader.get::<CardFingerprint>(key).await?;
            found.filter(|found| found.client == client).map(|found| found.card)
        }
    };
    let nothing = Match::NotGiven;
    let mut presented = Presented { card: id, expiry: nothing, cvv: nothing, pin: nothing, pin_sealed: None };
    let Some(id) = id else { return Ok(presented) };
    let card =
        app.reader.get::<Card>(Key::of(client, id.0)).await?.ok_or_else(|| Problem::from(&Refusal::CardNotFound))?;
    let secret = app.reader.get::<CardSecret>(Key::of(client, id.0)).await?;
    let (given, code) = match shown {
        Shown::Number { expiry, cvv, .. } => (expiry, cvv),
        Shown::Id(_) => (None, None),
    };
    if let Some(given) = given {
        presented.expiry = same(given == (card.expiry_year, card.expiry_month));
    }
    let Some(secret) = secret else { return Ok(presented) };
    if code.is_none() && pin.is_none() {
        return Ok(presented);
    }
    let (client, card_id) = (client.0.bytes(), id.0.bytes());
    let failed = |error| Problem::internal(format!("the secrets of card {id} do not open: {error}"));
    let pan = app.vault.open_pan(client, card_id, &secret.number).map_err(failed)?;
    if let Some(code) = code {
        let year = u16::try_from(card.expiry_year).unwrap_or(0);
        let expiry = Expiry { year, month: u8::try_from(card.expiry_month).unwrap_or(0) };
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

/// What the network would call a message, where the caller does not say.
pub fn trace(
    stan: Option<String>,
    rrn: Option<String>,
    transaction_id: Option<String>,
    authorization_code: Option<String>,
) -> Trace {
    Trace {
        stan: stan.unwrap_or_else(|| digits(6)),
        rrn: rrn.unwrap_or_else(|| digits(12)),
        transaction_id: transaction_id.unwrap_or_else(|| digits(15)),
        authorization_code,
    }
}

/// So many random decimal digits.
pub fn digits(count: usize) -> String {
    let bytes: [u8; 16] = paygen_vault::random_bytes();
    let number = u128::from_be_bytes(bytes);
    format!("{number:039}").chars().rev().take(count).collect()
}
