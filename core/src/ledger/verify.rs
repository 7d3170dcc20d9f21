//! Verifying the ledger from nothing: every entry balanced and unaltered, every chain complete, every head at the end
//! of its chain.
//!
//! Feed all entries, then all lines in the order (client, account, seq), then all balances. The first finding is the
//! one to look at.
//!
//! A chain whose newest lines were removed, and whose head was set back, looks complete. Two things expose it: other
//! rows that refer to the removed lines, which the caller checks and reports with [`Verifier::note`], and a file of
//! [`Heads`] from an earlier time, whose lines must all still exist.

use std::collections::HashMap;

use crate::ids::{ClientId, Id, LedgerAccountId};
use crate::ledger::{Balance, Entry, EntryKind, GENESIS, Hash, Head, Heads, Line, SystemLine, entry_digest, line_hash};
use crate::money::Currency;
use crate::time::Instant;

/// The maximum number of findings that are described; further ones are only counted.
const TOLD: usize = 20;

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub entries: u64,
    pub lines: u64,
    pub balances: u64,
    pub faults: u64,
    /// In the order in which they were found.
    pub findings: Vec<String>,
    pub heads: Heads,
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.faults == 0
    }
}

#[derive(Clone, Debug)]
struct ChainEnd {
    seq: i64,
    hash: Hash,
    ledger: i64,
    held: i64,
    at: Instant,
}

/// Checks a ledger that is streamed to it.
#[derive(Debug, Default)]
pub struct Verifier {
    report: Report,
    ends: HashMap<(ClientId, LedgerAccountId), ChainEnd>,
    /// Earlier heads whose line has not been seen yet.
    before: HashMap<(ClientId, LedgerAccountId), (i64, Hash)>,
    heads: Vec<Head>,
    reversed: HashMap<(ClientId, Id), i64>,
    /// The non-zero amounts held for authorizations.
    held: HashMap<(ClientId, Id), i64>,
}

impl Verifier {
    /// Also checks the chains against earlier heads.
    pub fn since(heads: Heads) -> Verifier {
        let mut before = heads.by_account();
        before.retain(|_, (seq, _)| *seq > 0);
        Verifier { before, ..Verifier::default() }
    }

    /// Adds a finding of the caller.
    pub fn note(&mut self, what: String) {
        self.off(|| what);
    }

    /// How much of a transfer was reversed, according to the entries.
    pub fn reversed(&self, client: ClientId, transfer: Id) -> i64 {
        self.reversed.get(&(client, transfer)).copied().unwrap_or(0)
    }

    /// The non-zero amounts held for authorizations, according to the lines.
    pub fn holds(&self) -> HashMap<(ClientId, Id), i64> {
        self.held.clone()
    }

    fn off(&mut self, what: impl FnOnce() -> String) {
        self.report.faults += 1;
        if self.report.findings.len() < TOLD {
            self.report.findings.push(what());
        }
    }

    /// Checks an entry with all of its lines.
    pub fn entry(&mut self, entry: &Entry, lines: &[Line], system: &[SystemLine]) {
        self.report.entries += 1;
        let mut ordered: Vec<&Line> = lines.iter().collect();
        ordered.sort_by_key(|line| line.account);
        let mut system: Vec<SystemLine> = system.to_vec();
        system.sort_by_key(|line| line.number);
        let mut sums: HashMap<Currency, i128> = HashMap::new();
        for line in lines {
            *sums.entry(line.currency).or_default() += i128::from(line.delta);
        }
        for line in &system {
            *sums.entry(line.currency).or_default() += i128::from(line.delta);
        }
        if let Some((currency, sum)) = sums.iter().find(|(_, sum)| **sum != 0) {
            self.off(|| format!("entry {}: its lines sum to {sum} minor units of {currency}, not to zero", entry.id));
        }
        if let (EntryKind::TransferReversal, Some(transfer)) = (entry.kind, entry.source) {
            let given: i64 = lines.iter().map(|line| line.delta.max(0)).sum();
            *self.reversed.entry((entry.client, transfer)).or_default() += given;
        }
        if lines.is_empty() {
            self.off(|| format!("entry {}: it has no line on any account", entry.id));
        }
        if entry_digest(entry, ordered.into_iter(), &system) != entry.digest {
            self.off(|| format!("entry {}: it or one of its lines was altered (its digest differs)", entry.id));
        }
    }

