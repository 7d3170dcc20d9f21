//! The hosted page in a real browser: alone, framed by its origin, framed by another, with a used token; in both themes
//! and on a narrow screen.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::cards::{id, issued};
use crate::world::{Backend, Server, World};

/// A page token's URL, with the token in the fragment; and the token.
async fn page(server: &Server, card: &str, origin: Option<&str>) -> (String, String) {
    let mut body = json!({"purpose": "page"});
    if let Some(origin) = origin {
        body["origin"] = json!(origin);
    }
    let made = server.post(&format!("/cards/{card}/token"), body).await.expect(201).data();
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    (format!("{}{}", server.url, text("url")), text("token"))
}

async fn revealed(server: &Server, card: &str) -> Value {
    let token = server.post(&format!("/cards/{card}/token"), json!({})).await.expect(201).data();
    let token = token["token"].as_str().expect("a token");
    server.get(&format!("/cards/{card}/reveal?token={token}")).await.expect(200).data()
}

/// A page that frames the URL given in its own URL, and sends it the token once it is ready.
const FRAMING: &str = "<!doctype html><title>Shop</title><body>
<iframe id=frame title=Card width=400 height=400 allow=clipboard-write></iframe>
<script>
const received = [];
let loads = 0;
const [url, token] = location.hash.slice(1).split('|');
const frame = document.getElementById('frame');
frame.addEventListener('load', () => { loads += 1; });
addEventListener('message', (event) => {
  received.push(JSON.stringify(event.data));
  if (event.data.type === 'paygen.ready') event.source.postMessage({type: 'paygen.token', token}, event.origin);
});
frame.src = url;
</script>";

/// Another web site that serves that page; returns its origin.
fn web_site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://localhost:{}", listener.local_addr().expect("an address").port());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n";
            let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{FRAMING}", FRAMING.len());
        }
    });
    origin
}

const SHOWN_WAS_POSTED: &str =
    "typeof received === 'object' && received.some((message) => message.includes('paygen.shown'))";
const SHOWN: &str = "document.getElementById('details')?.hidden === false";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_in_the_fragment_shows_the_card_and_leaves_the_address() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let (_, _, card) = issued(&server, 0, json!({})).await;
    let card = id(&card);
    let expected = revealed(&server, card).await;
    let (url, token) = page(&server, card, None).await;
    let mut browser = Browser::start();
    browser.look(480, 480, false);
    browser.open(&format!("{url}#token={token}"));
    browser.wait_for(SHOWN);
    assert_eq!(browser.evaluate("location.href"), json!(url), "the token is gone from the address");
    assert_eq!(browser.evaluate("history.length").as_u64().map(|entries| entries <= 2), Some(true));
    let text =
        |browser: &mut Browser, id: &str| browser.evaluate(&format!("document.getElementById('{id}').textContent"));
    let number = text(&mut browser, "pan").as_str().expect("a number").replace(' ', "");
    assert!(expected["pan"] == number.as_str(), "it is the number");
    assert_eq!(text(&mut browser, "cvv"), expected["cvv"]);
    let month = expected["expiryMonth"].as_i64().expect("a month");
    let year = expected["expiryYear"].as_i64().expect("a year") % 100;
    assert_eq!(text(&mut browser, "expiry"), json!(format!("{month:02}/{year:02}")));

    // Nothing is cut off, even on a narrow screen.
    for (name, width, height, dark) in [
        ("light", 480, 480, false),
        ("dark", 480, 480, true),
        ("narrow-light", 320, 560, false),
        ("narrow-dark", 320, 560, true),
    ] {
        browser.look(width, height, dark);
        let fits = "document.documentElement.scrollWidth <= innerWidth && \
                    [...document.querySelectorAll('.digits')].every((e) => e.scrollWidth <= e.parentElement.clientWidth)";
        assert_eq!(browser.evaluate(fits), true, "{name}: it fits");
        assert!(browser.screenshot(&format!("page-{name}")).len() > 1000);
    }
    let grounds: Vec<Value> = [false, true]
        .into_iter()
        .map(|dark| {
            browser.look(480, 480, dark);
            browser.evaluate("getComputedStyle(document.body).backgroundColor")
        })
        .collect();
    assert_ne!(grounds[0], grounds[1], "dark is dark");

    let copied = browser.evaluate(
        "(async () => { const button = document.querySelector('[data-copy=pan]'); let text = '';
          navigator.clipboard.writeText = async (given) => { text = given; };
          button.click(); await new Promise((done) => setTimeout(done, 50)); return [text, button.textContent]; })()",
    );
    assert!(copied[0] == expected["pan"] && copied[1] == "Copied", "the number is copied without spaces");

    browser.evaluate("document.getElementById('hide').click()");
    assert_eq!(browser.evaluate(&format!("document.documentElement.innerHTML.includes('{}')", &number[4..8])), false);
    assert_eq!(text(&mut browser, "pan"), json!(""));

    browser.open("about:blank");
    browser.open(&format!("{url}#token={token}"));
    browser.wait_for("document.getElementById('status')?.classList.contains('wrong') === true");
    let received = text(&mut browser, "status");
    let received = received.as_str().expect("text");
    assert!(received.contains("used") && !received.contains("rvl_"), "{received}");
    assert_eq!(browser.evaluate("document.getElementById('details').hidden"), true);
    browser.look(480, 320, false);
    browser.screenshot("page-used");

    browser.new_page();
    browser.open(&url);
    browser.wait_for("document.getElementById('status')?.classList.contains('wrong') === true");
    assert!(text(&mut browser, "status").as_str().is_some_and(|received| received.contains("no token")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_its_origin_frames_the_page() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let (_, _, card) = issued(&server, 0, json!({})).await;
    let card = id(&card);
    let number = revealed(&server, card).await["pan"].as_str().expect("a number").to_owned();
    let mut browser = Browser::start();
    browser.look(640, 560, false);

    let (shop, thief) = (web_site(), web_site());
    let (url, token) = page(&server, card, Some(&shop)).await;
    browser.open(&format!("{shop}#{url}|{token}"));
    browser.wait_for(SHOWN_WAS_POSTED);
    let received = browser.evaluate("received.join()");
    assert!(!received.to_string().contains(&number), "the framing page receives the progress, never the number");
    browser.screenshot("page-framed");
    // The frame has the size given in the guide.
    let guide = std::fs::read_to_string(crate::guides::directory().join("reveal.md")).expect("the guide");
    assert!(guide.contains("width=\"400\" height=\"400\""));
    let height = "received.map((one) => JSON.parse(one)).filter((one) => one.type === 'paygen.resized').at(-1).height";
    let height = browser.evaluate(height).as_u64().expect("a height");
    assert!((300..=400).contains(&height), "{height}: all of it is seen");

    // Framed by another site, or without an origin in its URL, the browser shows nothing of it.
    for origin in [Some(shop.as_str()), None] {
        let (url, token) = page(&server, card, origin).await;
        browser.new_page();
        browser.open(&format!("{thief}#{url}|{token}"));
        browser.wait_for("typeof loads === 'number' && loads > 0");
        browser.screenshot(if origin.is_some() { "page-thief" } else { "page-no-origin" });
        assert_eq!(browser.evaluate("received.length"), 0, "{origin:?}");
        // Its token is unused: the framed page never ran. A token is used once.
        browser.new_page();
        match origin {
            Some(_) => {
                browser.open(&format!("{shop}#{url}|{token}"));
                browser.wait_for(SHOWN_WAS_POSTED);
            }
            None => {
                browser.open(&format!("{url}#token={token}"));
                browser.wait_for(SHOWN);
            }
        }
    }
}
