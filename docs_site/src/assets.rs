//! Styles, scripts, fonts and the reference viewer, embedded.

use paygen_edge::assets::{Assets, File, path_of};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "src/assets"]
struct Own;

/// Third-party files, unchanged; vendor/README.md lists their sources.
#[derive(RustEmbed)]
#[folder = "src/vendor"]
struct Vendored;

/// Pictures of guides and of the README.
#[derive(RustEmbed)]
#[folder = "../docs/pictures"]
struct Pictures;

const ROOT: &str = "/docs/assets/";

/// The path of a picture by its name.
pub fn picture(name: &str) -> Option<String> {
    path_of(ROOT, name, &Pictures::get(name)?.metadata.sha256_hash())
}

/// Loads all files.
pub fn load() -> Assets {
    let file = |name: String, file: rust_embed::EmbeddedFile| {
        let hash = file.metadata.sha256_hash();
        File { name, content: file.data.into_owned(), hash }
    };
    let own = Own::iter().filter_map(|name| Some(file(name.to_string(), Own::get(&name)?)));
    let vendored = Vendored::iter().filter_map(|name| Some(file(name.to_string(), Vendored::get(&name)?)));
    let pictures = Pictures::iter().filter_map(|name| Some(file(name.to_string(), Pictures::get(&name)?)));
    Assets::of(ROOT, own.chain(vendored).chain(pictures))
}
