//! Card holders and their documents.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::on_both_stores;
use crate::world::{Backend, Form, Reply, Server, World};

const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f, 0x15, 0xc4, 0x89, 0x00, 0x00, 0x00, 0x0b, 0x49,
    0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0x00, 0x02, 0x00, 0x00, 0x05, 0x00, 0x01, 0x7a, 0x5e, 0xab, 0x3f, 0x00,
    0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];
const PDF: &[u8] = b"%PDF-1.4\nxref\ntrailer\nstartxref\n9\n%%EOF\n";
const PERSON: &str = r#"{"firstName": "Alex", "lastName": "Johnson", "dateOfBirth": "1990-04-12",
    "email": "alex.johnson@example.com", "nationality": "US", "gender": "m", "phoneNumber": "+12125550198"}"#;
const ADDRESS: &str = r#"{"line1": "210 West 77th Street", "city": "New York", "state": "New York",
    "postalCode": "10024", "countryCode": "US"}"#;

fn guide() -> Form {
    Form::default().text("name", "Alex Johnson").text("person", PERSON).text("address", ADDRESS)
}

/// A picture of about this size: a PNG with an ancillary chunk.
fn picture(size: usize) -> Vec<u8> {
    let data = vec![b'x'; size];
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(b"teXt");
    hasher.update(&data);
    let length = u32::try_from(size).expect("a length").to_be_bytes();
    let chunk = [&length, b"teXt".as_slice(), &data, &hasher.finalize().to_be_bytes()].concat();
    [&PNG[..33], &chunk, &PNG[33..]].concat()
}

async fn send(server: &Server, path: &str, form: Form) -> Reply {
    server.request("POST", path).form(form).send().await
}

async fn enrol(server: &Server, name: &str, email: &str) -> String {
    server.post("/card-holders", json!({"name": name, "person": {"email": email}})).await.expect(201).id()
}

fn files_in(directory: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    let count = |entry: std::fs::DirEntry| if entry.path().is_dir() { files_in(&entry.path()) } else { 1 };
    entries.flatten().map(count).sum()
}

/// Waits until an area of the document store has this many files.
async fn expect_files(world: &World, area: &str, count: usize) {
    let directory = world.data_dir().join("documents").join(area);
    for _ in 0..100 {
        if files_in(&directory) == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} files are in {area}, not {count}", files_in(&directory));
}

async fn total(server: &Server, filter: &str) -> Value {
    server.get(&format!("/card-holders?filter={filter}")).await.expect(200).json()["meta"]["total"].clone()
}

