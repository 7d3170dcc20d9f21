//! Verifying the ledger: all of it is fed to a verifier, and everything that refers to a part of it is checked, which
//! detects removed entries at the end of chains.

mod named;

use std::collections::{BTreeMap, HashMap};

use paygen_core::ids::{ClientId, EntryId, Id, LedgerAccountId};
use paygen_core::ledger::{Balance, Entry, Line, Report, SystemLine, Verifier};

use crate::database::ROWS_PER_SCAN;
use crate::value::Value;
use crate::{Database, StoreError};

/// The maximum number of findings of a kind that are described.
const MAX_FINDINGS: usize = 1000;

impl Database {
    /// Feeds the whole ledger to a verifier, in bounded steps.
    ///
    /// With a running server, the steps do not see a single instant. Heads are read first, and newer lines and entries
    /// are left out: a chain is checked up to the head that was read, and the head of lines beyond it must include them
    /// by now. Rows that refer to entries, lines and heads are read last, so everything they refer to must exist: it
    /// was committed with them.
    pub async fn verify_ledger(&self, verifier: Verifier) -> Result<Report, StoreError> {
        self.verify_ledger_with_progress(verifier, &mut |_| {}).await
    }

    /// The same; `progress` is called with the number of lines read so far.
    pub async fn verify_ledger_with_progress(
        &self,
        mut verifier: Verifier,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Report, StoreError> {
        let mut read = 0;
        let reader = self.reader();
        // Read first: the entries read afterwards must contain at least these reversals.
        let reversed = self.reversed_transfers().await?;
        let heads = self.heads().await?;
        for head in &heads {
            let mut from = 1;
            while from <= head.seq {
                let to = head.seq.min(from + i64::from(ROWS_PER_SCAN) - 1);
                for (line, digest) in reader.lines_with_digests(head.client, head.id, from, to).await? {
                    verifier.line(&line, &digest);
                    read += 1;
                }
                progress(read);
                from = to + 1;
            }
        }
        let known: HashMap<_, _> = heads.iter().map(|head| ((head.client, head.id), head.seq)).collect();
        let mut beyond: BTreeMap<(ClientId, LedgerAccountId), i64> = BTreeMap::new();
        let mut after = None;
        loop {
            let entries: Vec<Entry> = reader.scan(after, ROWS_PER_SCAN).await?;
            let Some(last) = entries.last() else { break };
            after = Some(vec![last.client.0.into(), last.id.0.into()]);
            for own in entries.chunk_by(|one, next| one.client == next.client) {
                for line in self.verify_entries(&mut verifier, own).await? {
                    let account = (line.client, line.account);
                    if known.get(&account).is_none_or(|seq| line.seq > *seq) {
                        let last = beyond.entry(account).or_default();
                        *last = line.seq.max(*last);
                    }
                }
            }
        }
        if !beyond.is_empty() {
            let now: HashMap<_, _> =
                self.heads().await?.into_iter().map(|head| ((head.client, head.id), head)).collect();
            for ((client, account), seq) in beyond {
                verifier.line_beyond_head(account, seq, now.get(&(client, account)));
            }
        }
        for head in &heads {
            verifier.balance(head);
        }
        named::transfers(&reader, &mut verifier, reversed).await?;
        named::entries(&reader, &mut verifier).await?;
        named::holds(&reader, &mut verifier).await?;
        self.verify_owners(&mut verifier, &known).await?;
        self.verify_events(&mut verifier, &heads).await?;
        Ok(verifier.finish())
    }

    /// Feeds entries of one client, in the order of ids, with all of their lines. Returns the lines.
    async fn verify_entries(&self, verifier: &mut Verifier, entries: &[Entry]) -> Result<Vec<Line>, StoreError> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(Vec::new()) };
        let reader = self.reader();
        let mut lines: HashMap<EntryId, Vec<Line>> = HashMap::new();
        for line in reader.of_entries::<Line>(first.client, first.id, last.id).await? {
            lines.entry(line.entry).or_default().push(line);
        }
        let mut system: HashMap<EntryId, Vec<SystemLine>> = HashMap::new();
        for line in reader.of_entries::<SystemLine>(first.client, first.id, last.id).await? {
            system.entry(line.entry).or_default().push(line);
        }
        for entry in entries {
            let own =
                |id| (lines.get(id).map_or(&[][..], Vec::as_slice), system.get(id).map_or(&[][..], Vec::as_slice));
            let (its_lines, its_system) = own(&entry.id);
            verifier.entry(entry, its_lines, its_system);
        }
        Ok(lines.into_values().flatten().collect())
    }

    /// Every account and card has a head from the start.
    async fn verify_owners(
        &self,
        verifier: &mut Verifier,
        known: &HashMap<(ClientId, LedgerAccountId), i64>,
    ) -> Result<(), StoreError> {
        let reader = self.reader();
        let mut missing: Vec<(&str, ClientId, LedgerAccountId)> = Vec::new();
        for (what, table) in [("account", "accounts"), ("card", "cards")] {
            let mut steps = named::Steps::of(table, "id", "client, id");
            while let Some(rows) = steps.next(&reader).await? {
                let ids = rows.iter().filter_map(|row| Some((named::id(row.first()?)?, named::id(row.get(1)?)?)));
                let ids = ids.map(|(client, id)| (ClientId(client), LedgerAccountId(id)));
                missing.extend(ids.filter(|key| !known.contains_key(key)).map(|(client, id)| (what, client, id)));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        // Accounts and cards created in the meantime have a head by now.
        let now: std::collections::HashSet<_> =
            self.heads().await?.into_iter().map(|head| (head.client, head.id)).collect();
        for (what, client, id) in missing.into_iter().filter(|(_, client, id)| !now.contains(&(*client, *id))) {
            verifier.note(format!("{what} {id} of client {client}: it has no head"));
        }
        Ok(())
    }

    /// Checks a client's events: positions have no gaps, balance events refer to existing entries, and the last
    /// sequence of an account or card equals its head's.
    async fn verify_events(&self, verifier: &mut Verifier, heads: &[Balance]) -> Result<(), StoreError> {
        let reader = self.reader();
        let places = named::positions(&reader, verifier).await?;
        let last = named::events(&reader, verifier).await?;
        let whole = |head: &&Balance| places.get(&head.client).is_none_or(|first| *first == 1);
        let mut ahead = false;
        for head in heads.iter().filter(whole) {
            let seen = last.get(&(head.client, head.id.0)).copied().unwrap_or(0);
            ahead |= seen > head.event_seq;
            if seen < head.event_seq {
                verifier.note(format!(
                    "account {}: {} events were made of it, and the last that is there is number {seen}",
                    head.id, head.event_seq
                ));
            }
        }
        if ahead {
            for head in self.heads().await? {
                if let Some(seen) = last.get(&(head.client, head.id.0)).filter(|seen| **seen > head.event_seq) {
                    let (id, counted) = (head.id, head.event_seq);
                    verifier.note(format!("account {id}: its event number {seen} is there, its head says {counted}"));
                }
            }
        }
        Ok(())
    }

    /// The reversed transfers and their reversed amounts.
    async fn reversed_transfers(&self) -> Result<Vec<(ClientId, Id, i64)>, StoreError> {
        let sql = "SELECT client, id, reversed FROM transfers WHERE reversed > 0";
        let rows = self.reader().rows(ClientId::INSTALLATION, sql.to_owned(), Vec::new(), 3).await?;
        let read = |row: Vec<Value>| match row.as_slice() {
            [client, id, Value::Integer(reversed)] => Some((ClientId(named::id(client)?), named::id(id)?, *reversed)),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }
}
