//! Markdown to HTML: comrak parses; headings, code, tables, callouts and diagrams are rendered in the site's own style.

use std::fmt::Write;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Anchorizer, Arena, Options, format_html, parse_document};

use super::escape;
use super::highlight::highlight;
use super::samples::{self, Language, Request};

/// A heading below the title.
pub struct Heading {
    /// 2 or 3.
    pub level: u8,
    pub id: String,
    pub text: String,
}

/// The text below a heading, without code and markup.
pub struct Section {
    /// The heading's anchor; empty before the first heading.
    pub id: String,
    /// The heading's text; empty before the first heading.
    pub heading: String,
    pub text: String,
}

pub struct Rendered {
    pub html: String,
    /// For the table of contents.
    pub headings: Vec<Heading>,
    /// For the search.
    pub sections: Vec<Section>,
}

/// Renders a page. `file` reads a diagram's file, and knows the path under which a picture is served.
pub fn render(source: &str, file: &dyn Fn(&str) -> Option<String>) -> Rendered {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    options.extension.alerts = true;
    let arena = Arena::new();
    let root = parse_document(&arena, source, &options);
    let mut anchors = Anchorizer::new();
    let mut headings = Vec::new();
    let mut sections = vec![Section { id: String::new(), heading: String::new(), text: String::new() }];
    let mut blocks = Blocks::default();
    let nodes: Vec<_> = root.descendants().collect();
    for (number, node) in nodes.iter().copied().enumerate() {
        let value = node.data.borrow().value.clone();
        let raw = match &value {
            NodeValue::Heading(heading) => {
                let text = text_of(node);
                let id = anchors.anchorize(&text);
                let html = dressed_heading(heading.level, &id, &inner(node, &options));
                sections.push(Section { id: id.clone(), heading: text.clone(), text: String::new() });
                headings.push(Heading { level: heading.level, id, text });
                html
            }
            NodeValue::CodeBlock(block) => {
                blocks.code(&block.info, block.literal.trim_end_matches('\n'), &nodes[number + 1..])
            }
            NodeValue::HtmlBlock(block) => html_block(&blocks, &block.literal),
            NodeValue::Image(link) => match (link.url.ends_with(".svg"), file(&link.url)) {
                (true, Some(svg)) => diagram(&svg, &text_of(node)),
                (false, Some(path)) => picture(&path, &text_of(node)),
                (_, None) => continue,
            },
            NodeValue::Table(_) => {
                surround(
                    &arena,
                    node,
                    "<div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">",
                    "</div>",
                );
                continue;
            }
            NodeValue::Paragraph | NodeValue::TableCell | NodeValue::Item(_) => {
                let within = node.ancestors().skip(1).any(|one| {
                    matches!(one.data.borrow().value, NodeValue::Paragraph | NodeValue::TableCell | NodeValue::Item(_))
                });
                if let (false, Some(section)) = (within, sections.last_mut()) {
                    let _ = write!(section.text, "{} ", text_of(node));
                }
                continue;
            }
            _ => continue,
        };
        for child in node.children().collect::<Vec<_>>() {
            child.detach();
        }
        node.data.borrow_mut().value = NodeValue::Raw(raw);
    }
    let mut html = String::new();
    let _ = format_html(root, &options, &mut html);
    // A diagram is a block element; alone in a paragraph it replaces the paragraph.
    let html = html.replace("<p><figure", "<figure").replace("</figure></p>", "</figure>");
    Rendered { html, headings, sections }
}

fn surround<'a>(arena: &'a Arena<'a>, node: &'a AstNode<'a>, before: &str, after: &str) {
    let raw = |text: &str| arena.alloc(NodeValue::Raw(text.to_owned()).into());
    node.insert_before(raw(before));
    node.insert_after(raw(after));
}

fn text_of<'a>(node: &'a AstNode<'a>) -> String {
    let mut text = String::new();
    for one in node.descendants() {
        match &one.data.borrow().value {
            NodeValue::Text(part) => text.push_str(part),
            NodeValue::Code(code) => text.push_str(&code.literal),
            NodeValue::SoftBreak | NodeValue::LineBreak => text.push(' '),
            _ => {}
        }
    }
    text
}

fn inner<'a>(node: &'a AstNode<'a>, options: &Options) -> String {
    let mut html = String::new();
    let _ = format_html(node, options, &mut html);
    let begin = html.find('>').map_or(0, |at| at + 1);
    let end = html.rfind("</h").unwrap_or(html.len());
    html[begin..end.max(begin)].to_owned()
}

