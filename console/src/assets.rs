//! Styles, scripts, font and logo, embedded.

use std::collections::HashMap;

use aws_lc_rs::digest;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
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
    files: HashMap<String, Asset>,
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
        Served { files: assets.into_assets().map(|asset| (asset.path.clone(), asset)).collect(), paths }
    }

    pub(crate) fn answer(&self, path: &str) -> Response {
        let Some(asset) = self.files.get(path) else { return StatusCode::NOT_FOUND.into_response() };
        let fixed = HeaderValue::from_static;
        let headers = [
            (header::CONTENT_TYPE, fixed(asset.content_type)),
            (header::CACHE_CONTROL, fixed("public, max-age=31536000, immutable")),
            (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        ];
        (headers, asset.content.clone()).into_response()
    }
}
