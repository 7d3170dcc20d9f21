//! What can be listed. Each list names its source, and each field that filters, sorts or is searched once: JSON name, column, kind.

pub mod field;

use paygen_core::access::{ApiKey, ApiKeyStatus, AuditEntry};
use paygen_core::accounts::{Account, AccountStatus, AccountType, CategoryWord, Detail, DetailType, OwnerType};
use paygen_core::approvals::{Approval, ApprovalAction, ApprovalStatus};
use paygen_core::authorizations::{Authorization, AuthorizationStatus, Reason};
use paygen_core::card_holders::{CardHolder, CardHolderStatus, Document, DocumentPart, ReviewStatus};
use paygen_core::cards::{Brand, CancellationReason, Card, CardStatus, CardType, FundingMode};
use paygen_core::events::{Event, EventType};
use paygen_core::exceptions::{ExceptionKind, ExceptionStatus, NetworkException};
use paygen_core::ledger::{Balance, Entry, EntryKind, Line};
use paygen_core::messages::{AuthorizationType, Channel};
use paygen_core::people::{Role, User, UserStatus};
use paygen_core::programs::{Program, ProgramStatus};
use paygen_core::record::Key;
use paygen_core::responders::{CallOutcome, CalledAbout, DecidedBy, Responder, ResponderCall, ResponderKind};
use paygen_core::transactions::{Transaction, TransactionType};
use paygen_core::transfers::{Transfer, TransferStatus};
use paygen_core::webhooks::{Attempt, AttemptOutcome, DisabledReason, Webhook, WebhookProgress};

use crate::query::{ColumnKind, ListColumn};
use crate::records::{Corrupt, Row, Stored};
use crate::sql::{Listed, Pending};
use crate::value::Value;
pub use field::{FieldKind, ListField};
use field::{boolean, capitals, hashed, id, integer, money, never, text, time, word};

const fn column(sql: &'static str, kind: ColumnKind) -> ListColumn {
    ListColumn { sql, kind, nullable: false, look_up: None }
}

fn columns_of<R: Stored>(alias: &str) -> Vec<String> {
    R::COLUMNS.iter().map(|column| format!("{alias}.{}", column.name)).collect()
}

macro_rules! plain_list {
    ($record:ty, $table:literal, id $id:expr) => {
        /// Rows of one table.
        pub struct List;

        impl Listed for List {
            type Row = $record;
            const FROM: &'static str = concat!($table, " t");
            const COUNTED: (&'static str, &'static str) = (Self::FROM, "");
            const CLIENT: &'static str = "t.client";
            const ID: ListColumn = $id;

            fn columns() -> (String, usize) {
                let columns = columns_of::<$record>("t");
                (columns.join(", "), columns.len())
            }

            fn read(values: Vec<Value>, _pending: &Pending<'_>) -> Result<$record, Corrupt> {
                <$record>::read(&mut Row::of::<$record>(values))
            }
        }
    };
}

macro_rules! joined_list {
    ($one:ident $table:literal $alias:literal, $other:ident $other_alias:literal, $from:literal, id $id:expr $(, balance of $key:expr)?) => {
        /// Rows of two tables, joined one to one.
        pub struct List;

        impl Listed for List {
            type Row = ($one, $other);
            const FROM: &'static str = $from;
            const COUNTED: (&'static str, &'static str) = (concat!($table, " ", $alias), concat!($other_alias, "."));
            const CLIENT: &'static str = concat!($alias, ".client");
            const ID: ListColumn = $id;

            fn columns() -> (String, usize) {
                let mut columns = columns_of::<$one>($alias);
                columns.extend(columns_of::<$other>($other_alias));
                (columns.join(", "), columns.len())
            }

            $(const SHOWS_BALANCE: bool = { let _: fn(&$one) -> Key = $key; true };)?

            fn read(mut values: Vec<Value>, pending: &Pending<'_>) -> Result<Self::Row, Corrupt> {
                let _ = pending;
                let other = values.split_off($one::COLUMNS.len());
                let one = $one::read(&mut Row::of::<$one>(values))?;
                $(let other = pending(&$key(&one)).unwrap_or(other);)?
                Ok((one, $other::read(&mut Row::of::<$other>(other))?))
            }
        }
    };
}

macro_rules! list_fields {
    ($($name:ident = $field:expr;)*) => {
        $(pub const $name: ListColumn = $field.column;)*

        /// The fields that filter and sort this list.
        pub const FIELDS: &[ListField] = &[$($field,)*];
    };
}

