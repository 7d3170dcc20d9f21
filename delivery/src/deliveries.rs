//! The deliveries of this node: which endpoints it serves, and notifications of changes to their tasks.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use paygen_core::ids::{ClientId, WebhookId};
use paygen_core::time::Instant;
use paygen_core::webhooks::{Webhook, WebhookProgress};
use paygen_store::{Shards, StoreError, shard_of};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::endpoint::{Endpoint, Message};
use crate::shared::Shared;

use paygen_engine::schedule::{EndpointAttempts, Outbound, OutboundFuture};

/// How often the endpoints are read when no change was notified.
const SCAN_INTERVAL: Duration = Duration::from_secs(1);

/// How many scans pass between two searches for deliveries requested on other nodes.
const SCANS_PER_SEARCH: u32 = 5;

/// Time an endpoint has to finish its requests when it is disabled or moves to another node.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

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

/// The clients whose endpoints changed, or for whom deliveries were requested.
#[derive(Default)]
struct Changed {
    clients: Mutex<HashSet<ClientId>>,
    notify: Notify,
}

/// The clients for whose endpoints requested deliveries are searched.
enum Requested {
    All,
    Of(HashSet<ClientId>),
}

impl Requested {
    fn concerns(&self, client: ClientId) -> bool {
        match self {
            Requested::All => true,
            Requested::Of(clients) => clients.contains(&client),
        }
    }
}

impl Deliveries {
    /// Deliveries that are not running yet.
    pub fn new(shared: Shared) -> Deliveries {
        Deliveries { shared: Arc::new(shared), served: Arc::default(), changed: Arc::default() }
    }

    pub fn targets(&self) -> &crate::targets::Targets {
        self.shared.sender.targets()
    }

    /// Notifies that endpoints of this client changed, or that deliveries were requested.
    pub fn changed(&self, client: ClientId) {
        self.changed.clients.lock().unwrap_or_else(PoisonError::into_inner).insert(client);
        self.changed.notify.notify_one();
    }

    /// Waits until an endpoint served by this node uses the settings just stored: an event sent after a secret was
    /// rotated is signed with the new one. Other nodes take up to [`SCAN_INTERVAL`].
    pub async fn renewed(&self, client: ClientId, id: WebhookId) {
        self.changed(client);
        let Some(inbox) = self.lock().get(&id).map(|served| served.messages.clone()) else { return };
        let reloaded = async {
            let (reply, answer) = oneshot::channel();
            if inbox.send(Message::Reload(reply)).await.is_ok() {
                let _ = answer.await;
            }
        };
        // An endpoint that is busy for longer reloads with its next scan.
        let _ = tokio::time::timeout(SCAN_INTERVAL, reloaded).await;
    }

    /// Serves endpoints until the process stops.
    pub async fn run(self, mut shards: Shards, mut stop: watch::Receiver<bool>) {
        let mut scans = 0u32;
        loop {
            match shards.held().await {
                Ok(held) => {
                    // Deliveries requested on other nodes are not notified.
                    let changed =
                        std::mem::take(&mut *self.changed.clients.lock().unwrap_or_else(PoisonError::into_inner));
                    let requested =
                        if scans.is_multiple_of(SCANS_PER_SEARCH) { Requested::All } else { Requested::Of(changed) };
                    scans = scans.wrapping_add(1);
                    if let Err(error) = self.scan(&held, &requested).await {
                        tracing::warn!(error = %error, "webhook endpoints cannot be read");
                    }
                }
                Err(error) => {
                    // Another node may have taken over the shards already.
                    tracing::warn!(error = %error, "deliveries stop: the locks of this node are lost");
                    self.abandon();
                }
            }
            tokio::select! {
                () = tokio::time::sleep(SCAN_INTERVAL) => {}
                () = self.changed.notify.notified() => {}
                () = paygen_engine::stopped(&mut stop) => break,
            }
        }
        let ids: Vec<WebhookId> = self.lock().keys().copied().collect();
        self.stop(ids).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<WebhookId, Served>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts, updates and stops endpoints' tasks according to the stored endpoints.
    async fn scan(&self, held: &[bool], requested: &Requested) -> Result<(), StoreError> {
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
            let requested = requested.concerns(webhook.client);
            // When its channel is full, the endpoint is updated by a later scan.
            let _ = served.messages.try_send(Message::Update(Box::new((webhook, progress)), requested));
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

    /// Stops these endpoints once their requests in flight have finished.
    async fn stop(&self, ids: Vec<WebhookId>) {
        let ended: Vec<Served> = {
            let mut served = self.lock();
            ids.into_iter().filter_map(|id| served.remove(&id)).collect()
        };
        for served in &ended {
            let _ = served.messages.try_send(Message::Stop);
        }
        let deadline = tokio::time::Instant::now() + SHUTDOWN_TIMEOUT;
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

    /// When the next delivery of this node is due.
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

    /// Attempts every due delivery of this node once, within a time limit.
    async fn attempt_due(&self, now: Instant, limit: Duration) -> Vec<EndpointAttempts> {
        let attempts = self.inboxes().into_iter().map(|(client, webhook, inbox)| async move {
            let (reply, answer) = oneshot::channel();
            inbox.send(Message::RunDue(now, limit, reply)).await.ok()?;
            let counts = answer.await.ok()?;
            Some(EndpointAttempts { client, webhook, attempted: counts.attempted, failed: counts.failed })
        });
        let attempted = futures_util::future::join_all(attempts).await.into_iter().flatten();
        attempted.filter(|one| one.attempted > 0).collect()
    }
}

impl Outbound for Deliveries {
    fn next_due(&self) -> OutboundFuture<'_, Option<Instant>> {
        Box::pin(self.first_due())
    }

    fn run_due(&self, now: Instant, limit: Duration) -> OutboundFuture<'_, Vec<EndpointAttempts>> {
        Box::pin(self.attempt_due(now, limit))
    }
}
