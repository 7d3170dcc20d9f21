//! Card numbers: drawn from the configured ranges and sealed before a command is built, opened for callers that may see
//! them. They never appear in a log, an error or an event.

use paygen_core::Refusal;
use paygen_core::cards::{Brand, Card, CardSecret, Expiry, NewNumber, ReplaceReason, ReplacementNumber};
use paygen_core::ids::{CardId, ClientId, ProgramId};
use paygen_core::programs::{NumberRange, Program};
use paygen_core::record::Key;
use paygen_core::time::Instant;
use paygen_vault::{CardRange, Pan};

use crate::{App, Failure, new_id_maker};

/// An id for a card about to be issued: its number is sealed for this id.
pub fn new_card_id(app: &App) -> CardId {
    CardId(new_id_maker().next(app.clock.now()))
}

/// The program that issues a card; the client's default program if the caller names none. The command finds it again.
pub async fn program(app: &App, client: ClientId, named: Option<ProgramId>) -> Result<Program, Failure> {
    let id = named.unwrap_or_else(|| Program::default_of(client));
    let found = app.reader.get::<Program>(Key::of(client, id.0)).await?;
    Ok(found.ok_or(Refusal::ProgramNotFound { id, field: Some("/programId") })?)
}

/// A number of the brand from the program's ranges, drawn at random and sealed for the card. The command checks whether
/// it is free, and whether the program still has the range.
pub fn draw(app: &App, program: &Program, card: CardId, brand: Brand) -> Result<NewNumber, Failure> {
    let (client, range) = (program.client, choose_range(program, brand)?);
    let pan = CardRange::new(&range.prefix, range.length).ok_or(Failure::NoNumbers(brand))?.draw();
    Ok(NewNumber {
        sealed: app.vault.seal_pan(client.0.bytes(), card.0.bytes(), &pan),
        fingerprint: app.vault.fingerprint(&pan),
        bin: pan.bin(),
        last4: pan.last4(),
        range: range.clone(),
    })
}

/// Of several ranges of a brand, one at random.
fn choose_range(program: &Program, brand: Brand) -> Result<&NumberRange, Failure> {
    let ranges: Vec<&NumberRange> = program.settings.ranges.iter().filter(|range| range.brand == brand).collect();
    let chosen = u32::from_be_bytes(paygen_vault::random_bytes()) as usize;
    ranges.get(chosen % ranges.len().max(1)).copied().ok_or(Failure::NoNumbers(brand))
}

/// The last month of validity of a card issued now.
pub fn expiry(app: &App, program: &Program) -> Expiry {
    months_after(app.clock.now(), program.settings.terms.validity_months)
}

fn months_after(now: Instant, months: i64) -> Expiry {
    let text = now.to_string();
    let part = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<i64>().ok()).unwrap_or(1);
    let months = part(0, 4) * 12 + part(5, 7) - 1 + months;
    Expiry { year: months.div_euclid(12), month: months.rem_euclid(12) + 1 }
}

/// The number of a card's replacement: a new one when the old one may be known to others, otherwise the same one,
/// sealed again with the PIN for the new card.
pub async fn replacement(
    app: &App,
    card: &Card,
    program: &Program,
    new: CardId,
    reason: ReplaceReason,
) -> Result<ReplacementNumber, Failure> {
    if reason.needs_new_number() {
        return Ok(ReplacementNumber::New(draw(app, program, new, card.brand)?));
    }
    let secret = secret(app, card).await?;
    let pan = open_pan(app, &secret)?;
    let (client, old) = (card.client.0.bytes(), card.id.0.bytes());
    let moved = secret.pin.as_ref().map(|pin| app.vault.move_pin(client, old, new.0.bytes(), pin));
    let pin = moved.transpose().map_err(|error| closed("PIN", card.id, &error))?;
    Ok(ReplacementNumber::Same {
        fingerprint: app.vault.fingerprint(&pan),
        sealed: app.vault.seal_pan(client, new.0.bytes(), &pan),
        pin,
        pin_before: secret.pin,
    })
}

/// Opens the number of a card.
pub async fn open(app: &App, card: &Card) -> Result<Pan, Failure> {
    open_pan(app, &secret(app, card).await?)
}

/// The secrets of a card. A card whose number passed to its replacement has none: it is canceled.
async fn secret(app: &App, card: &Card) -> Result<CardSecret, Failure> {
    let found = app.reader.get::<CardSecret>(Key::of(card.client, card.id.0)).await?;
    found.ok_or(Failure::Refused(Refusal::CardCanceled))
}

fn open_pan(app: &App, secret: &CardSecret) -> Result<Pan, Failure> {
    let opened = app.vault.open_pan(secret.client.0.bytes(), secret.card.0.bytes(), &secret.number);
    opened.map_err(|error| closed("number", secret.card, &error))
}

fn closed(what: &str, card: CardId, error: &paygen_vault::VaultError) -> Failure {
    Failure::Internal(format!("the {what} of card {card} does not open: {error}"))
}

#[cfg(test)]
mod tests {
    use paygen_core::cards::Expiry;
    use paygen_core::time::Instant;

    use super::months_after;

    #[test]
    fn months_are_counted_over_the_years() {
        let cases = [("2026-11-24", 48, (2030, 11)), ("2026-12-31", 1, (2027, 1)), ("2026-01-01", 11, (2026, 12))];
        for (date, months, (year, month)) in cases {
            let now = Instant::parse(date).expect("a date");
            assert_eq!(months_after(now, months), Expiry { year, month }, "{date} + {months}");
        }
    }
}