macro_rules! columns {
    ($($name:ident = $make:ident($sql:literal, $kind:expr);)*) => {$(
        pub const $name: ListColumn = $make($sql, $kind);
    )*};
}

pub mod accounts {
    use super::*;

    list_fields! {
        ID = id("_id", "a.id");
        OWNER_TYPE = word("ownerType", "a.owner_type", OwnerType::WORDS);
        OWNER_ID = text("ownerId", "a.owner_id").nullable().searched();
        CLIENT = id("client", "a.client");
        NAME = text("name", "a.name").searched();
        TYPE = word("type", "a.kind", AccountType::WORDS);
        CATEGORY = word("category", "a.category", CategoryWord::WORDS);
        STATUS = word("status", "a.status", AccountStatus::WORDS);
        CURRENCY = capitals("currency", "a.currency").searched();
        NETWORK = text("network", "a.network").nullable().searched();
        AVAILABLE = money("balance", "(b.ledger - b.held + b.credit_limit)", "b.exponent");
        AVAILABLE_BALANCE = money("availableBalance", "(b.ledger - b.held + b.credit_limit)", "b.exponent");
        LEDGER = money("ledgerBalance", "b.ledger", "b.exponent");
        HELD = money("heldBalance", "b.held", "b.exponent");
        CREDIT_LIMIT = money("creditLimit", "b.credit_limit", "b.exponent");
        CAN_DEBIT = boolean("canDebit", "a.can_debit");
        CAN_CREDIT = boolean("canCredit", "a.can_credit");
        VERSION = integer("version", "a.version");
        CREATED_AT = time("createdAt", "a.created_at");
        UPDATED_AT = time("updatedAt", "a.updated_at");
        DELETED = never("deleted", "a.id");
    }

    joined_list!(Account "accounts" "a", Balance "b", "accounts a LEFT JOIN balances b ON b.client = a.client AND b.id = a.id", id ID,
        balance of |account: &Account| Key::of(account.client, account.id.0));
}

pub mod details {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        TYPE = word("type", "t.kind", DetailType::WORDS);
        PROVIDER = text("provider", "t.provider").nullable().searched();
        IS_PRIMARY = boolean("isPrimary", "t.is_primary");
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }

    columns! {
        ACCOUNT = column("t.account", ColumnKind::Bytes);
    }
    plain_list!(Detail, "account_details", id ID);
}

pub mod transfers {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        FROM_ACCOUNT = id("fromAccountId", "t.from_account");
        TO_ACCOUNT = id("toAccountId", "t.to_account");
        CURRENCY = capitals("currency", "t.currency").searched();
        AMOUNT = money("amount", "t.amount", "t.exponent");
        REVERSED = money("reversedAmount", "t.reversed", "t.exponent");
        STATUS = word("status", "t.status", TransferStatus::WORDS);
        REFERENCE = text("reference", "t.reference").nullable().searched();
        NARRATION = text("narration", "t.narration").nullable().searched();
        ENTRY = id("entryId", "t.entry");
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }
    plain_list!(Transfer, "transfers", id ID);
}

pub mod card_holders {
    use super::*;

    /// The review of a proof of address.
    const PROOF_REVIEWS: &[&str] = &["pending", "verified", "rejected"];
    /// That of an identity document; when it is verified, the card holder is.
    const DOCUMENT_REVIEWS: &[&str] = &["pending", "rejected"];

    list_fields! {
        ID = id("_id", "t.id");
        NAME = text("name", "t.name").searched();
        STATUS = word("status", "t.status", CardHolderStatus::WORDS);
        EMAIL = hashed("email", "t.email_hash").nullable().searched();
        PERSON_EMAIL = hashed("person.email", "t.email_hash").nullable().searched();
        EMAIL_ADDRESS = hashed("emailAddress", "t.email_hash").nullable().searched();
        PHONE = hashed("phoneNumber", "t.phone_hash").nullable();
        PERSON_PHONE_NUMBER = hashed("person.phoneNumber", "t.phone_hash").nullable();
        BIRTH_DATE = hashed("dateOfBirth", "t.birth_date_hash").nullable();
        PERSON_DATE_OF_BIRTH = hashed("person.dateOfBirth", "t.birth_date_hash").nullable();
        DOCUMENT_NUMBER = hashed("identification.document.number", "t.document_number_hash").nullable();
        DOCUMENT_STATUS = word("identification.document.verificationStatus", "t.document_status", DOCUMENT_REVIEWS).nullable();
        PROOF_STATUS = word("identification.proofOfAddress.verificationStatus", "t.proof_status", PROOF_REVIEWS).nullable();
        ERASED_AT = time("erasedAt", "t.erased_at").nullable();
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
        DELETED = never("deleted", "t.id");
    }
    plain_list!(CardHolder, "card_holders", id ID);
}

