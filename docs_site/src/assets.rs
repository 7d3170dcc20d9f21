//! Styles, scripts, fonts and the reference viewer, embedded.

use paygen_edge::assets::{Assets, File};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "src/assets"]
struct Own;

/// Third-party files, unchanged; vendor/README.md lists their sources.
#[derive(RustEmbed)]
#[folder = "src/vendor"]
struct Vendored;

/// Loads all files.
pub fn load() -> Assets {
    let file = |name: String, file: rust_embed::EmbeddedFile| {
        let hash = file.metadata.sha256_hash();
        File { name, content: file.data.into_owned(), hash }
    };
    let own = Own::iter().filter_map(|name| Some(file(name.to_string(), Own::get(&name)?)));
    let vendored = Vendored::iter().filter_map(|name| Some(file(name.to_string(), Vendored::get(&name)?)));
    Assets::of("/docs/assets/", own.chain(vendored))
}
