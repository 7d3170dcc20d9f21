//! The deliveries of this node: which endpoints it serves, and word of changes to their tasks.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use paygen_core::ids::{ClientId, WebhookId};
use paygen_core::time::Instant;
use paygen_core::webhooks::{Webhook, WebhookProgress};
use paygen_store::{Reader, Shards, StoreError, shard_of};
use paygen_vault::Vault;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::endpoint::{Endpoint, Message};
use crate::sender::Sender;
use crate::shared::{DeliverySettings, Shared};

use paygen_engine::Engine;
use paygen_engine::clock::BusinessClock;
use paygen_engine::schedule::{Answering, Outbound, Tried};
use paygen_engine::tail::Tail;

/// How often it is looked which endpoints there are, when nobody gave word of a change.
const LOOK: Duration = Duration::from_secs(1);

/// Every so many looks, deliveries are looked for that were asked for on other nodes.
const LOOKS_PER_SEARCH: u32 = 5;

/// How long an endpoint has to finish when it is to be served elsewhere, or not at all.
const LAST_WORDS: Duration = Duration::from_secs(3);

struct Served {
    messages: mpsc::Sender<Message>,
    task: JoinHandle<()>,
    client: ClientId,
    since: Instant,
}

/// The deliveries of this node; clones share them.
#[derive(Clone)]
pub struct Deliveries {
    shared: Arc<Shared>,
    served: Arc<Mutex<HashMap<WebhookId, Served>>>,
    changed: Arc<Changed>,
}

/// The clients whose endpoints were changed, or deliveries asked for.
#[derive(Default)]
struct Changed {
    clients: Mutex<HashSet<ClientId>>,
    told: Notify,
}

/// For whose endpoints it is looked whether deliveries were asked for.
enum Asked {
    All,
    Of(HashSet<ClientId>),
}

impl Asked {
    fn concerns(&self, client: ClientId) -> bool {
        match self {
            Asked::All => true,
            Asked::Of(clients) => clients.contains(&client),
        }
    }
}

/// What deliveries are built on.
pub struct Parts {
    /// Writes.
    pub engine: Engine,
    /// Reads.
    pub reader: Reader,
    /// Opens credentials.
    pub vault: Arc<Vault>,
    /// Business time.
    pub clock: BusinessClock,
    /// Sends.
    pub sender: Sender,
    /// How.
    pub settings: DeliverySettings,
    /// What events say they come from.
    pub environment: String,
    /// Wakes when events were placed.
    pub tail: Tail,
}

impl Deliveries {
    /// Deliveries that do not run yet.
    pub fn new(parts: Parts) -> Deliveries {
        let Parts { engine, reader, vault, clock, sender, settings, environment, tail } = parts;
        let shared = Shared { engine, reader, vault, clock, sender, settings, environment, tail };
        Deliveries { shared: Arc::new(shared), served: Arc::default(), changed: Arc::default() }
    }

    /// The rules for targets.
    pub fn targets(&self) -> &crate::targets::Targets {
        self.shared.sender.targets()
    }

    /// Says that endpoints of this client were changed, or deliveries asked for.
    pub fn changed(&self, client: ClientId) {
        self.changed.clients.lock().unwrap_or_else(PoisonError::into_inner).insert(client);
        self.changed.told.notify_one();
    }

    /// Waits until an endpoint's deliveries go by what was just stored, where this node serves it: an event told after
    /// a secret was replaced is signed with the new one. On other nodes it takes up to [`LOOK`].
    pub async fn renewed(&self, client: ClientId, id: WebhookId) {
        self.changed(client);
        let Some(inbox) = self.lock().get(&id).map(|served| served.messages.clone()) else { return };
        let taken = async {
            let (reply, answer) = oneshot::channel();
            if inbox.send(Message::Reload(reply)).await.is_ok() {
                let _ = answer.await;
            }
        };
        // One that is busy for longer learns it by itself.
        let _ = tokio::time::timeout(LOOK, taken).await;
    }

