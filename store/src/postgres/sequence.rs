//! The sequencer: the node that holds the lease assigns positions to each client's events, without gaps.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use paygen_core::ids::{ClientId, Id};
use tokio_postgres::Client;

use super::connection::{analyze, connect, explain};
use super::listen::{CHANNEL, News};
use crate::StoreError;

/// The key of the advisory lock that serves as the lease. It belongs to a session, so a dead node's lease is free at
/// once.
pub(super) const LEASE: i64 = 0x7061_7967_656e_0002;

/// Notifies listening nodes, on commit, whose events were placed.
const NOTIFY: &str = "SELECT pg_notify($1, $2)";

const EVENTS_PER_ROUND: i64 = 1000;

/// The numbers of placed events after which statistics are renewed. Plans made without statistics scan all rows of a
/// client, and autovacuum runs once a minute at most.
const ANALYZE_AT_EVENTS: [usize; 4] = [300, 3_000, 30_000, 300_000];

/// How often old batch ids are deleted. They only matter for seconds after a lost COMMIT.
const CLEAN_UP_INTERVAL: Duration = Duration::from_secs(600);

/// Assigns positions to events while it holds the lease.
pub struct Sequencer {
    url: String,
    session: Option<Client>,
    holds_lease: bool,
    /// Whether this database supports notifications. If not, other nodes poll.
    notifies: bool,
    forgot: Instant,
    placed: usize,
}

impl Sequencer {
    pub(super) fn new(url: &str) -> Sequencer {
        Sequencer {
            url: url.to_owned(),
            session: None,
            holds_lease: false,
            notifies: false,
            forgot: Instant::now(),
            placed: 0,
        }
    }

    /// Places waiting events and returns their clients. Places none while another node holds the lease.
    pub async fn step(&mut self) -> Result<HashSet<ClientId>, StoreError> {
        let outcome = self.try_step().await;
        if outcome.is_err() {
            self.session = None;
            self.holds_lease = false;
        }
        outcome
    }

    async fn try_step(&mut self) -> Result<HashSet<ClientId>, StoreError> {
        if self.session.as_ref().is_none_or(Client::is_closed) {
            self.holds_lease = false;
            self.session = Some(connect(&self.url).await?.0);
        }
        let Some(client) = self.session.as_mut() else { return Ok(HashSet::new()) };
        if !self.holds_lease {
            let row = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LEASE]).await;
            self.holds_lease = row.map_err(|error| explain(&error))?.get(0);
            // Tried here, because a failure inside the transaction would undo the placement.
            self.notifies = self.holds_lease && client.execute(NOTIFY, &[&CHANNEL, &""]).await.is_ok();
        }
        if !self.holds_lease {
            return Ok(HashSet::new());
        }
        if self.forgot.elapsed() > CLEAN_UP_INTERVAL {
            self.forgot = Instant::now();
            let sql =
                "DELETE FROM commits WHERE committed_at < (extract(epoch FROM now()) * 1000000)::bigint - 86400000000";
            client.execute(sql, &[]).await.map_err(|error| explain(&error))?;
        }
        let (placed, clients) = place(client, self.notifies).await.map_err(|error| explain(&error))?;
        let before = self.placed;
        self.placed += placed;
        if ANALYZE_AT_EVENTS.iter().any(|grown| before < *grown && *grown <= self.placed)
            && let Err(error) = renew_statistics(client, self.placed).await
        {
            tracing::warn!(error = %explain(&error), "statistics could not be renewed");
        }
        Ok(clients)
    }
}

/// Selects waiting events by id, plus all earlier waiting events of the same objects: ids of two nodes may not follow
/// the objects' sequences.
const WAITING: &str = "WITH first AS (
        SELECT client, object_id, sequence FROM events WHERE position IS NULL ORDER BY id LIMIT $1
    ), head AS (
        SELECT client, object_id, max(sequence) AS sequence FROM first GROUP BY client, object_id
    )
    SELECT e.client, e.id, e.object_id, e.sequence FROM events e
    JOIN head h ON h.client = e.client AND h.object_id = e.object_id AND e.sequence <= h.sequence
    WHERE e.position IS NULL ORDER BY e.client, e.id";

