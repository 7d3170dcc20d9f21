//! The metrics, on one page: every family with its help text, and the gauges that are read from the store on request.
//!
//! Labels take their values from closed lists, because each combination is kept in memory for as long as the process
//! runs.

use std::time::{Duration, Instant as Stopwatch};

use paygen_core::authorizations::AuthorizationStatus;
use paygen_core::responders::CallOutcome;
use paygen_core::transactions::TransactionType;
use paygen_core::{Command, Outcome};
use paygen_store::Reader;
use tokio::sync::Mutex;

use crate::clock::BusinessClock;
use crate::{Answer, Engine, Submission};

const AUTHORIZATIONS: &str = "paygen_authorizations_total";
const TRANSACTIONS: &str = "paygen_transactions_total";
const EXCEPTIONS: &str = "paygen_exceptions_open";
const HOLDS: &str = "paygen_holds";
const BACKLOG: &str = "paygen_webhook_backlog_deliveries";
const OLDEST: &str = "paygen_webhook_oldest_pending_seconds";
const STORE: &str = "paygen_store_bytes";
const BUILD: &str = "paygen_build_info";

/// Gauges are read from the store at most this often, however often the metrics are scraped.
const MAX_SAMPLE_AGE: Duration = Duration::from_secs(5);

/// A scrape waits at most this long for the store.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Describes every family and initializes the counters to zero, so that the first increment shows as a change.
pub fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("paygen_http_requests_total", "Requests by method (other for what is none), route and status.");
    describe_histogram!("paygen_http_request_seconds", "How long requests took, by method and route.");
    describe_gauge!("paygen_http_connections", "Open connections.");
    describe_counter!("paygen_http_connections_refused_total", "Connections refused, by reason.");
    describe_gauge!("paygen_engine_waiting_commands", "Commands that wait, by queue.");
    describe_histogram!("paygen_engine_batch_commands", "Commands in a commit.");
    describe_histogram!(
        "paygen_engine_batch_seconds",
        "How long batches took from their first command to their commit."
    );
    describe_counter!("paygen_engine_conflicts_total", "Commits that ran again because of another server.");
    describe_counter!("paygen_delivery_attempts_total", "Attempts to deliver to webhook endpoints, by outcome.");
    describe_counter!("paygen_responder_calls_total", "Questions to responders, by what they came to.");
    describe_counter!("paygen_event_reads_total", "How often events were read, for streams and for webhooks.");
    describe_counter!(AUTHORIZATIONS, "Authorizations decided, by outcome and by the reason of a decline.");
    describe_counter!(TRANSACTIONS, "Transactions posted, by type.");
    describe_gauge!(EXCEPTIONS, "Exceptions that nobody resolved yet.");
    describe_gauge!(HOLDS, "Authorizations that money is held for.");
    describe_gauge!(BACKLOG, "Events that webhook endpoints have not got yet, each endpoint's counted.");
    describe_gauge!(OLDEST, "How old the oldest of these is; 0 when there is none.");
    describe_gauge!(STORE, "Bytes of the database.");
    describe_gauge!(BUILD, "1, with the version that runs.");
    for outcome in ["approved", "partially_approved", "declined"] {
        metrics::counter!(AUTHORIZATIONS, "outcome" => outcome, "reason" => "none").increment(0);
    }
    for kind in TransactionType::ALL {
        metrics::counter!(TRANSACTIONS, "type" => kind.as_str()).increment(0);
    }
    for outcome in ["succeeded", "failed"] {
        metrics::counter!("paygen_delivery_attempts_total", "outcome" => outcome).increment(0);
    }
    for outcome in CallOutcome::ALL {
        metrics::counter!("paygen_responder_calls_total", "outcome" => outcome.as_str()).increment(0);
    }
    metrics::gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// Counts the outcome of a command that was carried out.
pub fn count(submission: &Submission, answer: &Answer) {
    let (Answer::Decided(Ok(outcome)) | Answer::Kept(Ok(outcome), _)) = answer else { return };
    if submission.dry_run {
        return;
    }
    match (&submission.request.command, outcome) {
        // One that a responder is asked about is counted once it is settled.
        (Command::Authorize(_), Outcome::Authorization(made))
            if made.status == AuthorizationStatus::Pending && made.responder.is_some() => {}
        (Command::SettleAuthorization(_), Outcome::Authorization(made))
            if made.responder.as_ref().is_some_and(|asked| asked.late) => {}
        (Command::Authorize(_) | Command::SettleAuthorization(_), Outcome::Authorization(made)) => {
            let outcome = match made.status {
                AuthorizationStatus::Declined => "declined",
                _ if made.partial => "partially_approved",
                _ => "approved",
            };
            let reason = made.reason.map_or("none", |reason| reason.as_str());
            metrics::counter!(AUTHORIZATIONS, "outcome" => outcome, "reason" => reason).increment(1);
        }
        (_, Outcome::Transaction(posted)) => {
            metrics::counter!(TRANSACTIONS, "type" => posted.kind).increment(1);
        }
        (_, Outcome::MaybeTransaction(posted)) => {
            if let Some(posted) = posted.as_ref() {
                metrics::counter!(TRANSACTIONS, "type" => posted.kind).increment(1);
            }
        }
        _ => {}
    }
}

/// When the gauges were last read from the store.
#[derive(Default)]
pub struct Sampled(Mutex<Option<Stopwatch>>);

/// Updates the gauges of the queues, and those of the store unless they are recent. A gauge that cannot be read keeps
/// its value.
pub async fn sample(sampled: &Sampled, engine: &Engine, reader: &Reader, clock: &BusinessClock) {
    for (priority, waiting) in ["network", "api", "background"].into_iter().zip(engine.waiting()) {
        metrics::gauge!("paygen_engine_waiting_commands", "queue" => priority).set(waiting as f64);
    }
    let mut last = sampled.0.lock().await;
    if last.is_some_and(|last| last.elapsed() < MAX_SAMPLE_AGE) {
        return;
    }
    *last = Some(Stopwatch::now());
    match tokio::time::timeout(SAMPLE_TIMEOUT, reader.figures()).await {
        Ok(Ok(figures)) => {
            let age = figures.webhook_oldest.map_or(0, |oldest| clock.now().micros() - oldest.micros());
            metrics::gauge!(EXCEPTIONS).set(figures.open_exceptions as f64);
            metrics::gauge!(HOLDS).set(figures.holds as f64);
            metrics::gauge!(BACKLOG).set(figures.webhook_backlog as f64);
            metrics::gauge!(OLDEST).set(age.max(0) as f64 / 1e6);
            metrics::gauge!(STORE).set(figures.size as f64);
        }
        Ok(Err(error)) => tracing::warn!(%error, "figures for the metrics cannot be read"),
        Err(_) => tracing::warn!("figures for the metrics took too long to be read"),
    }
}
