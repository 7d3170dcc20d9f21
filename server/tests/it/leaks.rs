//! After a busy run, secrets are nowhere: not in a file of the data directory, a table, a log, an event, an audit
//! entry, a metric, or an answer other than the one that reveals them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cards::a_card;
use crate::on_both_stores;
use crate::world::{Backend, Form, KEY, Reply, Server, World};

/// The needles searched for, each with a description.
#[derive(Default)]
pub struct Needles {
    of: Vec<(String, Vec<u8>)>,
}

impl Needles {
    pub fn add(&mut self, what: &str, needle: impl Into<Vec<u8>>) {
        self.of.push((what.to_owned(), needle.into()));
    }

    /// Text as it is, in hexadecimal (as PostgreSQL shows bytes) and in base64 at every offset.
    pub fn add_text(&mut self, what: &str, text: &str) {
        self.add(what, text);
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        self.add(&format!("{what} in capital hex"), hex.to_uppercase());
        self.add(&format!("{what} in hex"), hex);
        for before in 0..3usize {
            let padded = [&b"xxx"[..before], text.as_bytes()].concat();
            let encoded = STANDARD.encode(padded);
            // The characters that depend on the text alone.
            let (first, last) = ((before * 8).div_ceil(6), (before + text.len()) * 8 / 6);
            self.add(&format!("{what} in base64, {before} bytes in"), &encoded.as_bytes()[first..last]);
        }
    }

    /// A card number, also spaced, hyphenated, and packed two digits to the byte.
    pub fn add_pan(&mut self, pan: &str) {
        self.add_text("a card number", pan);
        let groups: Vec<&str> = (0..4).map(|group| &pan[group * 4..group * 4 + 4]).collect();
        self.add_text("a card number, spaced", &groups.join(" "));
        self.add_text("a card number, hyphenated", &groups.join("-"));
        let packed: Vec<u8> =
            (0..8).map(|at| u8::from_str_radix(&pan[at * 2..at * 2 + 2], 16).expect("digits")).collect();
        self.add("a card number, packed", packed);
    }

    pub fn found_in<'a>(&'a self, place: &str, content: &[u8]) -> Vec<String> {
        // Most places in a file begin no needle, which two bytes show.
        let mut begins: BTreeMap<[u8; 2], Vec<&'a (String, Vec<u8>)>> = BTreeMap::new();
        let mut quick = vec![false; 1 << 16];
        for needle in &self.of {
            let pair = [needle.1[0], needle.1[1]];
            quick[usize::from(u16::from_be_bytes(pair))] = true;
            begins.entry(pair).or_default().push(needle);
        }
        let mut found = Vec::new();
        for (at, pair) in content.windows(2).enumerate() {
            let pair = [pair[0], pair[1]];
            if quick[usize::from(u16::from_be_bytes(pair))] {
                let here = begins[&pair].iter().filter(|(_, needle)| content[at..].starts_with(needle));
                found.extend(here.map(|(what, _)| format!("{what} is in {place}, near {:?}", near(content, at))));
            }
        }
        found
    }
}

fn near(content: &[u8], at: usize) -> String {
    String::from_utf8_lossy(&content[at.saturating_sub(80)..content.len().min(at + 40)]).into_owned()
}

/// Every file below a directory, with its content. Files may come and go meanwhile.
pub fn files(directory: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, into);
        } else if let Ok(content) = std::fs::read(&path) {
            into.push((path.display().to_string(), content));
        }
    }
}

/// Every table with its column names and content.
async fn tables(world: &World) -> Vec<(String, Vec<String>, Vec<u8>)> {
    let Some(url) = &world.database_url else { return sqlite_tables(&world.data_dir()) };
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    let query = "SELECT table_schema || '.' || table_name, string_agg(column_name, ',') FROM information_schema.columns
        WHERE table_schema NOT IN ('pg_catalog', 'information_schema') GROUP BY table_schema, table_name";
    let mut tables = Vec::new();
    for row in client.query(query, &[]).await.expect("the tables") {
        let (name, columns): (String, String) = (row.get(0), row.get(1));
        let rows = client.query(&format!("SELECT t::text FROM {name} t"), &[]).await.expect("the rows");
        let content: String = rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect();
        tables.push((name, columns.split(',').map(str::to_owned).collect(), content.into_bytes()));
    }
    tables
}

