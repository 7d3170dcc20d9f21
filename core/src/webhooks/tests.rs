//! Endpoints and deliveries: one row per case.

use super::{
    ChangedCredentials, CreateWebhook, DeleteWebhook, Delivery, DeliveryResult, DeliveryStatus, DisabledReason,
    FAILING_SECONDS, Next, QueueDeliveries, Queued, RecordDeliveries, RecoverWebhook, RotateWebhookSecret,
    Subscriptions, TestWebhook, UpdateWebhook,
};
use crate::events::EventType;
use crate::fields::Echo;
use crate::ids::{EventId, Id, WebhookId};
use crate::record::Key;
use crate::testing::World;
use crate::{Command, Outcome};

fn id(byte: u8) -> Id {
    Id::from_bytes([byte; 12])
}

fn hook() -> WebhookId {
    WebhookId(id(7))
}

fn made() -> World {
    let mut world = World::new();
    let command = CreateWebhook {
        id: hook(),
        url: "https://example.com/".to_owned(),
        events: Subscriptions::All,
        description: None,
        enabled: true,
        credentials: b"sealed".to_vec(),
        has_token: false,
    };
    world.run(Command::CreateWebhook(Box::new(command))).expect("an endpoint");
    world
}

fn change(enabled: bool) -> Command {
    Command::UpdateWebhook(Box::new(UpdateWebhook {
        id: hook(),
        url: None,
        events: None,
        description: None,
        enabled: Some(enabled),
        credentials: None,
        echo: Echo::default(),
        if_match: None,
    }))
}

fn attempt(world: &World, event: u8, number: i64, has_row: bool, next: Next) -> DeliveryResult {
    DeliveryResult {
        event: EventId(id(event)),
        kind: "card.created".to_owned(),
        object_id: id(1),
        position: i64::from(event),
        has_row,
        attempt: number,
        status: Some(if next == Next::Done { 200 } else { 500 }),
        latency_ms: 3,
        excerpt: None,
        error: None,
        at: world.wall,
        next,
    }
}

fn record(world: &mut World, results: Vec<DeliveryResult>, cursor: Option<i64>) -> Result<Outcome, &'static str> {
    world.run(Command::RecordDeliveries(RecordDeliveries { id: hook(), results, parked: Vec::new(), cursor }))
}

fn row(world: &World, event: u8) -> Option<(DeliveryStatus, i64, bool)> {
    let key = Delivery::key_of(world.client, hook(), EventId(id(event)));
    world.work.deliveries.peek(key).map(|row| (row.status, row.attempts, row.next_attempt_at.is_some()))
}

fn progress(world: &World) -> &super::WebhookProgress {
    world.work.webhook_progress.peek(Key::of(world.client, hook().0)).expect("progress")
}

fn webhook(world: &World) -> &super::Webhook {
    world.work.webhooks.peek(Key::of(world.client, hook().0)).expect("the endpoint")
}

#[test]
fn words_become_subscriptions() {
    let cases = [
        (vec!["*"], Ok(vec!["*"])),
        (vec!["card.created", "*"], Ok(vec!["*"])),
        (vec!["card.created", "account.created", "card.created"], Ok(vec!["account.created", "card.created"])),
        (vec!["card.created", "card.*"], Err("card.*")),
    ];
    for (words, expected) in cases {
        assert_eq!(Subscriptions::from_words(words).map(|found| found.words()), expected);
    }
}

#[test]
fn a_delivery_leaves_a_row_only_while_something_is_left_to_do() {
    let mut world = made();
    let later = world.wall.plus_seconds(5);
    let done = attempt(&world, 1, 1, false, Next::Done);
    let retried = attempt(&world, 2, 1, false, Next::Retry(later));
    record(&mut world, vec![done, retried], Some(1)).expect("recorded");
    assert_eq!((row(&world, 1), row(&world, 2)), (None, Some((DeliveryStatus::Pending, 1, true))));
    assert!(progress(&world).failing_since.is_some());
    let early = attempt(&world, 2, 2, true, Next::Done);
    record(&mut world, vec![early], Some(1)).expect("recorded");
    assert_eq!(row(&world, 2), Some((DeliveryStatus::Pending, 1, true)), "erasure at a later time: still pending");
    world.wall = later;
    let done = attempt(&world, 2, 2, true, Next::Done);
    record(&mut world, vec![done], Some(2)).expect("recorded");
    assert_eq!(row(&world, 2), None);
    assert_eq!((progress(&world).cursor, progress(&world).failing_since), (Some(2), None));
    let given_up = attempt(&world, 3, 8, false, Next::GiveUp);
    record(&mut world, vec![given_up], Some(1)).expect("recorded");
    assert_eq!(row(&world, 3), Some((DeliveryStatus::Failed, 8, false)));
    assert_eq!(progress(&world).cursor, Some(2), "the cursor only moves on");
    let outcomes: Vec<(i64, bool)> =
        world.appended.attempts.iter().map(|a| (a.attempt, a.next_attempt_at.is_some())).collect();
    assert_eq!(outcomes, [(1, false), (1, true), (2, false), (2, false), (8, false)]);
}

