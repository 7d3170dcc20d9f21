//! What can be listed, and the columns that may be named in filters, sorts and searches.

use paygen_core::access::{ApiKey, AuditEntry};
use paygen_core::accounts::{Account, Detail};
use paygen_core::authorizations::Authorization;
use paygen_core::card_holders::{CardHolder, Document};
use paygen_core::cards::Card;
use paygen_core::events::Event;
use paygen_core::exceptions::NetworkException;
use paygen_core::ledger::{Balance, Entry, Line};
use paygen_core::record::Key;
use paygen_core::transactions::Posted;
use paygen_core::transfers::Transfer;
use paygen_core::webhooks::{Attempt, Webhook, WebhookProgress};

use crate::query::{ColumnKind, ListColumn};
use crate::records::{Corrupt, Row, Stored};
use crate::sql::{Listed, Pending};
use crate::value::Value;

const fn column(sql: &'static str, kind: ColumnKind) -> ListColumn {
    ListColumn { sql, kind, nullable: false }
}

const fn nullable(sql: &'static str, kind: ColumnKind) -> ListColumn {
    ListColumn { sql, kind, nullable: true }
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
        /// Rows of two tables, each with the one that belongs to it.
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

macro_rules! columns {
    ($($name:ident = $make:ident($sql:literal, $kind:expr);)*) => {$(
        #[doc = concat!("The column ", $sql, ".")]
        pub const $name: ListColumn = $make($sql, $kind);
    )*};
}

/// Accounts with their balances.
pub mod accounts {
    use super::*;

    const MONEY: ColumnKind = ColumnKind::Money { exponent: "b.exponent" };

    columns! {
        ID = column("a.id", ColumnKind::Bytes);
        OWNER_TYPE = column("a.owner_type", ColumnKind::Text);
        OWNER_ID = nullable("a.owner_id", ColumnKind::Text);
        CLIENT = column("a.client", ColumnKind::Bytes);
        NAME = column("a.name", ColumnKind::Text);
        TYPE = column("a.kind", ColumnKind::Text);
        CATEGORY = column("a.category", ColumnKind::Text);
        STATUS = column("a.status", ColumnKind::Text);
        CURRENCY = column("a.currency", ColumnKind::Text);
        NETWORK = nullable("a.network", ColumnKind::Text);
        CAN_DEBIT = column("a.can_debit", ColumnKind::Boolean);
        CAN_CREDIT = column("a.can_credit", ColumnKind::Boolean);
        AVAILABLE = column("(b.ledger - b.held + b.credit_limit)", MONEY);
        LEDGER = column("b.ledger", MONEY);
        HELD = column("b.held", MONEY);
        CREDIT_LIMIT = column("b.credit_limit", MONEY);
        VERSION = column("a.version", ColumnKind::Integer);
        CREATED_AT = column("a.created_at", ColumnKind::Time);
        UPDATED_AT = column("a.updated_at", ColumnKind::Time);
    }

    joined_list!(Account "accounts" "a", Balance "b", "accounts a LEFT JOIN balances b ON b.client = a.client AND b.id = a.id", id ID,
        balance of |account: &Account| Key::of(account.client, account.id.0));
}

/// Detail records.
pub mod details {
    use super::*;

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        ACCOUNT = column("t.account", ColumnKind::Bytes);
        TYPE = column("t.kind", ColumnKind::Text);
        PROVIDER = nullable("t.provider", ColumnKind::Text);
        IS_PRIMARY = column("t.is_primary", ColumnKind::Boolean);
        VERSION = column("t.version", ColumnKind::Integer);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
        UPDATED_AT = column("t.updated_at", ColumnKind::Time);
    }
    plain_list!(Detail, "account_details", id ID);
}

/// Transfers.
pub mod transfers {
    use super::*;

    const MONEY: ColumnKind = ColumnKind::Money { exponent: "t.exponent" };

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        FROM_ACCOUNT = column("t.from_account", ColumnKind::Bytes);
        TO_ACCOUNT = column("t.to_account", ColumnKind::Bytes);
        CURRENCY = column("t.currency", ColumnKind::Text);
        AMOUNT = column("t.amount", MONEY);
        REVERSED = column("t.reversed", MONEY);
        STATUS = column("t.status", ColumnKind::Text);
        REFERENCE = nullable("t.reference", ColumnKind::Text);
        NARRATION = nullable("t.narration", ColumnKind::Text);
        ENTRY = column("t.entry", ColumnKind::Bytes);
        VERSION = column("t.version", ColumnKind::Integer);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
        UPDATED_AT = column("t.updated_at", ColumnKind::Time);
    }
    plain_list!(Transfer, "transfers", id ID);
}

