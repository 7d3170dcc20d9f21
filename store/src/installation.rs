//! The kind of a database: sandbox or production, and the key file that wraps its data keys.
//!
//! It is stored at the first start and never changes, so that a server of one kind does not run on a database of the
//! other.

use paygen_core::ids::ClientId;
use paygen_core::time::Instant;

use crate::value::Value;
use crate::{Database, StoreError};

/// The kind of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    pub is_sandbox: bool,
    /// The id of the key file that wraps the data keys; `None` until a server that records it has started.
    pub key_file: Option<String>,
}

/// Signs of a sandbox in a database that does not record its kind: a test key, a moved clock, or the sandbox's client
/// without any production key.
const SANDBOX: &str = "SELECT CAST(1 AS bigint)
     WHERE EXISTS (SELECT 1 FROM api_keys WHERE hint LIKE 'pgk_test_%')
        OR EXISTS (SELECT 1 FROM clock WHERE time_offset > 0)
        OR (EXISTS (SELECT 1 FROM clients WHERE name = 'Sandbox')
            AND NOT EXISTS (SELECT 1 FROM api_keys WHERE hint LIKE 'pgk_live_%'))";

impl Database {
    /// The recorded kind, if there is one.
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

    /// Whether it is a sandbox's, as far as is known: what was recorded, or else its content; in a database without any
    /// key the caller decides. Nothing is recorded.
    pub async fn presumed_sandbox(&self, as_sandbox: bool) -> Result<bool, StoreError> {
        if let Some(known) = self.installation().await? {
            return Ok(known.is_sandbox);
        }
        let reader = self.reader();
        let has_marks = !reader.rows(ClientId::INSTALLATION, SANDBOX.to_owned(), Vec::new(), 1).await?.is_empty();
        // A database without any key was never served.
        let keys = "SELECT CAST(1 AS bigint) WHERE EXISTS (SELECT 1 FROM api_keys)";
        let is_used = !reader.rows(ClientId::INSTALLATION, keys.to_owned(), Vec::new(), 1).await?.is_empty();
        Ok(has_marks || (as_sandbox && !is_used))
    }

    /// The kind, recorded now if it was not before.
    pub async fn established(&self, as_sandbox: bool, at: Instant) -> Result<Installation, StoreError> {
        if let Some(known) = self.installation().await? {
            return Ok(known);
        }
        let environment = if self.presumed_sandbox(as_sandbox).await? { "sandbox" } else { "production" };
        let sql = "INSERT INTO installation (id, environment, key_file, created_at) VALUES (1, ?1, NULL, ?2)
             ON CONFLICT DO NOTHING";
        self.execute(sql, vec![environment.to_owned().into(), at.into()]).await?;
        // Another node may have recorded it first.
        let stored = self.installation().await?;
        stored.ok_or_else(|| StoreError::Unavailable("what the database is was not stored".to_owned()))
    }

    /// Records which key file wraps the data keys.
    pub async fn note_key_file(&self, id: &str) -> Result<(), StoreError> {
        self.execute("UPDATE installation SET key_file = ?1", vec![id.to_owned().into()]).await
    }
}
