//! What a command may read and change: typed tables, the time, new ids, events.
//!
//! Tables keep an undo list per command: rolled back on `Missing` or `Refused`, forgotten on success. Appended
//! rows (ledger lines, events, audit entries) are cut back the same way.

use std::net::IpAddr;
use std::sync::Arc;

use crate::access::{Actor, AuditEntry};
use crate::clock::Clock;
use crate::events::Event;
use crate::hash::hex;
use crate::ids::{AuditId, ClientId, Id, IdGenerator};
use crate::ledger::{Entry, Line, SystemLine};
use crate::record::{Key, Record};
use crate::table::{Access, Table, Touched, differences};
use crate::time::Instant;
use crate::webhooks::Attempt;

/// Who asks, and how the request is known in logs, audit and events.
#[derive(Clone, Debug)]
pub struct Context {
    /// Whose rows.
    pub client: ClientId,
    /// With which credential.
    pub actor: Actor,
    /// The request's id.
    pub request_id: Arc<str>,
    /// Where from.
    pub address: Option<IpAddr>,
    /// The command's name.
    pub action: &'static str,
}

impl Context {
    /// Work the system does by itself.
    pub fn system(client: ClientId, action: &'static str) -> Context {
        Context { client, actor: Actor::System, request_id: Arc::from(""), address: None, action }
    }
}

/// Calls a macro with every table: its field and its record. The one place that lists them.
#[macro_export]
macro_rules! for_each_table {
    ($callback:ident) => {
        $callback! {
            clock: $crate::clock::Clock,
            clients: $crate::access::Client,
            api_keys: $crate::access::ApiKey,
            api_key_hashes: $crate::access::ApiKeyHash,
            tokens: $crate::access::Token,
            idempotency: $crate::access::Idempotency,
            accounts: $crate::accounts::Account,
            details: $crate::accounts::Detail,
            transfers: $crate::transfers::Transfer,
            card_holders: $crate::card_holders::CardHolder,
            documents: $crate::card_holders::Document,
            cards: $crate::cards::Card,
            card_secrets: $crate::cards::CardSecret,
            card_fingerprints: $crate::cards::CardFingerprint,
            reveal_tokens: $crate::cards::RevealToken,
            payment_references: $crate::cards::PaymentReference,
            counters: $crate::limits::Counters,
            authorizations: $crate::authorizations::Authorization,
            transactions: $crate::transactions::Transaction,
            network_references: $crate::messages::NetworkReference,
            network_exceptions: $crate::exceptions::NetworkException,
            webhooks: $crate::webhooks::Webhook,
            webhook_progress: $crate::webhooks::WebhookProgress,
            deliveries: $crate::webhooks::Delivery,
            balances: $crate::ledger::Balance,
        }
    };
}

/// Rows that are only ever added.
#[derive(Debug, Default, Clone)]
pub struct Appended {
    /// Ledger entries.
    pub entries: Vec<Entry>,
    /// Lines of accounts and cards.
    pub lines: Vec<Line>,
    /// Lines of system accounts.
    pub system_lines: Vec<SystemLine>,
    /// Events.
    pub events: Vec<Event>,
    /// Audit entries.
    pub audit: Vec<AuditEntry>,
    /// Attempts to deliver events.
    pub attempts: Vec<Attempt>,
    /// Old events that go.
    pub deleted_events: Vec<Key>,
    /// Old attempts to deliver events that go.
    pub deleted_attempts: Vec<Key>,
}

impl Appended {
    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.lines.is_empty()
            && self.system_lines.is_empty()
            && self.events.is_empty()
            && self.audit.is_empty()
            && self.attempts.is_empty()
            && self.deleted_events.is_empty()
            && self.deleted_attempts.is_empty()
    }
}

/// Sorted by key, each key once.
fn merge_keys(keys: &mut Vec<(Key, Access)>, more: Vec<(Key, Access)>) {
    keys.extend(more);
    keys.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    keys.dedup_by_key(|(key, _)| *key);
}

#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    entries: usize,
    lines: usize,
    system_lines: usize,
    events: usize,
    audit: usize,
    attempts: usize,
    deleted_events: usize,
    deleted_attempts: usize,
}