/// Card holders.
pub mod card_holders {
    use super::*;

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        NAME = column("t.name", ColumnKind::Text);
        STATUS = column("t.status", ColumnKind::Text);
        EMAIL = nullable("t.email_hash", ColumnKind::Bytes);
        PHONE = nullable("t.phone_hash", ColumnKind::Bytes);
        BIRTH_DATE = nullable("t.birth_date_hash", ColumnKind::Bytes);
        DOCUMENT_NUMBER = nullable("t.document_number_hash", ColumnKind::Bytes);
        DOCUMENT_STATUS = nullable("t.document_status", ColumnKind::Text);
        PROOF_STATUS = nullable("t.proof_status", ColumnKind::Text);
        ERASED_AT = nullable("t.erased_at", ColumnKind::Time);
        VERSION = column("t.version", ColumnKind::Integer);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
        UPDATED_AT = column("t.updated_at", ColumnKind::Time);
    }
    plain_list!(CardHolder, "card_holders", id ID);
}

/// Documents of card holders.
pub mod documents {
    use super::*;

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        CARD_HOLDER = column("t.card_holder", ColumnKind::Bytes);
        PART = column("t.part", ColumnKind::Text);
        FILE_TYPE = column("t.file_type", ColumnKind::Text);
        SIZE = column("t.size", ColumnKind::Integer);
        STATUS = column("t.status", ColumnKind::Text);
        CURRENT = column("t.is_current", ColumnKind::Boolean);
        VERSION = column("t.version", ColumnKind::Integer);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
        UPDATED_AT = column("t.updated_at", ColumnKind::Time);
    }
    plain_list!(Document, "documents", id ID);
}

/// Cards with the balances they spend.
pub mod cards {
    use super::*;

    const MONEY: ColumnKind = ColumnKind::Money { exponent: "b.exponent" };

    columns! {
        ID = column("c.id", ColumnKind::Bytes);
        DEBIT_ACCOUNT = column("c.debit_account", ColumnKind::Bytes);
        CARD_HOLDER = column("c.card_holder", ColumnKind::Bytes);
        TYPE = column("c.kind", ColumnKind::Text);
        BRAND = column("c.brand", ColumnKind::Text);
        CURRENCY = column("c.currency", ColumnKind::Text);
        STATUS = column("c.status", ColumnKind::Text);
        CANCELLATION_REASON = nullable("c.cancellation_reason", ColumnKind::Text);
        BALANCE = column("b.ledger", MONEY);
        AVAILABLE = column("(b.ledger - b.held + b.credit_limit)", MONEY);
        LAST4 = column("c.last4", ColumnKind::Text);
        BIN = column("c.bin", ColumnKind::Text);
        EXPIRY_MONTH = column("c.expiry_month", ColumnKind::Integer);
        EXPIRY_YEAR = column("c.expiry_year", ColumnKind::Integer);
        FUNDING_MODE = column("c.funding_mode", ColumnKind::Text);
        ENABLE_2FA = column("c.enable_2fa", ColumnKind::Boolean);
        DISPOSABLE = column("c.disposable", ColumnKind::Boolean);
        PIN_SET = column("c.pin_set", ColumnKind::Boolean);
        REPLACEMENT_FOR = nullable("c.replacement_for", ColumnKind::Bytes);
        REPLACED_BY = nullable("c.replaced_by", ColumnKind::Bytes);
        VERSION = column("c.version", ColumnKind::Integer);
        CREATED_AT = column("c.created_at", ColumnKind::Time);
        UPDATED_AT = column("c.updated_at", ColumnKind::Time);
    }

    joined_list!(Card "cards" "c", Balance "b", "cards c LEFT JOIN balances b ON b.client = c.client AND b.id = c.funds", id ID,
        balance of |card: &Card| Key::of(card.client, card.funds.0));
}

/// Authorizations.
pub mod authorizations {
    use super::*;

