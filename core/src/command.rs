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
use crate::record::Key;
use crate::refusal::Stop;
use crate::resolution;
use crate::rotation;
use crate::table::Access;
use crate::transactions::{self, TransactionView};
use crate::transfers::{self, TransferView};
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
    ($($(#[$doc:meta])* $variant:ident($payload:ty) = $name:literal => $verb:path => $outcome:ident,)*) => {
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
        }

        fn run(work: &mut Work, command: &Command) -> Result<Outcome, Stop> {
            Ok(match command {
                $(Command::$variant(payload) => Outcome::$outcome($verb(work, payload)?.into()),)*
            })
        }
    };
}

commands! {
    /// Opens an account.
    CreateAccount(accounts::CreateAccount) = "account.create" => accounts::create => Account,
    /// Changes an account.
    UpdateAccount(Box<accounts::UpdateAccount>) = "account.update" => accounts::update => Account,
    /// Closes an account.
    CloseAccount(accounts::CloseAccount) = "account.close" => accounts::close => Account,
    /// Puts simulated money into an account.
    FundAccount(accounts::FundAccount) = "simulator.account.fund" => accounts::fund => Account,
    /// Hangs a detail record on an account.
    CreateDetail(accounts::CreateDetail) = "account.detail.create" => accounts::create_detail => Detail,
    /// Changes a detail record.
    UpdateDetail(accounts::UpdateDetail) = "account.detail.update" => accounts::update_detail => Detail,
    /// Takes a detail record off.
    DeleteDetail(accounts::DeleteDetail) = "account.detail.delete" => accounts::delete_detail => Detail,
    /// Moves money between accounts.
    CreateTransfer(transfers::CreateTransfer) = "transfer.create" => transfers::create => Transfer,
    /// Gives a transfer back.
    ReverseTransfer(transfers::ReverseTransfer) = "transfer.reverse" => transfers::reverse => Transfer,
    /// Enrols a card holder.
    CreateCardHolder(Box<card_holders::CreateCardHolder>) = "card_holder.create" => card_holders::create => CardHolder,
    /// Changes a card holder.
    UpdateCardHolder(Box<card_holders::UpdateCardHolder>) = "card_holder.update" => card_holders::update => CardHolder,
    /// Erases a card holder's personal data.
    EraseCardHolder(card_holders::EraseCardHolder) = "card_holder.erase" => card_holders::erase => CardHolder,
    /// Decides about a document.
    ReviewDocument(card_holders::ReviewDocument) = "card_holder.document.review" => card_holders::review => Document,
    /// Issues a card.
    CreateCard(Box<cards::CreateCard>) = "card.create" => cards::create => Card,
    /// Changes a card.
    UpdateCard(Box<cards::UpdateCard>) = "card.update" => cards::update => Card,
    /// Ends a card.
    TerminateCard(cards::TerminateCard) = "card.terminate" => cards::terminate => Card,
    /// Moves money onto a card.
    FundCard(cards::FundCard) = "card.fund" => cards::fund => Card,
    /// Moves money off a card.
    WithdrawFromCard(cards::WithdrawFromCard) = "card.withdraw" => cards::withdraw => Card,
    /// Activates a card.
    ActivateCard(cards::ActivateCard) = "card.activate" => cards::activate => Card,
    /// Replaces a card.
    ReplaceCard(Box<cards::ReplaceCard>) = "card.replace" => cards::replace => Card,
    /// Sets a card's PIN.
    SetPin(cards::SetPin) = "card.pin.set" => cards::set_pin => Card,
    /// Gives a card its PIN tries back.
    UnblockPin(cards::UnblockPin) = "card.pin.unblock" => cards::unblock_pin => Card,
    /// Makes a token that reveals a card.
    IssueRevealToken(cards::IssueRevealToken) = "card.token.issue" => cards::issue_reveal_token => RevealToken,
    /// Uses such a token up.
    UseRevealToken(cards::UseRevealToken) = "card.reveal" => cards::use_reveal_token => Card,
    /// Finds a card by its number.
    LookUpCard(cards::LookUpCard) = "card.lookup" => cards::look_up => MaybeCard,
    /// Forgets old reveal tokens.
    PurgeRevealTokens(cards::PurgeRevealTokens) = "card.token.purge" => cards::purge_reveal_tokens => Count,
    /// Seals kept content under a new key.
    Reseal(rotation::Reseal) = "vault.reseal" => rotation::reseal => Count,
    /// Decides an authorization.
    Authorize(Box<authorizations::Authorize>) = "authorization.decide" => authorizations::authorize => Authorization,
    /// Decides about more on an open authorization.
    IncrementAuthorization(Box<authorizations::IncrementAuthorization>) = "authorization.increment" => authorizations::increment => Authorization,
    /// Takes an authorization back.
    ReverseAuthorization(authorizations::ReverseAuthorization) = "authorization.reverse" => authorizations::reverse => Authorization,
    /// Takes back what a network reference leads to.
    ReverseByReference(Box<authorizations::ReverseByReference>) = "authorization.reverse_by_reference" => authorizations::reverse_by_reference => MaybeAuthorization,
    /// Gives a hold back that ran out.
    ExpireAuthorization(authorizations::ExpireAuthorization) = "authorization.expire" => authorizations::expire => Authorization,
    /// Gives a hold back by hand.
    ReleaseAuthorization(authorizations::ReleaseAuthorization) = "authorization.release" => authorizations::release_by_hand => Authorization,
    /// Collects.
    Clear(Box<transactions::Clear>) = "transaction.clear" => transactions::clear => MaybeTransaction,
    /// Posts what was never authorized.
    ForcePost(Box<transactions::ForcePost>) = "transaction.force_post" => transactions::force_post => MaybeTransaction,
    /// Gives back what was collected.
    Refund(Box<transactions::Refund>) = "transaction.refund" => transactions::refund => MaybeTransaction,
    /// Takes a refund back.
    ReverseRefund(transactions::ReverseRefund) = "transaction.refund.reverse" => transactions::reverse_refund => Transaction,
    /// Says that somebody looked at an exception.
    ResolveException(Box<resolution::ResolveException>) = "exception.resolve" => resolution::resolve => Exception,
    /// Makes a webhook endpoint.
    CreateWebhook(Box<webhooks::CreateWebhook>) = "webhook.create" => webhooks::create => Webhook,
    /// Changes a webhook endpoint.
    UpdateWebhook(Box<webhooks::UpdateWebhook>) = "webhook.update" => webhooks::update => Webhook,
    /// Deletes a webhook endpoint.
    DeleteWebhook(webhooks::DeleteWebhook) = "webhook.delete" => webhooks::delete => Webhook,
    /// Rotates the secret of a webhook endpoint.
    RotateWebhookSecret(webhooks::RotateWebhookSecret) = "webhook.secret.rotate" => webhooks::rotate_secret => Webhook,
    /// Sends a test to a webhook endpoint.
    TestWebhook(webhooks::TestWebhook) = "webhook.test" => webhooks::test => Id,
    /// Begins to deliver again what a webhook endpoint missed.
    RecoverWebhook(webhooks::RecoverWebhook) = "webhook.recover" => webhooks::recover => Webhook,
    /// Puts attempts to deliver events on record.
    RecordDeliveries(webhooks::RecordDeliveries) = "delivery.record" => webhooks::record_deliveries => Count,
    /// Puts events up for delivery once more.
    QueueDeliveries(webhooks::QueueDeliveries) = "delivery.queue" => webhooks::queue_deliveries => Count,
    /// Delivers an event again.
    ResendEvent(webhooks::ResendEvent) = "event.resend" => webhooks::resend => Count,
    /// Forgets deliveries that were given up.
    PurgeDeliveries(webhooks::PurgeDeliveries) = "delivery.purge" => webhooks::purge_deliveries => Count,
    /// Makes a client.
    CreateClient(access::CreateClient) = "client.create" => access::create_client => ApiKey,
    /// Disables a client.
    DisableClient(access::DisableClient) = "client.disable" => access::disable_client => Client,
    /// Makes an API key.
    CreateApiKey(access::CreateApiKey) = "api_key.create" => access::create_api_key => ApiKey,
    /// Replaces an API key.
    RotateApiKey(access::RotateApiKey) = "api_key.rotate" => access::rotate_api_key => ApiKey,
    /// Revokes an API key.
    RevokeApiKey(access::RevokeApiKey) = "api_key.revoke" => access::revoke_api_key => ApiKey,
    /// Ends an API key whose time is over.
    ExpireApiKey(access::ExpireApiKey) = "api_key.expire" => access::expire_api_key => Count,
    /// Notes when keys were used.
    TouchApiKeys(access::TouchApiKeys) = "api_key.touch" => access::touch_api_keys => Count,
    /// Makes a bearer token.
    IssueToken(access::IssueToken) = "token.issue" => access::issue_token => Token,
    /// Revokes a bearer token.
    RevokeToken(access::RevokeToken) = "token.revoke" => access::revoke_token => Token,
    /// Forgets ended tokens.
    PurgeTokens(access::PurgeTokens) = "token.purge" => access::purge_tokens => Count,
    /// Forgets old answers.
    PurgeIdempotency(access::PurgeIdempotency) = "idempotency.purge" => access::purge_idempotency => Count,
    /// Forgets old events.
    PurgeEvents(events::PurgeEvents) = "event.purge" => events::purge_events => Count,
    /// Moves the test clock.
    AdvanceClock(clock::AdvanceClock) = "simulator.clock.advance" => clock::advance => Clock,
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

impl Command {
    /// The object whose commands are carried out in the order they came.
    pub fn home(&self) -> Option<Id> {
        match self {
            Command::UpdateAccount(command) => Some(command.id.0),
            Command::CloseAccount(command) => Some(command.id.0),
            Command::FundAccount(command) => Some(command.id.0),
            Command::CreateDetail(command) => Some(command.account.0),
            Command::UpdateDetail(command) => Some(command.account.0),
            Command::DeleteDetail(command) => Some(command.account.0),
            Command::CreateTransfer(command) => Some(command.from.0),
            Command::ReverseTransfer(command) => Some(command.id.0),
            Command::UpdateCardHolder(command) => Some(command.id.0),
            Command::EraseCardHolder(command) => Some(command.id.0),
            Command::ReviewDocument(command) => Some(command.card_holder.0),
            Command::CreateCard(command) => Some(command.debit_account.0),
            Command::UpdateCard(command) => Some(command.id.0),
            Command::TerminateCard(command) => Some(command.id.0),
            Command::FundCard(command) => Some(command.id.0),
            Command::WithdrawFromCard(command) => Some(command.id.0),
            Command::ActivateCard(command) => Some(command.id.0),
            Command::ReplaceCard(command) => Some(command.id.0),
            Command::SetPin(command) => Some(command.id.0),
            Command::UnblockPin(command) => Some(command.id.0),
            Command::IssueRevealToken(command) => Some(command.id.0),
            Command::UseRevealToken(command) => Some(command.id.0),
            Command::Authorize(command) => command.request.presented.card.map(|card| card.0),
            Command::IncrementAuthorization(command) => Some(command.id.0),
            Command::ReverseAuthorization(command) => Some(command.id.0),
            Command::ExpireAuthorization(command) => Some(command.id.0),
            Command::ReleaseAuthorization(command) => Some(command.id.0),
            Command::ForcePost(command) => Some(command.what.card.0),
            Command::ReverseRefund(command) => Some(command.id.0),
            Command::ResolveException(command) => Some(command.id.0),
            Command::UpdateWebhook(command) => Some(command.id.0),
            Command::DeleteWebhook(command) => Some(command.id.0),
            Command::RotateWebhookSecret(command) => Some(command.id.0),
            Command::TestWebhook(command) => Some(command.id.0),
            Command::RecoverWebhook(command) => Some(command.id.0),
            Command::RecordDeliveries(command) => Some(command.id.0),
            Command::QueueDeliveries(command) => Some(command.id.0),
            Command::ResendEvent(command) => Some(command.event.0),
            Command::RotateApiKey(command) => Some(command.id.0),
            Command::RevokeApiKey(command) => Some(command.id.0),
            Command::ExpireApiKey(command) => Some(command.id.0),
            Command::RevokeToken(command) => Some(command.id.0),
            Command::DisableClient(command) => Some(command.id.0),
            _ => None,
        }
    }

    /// Names the rows known to be needed from the start, so that a typical write loads once.
    pub fn expect_rows(&self, work: &mut Work, context: &Context) {
        let client = context.client;
        match self {
            Command::UpdateAccount(command) => work.expect_account(client, command.id, Access::Exclusive),
            Command::CloseAccount(command) => work.expect_account(client, command.id, Access::Exclusive),
            Command::FundAccount(command) => work.expect_account(client, command.id, Access::Shared),
            Command::CreateDetail(command) => {
                work.accounts.expect(Key::of(client, command.account.0), Access::Exclusive)
            }
            Command::CreateTransfer(command) => {
                work.expect_account(client, command.from, Access::Shared);
                work.expect_account(client, command.to, Access::Shared);
            }
            Command::UpdateCardHolder(command) => {
                work.card_holders.expect(Key::of(client, command.id.0), Access::Exclusive);
            }
            Command::CreateCard(command) => cards::expect_create(work, client, command),
            Command::UpdateCard(command) => work.expect_card(client, command.id, Access::Exclusive),
            Command::TerminateCard(command) => work.expect_card(client, command.id, Access::Exclusive),
            Command::FundCard(command) => {
                let reference = command.payment_reference.as_deref();
                cards::expect_movement(work, client, command.id, Some(command.debit_account), reference);
            }
            Command::WithdrawFromCard(command) => {
                let reference = command.payment_reference.as_deref();
                cards::expect_movement(work, client, command.id, command.credit_account, reference);
            }
            Command::Authorize(command) => {
                let transaction = &command.request.trace.transaction_id;
                authorizations::expect_authorize(work, client, &command.request.presented, transaction);
            }
            Command::IncrementAuthorization(command) => {
                work.authorizations.expect(Key::of(client, command.id.0), Access::Exclusive);
            }
            Command::ReverseAuthorization(command) => {
                work.authorizations.expect(Key::of(client, command.id.0), Access::Exclusive);
            }
            Command::ExpireAuthorization(command) => {
                work.authorizations.expect(Key::of(client, command.id.0), Access::Exclusive);
            }
            Command::RecordDeliveries(command) => {
                work.webhook_progress.expect(Key::of(client, command.id.0), Access::Exclusive);
            }
            Command::UseRevealToken(command) => {
                work.expect_card(client, command.id, Access::Shared);
                work.reveal_tokens.expect(cards::RevealToken::key_of(&command.hash), Access::Exclusive);
            }
            _ => {}
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
