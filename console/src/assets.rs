//! Styles, scripts, font and logo, embedded.

use std::collections::HashMap;
use std::io::Write;

use aws_lc_rs::digest;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use paygen_edge::assets::{Asset, Assets, File};
use rust_embed::RustEmbed;

use crate::view;

#[derive(RustEmbed)]
#[folder = "src/assets"]
struct Own;

/// The font is the docs site's.
const FONT: &[u8] = include_bytes!("../../docs_site/src/vendor/inter.woff2");

/// The files by their path, and the paths that pages refer to.
pub(crate) struct Served {
    files: HashMap<String, (Asset, Option<Vec<u8>>)>,
    pub(crate) paths: view::Assets,
}

impl Served {
    pub(crate) fn load() -> Served {
        let file = |name: String, file: rust_embed::EmbeddedFile| {
            let hash = file.metadata.sha256_hash();
            File { name, content: file.data.into_owned(), hash }
        };
        let own = Own::iter().filter_map(|name| Some(file(name.to_string(), Own::get(&name)?)));
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, FONT).as_ref());
        let font = File { name: "inter.woff2".to_owned(), content: FONT.to_vec(), hash };
        let assets = Assets::of("/console/assets/", own.chain([font]));
        let path = |name: &str| assets.path(name).to_owned();
        let paths = view::Assets {
            css: path("console.css"),
            js: path("console.js"),
            theme: path("theme.js"),
            passkey: path("passkey.js"),
            logo: path("logo.svg"),
        };
        let file = |asset: Asset| {
            let gzipped = asset.content_type.starts_with("text/").then(|| gzip(&asset.content)).flatten();
            (asset.path.clone(), (asset, gzipped))
        };
        Served { files: assets.into_assets().map(file).collect(), paths }
    }

    /// A file, compressed where the browser takes it. Pages are not: the length of a compressed page would tell what
    /// repeats in it, and each has the token of its forms.
    pub(crate) fn answer(&self, path: &str, accepted: &HeaderMap) -> Response {
        let Some((asset, gzipped)) = self.files.get(path) else { return StatusCode::NOT_FOUND.into_response() };
        let fixed = HeaderValue::from_static;
        let headers = [
            (header::CONTENT_TYPE, fixed(asset.content_type)),
            (header::CACHE_CONTROL, fixed("public, max-age=31536000, immutable")),
            (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        ];
        let accepts = accepted.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match gzipped.as_ref().filter(|_| accepts.contains("gzip")) {
            Some(gzipped) => {
                let encoding = [(header::CONTENT_ENCODING, fixed("gzip")), (header::VARY, fixed("accept-encoding"))];
                (headers, encoding, gzipped.clone()).into_response()
            }
            None => (headers, asset.content.clone()).into_response(),
        }
    }
}

fn gzip(content: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).ok()?;
    encoder.finish().ok()
}