    const MONEY: ColumnKind = ColumnKind::Money { exponent: "t.exponent" };

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        CARD = nullable("t.card", ColumnKind::Bytes);
        CARD_HOLDER = nullable("t.card_holder", ColumnKind::Bytes);
        ACCOUNT = nullable("t.account", ColumnKind::Bytes);
        TYPE = column("t.kind", ColumnKind::Text);
        CHANNEL = column("t.channel", ColumnKind::Text);
        STATUS = column("t.status", ColumnKind::Text);
        REASON = nullable("t.reason", ColumnKind::Text);
        CURRENCY = column("t.currency", ColumnKind::Text);
        AMOUNT = column("t.asked", MONEY);
        APPROVED = column("t.approved", MONEY);
        CLEARED = column("t.cleared", MONEY);
        MERCHANT_CURRENCY = column("t.merchant_currency", ColumnKind::Text);
        MERCHANT_CATEGORY = column("t.merchant_category", ColumnKind::Text);
        MERCHANT_NAME = column("t.merchant_name", ColumnKind::Text);
        NETWORK_TRANSACTION_ID = column("t.network_transaction_id", ColumnKind::Text);
        STAND_IN = column("t.stand_in", ColumnKind::Boolean);
        EXPIRES_AT = nullable("t.expires_at", ColumnKind::Time);
        VERSION = column("t.version", ColumnKind::Integer);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
        UPDATED_AT = column("t.updated_at", ColumnKind::Time);
    }
    plain_list!(Authorization, "authorizations", id ID);
}

/// Transactions: what was posted to cards.
pub mod transactions {
    use super::*;

    const MONEY: ColumnKind = ColumnKind::Money { exponent: "t.exponent" };

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        CARD = column("t.card", ColumnKind::Bytes);
        CARD_HOLDER = column("t.card_holder", ColumnKind::Bytes);
        ACCOUNT = column("t.account", ColumnKind::Bytes);
        AUTHORIZATION = nullable("t.authorization_id", ColumnKind::Bytes);
        TYPE = column("t.kind", ColumnKind::Text);
        CURRENCY = column("t.currency", ColumnKind::Text);
        AMOUNT = column("t.amount", MONEY);
        FEE = column("t.fee", MONEY);
        VAT = column("t.vat", MONEY);
        MERCHANT_CURRENCY = column("t.merchant_currency", ColumnKind::Text);
        MERCHANT_CATEGORY = column("t.merchant_category", ColumnKind::Text);
        MERCHANT_NAME = column("t.merchant_name", ColumnKind::Text);
        NETWORK_TRANSACTION_ID = column("t.network_transaction_id", ColumnKind::Text);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
        UPDATED_AT = column("t.updated_at", ColumnKind::Time);
    }
    plain_list!(Posted, "transactions", id ID);
}

/// Messages that did not fit.
pub mod exceptions {
    use super::*;

    const MONEY: ColumnKind = ColumnKind::Money { exponent: "t.exponent" };

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        TYPE = column("t.kind", ColumnKind::Text);
        STATUS = column("t.status", ColumnKind::Text);
        CARD = nullable("t.card", ColumnKind::Bytes);
        AUTHORIZATION = nullable("t.authorization_id", ColumnKind::Bytes);
        TRANSACTION = nullable("t.posting", ColumnKind::Bytes);
        CURRENCY = column("t.currency", ColumnKind::Text);
        AMOUNT = column("t.amount", MONEY);
        NETWORK_TRANSACTION_ID = column("t.network_transaction_id", ColumnKind::Text);
        VERSION = column("t.version", ColumnKind::Integer);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
        UPDATED_AT = column("t.updated_at", ColumnKind::Time);
    }
    plain_list!(NetworkException, "exceptions", id ID);
}

/// Lines of a ledger account with their entries.
pub mod lines {
    use super::*;

    const MONEY: ColumnKind = ColumnKind::Money { exponent: "l.exponent" };