    /// Checks the next line of a chain against the stored digest of its entry.
    pub fn line(&mut self, line: &Line, digest: &Hash) {
        self.report.lines += 1;
        let key = (line.client, line.account);
        let before = self.ends.remove(&key).unwrap_or(ChainEnd {
            seq: 0,
            hash: GENESIS,
            ledger: 0,
            held: 0,
            at: Instant::from_micros(i64::MIN),
        });
        if line.seq != before.seq + 1 {
            self.off(|| format!("{}: line {} does not exist", place(line), before.seq + 1));
        }
        let sums = (before.ledger.checked_add(line.delta), before.held.checked_add(line.held_delta));
        if sums != (Some(line.ledger_after), Some(line.held_after)) {
            self.off(|| format!("{}: the balances after it are not those before it plus its amounts", place(line)));
        }
        if line.at < before.at {
            self.off(|| format!("{}: it is earlier than the line before", place(line)));
        }
        if line_hash(&before.hash, digest, line) != line.hash {
            self.off(|| format!("{}: the chain is broken (its hash differs)", place(line)));
        }
        let available = |ledger, held| i128::from(ledger) - i128::from(held) + i128::from(line.credit_limit);
        let (was, is) = (available(before.ledger, before.held), available(line.ledger_after, line.held_after));
        if !line.forced && is < 0 && is < was {
            self.off(|| format!("{}: it went below the floor without being forced", place(line)));
        }
        if let Some(authorization) = line.authorization.filter(|_| line.held_delta != 0) {
            let held = self.held.entry((line.client, authorization.0)).or_default();
            *held = held.saturating_add(line.held_delta);
            if *held == 0 {
                self.held.remove(&(line.client, authorization.0));
            }
        }
        if let Some((_, hash)) = self.before.get(&key).filter(|(seq, _)| *seq == line.seq).copied() {
            self.before.remove(&key);
            if hash != line.hash {
                self.off(|| format!("{}: it is another one than before", place(line)));
            }
        }
        let end =
            ChainEnd { seq: line.seq, hash: line.hash, ledger: line.ledger_after, held: line.held_after, at: line.at };
        self.ends.insert(key, end);
    }

    /// Checks a head. Called after all lines.
    pub fn balance(&mut self, balance: &Balance) {
        self.report.balances += 1;
        let Balance { client, id: account, seq, hash, .. } = *balance;
        self.heads.push(Head { client, account, seq, hash });
        let end = self.ends.remove(&(balance.client, balance.id));
        let right = match &end {
            Some(end) => {
                (end.seq, end.hash, end.ledger, end.held) == (balance.seq, balance.hash, balance.ledger, balance.held)
            }
            None => (balance.seq, balance.hash, balance.ledger, balance.held) == (0, GENESIS, 0, 0),
        };
        if !right {
            let chain = end.map_or("has no lines".to_owned(), |end| {
                format!("ends at line {} with ledger {} and held {}", end.seq, end.ledger, end.held)
            });
            self.off(|| {
                format!(
                    "account {}: its head says line {}, ledger {}, held {}; its chain {chain}",
                    balance.id, balance.seq, balance.ledger, balance.held
                )
            });
        }
    }

    /// Checks a head again that was read before a newer line was committed: head and lines are committed together, so
    /// the head must have moved as far.
    pub fn line_beyond_head(&mut self, account: LedgerAccountId, seq: i64, head: Option<&Balance>) {
        match head {
            None => self.off(|| format!("account {account}: it has lines but no head")),
            Some(head) if head.seq < seq => {
                self.off(|| format!("account {account}: its head says line {}, but line {seq} exists", head.seq));
            }
            Some(_) => {}
        }
    }

    /// The report. Called at the end.
    pub fn finish(mut self) -> Report {
        let mut orphans: Vec<_> = self.ends.keys().copied().collect();
        orphans.sort_unstable();
        for (_, account) in orphans {
            self.off(|| format!("account {account}: it has lines but no head"));
        }
        let mut gone: Vec<_> = std::mem::take(&mut self.before).into_iter().collect();
        gone.sort_unstable();
        for ((_, account), (seq, _)) in gone {
            self.off(|| format!("account {account}, line {seq}: it was there before and is gone"));
        }
        self.report.heads = std::mem::take(&mut self.heads).into_iter().collect();
        self.report
    }
}

fn place(line: &Line) -> String {
    format!("account {}, line {}", line.account, line.seq)
}