fn dressed_heading(level: u8, id: &str, inner: &str) -> String {
    format!(
        "<h{level} id=\"{id}\">{inner}<a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to this section\">#</a></h{level}>\n"
    )
}

/// What stands between a request and the next one.
#[derive(Clone, Copy, Default)]
struct Following {
    /// A JSON response is shown.
    json: bool,
    /// A part of the response is captured.
    capture: bool,
}

impl Following {
    fn of<'a>(nodes: &[&'a AstNode<'a>]) -> Following {
        let mut following = Following::default();
        for node in nodes {
            match &node.data.borrow().value {
                NodeValue::CodeBlock(block) if block.info.starts_with("bash run") => break,
                NodeValue::CodeBlock(block) => following.json |= block.info.starts_with("json response"),
                NodeValue::HtmlBlock(block) => following.capture |= block.literal.contains(CAPTURE),
                _ => {}
            }
        }
        following
    }
}

/// The beginning of a comment that captures parts of a response: `<!-- capture NAME=/pointer -->`.
const CAPTURE: &str = "<!-- capture ";

/// The HTML that pages may have: what folds a part of them, and the comments that keep parts of answers.
fn html_block(blocks: &Blocks, literal: &str) -> String {
    match literal.trim() {
        "</details>" => "</details>\n".to_owned(),
        text => match text.strip_prefix("<details>\n<summary>").and_then(|rest| rest.strip_suffix("</summary>")) {
            Some(summary) => format!("<details class=\"folded\"><summary>{}</summary>\n", escape(summary)),
            None => blocks.captures(text),
        },
    }
}

/// The code blocks of a page, in their order.
#[derive(Default)]
struct Blocks {
    /// The expected status of the last request.
    status: Option<String>,
    /// Whether the last request is shown in other languages too.
    translated: bool,
    /// Whether an earlier request was.
    has_earlier: bool,
}

impl Blocks {
    fn code<'a>(&mut self, info: &str, text: &str, after: &[&'a AstNode<'a>]) -> String {
        let mut words = info.split_whitespace();
        let language = words.next().unwrap_or("text");
        let words: Vec<&str> = words.collect();
        if words.contains(&"run") {
            self.status = words.iter().find_map(|word| word.strip_prefix("expect=")).map(str::to_owned);
            return self.request(text, Following::of(after));
        }
        if words.contains(&"response") {
            let shown = self.status.take().map(|status| format!(" <b>{}</b>", escape(&status))).unwrap_or_default();
            return block(language, " response", &format!("Response{shown}"), text);
        }
        block(language, "", name_of(language), text)
    }

    /// Renders a request, in every language into which it can be translated.
    fn request(&mut self, script: &str, following: Following) -> String {
        let shown = match following {
            Following { capture: true, .. } => samples::piped(script, "| tee answer.json | jq"),
            Following { json: true, .. } => samples::piped(script, "| jq"),
            _ => script.to_owned(),
        };
        let request = Request::read(script);
        self.translated = request.is_some();
        let has_earlier = self.has_earlier;
        self.has_earlier |= self.translated;
        let sample = |language| {
            let before = if has_earlier { "" } else { samples::preamble(language) };
            request.as_ref().map(|request| format!("{before}{}", request.write(language)))
        };
        let others = [sample(Language::Python), sample(Language::JavaScript)];
        // The status is shown with the response, or with the request when no response is shown.
        let status = self.status.as_ref().filter(|_| !following.json);
        let label = status.map_or("Request".to_owned(), |status| format!("Request <b>{}</b>", escape(status)));
        in_languages(" request", &label, &shown, others)
    }

    /// Renders the code that captures parts of the response for later requests.
    fn captures(&self, comment: &str) -> String {
        let Some(pairs) = comment.trim().strip_prefix(CAPTURE) else { return String::new() };
        let pairs: Vec<(&str, &str)> =
            pairs.trim_end_matches("-->").split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
        let lines = |language| {
            let line = |(name, pointer): &(&str, &str)| samples::capture(language, name, pointer);
            pairs.iter().map(line).collect::<Vec<_>>().join("\n")
        };
        let sample = |language| self.translated.then(|| lines(Some(language)));
        in_languages(
            " capture",
            "Keep it for what follows",
            &lines(None),
            [sample(Language::Python), sample(Language::JavaScript)],
        )
    }
}