async fn renew_statistics(client: &Client, placed: usize) -> Result<(), tokio_postgres::Error> {
    let sql = "SELECT 1 FROM pg_class WHERE oid = 'events'::regclass AND reltuples < $1::bigint";
    match client.query_opt(sql, &[&i64::try_from(placed).unwrap_or(i64::MAX)]).await? {
        Some(_) => analyze(client).await,
        None => Ok(()),
    }
}

/// Places waiting events. Returns their number and their clients.
async fn place(client: &mut Client, notifies: bool) -> Result<(usize, HashSet<ClientId>), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    let waiting = transaction.query(WAITING, &[&EVENTS_PER_ROUND]).await?;
    if waiting.is_empty() {
        return Ok((0, HashSet::new()));
    }
    let events: Vec<Waiting> = waiting
        .iter()
        .map(|row| Waiting { client: row.get(0), id: row.get(1), object: row.get(2), sequence: row.get(3) })
        .collect();
    let events = in_sequence(events);
    let mut positions: HashMap<Vec<u8>, i64> = HashMap::new();
    let (mut clients, mut ids, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        let last = match positions.get(&event.client) {
            Some(last) => *last,
            None => {
                // With max() the planner may read all events of the client, and does if it expects them to be few.
                let sql = "SELECT position FROM events WHERE client = $1 AND position IS NOT NULL
                     ORDER BY position DESC LIMIT 1";
                transaction.query_opt(sql, &[&event.client]).await?.map_or(0, |row| row.get(0))
            }
        };
        positions.insert(event.client.clone(), last + 1);
        clients.push(event.client);
        ids.push(event.id);
        places.push(last + 1);
    }
    let sql = "UPDATE events e SET position = v.position
         FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS v(client, id, position)
         WHERE e.client = v.client AND e.id = v.id AND e.position IS NULL";
    transaction.execute(sql, &[&clients, &ids, &places]).await?;
    let whose: HashSet<ClientId> = positions.keys().filter_map(|id| Id::from_slice(id).map(ClientId)).collect();
    if notifies {
        transaction.execute(NOTIFY, &[&CHANNEL, &News::write(&whose)]).await?;
    }
    transaction.commit().await?;
    Ok((ids.len(), whose))
}

struct Waiting {
    client: Vec<u8>,
    id: Vec<u8>,
    object: Vec<u8>,
    sequence: i64,
}

/// Keeps the order of ids overall, and gives each object's places to its events in the order of their sequence.
fn in_sequence(mut events: Vec<Waiting>) -> Vec<Waiting> {
    let mut places: HashMap<(Vec<u8>, Vec<u8>), Vec<usize>> = HashMap::new();
    for (place, event) in events.iter().enumerate() {
        places.entry((event.client.clone(), event.object.clone())).or_default().push(place);
    }
    let mut target = vec![0; events.len()];
    for own in places.into_values() {
        let mut by_sequence = own.clone();
        by_sequence.sort_by_key(|place| events[*place].sequence);
        for (place, event) in own.into_iter().zip(by_sequence) {
            target[event] = place;
        }
    }
    let mut placed: Vec<(usize, Waiting)> = target.into_iter().zip(events.drain(..)).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, event)| event).collect()
}

#[cfg(test)]
mod tests {
    use super::{Waiting, in_sequence};

    #[test]
    fn an_object_is_told_in_its_own_order_whatever_the_ids() {
        let event =
            |id: u8, object: u8, sequence| Waiting { client: vec![1], id: vec![id], object: vec![object], sequence };
        let placed = in_sequence(vec![event(1, 7, 5), event(2, 8, 1), event(3, 7, 4), event(4, 7, 6)]);
        let told: Vec<(u8, i64)> = placed.iter().map(|event| (event.object[0], event.sequence)).collect();
        assert_eq!(told, [(7, 4), (8, 1), (7, 5), (7, 6)]);
    }
}
