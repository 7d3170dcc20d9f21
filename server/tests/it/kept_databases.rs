//! Databases that an earlier schema wrote, kept under `tests/databases`: they open after migration, and answer as they
//! did then.
//!
//! Each has an account, two cards with limits, payments with an increment, a reversal, a clearing and a refund, and
//! `expected.json`, the answers of the server that wrote it. The SQLite file was left by a kill, so its newest rows are
//! in the log and in the journal only.

use std::process::Command;

use serde_json::{Map, Value};

use crate::backup::{clear, output_of, restore};
use crate::on_both_stores;
use crate::world::{Backend, World};

/// What a hold that has run out since changes, and what follows from the day on which it is read.
const CHANGES_WITH_TIME: [&str; 8] =
    ["status", "heldAmount", "heldBalance", "availableBalance", "timeline", "expiresAt", "version", "updatedAt"];

/// The objects by their order in the database, without what changes with time.
fn lasting(answer: &Value) -> Vec<Map<String, Value>> {
    let data = &answer["data"];
    let mut objects: Vec<Value> = data.as_array().cloned().unwrap_or_else(|| vec![data.clone()]);
    objects.sort_by_key(|object| (object["seq"].as_i64(), object["position"].as_i64(), object["_id"].to_string()));
    let plain = objects.into_iter().map(|object| object.as_object().cloned().expect("an object"));
    plain
        .map(|object| object.into_iter().filter(|(name, _)| !CHANGES_WITH_TIME.contains(&name.as_str())).collect())
        .collect()
}

on_both_stores! {
    async fn a_database_of_schema_5_answers_as_it_did(backend: Backend) {
        let world = World::new(backend).await;
        let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/databases/schema_5");
        let (archive, into) = match backend {
            Backend::Sqlite => ("sqlite.tar.gz", world.data_dir()),
            Backend::Postgres => ("postgres.tar.gz", world.dir.path().join("kept")),
        };
        std::fs::create_dir_all(&into).expect("a directory");
        let unpacked = Command::new("tar").arg("-xzf").arg(format!("{kept}/{archive}")).arg("-C").arg(&into).status();
        assert!(unpacked.expect("tar").success());
        if backend == Backend::Postgres {
            clear(&world).await;
            std::fs::create_dir_all(world.data_dir()).expect("a directory");
            let key = "sandbox-vault.key";
            std::fs::copy(into.join(key), world.data_dir().join(key)).expect("the key file");
            output_of(&mut restore(&world, &into.join("backup")));
        }
        let expected = std::fs::read_to_string(into.join("expected.json")).expect("the answers");
        let expected: Map<String, Value> = serde_json::from_str(&expected).expect("JSON");
        let server = world.start().await;
        // Limits depend on the day.
        for (path, then) in expected.iter().filter(|(path, _)| !path.ends_with("/limits")) {
            let (then, now) = (lasting(then), lasting(&server.get(path).await.expect(200).json()));
            assert!(!then.is_empty() && now.len() >= then.len(), "{path}: {} of {}", now.len(), then.len());
            for (then, now) in then.iter().zip(&now) {
                for (name, value) in then {
                    assert_eq!(now.get(name), Some(value), "{path}: {name} of {}", then["_id"]);
                }
            }
        }
        let proof = output_of(&mut world.command("ledger verify"));
        assert!(proof.contains("Every entry balances"), "{proof}");
        let replayed = output_of(&mut world.command("replay"));
        assert!(replayed.contains("comes to the same again"), "{replayed}");
    }
}