fn sqlite_tables(directory: &Path) -> Vec<(String, Vec<String>, Vec<u8>)> {
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the data directory").flatten() {
        let begins = std::fs::read(entry.path()).unwrap_or_default();
        if !begins.starts_with(b"SQLite format 3") {
            continue;
        }
        let database = rusqlite::Connection::open(entry.path()).expect("the database");
        let mut names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").expect("SQL");
        let names: Vec<String> = names.query_map([], |row| row.get(0)).expect("rows").flatten().collect();
        for name in names {
            let mut rows = database.prepare(&format!("SELECT * FROM \"{name}\"")).expect("SQL");
            let columns: Vec<String> = rows.column_names().map(str::to_owned).collect();
            let mut content = Vec::new();
            let mut rows = rows.query([]).expect("rows");
            while let Some(row) = rows.next().expect("a row") {
                for column in 0..columns.len() {
                    match row.get_ref(column).expect("a value") {
                        rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => {
                            content.extend_from_slice(bytes);
                        }
                        rusqlite::types::ValueRef::Integer(number) => content.extend(number.to_string().bytes()),
                        _ => {}
                    }
                    content.push(0);
                }
            }
            tables.push((name, columns, content));
        }
    }
    tables
}

/// The names of all members, at any depth.
fn members(json: &Value, into: &mut Vec<String>) {
    match json {
        Value::Object(object) => {
            for (name, value) in object {
                // The audit log names changed fields even where it omits their values.
                if value != "changed" {
                    into.push(name.clone());
                }
                members(value, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, into)),
        _ => {}
    }
}

/// No column or member holds a code, a PIN or a number in clear; these names only sound like it.
fn sounds_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace('_', "");
    let fine = [
        "maskedpan",
        "pinset",
        "pinblocked",
        "pintries",
        "pinfailures",
        "pinblockedat",
        "sealedpan",
        "pansealed",
        "panfingerprint",
    ];
    let wrong = ["pan", "cardnumber", "pin", "cvv", "cvv2", "cvc", "icvv", "pinblock", "track2"];
    !fine.contains(&name.as_str()) && wrong.contains(&name.as_str())
}

/// A client that keeps every answer that must not contain a number.
struct Watched<'a> {
    server: &'a Server,
    answers: Mutex<Vec<(String, String)>>,
}

impl Watched<'_> {
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let key = format!("key-{}", self.answers.lock().expect("answers").len());
        let mut call = self.server.request(method, path);
        if method != "GET" {
            call = call.header("Idempotency-Key", &key);
        }
        if let Some(body) = body {
            call = call.json(body);
        }
        self.keep(method, path, call.send().await)
    }

    fn keep(&self, method: &str, path: &str, reply: Reply) -> Reply {
        let searched = path.contains("?search=");
        let path = path.split('?').next().unwrap_or_default();
        // A list repeats the caller's own search; that is the published form.
        if searched {
            return reply;
        }
        let headers = format!("{:?}", reply.headers);
        let answer = (format!("the answer to {method} {path}"), headers + &reply.text);
        self.answers.lock().expect("answers").push(answer);
        reply
    }
}

const EMAIL: &str = "zebedee.quillfeather@example.com";
const PHONE: &str = "+12125557391";
const DOCUMENT: &str = "QZX88301947";
const CVV_PLANT: &str = "QCVVQ";
const PIN_PLANT: &str = "QPINQ";

fn holder_form() -> Form {
    let person = json!({"firstName": "Zebedee", "lastName": "Quillfeather", "email": EMAIL, "phoneNumber": PHONE,
        "dateOfBirth": "1961-11-29"});
    let identification = json!({"document": {"type": "passport", "number": DOCUMENT}});
    Form::default()
        .text("name", "Zebedee Quillfeather")
        .text("person", &person.to_string())
        .text("identification", &identification.to_string())
        .file(
            "documentMain",
            "application/pdf",
            b"%PDF-1.4\n% of QUILLFEATHERS OWN HAND\nxref\ntrailer\nstartxref\n9\n%%EOF\n",
        )
}

