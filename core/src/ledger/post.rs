//! Posting: the only way to change an amount in the ledger.

use crate::ids::{AuthorizationId, EntryId, Id, LedgerAccountId};
use crate::ledger::balance::available;
use crate::ledger::{Balance, Entry, EntryKind, GENESIS, Line, System, SystemLine, entry_digest, line_hash};
use crate::money::{Currency, MAX_MINOR_UNITS, format_minor};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// One side of a posting, in minor units.
#[derive(Clone, Copy, Debug)]
pub enum Leg {
    /// An account or card, with the changes of its posted and held balance.
    Account {
        account: LedgerAccountId,
        delta: i64,
        held: i64,
    },
    System {
        system: System,
        currency: Currency,
        delta: i64,
    },
}

/// An entry to be posted.
#[derive(Clone, Debug)]
pub struct Posting<'a> {
    pub kind: EntryKind,
    pub source: Option<Id>,
    pub authorization: Option<AuthorizationId>,
    pub reference: Option<String>,
    pub narration: Option<String>,
    /// Imposed by the network: posted even if funds are insufficient.
    pub forced: bool,
    /// At least one account, each account at most once, summing to zero in every currency.
    pub legs: &'a [Leg],
}

impl<'a> Posting<'a> {
    /// A posting that is not forced, without a source, an authorization or texts.
    pub fn new(kind: EntryKind, legs: &'a [Leg]) -> Posting<'a> {
        Posting { kind, source: None, authorization: None, reference: None, narration: None, forced: false, legs }
    }
}

/// Posts an entry. Every refusal comes before the first change; the balances must exist.
///
/// Unless forced, no leg may reduce an account's available amount below zero. A leg that increases it is always
/// accepted, even on an overdrawn account.
///
/// # Panics
///
/// If the legs do not balance or name no account: a bug of the caller.
pub fn post(work: &mut Work, posting: Posting<'_>) -> Result<Entry, Stop> {
    assert_balanced(work, posting.legs)?;
    let client = work.client();
    let mut heads = Vec::with_capacity(posting.legs.len());
    for leg in posting.legs {
        if let Leg::Account { account, delta, held } = *leg {
            let balance =
                work.balances.get_for_update(Key::of(client, account.0))?.expect("a posted account has a balance");
            heads.push(next_head(&balance, delta, held, posting.forced)?);
        }
    }

    let mut entry = Entry {
        client,
        id: EntryId(work.new_id()),
        kind: posting.kind,
        source: posting.source,
        authorization: posting.authorization,
        reference: posting.reference,
        narration: posting.narration,
        forced: posting.forced,
        at: work.now(),
        digest: GENESIS,
    };
    heads.sort_by_key(|(balance, _, _)| balance.id);
    let mut lines: Vec<Line> =
        heads.iter().map(|(balance, delta, held)| line(&entry, balance, *delta, *held)).collect();
    let system = system_lines(&entry, posting.legs);
    let digest = entry_digest(&entry, lines.iter(), &system);
    entry.digest = digest;
    for (line, (mut balance, _, _)) in lines.iter_mut().zip(heads) {
        line.hash = line_hash(&balance.hash, &digest, line);
        balance.seq = line.seq;
        balance.hash = line.hash;
        balance.at = line.at;
        work.balances.put(balance);
    }
    work.appended.lines.append(&mut lines);
    work.appended.system_lines.extend(system);
    work.appended.entries.push(entry.clone());
    Ok(entry)
}

/// The balance with its new amounts, and the sequence, hash and time of the previous line.
fn next_head(balance: &Balance, delta: i64, held: i64, forced: bool) -> Result<(Balance, i64, i64), Stop> {
    let too_large = || Refusal::AmountTooLarge { field: "/amount" };
    let mut next = balance.clone();
    next.ledger = balance.ledger.checked_add(delta).ok_or_else(too_large)?;
    next.held = balance.held.checked_add(held).ok_or_else(too_large)?;
    assert!(next.held >= 0, "more is released than was held");
    let after = available(next.ledger, next.held, next.credit_limit).ok_or_else(too_large)?;
    let before = balance.available();
    let kept = [(balance.ledger, next.ledger), (balance.held, next.held), (before, after)];
    let grows_too_large = |(before, after): (i64, i64)| {
        after.unsigned_abs() > MAX_MINOR_UNITS.unsigned_abs() && after.unsigned_abs() > before.unsigned_abs()
    };
    if !forced && kept.into_iter().any(grows_too_large) {
        return Err(too_large().into());
    }
    if !forced && after < 0 && after < before {
        let currency = balance.currency;
        return Err(Refusal::InsufficientFunds {
            account: balance.id.to_string(),
            available: format_minor(before, currency.exponent()),
            needed: format_minor(before.saturating_sub(after), currency.exponent()),
            currency,
        }
        .into());
    }
    Ok((next, delta, held))
}

fn line(entry: &Entry, next: &Balance, delta: i64, held_delta: i64) -> Line {
    Line {
        client: entry.client,
        account: next.id,
        seq: next.seq + 1,
        entry: entry.id,
        kind: entry.kind,
        authorization: entry.authorization,
        currency: next.currency,
        delta,
        held_delta,
        ledger_after: next.ledger,
        held_after: next.held,
        credit_limit: next.credit_limit,
        forced: entry.forced,
        at: entry.at.max(next.at),
        hash: GENESIS,
    }
}

fn system_lines(entry: &Entry, legs: &[Leg]) -> Vec<SystemLine> {
    let system = legs.iter().filter_map(|leg| match *leg {
        Leg::System { system, currency, delta } => Some((system, currency, delta)),
        Leg::Account { .. } => None,
    });
    system
        .zip(0..)
        .map(|((system, currency, delta), number)| SystemLine {
            client: entry.client,
            entry: entry.id,
            number,
            system,
            currency,
            delta,
        })
        .collect()
}

fn assert_balanced(work: &mut Work, legs: &[Leg]) -> Result<(), Stop> {
    let client = work.client();
    let mut sums: Vec<(Currency, i128)> = Vec::new();
    let mut accounts: Vec<LedgerAccountId> = Vec::new();
    for leg in legs {
        let (currency, delta) = match *leg {
            Leg::System { currency, delta, .. } => (currency, delta),
            Leg::Account { account, delta, .. } => {
                assert!(!accounts.contains(&account), "an account stands twice in one entry");
                accounts.push(account);
                let balance = work.balances.get_for_update(Key::of(client, account.0))?;
                (balance.expect("a posted account has a balance").currency, delta)
            }
        };
        match sums.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, sum)) => *sum += i128::from(delta),
            None => sums.push((currency, i128::from(delta))),
        }
    }
    assert!(!accounts.is_empty(), "an entry names no account");
    assert!(sums.iter().all(|(_, sum)| *sum == 0), "an entry does not balance: {legs:?}");
    Ok(())
}
