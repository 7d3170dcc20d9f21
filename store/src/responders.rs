//! Queries about responders: who is to be asked, which questions are overdue, and how calls went.

use paygen_core::ids::{ClientId, ResponderId};
use paygen_core::record::Key;
use paygen_core::responders::{BudgetUse, Question, Responder};
use paygen_core::time::Instant;

use crate::value::Value;
use crate::{Reader, StoreError};

impl Reader {
    /// All responders of all clients, each client's oldest first.
    pub async fn all_responders(&self) -> Result<Vec<Responder>, StoreError> {
        self.records(ClientId::INSTALLATION, "ORDER BY client, id", Vec::new()).await
    }

    pub async fn responders_of(&self, client: ClientId) -> Result<Vec<Responder>, StoreError> {
        self.records(client, "WHERE client = ?1 ORDER BY id", vec![client.0.into()]).await
    }

    /// Open questions whose deadline was before an instant of wall time, the earliest first.
    pub async fn overdue_questions(&self, until: Instant, limit: u32) -> Result<Vec<Question>, StoreError> {
        let rest = format!("WHERE deadline <= ?1 ORDER BY deadline LIMIT {limit}");
        self.records(ClientId::INSTALLATION, &rest, vec![until.into()]).await
    }

    /// What a responder's fallback approved in an hour or later.
    pub async fn budgets_used(
        &self,
        client: ClientId,
        responder: ResponderId,
        hour: i64,
    ) -> Result<Vec<BudgetUse>, StoreError> {
        let rest = "WHERE client = ?1 AND responder = ?2 AND hour >= ?3 ORDER BY id LIMIT 1000";
        self.records(client, rest, vec![client.0.into(), responder.0.into(), hour.into()]).await
    }

    /// Of the calls of a responder since a time: time, outcome and latency in milliseconds, the newest first.
    pub async fn call_figures(
        &self,
        client: ClientId,
        responder: ResponderId,
        since: Instant,
        limit: u32,
    ) -> Result<Vec<(Instant, String, i64)>, StoreError> {
        let sql = format!(
            "SELECT created_at, outcome, latency_ms FROM responder_calls
             WHERE client = ?1 AND responder = ?2 AND created_at >= ?3 AND about <> 'test'
             ORDER BY created_at DESC, id DESC LIMIT {limit}"
        );
        let rows = self.rows(client, sql, vec![client.0.into(), responder.0.into(), since.into()], 3).await?;
        let read = |row: Vec<Value>| match <[Value; 3]>::try_from(row) {
            Ok([Value::Integer(at), Value::Text(outcome), Value::Integer(latency)]) => {
                Some((Instant::from_micros(at), outcome, latency))
            }
            _ => None,
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Calls made before a time, oldest first.
    pub async fn old_calls(&self, until: Instant, limit: u32) -> Result<Vec<Key>, StoreError> {
        self.keys_until("responder_calls", "id", "created_at", until, limit).await
    }

    /// Questions of the stream whose deadline was before an instant of wall time, the earliest first.
    pub async fn old_streamed_questions(&self, until: Instant, limit: u32) -> Result<Vec<Key>, StoreError> {
        self.keys_until("streamed_questions", "id", "deadline", until, limit).await
    }
}