on_both_stores! {
    async fn what_is_secret_is_nowhere(backend: Backend) {
        let world = World::new(backend).await;
        let mut command = world.command("dev");
        command.args(["--log-level", "debug", "--log-format", "json"]);
        let mut server = Server::start(command, &world.data_dir()).await;
        let (mut numbers, mut tokens, mut keys) = (Vec::new(), Vec::new(), vec![KEY.to_owned()]);
        let mut answers = Vec::new();
        let mut codes = Vec::new();
        let account = server.account("Funds", 10_000).await;
        // A responder is asked about every payment, and what it is told must not contain a secret either.
        let asked = crate::responders::receiver(|_| crate::responders::says(crate::responders::YES)).await;
        let (_, asked_secret) = crate::responders::responder(&server, &asked.url, json!({})).await;
        let watched = Watched { server: &server, answers: Mutex::default() };
        let enrolled = server.request("POST", "/card-holders").header("Idempotency-Key", "enrol").form(holder_form());
        let holder = watched.keep("POST", "/card-holders", enrolled.send().await).expect(201).id();
        for (number, brand) in ["Visa", "Mastercard", "Visa", "Mastercard"].into_iter().enumerate() {
            let mut body = a_card(&account, &holder);
            (body["brand"], body["amount"]) = (json!(brand), json!(100));
            let card = watched.call("POST", "/cards", Some(body)).await.expect(201).id();
            let path = format!("/cards/{card}");
            watched.call("PUT", &format!("{path}/pin"), Some(json!({"pin": "4931"}))).await.expect(200);
            let fund = json!({"debitAccountId": account, "amount": 25, "paymentReference": format!("ref-{number}")});
            watched.call("POST", &format!("{path}/fund"), Some(fund)).await.expect(200);

            let token = server.post(&format!("{path}/token"), json!({})).await.expect(201).data();
            let token = token["token"].as_str().expect("a token").to_owned();
            let shown = server.get(&format!("{path}/reveal?token={token}")).await.expect(200).data();
            watched.call("GET", &format!("{path}/reveal?token={token}"), None).await.expect(409);
            tokens.push(token);
            let page = server.request("POST", &format!("{path}/token")).header("Idempotency-Key", &format!("page-{number}"));
            let page = page.json(json!({"purpose": "page"})).send().await.expect(201).data();
            let token = page["token"].as_str().expect("a token").to_owned();
            watched.call("GET", &format!("{path}/page"), None).await.expect(200);
            let again = server.post(&format!("{path}/page/reveal"), json!({"token": token})).await.expect(200).data();
            assert!(again == shown, "both show the same");
            watched.call("POST", &format!("{path}/page/reveal"), Some(json!({"token": token}))).await.expect(409);
            tokens.push(token);

            let pan = shown["pan"].as_str().expect("a number").to_owned();
            let cvv = shown["cvv"].as_str().expect("a code").to_owned();
            watched.call("POST", "/cards/lookup", Some(json!({"pan": pan}))).await.expect(200);
            for (code, pin) in [(cvv.as_str(), "4931"), ("000", "4931"), (&cvv, "8264")] {
                let pay = json!({"pan": pan, "cvv": code, "expiryMonth": shown["expiryMonth"], "channel": "pos",
                    "expiryYear": shown["expiryYear"], "pin": pin, "amount": 3});
                let paid = watched.call("POST", "/simulator/authorizations", Some(pay)).await.expect(201);
                if (code, pin) == (&cvv, "4931") {
                    assert_eq!(paid.data()["status"], "approved", "{}", paid.text);
                    let clear = format!("/simulator/authorizations/{}/clear", paid.id());
                    watched.call("POST", &clear, Some(json!({}))).await.expect(201);
                }
            }
            wrong_places(&watched, &path, &account, &holder, &pan, &cvv).await;
            codes.push(cvv);
            numbers.push(pan);
        }
        let made = watched.server.request("POST", "/api-keys").header("Idempotency-Key", "a-key");
        let made = made.json(json!({"name": "Another", "scopes": ["cards:read", "card-holders:read"]})).send().await;
        keys.push(made.expect(201).data()["key"].as_str().expect("a key").to_owned());
        let user = json!({"email": "grace@example.com", "name": "Grace", "role": "support"});
        let invited = watched.server.request("POST", "/users").header("Idempotency-Key", "a-user").json(user).send().await;
        let link = invited.expect(201).data()["link"].as_str().expect("a link").to_owned();
        keys.push(link.split_once('.').expect("a secret").1.to_owned());
        for path in ["/cards", "/card-holders", "/accounts", "/authorizations", "/transactions", "/events", "/audit-log",
            "/transfers", "/exceptions", "/api-keys", "/users", "/metrics"]
        {
            watched.call("GET", &format!("{path}{}", if path == "/metrics" { "" } else { "?limit=200" }), None).await.expect(200);
        }
        answers.extend(watched.answers.into_inner().expect("answers"));
        let questions = asked.got().into_iter().map(|got| String::from_utf8_lossy(&got.body).into_owned());
        let questions: Vec<(String, String)> = questions.map(|body| ("a question".to_owned(), body)).collect();
        assert!(questions.len() > 4, "every payment was asked about");
        answers.extend(questions);

        let (mut open, mut personal) = (Needles::default(), Needles::default());
        numbers.iter().for_each(|number| open.add_pan(number));
        tokens.iter().for_each(|token| open.add_text("a reveal token", token));
        keys.iter().for_each(|key| open.add_text("an API key", key));
        open.add_text("a responder's secret", &asked_secret);
        for code in &codes {
            open.add("a code in a body", format!("\"cvv\":\"{code}\""));
            open.add("a code in a body, escaped", format!("\\\"cvv\\\":\\\"{code}\\\""));
        }
        for pin in ["4931", "8264"] {
            open.add("a PIN in a body", format!("\"pin\":\"{pin}\""));
            open.add("a PIN in a body, escaped", format!("\\\"pin\\\":\\\"{pin}\\\""));
        }
        open.add_text("a planted code", CVV_PLANT);
        open.add_text("a planted PIN", PIN_PLANT);
        for (what, text) in [("an e-mail address", EMAIL), ("a phone number", PHONE), ("a document's number", DOCUMENT),
            ("a file's content", "QUILLFEATHERS OWN HAND"), ("a birth date", "1961-11-29")]
        {
            personal.add_text(what, text);
        }

        let mut found = Vec::new();
        let mut names = Vec::new();
        for (place, answer) in &answers {
            found.extend(open.found_in(place, answer.as_bytes()));
            if let Some(json) = answer.find("{\"").and_then(|_| answer.rfind("}{").map(|at| &answer[at + 1..])) {
                members(&serde_json::from_str(json).unwrap_or_default(), &mut names);
            }
        }
        for (place, answer) in answers.iter().filter(|(place, _)| !place.contains("/card-holders")) {
            found.extend(personal.found_in(place, answer.as_bytes()));
        }
        for stopped in [false, true] {
            let mut kept = Vec::new();
            files(&world.data_dir(), &mut kept);
            if backend == Backend::Postgres {
                cluster_files(&world, &mut kept).await;
            }
            assert!(kept.iter().any(|(path, content)| path.ends_with("stderr.log") && content.len() > 1000), "debug logs");
            for (table, columns, content) in tables(&world).await {
                names.extend(columns);
                kept.push((format!("table {table}"), content));
            }
            for (place, content) in &kept {
                found.extend(open.found_in(place, content).into_iter().chain(personal.found_in(place, content)));
            }
            if !stopped {
                erase(&server, &holder).await;
                server.stop();
            }
        }
        names.sort();
        names.dedup();
        found.extend(names.iter().filter(|name| sounds_secret(name)).map(|name| format!("a column or member is called {name}")));
        assert!(names.len() > 100, "{names:?}");
        assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found[..found.len().min(25)].join("\n"));
    }
}

