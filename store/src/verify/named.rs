//! Checking rows that refer to entries, lines and heads: transfers, transactions, card movements, authorizations,
//! events.

use std::collections::HashMap;

use paygen_core::ids::{ClientId, Id};
use paygen_core::ledger::Verifier;

use super::MAX_FINDINGS;
use crate::database::ROWS_PER_SCAN;
use crate::value::Value;
use crate::{Reader, StoreError};

pub(super) fn id(value: &Value) -> Option<Id> {
    match value {
        Value::Bytes(bytes) => Id::from_slice(bytes),
        _ => None,
    }
}

fn number(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Integer(number)) => *number,
        _ => 0,
    }
}

/// A table read in steps by client and one more key column, with one statement per step.
pub(super) struct Steps {
    sql: String,
    columns: usize,
    after: (Vec<u8>, Vec<u8>),
    ended: bool,
}

impl Steps {
    /// `select` begins with the two key columns; the table's alias is `t`.
    pub(super) fn of(table: &str, key: &str, select: &str) -> Steps {
        let sql = format!(
            "SELECT {select} FROM (SELECT * FROM {table} WHERE (client, {key}) > (?1, ?2)
             ORDER BY client, {key} LIMIT {ROWS_PER_SCAN}) t ORDER BY client, {key}"
        );
        let columns = top_level_commas(select) + 1;
        Steps { sql, columns, after: (vec![0; 12], Vec::new()), ended: false }
    }

    /// The next rows; `None` at the end.
    pub(super) async fn next(&mut self, reader: &Reader) -> Result<Option<Vec<Vec<Value>>>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        let params = vec![Value::Bytes(self.after.0.clone()), Value::Bytes(self.after.1.clone())];
        let rows = reader.rows(ClientId::INSTALLATION, self.sql.clone(), params, self.columns).await?;
        self.ended = rows.len() < ROWS_PER_SCAN as usize;
        if let Some([Value::Bytes(client), Value::Bytes(key), ..]) = rows.last().map(Vec::as_slice) {
            self.after = (client.clone(), key.clone());
        }
        Ok(Some(rows))
    }
}

/// The number of commas outside of parentheses.
fn top_level_commas(select: &str) -> usize {
    let mut depth = 0;
    let count = |character| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => return true,
            _ => {}
        }
        false
    };
    select.chars().map(count).filter(|is_one| *is_one).count()
}

/// Checks transfers: their entries moved the stated amounts between the stated accounts, and so much was reversed.
pub(super) async fn transfers(
    reader: &Reader,
    verifier: &mut Verifier,
    reversed_before: Vec<(ClientId, Id, i64)>,
) -> Result<(), StoreError> {
    for (client, transfer, reversed) in reversed_before {
        let given = verifier.reversed(client, transfer);
        if given < reversed {
            verifier.note(format!(
                "transfer {transfer}: {reversed} minor units were given back, its reversals have {given}"
            ));
        }
    }
    let moved = |of: &str| {
        format!(
            "(SELECT CAST(coalesce(sum(l.delta), 0) AS bigint) FROM ledger_lines l
              WHERE l.client = t.client AND l.entry = t.entry AND l.account = t.{of})"
        )
    };
    let last = "(SELECT count(*) FROM ledger_entries e WHERE e.client = t.client AND e.id = t.last_reversal)";
    let select = format!(
        "client, id, entry, amount, {}, {}, reversed, last_reversal, {last}",
        moved("from_account"),
        moved("to_account")
    );
    let mut steps = Steps::of("transfers", "id", &select);
    while let Some(rows) = steps.next(reader).await? {
        for row in rows {
            let (Some(client), Some(transfer), Some(entry)) = (id(&row[0]), id(&row[1]), id(&row[2])) else { continue };
            let [amount, given, taken, reversed] = [3, 4, 5, 6].map(|at| number(row.get(at)));
            if (given, taken) != (-amount, amount) {
                verifier.note(format!(
                    "transfer {transfer}: it is of {amount} minor units, and entry {entry} took {} and gave {taken}",
                    -given
                ));
            }
            let all = verifier.reversed(ClientId(client), transfer);
            if all > reversed {
                verifier
                    .note(format!("transfer {transfer}: its reversals have {all} minor units, and it says {reversed}"));
            }
            if let (Some(reversal), 0) = (id(&row[7]), number(row.get(8))) {
                verifier.note(format!("transfer {transfer}: its reversal {reversal} is not there"));
            }
        }
    }
    Ok(())
}

