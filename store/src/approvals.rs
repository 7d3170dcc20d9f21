//! Queries about approvals.

use paygen_core::access::{Actor, ApiKey};
use paygen_core::approvals::{Approval, ApprovalAction};
use paygen_core::ids::{ClientId, Id};
use paygen_core::time::Instant;

use crate::value::Value;
use crate::{Reader, StoreError};

impl Reader {
    /// Approvals that were approved and whose call the server has not made yet, oldest first.
    pub async fn approved(&self, limit: u32) -> Result<Vec<Approval>, StoreError> {
        // Their requesters make the others.
        let secret = ApprovalAction::ALL.iter().filter(|action| action.has_secret());
        let others: Vec<String> = secret.map(|action| format!("'{}'", action.as_str())).collect();
        let others = others.join(", ");
        let rest =
            format!("WHERE status = 'approved' AND action NOT IN ({others}) ORDER BY expires_at, id LIMIT {limit}");
        self.records(ClientId::INSTALLATION, &rest, Vec::new()).await
    }

    /// Approvals that still wait although their time was over at an instant of wall time.
    pub async fn overdue_approvals(&self, until: Instant, limit: u32) -> Result<Vec<Approval>, StoreError> {
        let rest = format!(
            "WHERE status IN ('pending', 'approved') AND expires_at <= ?1 ORDER BY expires_at, id LIMIT {limit}"
        );
        self.records(ClientId::INSTALLATION, &rest, vec![until.into()]).await
    }

    /// How many approvals of a client wait.
    pub async fn waiting_approvals(&self, client: ClientId) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM approvals WHERE client = ?1 AND status = 'pending'";
        self.count(client, sql, vec![client.0.into()]).await
    }

    /// How many approvals wait that one requester asked for.
    pub async fn waiting_approvals_of(&self, client: ClientId, requester: Id) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM approvals WHERE client = ?1 AND status = 'pending' AND requester_id = ?2";
        self.count(client, sql, vec![client.0.into(), requester.into()]).await
    }

    async fn count(&self, client: ClientId, sql: &str, params: Vec<Value>) -> Result<i64, StoreError> {
        let rows = self.rows(client, sql.to_owned(), params, 1).await?;
        match rows.first().map(Vec::as_slice) {
            Some([Value::Integer(count)]) => Ok(*count),
            _ => Ok(0),
        }
    }

    /// Who made an API key, if the audit log says so.
    pub async fn maker_of_key(&self, key: &ApiKey) -> Result<Option<Actor>, StoreError> {
        // The entry has the key's own time, by which the log is indexed. A key that replaced another is made by who
        // rotated that one.
        let sql = "SELECT actor_kind, actor_id FROM audit_log WHERE client = ?1 AND created_at = ?2
             AND object_type = 'api_key' AND object_id = ?3 LIMIT 1"
            .to_owned();
        let client = key.client;
        let params = vec![client.0.into(), key.created_at.into(), Value::Text(key.id.to_string())];
        let rows = self.rows(client, sql, params, 2).await?;
        match rows.first().map(Vec::as_slice) {
            Some([Value::Text(kind), Value::Bytes(id)]) => Ok(Some(Actor::from_parts(kind, Id::from_slice(id)))),
            _ => Ok(None),
        }
    }
}