/// Puts a number, a code and a PIN wherever they do not belong.
async fn wrong_places(watched: &Watched<'_>, path: &str, account: &str, holder: &str, pan: &str, cvv: &str) {
    let server = watched.server;
    let (spaced, pay) =
        (format!("{} {} {} {}", &pan[..4], &pan[4..8], &pan[8..12], &pan[12..]), "/simulator/authorizations");
    for (method, at, body) in [
        ("GET", format!("/cards/{pan}"), None),
        ("GET", format!("/cards?filter=pan={pan}"), None),
        ("GET", format!("/cards?search={pan}"), None),
        ("GET", format!("/cards?pan={pan}&cvv={cvv}"), None),
        ("GET", format!("/cards?{pan}=1"), None),
        ("GET", format!("{path}/reveal?token={pan}"), None),
        ("POST", format!("/{pan}"), Some(json!({"pan": pan}))),
        ("POST", "/cards/lookup".to_owned(), Some(json!({"pan": format!("{pan}0")}))),
        ("POST", "/cards/lookup".to_owned(), Some(json!({"number": spaced}))),
        (
            "POST",
            "/cards".to_owned(),
            Some(json!({"debitAccountId": pan, "cardHolderId": holder, "type": pan, "brand": pan})),
        ),
        ("PUT", format!("{path}/pin"), Some(json!({"pin": PIN_PLANT}))),
        ("PUT", format!("{path}/pin"), Some(json!({"pin": pan}))),
        ("PUT", format!("{path}/pin"), Some(json!({"pinBlock": PIN_PLANT}))),
        ("POST", format!("{path}/fund"), Some(json!({"debitAccountId": account, "amount": pan}))),
        ("POST", pay.to_owned(), Some(json!({"pan": pan, "cvv": CVV_PLANT, "pin": PIN_PLANT, "amount": 1}))),
        ("POST", pay.to_owned(), Some(json!({"cardId": pan, "amount": 1}))),
        ("POST", pay.to_owned(), Some(json!({"pan": spaced, "cvv": cvv, "pin": "8264", "amount": -1}))),
        ("POST", pay.to_owned(), Some(json!({"pan": pan, "amount": 1, "currency": CVV_PLANT}))),
    ] {
        let reply = watched.call(method, &at, body).await;
        assert!(reply.status >= 400 || at.contains("search"), "{method} {at}: {}", reply.status);
    }
    let broken = format!("{{\"pan\": \"{pan}\", \"cvv\": \"{CVV_PLANT}\", \"pin\": \"{PIN_PLANT}\"");
    let reply = server.request("POST", pay).text(broken.clone()).send().await.expect(400);
    watched.keep("POST", pay, reply);
    let form = server.request("POST", pay).header("content-type", "text/plain").text(broken).send().await;
    watched.keep("POST", pay, form);
    for header in ["user-agent", "if-match", "authorization", "cookie", "origin"] {
        let reply = server.request("GET", path).header(header, pan).send().await;
        watched.keep("GET", path, reply);
    }
}

