//! The working set: everything a command may read and change (typed tables, time, new ids, appended rows).
//!
//! Changes of the running command can be undone: tables keep an undo list, and appended rows (ledger lines, events,
//! audit entries) are truncated. [`Work::roll_back`] does both after a refusal or a missing row, [`Work::keep`] accepts
//! the changes for the commit.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use crate::access::{Actor, AuditEntry};
use crate::clock::Clock;
use crate::events::Event;
use crate::hints::Hints;
use crate::ids::{AuditId, ClientId, Id, IdGenerator};
use crate::ledger::{Entry, Line, SystemLine};
use crate::record::Key;
use crate::table::{Access, Change, Table};
use crate::time::Instant;
use crate::webhooks::Attempt;

/// Who runs a command, and how the request is identified in logs, audit log and events.
#[derive(Clone, Debug)]
pub struct Context {
    pub client: ClientId,
    pub actor: Actor,
    pub request_id: Arc<str>,
    /// The caller's network address.
    pub address: Option<IpAddr>,
    pub action: &'static str,
}

impl Context {
    /// The context of work that the system starts itself, such as an expiry.
    pub fn system(client: ClientId, action: &'static str) -> Context {
        Context { client, actor: Actor::System, request_id: Arc::from(""), address: None, action }
    }
}

/// Calls a macro with the field and record of every table. This is the only list of tables.
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
            responders: $crate::responders::Responder,
            responder_questions: $crate::responders::Question,
            responder_calls: $crate::responders::ResponderCall,
            streamed_questions: $crate::responders::StreamedQuestion,
            responder_budgets: $crate::responders::BudgetUse,
            balances: $crate::ledger::Balance,
            programs: $crate::programs::Program,
            range_registers: $crate::programs::RangeRegister,
            users: $crate::people::User,
            user_emails: $crate::people::UserEmail,
            user_secrets: $crate::people::UserSecret,
            sessions: $crate::people::Session,
            approvals: $crate::approvals::Approval,
            approval_policies: $crate::approvals::ApprovalPolicy,
        }
    };
}

