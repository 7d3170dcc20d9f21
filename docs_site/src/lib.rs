//! The docs site under `/docs`: guides, error codes and the API reference, served by the binary itself.
//!
//! All pages are rendered together on the first request and then kept in memory. Pages load nothing from other hosts;
//! their content security policy forbids it.

pub mod assets;
pub mod callers;
pub mod catalogue;
pub mod guides;
pub mod highlight;
pub mod markdown;
pub mod pages;
pub mod samples;
pub mod search;
pub mod shell;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::OriginalUri;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use paygen_edge::budget::Uncounted;

/// A file or page as it is served.
struct Served {
    content_type: &'static str,
    content: Bytes,
    etag: HeaderValue,
    policy: &'static str,
    gzip: bool,
    /// Whether it can be cached for good, because its name changes with its content.
    is_immutable: bool,
}

/// Pages may run this site's scripts and styles and call this server, nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The reference viewer adds inline styles and creates images and workers from blobs.
const REFERENCE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The path of the page that answers unknown paths.
const MISSING: &str = "404";

/// The routes of the site. `contract` renders the OpenAPI document.
pub fn router<S: Clone + Send + Sync + 'static>(contract: impl FnOnce() -> Bytes + Send + 'static) -> Router<S> {
    let site: Arc<LazyLock<HashMap<String, Served>, _>> = Arc::new(LazyLock::new(move || build(&contract())));
    let serve = move |OriginalUri(uri): OriginalUri, headers: HeaderMap| {
        let site = site.clone();
        async move { answer(&site, uri.path(), &headers) }
    };
    Router::new()
        .route("/docs", get(serve.clone()))
        .route("/docs/", get(|| async { Redirect::permanent("/docs") }))
        .route("/docs/{*path}", get(serve.clone()))
        .route("/llms.txt", get(serve))
        .route("/favicon.ico", get(favicon))
}

/// The logo; browsers request it from the root.
async fn favicon() -> Response {
    let fixed = HeaderValue::from_static;
    let headers =
        [(header::CONTENT_TYPE, fixed("image/svg+xml")), (header::CACHE_CONTROL, fixed("public, max-age=86400"))];
    (headers, include_str!("assets/logo.svg")).into_response()
}

fn answer(site: &HashMap<String, Served>, path: &str, headers: &HeaderMap) -> Response {
    let (status, served) = match site.get(path) {
        Some(served) => (StatusCode::OK, served),
        None => match site.get(MISSING) {
            Some(served) => (StatusCode::NOT_FOUND, served),
            None => return StatusCode::NOT_FOUND.into_response(),
        },
    };
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == served.etag);
    let mut response = if known && status == StatusCode::OK {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (status, [(header::CONTENT_TYPE, served.content_type)], served.content.clone()).into_response()
    };
    let fixed = HeaderValue::from_static;
    response.extensions_mut().insert(Uncounted);
    let cache = if served.is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let answer = response.headers_mut();
    answer.insert(header::ETAG, served.etag.clone());
    answer.insert(header::CACHE_CONTROL, fixed(cache));
    answer.insert(header::CONTENT_SECURITY_POLICY, fixed(served.policy));
    answer.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    answer.insert(header::REFERRER_POLICY, fixed("same-origin"));
    answer.insert(HeaderName::from_static("cross-origin-opener-policy"), fixed("same-origin"));
    if served.gzip && !known {
        answer.insert(header::CONTENT_ENCODING, fixed("gzip"));
    }
    response
}

/// Everything the site serves, by path.
fn build(contract: &[u8]) -> HashMap<String, Served> {
    let contract = serde_json::from_slice(contract).unwrap_or_default();
    let assets = assets::load();
    let guides = guides::all();
    let shell = shell::Shell::new(&assets, &guides);
    let operations = search::operations(&contract);
    let mut site = HashMap::new();
    let mut add = |path: String, content_type, policy, content: String| {
        site.insert(path, served(content_type, policy, content.into_bytes(), false, false));
    };
    const HTML: &str = "text/html; charset=utf-8";
    const TEXT: &str = "text/plain; charset=utf-8";
    for (number, guide) in guides.iter().enumerate() {
        let before = number.checked_sub(1).and_then(|number| guides.get(number));
        let page = pages::guide(&shell, guide, before, guides.get(number + 1));
        add(guide.path(), HTML, POLICY, page);
        add(format!("{}.md", guide.path()), "text/markdown; charset=utf-8", POLICY, guide.source.clone());
    }
    for code in catalogue::CODES {
        add(
            format!("/docs/errors/{}", code.code),
            HTML,
            POLICY,
            pages::error(&shell, code, &callers::of(code, &contract, &operations)),
        );
    }
    add("/docs".to_owned(), HTML, POLICY, pages::home(&shell, &guides));
    add("/docs/guides".to_owned(), HTML, POLICY, pages::guides(&shell, &guides));
    add("/docs/errors".to_owned(), HTML, POLICY, pages::errors(&shell));
    add("/docs/api".to_owned(), HTML, REFERENCE_POLICY, pages::reference(&shell, &assets, &operations));
    add(MISSING.to_owned(), HTML, POLICY, pages::missing(&shell));
    add("/docs/search.json".to_owned(), "application/json", POLICY, search::index(&guides, &operations));
    let llms = search::llms(&guides, &operations);
    add("/docs/llms.txt".to_owned(), TEXT, POLICY, llms.clone());
    add("/llms.txt".to_owned(), TEXT, POLICY, llms);
    for asset in assets.into_assets() {
        let file = served(asset.content_type, POLICY, asset.content, asset.gzip, true);
        site.insert(asset.path, file);
    }
    site
}

fn served(
    content_type: &'static str,
    policy: &'static str,
    content: Vec<u8>,
    gzip: bool,
    is_immutable: bool,
) -> Served {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &content);
    let tag = paygen_edge::assets::hex(&digest.as_ref()[..8]);
    let etag = HeaderValue::from_str(&format!("\"{tag}\"")).unwrap_or(HeaderValue::from_static("\"0\""));
    Served { content_type, content: content.into(), etag, policy, gzip, is_immutable }
}

/// Escapes text for HTML, attributes included.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
