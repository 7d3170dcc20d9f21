//! Notifications (`NOTIFY`) from the node that places events, so that other nodes need not wait for their next poll.

use std::collections::HashSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use paygen_core::ids::ClientId;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};

use super::connection::{config, explain, tls, wants_tls};
use crate::StoreError;

pub(super) const CHANNEL: &str = "paygen_events";

/// The maximum number of clients named in one notification: payloads are shorter than 8,000 bytes.
const MAX_NAMED_CLIENTS: usize = 300;

/// The clients whose events were placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    All,
    Of(HashSet<ClientId>),
}

impl News {
    /// The payload: client ids one after another; empty if they are too many.
    pub(super) fn write(clients: &HashSet<ClientId>) -> String {
        if clients.len() > MAX_NAMED_CLIENTS {
            return String::new();
        }
        clients.iter().map(ToString::to_string).collect()
    }

    /// Parses a payload. One that is not a list of client ids means all clients.
    fn read(payload: &str) -> News {
        let ids = payload.as_bytes().chunks(24);
        let read = ids.map(|id| ClientId::parse(std::str::from_utf8(id).ok()?));
        match read.collect::<Option<HashSet<ClientId>>>() {
            Some(clients) if !clients.is_empty() => News::Of(clients),
            _ => News::All,
        }
    }

    fn merge(&mut self, other: News) {
        match (&mut *self, other) {
            (News::Of(own), News::Of(others)) => own.extend(others),
            (_, News::All) => *self = News::All,
            (News::All, News::Of(_)) => {}
        }
    }
}

/// Notifications that were received and not yet passed on.
#[derive(Default)]
struct Heard {
    news: Mutex<Option<News>>,
    told: Notify,
}

impl Heard {
    fn tell(&self, news: News) {
        let mut heard = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *heard {
            Some(before) => before.merge(news),
            None => *heard = Some(news),
        }
        self.told.notify_one();
    }

    fn take(&self) -> Option<News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Receives notifications of placed events from all nodes.
pub struct Listener {
    url: String,
    session: Option<(Client, Arc<Heard>)>,
}

impl Listener {
    pub(super) fn new(url: &str) -> Listener {
        Listener { url: url.to_owned(), session: None }
    }

    /// Waits for placed events and returns their clients. The first result after a (re)connect is all clients, because
    /// notifications may have been missed. After an error, the next call connects again.
    pub async fn heard(&mut self) -> Result<News, StoreError> {
        let Some((client, heard)) = &self.session else {
            self.session = Some(listen(&self.url).await?);
            return Ok(News::All);
        };
        heard.told.notified().await;
        if client.is_closed() {
            self.session = None;
            return Err(StoreError::Unavailable("the connection that listens for events was lost".to_owned()));
        }
        Ok(heard.take().unwrap_or(News::All))
    }
}

async fn listen(url: &str) -> Result<(Client, Arc<Heard>), StoreError> {
    let config = config(url)?;
    let heard = Arc::new(Heard::default());
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

/// Drives the connection until it ends, and reports its end.
async fn hear<S, T>(connection: Connection<S, T>, heard: Arc<Heard>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = pin!(connection);
    while let Some(Ok(message)) = poll_fn(|context| connection.as_mut().get_mut().poll_message(context)).await {
        if let AsyncMessage::Notification(word) = message {
            heard.tell(News::read(word.payload()));
        }
    }
    heard.told.notify_one();
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use paygen_core::ids::{ClientId, Id};

    use super::{MAX_NAMED_CLIENTS, News};

    fn clients(count: usize) -> HashSet<ClientId> {
        let id = |number: usize| {
            let mut bytes = [7; 12];
            bytes[..2].copy_from_slice(&u16::try_from(number).expect("a small number").to_be_bytes());
            ClientId(Id::from_bytes(bytes))
        };
        (0..count).map(id).collect()
    }

    #[test]
    fn word_names_the_clients_it_is_about_or_everybody() {
        for count in [1, 2, MAX_NAMED_CLIENTS] {
            let written = News::write(&clients(count));
            assert!(written.len() < 8000, "PostgreSQL takes no longer payload");
            assert_eq!(News::read(&written), News::Of(clients(count)));
        }
        assert_eq!(News::write(&clients(MAX_NAMED_CLIENTS + 1)), "");
        for word in ["", "6b06", "not the id of a client!!", &"é".repeat(12)] {
            assert_eq!(News::read(word), News::All, "{word}");
        }
    }

    #[test]
    fn word_that_was_not_passed_on_yet_is_kept_together() {
        let mut news = News::Of(clients(1));
        news.merge(News::Of(clients(3)));
        assert_eq!(news, News::Of(clients(3)));
        news.merge(News::All);
        news.merge(News::Of(clients(1)));
        assert_eq!(news, News::All);
    }
}