pub mod documents {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        PART = word("part", "t.part", DocumentPart::WORDS);
        FILE_TYPE = text("fileType", "t.file_type");
        SIZE = integer("size", "t.size");
        STATUS = word("status", "t.status", ReviewStatus::WORDS);
        CURRENT = boolean("current", "t.is_current");
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }

    columns! {
        CARD_HOLDER = column("t.card_holder", ColumnKind::Bytes);
    }
    plain_list!(Document, "documents", id ID);
}

pub mod cards {
    use super::*;

    list_fields! {
        ID = id("_id", "c.id");
        DEBIT_ACCOUNT = id("debitAccountId", "c.debit_account");
        CARD_HOLDER = id("cardHolderId", "c.card_holder");
        PROGRAM = id("programId", "c.program");
        TYPE = word("type", "c.kind", CardType::WORDS).searched();
        BRAND = word("brand", "c.brand", Brand::WORDS).searched();
        CURRENCY = capitals("currency", "c.currency").searched();
        STATUS = word("status", "c.status", CardStatus::WORDS).searched();
        CANCELLATION_REASON = word("cancellationReason", "c.cancellation_reason", CancellationReason::WORDS).nullable().searched();
        BALANCE = money("balance", "b.ledger", "b.exponent");
        AVAILABLE = money("availableBalance", "(b.ledger - b.held + b.credit_limit)", "b.exponent");
        LAST4 = text("last4", "c.last4").searched();
        BIN = text("bin", "c.bin").searched();
        EXPIRY_MONTH = integer("expiryMonth", "c.expiry_month");
        EXPIRY_YEAR = integer("expiryYear", "c.expiry_year");
        FUNDING_MODE = word("fundingMode", "c.funding_mode", FundingMode::WORDS).searched();
        ENABLE_2FA = boolean("enable2FA", "c.enable_2fa");
        DISPOSABLE = boolean("disposable", "c.disposable");
        PIN_SET = boolean("pinSet", "c.pin_set");
        REPLACEMENT_FOR = id("replacementFor", "c.replacement_for").nullable();
        REPLACED_BY = id("replacedBy", "c.replaced_by").nullable();
        VERSION = integer("version", "c.version");
        CREATED_AT = time("createdAt", "c.created_at");
        UPDATED_AT = time("updatedAt", "c.updated_at");
        DELETED = never("deleted", "c.id");
    }

    joined_list!(Card "cards" "c", Balance "b", "cards c LEFT JOIN balances b ON b.client = c.client AND b.id = c.funds", id ID,
        balance of |card: &Card| Key::of(card.client, card.funds.0));
}

pub mod authorizations {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        CARD = id("cardId", "t.card").nullable().looked_up("authorization_look_ups", "card");
        CARD_HOLDER = id("cardHolderId", "t.card_holder").nullable();
        ACCOUNT = id("accountId", "t.account").nullable();
        STATUS = word("status", "t.status", AuthorizationStatus::WORDS);
        REASON = word("reason", "t.reason", Reason::WORDS).nullable();
        TYPE = word("type", "t.kind", AuthorizationType::WORDS);
        CHANNEL = word("channel", "t.channel", Channel::WORDS);
        CURRENCY = capitals("currency", "t.currency").searched();
        AMOUNT = money("amount", "t.asked", "t.exponent");
        APPROVED = money("approvedAmount", "t.approved", "t.exponent");
        CLEARED = money("clearedAmount", "t.cleared", "t.exponent");
        MERCHANT_CURRENCY = capitals("merchantCurrency", "t.merchant_currency").searched();
        MERCHANT_CATEGORY = text("merchant.category", "t.merchant_category").searched();
        MERCHANT_NAME = text("merchant.name", "t.merchant_name").searched();
        NETWORK_TRANSACTION_ID = text("networkTransactionId", "t.network_transaction_id").searched();
        STAND_IN = boolean("standIn", "t.stand_in");
        EXPIRES_AT = time("expiresAt", "t.expires_at").nullable();
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }
    plain_list!(Authorization, "authorizations", id ID);
}

