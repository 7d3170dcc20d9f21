//! The write side: rows are locked in one global order (kind, client, id); a batch is one transaction; the outcome of a
//! lost COMMIT is looked up.
//!
//! A load is one round trip however many kinds it touches, and so is a commit: statements are pipelined, and after one
//! that fails or finds other rows than expected the rest fails too, and COMMIT stores nothing. If a batch changes any
//! row of a kind, all of its rows of that kind are locked exclusively. Each kind is therefore locked in a single ordered
//! pass, and batches cannot deadlock.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{MaybeDone, join, join_all, maybe_done};
use paygen_core::for_each_table;
use paygen_core::ids::Id;
use paygen_core::work::{Changes, KeySet, Work};
use tokio::runtime::Handle;
use tokio_postgres::Row;

use super::bulk::bulks;
use super::connection::{Backend, explain, is_lost};
use super::load::{Loaded, Plans, guards_of, plan, supply, unguarded, with_guards};
use super::session::Session;
use crate::{Load, Store, StoreError};

/// How often, and with which pause, the outcome of a lost COMMIT is looked up.
const RESOLVE_TRIES: u32 = 40;
const RESOLVE_PAUSE: Duration = Duration::from_millis(250);

/// One lane's connection. It is used on the lane's thread, never on the runtime's.
pub struct PostgresStore {
    url: String,
    runtime: Handle,
    session: Option<Session>,
    in_transaction: bool,
}

/// Why a batch was not written.
enum Unwritten {
    /// Nothing of it is stored.
    Refused(StoreError),
    /// The connection was lost after COMMIT was sent.
    Unknown,
}

impl From<StoreError> for Unwritten {
    fn from(error: StoreError) -> Unwritten {
        Unwritten::Refused(error)
    }
}

type Sent<F> = Vec<Pin<Box<MaybeDone<F>>>>;

/// Sends requests in this order, without waiting for one another: a request is sent when it is first polled.
async fn send<F: Future>(requests: impl Iterator<Item = F>) -> Sent<F> {
    let mut sent: Sent<F> = requests.map(|request| Box::pin(maybe_done(request))).collect();
    poll_fn(|context| {
        for request in &mut sent {
            let _: Poll<()> = request.as_mut().poll(context);
        }
        Poll::Ready(())
    })
    .await;
    sent
}

async fn outcomes<F: Future>(mut sent: Sent<F>) -> Vec<F::Output> {
    join_all(sent.iter_mut()).await;
    sent.iter_mut().filter_map(|request| request.as_mut().take_output()).collect()
}

impl PostgresStore {
    pub(super) async fn open(url: &str) -> Result<PostgresStore, StoreError> {
        let session = Session::open(url).await?;
        Ok(PostgresStore {
            url: url.to_owned(),
            runtime: Handle::current(),
            session: Some(session),
            in_transaction: false,
        })
    }

    /// The session; a new one if the old one was lost.
    async fn session(&mut self) -> Result<&mut Session, StoreError> {
        let alive = self.session.as_ref().is_some_and(|session| !session.client.is_closed());
        if !alive {
            self.session = Some(Session::open(&self.url).await?);
        }
        self.session.as_mut().ok_or_else(|| StoreError::Unavailable("no connection".to_owned()))
    }

    /// The session with the batch's transaction. Another session would write without the batch's locks.
    fn held(&mut self) -> Result<&mut Session, StoreError> {
        let lost = || StoreError::Conflict("the connection was lost before the commit".to_owned());
        self.session.as_mut().filter(|session| !session.client.is_closed()).ok_or_else(lost)
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.session().await?.client.batch_execute("BEGIN").await.map_err(|error| explain(&error))?;
        self.in_transaction = true;
        Ok(())
    }

    async fn load_all(&mut self, keys: &KeySet, work: &mut Work, how: Load) -> Result<(), StoreError> {
        if how == Load::Peek {
            return self.load_keys(keys, &KeySet::default(), work, how).await.map(|_| ());
        }
        let keys = with_guards(keys);
        let changed = self.load_keys(&keys, &keys, work, how).await?;
        if !changed.is_empty() {
            self.load_keys(&changed, &keys, work, how).await?;
        }
        let unguarded = unguarded(&keys, work);
        if unguarded.is_empty() {
            return Ok(());
        }
        // Out of order, so this may end in a deadlock, which runs the batch again.
        self.load_keys(&unguarded, &KeySet::default(), work, how).await.map(|_| ())
    }