on_both_stores! {
    async fn the_published_forms_work_unchanged(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let form = guide()
            .file("documentMain", "image/png", PNG)
            .file("documentBack", "application/octet-stream", PNG)
            .file("proofOfAddress", "application/pdf", PDF);
        let created = send(&server, "/card-holders", form).await.expect(201);
        assert_eq!(created.json()["message"], "Card holder created successfully.");
        let holder = created.data();
        assert_eq!(holder["name"], "Alex Johnson");
        assert_eq!(holder["person"], serde_json::from_str::<Value>(PERSON).expect("JSON"));
        assert_eq!(holder["address"], serde_json::from_str::<Value>(ADDRESS).expect("JSON"));
        let document = &holder["identification"]["document"];
        assert_eq!((&document["verificationStatus"], &document["meta"]["fileType"]), (&json!("pending"), &json!("image/png")));
        assert_eq!(holder["identification"]["proofOfAddress"]["meta"]["fileType"], "application/pdf");
        expect_files(&world, "documents", 3).await;
        expect_files(&world, "staging", 0).await;

        let path = format!("/card-holders/{}", created.id());
        let fetched = server.get(&path).await.expect(200);
        assert_eq!(fetched.json()["message"], "Card holder fetched successfully.");
        assert_eq!(fetched.data(), holder);

        let quickstart = [
            ("firstName", "Ada"), ("lastName", "Obi"), ("email", "ada@example.com"), ("phoneNumber", "+2348012345678"),
            ("addressLine1", "1 Marina"), ("city", "Lagos"), ("state", "Lagos"), ("postalCode", "100001"), ("country", "NG"),
        ];
        let form = quickstart.into_iter().fold(Form::default(), |form, (name, value)| form.text(name, value));
        let flat = send(&server, "/card-holders", form).await.expect(201).data();
        assert_eq!((&flat["name"], &flat["address"]["countryCode"]), (&json!("Ada Obi"), &json!("NG")));
        assert_eq!(flat["person"]["phoneNumber"], "+2348012345678");

        let upload = Form::default()
            .text("document", r#"{"type": "international_passport", "number": "***9884"}"#)
            .text("proofOfAddress", r#"{"type": "utility_bill", "documentId": "45701434313"}"#)
            .file("documentMain", "image/png", PNG)
            .file("proof_of_address", "application/pdf", PDF);
        let uploaded = send(&server, &format!("{path}/documents"), upload).await.expect(200);
        assert_eq!(uploaded.json()["message"], "Card holder documents uploaded successfully.");
        assert_eq!(uploaded.data()["identification"]["document"]["number"], "***9884");
        assert_eq!(server.get(&format!("{path}/documents")).await.json()["meta"]["total"], 5);
    }

    async fn changes_merge_and_null_clears(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let created = send(&server, "/card-holders", guide()).await.expect(201);
        let path = format!("/card-holders/{}", created.id());
        let echoed = server.put(&path, created.data()).await.expect(200);
        assert_eq!(echoed.data()["version"], 1, "what is written back as it was read changes nothing");
        let body = json!({"person": {"email": "new@example.com", "gender": null}, "address": null,
            "identification": {"document": {"type": "passport", "number": "P1", "issueDate": "2020-01-01", "expiryDate": "2099-01-01"}},
            "metadata": {"tier": "gold"}, "spendingLimits": [{"amount": 12.5, "interval": "monthly", "currency": "NGN"}]});
        let changed = server.put(&path, body).await.expect(200);
        assert_eq!(changed.json()["message"], "Card holder updated successfully.");
        let data = changed.data();
        assert_eq!((&data["person"]["email"], &data["person"]["gender"]), (&json!("new@example.com"), &Value::Null));
        assert_eq!((&data["person"]["firstName"], &data["address"]["city"]), (&json!("Alex"), &Value::Null));
        assert_eq!(data["identification"]["document"]["verificationStatus"], "pending");
        assert_eq!((&data["metadata"]["tier"], &data["spendingLimits"][0]["amount"]), (&json!("gold"), &json!(12.5)));
        assert_eq!(server.put(&path, data.clone()).await.expect(200).data()["version"], 2);

        let wrong: &[(Value, &[&str])] = &[
            (json!({"person": {"email": null, "phoneNumber": null}}), &["/person/email"]),
            (json!({"name": null}), &["/name"]),
            (json!({"identification": {"document": {"verificationStatus": "verified"}}}),
                &["/identification/document/verificationStatus"]),
            (json!({"version": 9, "requirements": []}), &["/requirements", "/version"]),
            (json!({"nmae": "x", "person": {"frstName": "x"}}), &["/nmae", "/person/frstName"]),
            (json!({"identification": {"document": {"expiryDate": "2019-01-01"}}}), &["/identification/document/expiryDate"]),
        ];
        for (body, pointers) in wrong {
            assert_eq!(server.put(&path, body.clone()).await.expect(400).pointers(), *pointers, "{body}");
        }
        let read_only = server.put(&path, json!({"_id": "665f1c4f4a4f4a4f4a4f4a4f"})).await.expect(400);
        assert_eq!(read_only.code(), "read_only_field");
        let stale = server.request("PUT", &path).header("If-Match", "\"1\"").json(json!({"name": "x"})).send().await;
        assert_eq!(stale.expect(412).code(), "version_mismatch");
        let blocked = server.delete(&path).await.expect(200);
        assert_eq!(blocked.json()["message"], "Card holder blocked successfully.");
        assert_eq!(blocked.data()["status"], "blocked");
        let dry = server.post("/card-holders?dryRun=true", json!({"name": "N", "person": {"email": "n@x.co"}})).await;
        dry.expect(201);
        assert_eq!(server.get("/card-holders").await.json()["meta"]["total"], 1);
    }

    async fn sealed_fields_are_found_by_equality(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        send(&server, "/card-holders", guide()).await.expect(201);
        enrol(&server, "Bea", "bea@example.com").await;
        let cases = [
            ("email=ALEX.johnson@example.com", 1), ("person.email=bea@example.com", 1), ("email=nobody@example.com", 0),
            ("person.email.in=bea@example.com,alex.johnson@example.com", 2), ("email.ne=bea@example.com", 1),
            ("phoneNumber=%2B12125550198", 1), ("phoneNumber=+12125550198", 1), ("phoneNumber.exists=false", 1),
            ("person.dateOfBirth=1990-04-12", 1), ("identification.document.number.exists=true", 0),
            ("%7B%22person.email%22%3A%22bea@example.com%22%7D", 1), ("status=active", 2), ("name=Bea", 1),
        ];
        for (filter, expected) in cases {
            assert_eq!(total(&server, filter).await, expected, "{filter}");
        }
        for query in ["filter=email.gt=a", "filter=dateOfBirth.between=1990-01-01|1991-01-01", "sort=email", "search=x&searchIn=email", "search=bea@&searchIn=emailAddress,person.email"] {
            server.get(&format!("/card-holders?{query}")).await.expect(400);
        }
        let found = server.get("/card-holders?search=bea&fields=name").await.expect(200).json();
        assert_eq!(found["data"][0]["name"], "Bea");
    }

    async fn documents_are_reviewed_and_downloaded(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let large = picture(3_000_000);
        let form = guide().file("documentMain", "image/png", &large).file("proofOfAddress", "application/pdf", PDF);
        let id = send(&server, "/card-holders", form).await.expect(201).id();
        let path = format!("/card-holders/{id}/documents");
        let documents = server.get(&path).await.expect(200).data().as_array().cloned().expect("documents");
        assert_eq!(documents.len(), 2);
        for document in &documents {
            let url = format!("{}{}", server.url, document["url"].as_str().expect("a URL"));
            let file = server.http.get(&url).header("x-api-key", &server.key).send().await.expect("an answer");
            let header = |name: &str| file.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
            assert_eq!(header("content-type"), document["fileType"].as_str().expect("a type"));
            assert!(header("content-disposition").starts_with("attachment; filename="), "{}", header("content-disposition"));
            assert_eq!((header("x-content-type-options"), header("cache-control")), ("nosniff".into(), "no-store".into()));
            let expected = if document["part"] == "documentMain" { large.as_slice() } else { PDF };
            assert!(file.bytes().await.expect("the file") == expected, "it is what was uploaded");
            let review = format!("{path}/{}/review", document["_id"].as_str().expect("an id"));
            assert_eq!(server.post(&review, json!({"status": "expired"})).await.expect(400).pointers(), ["/status"]);
            let reviewed = server.post(&review, json!({"status": "verified", "reason": "fine"})).await.expect(200);
            assert_eq!(reviewed.data()["status"], "verified");
        }
        let holder = server.get(&format!("/card-holders/{id}")).await.data();
        assert_eq!(holder["requirements"], json!([]));
        // On PostgreSQL events are listed a moment after the commit, once they have positions.
        let mut events = Value::Null;
        for _ in 0..100 {
            events = server.get("/events?filter=type=card_holder.verified").await.expect(200).json();
            if events["meta"]["total"] == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(events["meta"]["total"], 1, "{events}");
        assert!(!events.to_string().contains("Alex"), "events tell nothing personal");
        let again = Form::default().file("documentMain", "image/png", PNG);
        let data = send(&server, &path, again).await.expect(200).data();
        assert_eq!(data["identification"]["document"]["verificationStatus"], "pending", "a new file waits for a review");
        let replaced = documents.iter().find(|document| document["part"] == "documentMain").expect("the main side");
        let review = format!("{path}/{}/review", replaced["_id"].as_str().expect("an id"));
        assert_eq!(server.post(&review, json!({"status": "verified"})).await.expect(409).code(), "document_replaced");
        // Sealed content does not appear in clear.
        let kept = std::fs::read_dir(world.data_dir().join("documents/documents")).expect("documents").count();
        assert!(kept > 0);
    }

    async fn erasing_leaves_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let make = || {
            let form = guide().file("documentMain", "image/png", PNG);
            server.request("POST", "/card-holders").header("Idempotency-Key", "enrol-1").form(form).send()
        };
        let created = make().await.expect(201);
        let again = make().await.expect(201);
        assert_eq!((again.text.as_str(), again.header("idempotent-replayed")), (created.text.as_str(), Some("true")));
        expect_files(&world, "documents", 1).await;
        expect_files(&world, "staging", 0).await;
        let path = format!("/card-holders/{}", created.id());
        let other = server.request("POST", "/card-holders").header("Idempotency-Key", "enrol-1");
        let other = other.form(guide().file("documentMain", "image/png", &picture(10))).send().await;
        assert_eq!(other.expect(409).code(), "idempotency_key_reused");

        let erased = server.delete(&format!("{path}?erase=true")).await.expect(200);
        assert_eq!(erased.json()["message"], "Card holder erased successfully.");
        let holder = server.get(&path).await.expect(200).data();
        assert_eq!((&holder["name"], &holder["person"]["email"]), (&json!(""), &Value::Null));
        assert!(holder["erasedAt"].is_string());
        assert_eq!(make().await.expect(409).code(), "card_holder_erased", "the kept answer went with the key");
        expect_files(&world, "documents", 0).await;
        expect_files(&world, "staging", 0).await;
        assert_eq!(server.get(&format!("{path}/documents")).await.json()["meta"]["total"], 0);
        assert_eq!(total(&server, "email=alex.johnson@example.com").await, 0);
        server.put(&path, json!({"name": "Back"})).await.expect(409);
        server.delete(&format!("{path}?erase=true")).await.expect(200);
    }

    async fn bad_forms_are_refused_clearly_and_leave_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let flipped: Vec<u8> = PNG.iter().enumerate().map(|(at, byte)| if at == 20 { byte ^ 1 } else { *byte }).collect();
        let cases: Vec<(&str, Form, u16, &str, &[&str])> = vec![
            ("words", guide().file("documentMain", "image/png", b"not a picture at all"), 400, "file_invalid", &["/documentMain"]),
            ("cut off", guide().file("documentMain", "image/png", &PNG[..60]), 400, "file_invalid", &["/documentMain"]),
            ("changed", guide().file("documentBack", "image/png", &flipped), 400, "file_invalid", &["/documentBack"]),
            ("empty", guide().file("proofOfAddress", "application/pdf", b""), 400, "file_invalid", &["/proofOfAddress"]),
            ("another type", guide().file("documentMain", "image/jpeg", PNG), 400, "file_invalid", &["/documentMain"]),
            ("one good, one bad", guide().file("documentMain", "image/png", PNG).file("documentBack", "image/png", b"x"),
                400, "file_invalid", &["/documentBack"]),
            ("too large", guide().file("documentMain", "image/png", &picture(12 << 20)), 413, "file_too_large", &["/documentMain"]),
            ("twice", guide().file("documentMain", "image/png", PNG).file("documentMain", "image/png", PNG), 400,
                "validation_failed", &["/documentMain"]),
            ("no JSON", Form::default().text("name", "A").text("person", "{email}"), 400, "validation_failed",
                &["/person", "/person/email"]),
            ("no object", Form::default().text("name", "A").text("person", "[1]"), 400, "validation_failed", &["/person"]),
            ("nobody", Form::default().text("meta", "{}").file("documentMain", "image/png", PNG), 400, "validation_failed",
                &["/name", "/person/email"]),
            ("contradiction", guide().text("email", "other@example.com"), 400, "validation_failed", &["/email", "/person/email"]),
            ("unknown", guide().text("frstName", "x"), 400, "validation_failed", &["/frstName"]),
            ("many faults", Form::default().text("name", "A").text("person",
                r#"{"email": "x", "phoneNumber": "1", "dateOfBirth": "1990-13-01", "gender": "q", "nationality": "ZZ"}"#), 400,
                "validation_failed",
                &["/person/email", "/person/phoneNumber", "/person/dateOfBirth", "/person/gender", "/person/nationality"]),
            ("born tomorrow", Form::default().text("name", "A").text("person", r#"{"email": "a@b.co", "dateOfBirth": "2999-01-01"}"#),
                400, "validation_failed", &["/person/dateOfBirth"]),
            ("many parts", (0..5000).fold(guide(), |form, at| form.text(&format!("f{at}"), "x")), 400, "too_many_parts", &[]),
            ("long text", guide().text("metadata", &"x".repeat(70_000)), 400, "validation_failed", &["/metadata"]),
        ];
        for (what, form, status, code, pointers) in cases {
            let reply = send(&server, "/card-holders", form).await;
            assert_eq!((reply.status, reply.code().as_str()), (status, code), "{what}: {}", reply.text);
            assert_eq!(reply.pointers(), pointers, "{what}: {}", reply.text);
        }
        let unfinished = server.request("POST", "/card-holders").header("content-type", "multipart/form-data");
        unfinished.send().await.expect(400);
        send(&server, "/card-holders?dryRun=true", guide()).await.expect(400);
        expect_files(&world, "staging", 0).await;
        expect_files(&world, "documents", 0).await;
        assert_eq!(server.get("/card-holders").await.json()["meta"]["total"], 0);

        let id = enrol(&server, "Bea", "bea@example.com").await;
        let path = format!("/card-holders/{id}/documents");
        send(&server, &path, Form::default()).await.expect(400);
        let twice = Form::default().text("document", r#"{"number": "1"}"#)
            .text("identification", r#"{"document": {"number": "2"}}"#);
        assert_eq!(send(&server, &path, twice).await.expect(400).pointers(), ["/document", "/identification/document"]);
        server.get(&format!("{path}/665f1c4f4a4f4a4f4a4f4a4f")).await.expect(404);
        let nobody = "/card-holders/665f1c4f4a4f4a4f4a4f4a4f";
        server.get(nobody).await.expect(404);
        server.put(nobody, json!({"name": "x"})).await.expect(404);
        server.delete(nobody).await.expect(404);
        server.delete(&format!("{nobody}?erase=true")).await.expect(404);
        send(&server, &format!("{nobody}/documents"), Form::default().file("documentMain", "image/png", PNG)).await.expect(404);
        expect_files(&world, "staging", 0).await;
    }

    async fn what_a_killed_process_left_in_staging_is_swept(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let form = guide().file("documentMain", "image/png", PNG);
        let holder = send(&server, "/card-holders", form).await.expect(201).id();
        expect_files(&world, "documents", 1).await;
        let list = format!("/card-holders/{holder}/documents");
        let url = server.get(&list).await.expect(200).data()[0]["url"].as_str().expect("a URL").to_owned();
        server.kill();

        // As if the process had been killed right after the commit, and another one during an upload.
        let documents = world.data_dir().join("documents");
        let mut settled = documents.join("documents");
        while settled.is_dir() {
            settled = std::fs::read_dir(&settled).expect("a directory").next().expect("an entry").expect("an entry").path();
        }
        let place = settled.strip_prefix(documents.join("documents")).expect("below");
        let staged = documents.join("staging").join(place);
        std::fs::create_dir_all(staged.parent().expect("a directory")).expect("a directory");
        std::fs::rename(&settled, &staged).expect("moved");
        let orphan = staged.with_file_name("665f1c4f4a4f4a4f4a4f4a4f");
        let young = staged.with_file_name("665f1c4f4a4f4a4f4a4f4a50");
        std::fs::copy(&staged, &orphan).expect("copied");
        std::fs::copy(&staged, &young).expect("copied");
        let two_hours_ago = std::time::SystemTime::now() - Duration::from_secs(7200);
        for file in [&staged, &orphan] {
            let file = std::fs::File::options().write(true).open(file).expect("a file");
            file.set_modified(two_hours_ago).expect("older");
        }

        let server = world.start().await;
        expect_files(&world, "staging", 1).await;
        expect_files(&world, "documents", 1).await;
        assert!(young.is_file() && settled.is_file(), "what may still be written stays, what was taken in is in its place");
        let file = server.http.get(format!("{}{url}", server.url)).header("x-api-key", &server.key).send().await;
        assert!(file.expect("an answer").bytes().await.expect("the file") == PNG);
    }

    async fn a_bound_token_sees_one_card_holder(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let (mine, other) = (enrol(&server, "Mine", "m@x.co").await, enrol(&server, "Other", "o@x.co").await);
        let body = json!({"cardHolderId": mine, "scopes": ["card-holders:read", "card-holders:write"]});
        let token = server.post("/auth/tokens", body).await.expect(201).data()["token"].as_str().expect("a token").to_owned();
        server.key = String::new();
        let url = server.url.clone();
        let call = |method: &str, path: &str, body: Option<Value>| {
            let request = server.http.request(method.parse().expect("a method"), format!("{url}{path}")).bearer_auth(&token);
            let request = body.map(|body| body.to_string()).into_iter()
                .fold(request, |request, body| request.header("content-type", "application/json").body(body));
            async move { let reply = request.send().await.expect("an answer"); (reply.status().as_u16(), reply.text().await.expect("text")) }
        };
        let list: Value = serde_json::from_str(&call("GET", "/card-holders", None).await.1).expect("JSON");
        assert_eq!((&list["meta"]["total"], &list["data"][0]["name"]), (&json!(1), &json!("Mine")));
        let (mine, other) = (format!("/card-holders/{mine}"), format!("/card-holders/{other}"));
        let new = json!({"name": "N", "person": {"email": "n@x.co"}});
        let cases = [
            ("GET", mine.as_str(), None, 200), ("GET", &other, None, 404),
            ("PUT", &mine, Some(json!({"meta": {"fundingSource": "salary"}})), 200),
            ("PUT", &other, Some(json!({"name": "x"})), 404),
            ("PUT", &mine, Some(json!({"status": "blocked"})), 403), ("DELETE", &mine, None, 403),
            ("POST", "/card-holders", Some(new), 403),
        ];
        for (method, path, body, status) in cases {
            let (answered, text) = call(method, path, body).await;
            assert_eq!(answered, status, "{method} {path}: {text}");
        }
    }
}
