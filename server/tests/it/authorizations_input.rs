//! Invalid messages, replays, other tenants, lists, and decisions made again.

use serde_json::{Value, json};

use crate::authorizations::{a_funded_card, assert_members, cafe, money, pay, text};
use crate::cards::{a_card, card_holder, id, issued};
use crate::on_both_stores;
use crate::world::{Backend, Server, World};

const ABSENT: &str = "665f1c4f4a4f4a4f4a4f4a4f";

/// A number with a correct check digit that was never issued.
const UNKNOWN_PAN: &str = "4111111111111111";

async fn total(server: &Server, path: &str) -> Value {
    server.get(path).await.expect(200).json()["meta"]["total"].clone()
}

on_both_stores! {
    async fn invalid_messages_name_the_wrong_fields(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let open = pay(&server, &card, json!(10), json!({})).await;
        let declined = pay(&server, &card, json!(1000), json!({})).await;
        let before = total(&server, "/authorizations").await;
        let of = |authorization: &Value, what: &str| format!("/simulator/authorizations/{}/{what}", text(authorization, "_id"));
        let asks = "/simulator/authorizations".to_owned();
        let ask = |more: Value| {
            let mut body = json!({"cardId": card, "amount": 1});
            more.as_object().expect("an object").iter().for_each(|(name, value)| body[name] = value.clone());
            body
        };
        let advices = "/simulator/advices".to_owned();
        let (refunds, forced) = ("/simulator/refunds".to_owned(), "/simulator/force-posts".to_owned());
        let cases: Vec<(String, Value, u16, &str, &[&str])> = vec![
            (asks.clone(), ask(json!({"amount": -1})), 400, "amount_negative", &["/amount"]),
            (asks.clone(), ask(json!({"amount": 1.001})), 400, "amount_too_precise", &["/amount"]),
            (asks.clone(), ask(json!({"amount": 1.5, "currency": "JPY"})), 400, "amount_too_precise", &["/amount"]),
            (asks.clone(), ask(json!({"amount": 0})), 400, "amount_not_positive", &["/amount"]),
            (asks.clone(), ask(json!({"type": "account_verification"})), 400, "verification_with_amount", &["/amount"]),
            (asks.clone(), ask(json!({"amount": "1 USD"})), 400, "validation_failed", &["/amount"]),
            (asks.clone(), json!({"cardId": card}), 400, "validation_failed", &["/amount"]),
            (asks.clone(), ask(json!({"cardId": ABSENT})), 404, "card_not_found", &[]),
            (asks.clone(), ask(json!({"cardId": "me"})), 400, "validation_failed", &["/cardId"]),
            (asks.clone(), json!({"amount": 1}), 400, "validation_failed", &["/cardId"]),
            (asks.clone(), ask(json!({"currency": "XXY"})), 400, "validation_failed", &["/currency"]),
            (asks.clone(), ask(json!({"currency": "usd"})), 400, "validation_failed", &["/currency"]),
            (asks.clone(), ask(json!({"pan": UNKNOWN_PAN})), 400, "validation_failed", &["/pan"]),
            (asks.clone(), ask(json!({"cvv": "123"})), 400, "validation_failed", &["/pan"]),
            (asks.clone(), ask(json!({"expiryMonth": 1, "expiryYear": 2030})), 400, "validation_failed", &["/pan"]),
            (asks.clone(), json!({"pan": UNKNOWN_PAN, "expiryMonth": 1, "amount": 1}), 400, "validation_failed", &["/expiryMonth"]),
            (asks.clone(), json!({"pan": "4111111111111112", "amount": 1}), 400, "validation_failed", &["/pan"]),
            (asks.clone(), ask(json!({"chanel": "pos"})), 400, "validation_failed", &["/chanel"]),
            (asks.clone(), ask(json!({"channel": "fax", "type": "gift", "threeDs": "maybe"})), 400, "validation_failed", &["/channel", "/threeDs", "/type"]),
            (asks.clone(), ask(json!({"merchant": {"category": "food", "country": "ZZ", "nam": "A"}})), 400, "validation_failed", &["/merchant/category", "/merchant/country", "/merchant/nam"]),
            (asks.clone(), ask(json!({"network": {"stan": "12a", "rrn": "1234567890123"}})), 400, "validation_failed", &["/network/rrn", "/network/stan"]),
            (asks.clone(), ask(json!({"rate": -1, "currency": "EUR"})), 400, "validation_failed", &["/rate"]),
            (asks.clone(), ask(json!({"rate": 0, "currency": "EUR"})), 400, "validation_failed", &["/rate"]),
            (asks.clone(), ask(json!({"amount": 999_999_999_999.99, "rate": 1000, "currency": "EUR"})), 400, "amount_too_large", &["/amount"]),
            (asks.clone(), ask(json!({"billingAmount": -1, "currency": "EUR"})), 400, "amount_negative", &["/billingAmount"]),
            (asks.clone(), ask(json!({"pin": "12"})), 400, "validation_failed", &["/pin"]),
            (asks, ask(json!({"riskScore": 100})), 400, "validation_failed", &["/riskScore"]),
            (advices.clone(), ask(json!({"amount": -1})), 400, "amount_negative", &["/amount"]),
            (advices, ask(json!({"cardId": ABSENT})), 404, "card_not_found", &[]),
            (of(&open, "increment"), json!({"amount": 0}), 400, "amount_not_positive", &["/amount"]),
            (of(&open, "increment"), json!({"amount": -1}), 400, "amount_negative", &["/amount"]),
            (of(&open, "reverse"), json!({"amount": 0}), 400, "amount_not_positive", &["/amount"]),
            (of(&open, "reverse"), json!({"amount": 1.001}), 400, "amount_too_precise", &["/amount"]),
            (of(&open, "clear"), json!({"amount": -1}), 400, "amount_negative", &["/amount"]),
            (of(&open, "clear"), json!({"finally": true}), 400, "validation_failed", &["/finally"]),
            (of(&open, "clear"), json!({"network": {"transactionId": "T9"}}), 400, "validation_failed", &["/network/transactionId"]),
            (of(&declined, "clear"), json!({"amount": 1}), 409, "authorization_not_open", &[]),
            (of(&declined, "clear"), json!({}), 409, "authorization_not_open", &[]),
            (of(&declined, "increment"), json!({"amount": 1}), 409, "authorization_not_open", &[]),
            (of(&declined, "reverse"), json!({}), 409, "authorization_not_open", &[]),
            (of(&json!({"_id": ABSENT}), "clear"), json!({}), 404, "authorization_not_found", &[]),
            (of(&json!({"_id": ABSENT}), "reverse"), json!({}), 404, "authorization_not_found", &[]),
            (refunds.clone(), json!({"transactionId": ABSENT}), 404, "transaction_not_found", &[]),
            (refunds.clone(), json!({"cardId": card}), 400, "validation_failed", &["/amount"]),
            (refunds.clone(), json!({"cardId": card, "transactionId": ABSENT}), 400, "validation_failed", &["/cardId"]),
            (refunds.clone(), json!({}), 400, "validation_failed", &["/transactionId"]),
            (refunds.clone(), json!({"cardId": card, "amount": -1}), 400, "amount_negative", &["/amount"]),
            (refunds.clone(), json!({"cardId": card, "rate": 1.5}), 400, "validation_failed", &["/amount"]),
            (refunds, json!({"cardId": card, "amount": 1, "rate": 1.5}), 400, "billing_amount_mismatch", &["/rate"]),
            (forced.clone(), json!({"cardId": card, "amount": 0}), 400, "amount_not_positive", &["/amount"]),
            (forced.clone(), json!({"cardId": card, "amount": -4}), 400, "amount_negative", &["/amount"]),
            (forced.clone(), json!({"cardId": ABSENT, "amount": 4}), 404, "card_not_found", &[]),
            (forced, json!({"cardId": card, "amount": 4, "currency": "EUR", "billingAmount": 0}), 400, "amount_not_positive", &["/billingAmount"]),
            ("/simulator/reversals".to_owned(), json!({}), 400, "validation_failed", &["/transactionId"]),
        ];
        for (path, body, status, code, pointers) in cases {
            let reply = server.post(&path, body.clone()).await;
            assert_eq!((reply.status, reply.code().as_str()), (status, code), "{path} {body}: {}", reply.text);
            let mut named = reply.pointers();
            named.sort();
            assert_eq!(named, pointers, "{path} {body}: {}", reply.text);
            assert!(!reply.text.contains("411111111111111"), "no number is echoed: {}", reply.text);
        }
        assert_eq!(total(&server, "/authorizations").await, before, "nothing was stored");
        assert_eq!(total(&server, "/transactions").await, 0);
        assert_eq!(money(&server, &card).await, (json!(100), json!(90)));

        let unknown = server.post("/simulator/authorizations", json!({"pan": UNKNOWN_PAN, "amount": 1})).await.expect(201);
        assert_members(&unknown.data(), json!({"status": "declined", "reason": "unknown_card", "cardId": null}));
        let received = server.get(&format!("/authorizations/{}", unknown.id())).await.expect(200).text;
        let explained = server.get(&format!("/authorizations/{}/decision", unknown.id())).await.expect(200);
        for text in [&unknown.text, &received, &explained.text, &server.get("/events?limit=200").await.text] {
            assert!(!text.contains("411111"), "the number is nowhere: {text}");
        }
        assert_eq!(explained.data()["checks"].as_array().map(Vec::len), Some(26));
        let network = json!({"transactionId": open["networkTransactionId"]});
        let other = json!({"pan": UNKNOWN_PAN, "amount": 1, "network": network});
        let other = server.post("/simulator/authorizations", other).await.expect(201).data();
        assert_members(&other, json!({"status": "declined", "reason": "unknown_card", "cardId": null}));
        let euros = pay(&server, &card, json!(1), json!({"currency": "EUR"})).await;
        assert_eq!(euros["reason"], "currency_not_supported");
        let billed = pay(&server, &card, json!(10), json!({"currency": "EUR", "rate": 1.1})).await;
        assert_members(&billed, json!({"amount": 11, "merchantAmount": 10, "merchantCurrency": "EUR", "currency": "USD"}));
        let billed = server.post(&of(&billed, "clear"), json!({"amount": 5})).await.expect(201).data();
        assert_members(&billed, json!({"amount": -5.5, "merchantAmount": -5, "merchantCurrency": "EUR"}));
    }

    async fn repeats_and_dry_runs(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let call = |path: &str, body: Value| server.request("POST", path).header("Idempotency-Key", "k1").json(body);
        let body = json!({"cardId": card, "amount": 10});
        let first = call("/simulator/authorizations", body.clone()).send().await.expect(201);
        let again = call("/simulator/authorizations", body).send().await.expect(201);
        assert_eq!((&again.text, again.header("idempotent-replayed")), (&first.text, Some("true")));
        let other = call("/simulator/authorizations", json!({"cardId": card, "amount": 11})).send().await.expect(409);
        assert_eq!(other.code(), "idempotency_key_reused");
        assert_eq!(money(&server, &card).await.1, 90);

        let clear = format!("/simulator/authorizations/{}/clear", first.id());
        for (path, body, status) in [
            ("/simulator/authorizations", json!({"cardId": card, "amount": 10}), 201),
            ("/simulator/authorizations", json!({"cardId": card, "amount": 1000}), 201),
            ("/simulator/force-posts", json!({"cardId": card, "amount": 10}), 201), (clear.as_str(), json!({}), 201),
        ] {
            server.request("POST", &format!("{path}?dryRun=true")).json(body).send().await.expect(status);
        }
        assert_eq!((total(&server, "/authorizations").await, total(&server, "/transactions").await), (json!(1), json!(0)));
        assert_eq!((total(&server, "/exceptions").await, money(&server, &card).await), (json!(0), (json!(100), json!(90))));
    }

    async fn lists_tokens_and_strangers(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (account, _, card) = issued(&server, 1000, json!({"amount": 100})).await;
        let card = id(&card).to_owned();
        let other_holder = card_holder(&server).await;
        let mut other = a_card(&account, &other_holder);
        other["amount"] = json!(50);
        let other = server.post("/cards", other).await.expect(201).id();
        let paid = pay(&server, &card, json!(25), json!({"merchant": cafe(), "channel": "pos"})).await;
        pay(&server, &card, json!(900), json!({})).await;
        let foreign = pay(&server, &other, json!(5), json!({"merchant": {"name": "=cmd,\"x\""}})).await;
        let clear = |paid: &Value| format!("/simulator/authorizations/{}/clear", text(paid, "_id"));
        let posted = server.post(&clear(&paid), json!({})).await.expect(201).data();
        let foreign_posted = server.post(&clear(&foreign), json!({})).await.expect(201).data();

        for (path, expected) in [
            ("/authorizations".to_owned(), 3), ("/authorizations?filter=status=declined".to_owned(), 1),
            ("/authorizations?filter=reason=insufficient_funds".to_owned(), 1),
            (format!("/authorizations?filter=cardId={card}"), 2), (format!("/cards/{card}/authorizations"), 2),
            ("/authorizations?filter={\"amount.gte\":25}".to_owned(), 2), ("/authorizations?filter=channel=pos".to_owned(), 1),
            ("/authorizations?search=acme&searchIn=merchant.name".to_owned(), 1),
            ("/authorizations?filter=merchant.category=5812".to_owned(), 1),
            ("/transactions".to_owned(), 2), ("/transactions?filter=type=capture".to_owned(), 2),
            ("/transactions?filter={\"amount.lt\":-10}".to_owned(), 1), (format!("/cards/{card}/transactions"), 1),
            (format!("/transactions?filter=authorizationId={}", text(&paid, "_id")), 1), ("/exceptions".to_owned(), 0),
        ] {
            assert_eq!(total(&server, &path).await, expected, "{path}");
        }
        for wrong in ["/authorizations?filter=status=open", "/transactions?sort=mood", "/exceptions?filter=cardId=x"] {
            server.get(wrong).await.expect(400);
        }
        for sort in ["amount", "-createdAt", "status,-amount"] {
            server.get(&format!("/authorizations?sort={sort}&fields=amount,status")).await.expect(200);
        }
        let page = server.get("/authorizations?limit=2&cursor=").await.expect(200).json();
        let next = text(&page["meta"], "nextCursor").to_owned();
        let rest = server.get(&format!("/authorizations?limit=2&cursor={next}")).await.expect(200).json();
        assert_eq!(rest["data"].as_array().map(Vec::len), Some(1));
        let csv = server.request("GET", "/transactions").header("accept", "text/csv").send().await.expect(200);
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        let lines: Vec<&str> = csv.text.trim_end().split("\r\n").collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("_id,createdAt,type,amount,fee,vat,currency,"), "{}", lines[0]);
        assert!(lines[1].contains("\"'=cmd,\"\"x\"\"\""), "no formulas, quotes doubled: {}", lines[1]);
        assert!(lines[2].contains(",capture,-25,0,0,USD,-25,USD,\"ACME CAFE\",\"5812\","), "{}", lines[2]);

        let token = json!({"scopes": ["authorizations:read", "authorizations:write", "cards:read"], "cardId": card});
        let token = server.post("/auth/tokens", token).await.expect(201).data();
        let made = world.command("clients create --name Other").output().expect("paygen runs");
        let printed = String::from_utf8_lossy(&made.stdout).into_owned();
        let key = printed.split_whitespace().find(|word| word.starts_with("pgk_")).expect("a key").to_owned();
        let bearer = format!("Bearer {}", text(&token, "token"));
        let status = async |header: (&str, &str), method: &str, path: String| {
            let call = server.http.request(method.parse().expect("a method"), format!("{}{path}", server.url));
            let call = call.header(header.0, header.1).header("content-type", "application/json");
            let body = if method == "POST" { "{\"reason\":\"x\"}" } else { "" };
            let answer = call.body(body).send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.expect("a body"))
        };
        let reads = |paid: &Value, posted: &Value, card: &str| [
            format!("/authorizations/{}", text(paid, "_id")), format!("/authorizations/{}/decision", text(paid, "_id")),
            format!("/transactions/{}", text(posted, "_id")), format!("/cards/{card}/authorizations"),
            format!("/cards/{card}/transactions"), format!("/cards/{card}/limits"),
        ];
        for path in reads(&paid, &posted, &card) {
            assert_eq!(status(("authorization", &bearer), "GET", path.clone()).await.0, 200, "own {path}");
            assert_eq!(status(("x-api-key", &key), "GET", path.clone()).await.0, 404, "stranger {path}");
        }
        for path in reads(&foreign, &foreign_posted, &other) {
            assert_eq!(status(("authorization", &bearer), "GET", path.clone()).await.0, 404, "bound {path}");
        }
        for (path, own) in [("/authorizations", 2), ("/transactions", 1)] {
            let (code, body) = status(("authorization", &bearer), "GET", path.to_owned()).await;
            let body: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!((code, &body["meta"]["total"]), (200, &json!(own)), "{path}");
            let (_, body) = status(("x-api-key", &key), "GET", path.to_owned()).await;
            let body: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(body["meta"]["total"], 0, "{path}");
        }
        assert_eq!(status(("authorization", &bearer), "GET", "/exceptions".to_owned()).await.0, 403);
        let open = pay(&server, &card, json!(1), json!({})).await;
        for paid in [&open, &foreign] {
            let release = format!("/authorizations/{}/release", text(paid, "_id"));
            assert_eq!(status(("authorization", &bearer), "POST", release.clone()).await.0, 403, "bound tokens release nothing");
            assert_eq!(status(("x-api-key", &key), "POST", release).await.0, 404, "stranger");
        }
        for path in ["clear", "reverse", "expire"].map(|what| format!("/simulator/authorizations/{}/{what}", text(&open, "_id"))) {
            let call = server.http.post(format!("{}{path}", server.url)).header("x-api-key", &key);
            let call = call.header("content-type", "application/json").body("{}");
            assert_eq!(call.send().await.expect("an answer").status(), 404, "stranger {path}");
        }
    }

    async fn replay_finds_what_was_tampered_with(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let mut paid = Vec::new();
        for number in 1..=20 {
            paid.push(pay(&server, &card, json!(number), json!({"partialAllowed": number % 3 == 0})).await);
        }
        let open = format!("/simulator/authorizations/{}/increment", text(&paid[0], "_id"));
        server.post(&open, json!({"amount": 1})).await.expect(200);
        let replay = || {
            let output = world.command("replay").output().expect("paygen replay runs");
            (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let (code, received) = replay();
        assert_eq!(code, Some(0), "{received}");
        for (what, count) in [("authorizations", 20), ("decisions", 21), ("differing", 0), ("under another version", 0)] {
            let line = received.lines().find(|line| line.starts_with(what)).unwrap_or_default();
            assert_eq!(line.split_whitespace().last(), Some(count.to_string().as_str()), "{received}");
        }
        server.stop();
        let (victim, older) = (text(&paid[1], "_id"), text(&paid[2], "_id"));
        let change = |id: &str, from: &str, to: &str| {
            format!("UPDATE authorizations SET decided = replace(decided, '{from}', '{to}') WHERE id = {id}")
        };
        tamper(&world, &change(&literal(backend, older), "\"rules_version\":2", "\"rules_version\":0")).await;
        tamper(&world, &change(&literal(backend, older), "\"approved\":300", "\"approved\":299")).await;
        tamper(&world, &format!("UPDATE authorizations SET approved = 299 WHERE id = {}", literal(backend, older))).await;
        let (code, received) = replay();
        assert_eq!(code, Some(0), "other rules may decide otherwise: {received}");
        assert!(received.contains(older) && received.contains("rules version 0"), "{received}");
        tamper(&world, &change(&literal(backend, victim), "\"outcome\":\"approved\"", "\"outcome\":\"declined\"")).await;
        let (code, received) = replay();
        assert_eq!(code, Some(1), "{received}");
        let named = received.lines().find(|line| line.contains(victim)).unwrap_or_else(|| panic!("{received}"));
        assert!(named.contains("\"outcome\":\"declined\"") && named.contains("\"outcome\":\"approved\""), "{named}");
        assert!(!received.contains(text(&paid[3], "_id")), "{received}");
    }
}

fn literal(backend: Backend, id: &str) -> String {
    match backend {
        Backend::Sqlite => format!("x'{id}'"),
        Backend::Postgres => format!("'\\x{id}'::bytea"),
    }
}

async fn tamper(world: &World, sql: &str) {
    let Some(url) = &world.database_url else {
        let database = rusqlite::Connection::open(world.data_dir().join("paygen.sqlite")).expect("the database");
        assert_eq!(database.execute(sql, []).expect("a row is altered"), 1, "{sql}");
        return;
    };
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    let connection = tokio::spawn(connection);
    assert_eq!(client.execute(sql, &[]).await.expect("a row is altered"), 1, "{sql}");
    drop(client);
    let _ = connection.await;
}