macro_rules! define_appended {
    ($($(#[$doc:meta])* $field:ident: $row:ty),* $(,)?) => {
        /// Rows that are only inserted or deleted, never read by a command.
        #[derive(Debug, Default, Clone)]
        pub struct Appended {
            $($(#[$doc])* pub $field: Vec<$row>,)*
        }

        impl Appended {
            /// Whether there is nothing to write.
            pub fn is_empty(&self) -> bool {
                $(self.$field.is_empty())&&*
            }

            fn marks(&self) -> Marks {
                Marks { $($field: self.$field.len(),)* }
            }

            fn truncate(&mut self, marks: Marks) {
                $(self.$field.truncate(marks.$field);)*
            }
        }

        /// How many rows of each kind belong to commands that have finished.
        #[derive(Clone, Copy, Debug, Default)]
        struct Marks {
            $($field: usize,)*
        }
    };
}
define_appended! {
    entries: Entry,
    /// Lines of accounts and cards.
    lines: Line,
    system_lines: SystemLine,
    events: Event,
    audit: AuditEntry,
    attempts: Attempt,
    /// Keys of events to delete.
    deleted_events: Key,
    /// Keys of delivery attempts to delete.
    deleted_attempts: Key,
}

/// Merges two lists of keys: sorted, without duplicates; the stronger access wins.
fn merge_keys(keys: &mut Vec<(Key, Access)>, more: Vec<(Key, Access)>) {
    keys.extend(more);
    keys.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    keys.dedup_by_key(|(key, _)| *key);
}

macro_rules! define_work {
    ($($field:ident: $record:ty),* $(,)?) => {
        /// Keys of rows by table, each with the access that is needed.
        #[derive(Clone, Debug, Default)]
        pub struct KeySet {
            $(#[doc = concat!("Keys of ", stringify!($field), ".")] pub $field: Vec<(Key, Access)>,)*
        }

        impl KeySet {
            /// Whether there is no key.
            pub fn is_empty(&self) -> bool {
                $(self.$field.is_empty())&&*
            }

            /// Adds the keys of another set. If both contain a key, the stronger access wins.
            pub fn merge(&mut self, other: KeySet) {
                $(merge_keys(&mut self.$field, other.$field);)*
            }
        }

        /// The changes of a batch, which a store writes in one transaction.
        #[derive(Clone, Debug)]
        pub struct Changes {
            $(#[doc = concat!("Changes of ", stringify!($field), ", in the order of their keys.")] pub $field: Vec<Change<$record>>,)*
            pub appended: Appended,
            /// Wall time of the batch's last step.
            pub wall: Instant,
        }

        impl Changes {
            /// Whether there is nothing to write.
            pub fn is_empty(&self) -> bool {
                $(self.$field.is_empty())&&* && self.appended.is_empty()
            }
        }

        /// The rows in memory, and the changes of the current batch.
        #[derive(Debug)]
        pub struct Work {
            $(#[doc = concat!("The ", stringify!($field), ".")] pub $field: Table<$record>,)*
            pub appended: Appended,
            context: Context,
            wall: Instant,
            /// Business time while a command runs; see [`Work::now`].
            now: Option<Instant>,
            ids: IdGenerator,
            /// The state before the running command. A dry run restores it, because ids made under a moved clock would
            /// be in the future.
            ids_before: IdGenerator,
            /// The state when the batch, or its last step, began.
            ids_of_batch: IdGenerator,
            marks: Marks,
            /// Kept when rows are forgotten.
            pub hints: Hints,
            /// Whether references of new messages may be presumed absent ([`Table::presume_absent`]).
            presumes: bool,
        }

        impl Work {
            /// An empty working set whose new ids come from `ids`.
            pub fn new(ids: IdGenerator) -> Work {
                Work {
                    $($field: Table::default(),)*
                    appended: Appended::default(),
                    context: Context::system(ClientId::INSTALLATION, ""),
                    wall: Instant::default(),
                    now: None,
                    ids_before: ids.clone(),
                    ids_of_batch: ids.clone(),
                    ids,
                    marks: Marks::default(),
                    hints: Hints::default(),
                    presumes: false,
                }
            }

            /// Begins a batch, or the next step of one. `wall` is the wall time of the commands that follow.
            pub fn begin_batch(&mut self, wall: Instant) {
                self.wall = wall;
                self.now = None;
                self.ids_of_batch = self.ids.clone();
                self.hints.forget_unknown();
            }

            /// Evicts rows of transient kinds ([`TRANSIENT`](crate::record::Record::TRANSIENT)) that this batch did not use.
            /// Called after each batch. Rows of the batch stay for another one, because they may not be stored yet.
            pub fn evict_transient(&mut self) {
                $(self.$field.evict_transient();)*
            }

            /// Keeps memory within about `budget` bytes. Called between batches. When the rows used since the last
            /// aging exceed half of the budget, all rows age, and rows that had aged before are evicted. Evicted rows
            /// are returned so that the caller can drop them elsewhere: dropping many rows takes long.
            pub fn evict_to_budget(&mut self, budget: usize) -> Option<Box<dyn Send>> {
                let bytes = [$(self.$field.bytes()),*].iter().sum::<usize>();
                (bytes > budget / 2).then(|| -> Box<dyn Send> { Box::new([$(self.$field.age_if_lasting()),*]) })
            }

            /// Takes the keys of the rows that commands asked for and that are not in memory.
            pub fn take_missing(&mut self) -> KeySet {
                let mut missing = KeySet::default();
                $(merge_keys(&mut missing.$field, self.$field.take_missing());)*
                missing
            }

            /// The keys of all rows in memory that commands of this batch asked for.
            pub fn wanted(&self) -> KeySet {
                KeySet { $($field: self.$field.wanted().collect(),)* }
            }

            /// Marks every missing row as absent. For runs without a store, as in simulations.
            pub fn assume_absent(&mut self) {
                $(for (key, _) in self.$field.take_missing() {
                    self.$field.load(key, None, Access::Exclusive);
                })*
            }

            /// Downgrades every row to shared access.
            #[cfg(any(test, feature = "testing"))]
            pub(crate) fn unlock_all(&mut self) {
                $(self.$field.unlock_all();)*
            }

            /// Locks every missing row; rows that are not in memory become absent.
            #[cfg(any(test, feature = "testing"))]
            pub(crate) fn lock_missing(&mut self) {
                $(self.$field.lock_missing();)*
            }

            /// The id generator, for tests that replay a command with the same ids.
            #[cfg(any(test, feature = "testing"))]
            pub(crate) fn ids(&mut self) -> &mut IdGenerator {
                &mut self.ids
            }

            /// Whether there is anything to commit.
            pub fn has_changes(&self) -> bool {
                $(self.$field.has_changes() ||)* !self.appended.is_empty()
            }

            /// Undoes the running command after a dry run, including the ids it made: they follow a clock that the dry
            /// run may have moved.
            pub fn roll_back_dry_run(&mut self) {
                self.ids = self.ids_before.clone();
                self.roll_back();
            }

            /// Undoes the changes of the running command.
            pub fn roll_back(&mut self) {
                self.now = None;
                $(self.$field.roll_back();)*
                self.appended.truncate(self.marks);
            }

            /// Accepts the changes of the running command for the commit.
            pub fn keep(&mut self) {
                self.now = None;
                $(self.$field.keep();)*
                self.marks = self.appended.marks();
            }

            /// Takes the changes, to be committed. From here on they count as stored: when the commit fails, the rows
            /// must be forgotten.
            pub fn take_changes(&mut self) -> Changes {
                self.marks = Marks::default();
                Changes {
                    $($field: self.$field.take_changes(),)*
                    appended: std::mem::take(&mut self.appended),
                    wall: self.wall,
                }
            }

            /// Drops every row and every change.
            pub fn forget(&mut self) {
                self.now = None;
                $(self.$field.forget();)*
                self.appended = Appended::default();
                self.marks = Marks::default();
            }
        }
    };
}
for_each_table!(define_work);

impl Work {
    /// Sets the context of the next command.
    pub fn enter(&mut self, context: Context) {
        self.context = context;
        self.ids_before = self.ids.clone();
        self.now = Some(self.business_time());
    }

    /// The context of the running command.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The client whose rows the running command works on.
    pub fn client(&self) -> ClientId {
        self.context.client
    }

    /// Business time: wall time plus the clock's offset. It stands still while a command runs, unless the command moves
    /// the clock.
    pub fn now(&self) -> Instant {
        self.now.unwrap_or_else(|| self.business_time())
    }

    /// Moves the clock.
    pub(crate) fn put_clock(&mut self, clock: Clock) {
        self.clock.put(clock);
        self.now = None;
    }

    fn business_time(&self) -> Instant {
        self.wall.plus_micros(self.clock.peek(Clock::singleton_key()).map_or(0, |clock| clock.offset))
    }

    /// Wall time. Only for retention periods and token lifetimes, which do not follow business time.
    pub fn wall(&self) -> Instant {
        self.wall
    }

    /// Sets whether references of new messages may be presumed absent.
    pub fn presume(&mut self, presumes: bool) {
        self.presumes = presumes;
    }

    /// Names the reference of a transaction and that of its reversal, for a message that is most likely the first of the
    /// transaction. Whoever stores a reversal's reference stores the transaction's, or found it.
    pub(crate) fn expect_new(&mut self, transaction: Key, reversal: Key) {
        if self.presumes {
            self.network_references.presume_absent(transaction, transaction);
            self.network_references.presume_absent(reversal, transaction);
        } else {
            self.network_references.prefetch(transaction, Access::Exclusive);
            self.network_references.prefetch(reversal, Access::Shared);
        }
    }

    /// Remembers which rows go with the cards in memory.
    pub fn remember_cards(&mut self) {
        for (key, _) in self.cards.wanted() {
            if let Some(card) = self.cards.peek(key) {
                self.hints.remember(key, card);
            }
        }
    }

    /// A new id, greater than every id made before on this node.
    pub fn new_id(&mut self) -> Id {
        let now = self.now();
        self.ids.next(now)
    }

    /// Whether this batch, or its last step, made the id. Rows of such an object are in memory and in no store. Every run of the batch
    /// makes new ids, so asking for a row that is not in memory would never succeed.
    pub fn made_in_batch(&self, id: Id) -> bool {
        self.ids.made_since(&self.ids_of_batch, id)
    }

    /// Adds an entry to the audit log. `changes` maps field names to their old and new values.
    pub fn audit(&mut self, object: &'static str, object_id: &str, changes: impl Serialize) {
        let id = AuditId(self.new_id());
        let entry = AuditEntry {
            client: self.context.client,
            id,
            actor: self.context.actor,
            action: self.context.action.to_owned(),
            object_type: object.to_owned(),
            object_id: object_id.to_owned(),
            changes: serde_json::to_string(&changes).unwrap_or_default(),
            request_id: self.context.request_id.to_string(),
            address: self.context.address.map(|address| address.to_string()),
            created_at: self.now(),
        };
        self.appended.audit.push(entry);
    }

    /// Prefetches a card and its balance.
    pub fn prefetch_card(&mut self, client: ClientId, card: crate::ids::CardId, access: Access) {
        self.cards.prefetch(Key::of(client, card.0), access);
        self.balances.prefetch(Key::of(client, card.0), Access::Exclusive);
    }

    /// Prefetches an account and its balance.
    pub fn prefetch_account(&mut self, client: ClientId, account: crate::ids::AccountId, access: Access) {
        self.accounts.prefetch(Key::of(client, account.0), access);
        self.balances.prefetch(Key::of(client, account.0), Access::Exclusive);
    }
}
