//! Queries of the delivery worker: endpoints, next events, pending deliveries.

use paygen_core::events::Event;
use paygen_core::ids::{ClientId, EventId, WebhookId};
use paygen_core::record::Key;
use paygen_core::time::Instant;
use paygen_core::webhooks::{Delivery, Webhook, WebhookProgress};

use crate::lists::webhooks::List;
use crate::sql::Listed;
use crate::value::Value;
use crate::{Reader, StoreError};

impl Reader {
    /// All enabled endpoints of all clients.
    pub async fn enabled_webhooks(&self) -> Result<Vec<(Webhook, WebhookProgress)>, StoreError> {
        let (columns, count) = List::columns();
        let sql = format!("SELECT {columns} FROM {} WHERE t.enabled = 1 ORDER BY t.client, t.id", List::FROM);
        let rows = self.rows(ClientId::INSTALLATION, sql, Vec::new(), count).await?;
        rows.into_iter().map(|values| Ok(List::read(values, &|_| None)?)).collect()
    }

    pub async fn webhooks_of(&self, client: ClientId) -> Result<Vec<Webhook>, StoreError> {
        self.records(client, "WHERE client = ?1 ORDER BY id", vec![client.0.into()]).await
    }

    async fn number(&self, client: ClientId, sql: &str, params: Vec<Value>) -> Result<i64, StoreError> {
        let rows = self.rows(client, sql.to_owned(), params, 1).await?;
        match rows.first().map(Vec::as_slice) {
            Some([Value::Integer(number)]) => Ok(*number),
            _ => Ok(0),
        }
    }

    /// An endpoint and its progress.
    pub async fn webhook(
        &self,
        client: ClientId,
        webhook: WebhookId,
    ) -> Result<Option<(Webhook, WebhookProgress)>, StoreError> {
        let key = Key::of(client, webhook.0);
        let found = self.get::<Webhook>(key).await?;
        let progress = self.get::<WebhookProgress>(key).await?;
        Ok(found.zip(progress))
    }

    pub async fn event(&self, client: ClientId, event: EventId) -> Result<Option<Event>, StoreError> {
        let found =
            self.records(client, "WHERE client = ?1 AND id = ?2", vec![client.0.into(), event.0.into()]).await?;
        Ok(found.into_iter().next())
    }

    /// The position before a client's first event at or after a time; the end of the stream if there is none.
    pub async fn position_before(&self, client: ClientId, since: Instant) -> Result<i64, StoreError> {
        let sql = "SELECT CAST(coalesce(
                (SELECT min(position) - 1 FROM positioned_events
                    WHERE client = ?1 AND created_at >= ?2 AND position IS NOT NULL),
                (SELECT position FROM positioned_events WHERE client = ?1 AND position IS NOT NULL
                    ORDER BY position DESC LIMIT 1),
                0) AS bigint)";
        self.number(client, sql, vec![client.0.into(), since.into()]).await
    }

    /// The pending deliveries of an endpoint, in order of position.
    pub async fn pending_deliveries(
        &self,
        client: ClientId,
        webhook: WebhookId,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rest = format!("WHERE client = ?1 AND webhook = ?2 AND status = 'pending' ORDER BY position LIMIT {limit}");
        self.records(client, &rest, vec![client.0.into(), webhook.0.into()]).await
    }

    /// The due deliveries of an endpoint, most urgent first, after a given one.
    pub async fn due_deliveries(
        &self,
        client: ClientId,
        webhook: WebhookId,
        until: Instant,
        after: Option<(Instant, i64)>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let (from, position) = after.unwrap_or((Instant::from_micros(i64::MIN), 0));
        let rest = format!(
            "WHERE client = ?1 AND webhook = ?2 AND status = 'pending' AND next_attempt_at <= ?3
             AND (next_attempt_at, position) > (?4, ?5) ORDER BY next_attempt_at, position LIMIT {limit}"
        );
        let params = vec![client.0.into(), webhook.0.into(), until.into(), from.into(), position.into()];
        self.records(client, &rest, params).await
    }

    /// The events in a range of positions that an endpoint has not received and that are not queued for it, whether it
    /// wants them or not.
    pub async fn missed_events(
        &self,
        client: ClientId,
        webhook: WebhookId,
        after: i64,
        to: i64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let rest = format!(
            "WHERE client = ?1 AND position > ?3 AND position <= ?4
             AND NOT EXISTS (SELECT 1 FROM delivery_attempts a WHERE a.client = ?1 AND a.event = positioned_events.id
                 AND a.webhook = ?2 AND a.outcome = 'succeeded')
             AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.client = ?1 AND d.webhook = ?2
                 AND d.position = positioned_events.position AND d.status = 'pending')
             ORDER BY position LIMIT {limit}"
        );
        self.records(client, &rest, vec![client.0.into(), webhook.0.into(), after.into(), to.into()]).await
    }

    /// The position up to which all enabled endpoints of a client are finished with its events.
    pub async fn delivered_position(&self, client: ClientId) -> Result<i64, StoreError> {
        let sql = "SELECT CAST(coalesce(min(position), 9223372036854775807) AS bigint) FROM (
                SELECT coalesce(p.cursor_position, 0) AS position FROM webhooks w
                    JOIN webhook_progress p ON p.client = w.client AND p.id = w.id WHERE w.client = ?1 AND w.enabled = 1
                UNION ALL
                SELECT d.position - 1 AS position FROM deliveries d
                    JOIN webhooks w ON w.client = d.client AND w.id = d.webhook
                    WHERE d.client = ?1 AND d.status = 'pending' AND w.enabled = 1
            ) AS waiting";
        self.number(client, sql, vec![client.0.into()]).await
    }

    /// Attempts made before a time, oldest first.
    pub async fn old_attempts(&self, until: Instant, limit: u32) -> Result<Vec<Key>, StoreError> {
        self.keys_until("delivery_attempts", "id", "created_at", until, limit).await
    }

    /// Deliveries that failed for good before a time, and those of deleted endpoints.
    pub async fn old_deliveries(&self, before: Instant, limit: u32) -> Result<Vec<Key>, StoreError> {
        let rest = format!(
            "WHERE (status = 'failed' AND created_at < ?1) OR NOT EXISTS
                 (SELECT 1 FROM webhooks w WHERE w.client = deliveries.client AND w.id = deliveries.webhook)
             LIMIT {limit}"
        );
        let rows: Vec<Delivery> = self.records(ClientId::INSTALLATION, &rest, vec![before.into()]).await?;
        Ok(rows.iter().map(paygen_core::record::Record::key).collect())
    }
}
