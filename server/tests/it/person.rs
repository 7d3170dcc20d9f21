//! Somebody who uses the console without scripts: follows links, fills forms in, keeps the cookie.

use std::collections::BTreeMap;

use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use serde_json::json;

use crate::world::Server;

/// The name of the session's cookie.
pub const COOKIE: &str = "__Host-paygen";

/// What was answered.
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// Where it came from, after redirects.
    pub path: String,
}

impl Page {
    /// The value of the first element with this name.
    pub fn value(&self, name: &str) -> String {
        let at = self.text.find(&format!("name=\"{name}\" value=\""));
        let rest = at.map_or("", |at| &self.text[at..]);
        let value = rest.split('"').nth(3).unwrap_or_default();
        value.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&")
    }

    /// The last part of its path: the id of the object that it shows.
    pub fn id(&self) -> String {
        self.path.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub fn says(&self, text: &str) {
        assert!(self.text.contains(text), "{} does not say {text:?}: {}", self.path, visible(&self.text));
    }
}

/// The text of a page without its markup, for messages of failed tests.
fn visible(html: &str) -> String {
    let main = html.split("<main").nth(1).unwrap_or(html);
    let mut inside = false;
    let text: String = main
        .chars()
        .filter(|c| {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                _ => return !inside,
            }
            false
        })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub struct Person {
    http: reqwest::Client,
    pub base: String,
    pub cookies: BTreeMap<String, String>,
}

impl Person {
    /// Somebody who is not signed in.
    pub fn stranger(base: &str) -> Person {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        Person { http: http.expect("an HTTP client"), base: base.to_owned(), cookies: BTreeMap::new() }
    }

    /// Opens a one-time link.
    pub async fn enter(link: &str) -> Person {
        let at = link.find("/console").expect("a link to the console");
        let mut person = Person::stranger(&link[..at]);
        let page = person.post(&link[at..], &[]).await;
        assert_eq!(page.status, 200, "{}", visible(&page.text));
        person
    }

    /// The owner of the sandbox.
    pub async fn owner(server: &Server) -> Person {
        Person::enter(&server.console_link()).await
    }

    /// A new user with this role.
    pub async fn with_role(server: &Server, base: &str, role: &str) -> Person {
        let email = format!("{role}@example.com");
        let body = json!({"email": email, "name": format!("The {role}"), "role": role});
        let added = server.post("/users", body).await;
        assert_eq!(added.status, 201, "{}", added.text);
        let link = added.data()["link"].as_str().expect("a link").to_owned();
        Person::enter(&format!("{base}{link}")).await
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// One request, without following.
    pub async fn send(&mut self, method: &str, path: &str, form: Option<&[(&str, &str)]>) -> Page {
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.base)).header("cookie", self.cookie());
        if let Some(form) = form {
            let mut body = url::form_urlencoded::Serializer::new(String::new());
            form.iter().for_each(|(name, value)| {
                body.append_pair(name, value);
            });
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body.finish());
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for line in headers.get_all(SET_COOKIE) {
            let pair = line.to_str().expect("text").split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let text = response.text().await.expect("a body");
        Page { status, headers, text, path: path.to_owned() }
    }

    /// Follows redirects.
    pub async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..5 {
            let Some(to) = page.headers.get(LOCATION) else { return page };
            let to = to.to_str().expect("text").to_owned();
            page = self.send("GET", &to, None).await;
        }
        panic!("{} redirects in a circle", page.path);
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let page = self.send("GET", path, None).await;
        self.follow(page).await
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        let page = self.send("POST", path, Some(form)).await;
        self.follow(page).await
    }

    /// Opens a form, fills it in and sends it. Fields that are not named are sent as they stand there.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let form = self.get(path).await;
        assert_eq!(form.status, 200, "{path}: {}", visible(&form.text));
        let hidden = ["csrf", "version", "once", "factor", "next"].map(|name| (name, form.value(name)));
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.extend(fields);
        let path = form.path.clone();
        self.post(&path, &all).await
    }
}
