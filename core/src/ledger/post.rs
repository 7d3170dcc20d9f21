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
    let client = work.client();
    let mut heads: Vec<Posted> = Vec::with_capacity(posting.legs.len());
    for leg in posting.legs {
        if let Leg::Account { account, delta, held } = *leg {
            let balance = work.balances.get_for_update(Key::of(client, account.0))?;
            let balance = (*balance.expect("a posted account has a balance")).clone();
            assert!(heads.iter().all(|head| head.balance.id != account), "an account stands twice in one entry");
            heads.push(Posted { balance, delta, held });
        }
    }
    assert_balanced(&heads, posting.legs);
    heads.iter_mut().try_for_each(|head| head.advance(posting.forced))?;
    heads.sort_unstable_by_key(|head| head.balance.id);

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
    let appended = &mut work.appended;
    let (first, first_system) = (appended.lines.len(), appended.system_lines.len());
    appended.lines.extend(heads.iter().map(|head| line(&entry, head)));
    appended.system_lines.extend(system_lines(&entry, posting.legs));
    let lines = &mut appended.lines[first..];
    entry.digest = entry_digest(&entry, lines.iter(), &appended.system_lines[first_system..]);
    for (line, Posted { mut balance, .. }) in lines.iter_mut().zip(heads) {
        line.hash = line_hash(&balance.hash, &entry.digest, line);
        balance.seq = line.seq;
        balance.hash = line.hash;
        balance.at = line.at;
        work.balances.put(balance);
    }
    work.appended.entries.push(entry.clone());
    Ok(entry)
}

/// The balance of an account that is posted to: before the posting, then with its new amounts and the sequence, hash
/// and time of the previous line.
struct Posted {
    balance: Balance,
    delta: i64,
    held: i64,
}

impl Posted {
    /// Changes the amounts, if the account allows it.
    fn advance(&mut self, forced: bool) -> Result<(), Stop> {
        let too_large = || Refusal::AmountTooLarge { field: "/amount" };
        let balance = &self.balance;
        let ledger = balance.ledger.checked_add(self.delta).ok_or_else(too_large)?;
        let held = balance.held.checked_add(self.held).ok_or_else(too_large)?;
        assert!(held >= 0, "more is released than was held");
        let after = available(ledger, held, balance.credit_limit).ok_or_else(too_large)?;
        let before = balance.available();
        let kept = [(balance.ledger, ledger), (balance.held, held), (before, after)];
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
        (self.balance.ledger, self.balance.held) = (ledger, held);
        Ok(())
    }
}

fn line(entry: &Entry, head: &Posted) -> Line {
    let next = &head.balance;
    Line {
        client: entry.client,
        account: next.id,
        seq: next.seq + 1,
        entry: entry.id,
        kind: entry.kind,
        authorization: entry.authorization,
        currency: next.currency,
        delta: head.delta,
        held_delta: head.held,
        ledger_after: next.ledger,
        held_after: next.held,
        credit_limit: next.credit_limit,
        forced: entry.forced,
        at: entry.at.max(next.at),
        hash: GENESIS,
    }
}

fn system_lines(entry: &Entry, legs: &[Leg]) -> impl Iterator<Item = SystemLine> {
    let (client, entry) = (entry.client, entry.id);
    let system = legs.iter().filter_map(|leg| match *leg {
        Leg::System { system, currency, delta } => Some((system, currency, delta)),
        Leg::Account { .. } => None,
    });
    system.zip(0..).map(move |((system, currency, delta), number)| SystemLine {
        client,
        entry,
        number,
        system,
        currency,
        delta,
    })
}

fn assert_balanced(heads: &[Posted], legs: &[Leg]) {
    assert!(!heads.is_empty(), "an entry names no account");
    let system = legs.iter().filter_map(|leg| match *leg {
        Leg::System { currency, delta, .. } => Some((currency, delta)),
        Leg::Account { .. } => None,
    });
    let moved = heads.iter().map(|head| (head.balance.currency, head.delta)).chain(system);
    let sum = |of: Currency| -> i128 {
        moved.clone().filter(|(currency, _)| *currency == of).map(|(_, delta)| i128::from(delta)).sum()
    };
    assert!(moved.clone().all(|(currency, _)| sum(currency) == 0), "an entry does not balance: {legs:?}");
}
