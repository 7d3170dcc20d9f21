//! Styles, scripts, fonts and the reference viewer: embedded, and named after their hash so that browsers cache them
//! for good.

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "src/assets"]
struct Own;

/// Third-party files, unchanged; vendor/README.md lists their sources.
#[derive(RustEmbed)]
#[folder = "src/vendor"]
struct Vendored;

/// A file that pages refer to.
pub struct Asset {
    /// Its path on this server, with part of its hash.
    pub path: String,
    pub content_type: &'static str,
    /// Whether it is stored and sent compressed with gzip.
    pub gzip: bool,
    pub content: Vec<u8>,
}

pub struct Assets(Vec<(String, Asset)>);

impl Assets {
    /// Loads all files.
    pub fn load() -> Assets {
        let own = Own::iter().filter_map(|name| Some((name.to_string(), Own::get(&name)?)));
        let vendored = Vendored::iter().filter_map(|name| Some((name.to_string(), Vendored::get(&name)?)));
        let mut assets: Vec<(String, Asset)> = own
            .chain(vendored)
            .filter_map(|(name, file)| {
                let plain = name.strip_suffix(".gz").unwrap_or(&name);
                let (stem, extension) = plain.rsplit_once('.')?;
                let content_type = content_type(extension)?;
                let hash = hex(&file.metadata.sha256_hash()[..6]);
                let asset = Asset {
                    path: format!("/docs/assets/{stem}.{hash}.{extension}"),
                    content_type,
                    gzip: plain != name,
                    content: file.data.into_owned(),
                };
                Some((plain.to_owned(), asset))
            })
            .collect();
        let paths: Vec<(String, String)> =
            assets.iter().map(|(name, asset)| (name.clone(), asset.path.clone())).collect();
        // Styles and scripts refer to other files by their plain names.
        for (_, asset) in assets.iter_mut().filter(|(_, asset)| !asset.gzip && asset.content_type.starts_with("text/"))
        {
            let mut text = String::from_utf8_lossy(&asset.content).into_owned();
            for (name, path) in &paths {
                text = text.replace(&format!("/docs/assets/{name}"), path);
            }
            asset.content = text.into_bytes();
        }
        Assets(assets)
    }

    /// The path of a file by its plain name.
    pub fn path(&self, name: &str) -> &str {
        self.0.iter().find(|(plain, _)| plain == name).map_or("", |(_, asset)| asset.path.as_str())
    }

    pub fn into_assets(self) -> impl Iterator<Item = Asset> {
        self.0.into_iter().map(|(_, asset)| asset)
    }
}

fn content_type(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

/// Bytes in hexadecimal, as in file names and entity tags.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
