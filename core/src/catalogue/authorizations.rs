//! Samples of authorizations and transactions, with the values of the published samples.

use crate::authorizations::{AuthorizationStatus, AuthorizationView, Step, StepView};
use crate::catalogue::{SAMPLE_TIME, Sampled, sample_text};
use crate::events::EventType;
use crate::messages::{AuthorizationType, Channel, Merchant, TerminalView};
use crate::money::{Category, Currency};
use crate::time::Instant;
use crate::transactions::{
    DeclineView, DetailsView, FeeDetailView, RefundView, RequestHistoryView, TransactionMetadataView, TransactionView,
};
use crate::view::Money;

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::find("USD", Category::Fiat).expect("a currency"))
}

fn at() -> String {
    Instant::from_micros(SAMPLE_TIME).to_string()
}

/// What differs between the published samples.
struct Published {
    kind: &'static str,
    amount: i64,
    fee: i64,
    merchant: [&'static str; 7],
    terminal: [&'static str; 3],
    present: bool,
    attended: bool,
    channel: Channel,
    usage: &'static str,
    reference: &'static str,
}

const CREATED: Published = Published {
    kind: "capture",
    amount: -2_550,
    fee: 25,
    merchant: ["5812", "MID123456", "ACME CAFE", "Lagos", "LA", "NG", "101001"],
    terminal: ["123456789012", "123456", "TERM1234"],
    present: true,
    attended: true,
    channel: Channel::Pos,
    usage: "purchase",
    reference: "txn-ref-1001",
};

const DECLINED: Published = Published {
    kind: "authorization.declined",
    amount: -4_275,
    fee: 0,
    merchant: ["5411", "MID998877", "ACME SUPERMARKET", "Abuja", "FC", "NG", "900001"],
    terminal: ["210987654321", "654321", "TERM9876"],
    present: false,
    attended: false,
    channel: Channel::Web,
    usage: "purchase",
    reference: "auth-ref-1002",
};

const REFUND: Published = Published {
    kind: "refund",
    amount: 1_250,
    fee: 0,
    merchant: ["5732", "MID556677", "ACME ELECTRONICS", "Port Harcourt", "RI", "NG", "500001"],
    terminal: ["300123456789", "112233", "TERM5566"],
    present: false,
    attended: true,
    channel: Channel::Web,
    usage: "refund",
    reference: "refund-ref-1003",
};

impl Published {
    fn of(kind: EventType) -> &'static Published {
        match kind {
            EventType::AuthorizationDeclined => &DECLINED,
            EventType::TransactionRefund => &REFUND,
            _ => &CREATED,
        }
    }

    fn merchant(&self) -> Merchant {
        let [category, merchant_id, name, city, state, country, postal_code] = self.merchant.map(str::to_owned);
        Merchant { category, merchant_id, name, city, state, country, postal_code }
    }

    fn terminal(&self) -> TerminalView {
        let [rrn, stan, terminal_id] = self.terminal.map(str::to_owned);
        TerminalView {
            rrn,
            stan,
            terminal_id,
            terminal_operating_environment: if self.present { "card_present" } else { "card_not_present" },
            terminal_attendance: if self.attended { "attended" } else { "unattended" },
            terminal_type: if self.present { "pos" } else { "ecommerce" },
            pan_entry_mode: if self.present { "chip" } else { "manual" },
            pin_entry_mode: if self.present { "pin" } else { "none" },
            card_holder_presence: self.present,
            card_presence: self.present,
        }
    }
}

impl Sampled for TransactionView {
    fn sample(kind: EventType) -> TransactionView {
        let published = Published::of(kind);
        let decline = (kind == EventType::AuthorizationDeclined).then(|| DeclineView::sample(kind));
        let refund = (kind == EventType::TransactionRefund).then(|| RefundView::sample(kind));
        let details = DetailsView {
            event_type: kind.as_str().to_owned(),
            environment: "production".to_owned(),
            business: sample_text(0),
            reference: decline.is_none().then(|| published.reference.to_owned()),
            authorization: refund.as_ref().and_then(|refund| refund.authorization.clone()),
            fee_details: refund.map(|refund| refund.fee_details),
            status: decline.as_ref().map(|decline| decline.status),
            approved: decline.as_ref().map(|decline| decline.approved),
            authorization_method: decline.as_ref().map(|decline| decline.authorization_method),
            reason: decline.as_ref().map(|decline| decline.reason.clone()),
            narration: decline.as_ref().map(|decline| decline.narration.clone()),
            request_history: decline.as_ref().map(|decline| {
                vec![RequestHistoryView { reason: decline.reason.clone(), narration: decline.narration.clone() }]
            }),
        };
        TransactionView {
            id: sample_text(7),
            amount: usd(published.amount),
            fee: usd(published.fee),
            vat: usd(0),
            currency: "USD".to_owned(),
            kind: published.kind,
            merchant_amount: usd(published.amount),
            merchant_currency: "USD".to_owned(),
            merchant: published.merchant(),
            terminal: published.terminal(),
            transaction_metadata: TransactionMetadataView {
                channel: published.channel,
                kind: published.usage,
                reference: published.reference.to_owned(),
            },
            metadata: details,
            created_at: at(),
            updated_at: at(),
            card_id: sample_text(1),
            card_holder_id: sample_text(2),
            account_id: sample_text(3),
            authorization_id: Some(sample_text(6)),
            authorization_code: decline.is_none().then(|| "123456".to_owned()),
            network_transaction_id: "484321000000017".to_owned(),
            original_transaction_id: None,
            refunded_amount: usd(0),
            entry_id: decline.is_none().then(|| sample_text(8)),
        }
    }
}

impl Sampled for DeclineView {
    fn sample(_: EventType) -> DeclineView {
        DeclineView {
            status: "declined",
            approved: false,
            authorization_method: "online",
            reason: "insufficient_funds".to_owned(),
            narration: "42.75 USD more is needed.".to_owned(),
            responder: None,
        }
    }
}

impl Sampled for RefundView {
    fn sample(_: EventType) -> RefundView {
        RefundView {
            authorization: Some(sample_text(6)),
            fee_details: vec![FeeDetailView { name: "fee", amount: usd(25) }],
            reference: REFUND.reference.to_owned(),
        }
    }
}

impl Sampled for AuthorizationView {
    fn sample(kind: EventType) -> AuthorizationView {
        let (status, step) = match kind {
            EventType::AuthorizationUpdated => (AuthorizationStatus::Approved, Step::Incremented),
            EventType::AuthorizationReversed => (AuthorizationStatus::Reversed, Step::Reversed),
            EventType::AuthorizationExpired => (AuthorizationStatus::Expired, Step::Expired),
            _ => (AuthorizationStatus::Approved, Step::Approved),
        };
        let open = status == AuthorizationStatus::Approved;
        let step_of =
            |step| StepView { step, at: at(), amount: usd(2_550), entry_id: Some(sample_text(8)), note: None };
        let later = (step != Step::Approved).then(|| step_of(step));
        AuthorizationView {
            id: sample_text(6),
            card_id: Some(sample_text(1)),
            card_holder_id: Some(sample_text(2)),
            account_id: Some(sample_text(3)),
            status,
            reason: None,
            kind: AuthorizationType::Purchase,
            channel: Channel::Pos,
            currency: "USD".to_owned(),
            amount: usd(2_550),
            approved_amount: usd(2_550),
            held_amount: usd(if open { 2_575 } else { 0 }),
            cleared_amount: usd(0),
            reversed_amount: usd(if step == Step::Reversed { 2_550 } else { 0 }),
            refunded_amount: usd(0),
            fee: usd(25),
            vat: usd(0),
            partial: false,
            stand_in: false,
            merchant_amount: usd(2_550),
            merchant_currency: "USD".to_owned(),
            merchant: CREATED.merchant(),
            terminal: CREATED.terminal(),
            authorization_code: Some("123456".to_owned()),
            network_transaction_id: "484321000000017".to_owned(),
            timeline: [step_of(Step::Approved)].into_iter().chain(later).collect(),
            responder: None,
            expires_at: open.then(|| Instant::from_micros(SAMPLE_TIME).plus_seconds(7 * 86_400).to_string()),
            version: 1,
            created_at: at(),
            updated_at: at(),
        }
    }
}