/// A block in shell, Python and JavaScript, or in shell alone when it cannot be translated.
fn in_languages(role: &str, label: &str, shell: &str, others: [Option<String>; 2]) -> String {
    let [Some(python), Some(javascript)] = others else { return block("bash", role, label, shell) };
    let mut tabs = String::new();
    let mut codes = String::new();
    for (name, shown, language, text) in
        [("curl", "curl", "bash", shell), ("python", "Python", "python", &python), ("node", "Node", "js", &javascript)]
    {
        let first = name == "curl";
        tabs.push_str(&format!(
            "<button type=\"button\" class=\"lang\" data-lang=\"{name}\" aria-pressed=\"{first}\" hidden>{shown}</button>"
        ));
        let hidden = if first { "" } else { " hidden" };
        codes.push_str(&format!(
            "<pre tabindex=\"0\" data-lang=\"{name}\"{hidden}><code class=\"language-{language}\">{}</code></pre>",
            highlight(language, text)
        ));
    }
    format!(
        "<div class=\"code{role}\"><div class=\"bar\"><span>{label}</span><span class=\"langs\">{tabs}</span>\
         <button type=\"button\" class=\"copy\" hidden>Copy</button></div>{codes}</div>\n"
    )
}

/// A code block with a label and a copy button.
pub fn block(language: &str, role: &str, label: &str, text: &str) -> String {
    format!(
        "<div class=\"code{role}\"><div class=\"bar\"><span>{label}</span><button type=\"button\" class=\"copy\" hidden>Copy</button></div>\
         <pre tabindex=\"0\"><code class=\"language-{}\">{}</code></pre></div>\n",
        escape(language),
        highlight(language, text)
    )
}

fn name_of(language: &str) -> &str {
    match language {
        "bash" | "sh" => "Shell",
        "json" => "JSON",
        "toml" => "TOML",
        "yaml" => "YAML",
        "python" => "Python",
        "js" | "javascript" => "JavaScript",
        "ts" => "TypeScript",
        "rust" => "Rust",
        "html" => "HTML",
        "http" => "HTTP",
        "sql" => "SQL",
        _ => "Text",
    }
}

/// A picture of docs/pictures, which the site serves with its own files.
fn picture(path: &str, alt: &str) -> String {
    format!("<figure class=\"picture\"><img src=\"{path}\" alt=\"{}\" loading=\"lazy\"></figure>", escape(alt))
}

/// A diagram, inlined: its text can be selected and searched, and it uses the page's colours.
fn diagram(svg: &str, alt: &str) -> String {
    let svg = svg.find("<svg").map_or(svg, |at| &svg[at..]);
    let alt = escape(alt);
    let svg = svg.replacen("<svg", &format!("<svg role=\"img\" aria-label=\"{alt}\""), 1);
    format!(
        "<figure class=\"diagram\"><div tabindex=\"0\" role=\"group\" aria-label=\"Diagram\">{}</div><figcaption>{alt}</figcaption></figure>",
        svg.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn pages_get_the_dress_of_the_site() {
        let source = "Hello *you*.\n\n## Send `money`\n\nText & more.\n\n```bash run expect=422\ncurl $A\n```\n\n```json response\n{\"a\": 1}\n```\n\
                      <!-- capture A=/a -->\n\n<details>\n<summary>More & more</summary>\n\nText.\n\n</details>\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n> [!NOTE]\n> Mind.\n\n![Life](diagrams/x.svg)\n";
        let page =
            render(source, &|path| (path == "diagrams/x.svg").then(|| "<svg viewBox=\"0 0 1 1\"></svg>".to_owned()));
        for part in [
            "<h2 id=\"send-money\">Send <code>money</code><a class=\"anchor\"",
            "<div class=\"code request\">",
            "Response <b>422</b>",
            "<details class=\"folded\"><summary>More &amp; more</summary>\n<p>Text.</p>\n</details>",
            "<div class=\"table\" tabindex=\"0\"",
            "markdown-alert-note",
            "<figure class=\"diagram\"><div",
            "aria-label=\"Life\"",
        ] {
            assert!(page.html.contains(part), "{part} is missing:\n{}", page.html);
        }
        assert!(page.html.contains("<div class=\"code capture\">"), "{}", page.html);
        assert!(!page.html.contains("<!--") && !page.html.contains("<p><figure"), "{}", page.html);
        assert_eq!(page.headings[0].id, "send-money");
        assert_eq!(page.sections[1].text, "Text & more. Text. a b 1 2 Mind. Life ");
    }
}