#[test]
fn an_endpoint_that_is_gone_or_failing_is_disabled_with_an_event() {
    for (gone, expected) in [(true, DisabledReason::Gone), (false, DisabledReason::Failing)] {
        let mut world = made();
        let retry = Next::Retry(world.wall.plus_seconds(5));
        let mut first = attempt(&world, 1, 1, false, retry);
        if gone {
            first.status = Some(410);
        }
        record(&mut world, vec![first], None).expect("recorded");
        if !gone {
            assert!(webhook(&world).enabled);
            world.wall = world.wall.plus_seconds(FAILING_SECONDS - 1);
            let again = attempt(&world, 1, 2, true, retry);
            record(&mut world, vec![again.clone()], None).expect("recorded");
            assert!(webhook(&world).enabled, "one second short of five days");
            world.wall = world.wall.plus_seconds(1);
            record(&mut world, vec![again], None).expect("recorded");
        }
        assert_eq!((webhook(&world).enabled, webhook(&world).disabled_reason), (false, Some(expected)));
        let last = world.appended.events.last().expect("an event");
        assert_eq!((last.kind.as_str(), last.object_type.as_str()), ("webhook.disabled", "webhook"));
        let after = world.run(Command::TestWebhook(TestWebhook { id: hook() })).map(|_| ());
        assert_eq!(after, Err("webhook_disabled"));
    }
}

#[test]
fn an_endpoint_that_is_enabled_again_starts_afresh() {
    let mut world = made();
    record(&mut world, Vec::new(), Some(40)).expect("recorded");
    world.run(change(false)).expect("disabled");
    assert_eq!(webhook(&world).disabled_reason, Some(DisabledReason::Requested));
    assert_eq!(progress(&world).cursor, Some(40));
    world.wall = world.wall.plus_seconds(60);
    world.run(change(true)).expect("enabled");
    assert_eq!((progress(&world).cursor, progress(&world).since), (None, world.wall));
    assert_eq!((webhook(&world).disabled_reason, webhook(&world).version), (None, 3));
    world.run(change(true)).expect("as it is");
    assert_eq!(webhook(&world).version, 3, "nothing changed");
}

#[test]
fn a_test_is_for_its_endpoint_alone() {
    let mut world = made();
    let outcome = world.run(Command::TestWebhook(TestWebhook { id: hook() }));
    let event = world.appended.events.last().expect("an event").clone();
    assert!(matches!(outcome, Ok(Outcome::Id(id)) if id == event.id.0), "{outcome:?}");
    assert_eq!(event.kind, EventType::WebhookTest.as_str());
    let mut other = webhook(&world).clone();
    other.events = Subscriptions::Some(Vec::new());
    assert!(other.wants(&event), "whatever it asked for");
    other.id = WebhookId(id(8));
    other.events = Subscriptions::All;
    assert!(!other.wants(&event), "but no other");
}

#[test]
fn a_rotation_is_prepared_again_when_the_credentials_changed_meanwhile() {
    let mut world = made();
    let rotate = |before: &[u8], after: &[u8], overlap_seconds| {
        let credentials = ChangedCredentials { before: before.to_vec(), after: after.to_vec(), has_token: false };
        Command::RotateWebhookSecret(RotateWebhookSecret { id: hook(), credentials, overlap_seconds })
    };
    world.run(rotate(b"sealed", b"second", 60)).expect("rotated");
    assert_eq!(webhook(&world).previous_until, Some(world.wall.plus_seconds(60)));
    assert_eq!(world.run(rotate(b"sealed", b"third", 60)).map(|_| ()), Err("changed_meanwhile"));
    world.run(rotate(b"second", b"third", 0)).expect("rotated");
    assert_eq!((webhook(&world).credentials.as_slice(), webhook(&world).previous_until), (b"third".as_slice(), None));
}

#[test]
fn a_requeued_delivery_keeps_its_attempts_while_pending_and_restarts_after_giving_up() {
    let mut world = made();
    let retry = Next::Retry(world.wall.plus_seconds(3600));
    let (pending, failed) = (attempt(&world, 1, 4, false, retry), attempt(&world, 2, 8, false, Next::GiveUp));
    record(&mut world, vec![pending, failed], Some(2)).expect("recorded");
    let queued = |event: u8| Queued {
        event: EventId(id(event)),
        object_id: id(1),
        position: i64::from(event),
        at: Some(world.wall),
    };
    let events = vec![queued(1), queued(2)];
    world.run(Command::RecoverWebhook(RecoverWebhook { id: hook(), after: 0, to: 2 })).expect("begun");
    assert_eq!((progress(&world).recover_from, progress(&world).recover_to), (Some(0), Some(2)));
    let command = QueueDeliveries { id: hook(), events, recovered: Some(2) };
    world.run(Command::QueueDeliveries(command)).expect("queued");
    assert_eq!(row(&world, 1), Some((DeliveryStatus::Pending, 4, true)));
    assert_eq!(row(&world, 2), Some((DeliveryStatus::Pending, 0, true)));
    assert_eq!((progress(&world).recover_from, progress(&world).recover_to), (None, None), "it is over");
    world.run(Command::DeleteWebhook(DeleteWebhook { id: hook(), if_match: None })).expect("deleted");
    let late = attempt(&world, 1, 5, true, Next::Done);
    assert!(matches!(record(&mut world, vec![late], Some(3)), Ok(Outcome::Count(0))), "nothing is left to record");
    let keys = vec![Delivery::key_of(world.client, hook(), EventId(id(1)))];
    let purge = super::PurgeDeliveries { keys, attempts: Vec::new(), before: world.wall };
    assert!(matches!(world.run(Command::PurgeDeliveries(purge)), Ok(Outcome::Count(1))));
}