    /// Serves endpoints until the process stops.
    pub async fn run(self, mut shards: Shards, mut stop: watch::Receiver<bool>) {
        let mut looks = 0u32;
        loop {
            match shards.held().await {
                Ok(held) => {
                    // Other nodes give no word of what was asked for there.
                    let changed =
                        std::mem::take(&mut *self.changed.clients.lock().unwrap_or_else(PoisonError::into_inner));
                    let asked = if looks.is_multiple_of(LOOKS_PER_SEARCH) { Asked::All } else { Asked::Of(changed) };
                    looks = looks.wrapping_add(1);
                    if let Err(error) = self.look(&held, &asked).await {
                        tracing::warn!(error = %error, "webhook endpoints cannot be read");
                    }
                }
                Err(error) => {
                    // Another node may have taken over already.
                    tracing::warn!(error = %error, "deliveries stop: the locks of this node are lost");
                    self.abandon();
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.changed.told.notified() => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        let ids: Vec<WebhookId> = self.lock().keys().copied().collect();
        self.stop(ids).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<WebhookId, Served>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings what is served in line with the endpoints there are.
    async fn look(&self, held: &[bool], asked: &Asked) -> Result<(), StoreError> {
        let all = self.shared.reader.enabled_webhooks().await?;
        let ours = |webhook: &Webhook| held.get(shard_of(webhook.id)).copied().unwrap_or(false);
        let mut found: HashMap<WebhookId, (Webhook, WebhookProgress)> =
            all.into_iter().filter(|(webhook, _)| ours(webhook)).map(|row| (row.0.id, row)).collect();
        let ended: Vec<WebhookId> = {
            let served = self.lock();
            let over = |(id, served): (&WebhookId, &Served)| {
                let stays = found.get(id).is_some_and(|(_, progress)| progress.since == served.since);
                (!stays || served.task.is_finished()).then_some(*id)
            };
            served.iter().filter_map(over).collect()
        };
        self.stop(ended).await;
        for (id, served) in self.lock().iter() {
            let Some((webhook, progress)) = found.remove(id) else { continue };
            let asked = asked.concerns(webhook.client);
            // An endpoint that is busy looks by itself in a while.
            let _ = served.messages.try_send(Message::Look(Box::new((webhook, progress)), asked));
        }
        for (id, (webhook, progress)) in found {
            let since = progress.since;
            let client = webhook.client;
            let endpoint = match Endpoint::open(self.shared.clone(), webhook, &progress).await {
                Ok(endpoint) => endpoint,
                Err(error) => {
                    tracing::error!(error = %error, webhook = %id, "an endpoint cannot be served");
                    continue;
                }
            };
            let (messages, inbox) = mpsc::channel(16);
            let task = tokio::spawn(endpoint.run(inbox));
            self.lock().insert(id, Served { messages, task, client, since });
        }
        Ok(())
    }

    /// Lets these endpoints finish what is in flight.
    async fn stop(&self, ids: Vec<WebhookId>) {
        let ended: Vec<Served> = {
            let mut served = self.lock();
            ids.into_iter().filter_map(|id| served.remove(&id)).collect()
        };
        for served in &ended {
            let _ = served.messages.try_send(Message::Stop);
        }
        let deadline = tokio::time::Instant::now() + LAST_WORDS;
        for Served { messages, mut task, .. } in ended {
            drop(messages);
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    fn abandon(&self) {
        for (_, served) in self.lock().drain() {
            served.task.abort();
        }
    }

    fn inboxes(&self) -> Vec<(ClientId, WebhookId, mpsc::Sender<Message>)> {
        self.lock().iter().map(|(id, served)| (served.client, *id, served.messages.clone())).collect()
    }

    /// When a delivery of this node is due next.
    async fn first_due(&self) -> Option<Instant> {
        let mut first = None;
        for (_, _, inbox) in self.inboxes() {
            let (reply, answer) = oneshot::channel();
            if inbox.send(Message::NextDue(reply)).await.is_ok()
                && let Ok(Some(due)) = answer.await
            {
                first = Some(first.map_or(due, |first: Instant| first.min(due)));
            }
        }
        first
    }

    /// Tries every delivery of this node that is due, once, within a limit.
    async fn try_due(&self, now: Instant, limit: Duration) -> Vec<Tried> {
        let asks = self.inboxes().into_iter().map(|(client, webhook, inbox)| async move {
            let (reply, answer) = oneshot::channel();
            inbox.send(Message::RunDue(now, limit, reply)).await.ok()?;
            let ran = answer.await.ok()?;
            Some(Tried { client, webhook, tried: ran.tried, failed: ran.failed })
        });
        let tried = futures_util::future::join_all(asks).await.into_iter().flatten();
        tried.filter(|one| one.tried > 0).collect()
    }
}

impl Outbound for Deliveries {
    fn next_due(&self) -> Answering<'_, Option<Instant>> {
        Box::pin(self.first_due())
    }

    fn run_due(&self, now: Instant, limit: Duration) -> Answering<'_, Vec<Tried>> {
        Box::pin(self.try_due(now, limit))
    }
}
