//! Questions about increments: asked before the command that decides, which carries the answer. Nothing is pending
//! meanwhile, so an increment whose server is killed is one that was not requested; the network repeats it.

use paygen_core::authorizations::{AskedIncrement, Authorization, AuthorizationStatus, IncrementAuthorization};
use paygen_core::cards::Card;
use paygen_core::ids::{CallId, ClientId};
use paygen_core::record::Key;
use paygen_core::responders::{CallResult, CalledAbout, IncrementRule, Payment, Responder, responder_for};
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};
use paygen_engine::clock::wall;
use paygen_engine::{Answer, Priority, Submission};

use super::answer::Bounds;
use super::call;
use super::judge::Sent;
use super::{Responders, Unsettled, body, skipped};

impl Responders {
    /// Asks about an increment, if that has to be: the built-in checks approve it, and a responder that wants to be asked
    /// about increments is responsible.
    pub async fn ask_about_increment(
        &self,
        client: ClientId,
        command: &IncrementAuthorization,
    ) -> Result<Option<AskedIncrement>, Unsettled> {
        let Some(responders) = self.0.known.of(client) else { return Ok(None) };
        if !responders.iter().any(|responder| responder.settings.increments == IncrementRule::Ask) {
            return Ok(None);
        }
        let found = self.0.parts.reader.get::<Authorization>(Key::of(client, command.id.0)).await?;
        let open = found.filter(|found| found.status == AuthorizationStatus::Approved);
        let Some(found) = open else { return Ok(None) };
        let Some(amount) = self.approvable(client, command, &found).await? else { return Ok(None) };
        let Some((card, account)) = found.card.zip(found.account) else { return Ok(None) };
        let (kind, category, currency) = (found.kind, &*found.merchant.category, found.currency);
        let Some(row) = self.0.parts.reader.get::<Card>(Key::of(client, card.0)).await? else { return Ok(None) };
        let program = row.program;
        let payment = Payment { card, account, program, kind, category, amount, currency };
        let asks = |responder: &&Responder| responder.settings.increments == IncrementRule::Ask;
        let Some(responder) = responder_for(&responders, &payment).filter(asks).cloned() else { return Ok(None) };
        let id = CallId(self.0.known.new_id(self.0.parts.clock.now()));
        let result = self.put(&responder, id, &found, (amount, command.partial_allowed)).await;
        self.note(&responder, result.outcome);
        metrics::counter!("paygen_responder_calls_total", "outcome" => result.outcome.as_str()).increment(1);
        Ok(Some(AskedIncrement { responder: responder.id, call: id, result }))
    }

    /// By how much the built-in checks would raise the approved amount; `None` if they decline.
    async fn approvable(
        &self,
        client: ClientId,
        command: &IncrementAuthorization,
        found: &Authorization,
    ) -> Result<Option<i64>, Unsettled> {
        let command = Command::IncrementAuthorization(Box::new(command.clone()));
        let request = Request::new(Context::system(client, ""), command);
        let submission = Submission { request, idempotency: None, dry_run: true };
        match self.0.parts.engine.submit(Priority::Network, submission).await? {
            Answer::Decided(Ok(Outcome::Authorization(view))) => {
                Ok(Some(view.approved_amount.minor() - found.approved).filter(|amount| *amount > 0))
            }
            _ => Ok(None),
        }
    }

    async fn put(
        &self,
        responder: &Responder,
        id: CallId,
        about: &Authorization,
        (approvable, partial_allowed): (i64, bool),
    ) -> CallResult {
        let _place = match call::place(self, responder) {
            Ok(place) => place,
            Err(why) => return skipped(why),
        };
        let deadline = wall().plus_micros(responder.timeout_ms.saturating_mul(1000));
        let sent = Sent {
            id,
            about: CalledAbout::Increment,
            authorization: Some(about.id),
            deadline,
            body: body::of_increment(id.to_string(), about, (approvable, partial_allowed), deadline),
            bounds: Some(Bounds { approvable, currency: about.currency, partial_allowed }),
        };
        call::send_in_time(self, responder, sent).await
    }
}