pub mod transactions {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        CARD = id("cardId", "t.card");
        CARD_HOLDER = id("cardHolderId", "t.card_holder");
        ACCOUNT = id("accountId", "t.account");
        AUTHORIZATION = id("authorizationId", "t.authorization_id").nullable();
        TYPE = word("type", "t.kind", TransactionType::WORDS);
        CURRENCY = capitals("currency", "t.currency").searched();
        AMOUNT = money("amount", "t.amount", "t.exponent");
        FEE = money("fee", "t.fee", "t.exponent");
        VAT = money("vat", "t.vat", "t.exponent");
        MERCHANT_CURRENCY = capitals("merchantCurrency", "t.merchant_currency").searched();
        MERCHANT_CATEGORY = text("merchant.category", "t.merchant_category").searched();
        MERCHANT_NAME = text("merchant.name", "t.merchant_name").searched();
        NETWORK_TRANSACTION_ID = text("networkTransactionId", "t.network_transaction_id").searched();
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }
    plain_list!(Transaction, "transactions", id ID);
}

pub mod programs {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        NAME = text("name", "t.name").searched();
        STATUS = word("status", "t.status", ProgramStatus::WORDS);
        BRAND = word("brand", "t.brand", Brand::WORDS).nullable();
        CURRENCY = capitals("currency", "t.currency").nullable().searched();
        FUNDING_MODE = word("fundingMode", "t.funding_mode", FundingMode::WORDS).nullable();
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }
    plain_list!(Program, "programs", id ID);
}

pub mod exceptions {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        TYPE = word("type", "t.kind", ExceptionKind::WORDS);
        STATUS = word("status", "t.status", ExceptionStatus::WORDS);
        CARD = id("cardId", "t.card").nullable();
        AUTHORIZATION = id("authorizationId", "t.authorization_id").nullable();
        TRANSACTION = id("transactionId", "t.posting").nullable();
        CURRENCY = capitals("currency", "t.currency").searched();
        AMOUNT = money("amount", "t.amount", "t.exponent");
        NETWORK_TRANSACTION_ID = text("networkTransactionId", "t.network_transaction_id").searched();
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }
    plain_list!(NetworkException, "exceptions", id ID);
}

pub mod lines {
    use super::*;

    list_fields! {
        ENTRY = id("_id", "l.entry");
        SEQ = integer("seq", "l.seq");
        KIND = word("kind", "l.kind", EntryKind::WORDS);
        AMOUNT = money("amount", "l.delta", "l.exponent");
        HELD_AMOUNT = money("heldAmount", "l.held_delta", "l.exponent");
        LEDGER_BALANCE = money("ledgerBalance", "l.ledger_after", "l.exponent");
        HELD_BALANCE = money("heldBalance", "l.held_after", "l.exponent");
        AUTHORIZATION = id("authorizationId", "l.authorization_id").nullable();
        SOURCE = id("sourceId", "e.source").nullable();
        REFERENCE = text("reference", "e.reference").nullable().searched();
        NARRATION = text("narration", "e.narration").nullable().searched();
        FORCED = boolean("forced", "l.forced");
        AT = time("createdAt", "l.at");
    }

    columns! {
        ACCOUNT = column("l.account", ColumnKind::Bytes);
    }

    joined_list!(Line "account_lines" "l", Entry "e", "account_lines l JOIN ledger_entries e ON e.client = l.client AND e.id = l.entry", id SEQ);
}

pub mod events {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        TYPE = word("type", "t.kind", EventType::WORDS);
        POSITION = integer("position", "t.position");
        OBJECT_TYPE = text("objectType", "t.object_type").searched();
        OBJECT_ID = id("objectId", "t.object_id");
        SEQUENCE = integer("sequence", "t.sequence");
        REQUEST_ID = text("requestId", "t.request_id").searched();
        CREATED_AT = time("createdAt", "t.created_at");
        DELETED = never("deleted", "t.id");
    }
    plain_list!(Event, "positioned_events", id ID);
}

pub mod webhooks {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        URL = text("url", "t.url").searched();
        DESCRIPTION = text("description", "t.description").nullable().searched();
        ENABLED = boolean("enabled", "t.enabled");
        DISABLED_REASON = word("disabledReason", "t.disabled_reason", DisabledReason::WORDS).nullable();
        FAILING_SINCE = time("failingSince", "p.failing_since").nullable();
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }

    joined_list!(Webhook "webhooks" "t", WebhookProgress "p", "webhooks t JOIN webhook_progress p ON p.client = t.client AND p.id = t.id", id ID);
}

