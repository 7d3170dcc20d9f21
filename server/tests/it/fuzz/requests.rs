//! Requests: kept ones for every operation of the contract, mutated, sent to a real server on both stores. In every
//! case the answer is no 5xx, errors are in their envelope with a documented code, a refused request has no effect, and
//! the ledger verifies at the end.

use std::collections::BTreeSet;

use paygen_core::testing::simulation::Dice;
use paygen_docs_site::catalogue;
use paygen_edge::json::Json;
use serde_json::{Value, json};

use super::Target;
use crate::cards::{a_card, card_holder, id};
use crate::on_both_stores;
use crate::world::{Backend, Form, Reply, Server, World};

/// Operations left out: a stream does not end, and a clock advanced far ahead expires every card of the run.
const LEFT_OUT: &[(&str, &str)] = &[("GET", "/events/stream"), ("POST", "/simulator/clock")];

/// Requests after which new objects are created, because the earlier ones are closed, empty or full.
const FRESH: u64 = 120;

/// Refused requests that are checked together for effects.
const TOGETHER: usize = 16;

/// A kept request: a line with method and path, headers, an empty line, the body.
#[derive(Clone)]
struct Asked {
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Asked {
    fn read(text: &[u8]) -> Asked {
        let end = text.windows(2).position(|pair| pair == b"\n\n").unwrap_or(text.len());
        let head = String::from_utf8_lossy(&text[..end]).into_owned();
        let mut lines = head.lines();
        let (method, path) = lines.next().and_then(|line| line.split_once(' ')).expect("a method and a path");
        let headers = lines.filter_map(|line| line.split_once(": "));
        Asked {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect(),
            body: text.get(end + 2..).unwrap_or_default().to_vec(),
        }
    }

    fn write(&self, places: &[(&str, String)]) -> Vec<u8> {
        let mut text = format!("{} {}\n", self.method, self.path).into_bytes();
        for (name, value) in &self.headers {
            text.extend([name.as_bytes(), b": ", value, b"\n"].concat());
        }
        text.extend([b"\n", self.body.as_slice()].concat());
        places.iter().fold(text, |text, (name, id)| replaced(&text, id, &format!("<{name}>")))
    }

    fn filled(&self, places: &[(&str, String)]) -> Asked {
        let mut asked = self.clone();
        for (name, id) in places {
            asked.path = asked.path.replace(&format!("<{name}>"), id);
            asked.body = replaced(&asked.body, &format!("<{name}>"), id);
        }
        asked
    }

    fn header(&mut self, name: &str, value: Vec<u8>) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value));
    }

    async fn send(&self, server: &Server) -> Option<Reply> {
        let method: reqwest::Method = self.method.parse().ok()?;
        let mut request = server.http.request(method, format!("{}{}", server.url, self.path));
        if self.headers.iter().all(|(name, _)| name != "authorization") {
            request = request.header("x-api-key", &server.key);
        }
        for (name, value) in &self.headers {
            request = request.header(name, reqwest::header::HeaderValue::from_bytes(value).ok()?);
        }
        let request = request.body(self.body.clone()).build().ok()?;
        let response = server.http.execute(request).await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = String::from_utf8_lossy(&response.bytes().await.expect("a whole answer")).into_owned();
        Some(Reply { status, headers, text })
    }
}

fn replaced(text: &[u8], from: &str, to: &str) -> Vec<u8> {
    if from.is_empty() {
        return text.to_vec();
    }
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = rest.windows(from.len()).position(|window| window == from.as_bytes()) {
        out.extend([&rest[..at], to.as_bytes()].concat());
        rest = &rest[at + from.len()..];
    }
    [out, rest.to_vec()].concat()
}