    columns! {
        SEQ = column("l.seq", ColumnKind::Integer);
        ACCOUNT = column("l.account", ColumnKind::Bytes);
        ENTRY = column("l.entry", ColumnKind::Bytes);
        KIND = column("l.kind", ColumnKind::Text);
        AMOUNT = column("l.delta", MONEY);
        HELD_AMOUNT = column("l.held_delta", MONEY);
        LEDGER_BALANCE = column("l.ledger_after", MONEY);
        HELD_BALANCE = column("l.held_after", MONEY);
        AUTHORIZATION = nullable("l.authorization_id", ColumnKind::Bytes);
        SOURCE = nullable("e.source", ColumnKind::Bytes);
        REFERENCE = nullable("e.reference", ColumnKind::Text);
        NARRATION = nullable("e.narration", ColumnKind::Text);
        FORCED = column("l.forced", ColumnKind::Boolean);
        AT = column("l.at", ColumnKind::Time);
    }

    joined_list!(Line "ledger_lines" "l", Entry "e", "ledger_lines l JOIN ledger_entries e ON e.client = l.client AND e.id = l.entry", id SEQ);
}

/// Events.
pub mod events {
    use super::*;

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        TYPE = column("t.kind", ColumnKind::Text);
        OBJECT_TYPE = column("t.object_type", ColumnKind::Text);
        OBJECT_ID = column("t.object_id", ColumnKind::Bytes);
        SEQUENCE = column("t.sequence", ColumnKind::Integer);
        POSITION = column("t.position", ColumnKind::Integer);
        REQUEST_ID = column("t.request_id", ColumnKind::Text);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
    }
    plain_list!(Event, "events", id ID);
}

/// Webhook endpoints, each with how far it is.
pub mod webhooks {
    use super::*;

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        URL = column("t.url", ColumnKind::Text);
        DESCRIPTION = nullable("t.description", ColumnKind::Text);
        ENABLED = column("t.enabled", ColumnKind::Boolean);
        DISABLED_REASON = nullable("t.disabled_reason", ColumnKind::Text);
        FAILING_SINCE = nullable("p.failing_since", ColumnKind::Time);
        VERSION = column("t.version", ColumnKind::Integer);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
        UPDATED_AT = column("t.updated_at", ColumnKind::Time);
    }

    joined_list!(Webhook "webhooks" "t", WebhookProgress "p", "webhooks t JOIN webhook_progress p ON p.client = t.client AND p.id = t.id", id ID);
}

/// Attempts to deliver events.
pub mod attempts {
    use super::*;

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        WEBHOOK = column("t.webhook", ColumnKind::Bytes);
        EVENT = column("t.event", ColumnKind::Bytes);
        TYPE = column("t.kind", ColumnKind::Text);
        ATTEMPT = column("t.attempt", ColumnKind::Integer);
        OUTCOME = column("t.outcome", ColumnKind::Text);
        STATUS = nullable("t.status", ColumnKind::Integer);
        LATENCY = column("t.latency_ms", ColumnKind::Integer);
        NEXT_ATTEMPT_AT = nullable("t.next_attempt_at", ColumnKind::Time);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
    }
    plain_list!(Attempt, "delivery_attempts", id ID);
}

/// API keys.
pub mod api_keys {
    use super::*;

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        NAME = column("t.name", ColumnKind::Text);
        HINT = column("t.hint", ColumnKind::Text);
        STATUS = column("t.status", ColumnKind::Text);
        EXPIRES_AT = nullable("t.expires_at", ColumnKind::Time);
        LAST_USED_AT = nullable("t.last_used_at", ColumnKind::Time);
        VERSION = column("t.version", ColumnKind::Integer);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
        UPDATED_AT = column("t.updated_at", ColumnKind::Time);
    }
    plain_list!(ApiKey, "api_keys", id ID);
}

/// The audit log.
pub mod audit_log {
    use super::*;

    columns! {
        ID = column("t.id", ColumnKind::Bytes);
        ACTOR_TYPE = column("t.actor_kind", ColumnKind::Text);
        ACTOR_ID = nullable("t.actor_id", ColumnKind::Bytes);
        ACTION = column("t.action", ColumnKind::Text);
        OBJECT_TYPE = column("t.object_type", ColumnKind::Text);
        OBJECT_ID = column("t.object_id", ColumnKind::Text);
        REQUEST_ID = column("t.request_id", ColumnKind::Text);
        ADDRESS = nullable("t.address", ColumnKind::Text);
        CREATED_AT = column("t.created_at", ColumnKind::Time);
    }
    plain_list!(AuditEntry, "audit_log", id ID);
}
