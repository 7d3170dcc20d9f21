//! The frame of every page: head, top bar, navigation, table of contents, footer.

use std::fmt::Write;

use super::escape;
use super::guides::{GROUPS, Guide};
use super::markdown::Heading;
use paygen_edge::assets::Assets;

/// The tabs of the top bar.
#[derive(Clone, Copy, PartialEq)]
pub enum Tab {
    None,
    Guides,
    Reference,
}

/// A page to render.
pub struct Page<'a> {
    /// The title of the browser's tab.
    pub title: &'a str,
    /// For search engines and link previews.
    pub description: &'a str,
    /// The active tab.
    pub tab: Tab,
    /// Its own path, to be marked in the navigation.
    pub path: &'a str,
    /// The main content, HTML.
    pub main: String,
    /// For the table of contents.
    pub headings: &'a [Heading],
    /// Whether the guides' navigation is shown.
    pub nav: bool,
}

/// Renders pages into the frame.
pub struct Shell {
    head: String,
    search: String,
    /// The navigation: groups, and their entries of path and title.
    nav: Vec<(String, Vec<(String, String)>)>,
}

impl Shell {
    pub fn new(assets: &Assets, guides: &[Guide]) -> Shell {
        let head = format!(
            "<link rel=\"icon\" href=\"{}\" type=\"image/svg+xml\">\
             <link rel=\"preload\" href=\"{}\" as=\"font\" type=\"font/woff2\" crossorigin>\
             <link rel=\"stylesheet\" href=\"{}\"><script src=\"{}\"></script><script src=\"{}\" defer></script>",
            assets.path("logo.svg"),
            assets.path("inter.woff2"),
            assets.path("docs.css"),
            assets.path("theme.js"),
            assets.path("docs.js"),
        );
        let search = format!("data-minisearch=\"{}\" data-index=\"/docs/search.json\"", assets.path("minisearch.js"));
        let mut nav: Vec<(String, Vec<(String, String)>)> = GROUPS
            .iter()
            .map(|group| {
                let of_group = guides.iter().filter(|guide| guide.group == *group);
                ((*group).to_owned(), of_group.map(|guide| (guide.path(), guide.title.clone())).collect())
            })
            .collect();
        nav.push((
            "Reference".to_owned(),
            vec![
                ("/docs/api".to_owned(), "API Reference".to_owned()),
                ("/docs/errors".to_owned(), "Error codes".to_owned()),
            ],
        ));
        nav.retain(|(_, entries)| !entries.is_empty());
        Shell { head, search, nav }
    }