/// Checks transactions and card movements: their entries exist, and those of transactions moved the stated amounts to
/// or from the network.
/// the network.
pub(super) async fn entries(reader: &Reader, verifier: &mut Verifier) -> Result<(), StoreError> {
    let there = "(SELECT count(*) FROM ledger_entries e WHERE e.client = t.client AND e.id = t.entry)";
    let network = "(SELECT CAST(coalesce(sum(s.delta), 0) AS bigint) FROM ledger_system_lines s
          WHERE s.client = t.client AND s.entry = t.entry AND s.system = 'network')";
    let mut steps = Steps::of("transactions", "id", &format!("client, id, entry, {there}, amount, {network}"));
    while let Some(rows) = steps.next(reader).await? {
        for row in rows {
            let (Some(transaction), Some(entry)) = (id(&row[1]), id(&row[2])) else { continue };
            let [is_there, amount, moved] = [3, 4, 5].map(|at| number(row.get(at)));
            if is_there == 0 {
                verifier.note(format!("transaction {transaction}: its entry {entry} is not there"));
            } else if moved != -amount {
                verifier.note(format!(
                    "transaction {transaction}: it is of {amount} minor units, and entry {entry} has {moved} of the network"
                ));
            }
        }
    }
    let mut steps = Steps::of("payment_references", "hash", &format!("client, hash, entry, {there}"));
    while let Some(rows) = steps.next(reader).await? {
        for row in rows.iter().filter(|row| number(row.get(3)) == 0) {
            if let Some(entry) = id(&row[2]) {
                verifier.note(format!("a payment onto a card names entry {entry}, which is not there"));
            }
        }
    }
    Ok(())
}

