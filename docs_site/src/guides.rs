//! The guides: Markdown files of docs/guides, embedded in the binary.

use rust_embed::RustEmbed;

use super::assets;
use super::markdown::{self, Heading};

#[derive(RustEmbed)]
#[folder = "../docs/guides"]
struct Files;

/// The groups, in the order of the navigation.
pub const GROUPS: &[&str] =
    &["Get started", "Core concepts", "Cards and spending", "Events and webhooks", "Building and testing", "Operating"];

/// A rendered guide.
pub struct Guide {
    /// The last part of its path.
    pub slug: String,
    pub title: String,
    /// A one-sentence summary.
    pub description: String,
    /// Its group in the navigation.
    pub group: String,
    /// Its position among all guides.
    pub order: i64,
    /// The Markdown source.
    pub source: String,
    /// The body as HTML.
    pub html: String,
    /// The headings below the title.
    pub headings: Vec<Heading>,
    /// The text of its sections, for the search.
    pub sections: Vec<markdown::Section>,
}

impl Guide {
    /// Its path on this server.
    pub fn path(&self) -> String {
        format!("/docs/guides/{}", self.slug)
    }
}

/// All guides in order.
pub fn all() -> Vec<Guide> {
    let mut guides: Vec<Guide> = Files::iter()
        .filter_map(|path| {
            let slug = path.strip_suffix(".md").filter(|slug| !slug.contains('/') && *slug != "README")?.to_owned();
            Some(read(slug, text(&path)?))
        })
        .collect();
    let group = |guide: &Guide| GROUPS.iter().position(|group| *group == guide.group).unwrap_or(GROUPS.len());
    guides.sort_by_cached_key(|guide| (group(guide), guide.order, guide.slug.clone()));
    guides
}

fn text(path: &str) -> Option<String> {
    Files::get(path).map(|file| String::from_utf8_lossy(&file.data).into_owned())
}

fn read(slug: String, source: String) -> Guide {
    let (front, body) = front_matter(&source);
    let value = |name: &str| {
        let line = front.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim().trim_matches('"').to_owned()
    };
    let file = |path: &str| match path.strip_prefix("../pictures/") {
        Some(name) => assets::picture(name),
        None => text(path),
    };
    let page = markdown::render(body, &file);
    Guide {
        title: value("title"),
        description: value("description"),
        group: value("group"),
        order: value("order").parse().unwrap_or(i64::MAX),
        html: page.html,
        headings: page.headings,
        sections: page.sections,
        source,
        slug,
    }
}

/// The front matter between the first two `---`, and the rest.
fn front_matter(source: &str) -> (&str, &str) {
    let parts = source.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
    parts.unwrap_or(("", source))
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, all};

    #[test]
    fn every_guide_says_what_it_is() {
        let guides = all();
        assert!(!guides.is_empty());
        for guide in &guides {
            assert!(!guide.title.is_empty() && !guide.description.is_empty(), "{}: title, description", guide.slug);
            assert!(GROUPS.contains(&guide.group.as_str()), "{}: its group {:?} is not one", guide.slug, guide.group);
            assert!(guide.order < i64::MAX, "{}: order", guide.slug);
        }
    }
}
