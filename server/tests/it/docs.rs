//! Every page of the docs site: its HTML is valid, every link resolves, no page is too large, and nothing is loaded
//! from other hosts.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

use crate::guides;
use crate::world::{Backend, Server, World};

const LARGEST: usize = 300 * 1024;

const VOID: &[&str] = &["meta", "link", "img", "br", "hr", "input", "path", "rect", "circle", "line"];

/// What a page contains.
#[derive(Default)]
struct Page {
    faults: RefCell<Vec<String>>,
    open: RefCell<Vec<String>>,
    ids: RefCell<BTreeSet<String>>,
    links: RefCell<BTreeSet<String>>,
    headings: Cell<usize>,
}

impl Page {
    fn read(html: &str) -> Page {
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(html));
        let options = TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() };
        let tokenizer = Tokenizer::new(Page::default(), options);
        while !matches!(tokenizer.feed(&input), html5ever::TokenizerResult::Done) {}
        tokenizer.end();
        let page = tokenizer.sink;
        let open = page.open.take();
        if !open.is_empty() {
            page.fault(format!("never closed: {open:?}"));
        }
        page
    }

    fn fault(&self, fault: String) {
        self.faults.borrow_mut().push(fault);
    }
}

impl TokenSink for Page {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        match token {
            Token::ParseError(why) => self.fault(why.into_owned()),
            Token::TagToken(tag) => {
                let name = tag.name.to_string();
                let value = |wanted: &str| {
                    tag.attrs.iter().find(|one| &*one.name.local == wanted).map(|one| one.value.to_string())
                };
                if tag.kind == TagKind::EndTag {
                    let open = self.open.borrow_mut().pop();
                    if open.as_deref() != Some(&name) {
                        self.fault(format!("</{name}> closes {open:?}"));
                    }
                    return TokenSinkResult::Continue;
                }
                if !tag.self_closing && !VOID.contains(&name.as_str()) {
                    self.open.borrow_mut().push(name.clone());
                }
                if name == "h1" {
                    self.headings.set(self.headings.get() + 1);
                }
                if name == "img" && value("alt").is_none_or(|alt| alt.is_empty()) {
                    self.fault("an image without alt".to_owned());
                }
                if value("style").is_some() || tag.attrs.iter().any(|one| one.name.local.starts_with("on")) {
                    self.fault(format!("<{name}> has a style or a script of its own, which the policy forbids"));
                }
                if let Some(id) = value("id")
                    && !self.ids.borrow_mut().insert(id.clone())
                {
                    self.fault(format!("the id {id} stands twice"));
                }
                self.links.borrow_mut().extend(value("href").into_iter().chain(value("src")));
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

async fn paths(server: &Server) -> Vec<String> {
    let mut paths: Vec<String> = ["/docs", "/docs/guides", "/docs/api", "/docs/errors"].map(str::to_owned).into();
    let slug =
        |path: std::path::PathBuf| format!("/docs/guides/{}", path.file_stem().expect("a name").to_string_lossy());
    paths.extend(guides::files().into_iter().map(slug));
    let errors = Page::read(&server.get("/docs/errors").await.expect(200).text).links.take();
    paths.extend(errors.into_iter().filter(|link| link.starts_with("/docs/errors/")));
    paths
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_sound_and_every_link_leads_somewhere() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let mut pages = BTreeMap::new();
    for path in paths(&server).await {
        let reply = server.get(&path).await.expect(200);
        let policy = reply.header("content-security-policy").expect("a policy").to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{path}: {policy}");
        assert!(!policy.contains("http"), "{path}: {policy}");
        assert!(reply.text.len() <= LARGEST, "{path} has {} bytes", reply.text.len());
        pages.insert(path, Page::read(&reply.text));
    }
    assert!(pages.len() > 60, "every code has its page");
    let mut faults = Vec::new();
    let mut files = BTreeSet::new();
    for (path, page) in &pages {
        faults.extend(page.faults.borrow().iter().map(|fault| format!("{path}: {fault}")));
        if page.headings.get() != 1 {
            faults.push(format!("{path}: {} first headings", page.headings.get()));
        }
        for link in page.links.borrow().iter() {
            let (to, anchor) = link.split_once('#').map_or((link.as_str(), None), |(to, anchor)| (to, Some(anchor)));
            let to = if to.is_empty() { path } else { to };
            match (pages.get(to), anchor) {
                (Some(target), Some(anchor)) if anchor != "main" && !target.ids.borrow().contains(anchor) => {
                    faults.push(format!("{path}: {link} names no place of that page"));
                }
                (None, _) if to.starts_with('/') => drop(files.insert(to.to_owned())),
                (None, _) if !to.starts_with("https://") => faults.push(format!("{path}: {link} is no address")),
                _ => {}
            }
        }
    }
    for file in files {
        let status = server.get(&file).await.status;
        if status != 200 {
            faults.push(format!("{file}: {status}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_knows_every_call_and_errors_lead_to_their_pages() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let ids = Page::read(&server.get("/docs/api").await.expect(200).text).ids.take();
    let contract = server.get("/openapi.json").await.expect(200).json();
    for item in contract["paths"].as_object().expect("paths").values() {
        for operation in item.as_object().expect("operations").values() {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.contains(id), "{id}");
        }
    }
    let missing = server.get("/accounts/665f1c4f4a4f4a4f4a4f4a4f").await.expect(404).json();
    let page = missing["error"]["docs"].as_str().expect("a link");
    let page = page.strip_prefix(&server.url).expect("under the address that was called");
    assert!(server.get(page).await.expect(200).text.contains("account_not_found"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_root_leads_people_and_programs_to_the_documentation() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let html = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let led = browser.get(&server.url).header("accept", html).send().await.expect("an answer");
    assert_eq!((led.status().as_u16(), led.headers()["location"].as_bytes()), (307, &b"/docs"[..]));
    let received = server.http.get(&server.url).send().await.expect("an answer");
    assert_eq!(received.status(), 200);
    let received: serde_json::Value = serde_json::from_str(&received.text().await.expect("a text")).expect("JSON");
    assert_eq!(received["data"]["docs"], format!("{}/docs", server.url));
    assert_eq!(received["data"]["contract"], format!("{}/openapi.json", server.url));
    let icon = server.get("/favicon.ico").await.expect(200);
    assert_eq!(icon.header("content-type"), Some("image/svg+xml"));
    assert!(icon.text.contains("<svg"), "{}", icon.text);
    let unknown = server.get("/acounts?secret=1").await.expect(404).json();
    assert_eq!(unknown["message"], "Unknown path: /acounts. Did you mean /accounts?");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_docs_there_is_no_site_and_no_contract() {
    let world = World::new(Backend::Sqlite).await;
    let mut command = world.command("dev");
    command.env("PAYGEN_DOCS", "false");
    let server = Server::start(command, &world.data_dir()).await;
    for path in ["/", "/docs", "/docs/api", "/openapi.json", "/llms.txt", "/favicon.ico"] {
        let refused = server.get(path).await.expect(404);
        assert_eq!(refused.code(), "route_not_found", "{path}");
        assert_eq!(refused.json()["error"].get("docs"), None, "no link to a page that does not exist");
    }
    server.get("/accounts").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_kept_by_browsers_and_pages_asked_for_again() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let home = server.get("/docs").await.expect(200);
    assert_eq!(home.header("cache-control"), Some("no-cache"));
    let tag = home.header("etag").expect("an ETag").to_owned();
    let again = server.request("GET", "/docs").header("if-none-match", &tag).send().await.expect(304);
    assert!(again.text.is_empty());
    let links = Page::read(&home.text).links.take();
    let style = links.iter().find(|link| link.ends_with(".css")).expect("a style");
    let style = server.get(style).await.expect(200);
    assert!(style.header("cache-control").is_some_and(|cache| cache.contains("immutable")));
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    let missing = server.get("/docs/guides/nothing-here").await.expect(404);
    assert!(missing.text.contains("There is no such page"), "{}", missing.text);
    let raw = server.get("/docs/guides/quickstart.md").await.expect(200);
    assert!(raw.text.starts_with("---\n"), "the Markdown as it was written");
    for path in ["/llms.txt", "/docs/llms.txt"] {
        let text = server.get(path).await.expect(200).text;
        assert!(text.starts_with("# Paygen\n") && text.contains("/docs/guides/quickstart.md"), "{text}");
    }
    let index = server.get("/docs/search.json").await.expect(200).json();
    let entries = index.as_array().expect("entries");
    let leads = |to: &str| entries.iter().any(|entry| entry["href"] == to);
    assert!(
        leads("/docs/guides/quickstart") && leads("/docs/api#createCard") && leads("/docs/errors/insufficient_funds")
    );
}
