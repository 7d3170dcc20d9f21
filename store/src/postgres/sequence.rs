//! The sequencer: the node that holds the lease assigns positions to each client's events, without gaps.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use paygen_core::ids::{ClientId, Id};
use tokio_postgres::{Client, Statement};

use super::connection::{analyze, connect, explain};
use super::listen::{CHANNEL, News};
use crate::StoreError;

/// The key of the advisory lock that serves as the lease. It belongs to a session, so a dead node's lease is free at
/// once.
pub(super) const LEASE: i64 = 0x7061_7967_656e_0002;

/// Notifies listening nodes, on commit, whose events were placed.
const NOTIFY: &str = "SELECT pg_notify($1, $2)";

const BATCHES_PER_ROUND: i64 = 64;

/// The numbers of placed events after which statistics are renewed. Plans made without statistics scan all rows of a
/// client, and autovacuum runs once a minute at most.
const ANALYZE_AT_EVENTS: [usize; 4] = [300, 3_000, 30_000, 300_000];

/// How often old batch ids are deleted. They only matter for seconds after a lost COMMIT.
const CLEAN_UP_INTERVAL: Duration = Duration::from_secs(600);

/// Assigns positions to events while it holds the lease.
pub struct Sequencer {
    url: String,
    session: Option<Session>,
    holds_lease: bool,
    forgot: Instant,
    placed: usize,
}

impl Sequencer {
    pub(super) fn new(url: &str) -> Sequencer {
        Sequencer { url: url.to_owned(), session: None, holds_lease: false, forgot: Instant::now(), placed: 0 }
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
        if self.session.as_ref().is_none_or(|session| session.client.is_closed()) {
            self.holds_lease = false;
            self.session = Some(Session::open(&self.url).await?);
        }
        let Some(session) = self.session.as_mut() else { return Ok(HashSet::new()) };
        let client = &session.client;
        if !self.holds_lease {
            let row = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LEASE]).await;
            self.holds_lease = row.map_err(|error| explain(&error))?.get(0);
            if self.holds_lease {
                // Tried here, because a failure inside the transaction would undo the placement.
                let told = client.execute(NOTIFY, &[&CHANNEL, &""]).await.is_ok();
                session.notify = if told { client.prepare(NOTIFY).await.ok() } else { None };
            }
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
        let (placed, clients) = session.place().await.map_err(|error| explain(&error))?;
        let before = self.placed;
        self.placed += placed;
        if ANALYZE_AT_EVENTS.iter().any(|grown| before < *grown && *grown <= self.placed)
            && let Err(error) = renew_statistics(&session.client, self.placed).await
        {
            tracing::warn!(error = %explain(&error), "statistics could not be renewed");
        }
        Ok(clients)
    }
}

/// Takes the oldest waiting batches. Batches with events of one object are numbered in the order of its sequences, so
/// with a batch all earlier ones that it depends on are taken.
const TAKE: &str = "DELETE FROM event_queue
    WHERE number = ANY(ARRAY(SELECT number FROM event_queue ORDER BY number LIMIT $1))
    RETURNING client, events, objects, sequences";

/// The last positions of clients. With max() the planner may read all positions of a client, and does if it expects
/// them to be few.
const LAST: &str = "SELECT c.client, p.position FROM unnest($1::bytea[]) AS c(client) CROSS JOIN LATERAL
    (SELECT position FROM event_positions WHERE event_positions.client = c.client
     ORDER BY position DESC LIMIT 1) p";

const PLACE: &str = "INSERT INTO event_positions (client, position, event)
    SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])";

/// A session with its prepared statements.
struct Session {
    client: Client,
    take: Statement,
    last: Statement,
    place: Statement,
    /// `None` if this database has no notifications: other nodes poll.
    notify: Option<Statement>,
}

impl Session {
    async fn open(url: &str) -> Result<Session, StoreError> {
        let client = connect(url).await?.0;
        let prepared = async { tokio::try_join!(client.prepare(TAKE), client.prepare(LAST), client.prepare(PLACE)) };
        let (take, last, place) = prepared.await.map_err(|error| explain(&error))?;
        Ok(Session { client, take, last, place, notify: None })
    }

