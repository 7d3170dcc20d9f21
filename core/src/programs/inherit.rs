//! What a card inherits from its program: controls and limits that apply besides its own, or that its own replace.

use std::borrow::Cow;

use crate::cards::Card;
use crate::limits::{Channels, NewControls, NewLimit, SpendingControls, SpendingLimit, categories};
use crate::money::Currency;
use crate::programs::record::ProgramSettings;
use crate::refusal::Refusal;

/// What applies to a card besides its own settings.
pub(crate) struct Inherited<'a> {
    /// Without limits; `None` if nothing is restricted.
    pub(crate) controls: Option<Cow<'a, SpendingControls>>,
    /// Limits of its currency, which count for the card by itself.
    pub(crate) limits: Cow<'a, [SpendingLimit]>,
}

/// What a card with these controls inherits.
pub(crate) fn inherited<'a>(
    settings: &'a ProgramSettings,
    own: &SpendingControls,
    currency: Currency,
) -> Inherited<'a> {
    let controls = &settings.controls;
    if *controls == SpendingControls::default() {
        return Inherited { controls: None, limits: Cow::Borrowed(&[]) };
    }
    let replaced =
        |limit: &SpendingLimit| settings.can_loosen && own.spending_limits.iter().any(|own| same_window(own, limit));
    let applies = |limit: &&SpendingLimit| limit.is_of_currency(currency) && !replaced(limit);
    let limits = controls.spending_limits.iter().filter(applies).cloned().collect();
    let controls = match settings.can_loosen {
        true => Cow::Owned(loosened(controls, own)),
        false if controls.spending_limits.is_empty() => Cow::Borrowed(controls),
        false => Cow::Owned(controls.without_limits()),
    };
    let restricts = *controls != SpendingControls::default();
    Inherited { controls: Some(controls).filter(|_| restricts), limits: Cow::Owned(limits) }
}

/// The limits that a card has from its program.
pub fn inherited_limits(settings: &ProgramSettings, card: &Card) -> Vec<SpendingLimit> {
    inherited(settings, &card.controls, card.currency).limits.into_owned()
}

/// The program's controls without those that the card sets itself.
fn loosened(program: &SpendingControls, own: &SpendingControls) -> SpendingControls {
    let unless = |own: &[String], inherited: &[String]| if own.is_empty() { inherited.to_vec() } else { Vec::new() };
    let opened = own.opened.unwrap_or(Channels::NONE);
    SpendingControls {
        channels: program.channels.or(opened),
        opened: None,
        allowed_categories: unless(&own.allowed_categories, &program.allowed_categories),
        blocked_categories: unless(&own.blocked_categories, &program.blocked_categories),
        allowed_merchants: unless(&own.allowed_merchants, &program.allowed_merchants),
        blocked_merchants: unless(&own.blocked_merchants, &program.blocked_merchants),
        allowed_countries: unless(&own.allowed_countries, &program.allowed_countries),
        blocked_countries: unless(&own.blocked_countries, &program.blocked_countries),
        spending_limits: Vec::new(),
    }
}

fn same_window(one: &SpendingLimit, other: &SpendingLimit) -> bool {
    (one.interval, &one.categories, &one.time_zone) == (other.interval, &other.categories, &other.time_zone)
}

/// Refuses what allows more than the program does, as far as it is new: a card that is sent back unchanged after its
/// program was tightened is no mistake. `before` is `None` for a new card.
pub(crate) fn check_loosening(
    settings: &ProgramSettings,
    new: &NewControls,
    before: Option<&SpendingControls>,
    currency: Currency,
) -> Result<(), Refusal> {
    let program = &settings.controls;
    if settings.can_loosen || *program == SpendingControls::default() {
        return Ok(());
    }
    let mut fields = Vec::new();
    channels(program, new, before, &mut fields);
    let none = SpendingControls::default();
    let (own, known) = (&new.controls, before.unwrap_or(&none));
    let equal = |allowed: &str, own: &str| allowed == own;
    let categories = [own, program, known].map(|controls| &controls.allowed_categories[..]);
    beyond("allowedCategories", categories, categories::covers, &mut fields);
    let merchants = [own, program, known].map(|controls| &controls.allowed_merchants[..]);
    beyond("allowedMerchants", merchants, equal, &mut fields);
    let countries = [own, program, known].map(|controls| &controls.allowed_countries[..]);
    beyond("allowedCountries", countries, equal, &mut fields);
    limits(program, new, known, currency, &mut fields);
    if fields.is_empty() { Ok(()) } else { Err(Refusal::LoosensProgram { fields }) }
}

/// What a card allows beyond its program's list.
fn beyond(
    name: &str,
    [own, allowed, known]: [&[String]; 3],
    covers: impl Fn(&str, &str) -> bool,
    fields: &mut Vec<(String, String)>,
) {
    let is_beyond = |item: &String| {
        !allowed.is_empty() && !known.contains(item) && !allowed.iter().any(|allowed| covers(allowed, item))
    };
    for (at, item) in own.iter().enumerate().filter(|(_, item)| is_beyond(item)) {
        let why = format!("{item} is not among what the program allows: {}", allowed.join(", "));
        fields.push((format!("/spendingControls/{name}/{at}"), why));
    }
}

fn channels(
    program: &SpendingControls,
    new: &NewControls,
    before: Option<&SpendingControls>,
    fields: &mut Vec<(String, String)>,
) {
    let opened = new.controls.opened.unwrap_or(Channels::NONE).named();
    let open_before = before.map_or(Channels::NONE, |before| before.channels).named();
    for (((name, allowed), (_, opens)), (_, was_open)) in
        program.channels.named().into_iter().zip(opened).zip(open_before)
    {
        if opens && !allowed && !was_open {
            fields.push((format!("/spendingControls/channels/{name}"), "the program closes this channel".to_owned()));
        }
    }
}

fn limits(
    program: &SpendingControls,
    new: &NewControls,
    known: &SpendingControls,
    currency: Currency,
    fields: &mut Vec<(String, String)>,
) {
    for (at, NewLimit { limit, .. }) in new.limits.iter().enumerate() {
        let inherited = program
            .spending_limits
            .iter()
            .find(|inherited| inherited.is_of_currency(currency) && same_window(inherited, limit));
        let Some(inherited) = inherited else { continue };
        let before = known.spending_limits.iter().find(|before| same_window(before, limit));
        let is_above = |own: Option<i64>, most: Option<i64>, before: Option<i64>| {
            own.is_some() && own != before && most.is_some_and(|most| own.is_some_and(|own| own > most))
        };
        if is_above(limit.amount, inherited.amount, before.and_then(|before| before.amount)) {
            let most = inherited.amount.unwrap_or_default();
            let most = crate::money::format_padded(most, currency.exponent());
            let why = format!("the program's limit of this window is {most} {currency}");
            fields.push((format!("/spendingControls/spendingLimits/{at}/amount"), why));
        }
        if is_above(limit.max_count, inherited.max_count, before.and_then(|before| before.max_count)) {
            let most = inherited.max_count.unwrap_or_default();
            let why = format!("the program's limit of this window is {most} payments");
            fields.push((format!("/spendingControls/spendingLimits/{at}/maxCount"), why));
        }
    }
}
