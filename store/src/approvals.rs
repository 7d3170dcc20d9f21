//! Queries about approvals.

use paygen_core::access::ApiKey;
use paygen_core::approvals::Approval;
use paygen_core::ids::{ClientId, Id, UserId};
use paygen_core::time::Instant;

use crate::value::Value;
use crate::{Reader, StoreError};

impl Reader {
    /// Approvals that were approved and whose call was not made yet, oldest first.
    pub async fn approved(&self, limit: u32) -> Result<Vec<Approval>, StoreError> {
        let rest = format!("WHERE status = 'approved' ORDER BY expires_at, id LIMIT {limit}");
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
        let sql = "SELECT count(*) FROM approvals WHERE client = ?1 AND status = 'pending'".to_owned();
        let rows = self.rows(client, sql, vec![client.0.into()], 1).await?;
        match rows.first().map(Vec::as_slice) {
            Some([Value::Integer(count)]) => Ok(*count),
            _ => Ok(0),
        }
    }

    /// The user who made an API key, if one did.
    pub async fn maker_of_key(&self, key: &ApiKey) -> Result<Option<UserId>, StoreError> {
        // The entry has the key's own time, by which the log is indexed.
        let sql = "SELECT actor_id FROM audit_log WHERE client = ?1 AND created_at = ?2 AND object_type = 'api_key'
             AND object_id = ?3 AND actor_kind = 'user' LIMIT 1"
            .to_owned();
        let client = key.client;
        let params = vec![client.0.into(), key.created_at.into(), Value::Text(key.id.to_string())];
        let rows = self.rows(client, sql, params, 1).await?;
        match rows.first().map(Vec::as_slice) {
            Some([Value::Bytes(id)]) => Ok(Id::from_slice(id).map(UserId)),
            _ => Ok(None),
        }
    }
}