    /// Places waiting events. Returns their number and their clients.
    async fn place(&mut self) -> Result<(usize, HashSet<ClientId>), tokio_postgres::Error> {
        let transaction = self.client.transaction().await?;
        let taken = transaction.query(&self.take, &[&BATCHES_PER_ROUND]).await?;
        if taken.is_empty() {
            return Ok((0, HashSet::new()));
        }
        let mut events = Vec::new();
        for row in &taken {
            let (client, ids): (&[u8], Vec<&[u8]>) = (row.get(0), row.get(1));
            let (objects, sequences): (Vec<&[u8]>, Vec<i64>) = (row.get(2), row.get(3));
            let waiting = ids.into_iter().zip(objects).zip(sequences);
            events.extend(waiting.map(|((id, object), sequence)| Waiting { client, id, object, sequence }));
        }
        events.sort_unstable_by_key(|event| (event.client, event.id));
        let events = in_sequence(events);
        let whose: HashSet<&[u8]> = events.iter().map(|event| event.client).collect();
        let whose: Vec<&[u8]> = whose.into_iter().collect();
        let last = transaction.query(&self.last, &[&whose]).await?;
        let mut last: HashMap<&[u8], i64> = last.iter().map(|row| (row.get(0), row.get(1))).collect();
        let (mut clients, mut places, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for event in &events {
            let place = last.entry(event.client).or_default();
            *place += 1;
            clients.push(event.client);
            places.push(*place);
            ids.push(event.id);
        }
        transaction.execute(&self.place, &[&clients, &places, &ids]).await?;
        let whose: HashSet<ClientId> = whose.into_iter().filter_map(|id| Id::from_slice(id).map(ClientId)).collect();
        if let Some(notify) = &self.notify {
            transaction.execute(notify, &[&CHANNEL, &News::write(&whose)]).await?;
        }
        transaction.commit().await?;
        Ok((events.len(), whose))
    }
}

async fn renew_statistics(client: &Client, placed: usize) -> Result<(), tokio_postgres::Error> {
    let sql = "SELECT 1 FROM pg_class WHERE oid = 'events'::regclass AND reltuples < $1::bigint";
    match client.query_opt(sql, &[&i64::try_from(placed).unwrap_or(i64::MAX)]).await? {
        Some(_) => analyze(client).await,
        None => Ok(()),
    }
}

#[derive(Clone, Copy)]
struct Waiting<'a> {
    client: &'a [u8],
    id: &'a [u8],
    object: &'a [u8],
    sequence: i64,
}

/// Keeps the order of ids overall, and gives each object's places to its events in the order of their sequence.
fn in_sequence(events: Vec<Waiting<'_>>) -> Vec<Waiting<'_>> {
    let mut places: HashMap<(&[u8], &[u8]), Vec<usize>> = HashMap::new();
    for (place, event) in events.iter().enumerate() {
        places.entry((event.client, event.object)).or_default().push(place);
    }
    let mut ordered = events.clone();
    for own in places.into_values() {
        let mut by_sequence = own.clone();
        by_sequence.sort_by_key(|place| events[*place].sequence);
        for (place, event) in own.into_iter().zip(by_sequence) {
            ordered[place] = events[event];
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::{Waiting, in_sequence};

    #[test]
    fn positions_follow_an_objects_sequence_whatever_the_ids() {
        let objects = [[7], [8]];
        let ids = [[1], [2], [3], [4]];
        let event = |id: usize, object: usize, sequence| Waiting {
            client: &[1],
            id: &ids[id - 1],
            object: &objects[object - 7],
            sequence,
        };
        let placed = in_sequence(vec![event(1, 7, 5), event(2, 8, 1), event(3, 7, 4), event(4, 7, 6)]);
        let told: Vec<(u8, i64)> = placed.iter().map(|event| (event.object[0], event.sequence)).collect();
        assert_eq!(told, [(7, 4), (8, 1), (7, 5), (7, 6)]);
    }
}