pub mod attempts {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        WEBHOOK = id("webhookId", "t.webhook");
        EVENT = id("eventId", "t.event");
        TYPE = word("eventType", "t.kind", EventType::WORDS);
        ATTEMPT = integer("attempt", "t.attempt");
        OUTCOME = word("outcome", "t.outcome", AttemptOutcome::WORDS);
        STATUS = integer("status", "t.status").nullable();
        LATENCY = integer("latencyMs", "t.latency_ms");
        NEXT_ATTEMPT_AT = time("nextAttemptAt", "t.next_attempt_at").nullable();
        CREATED_AT = time("createdAt", "t.created_at");
    }
    plain_list!(Attempt, "delivery_attempts", id ID);
}

pub mod responders {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        KIND = word("kind", "t.kind", ResponderKind::WORDS);
        URL = text("url", "t.url").searched();
        DESCRIPTION = text("description", "t.description").nullable().searched();
        TIMEOUT = integer("timeoutMs", "t.timeout_ms");
        VERIFIED_AT = time("verifiedAt", "t.verified_at").nullable();
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }
    plain_list!(Responder, "responders", id ID);
}

pub mod responder_calls {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        RESPONDER = id("responderId", "t.responder");
        TYPE = word("type", "t.about", CalledAbout::WORDS);
        AUTHORIZATION = id("authorizationId", "t.authorization_id").nullable();
        OUTCOME = word("outcome", "t.outcome", CallOutcome::WORDS);
        DECIDED_BY = word("decidedBy", "t.decided_by", DecidedBy::WORDS).nullable();
        STATUS = integer("status", "t.status").nullable();
        LATENCY = integer("latencyMs", "t.latency_ms");
        LATE = boolean("late", "t.late");
        CREATED_AT = time("createdAt", "t.created_at");
    }
    plain_list!(ResponderCall, "responder_calls", id ID);
}

pub mod api_keys {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        NAME = text("name", "t.name").searched();
        HINT = text("hint", "t.hint").searched();
        STATUS = word("status", "t.status", ApiKeyStatus::WORDS);
        EXPIRES_AT = time("expiresAt", "t.expires_at").nullable();
        LAST_USED_AT = time("lastUsedAt", "t.last_used_at").nullable();
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }
    plain_list!(ApiKey, "api_keys", id ID);
}

pub mod approvals {
    use super::*;

    list_fields! {
        ID = id("_id", "t.id");
        ACTION = word("action", "t.action", ApprovalAction::WORDS);
        STATUS = word("status", "t.status", ApprovalStatus::WORDS);
        REQUESTER = id("requesterId", "t.requester_id");
        EXPIRES_AT = time("expiresAt", "t.expires_at");
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }
    plain_list!(Approval, "approvals", id ID);
}

/// Users belong to [`ClientId::INSTALLATION`](paygen_core::ids::ClientId::INSTALLATION), so that a list of a client's
/// users names their ids.
pub mod users {
    use super::*;

    /// A row has a role for each client, so conditions on it are evaluated in memory.
    pub const ROLE_FIELD: ListField = word("role", "t.memberships", Role::WORDS).searched();

    list_fields! {
        ID = id("_id", "t.id");
        EMAIL = text("email", "t.email").searched();
        NAME = text("name", "t.name").searched();
        STATUS = word("status", "t.status", UserStatus::WORDS);
        ROLE = word("role", "t.memberships", Role::WORDS);
        LAST_SIGN_IN_AT = time("lastSignInAt", "t.last_sign_in_at").nullable();
        VERSION = integer("version", "t.version");
        CREATED_AT = time("createdAt", "t.created_at");
        UPDATED_AT = time("updatedAt", "t.updated_at");
    }
    plain_list!(User, "users", id ID);
}

pub mod audit_log {
    use super::*;

    const ACTORS: &[&str] = &["api_key", "token", "user", "reveal_token", "operator", "system"];

    list_fields! {
        ID = id("_id", "t.id");
        ACTOR_TYPE = word("actorType", "t.actor_kind", ACTORS);
        ACTOR_ID = id("actorId", "t.actor_id").nullable();
        ACTION = text("action", "t.action").searched();
        OBJECT_TYPE = text("objectType", "t.object_type").searched();
        OBJECT_ID = text("objectId", "t.object_id").searched();
        REQUEST_ID = text("requestId", "t.request_id").searched();
        ADDRESS = text("address", "t.address").nullable().searched();
        CREATED_AT = time("createdAt", "t.created_at");
    }
    plain_list!(AuditEntry, "audit_log", id ID);
}
