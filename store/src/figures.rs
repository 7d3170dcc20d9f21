//! Figures about all clients for the metrics. They take few statements, none of which scans a table that grows without
//! bound.

use paygen_core::ids::ClientId;
use paygen_core::time::Instant;

use crate::value::Value;
use crate::{Reader, StoreError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub open_exceptions: i64,
    pub holds: i64,
    /// Events that webhook endpoints have not received yet, counted for each endpoint: those it has not reached, wanted
    /// or not, and those that are being retried.
    pub webhook_backlog: i64,
    /// When the oldest of these events was created.
    pub webhook_oldest: Option<Instant>,
    /// In bytes.
    pub size: i64,
}

const EXCEPTIONS: &str = "SELECT count(*) FROM exceptions WHERE status = 'open'";

/// Every open authorization has a due time, and with it an entry in the index of due times.
const HOLDS: &str = "SELECT count(*) FROM authorizations WHERE due_at IS NOT NULL";

const RETRIED: &str = "SELECT count(*), min(created_at) FROM deliveries WHERE status = 'pending'";

/// An endpoint's cursor is before the first event that it has not received and that has no row of its own.
const AHEAD: &str = "SELECT CAST(coalesce(sum(q.newest - q.cursor_position), 0) AS bigint), min(q.oldest) FROM (
        SELECT p.cursor_position AS cursor_position,
            coalesce((SELECT e.position FROM positioned_events e
                WHERE e.client = w.client AND e.position > p.cursor_position
                ORDER BY e.position DESC LIMIT 1), p.cursor_position) AS newest,
            (SELECT e.created_at FROM positioned_events e
                WHERE e.client = w.client AND e.position > p.cursor_position ORDER BY e.position LIMIT 1) AS oldest
        FROM webhooks w JOIN webhook_progress p ON p.client = w.client AND p.id = w.id
        WHERE w.enabled = 1 AND p.cursor_position IS NOT NULL
    ) q";

impl Reader {
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        let (retried, oldest_retried) = self.pair(RETRIED, 2).await?;
        let (ahead, oldest_ahead) = self.pair(AHEAD, 2).await?;
        let oldest = oldest_retried.into_iter().chain(oldest_ahead).min();
        Ok(Figures {
            open_exceptions: self.pair(EXCEPTIONS, 1).await?.0,
            holds: self.pair(HOLDS, 1).await?.0,
            webhook_backlog: retried + ahead,
            webhook_oldest: oldest.map(Instant::from_micros),
            size: self.pair(self.size_statement(), 1).await?.0,
        })
    }

    /// Reads a number and an optional second one.
    async fn pair(&self, sql: &str, columns: usize) -> Result<(i64, Option<i64>), StoreError> {
        let rows = self.rows(ClientId::INSTALLATION, sql.to_owned(), Vec::new(), columns).await?;
        let number = |at: usize| match rows.first().and_then(|row| row.get(at)) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        };
        Ok((number(0).unwrap_or_default(), number(1)))
    }
}
