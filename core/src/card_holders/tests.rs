//! Card holders: one row per rule.

use super::{
    CardHolder, CardHolderStatus, CreateCardHolder, Document, DocumentPart, EraseCardHolder, NewDocument,
    ReviewDocument, ReviewStatus, SealedPersonal, SearchHashes, UpdateCardHolder,
};
use crate::cards::{CreateCard, TerminateCard};
use crate::ids::{CardHolderId, CardId, ClientId, DocumentId, Id};
use crate::limits::{Interval, NewLimit, SpendingLimit};
use crate::record::Key;
use crate::testing::{NAME, SEALED, World, personal};
use crate::time::Instant;
use crate::{Command, Outcome};

type Done = Result<(), &'static str>;

/// Runs a command, returns its outcome, and checks the invariants.
fn run(world: &mut World, command: Command) -> Done {
    let done = world.run(command).map(|_| ());
    world.check();
    done
}

fn update(id: CardHolderId) -> UpdateCardHolder {
    UpdateCardHolder { id, ..UpdateCardHolder::default() }
}

fn updated(world: &mut World, command: UpdateCardHolder) -> Done {
    run(world, Command::UpdateCardHolder(Box::new(command)))
}

fn a_document(world: &mut World, part: DocumentPart) -> NewDocument {
    let id = DocumentId(world.work.new_id());
    NewDocument { id, part, file_type: "image/png", size: 9, content_hash: [4; 32] }
}

fn upload(world: &mut World, holder: CardHolderId, part: DocumentPart) -> DocumentId {
    let document = a_document(world, part);
    let id = document.id;
    assert_eq!(updated(world, UpdateCardHolder { documents: vec![document], ..update(holder) }), Ok(()));
    id
}

fn review(world: &mut World, card_holder: CardHolderId, id: DocumentId, status: ReviewStatus) -> Done {
    run(world, Command::ReviewDocument(ReviewDocument { card_holder, id, status, reason: None, if_match: None }))
}

fn document(world: &World, id: DocumentId) -> Option<&Document> {
    world.work.documents.peek(Key::of(world.client, id.0))
}

fn erasing(id: CardHolderId, documents: &[DocumentId], retention_seconds: i64) -> Command {
    Command::EraseCardHolder(EraseCardHolder { id, documents: documents.to_vec(), retention_seconds, if_match: None })
}

fn limit(since: Option<Instant>) -> NewLimit {
    let limit = SpendingLimit {
        amount: Some(5),
        max_count: None,
        interval: Interval::Daily,
        categories: Vec::new(),
        time_zone: "UTC".to_owned(),
        currency: Some("USD".to_owned()),
        since: 0,
    };
    NewLimit { limit, counting_since: since }
}

