//! Changes to the ledger made in the database directly are found: by references to missing lines, and by the saved ends
//! of its chains.

use serde_json::json;

use crate::backup::output_of;
use crate::on_both_stores;
use crate::operator::{refused, sql};
use crate::world::{Backend, Server, World};

async fn transfer(server: &Server, from: &str, to: &str, amount: i64) {
    let body = json!({"fromAccountId": from, "toAccountId": to, "amount": amount});
    server.post("/transfers", body).await.expect(201);
}

/// Removes the newest entry completely and moves every head back to the last remaining line. No hash has to be
/// computed.
const TAKE_OUT: &str = "
    CREATE TABLE gone AS SELECT client, id FROM ledger_entries ORDER BY at DESC, id DESC LIMIT 1;
    DELETE FROM ledger_lines WHERE entry IN (SELECT id FROM gone);
    DELETE FROM ledger_system_lines WHERE entry IN (SELECT id FROM gone);
    DELETE FROM ledger_entries WHERE id IN (SELECT id FROM gone);
    UPDATE balances SET (seq, hash, ledger, held, at) =
        (SELECT l.seq, l.hash, l.ledger_after, l.held_after, l.at FROM ledger_lines l
         WHERE l.client = balances.client AND l.account = balances.id ORDER BY l.seq DESC LIMIT 1)
        WHERE EXISTS (SELECT 1 FROM ledger_lines l WHERE l.client = balances.client AND l.account = balances.id);";

on_both_stores! {
    async fn what_was_taken_out_or_changed_is_found(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let (one, two) = (server.account("One", 1000).await, server.account("Two", 1).await);
        transfer(&server, &one, &two, 7).await;
        server.stop();
        let saved = world.dir.path().join("heads");
        let verify = || world.command("ledger verify");
        let first = output_of(verify().arg("--save").arg(&saved));
        let digest = first.lines().find_map(|line| line.split_once(" chains: ")).expect("a digest").1.trim().to_owned();
        assert!(std::fs::read_to_string(&saved).expect("the file").contains(&digest));
        refused(verify().arg("--save").arg(&saved), &["is there already"]);

        // Later lines change the digest, and the ledger still contains the saved ones.
        let mut server = world.start().await;
        transfer(&server, &one, &two, 3).await;
        server.stop();
        let since = || {
            let mut command = verify();
            command.arg("--since").arg(&saved);
            command
        };
        let later = output_of(since().args(["--digest", &digest]));
        assert!(later.contains(&format!("digest {digest}")) && !later.contains(&format!("chains: {digest}")), "{later}");
        refused(since().args(["--digest", &"0".repeat(64)]), &["it is another file"]);
        let forged = world.dir.path().join("forged");
        let text = std::fs::read_to_string(&saved).expect("the file");
        std::fs::write(&forged, text.replacen(" 2 ", " 1 ", 1)).expect("a file");
        refused(verify().arg("--since").arg(&forged), &["its digest is not that of its lines"]);

        // A transfer of another amount; one marked as reversed in part.
        sql(&world, "UPDATE transfers SET amount = amount + 1 WHERE amount = 700").await;
        refused(&mut verify(), &["it is of 701 minor units", "took 700 and gave 700"]);
        sql(&world, "UPDATE transfers SET amount = 700, reversed = 5 WHERE amount = 701").await;
        refused(&mut verify(), &["5 minor units were given back, its reversals have 0"]);
        sql(&world, "UPDATE transfers SET reversed = 0").await;
        output_of(&mut verify());

        // The newest entry: its references are removed one after another, until none is left.
        let second = world.dir.path().join("heads-2");
        output_of(verify().arg("--save").arg(&second));
        sql(&world, TAKE_OUT).await;
        refused(&mut verify(), &["it is of 300 minor units", "took 0 and gave 0", "which is not there"]);
        sql(&world, "DELETE FROM transfers WHERE entry IN (SELECT id FROM gone)").await;
        refused(&mut verify(), &["it names entry", "which is not there"]);
        sql(&world, "DELETE FROM events WHERE id IN (SELECT id FROM positioned_events
            WHERE position > (SELECT max(position) - 3 FROM positioned_events))").await;
        refused(&mut verify(), &["events were made of it, and the last that is there is number"]);
        sql(&world, "UPDATE balances SET event_seq = coalesce((SELECT max(e.sequence) FROM events e
            WHERE e.client = balances.client AND e.object_id = balances.id), 0)").await;
        output_of(&mut verify());
        output_of(&mut since());
        refused(verify().arg("--since").arg(&second), &["it was there before and is gone"]);

        // Events from the middle; a head; everything.
        sql(&world, "DELETE FROM events WHERE id IN (SELECT id FROM positioned_events WHERE position = 2)").await;
        refused(&mut verify(), &["1 of its events between the positions 1 and"]);
        sql(&world, "DELETE FROM ledger_lines; DELETE FROM ledger_system_lines; DELETE FROM ledger_entries").await;
        sql(&world, "DELETE FROM balances").await;
        let all = [format!("account {one} of client"), "it has no head".to_owned(), "took 0 and gave 0".to_owned()];
        refused(&mut verify(), &all.each_ref().map(String::as_str));
    }

    async fn what_is_held_is_what_authorizations_say_is_open(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let account = server.account("Funds", 1000).await;
        let form = crate::world::Form::default().text("name", "Alex Johnson");
        let form = form.text("person", r#"{"email": "a@example.com"}"#);
        let holder = server.request("POST", "/card-holders").form(form).send().await.expect(201).id();
        let mut body = crate::cards::a_card(&account, &holder);
        body["amount"] = json!(100);
        let card = server.post("/cards", body).await.expect(201).id();
        let pay = json!({"cardId": card, "amount": 20, "channel": "pos"});
        let paid = server.post("/simulator/authorizations", pay.clone()).await.expect(201);
        assert_eq!(paid.data()["status"], "approved", "{}", paid.text);
        let cleared = server.post("/simulator/authorizations", pay).await.expect(201).id();
        server.post(&format!("/simulator/authorizations/{cleared}/clear"), json!({})).await.expect(201);
        server.stop();
        output_of(&mut world.command("ledger verify"));
        sql(&world, "UPDATE authorizations SET open_amount = open_amount - 1 WHERE open_amount > 0").await;
        refused(&mut world.command("ledger verify"), &["1999 minor units of it are open, and 2000 are held"]);
        sql(&world, "UPDATE authorizations SET open_amount = open_amount + 1 WHERE open_amount > 0").await;
        sql(&world, "UPDATE transactions SET amount = amount - 1").await;
        refused(&mut world.command("ledger verify"), &["it is of -2001 minor units", "has 2000 of the network"]);
    }
}
