//! The responders as this server knows them: read at the start, after each change made here, and every second, because
//! other servers change them too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use paygen_core::ids::{ClientId, Id, IdGenerator, ResponderId};
use paygen_core::responders::{Responder, ResponderStatus};
use paygen_core::time::Instant;
use paygen_store::{Reader, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a change made on another server may go unnoticed.
pub(super) const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

type ByClient = HashMap<ClientId, Arc<[Responder]>>;

pub(super) struct Known {
    responders: RwLock<Arc<ByClient>>,
    ids: Mutex<IdGenerator>,
}

impl Known {
    pub(super) async fn read(reader: &Reader) -> Result<Known, StoreError> {
        let responders = RwLock::new(Arc::new(by_client(reader.all_responders().await?)));
        let start: [u8; 2] = paygen_vault::random_bytes();
        let ids = IdGenerator::new(paygen_vault::random_bytes(), u32::from(u16::from_be_bytes(start)));
        Ok(Known { responders, ids: Mutex::new(ids) })
    }

    pub(super) fn new_id(&self, now: Instant) -> Id {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).next(now)
    }

    fn all(&self) -> Arc<ByClient> {
        self.responders.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A client's responders, if one of them may have to be asked.
    pub(super) fn of(&self, client: ClientId) -> Option<Arc<[Responder]>> {
        let all = self.all();
        let own = all.get(&client)?;
        let works = |one: &Responder| matches!(one.status(), ResponderStatus::Active | ResponderStatus::Paused);
        own.iter().any(works).then(|| own.clone())
    }

    pub(super) fn find(&self, client: ClientId, id: ResponderId) -> Option<Responder> {
        self.all().get(&client)?.iter().find(|responder| responder.id == id).cloned()
    }

    pub(super) fn by_id(&self, id: ResponderId) -> Option<Responder> {
        self.all().values().flat_map(|own| own.iter()).find(|responder| responder.id == id).cloned()
    }

    pub(super) async fn refresh(&self, reader: &Reader) -> Result<(), StoreError> {
        let read = Arc::new(by_client(reader.all_responders().await?));
        *self.responders.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    pub(super) async fn run(&self, reader: &Reader, mut stop: tokio::sync::watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(REFRESH_INTERVAL) => {}
                () = paygen_engine::stopped(&mut stop) => return,
            }
            if let Err(error) = self.refresh(reader).await {
                tracing::warn!(error = %error, "responders cannot be read; they are used as they were");
            }
        }
    }
}

fn by_client(all: Vec<Responder>) -> ByClient {
    let mut found: HashMap<ClientId, Vec<Responder>> = HashMap::new();
    for responder in all {
        found.entry(responder.client).or_default().push(responder);
    }
    found.into_iter().map(|(client, own)| (client, own.into())).collect()
}

/// Upper bound on the questions open to one responder on one server.
const MAX_QUESTIONS: usize = 256;

/// The questions that are open to each responder. A responder that hangs keeps no more than its own places.
#[derive(Default)]
pub(super) struct Places(Mutex<HashMap<ResponderId, Arc<Semaphore>>>);

impl Places {
    /// A place for a question; `None` if all are taken.
    pub(super) fn take(&self, id: ResponderId) -> Option<OwnedSemaphorePermit> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let places = all.entry(id).or_insert_with(|| Arc::new(Semaphore::new(MAX_QUESTIONS)));
        places.clone().try_acquire_owned().ok()
    }
}
