//! The closed list of commands, one line each. A command's home, rows and rule are its [`Verb`] implementation, beside
//! the rule.

use crate::access::{self, ApiKeyView, Client, TokenView};
use crate::accounts::{self, AccountView, DetailView};
use crate::approvals::{self, ApprovalPolicyView, ApprovalView, Ask};
use crate::audit::audit_changes;
use crate::authorizations::{self, AnsweredView, AuthorizationView};
use crate::card_holders::{self, CardHolder, DocumentView};
use crate::cards::{self, CardView, RevealTokenView};
use crate::clock::{self, ClockReading};
use crate::events;
use crate::exceptions::ExceptionView;
use crate::ids::Id;
use crate::people::{self, Session, UserView};
use crate::programs::{self, ProgramView};
use crate::refusal::Stop;
use crate::resolution;
use crate::responders::{self, ResponderView};
use crate::rotation;
use crate::transactions::{self, TransactionView};
use crate::transfers::{self, TransferView};
use crate::verb::Verb;
use crate::view::Pictured;
use crate::webhooks::{self, WebhookView};
use crate::work::{Context, Work};

/// A command and the context it runs in.
#[derive(Clone, Debug)]
pub struct Request {
    pub context: Context,
    pub command: Command,
}

impl Request {
    /// Builds a request; the command's name becomes the action in its context.
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

            /// The object whose commands run in the order in which they were submitted; see [`Verb::home`].
            pub fn home(&self) -> Option<Id> {
                match self { $(Command::$variant(payload) => payload.home(),)* }
            }

            /// The actions about which a policy can ask others; see [`Verb::approvals`].
            pub fn approvals(&self) -> Vec<Ask> {
                match self { $(Command::$variant(payload) => payload.approvals(),)* }
            }