/// Characters allowed in a URL, the rest percent-encoded; malformed URLs are tested as raw bytes.
fn encoded(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~=&%:,;@$+*!".contains(byte);
    bytes.iter().map(|byte| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

struct Fuzzer {
    target: Target,
    queries: Vec<Vec<u8>>,
    headers: Vec<Vec<u8>>,
    ids: Vec<Vec<u8>>,
}

impl Fuzzer {
    fn changed(&self, dice: &mut Dice, kept: &Asked) -> Asked {
        let mut asked = kept.clone();
        match dice.below(10) {
            0..=5 if !asked.body.is_empty() => match serde_json::from_slice::<Value>(&asked.body) {
                Ok(body) => asked.body = super::json::changed(dice, &body),
                Err(_) => asked.body = super::mutated(dice, &[asked.body]),
            },
            6 => {
                let (path, _) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
                let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
                let at = usize::try_from(1 + dice.below(parts.len() as u64 - 1)).expect("few");
                parts[at] = encoded(&super::mutated(dice, &self.ids));
                asked.path = parts.join("/");
            }
            7 => {
                let names = ["idempotency-key", "if-match", "x-request-id", "content-type", "authorization", "accept"];
                let more = ["x-forwarded-for", "origin", "last-event-id", "expect", "accept-encoding", "apikey"];
                let names = [names, more].concat();
                let name = names[usize::try_from(dice.below(names.len() as u64)).expect("few")];
                let value = super::mutated(dice, &self.headers);
                asked.header(name, value.into_iter().filter(|byte| *byte >= 32 && *byte != 127).collect());
            }
            _ => {
                let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
                let mut queries = self.queries.clone();
                queries.extend(std::iter::repeat_n(query.as_bytes().to_vec(), 4));
                asked.path = format!("{path}?{}", encoded(&super::mutated(dice, &queries)));
            }
        }
        asked
    }
}

/// The ids in kept requests.
async fn objects(server: &Server) -> Vec<(&'static str, String)> {
    // The number of endpoints of a client is bounded.
    let before = server.get("/webhooks?limit=200&fields=_id").await.expect(200).data();
    for webhook in before.as_array().into_iter().flatten() {
        server.delete(&format!("/webhooks/{}", id(webhook))).await.expect(200);
    }
    let before = server.get("/responders?limit=200&fields=_id").await.expect(200).data();
    for responder in before.as_array().into_iter().flatten() {
        server.delete(&format!("/responders/{}", id(responder))).await.expect(200);
    }
    // And so is the number of keys.
    let keys = server.get("/api-keys?limit=200&filter=status=active&search=Another").await.expect(200).data();
    for key in keys.as_array().into_iter().flatten() {
        server.delete(&format!("/api-keys/{}", id(key))).await.expect(200);
    }
    // A change of the policy of approvals waits, so that no other call does.
    let policy = json!({"rules": [{"action": "approval_policy.change"}]});
    if server.get("/approval-policy").await.expect(200).data()["rules"] == json!([]) {
        server.put("/approval-policy", policy.clone()).await.expect(200);
    }
    let waiting = server.get("/approvals?limit=200&filter=status=pending").await.expect(200).data();
    for approval in waiting.as_array().into_iter().flatten() {
        server.request("POST", &format!("/approvals/{}/cancel", id(approval))).send().await.expect(200);
    }
    let (account, other) = (server.account("Funds", 10_000).await, server.account("Other", 5).await);
    let holder = card_holder(server).await;
    let card = server.post("/cards", a_card(&account, &holder)).await.expect(201).data();
    let card = id(&card).to_owned();
    server.put(&format!("/cards/{card}/pin"), json!({"pin": "1234"})).await.expect(200);
    let fund = json!({"debitAccountId": account, "amount": 500});
    server.post(&format!("/cards/{card}/fund"), fund).await.expect(200);
    let pay = json!({"cardId": card, "amount": 20, "currency": "USD"});
    let authorization = server.post("/simulator/authorizations", pay.clone()).await.expect(201).id();
    let forced = json!({"cardId": card, "amount": 3, "currency": "USD", "merchant": {"category": "5411"}});
    server.post("/simulator/force-posts", forced).await.expect(201);
    let newest = async |list: &str| {
        let listed = server.get(&format!("{list}?limit=1")).await.expect(200).json();
        listed["data"][0]["_id"].as_str().unwrap_or("000000000000000000000001").to_owned()
    };
    let transfer = json!({"fromAccountId": account, "toAccountId": other, "amount": 1});
    let detail = json!({"type": "bank_account", "details": {"iban": "DE89370400440532013000"}});
    let webhook = json!({"url": "https://api.example.com/events", "events": ["*"], "enabled": false});
    let responder = json!({"url": "https://api.example.com/decide", "timeoutMs": 200});
    let pdf = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nxref\n0 1\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n";
    let upload = server.request("POST", &format!("/card-holders/{holder}/documents"));
    upload.form(Form::default().file("documentMain", "application/pdf", pdf)).send().await.expect(200);
    let key = json!({"name": "Another", "scopes": ["accounts:read"]});
    let user = json!({"email": format!("{account}@example.com"), "name": "Ada", "role": "support"});
    vec![
        ("transactionId", newest("/transactions").await),
        ("exceptionId", newest("/exceptions").await),
        ("eventId", newest("/events").await),
        ("documentId", newest(&format!("/card-holders/{holder}/documents")).await),
        ("transferId", server.post("/transfers", transfer).await.expect(201).id()),
        ("detailId", server.post(&format!("/accounts/{account}/details"), detail).await.expect(201).id()),
        ("webhookId", server.post("/webhooks", webhook).await.expect(201).id()),
        ("programId", server.post("/programs", json!({"name": "Another"})).await.expect(201).id()),
        ("responderId", server.post("/responders", responder).await.expect(201).id()),
        ("approvalId", server.put("/approval-policy", policy).await.expect(202).id()),
        ("userId", server.post("/users", user).await.expect(201).id()),
        ("apiKeyId", server.post("/api-keys", key).await.expect(201).id()),
        ("tokenId", server.post("/auth/tokens", json!({})).await.expect(201).id()),
        ("accountId", account),
        ("otherAccountId", other),
        ("cardHolderId", holder),
        ("cardId", card),
        ("authorizationId", authorization),
    ]
}

/// The errors of an answer.
fn judge(asked: &Asked, reply: &Reply) -> Result<(), String> {
    let received = || format!("{} {}: {}", reply.status, reply.header("x-request-id").unwrap_or("-"), reply.text);
    let request_id = reply.header("x-request-id").ok_or_else(|| format!("no X-Request-Id: {}", received()))?;
    if reply.status >= 500 {
        return Err(received());
    }
    if reply.text.len() > 2 << 20 {
        return Err(format!("an answer of {} bytes", reply.text.len()));
    }
    if reply.status < 400 {
        return shown_again(asked, reply);
    }
    let body: Value = serde_json::from_str(&reply.text).map_err(|error| format!("{error}: {}", received()))?;
    let code = body["error"]["code"].as_str().unwrap_or_default();
    let enveloped = body["statusCode"] == reply.status
        && body["data"].is_null()
        && body["message"].as_str().is_some_and(|text| !text.is_empty())
        && body["error"]["requestId"] == request_id
        && body["error"]["fields"].as_array().is_some_and(|fields| fields.len() <= 100);
    let known = catalogue::find(code).is_some();
    let explained = body["error"]["fields"].as_array().into_iter().flatten().all(|field| {
        let code = field["code"].as_str().unwrap_or_default();
        catalogue::find(code).is_some() || catalogue::is_field_code(code)
    });
    let small = reply.text.len() < 128 * 1024;
    if enveloped && known && explained && small { Ok(()) } else { Err(format!("not as errors are: {}", received())) }
}

/// An accepted value is shown unchanged, to the last digit and letter.
fn shown_again(asked: &Asked, reply: &Reply) -> Result<(), String> {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let makes = ["/accounts", "/transfers", "/card-holders", "/cards", "/webhooks"].contains(&path);
    if asked.method != "POST" || !makes || query.contains("dryRun") || reply.header("idempotent-replayed").is_some() {
        return Ok(());
    }
    let (Ok(sent), Ok(shown)) = (Json::parse(&asked.body), Json::parse(reply.text.as_bytes())) else { return Ok(()) };
    let Some(data) = shown.member("data") else { return Err(format!("no data: {}", reply.text)) };
    for name in ["name", "metadata", "narration", "reference", "description", "amount", "balance", "creditLimit"] {
        let (Some(sent), Some(shown)) = (sent.member(name), data.member(name)) else { continue };
        // A card's balance is what was funded, not what was sent.
        if sent.canonical() != shown.canonical() && !(path == "/cards" && name == "balance") {
            return Err(format!("{name} was sent as {} and is shown as {}", sent.to_text(), shown.to_text()));
        }
    }
    Ok(())
}

/// No event and no audit entry names a refused request; otherwise returns that request and its effect.
async fn traces(server: &Server, refused: &[(String, Vec<u8>)]) -> Result<(), (Vec<u8>, String)> {
    let ids: Vec<&str> = refused.iter().map(|(id, _)| id.as_str()).collect();
    for list in ["/events", "/audit-log"] {
        let found =
            server.get(&format!("{list}?limit=1&filter=requestId.in={}", ids.join(","))).await.expect(200).json();
        if !refused.is_empty() && found["meta"]["total"] != 0 {
            let id = &found["data"][0]["requestId"];
            let culprit = refused.iter().find(|(known, _)| id == known).map(|(_, asked)| asked.clone());
            return Err((culprit.unwrap_or_default(), format!("refused, but in {list}: {}", found["data"])));
        }
    }
    Ok(())
}

/// Every operation of the contract has a kept request, except those left out.
fn assert_complete(kept: &[Asked], contract: &Value) {
    let mut missing = BTreeSet::new();
    for (template, item) in contract["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys().map(|method| method.to_uppercase()) {
            let fits = |asked: &Asked| {
                let path = asked.path.split('?').next().unwrap_or_default();
                let (parts, of): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template.split('/').collect());
                let same = |(part, of): (&&str, &&str)| part == of || (part.starts_with('<') && of.starts_with('{'));
                asked.method == method && parts.len() == of.len() && parts.iter().zip(&of).all(same)
            };
            if !LEFT_OUT.contains(&(&method, template)) && !kept.iter().any(fits) {
                missing.insert(format!("{method} {template}"));
            }
        }
    }
    assert!(missing.is_empty(), "server/tests/corpus/requests has nothing for {missing:?}");
}

