//! The closed list of everything the system can do.

use crate::access::{self, ApiKeyView, Client, TokenView};
use crate::accounts::{self, AccountView, DetailView};
use crate::clock::{self, ClockReading};
use crate::ids::Id;
use crate::record::Key;
use crate::refusal::Stop;
use crate::table::Access;
use crate::transfers::{self, TransferView};
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
                $(Command::$variant(payload) => Outcome::$outcome($verb(work, payload)?),)*
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
            Outcome::ApiKey(view) => Some(view.version),
            Outcome::Token(_) | Outcome::Client(_) | Outcome::Clock(_) | Outcome::Count(_) => None,
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