            /// Names the rows that are known to be needed before the first run; see [`Verb::prefetch`].
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
    CreateAccount(accounts::CreateAccount) = "account.create" => Account,
    UpdateAccount(Box<accounts::UpdateAccount>) = "account.update" => Account,
    CloseAccount(accounts::CloseAccount) = "account.close" => Account,
    FundAccount(accounts::FundAccount) = "simulator.account.fund" => Account,
    CreateDetail(accounts::CreateDetail) = "account.detail.create" => Detail,
    UpdateDetail(accounts::UpdateDetail) = "account.detail.update" => Detail,
    DeleteDetail(accounts::DeleteDetail) = "account.detail.delete" => Detail,
    CreateTransfer(transfers::CreateTransfer) = "transfer.create" => Transfer,
    ReverseTransfer(transfers::ReverseTransfer) = "transfer.reverse" => Transfer,
    CreateCardHolder(Box<card_holders::CreateCardHolder>) = "card_holder.create" => CardHolder,
    UpdateCardHolder(Box<card_holders::UpdateCardHolder>) = "card_holder.update" => CardHolder,
    EraseCardHolder(card_holders::EraseCardHolder) = "card_holder.erase" => CardHolder,
    ReviewDocument(card_holders::ReviewDocument) = "card_holder.document.review" => Document,
    CreateCard(Box<cards::CreateCard>) = "card.create" => Card,
    UpdateCard(Box<cards::UpdateCard>) = "card.update" => Card,
    TerminateCard(cards::TerminateCard) = "card.terminate" => Card,
    FundCard(cards::FundCard) = "card.fund" => Card,
    WithdrawFromCard(cards::WithdrawFromCard) = "card.withdraw" => Card,
    ActivateCard(cards::ActivateCard) = "card.activate" => Card,
    ReplaceCard(Box<cards::ReplaceCard>) = "card.replace" => Card,
    SetPin(cards::SetPin) = "card.pin.set" => Card,
    UnblockPin(cards::UnblockPin) = "card.pin.unblock" => Card,
    IssueRevealToken(cards::IssueRevealToken) = "card.token.issue" => RevealToken,
    UseRevealToken(cards::UseRevealToken) = "card.reveal" => Card,
    LookUpCard(cards::LookUpCard) = "card.lookup" => MaybeCard,
    PurgeRevealTokens(cards::PurgeRevealTokens) = "card.token.purge" => Count,
    Reseal(rotation::Reseal) = "vault.reseal" => Count,
    Authorize(Box<authorizations::Authorize>) = "authorization.decide" => Authorization,
    SettleAuthorization(Box<authorizations::SettleAuthorization>) = "authorization.settle" => Authorization,
    IncrementAuthorization(Box<authorizations::IncrementAuthorization>) = "authorization.increment" => Authorization,
    ReverseAuthorization(authorizations::ReverseAuthorization) = "authorization.reverse" => Authorization,
    ReverseByReference(Box<authorizations::ReverseByReference>) = "authorization.reverse_by_reference" => MaybeAuthorization,
    ExpireAuthorization(authorizations::ExpireAuthorization) = "authorization.expire" => Authorization,
    ReleaseAuthorization(authorizations::ReleaseAuthorization) = "authorization.release" => Authorization,
    Clear(Box<transactions::Clear>) = "transaction.clear" => MaybeTransaction,
    ForcePost(Box<transactions::ForcePost>) = "transaction.force_post" => MaybeTransaction,
    Refund(Box<transactions::Refund>) = "transaction.refund" => MaybeTransaction,
    ReverseRefund(transactions::ReverseRefund) = "transaction.refund.reverse" => Transaction,
    ResolveException(Box<resolution::ResolveException>) = "exception.resolve" => Exception,
    CreateWebhook(Box<webhooks::CreateWebhook>) = "webhook.create" => Webhook,
    UpdateWebhook(Box<webhooks::UpdateWebhook>) = "webhook.update" => Webhook,
    DeleteWebhook(webhooks::DeleteWebhook) = "webhook.delete" => Webhook,
    RotateWebhookSecret(webhooks::RotateWebhookSecret) = "webhook.secret.rotate" => Webhook,
    TestWebhook(webhooks::TestWebhook) = "webhook.test" => Id,
    RecoverWebhook(webhooks::RecoverWebhook) = "webhook.recover" => Webhook,
    RecordDeliveries(webhooks::RecordDeliveries) = "delivery.record" => Count,
    QueueDeliveries(webhooks::QueueDeliveries) = "delivery.queue" => Count,
    ResendEvent(webhooks::ResendEvent) = "event.resend" => Count,
    PurgeDeliveries(webhooks::PurgeDeliveries) = "delivery.purge" => Count,
    CreateResponder(Box<responders::CreateResponder>) = "responder.create" => Responder,
    UpdateResponder(Box<responders::UpdateResponder>) = "responder.update" => Responder,
    DeleteResponder(responders::DeleteResponder) = "responder.delete" => Responder,
    RotateResponderSecret(responders::RotateResponderSecret) = "responder.secret.rotate" => Responder,
    VerifyResponder(Box<responders::VerifyResponder>) = "responder.verify" => Responder,
    NoteResponder(responders::NoteResponder) = "responder.note" => Count,
    PurgeCalls(responders::PurgeCalls) = "responder.call.purge" => Count,
    AskThroughStream(Box<responders::AskThroughStream>) = "responder.question.ask" => Count,
    AnswerQuestion(Box<authorizations::AnswerQuestion>) = "responder.question.answer" => Answered,
    CloseQuestion(Box<responders::CloseQuestion>) = "responder.question.close" => Count,
    PurgeStreamedQuestions(responders::PurgeStreamedQuestions) = "responder.question.purge" => Count,
    CreateClient(access::CreateClient) = "client.create" => ApiKey,
    DisableClient(access::DisableClient) = "client.disable" => Client,
    CreateApiKey(access::CreateApiKey) = "api_key.create" => ApiKey,
    RotateApiKey(access::RotateApiKey) = "api_key.rotate" => ApiKey,
    RevokeApiKey(access::RevokeApiKey) = "api_key.revoke" => ApiKey,
    ExpireApiKey(access::ExpireApiKey) = "api_key.expire" => Count,
    TouchApiKeys(access::TouchApiKeys) = "api_key.touch" => Count,
    IssueToken(access::IssueToken) = "token.issue" => Token,
    RevokeToken(access::RevokeToken) = "token.revoke" => Token,
    PurgeTokens(access::PurgeTokens) = "token.purge" => Count,
    PurgeIdempotency(access::PurgeIdempotency) = "idempotency.purge" => Count,
    PurgeEvents(events::PurgeEvents) = "event.purge" => Count,
    CreateProgram(Box<programs::CreateProgram>) = "program.create" => Program,
    UpdateProgram(Box<programs::UpdateProgram>) = "program.update" => Program,
    ArchiveProgram(programs::ArchiveProgram) = "program.archive" => Program,
    ShareRanges(programs::ShareRanges) = "program.share_ranges" => Count,
    SeedProgram(Box<programs::SeedProgram>) = "program.seed" => Count,
    AddUser(Box<people::AddUser>) = "user.add" => User,
    ChangeUser(Box<people::ChangeUser>) = "user.change" => User,
    IssueLink(people::IssueLink) = "user.link" => User,
    CountTry(people::CountTry) = "user.try" => Count,
    OpenSession(Box<people::OpenSession>) = "user.sign_in" => Session,
    SetPassword(people::SetPassword) = "user.password" => Count,
    SetSecondFactor(people::SetSecondFactor) = "user.second_factor" => Count,
    AddPasskey(Box<people::AddPasskey>) = "user.passkey.add" => Count,
    RemovePasskey(people::RemovePasskey) = "user.passkey.remove" => Count,
    Federate(Box<people::Federate>) = "user.federate" => User,
    EndSessions(people::EndSessions) = "session.end" => Count,
    TouchSessions(people::TouchSessions) = "session.touch" => Count,
    SetApprovalPolicy(approvals::SetApprovalPolicy) = "approval_policy.set" => ApprovalPolicy,
    RequestApproval(Box<approvals::RequestApproval>) = "approval.request" => Approval,
    DecideApproval(approvals::DecideApproval) = "approval.decide" => Approval,
    CancelApproval(approvals::CancelApproval) = "approval.cancel" => Approval,
    FinishApproval(approvals::FinishApproval) = "approval.finish" => Approval,
    ExpireApproval(approvals::ExpireApproval) = "approval.expire" => Count,
    AdvanceClock(clock::AdvanceClock) = "simulator.clock.advance" => Clock,
}

