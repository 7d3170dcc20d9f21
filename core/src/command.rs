//! The closed list of everything the system can do.

use crate::access::{self, ApiKeyView, Client, TokenView};
use crate::accounts::{self, AccountView, DetailView};
use crate::authorizations::{self, AuthorizationView};
use crate::card_holders::{self, CardHolder, DocumentView};
use crate::cards::{self, CardView, RevealTokenView};
use crate::clock::{self, ClockReading};
use crate::events;
use crate::exceptions::ExceptionView;
use crate::ids::Id;
use crate::refusal::Stop;
use crate::resolution;
use crate::rotation;
use crate::transactions::{self, TransactionView};
use crate::transfers::{self, TransferView};
use crate::verb::Verb;
use crate::webhooks::{self, WebhookView};
use crate::work::{Context, Work};

/// A command and who gives it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub context: Context,
    /// What for.
    pub command: Command,
}

impl Request {
    /// A request; the context takes the command's name as its action.
    pub fn new(mut context: Context, command: Command) -> Request {
        context.action = command.name();
        Request { context, command }
    }
}

macro_rules! commands {
    ($($(#[$doc:meta])* $variant:ident($payload:ty) = $name:literal => $outcome:ident,)*) => {
        /// Everything the system can do.
        #[derive(Clone, Debug)]
        pub enum Command {
            $($(#[$doc])* $variant($payload),)*
        }

        impl Command {
            /// The command's name in the audit log, in metrics and in benchmarks.
            pub fn name(&self) -> &'static str {
                match self { $(Command::$variant(_) => $name,)* }
            }

            /// The object whose commands run in the order in which they came; see [`Verb::home`].
            pub fn home(&self) -> Option<Id> {
                match self { $(Command::$variant(payload) => payload.home(),)* }
            }

            /// Names the rows known to be needed from the start; see [`Verb::prefetch`].
            pub fn prefetch(&self, work: &mut Work, context: &Context) {
                match self { $(Command::$variant(payload) => payload.prefetch(work, context.client),)* }
            }
        }

        fn run(work: &mut Work, command: &Command) -> Result<Outcome, Stop> {
            Ok(match command {
                $(Command::$variant(payload) => Outcome::$outcome(payload.run(work)?.into()),)*
            })
        }
    };
}

commands! {
    /// Opens an account.
    CreateAccount(accounts::CreateAccount) = "account.create" => Account,
    /// Changes an account.
    UpdateAccount(Box<accounts::UpdateAccount>) = "account.update" => Account,
    /// Closes an account.
    CloseAccount(accounts::CloseAccount) = "account.close" => Account,
    /// Puts simulated money into an account.
    FundAccount(accounts::FundAccount) = "simulator.account.fund" => Account,
    /// Hangs a detail record on an account.
    CreateDetail(accounts::CreateDetail) = "account.detail.create" => Detail,
    /// Changes a detail record.
    UpdateDetail(accounts::UpdateDetail) = "account.detail.update" => Detail,
    /// Takes a detail record off.
    DeleteDetail(accounts::DeleteDetail) = "account.detail.delete" => Detail,
    /// Moves money between accounts.
    CreateTransfer(transfers::CreateTransfer) = "transfer.create" => Transfer,
    /// Gives a transfer back.
    ReverseTransfer(transfers::ReverseTransfer) = "transfer.reverse" => Transfer,
    /// Enrols a card holder.
    CreateCardHolder(Box<card_holders::CreateCardHolder>) = "card_holder.create" => CardHolder,
    /// Changes a card holder.
    UpdateCardHolder(Box<card_holders::UpdateCardHolder>) = "card_holder.update" => CardHolder,
    /// Erases a card holder's personal data.
    EraseCardHolder(card_holders::EraseCardHolder) = "card_holder.erase" => CardHolder,
    /// Decides about a document.
    ReviewDocument(card_holders::ReviewDocument) = "card_holder.document.review" => Document,
    /// Issues a card.
    CreateCard(Box<cards::CreateCard>) = "card.create" => Card,
    /// Changes a card.
    UpdateCard(Box<cards::UpdateCard>) = "card.update" => Card,
    /// Ends a card.
    TerminateCard(cards::TerminateCard) = "card.terminate" => Card,
    /// Moves money onto a card.
    FundCard(cards::FundCard) = "card.fund" => Card,
    /// Moves money off a card.
    WithdrawFromCard(cards::WithdrawFromCard) = "card.withdraw" => Card,
    /// Activates a card.
    ActivateCard(cards::ActivateCard) = "card.activate" => Card,
    /// Replaces a card.
    ReplaceCard(Box<cards::ReplaceCard>) = "card.replace" => Card,
    /// Sets a card's PIN.
    SetPin(cards::SetPin) = "card.pin.set" => Card,
    /// Gives a card its PIN tries back.
    UnblockPin(cards::UnblockPin) = "card.pin.unblock" => Card,
    /// Makes a token that reveals a card.
    IssueRevealToken(cards::IssueRevealToken) = "card.token.issue" => RevealToken,
    /// Uses such a token up.
    UseRevealToken(cards::UseRevealToken) = "card.reveal" => Card,
    /// Finds a card by its number.
    LookUpCard(cards::LookUpCard) = "card.lookup" => MaybeCard,
    /// Forgets old reveal tokens.
    PurgeRevealTokens(cards::PurgeRevealTokens) = "card.token.purge" => Count,
    /// Seals kept content under a new key.
    Reseal(rotation::Reseal) = "vault.reseal" => Count,
    /// Decides an authorization.
    Authorize(Box<authorizations::Authorize>) = "authorization.decide" => Authorization,
    /// Decides about more on an open authorization.
    IncrementAuthorization(Box<authorizations::IncrementAuthorization>) = "authorization.increment" => Authorization,
    /// Takes an authorization back.
    ReverseAuthorization(authorizations::ReverseAuthorization) = "authorization.reverse" => Authorization,
    /// Takes back what a network reference leads to.
    ReverseByReference(Box<authorizations::ReverseByReference>) = "authorization.reverse_by_reference" => MaybeAuthorization,
    /// Gives a hold back that ran out.
    ExpireAuthorization(authorizations::ExpireAuthorization) = "authorization.expire" => Authorization,
    /// Gives a hold back by hand.
    ReleaseAuthorization(authorizations::ReleaseAuthorization) = "authorization.release" => Authorization,
    /// Collects.
    Clear(Box<transactions::Clear>) = "transaction.clear" => MaybeTransaction,
    /// Posts what was never authorized.
    ForcePost(Box<transactions::ForcePost>) = "transaction.force_post" => MaybeTransaction,
    /// Gives back what was collected.
    Refund(Box<transactions::Refund>) = "transaction.refund" => MaybeTransaction,
    /// Takes a refund back.
    ReverseRefund(transactions::ReverseRefund) = "transaction.refund.reverse" => Transaction,
    /// Says that somebody looked at an exception.
    ResolveException(Box<resolution::ResolveException>) = "exception.resolve" => Exception,
    /// Makes a webhook endpoint.
    CreateWebhook(Box<webhooks::CreateWebhook>) = "webhook.create" => Webhook,
    /// Changes a webhook endpoint.
    UpdateWebhook(Box<webhooks::UpdateWebhook>) = "webhook.update" => Webhook,
    /// Deletes a webhook endpoint.
    DeleteWebhook(webhooks::DeleteWebhook) = "webhook.delete" => Webhook,
    /// Rotates the secret of a webhook endpoint.
    RotateWebhookSecret(webhooks::RotateWebhookSecret) = "webhook.secret.rotate" => Webhook,
    /// Sends a test to a webhook endpoint.
    TestWebhook(webhooks::TestWebhook) = "webhook.test" => Id,
    /// Begins to deliver again what a webhook endpoint missed.
    RecoverWebhook(webhooks::RecoverWebhook) = "webhook.recover" => Webhook,
    /// Puts attempts to deliver events on record.
    RecordDeliveries(webhooks::RecordDeliveries) = "delivery.record" => Count,
    /// Puts events up for delivery once more.
    QueueDeliveries(webhooks::QueueDeliveries) = "delivery.queue" => Count,
    /// Delivers an event again.
    ResendEvent(webhooks::ResendEvent) = "event.resend" => Count,
    /// Forgets deliveries that were given up.
    PurgeDeliveries(webhooks::PurgeDeliveries) = "delivery.purge" => Count,
    /// Makes a client.
    CreateClient(access::CreateClient) = "client.create" => ApiKey,
    /// Disables a client.
    DisableClient(access::DisableClient) = "client.disable" => Client,
    /// Makes an API key.
    CreateApiKey(access::CreateApiKey) = "api_key.create" => ApiKey,
    /// Replaces an API key.
    RotateApiKey(access::RotateApiKey) = "api_key.rotate" => ApiKey,
    /// Revokes an API key.
    RevokeApiKey(access::RevokeApiKey) = "api_key.revoke" => ApiKey,
    /// Ends an API key whose time is over.
    ExpireApiKey(access::ExpireApiKey) = "api_key.expire" => Count,
    /// Notes when keys were used.
    TouchApiKeys(access::TouchApiKeys) = "api_key.touch" => Count,
    /// Makes a bearer token.
    IssueToken(access::IssueToken) = "token.issue" => Token,
    /// Revokes a bearer token.
    RevokeToken(access::RevokeToken) = "token.revoke" => Token,
    /// Forgets ended tokens.
    PurgeTokens(access::PurgeTokens) = "token.purge" => Count,
    /// Forgets old answers.
    PurgeIdempotency(access::PurgeIdempotency) = "idempotency.purge" => Count,
    /// Forgets old events.
    PurgeEvents(events::PurgeEvents) = "event.purge" => Count,
    /// Moves the test clock.
    AdvanceClock(clock::AdvanceClock) = "simulator.clock.advance" => Clock,
}

/// What a command that happened has to show.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// An account.
    Account(AccountView),
    /// A detail record.
    Detail(DetailView),
    /// A transfer.
    Transfer(TransferView),
    /// A card holder, as they are kept: what is personal only the edge can open.
    CardHolder(Box<CardHolder>),
    /// A document.
    Document(DocumentView),
    /// A card.
    Card(Box<CardView>),
    /// A card, when one was found.
    MaybeCard(Box<Option<CardView>>),
    /// A reveal token.
    RevealToken(RevealTokenView),
    /// An authorization.
    Authorization(Box<AuthorizationView>),
    /// An authorization, when there is one yet.
    MaybeAuthorization(Box<Option<AuthorizationView>>),
    /// A transaction.
    Transaction(Box<TransactionView>),
    /// A transaction, unless its message waits under an exception.
    MaybeTransaction(Box<Option<TransactionView>>),
    /// A message that did not fit.
    Exception(ExceptionView),
    /// A webhook endpoint.
    Webhook(WebhookView),
    /// What was made.
    Id(Id),
    /// An API key.
    ApiKey(ApiKeyView),
    /// A token.
    Token(TokenView),
    /// A client.
    Client(Client),
    /// The clock.
    Clock(ClockReading),
    /// How many rows.
    Count(u64),
}

impl Outcome {
    /// The version of the object, for its `ETag`.
    pub fn version(&self) -> Option<i64> {
        match self {
            Outcome::Account(view) => Some(view.version),
            Outcome::Detail(view) => Some(view.version),
            Outcome::Transfer(view) => Some(view.version),
            Outcome::CardHolder(holder) => Some(holder.version),
            Outcome::Document(view) => Some(view.version),
            Outcome::Card(view) => Some(view.version),
            Outcome::ApiKey(view) => Some(view.version),
            Outcome::Webhook(view) => Some(view.version),
            Outcome::Authorization(view) => Some(view.version),
            Outcome::Exception(view) => Some(view.version),
            Outcome::RevealToken(_) | Outcome::MaybeAuthorization(_) | Outcome::Transaction(_) => None,
            Outcome::MaybeTransaction(_) => None,
            Outcome::MaybeCard(found) => found.as_ref().as_ref().map(|view| view.version),
            Outcome::Token(_) | Outcome::Client(_) | Outcome::Clock(_) | Outcome::Count(_) | Outcome::Id(_) => None,
        }
    }
}

/// Runs a command on the rows in memory: all of its changes, or none.
///
/// On [`Stop::Missing`] the rows it asked for are in the tables' lists of missing rows.
pub fn execute(work: &mut Work, request: &Request) -> Result<Outcome, Stop> {
    work.enter(request.context.clone());
    match run(work, &request.command) {
        Ok(outcome) => {
            work.audit_changes();
            Ok(outcome)
        }
        Err(stop) => {
            work.roll_back();
            Err(stop)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Command;
    use crate::authorizations::{ExpireAuthorization, ReverseByReference};
    use crate::ids::{AuthorizationId, CardId, Id, TransactionId};
    use crate::messages::{Channel, Merchant, Trace};
    use crate::programs::Terms;
    use crate::transactions::{Clear, Refund, Unmatched};

    fn id(number: u8) -> Id {
        Id::from_bytes([number; 12])
    }

    fn reversal(card: Option<CardId>) -> Command {
        let trace = Trace::default();
        Command::ReverseByReference(Box::new(ReverseByReference { trace, card, amount: None, currency: None }))
    }

    fn clearing(authorization: Option<AuthorizationId>, unmatched: Option<Unmatched>) -> Command {
        let (trace, sequence, terms) = (Trace::default(), String::new(), Arc::<Terms>::default());
        let clear = Clear { authorization, trace, sequence, requested: None, is_final: true, unmatched, terms };
        Command::Clear(Box::new(clear))
    }

    fn refund(original: Option<TransactionId>, unlinked: Option<Unmatched>) -> Command {
        let (trace, sequence, terms) = (Trace::default(), String::new(), Arc::<Terms>::default());
        Command::Refund(Box::new(Refund { original, unlinked, requested: None, trace, sequence, terms }))
    }

    #[test]
    fn messages_go_home_to_what_they_name() {
        let card = CardId(id(1));
        let on_card = Unmatched { card, merchant: Merchant::default(), channel: Channel::Web };
        let (authorization, original) = (AuthorizationId(id(2)), TransactionId(id(3)));
        let expiry = ExpireAuthorization { id: authorization, when_due: true };
        for (command, home) in [
            (Command::ExpireAuthorization(expiry), Some(id(2))),
            (clearing(Some(authorization), Some(on_card.clone())), Some(id(2))),
            (clearing(None, Some(on_card.clone())), Some(id(1))),
            (clearing(None, None), None),
            (refund(Some(original), None), Some(id(3))),
            (refund(None, Some(on_card)), Some(id(1))),
            (reversal(Some(card)), Some(id(1))),
            (reversal(None), None),
        ] {
            assert_eq!(command.home(), home, "{}", command.name());
        }
    }
}