on_both_stores! {
    async fn no_request_breaks_the_server(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let target = Target::new("requests", 1_500);
        let kept: Vec<Asked> = target.corpus.iter().map(|text| Asked::read(text)).collect();
        assert_complete(&kept, &server.get("/openapi.json").await.expect(200).json());
        let corpus = |name| Target::new(name, 0).corpus;
        let headers = [corpus("headers"), corpus("bearer-token"), corpus("id")].concat();
        let queries = [corpus("list-query"), corpus("query"), corpus("cursor")].concat();
        let fuzzer = Fuzzer { target, queries, headers, ids: [corpus("id"), corpus("card-number")].concat() };
        let mut places = objects(&server).await;
        let mut refused = Vec::new();
        let whole = kept.iter().map(|asked| (None, asked.clone()));
        let rounds: Vec<(Option<u64>, Asked)> = whole.collect();
        let mut seen = std::collections::BTreeMap::<u16, u64>::new();
        let changed = fuzzer.target.rounds().map(|round| {
            let mut dice = fuzzer.target.dice(round);
            let one = usize::try_from(dice.below(kept.len() as u64)).expect("few");
            (Some(round), fuzzer.changed(&mut dice, &kept[one]))
        });
        for (number, (round, asked)) in rounds.into_iter().chain(changed).enumerate() {
            if number as u64 % FRESH == FRESH - 1 {
                places = objects(&server).await;
            }
            let mut filled = asked.filled(&places);
            let named = format!("fz-{number}");
            let own_id = filled.headers.iter().any(|(name, _)| name == "x-request-id");
            if !own_id {
                filled.header("x-request-id", named.clone().into_bytes());
            }
            let Some(reply) = filled.send(&server).await else { continue };
            *seen.entry(reply.status).or_default() += 1;
            if let Err(why) = judge(&filled, &reply) {
                fuzzer.target.failed(round, &asked.write(&places), &why);
            }
            // A look-up without a result is an entry of the audit log too.
            let looked_up = reply.status == 404 && filled.path.starts_with("/cards/lookup");
            if reply.status >= 400 && !own_id && !looked_up {
                refused.push((named, asked.write(&places)));
            }
            if refused.len() == TOGETHER {
                if let Err((culprit, why)) = traces(&server, &refused).await {
                    fuzzer.target.failed(round, &culprit, &why);
                }
                refused.clear();
            }
        }
        // Last, because the clock only moves forward and everything has expired afterwards.
        let clock = Target::new("clock", 60);
        let bodies: Vec<Value> = clock.corpus.iter().map(|body| serde_json::from_slice(body).expect("JSON")).collect();
        for round in clock.rounds().take(300) {
            let mut dice = clock.dice(round);
            let one = usize::try_from(dice.below(bodies.len() as u64)).expect("few");
            let body = crate::fuzz::json::changed(&mut dice, &bodies[one]);
            let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
            let asked = Asked { method: "POST".to_owned(), path: "/simulator/clock".to_owned(), headers, body };
            let reply = asked.send(&server).await.expect("a request that can be sent");
            if let Err(why) = judge(&asked, &reply) {
                clock.failed(Some(round), &asked.body, &why);
            }
        }
        assert!([200, 201, 400].iter().all(|status| seen.contains_key(status)), "{seen:?}");
        server.get("/readyz").await.expect(200);
        assert!(server.stop().success(), "it stops as it should");
        let verified = world.command("ledger verify").output().expect("paygen ledger verify runs");
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
        println!("answers: {seen:?}");
    }
}