macro_rules! define_work {
    ($($field:ident: $record:ty),* $(,)?) => {
        /// Keys of rows, by table, each with how the row is wanted.
        #[derive(Clone, Debug, Default)]
        pub struct KeySet {
            $(#[doc = concat!("Keys of ", stringify!($field), ".")] pub $field: Vec<(Key, Access)>,)*
        }

        impl KeySet {
            /// Whether there is no key.
            pub fn is_empty(&self) -> bool {
                $(self.$field.is_empty())&&*
            }

            /// Adds the keys of another set; a key in both is wanted in the stronger of the two ways.
            pub fn merge(&mut self, other: KeySet) {
                $(merge_keys(&mut self.$field, other.$field);)*
            }
        }

        /// The rows in memory, and what the commands of a batch did to them.
        #[derive(Debug)]
        pub struct Work {
            $(#[doc = concat!("The ", stringify!($field), ".")] pub $field: Table<$record>,)*
            /// Rows added by this batch.
            pub appended: Appended,
            context: Context,
            wall: Instant,
            ids: IdGenerator,
            /// As it was before the running command: a dry run of the clock must not move the ids.
            ids_before: IdGenerator,
            /// As it was when the batch began.
            ids_of_batch: IdGenerator,
            marks: Marks,
        }

        impl Work {
            /// An empty working set that makes ids with `ids`.
            pub fn new(ids: IdGenerator) -> Work {
                Work {
                    $($field: Table::default(),)*
                    appended: Appended::default(),
                    context: Context::system(ClientId::INSTALLATION, ""),
                    wall: Instant::default(),
                    ids_before: ids.clone(),
                    ids_of_batch: ids.clone(),
                    ids,
                    marks: Marks::default(),
                }
            }

            /// Begins a batch at a wall time.
            pub fn begin_batch(&mut self, wall: Instant) {
                self.wall = wall;
                self.ids_of_batch = self.ids.clone();
            }

            /// Between batches: forgets rows of the kinds that are seldom asked for again.
            pub fn evict_transient(&mut self) {
                $(self.$field.evict_transient();)*
            }

            /// Between batches: keeps memory within about `budget` bytes. Every row ages when the rows that were asked
            /// for since the last time have half of it; those that had aged before are forgotten. They are handed
            /// out, because dropping many rows takes long.
            pub fn evict_to_budget(&mut self, budget: usize) -> Option<Box<dyn Send>> {
                let bytes = [$(self.$field.bytes()),*].iter().sum::<usize>();
                (bytes > budget / 2).then(|| -> Box<dyn Send> { Box::new([$(Box::new(self.$field.age()) as Box<dyn Send>),*]) })
            }

            /// The rows that were asked for and are not in memory; their lists are emptied.
            pub fn take_missing(&mut self) -> KeySet {
                let mut missing = KeySet::default();
                $(merge_keys(&mut missing.$field, self.$field.take_missing());)*
                missing
            }

            /// Every row in memory that a command of this batch asked for.
            pub fn wanted(&self) -> KeySet {
                KeySet { $($field: self.$field.wanted().collect(),)* }
            }

            /// Takes every missing row for absent: for running commands on memory alone, as simulations do.
            pub fn assume_absent(&mut self) {
                $(for (key, _) in self.$field.take_missing() {
                    self.$field.load(key, None, Access::Exclusive);
                })*
            }

            /// Holds every row to be read only.
            #[cfg(any(test, feature = "testing"))]
            pub(crate) fn unlock_all(&mut self) {
                $(self.$field.unlock_all();)*
            }

            /// Takes hold of every missing row; those not in memory are absent.
            #[cfg(any(test, feature = "testing"))]
            pub(crate) fn lock_missing(&mut self) {
                $(self.$field.lock_missing();)*
            }

            /// What makes the ids: to make the same ones again.
            #[cfg(any(test, feature = "testing"))]
            pub(crate) fn ids(&mut self) -> &mut IdGenerator {
                &mut self.ids
            }

            /// Whether a commit would write anything.
            pub fn has_changes(&self) -> bool {
                $(self.$field.has_changes() ||)* !self.appended.is_empty()
            }

            /// Discards what the running command did, for a dry run: the ids it made as well, which follow the clock.
            pub fn roll_back_dry_run(&mut self) {
                self.ids = self.ids_before.clone();
                self.roll_back();
            }

            /// Discards what the running command did.
            pub fn roll_back(&mut self) {
                $(self.$field.roll_back();)*
                self.appended.entries.truncate(self.marks.entries);
                self.appended.lines.truncate(self.marks.lines);
                self.appended.system_lines.truncate(self.marks.system_lines);
                self.appended.events.truncate(self.marks.events);
                self.appended.audit.truncate(self.marks.audit);
                self.appended.attempts.truncate(self.marks.attempts);
                self.appended.deleted_events.truncate(self.marks.deleted_events);
                self.appended.deleted_attempts.truncate(self.marks.deleted_attempts);
            }

            /// Keeps what the running command did, for the commit.
            pub fn keep(&mut self) {
                $(self.$field.keep();)*
                self.marks = Marks {
                    entries: self.appended.entries.len(),
                    lines: self.appended.lines.len(),
                    system_lines: self.appended.system_lines.len(),
                    events: self.appended.events.len(),
                    audit: self.appended.audit.len(),
                    attempts: self.appended.attempts.len(),
                    deleted_events: self.appended.deleted_events.len(),
                    deleted_attempts: self.appended.deleted_attempts.len(),
                };
            }

            /// After the commit: memory is what is stored.
            pub fn mark_stored(&mut self) {
                $(self.$field.mark_stored();)*
                self.appended = Appended::default();
                self.marks = Marks::default();
            }

            /// Forgets every row and every change.
            pub fn forget(&mut self) {
                $(self.$field.forget();)*
                self.appended = Appended::default();
                self.marks = Marks::default();
            }

            /// Adds an audit entry for every audited object the running command changed.
            pub fn audit_changes(&mut self) {
                $(if let Some(object) = <$record>::AUDITED {
                    for Touched { before, after, .. } in self.$field.changed_by_command() {
                        let Some(row) = after.as_ref().or(before.as_ref()) else { continue };
                        let id = hex(row.key().id.as_slice());
                        let changes = differences(before.as_deref(), after.as_deref());
                        if !changes.is_empty() {
                            self.audit(object, &id, changes);
                        }
                    }
                })*
            }
        }
    };
}
for_each_table!(define_work);

impl Work {
    /// Makes `context` the one of the command that runs next.
    pub fn enter(&mut self, context: Context) {
        self.context = context;
        self.ids_before = self.ids.clone();
    }

    /// Who asks.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Whose rows the running command works on.
    pub fn client(&self) -> ClientId {
        self.context.client
    }

    /// Business time: wall time plus the clock's offset.
    pub fn now(&self) -> Instant {
        self.wall.plus_micros(self.clock.peek(Clock::singleton_key()).map_or(0, |clock| clock.offset))
    }

    /// Wall time, for retention of what has nothing to do with business.
    pub fn wall(&self) -> Instant {
        self.wall
    }

    /// A new id, later than every one made before on this node.
    pub fn new_id(&mut self) -> Id {
        let now = self.now();
        self.ids.next(now)
    }

    /// Whether a command of this batch made the id. The object's rows are in memory then, and no store has them: each run
    /// of the batch makes other ids, so a row of such an id that is asked for would be missing in every run.
    pub fn made_in_batch(&self, id: Id) -> bool {
        self.ids.made_since(&self.ids_of_batch, id)
    }

    /// Adds an entry to the audit log: `changes` maps fields to what they were and are.
    pub fn audit(
        &mut self,
        object: &'static str,
        object_id: &str,
        changes: serde_json::Map<String, serde_json::Value>,
    ) {
        let id = AuditId(self.new_id());
        let entry = AuditEntry {
            client: self.context.client,
            id,
            actor: self.context.actor,
            action: self.context.action.to_owned(),
            object_type: object.to_owned(),
            object_id: object_id.to_owned(),
            changes: serde_json::Value::Object(changes).to_string(),
            request_id: self.context.request_id.to_string(),
            address: self.context.address.map(|address| address.to_string()),
            created_at: self.now(),
        };
        self.appended.audit.push(entry);
    }

    /// Names the rows of a card that any movement on it needs.
    pub fn prefetch_card(&mut self, client: ClientId, card: crate::ids::CardId, access: Access) {
        self.cards.prefetch(Key::of(client, card.0), access);
        self.balances.prefetch(Key::of(client, card.0), Access::Exclusive);
    }

    /// Names the rows of an account that any movement on it needs.
    pub fn prefetch_account(&mut self, client: ClientId, account: crate::ids::AccountId, access: Access) {
        self.accounts.prefetch(Key::of(client, account.0), access);
        self.balances.prefetch(Key::of(client, account.0), Access::Exclusive);
    }
}