    /// Loads rows. Those whose guard is among the given keys are not locked. Returns the keys of rows that have changed
    /// since they were seen, which must be loaded again.
    async fn load_keys(
        &mut self,
        keys: &KeySet,
        guards: &KeySet,
        work: &mut Work,
        how: Load,
    ) -> Result<KeySet, StoreError> {
        let begins = how == Load::Hold && !self.in_transaction;
        let session = if self.in_transaction { self.held()? } else { self.session().await? };
        // After an error nothing is kept.
        let mut seen = std::mem::take(&mut session.seen);
        let mut plans = Plans::default();
        let mut changed = KeySet::default();
        macro_rules! load_tables {
            ($($field:ident: $record:ty),* $(,)?) => {
                // In the order of the kinds.
                $(let $field = plan::<$record>(
                    session, &mut seen.$field, &keys.$field, guards_of::<$record>(guards, how), how, &mut plans,
                ).await?;)*
                let mut locked = self.run(&plans, begins).await?;
                let mut guarded = locked.split_off(plans.locking.len());
                let mut versions = guarded.split_off(plans.guarded.len()).into_iter();
                let (mut locked, mut guarded) = (locked.into_iter(), guarded.into_iter());
                $({
                    let loaded = Loaded {
                        locked: locked.by_ref().take($field.locking).flatten().collect(),
                        guarded: guarded.by_ref().take($field.guarded).flatten().collect(),
                        versions: versions.by_ref().take($field.versions).flatten().collect(),
                    };
                    changed.$field =
                        supply::<$record>(&keys.$field, &$field, &loaded, &mut seen.$field, how, &mut work.$field)?;
                })*
            };
        }
        for_each_table!(load_tables);
        if let Some(session) = &mut self.session {
            session.seen = seen;
        }
        Ok(changed)
    }

    /// Runs statements in one round trip, after BEGIN if it begins a transaction.
    async fn run(&mut self, plans: &Plans<'_>, begins: bool) -> Result<Vec<Vec<Row>>, StoreError> {
        // Set before BEGIN is sent: whatever becomes of it is rolled back when something fails.
        self.in_transaction |= begins;
        let Some(session) = &self.session else { return Err(StoreError::Unavailable("no connection".to_owned())) };
        let client = &session.client;
        let begin = async { if begins { client.batch_execute("BEGIN").await } else { Ok(()) } };
        let all = plans.locking.iter().chain(&plans.guarded).chain(&plans.versions);
        let load = async { outcomes(send(all.map(|plan| plan.run(client))).await).await };
        let (begun, rows) = join(begin, load).await;
        begun.map_err(|error| explain(&error))?;
        rows.into_iter().map(|rows| rows.map_err(|error| explain(&error))).collect()
    }

    /// Writes the batch and commits, in one round trip.
    async fn write(&mut self, changes: &Changes, batch: Id) -> Result<(), Unwritten> {
        let bulks = bulks(changes, batch);
        let session = self.held()?;
        let mut prepared = Vec::with_capacity(bulks.len());
        for bulk in &bulks {
            prepared.push(session.prepare(bulk.sql).await?);
        }
        let client = &session.client;
        let sent = send(bulks.iter().zip(&prepared).map(|(bulk, statement)| bulk.run(client, statement))).await;
        // What could not even be sent is not among what COMMIT would store.
        let unsent = sent.iter().any(|request| matches!(**request, MaybeDone::Done(Err(_))));
        let commit = async { if unsent { Ok(()) } else { client.batch_execute("COMMIT").await } };
        let (written, committed) = join(outcomes(sent), commit).await;
        let written =
            written.into_iter().zip(&bulks).map(|(outcome, bulk)| outcome.map_err(|error| (error, Some(bulk))));
        // COMMIT succeeds after a failed statement too, as a ROLLBACK.
        let failed = written.chain([committed.map(|()| 0).map_err(|error| (error, None))]).find_map(Result::err);
        match failed {
            None => Ok(()),
            Some((error, _)) if is_lost(&error) && !unsent => Err(Unwritten::Unknown),
            Some((error, bulk)) => Err(bulk.map_or_else(|| explain(&error), |bulk| bulk.explain(&error)).into()),
        }
    }

