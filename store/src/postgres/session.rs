//! A connection of a lane, with its prepared statements.

use std::collections::HashMap;

use tokio_postgres::{Client, Statement};

use super::connection::{Backend, connect, explain};
use super::seen::SeenRows;
use crate::StoreError;

pub(super) struct Session {
    pub(super) client: Client,
    pub(super) backend: Backend,
    statements: HashMap<&'static str, Statement>,
    pub(super) seen: SeenRows,
}

impl Session {
    pub(super) async fn open(url: &str) -> Result<Session, StoreError> {
        let (client, backend) = connect(url).await?;
        Ok(Session { client, backend, statements: HashMap::new(), seen: SeenRows::default() })
    }

    pub(super) async fn prepare(&mut self, sql: &'static str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await.map_err(|error| explain(&error))?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    pub(super) fn forget_statements(&mut self) {
        self.statements.clear();
    }
}