    /// The whole page.
    pub fn render(&self, page: &Page) -> String {
        let title = if page.path == "/docs" { page.title.to_owned() } else { format!("{} · Paygen Docs", page.title) };
        let current = |tab: Tab| if page.tab == tab { " aria-current=\"true\"" } else { "" };
        let layout = match (page.nav, page.tab) {
            (true, _) => "with-nav",
            (false, Tab::Reference) => "reference",
            (false, _) => "plain",
        };
        // The reference viewer brings a banner of its own.
        let bar = match layout {
            "reference" => "div class=\"top\" role=\"region\" aria-label=\"Paygen Docs\"",
            _ => "header class=\"top\"",
        };
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"description\" content=\"{}\"><meta name=\"color-scheme\" content=\"light dark\">{}</head>\n\
             <body class=\"{layout}\"><a class=\"skip\" href=\"#main\">Skip to content</a>\n\
             <{bar}><div class=\"top-inner\"><a class=\"brand\" href=\"/docs\" aria-label=\"Paygen Docs\">{LOGO}<span>Paygen</span><em>Docs</em></a>\
             <nav class=\"tabs\" aria-label=\"Sections\"><a href=\"/docs/guides\"{}>Guides</a><a href=\"/docs/api\"{}>API Reference</a></nav>\
             <div class=\"tools\"><button type=\"button\" class=\"find needs-js\" {} aria-label=\"Search\" aria-haspopup=\"dialog\">{GLASS}<span>Search</span><kbd>/</kbd></button>\
             <button type=\"button\" class=\"theme needs-js\" aria-label=\"Switch between dark and light\">{SUN}{MOON}</button></div></div></{}>\n",
            escape(&title),
            escape(page.description),
            self.head,
            current(Tab::Guides),
            current(Tab::Reference),
            self.search,
            bar.split(' ').next().unwrap_or_default(),
        );
        if page.nav {
            let nav = self.nav_of(page.path);
            let _ = write!(
                html,
                "<details class=\"menu\"><summary>Menu</summary><nav aria-label=\"Guides, small\">{nav}</nav></details>\n\
                 <div class=\"frame\"><div class=\"side\"><nav aria-label=\"Guides\">{nav}</nav></div>\n<main id=\"main\">{}</main>\n{}</div>",
                page.main,
                contents(page.headings)
            );
        } else {
            // The viewer of the reference brings a main part and a banner of its own, which stand in no other part.
            let part = if layout == "reference" { "div" } else { "main" };
            let _ = write!(html, "<{part} id=\"main\">{}</{part}>", page.main);
        }
        if layout != "reference" {
            html.push_str(FOOT);
        }
        html.push_str("</body></html>\n");
        html
    }

    fn nav_of(&self, path: &str) -> String {
        let mut html = String::new();
        for (group, entries) in &self.nav {
            let _ = write!(html, "<p>{}</p><ul>", escape(group));
            for (to, title) in entries {
                let current = if to == path { " aria-current=\"page\"" } else { "" };
                let _ = write!(html, "<li><a href=\"{to}\"{current}>{}</a></li>", escape(title));
            }
            html.push_str("</ul>");
        }
        html
    }
}

fn contents(headings: &[Heading]) -> String {
    let shown: Vec<&Heading> = headings.iter().filter(|heading| heading.level <= 3).collect();
    if shown.len() < 2 {
        return "<div class=\"toc\"></div>".to_owned();
    }
    let mut html = "<div class=\"toc\"><nav aria-label=\"On this page\"><p>On this page</p><ul>".to_owned();
    for heading in shown {
        let (level, id, text) = (heading.level, &heading.id, escape(&heading.text));
        let _ = write!(html, "<li class=\"level-{level}\"><a href=\"#{id}\">{text}</a></li>");
    }
    html + "</ul></nav></div>"
}

const FOOT: &str = "<footer class=\"foot\"><p>Paygen is open source under Apache-2.0. This page comes from your own server.</p>\
    <p><a href=\"/openapi.json\">openapi.json</a><a href=\"/docs/llms.txt\">llms.txt</a><a href=\"/docs/errors\">Error codes</a></p></footer>";

const LOGO: &str = "<svg class=\"logo\" viewBox=\"0 0 24 24\" aria-hidden=\"true\"><rect width=\"24\" height=\"24\" rx=\"6\" fill=\"var(--accent-solid)\"/>\
    <path d=\"M5 9.5A2.5 2.5 0 0 1 7.5 7h9A2.5 2.5 0 0 1 19 9.5v5a2.5 2.5 0 0 1-2.5 2.5h-9A2.5 2.5 0 0 1 5 14.5z\" fill=\"none\" stroke=\"#fff\" stroke-width=\"1.6\"/>\
    <path d=\"M5 10.6h14M8 14h3\" stroke=\"#fff\" stroke-width=\"1.6\" stroke-linecap=\"round\"/></svg>";
const GLASS: &str = "<svg viewBox=\"0 0 16 16\" aria-hidden=\"true\"><circle cx=\"7\" cy=\"7\" r=\"4.5\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\"/>\
    <path d=\"m10.5 10.5 3 3\" stroke=\"currentColor\" stroke-width=\"1.5\" stroke-linecap=\"round\"/></svg>";
const SUN: &str = "<svg class=\"sun\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><circle cx=\"8\" cy=\"8\" r=\"3\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\"/>\
    <path d=\"M8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1\" stroke=\"currentColor\" stroke-width=\"1.5\" stroke-linecap=\"round\"/></svg>";
const MOON: &str = "<svg class=\"moon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1z\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\" stroke-linejoin=\"round\"/></svg>";