/// The result of a command that was not refused.
#[derive(Clone, Debug)]
pub enum Outcome {
    Account(Pictured<AccountView>),
    Detail(Pictured<DetailView>),
    Transfer(Pictured<TransferView>),
    /// The stored card holder: personal data is sealed, and only the server can open it.
    CardHolder(Box<CardHolder>),
    Document(Pictured<DocumentView>),
    Card(Pictured<CardView>),
    /// `None` if no card has the number.
    MaybeCard(Box<Option<CardView>>),
    RevealToken(RevealTokenView),
    Authorization(Pictured<AuthorizationView>),
    /// `None` if the authorization has not arrived yet.
    MaybeAuthorization(Box<Option<AuthorizationView>>),
    Transaction(Pictured<TransactionView>),
    /// `None` while the message waits in an exception.
    MaybeTransaction(Box<Option<TransactionView>>),
    Exception(Pictured<ExceptionView>),
    Webhook(Pictured<WebhookView>),
    Responder(Pictured<ResponderView>),
    Answered(Box<AnsweredView>),
    Id(Id),
    ApiKey(ApiKeyView),
    Token(TokenView),
    Client(Client),
    Program(Pictured<ProgramView>),
    Clock(ClockReading),
    User(UserView),
    Approval(Box<ApprovalView>),
    ApprovalPolicy(ApprovalPolicyView),
    Session(Box<Session>),
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
            Outcome::Responder(view) => Some(view.version),
            Outcome::Authorization(view) => Some(view.version),
            Outcome::Exception(view) => Some(view.version),
            Outcome::Program(view) => Some(view.version),
            Outcome::RevealToken(_) | Outcome::MaybeAuthorization(_) | Outcome::Transaction(_) => None,
            Outcome::MaybeTransaction(_) | Outcome::Answered(_) => None,
            Outcome::MaybeCard(found) => found.as_ref().as_ref().map(|view| view.version),
            Outcome::User(view) => Some(view.version),
            Outcome::Approval(view) => Some(view.version),
            Outcome::ApprovalPolicy(view) => Some(view.version),
            Outcome::Session(_)
            | Outcome::Token(_)
            | Outcome::Client(_)
            | Outcome::Clock(_)
            | Outcome::Count(_)
            | Outcome::Id(_) => None,
        }
    }
}

/// Runs a command on the rows in memory. Either all of its changes are kept, or none.
///
/// After [`Stop::Missing`], [`Work::take_missing`] names the rows to load before the next run.
pub fn execute(work: &mut Work, request: &Request) -> Result<Outcome, Stop> {
    work.enter(request.context.clone());
    match run(work, &request.command) {
        Ok(outcome) => {
            audit_changes(work);
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
