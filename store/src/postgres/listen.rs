//! Word from the node that places events (`NOTIFY`), so that the others need not wait for their next look.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};

use super::connection::{config, explain, tls, wants_tls};
use crate::StoreError;

/// Where the word is given.
pub(super) const CHANNEL: &str = "paygen_events";

/// Hears when events were placed, by whichever node.
pub struct Listener {
    url: String,
    session: Option<(Client, Arc<Notify>)>,
}

impl Listener {
    pub(super) fn new(url: &str) -> Listener {
        Listener { url: url.to_owned(), session: None }
    }

    /// Waits until events were placed, or may have been placed unheard: it also returns whenever it begins to listen.
    /// An error means that nothing is heard; the next call tries again.
    pub async fn heard(&mut self) -> Result<(), StoreError> {
        let Some((client, heard)) = &self.session else {
            self.session = Some(listen(&self.url).await?);
            return Ok(());
        };
        heard.notified().await;
        if client.is_closed() {
            self.session = None;
            return Err(StoreError::Unavailable("the connection that listens for events was lost".to_owned()));
        }
        Ok(())
    }
}

async fn listen(url: &str) -> Result<(Client, Arc<Notify>), StoreError> {
    let config = config(url)?;
    let heard = Arc::new(Notify::new());
    let client = if wants_tls(&config) {
        let (client, connection) = config.connect(tls()?).await.map_err(|error| explain(&error))?;
        tokio::spawn(hear(connection, heard.clone()));
        client
    } else {
        let (client, connection) = config.connect(NoTls).await.map_err(|error| explain(&error))?;
        tokio::spawn(hear(connection, heard.clone()));
        client
    };
    client.batch_execute(&format!("LISTEN {CHANNEL}")).await.map_err(|error| explain(&error))?;
    Ok((client, heard))
}

/// Drives the connection until it ends; its end is told too.
async fn hear<S, T>(connection: Connection<S, T>, heard: Arc<Notify>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = pin!(connection);
    while let Some(Ok(message)) = poll_fn(|context| connection.as_mut().get_mut().poll_message(context)).await {
        if matches!(message, AsyncMessage::Notification(_)) {
            heard.notify_one();
        }
    }
    heard.notify_one();
}