/// Checks that authorizations hold what their lines say.
pub(super) async fn holds(reader: &Reader, verifier: &mut Verifier) -> Result<(), StoreError> {
    let mut held = verifier.holds();
    let mut doubtful: Vec<(ClientId, Id)> = Vec::new();
    // A deposit holds nothing; its amount arrives when it is cleared.
    let open = "CASE WHEN kind = 'deposit' THEN 0 ELSE open_amount + open_fee END";
    let mut steps = Steps::of("authorizations", "id", &format!("client, id, {open}"));
    while let Some(rows) = steps.next(reader).await? {
        for row in rows {
            let (Some(client), Some(authorization)) = (id(&row[0]), id(&row[1])) else { continue };
            let key = (ClientId(client), authorization);
            let open = number(row.get(2));
            if held.remove(&key).unwrap_or(0) != open {
                doubtful.push(key);
            }
        }
    }
    // The remaining lines hold amounts for missing authorizations.
    doubtful.extend(held.into_keys());
    // Both may have changed between the two reads, so each difference is checked again in a single statement.
    for (client, authorization) in doubtful.into_iter().take(MAX_FINDINGS) {
        let sql = format!(
            "SELECT {open}, (SELECT CAST(coalesce(sum(l.held_delta), 0) AS bigint) FROM account_lines l
                 WHERE l.client = a.client AND l.account IN (a.card, a.account) AND l.authorization_id = a.id)
             FROM authorizations a WHERE a.client = ?1 AND a.id = ?2"
        );
        let params = vec![client.0.into(), authorization.into()];
        let rows = reader.rows(ClientId::INSTALLATION, sql, params, 2).await?;
        match rows.first() {
            None => verifier.note(format!("authorization {authorization}: money is held for it, and it is not there")),
            Some(row) => {
                let [open, held] = [0, 1].map(|at| number(row.get(at)));
                if open != held {
                    verifier.note(format!(
                        "authorization {authorization}: {open} minor units of it are open, and {held} are held"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Checks that a client's positions have no gaps, and that every event has one or waits for it. Returns the first
/// position of each client.
pub(super) async fn positions(reader: &Reader, verifier: &mut Verifier) -> Result<HashMap<ClientId, i64>, StoreError> {
    let sql = "SELECT client, CAST(min(position) AS bigint), CAST(max(position) AS bigint), count(position)
         FROM positioned_events WHERE position IS NOT NULL GROUP BY client";
    let rows = reader.rows(ClientId::INSTALLATION, sql.to_owned(), Vec::new(), 4).await?;
    let mut firsts = HashMap::new();
    for row in rows {
        let Some(client) = row.first().and_then(id).map(ClientId) else { continue };
        let [first, last, count] = [1, 2, 3].map(|at| number(row.get(at)));
        if last - first + 1 != count {
            let missing = last - first + 1 - count;
            verifier.note(format!(
                "client {client}: {missing} of its events between the positions {first} and {last} are not there"
            ));
        }
        firsts.insert(client, first);
    }
    let sql = format!("SELECT client, id FROM lost_events LIMIT {MAX_FINDINGS}");
    for row in reader.rows(ClientId::INSTALLATION, sql, Vec::new(), 2).await? {
        if let (Some(client), Some(event)) = (id(&row[0]), id(&row[1])) {
            verifier.note(format!("event {event} of client {client}: it has no position and does not wait for one"));
        }
    }
    Ok(firsts)
}

/// Checks that balance events refer to existing entries. Returns the last sequence of each object.
pub(super) async fn events(
    reader: &Reader,
    verifier: &mut Verifier,
) -> Result<HashMap<(ClientId, Id), i64>, StoreError> {
    let mut last: HashMap<(ClientId, Id), i64> = HashMap::new();
    let data = "CASE WHEN kind = 'account.balance.updated' THEN data END";
    let mut steps = Steps::of("events", "id", &format!("client, id, object_id, sequence, {data}"));
    while let Some(rows) = steps.next(reader).await? {
        let mut named: HashMap<Id, Vec<(Id, Id)>> = HashMap::new();
        for row in rows {
            let (Some(client), Some(event), Some(object)) = (id(&row[0]), id(&row[1]), id(&row[2])) else { continue };
            let newest = last.entry((ClientId(client), object)).or_default();
            *newest = number(row.get(3)).max(*newest);
            if let Some(Value::Text(data)) = row.get(4)
                && let Some((_, rest)) = data.split_once("\"entryId\":\"")
                && let Some(entry) = rest.get(..24).and_then(Id::parse)
            {
                named.entry(client).or_default().push((entry, event));
            }
        }
        for (client, entries) in named {
            for some in entries.chunks(100) {
                let places: Vec<String> = (2..some.len() + 2).map(|at| format!("?{at}")).collect();
                let sql = format!("SELECT id FROM ledger_entries WHERE client = ?1 AND id IN ({})", places.join(", "));
                let mut params = vec![Value::from(client)];
                params.extend(some.iter().map(|(entry, _)| Value::from(*entry)));
                let found = reader.rows(ClientId::INSTALLATION, sql, params, 1).await?;
                let found: Vec<Id> = found.iter().filter_map(|row| id(row.first()?)).collect();
                for (entry, event) in some.iter().filter(|(entry, _)| !found.contains(entry)) {
                    verifier.note(format!("event {event}: it names entry {entry}, which is not there"));
                }
            }
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::top_level_commas;

    #[test]
    fn columns_are_counted_outside_of_parentheses() {
        for (select, commas) in [("a", 0), ("a, b", 1), ("a, (SELECT f(b, c), d), e", 2)] {
            assert_eq!(top_level_commas(select), commas, "{select}");
        }
    }
}