/// Erases the card holder: nothing of them is shown or found afterwards.
async fn erase(server: &Server, holder: &str) {
    let cards = server.get("/cards?limit=200").await.expect(200).data();
    for card in cards.as_array().into_iter().flatten() {
        server.delete(&format!("/cards/{}", card["_id"].as_str().expect("an id"))).await.expect(200);
    }
    let path = format!("/card-holders/{holder}");
    let documents = server.get(&format!("{path}/documents")).await.expect(200).data();
    let document = documents[0]["_id"].as_str().expect("an id").to_owned();
    server.get(&format!("{path}/documents/{document}")).await.expect(200);
    server.delete(&format!("{path}?erase=true")).await.expect(200);
    let mut personal = Needles::default();
    for text in [EMAIL, PHONE, DOCUMENT, "Quillfeather", "QUILLFEATHERS", "1961-11-29"] {
        personal.add_text(text, text);
    }
    let again =
        server.request("POST", "/card-holders").header("Idempotency-Key", "enrol").form(holder_form()).send().await;
    assert_ne!(again.status, 201, "the kept answer went with the holder: {}", again.text);
    let mut found = personal.found_in("the kept answer", again.text.as_bytes());
    for at in [
        path.clone(),
        format!("{path}/documents"),
        format!("{path}/documents/{document}"),
        "/card-holders".to_owned(),
        "/events?limit=200".to_owned(),
        "/audit-log?limit=200".to_owned(),
        "/cards?limit=200&populate=cardHolder".to_owned(),
    ] {
        let reply = server.get(&at).await;
        found.extend(personal.found_in(&at, reply.text.as_bytes()));
    }
    for filter in [format!("email={EMAIL}"), format!("phoneNumber={}", PHONE.replace('+', "%2B"))] {
        let list = server.get(&format!("/card-holders?filter={filter}")).await.expect(200).json();
        assert_eq!(list["meta"]["total"], 0, "{filter}");
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The files of the world's database in the PostgreSQL server's own directory, where this process may read them.
async fn cluster_files(world: &World, into: &mut Vec<(String, Vec<u8>)>) {
    let url = world.database_url.as_ref().expect("PostgreSQL");
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client.batch_execute("CHECKPOINT").await.expect("a checkpoint");
    let query =
        "SELECT current_setting('data_directory'), oid::int8 FROM pg_database WHERE datname = current_database()";
    let row = client.query_one(query, &[]).await.expect("where it is");
    let directory = std::path::PathBuf::from(row.get::<_, String>(0));
    files(&directory.join("base").join(row.get::<_, i64>(1).to_string()), into);
}

/// The calls whose texts are stored in clear, each with a plant; all others are sealed.
const CLEAR: [(&str, &str); 4] = [
    ("names of card holders", "Wilhelmina Plantagenet"),
    ("metadata", "planted-metadata-7731"),
    ("narrations", "planted narration 7732"),
    ("names of card holders and accounts", "Planted Account 7733"),
];

const SEALED: [(&str, &str); 5] = [
    ("a first name", "Esmeraldine"),
    ("an e-mail address", "esmeraldine.7734@example.com"),
    ("a phone number", "+12125557735"),
    ("a document's number", "QZX7736001"),
    ("a birth date", "1961-11-28"),
];

on_both_stores! {
    async fn what_is_in_clear_is_what_the_texts_say(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let [_, (_, metadata), (_, narration), (_, name)] = CLEAR;
        let (one, two) = (server.account(name, 100).await, server.account("Two", 1).await);
        server.put(&format!("/accounts/{one}"), json!({"metadata": {"note": metadata}})).await.expect(200);
        let transfer = json!({"fromAccountId": one, "toAccountId": two, "amount": 1, "narration": narration});
        server.post("/transfers", transfer).await.expect(201);
        let person = json!({"firstName": SEALED[0].1, "lastName": "Plantagenet", "email": SEALED[1].1,
            "phoneNumber": SEALED[2].1, "dateOfBirth": SEALED[4].1});
        let identification = json!({"document": {"type": "passport", "number": SEALED[3].1}});
        let form = Form::default().text("name", CLEAR[0].1).text("person", &person.to_string());
        let form = form.text("identification", &identification.to_string());
        server.request("POST", "/card-holders").form(form).send().await.expect(201);
        server.stop();
        let tables = tables(&world).await;
        let holds = |text: &str| tables.iter().any(|(_, _, content)| content.windows(text.len()).any(|at| at == text.as_bytes()));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for text in ["SECURITY.md", "docs/guides/security.md"] {
            let text = std::fs::read_to_string(root.join(text)).expect("the text");
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for (what, plant) in CLEAR {
                assert!(holds(plant), "{what} are said to be in clear and are not");
                assert!(text.contains(what), "{what} are in clear, and the text is silent about it");
            }
        }
        for (what, plant) in SEALED {
            assert!(!holds(plant), "{what} is in clear");
        }
    }
}
