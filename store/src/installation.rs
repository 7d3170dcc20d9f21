//! What a database is: of the sandbox or of production, and which key file wraps its data keys.
//!
//! It is stored at the first start and never changes, so that a server of the one kind does not run on what the other left.

use paygen_core::ids::ClientId;
use paygen_core::time::Instant;

use crate::value::Value;
use crate::{Database, StoreError};

/// What a database was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Whether it is a sandbox's.
    pub is_sandbox: bool,
    /// The id of the key file that wraps its data keys, when a server has started since it is noted.
    pub key_file: Option<String>,
}

/// Signs of a sandbox in a database from before it was noted: its key, a clock that was moved, or its client without any key
/// of production beside it.
const SANDBOX: &str = "SELECT CAST(1 AS bigint)
     WHERE EXISTS (SELECT 1 FROM api_keys WHERE hint LIKE 'pgk_test_%')
        OR EXISTS (SELECT 1 FROM clock WHERE time_offset > 0)
        OR (EXISTS (SELECT 1 FROM clients WHERE name = 'Sandbox')
            AND NOT EXISTS (SELECT 1 FROM api_keys WHERE hint LIKE 'pgk_live_%'))";

impl Database {
    /// What it is; nothing when that was never stored.
    pub async fn installation(&self) -> Result<Option<Installation>, StoreError> {
        let sql = "SELECT environment, key_file FROM installation";
        let rows = self.reader().rows(ClientId::INSTALLATION, sql.to_owned(), Vec::new(), 2).await?;
        Ok(rows.into_iter().next().and_then(|row| match <[Value; 2]>::try_from(row) {
            Ok([Value::Text(environment), Value::Text(id)]) => {
                Some(Installation { is_sandbox: environment == "sandbox", key_file: Some(id) })
            }
            Ok([Value::Text(environment), _]) => {
                Some(Installation { is_sandbox: environment == "sandbox", key_file: None })
            }
            _ => None,
        }))
    }

    /// What it is, stored now if it was not yet: what is in it decides, and in one without any key who asks first.
    pub async fn established(&self, as_sandbox: bool, at: Instant) -> Result<Installation, StoreError> {
        if let Some(known) = self.installation().await? {
            return Ok(known);
        }
        let reader = self.reader();
        let has_marks = !reader.rows(ClientId::INSTALLATION, SANDBOX.to_owned(), Vec::new(), 1).await?.is_empty();
        // Who has no key was never served, whatever the environment.
        let keys = "SELECT CAST(1 AS bigint) WHERE EXISTS (SELECT 1 FROM api_keys)";
        let is_used = !reader.rows(ClientId::INSTALLATION, keys.to_owned(), Vec::new(), 1).await?.is_empty();
        let environment = if has_marks || (as_sandbox && !is_used) { "sandbox" } else { "production" };
        let sql = "INSERT INTO installation (id, environment, key_file, created_at) VALUES (1, ?1, NULL, ?2)
             ON CONFLICT DO NOTHING";
        self.execute(sql, vec![environment.to_owned().into(), at.into()]).await?;
        // Another node may have stored it first.
        let stored = self.installation().await?;
        stored.ok_or_else(|| StoreError::Unavailable("what the database is was not stored".to_owned()))
    }

    /// Notes which key file wraps the data keys.
    pub async fn note_key_file(&self, id: &str) -> Result<(), StoreError> {
        self.execute("UPDATE installation SET key_file = ?1", vec![id.to_owned().into()]).await
    }
}