    async fn commit_all(&mut self, changes: &Changes, batch: Id) -> Result<(), StoreError> {
        if !self.in_transaction {
            self.begin().await?;
        }
        let backend = self.session.as_ref().map(|session| session.backend);
        match (self.write(changes, batch).await, backend) {
            (Ok(()), _) => {
                self.in_transaction = false;
                Ok(())
            }
            (Err(Unwritten::Unknown), Some(backend)) => {
                self.in_transaction = false;
                self.resolve(backend, batch).await
            }
            (Err(Unwritten::Unknown), None) => Err(StoreError::Unavailable("no connection".to_owned())),
            (Err(Unwritten::Refused(error)), _) => {
                self.roll_back().await;
                Err(error)
            }
        }
    }

    /// After a connection is lost at COMMIT: makes sure that the old server process is gone, then looks the batch up.
    async fn resolve(&mut self, old: Backend, batch: Id) -> Result<(), StoreError> {
        self.session = None;
        for _ in 0..RESOLVE_TRIES {
            if let Ok(committed) = self.look_up(old, batch).await {
                match committed {
                    Some(true) => return Ok(()),
                    Some(false) => return Err(StoreError::Conflict("the connection was lost at COMMIT".to_owned())),
                    None => {}
                }
            }
            tokio::time::sleep(RESOLVE_PAUSE).await;
        }
        Err(StoreError::Unavailable(
            "the connection was lost at COMMIT and whether the batch was stored cannot be found out yet; repeat with \
             the same Idempotency-Key"
                .to_owned(),
        ))
    }

    /// Whether the batch was committed; `None` while the old server process could still commit it.
    async fn look_up(&mut self, old: Backend, batch: Id) -> Result<Option<bool>, StoreError> {
        let session = self.session().await?;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE pid = $1 AND (extract(epoch FROM backend_start) * 1000000)::bigint = $2";
        let alive = session.client.query(sql, &[&old.pid, &old.started]).await.map_err(|error| explain(&error))?;
        if !alive.is_empty() {
            return Ok(None);
        }
        let sql = "SELECT count(*) FROM commits WHERE batch_id = $1";
        let found = session.client.query_one(sql, &[&batch.bytes().as_slice()]).await;
        Ok(Some(found.map_err(|error| explain(&error))?.get::<_, i64>(0) > 0))
    }

    async fn roll_back(&mut self) {
        self.in_transaction = false;
        if let Some(session) = &mut self.session {
            // A connection that cannot roll back is dropped, and PostgreSQL rolls back.
            if session.client.batch_execute("ROLLBACK").await.is_err() {
                self.session = None;
            } else {
                // A plan may be stale after a migration. Preparing again is cheap compared with a conflict.
                session.forget_statements();
            }
        }
    }
}

impl Store for PostgresStore {
    fn is_only_writer(&self) -> bool {
        false
    }

    fn load(&mut self, keys: &KeySet, work: &mut Work, how: Load) -> Result<(), StoreError> {
        let runtime = self.runtime.clone();
        runtime.block_on(self.load_all(keys, work, how))
    }

    fn commit(&mut self, changes: &mut Changes, batch: Id) -> Result<(), StoreError> {
        let runtime = self.runtime.clone();
        runtime.block_on(self.commit_all(changes, batch))
    }

    fn abandon(&mut self) {
        if self.in_transaction {
            let runtime = self.runtime.clone();
            runtime.block_on(self.end_unchanged());
        }
    }
}

impl PostgresStore {
    async fn end_unchanged(&mut self) {
        self.in_transaction = false;
        if let Some(session) = &self.session
            && session.client.batch_execute("ROLLBACK").await.is_err()
        {
            self.session = None;
        }
    }
}
