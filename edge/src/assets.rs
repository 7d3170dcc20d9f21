//! Embedded styles, scripts, fonts and images: named after their hash so that browsers cache them for good.

/// An embedded file.
pub struct File {
    pub name: String,
    pub content: Vec<u8>,
    /// SHA-256 of the content.
    pub hash: [u8; 32],
}

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
    /// Files served below `root`, such as `/docs/assets/`. Files whose kind is not known are left out.
    pub fn of(root: &str, files: impl Iterator<Item = File>) -> Assets {
        let mut assets: Vec<(String, Asset)> = files
            .filter_map(|file| {
                let plain = file.name.strip_suffix(".gz").unwrap_or(&file.name).to_owned();
                let content_type = content_type(plain.rsplit_once('.')?.1)?;
                let path = path_of(root, &plain, &file.hash)?;
                let gzip = plain != file.name;
                Some((plain, Asset { path, content_type, gzip, content: file.content }))
            })
            .collect();
        let paths: Vec<(String, String)> =
            assets.iter().map(|(name, asset)| (name.clone(), asset.path.clone())).collect();
        // Styles and scripts refer to other files by their plain names.
        for (_, asset) in assets.iter_mut().filter(|(_, asset)| !asset.gzip && asset.content_type.starts_with("text/"))
        {
            let mut text = String::from_utf8_lossy(&asset.content).into_owned();
            for (name, path) in &paths {
                text = text.replace(&format!("{root}{name}"), path);
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

/// The path of a file below `root`, with part of its hash; `None` if its name has no ending.
pub fn path_of(root: &str, name: &str, hash: &[u8; 32]) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    Some(format!("{root}{stem}.{}.{extension}", hex(&hash[..6])))
}

fn content_type(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

/// Bytes in hexadecimal, as in file names and entity tags.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