#[test]
fn enrolling() {
    use DocumentPart::{DocumentBack, DocumentMain, ProofOfAddress};
    type Change = Box<dyn Fn(&mut World, CreateCardHolder) -> CreateCardHolder>;
    type Case = (&'static str, Change, Done, Option<ReviewStatus>, Option<ReviewStatus>);
    let pending = Some(ReviewStatus::Pending);
    // The update, its result, and the review statuses of identity document and proof of address.
    let cases: Vec<Case> = vec![
        ("plain", Box::new(|_, c| c), Ok(()), None, None),
        ("blocked", Box::new(|_, c| CreateCardHolder { status: CardHolderStatus::Blocked, ..c }), Ok(()), None, None),
        (
            "document in words",
            Box::new(|_, c| CreateCardHolder {
                personal: SealedPersonal { has_document: true, ..c.personal.clone() },
                ..c
            }),
            Ok(()),
            pending,
            None,
        ),
        (
            "proof in words",
            Box::new(|_, c| CreateCardHolder {
                personal: SealedPersonal { has_proof: true, ..c.personal.clone() },
                ..c
            }),
            Ok(()),
            None,
            pending,
        ),
        (
            "files",
            Box::new(|w, c| {
                let documents = [DocumentMain, DocumentBack, ProofOfAddress].map(|part| a_document(w, part)).to_vec();
                CreateCardHolder { documents, ..c }
            }),
            Ok(()),
            pending,
            pending,
        ),
        ("limits", Box::new(|_, c| CreateCardHolder { limits: vec![limit(None)], ..c }), Ok(()), None, None),
        (
            "a limit that never was",
            Box::new(|_, c| CreateCardHolder { limits: vec![limit(Some(Instant::from_micros(1)))], ..c }),
            Err("read_only_field"),
            None,
            None,
        ),
    ];
    for (name, change, expected, document, proof) in cases {
        let mut world = World::new();
        let plain = world.a_new_holder();
        let command = change(&mut world, plain);
        let (id, status, documents) = (command.id, command.status, command.documents.len());
        assert_eq!(run(&mut world, Command::CreateCardHolder(Box::new(command))), expected, "{name}");
        if expected.is_ok() {
            let holder = world.holder_row(id);
            assert_eq!((holder.status, holder.version, holder.live_cards), (status, 1, 0), "{name}");
            assert_eq!((holder.document_status, holder.proof_status), (document, proof), "{name}");
            assert_eq!(holder.documents, i64::try_from(documents).expect("few"), "{name}");
            assert!(holder.limits.iter().all(|limit| limit.since == world.wall.micros()), "{name}");
            assert_eq!(world.events(id.0), ["card_holder.created"], "{name}");
        } else {
            assert_eq!(world.work.card_holders.peek(Key::of(world.client, id.0)), None, "{name}");
        }
    }
}

#[test]
fn changing() {
    type Change = Box<dyn Fn(UpdateCardHolder) -> UpdateCardHolder>;
    // The update, its result, and the version after it.
    let cases: Vec<(&str, Change, Done, i64)> = vec![
        ("nothing", Box::new(|u| u), Ok(()), 1),
        ("name", Box::new(|u| UpdateCardHolder { name: Some(format!("{NAME} II")), ..u }), Ok(()), 2),
        ("the same name", Box::new(|u| UpdateCardHolder { name: Some(NAME.to_owned()), ..u }), Ok(()), 1),
        ("status", Box::new(|u| UpdateCardHolder { status: Some(CardHolderStatus::Inactive), ..u }), Ok(()), 2),
        ("metadata", Box::new(|u| UpdateCardHolder { metadata: Some(Some(r#"{"a":1}"#.into())), ..u }), Ok(()), 2),
        ("empty metadata", Box::new(|u| UpdateCardHolder { metadata: Some(Some("{}".into())), ..u }), Ok(()), 1),
        ("personal", Box::new(|u| UpdateCardHolder { personal: Some(personal("second")), ..u }), Ok(()), 2),
        ("the same personal", Box::new(|u| UpdateCardHolder { personal: Some(personal("first")), ..u }), Ok(()), 1),
        ("limits", Box::new(|u| UpdateCardHolder { limits: Some(vec![limit(None)]), ..u }), Ok(()), 2),
        (
            "a limit that never was",
            Box::new(|u| UpdateCardHolder { limits: Some(vec![limit(Some(Instant::from_micros(1)))]), ..u }),
            Err("read_only_field"),
            1,
        ),
        (
            "stale",
            Box::new(|u| UpdateCardHolder { name: Some("B".into()), if_match: Some(2), ..u }),
            Err("version_mismatch"),
            1,
        ),
        (
            "merged with another version",
            Box::new(|u| UpdateCardHolder { personal: Some(personal("second")), based_on: Some(2), ..u }),
            Err("changed_meanwhile"),
            1,
        ),
        (
            "merged with this version",
            Box::new(|u| UpdateCardHolder { personal: Some(personal("second")), based_on: Some(1), ..u }),
            Ok(()),
            2,
        ),
    ];
    for (name, change, expected, version) in cases {
        let mut world = World::new();
        let id = world.holder();
        assert_eq!(updated(&mut world, change(update(id))), expected, "{name}");
        assert_eq!(world.holder_row(id).version, version, "{name}");
        assert_eq!(world.events(id.0).len(), usize::from(version > 1) + 1, "{name}");
    }
    let mut world = World::new();
    let id = world.holder();
    world.client = ClientId(Id::from_bytes([8; 12]));
    assert_eq!(updated(&mut world, update(id)), Err("card_holder_not_found"), "another client's");
}

#[test]
fn a_later_file_takes_the_place_of_the_one_before() {
    let mut world = World::new();
    let holder = world.holder();
    let first = upload(&mut world, holder, DocumentPart::DocumentMain);
    assert_eq!(review(&mut world, holder, first, ReviewStatus::Verified), Ok(()));
    assert_eq!(world.holder_row(holder).document_status, Some(ReviewStatus::Verified));
    let second = upload(&mut world, holder, DocumentPart::DocumentMain);
    assert_eq!(world.holder_row(holder).document_status, Some(ReviewStatus::Pending), "it must be reviewed again");
    let current = |world: &World, id| document(world, id).map(|document| document.current);
    assert_eq!((current(&world, first), current(&world, second)), (Some(false), Some(true)));
    assert_eq!(world.holder_row(holder).documents, 2);
    assert_eq!(review(&mut world, holder, first, ReviewStatus::Verified), Err("document_replaced"));
}

#[test]
fn of_two_files_for_a_part_in_one_call_the_last_one_stands() {
    let mut world = World::new();
    let holder = world.holder();
    let before = upload(&mut world, holder, DocumentPart::ProofOfAddress);
    let documents = [(); 2].map(|()| a_document(&mut world, DocumentPart::ProofOfAddress)).to_vec();
    let ids: Vec<DocumentId> = documents.iter().map(|document| document.id).collect();
    assert_eq!(updated(&mut world, UpdateCardHolder { documents, ..update(holder) }), Ok(()));
    let current = [before, ids[0], ids[1]].map(|id| document(&world, id).map(|document| document.current));
    assert_eq!(current, [Some(false), Some(false), Some(true)]);
    assert_eq!(world.holder_row(holder).documents, 3);
    assert_eq!(review(&mut world, holder, ids[0], ReviewStatus::Verified), Err("document_replaced"));
}

#[test]
fn reviewing() {
    use ReviewStatus::{Rejected, Verified};
    // The part and its review, in order; whether the card holder is then verified, and the last event.
    type Case = (&'static [(usize, ReviewStatus)], bool, &'static str);
    let cases: [Case; 6] = [
        (&[(0, Verified)], false, "card_holder.updated"),
        (&[(0, Verified), (2, Verified)], true, "card_holder.verified"),
        (&[(2, Verified), (1, Verified)], true, "card_holder.verified"),
        (&[(0, Verified), (2, Rejected)], false, "card_holder.rejected"),
        (&[(0, Verified), (2, Verified), (1, Rejected)], false, "card_holder.rejected"),
        (&[(0, Verified), (2, Verified), (2, Verified)], true, "card_holder.updated"),
    ];
    for (decisions, verified, emitted) in cases {
        let mut world = World::new();
        let holder = world.holder();
        let parts = [DocumentPart::DocumentMain, DocumentPart::DocumentBack, DocumentPart::ProofOfAddress];
        let ids = parts.map(|part| upload(&mut world, holder, part));
        for (part, status) in decisions {
            assert_eq!(review(&mut world, holder, ids[*part], *status), Ok(()), "{decisions:?}");
        }
        assert_eq!(world.holder_row(holder).is_verified(world.wall), verified, "{decisions:?}");
        assert_eq!(world.events(holder.0).last(), Some(&emitted), "{decisions:?}");
        let status = |id| document(&world, id).map(|document| document.status);
        assert_eq!(status(ids[0]), status(ids[1]), "{decisions:?}: both sides are one document");
    }
    let mut world = World::new();
    let (holder, other) = (world.holder(), world.holder());
    let id = upload(&mut world, holder, DocumentPart::DocumentMain);
    assert_eq!(review(&mut world, other, id, Verified), Err("document_not_found"), "of another card holder");
    let nobody = CardHolderId(world.work.new_id());
    assert_eq!(review(&mut world, nobody, id, Verified), Err("card_holder_not_found"));
    let stale = ReviewDocument { card_holder: holder, id, status: Verified, reason: None, if_match: Some(9) };
    assert_eq!(run(&mut world, Command::ReviewDocument(stale)), Err("version_mismatch"));
}

#[test]
fn a_review_holds_until_the_document_expires_or_says_something_else() {
    let mut world = World::new();
    let mut command = world.a_new_holder();
    let until = world.wall.plus_seconds(1000);
    command.personal.document_expires = Some(until);
    let holder = command.id;
    assert_eq!(run(&mut world, Command::CreateCardHolder(Box::new(command))), Ok(()));
    for part in [DocumentPart::DocumentMain, DocumentPart::ProofOfAddress] {
        let id = upload(&mut world, holder, part);
        assert_eq!(review(&mut world, holder, id, ReviewStatus::Verified), Ok(()));
    }
    let account = world.account(1);
    let issue = |world: &mut World| {
        let command = CreateCard { verified_only: true, ..world.a_new_card(account, holder) };
        run(world, Command::CreateCard(Box::new(command)))
    };
    assert_eq!(issue(&mut world), Ok(()));
    world.wall = until.plus_micros(-1);
    assert_eq!(issue(&mut world), Ok(()));
    world.wall = until;
    assert_eq!(world.holder_row(holder).document_review(world.wall), Some(ReviewStatus::Expired));
    assert_eq!(issue(&mut world), Err("card_holder_unverified"));

    let renewed = SealedPersonal { document_expires: None, has_document: true, ..personal("renewed") };
    let change = UpdateCardHolder { personal: Some(renewed), document_changed: true, ..update(holder) };
    assert_eq!(updated(&mut world, change), Ok(()));
    assert_eq!(world.holder_row(holder).document_status, Some(ReviewStatus::Pending));
    assert_eq!(world.holder_row(holder).proof_status, Some(ReviewStatus::Verified), "that stays as it was");
    let said = SealedPersonal { has_proof: true, ..personal("moved") };
    let moved = UpdateCardHolder { personal: Some(said), proof_changed: true, ..update(holder) };
    assert_eq!(updated(&mut world, moved), Ok(()));
    assert_eq!(world.holder_row(holder).proof_status, Some(ReviewStatus::Pending));
    let cleared = UpdateCardHolder { personal: Some(personal("cleared")), proof_changed: true, ..update(holder) };
    assert_eq!(updated(&mut world, cleared), Ok(()));
    assert_eq!(world.holder_row(holder).proof_status, None, "nothing is left to be reviewed");
}

#[test]
fn erasing_leaves_nothing_personal() {
    let mut world = World::new();
    let mut command = world.a_new_holder();
    command.metadata = Some(format!(r#"{{"name":"{NAME}"}}"#));
    let holder = command.id;
    assert_eq!(run(&mut world, Command::CreateCardHolder(Box::new(command))), Ok(()));
    let ids = [DocumentPart::DocumentMain, DocumentPart::DocumentMain, DocumentPart::ProofOfAddress]
        .map(|part| upload(&mut world, holder, part));
    let account = world.account(10);
    let card = world.card(account, holder, 10);

    assert_eq!(run(&mut world, erasing(holder, &ids, 0)), Err("card_holder_in_use"));
    world.wall = world.wall.plus_seconds(50);
    let end = |id: CardId| Command::TerminateCard(TerminateCard { id, if_match: None });
    assert_eq!(run(&mut world, end(card)), Ok(()));
    assert_eq!(world.holder_row(holder).retain_from, world.wall, "from the cancellation of the last card on");
    world.wall = world.wall.plus_seconds(99);
    assert_eq!(run(&mut world, erasing(holder, &ids, 100)), Err("retention_not_over"));
    world.wall = world.wall.plus_seconds(1);
    let stale = EraseCardHolder { id: holder, documents: ids.to_vec(), retention_seconds: 100, if_match: Some(1) };
    assert_eq!(run(&mut world, Command::EraseCardHolder(stale)), Err("version_mismatch"));
    for (name, some) in [
        ("some are left out", vec![ids[0], ids[1]]),
        ("one stands twice", vec![ids[0], ids[1], ids[1]]),
        ("one is unknown", vec![ids[0], ids[1], DocumentId(Id::from_bytes([5; 12]))]),
    ] {
        assert_eq!(run(&mut world, erasing(holder, &some, 100)), Err("changed_meanwhile"), "{name}");
    }
    assert!(ids.iter().all(|id| document(&world, *id).is_some()), "no attempt reached it");

    assert_eq!(run(&mut world, erasing(holder, &ids, 100)), Ok(()));
    let row = world.holder_row(holder).clone();
    let erased = CardHolder {
        name: String::new(),
        status: CardHolderStatus::Blocked,
        key: None,
        personal: None,
        hashes: SearchHashes::default(),
        metadata: None,
        documents: 0,
        erased_at: Some(world.wall),
        ..row.clone()
    };
    assert_eq!(row, erased);
    assert!(!format!("{row:?}").contains(NAME) && !format!("{row:?}").contains(SEALED));
    assert!(ids.iter().all(|id| document(&world, *id).is_none()), "the documents are gone");
    assert_eq!(world.events(holder.0).last(), Some(&"card_holder.erased"));

    let events = world.appended.events.len();
    assert_eq!(run(&mut world, erasing(holder, &[], 100)), Ok(()), "once more changes nothing");
    assert_eq!(world.appended.events.len(), events);
    assert_eq!(
        updated(&mut world, UpdateCardHolder { name: Some("B".into()), ..update(holder) }),
        Err("card_holder_erased")
    );
    assert_eq!(review(&mut world, holder, ids[0], ReviewStatus::Verified), Err("card_holder_erased"));
    let another = world.a_new_card(account, holder);
    assert_eq!(run(&mut world, Command::CreateCard(Box::new(another))), Err("card_holder_inactive"));
}

#[test]
fn erasing_one_who_never_had_a_card() {
    let mut world = World::new();
    let holder = world.holder();
    assert_eq!(run(&mut world, erasing(holder, &[], 100)), Err("retention_not_over"));
    world.wall = world.wall.plus_seconds(100);
    world.client = ClientId(Id::from_bytes([8; 12]));
    assert_eq!(run(&mut world, erasing(holder, &[], 100)), Err("card_holder_not_found"), "another client's");
    world.client = World::new().client;
    match world.run(erasing(holder, &[], 100)) {
        Ok(Outcome::CardHolder(erased)) => assert_eq!(erased.event_seq, world.holder_row(holder).event_seq),
        other => panic!("{other:?}"),
    }
}
