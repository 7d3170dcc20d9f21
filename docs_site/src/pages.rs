//! The content of the pages: home, guides, error codes, the reference, and the page for unknown paths.

use std::fmt::Write;

use super::catalogue::{CODES, Code, FIELD_CODES};
use super::escape;
use super::guides::{GROUPS, Guide};
use super::markdown::{Heading, block};
use super::search::Operation;
use super::shell::{Page, Shell, Tab};
use paygen_edge::assets::Assets;

/// `/docs`.
pub fn home(shell: &Shell, guides: &[Guide]) -> String {
    let quickstart = guides.iter().find(|guide| guide.slug == "quickstart").or(guides.first());
    let quickstart = quickstart.map_or("/docs/guides".to_owned(), Guide::path);
    let success = "{\n  \"statusCode\": 201,\n  \"message\": \"Card created successfully.\",\n  \"data\": {\n    \"_id\": \"665f1c4f4a4f4a4f4a4f4a4f\",\n    \"type\": \"virtual\",\n    \"brand\": \"Visa\",\n    \"status\": \"active\",\n    \"currency\": \"USD\",\n    \"balance\": 100\n  }\n}";
    let failure = "{\n  \"statusCode\": 422,\n  \"message\": \"The account 665f1c4f4a4f4a4f4a4f4a4f has 10 USD available; 25 USD are needed.\",\n  \"data\": null,\n  \"error\": {\n    \"code\": \"insufficient_funds\",\n    \"requestId\": \"01990c1e-5b1e-7cc0-9d55-0c4c4d7e0f43\",\n    \"docs\": \"http://127.0.0.1:4000/docs/errors/insufficient_funds\",\n    \"fields\": []\n  }\n}";
    let key = "curl $PAYGEN_URL/accounts -H \"x-api-key: $PAYGEN_API_KEY\"";
    let bearer = "curl $PAYGEN_URL/cards -H \"Authorization: Bearer $TOKEN\"";
    let decision = "{\n  \"outcome\": \"declined\",\n  \"reason\": \"spending_limit_exceeded\",\n  \"checks\": [\n    {\n      \"check\": \"spending_limit_exceeded\",\n      \"outcome\": \"fail\",\n      \"observed\": \"700.00 USD (daily card)\",\n      \"threshold\": \"60.00 USD\",\n      \"wouldPassIf\": \"the amount is at most 60.00 USD\"\n    },\n    \"…\"\n  ]\n}";
    let main = include_str!("pages/home.html")
        .replace("{{decision}}", &block("json", " response", "Why a payment was <b>declined</b>", decision))
        .replace("{{quickstart}}", &quickstart)
        .replace("{{success}}", &block("json", "", "Success <b>201</b>", success))
        .replace("{{failure}}", &block("json", "", "Error <b>422</b>", failure))
        .replace("{{key}}", &block("bash", "", "Server to server", key))
        .replace("{{bearer}}", &block("bash", "", "In a client application", bearer))
        .replace("{{groups}}", &groups(guides));
    let description = "Guides and API reference of Paygen, the card-issuing platform you run yourself.";
    shell.render(&Page {
        title: "Paygen Docs",
        description,
        tab: Tab::None,
        path: "/docs",
        main,
        headings: &[],
        nav: false,
    })
}

fn groups(guides: &[Guide]) -> String {
    let mut html = String::new();
    for group in GROUPS {
        let of_group: Vec<&Guide> = guides.iter().filter(|guide| guide.group == *group).collect();
        if of_group.is_empty() {
            continue;
        }
        let _ = write!(html, "<section class=\"group\"><h3>{}</h3><ul>", escape(group));
        for guide in of_group {
            let (title, description) = (escape(&guide.title), escape(&guide.description));
            let _ = write!(html, "<li><a href=\"{}\">{title}</a><span>{description}</span></li>", guide.path());
        }
        html.push_str("</ul></section>");
    }
    html
}

/// `/docs/guides`.
pub fn guides(shell: &Shell, guides: &[Guide]) -> String {
    let main = format!(
        "<article class=\"prose\"><h1>Guides</h1><p class=\"lead\">Everything from the first call to running Paygen in production, \
         in the order one needs it.</p></article><div class=\"groups\">{}</div>",
        groups(guides).replace("<h3>", "<h2>").replace("</h3>", "</h2>")
    );
    let description = "All guides of Paygen.";
    shell.render(&Page {
        title: "Guides",
        description,
        tab: Tab::Guides,
        path: "/docs/guides",
        main,
        headings: &[],
        nav: true,
    })
}

/// A guide.
pub fn guide(shell: &Shell, guide: &Guide, before: Option<&Guide>, after: Option<&Guide>) -> String {
    let link = |other: Option<&Guide>, class: &str, word: &str| {
        other.map_or("<span></span>".to_owned(), |other| {
            let title = escape(&other.title);
            format!("<a class=\"{class}\" href=\"{}\"><span>{word}</span>{title}</a>", other.path())
        })
    };
    let main = format!(
        "<article class=\"prose\"><p class=\"crumb\">{}</p><h1>{}</h1><p class=\"lead\">{}</p>\n{}</article>\
         <nav class=\"turn\" aria-label=\"Previous and next guide\">{}{}</nav>\
         <p class=\"raw\"><a href=\"{}.md\">This page as Markdown</a></p>",
        escape(&guide.group),
        escape(&guide.title),
        escape(&guide.description),
        guide.html,
        link(before, "before", "Previous"),
        link(after, "after", "Next"),
        guide.path(),
    );
    let (title, description, path) = (&guide.title, &guide.description, &guide.path());
    shell.render(&Page { title, description, tab: Tab::Guides, path, main, headings: &guide.headings, nav: true })
}

fn reason(status: u16) -> &'static str {
    axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}

fn statuses(code: &Code) -> String {
    code.status.iter().map(|status| format!("<span class=\"status s{}\">{status}</span>", status / 100)).collect()
}

/// Links to calls; there are none where a code belongs to no call in particular.
fn called(callers: &[&Operation]) -> String {
    if callers.is_empty() {
        return "<p>No call in particular. The <a href=\"/docs/api\">reference</a> has the statuses of each.</p>"
            .to_owned();
    }
    let mut html = "<ul>".to_owned();
    for call in callers {
        let (summary, path) = (escape(&call.summary), escape(&call.path));
        let _ = write!(html, "<li><a href=\"{}\">{summary}</a>, <code>{} {path}</code></li>", call.href(), call.method);
    }
    html + "</ul>"
}

/// `/docs/errors/<code>`.
pub fn error(shell: &Shell, code: &Code, callers: &[&Operation]) -> String {
    let status = code.status.first().copied().unwrap_or_default();
    let example = format!(
        "{{\n  \"statusCode\": {status},\n  \"message\": {1},\n  \"data\": null,\n  \"error\": {{\n    \"code\": \"{0}\",\n    \"requestId\": \"0199a3b2-6c1e-7d40-9f5e-3a1c2b4d5e6f\",\n    \"docs\": \"http://127.0.0.1:4000/docs/errors/{0}\",\n    \"fields\": []\n  }}\n}}",
        code.code,
        serde_json::Value::from(code.meaning),
    );
    let again = match status {
        429 | 503 => "Yes, after the seconds in <code>Retry-After</code>, with the same <code>Idempotency-Key</code>.",
        500 => "Yes, with the same <code>Idempotency-Key</code>.",
        409 | 412 | 422 => "Not as it is: the answer stays the same until something else changes.",
        _ => "Not as it is: the request itself has to change.",
    };
    let main = format!(
        "<article class=\"prose\"><p class=\"crumb\"><a href=\"/docs/errors\">Error codes</a></p><h1><code>{}</code></h1>\
         <p class=\"statusline\">{} {}</p><h2 id=\"meaning\">What it means</h2><p>{}</p><h2 id=\"fix\">What to do</h2><p>{}</p>\
         <h2 id=\"again\">Is it worth trying again?</h2><p>{again}</p><h2 id=\"callers\">Calls that answer it</h2>{}<h2 id=\"answer\">How it looks</h2>{}\
         <p><code>message</code> says what happened, often with the figures of the case, and may be worded better over time; \
         <code>code</code> never changes. <a href=\"/docs/guides/errors\">Errors</a> shows how to handle them. Quote <code>requestId</code> when you ask for help: it is in the server's log.</p></article>",
        code.code,
        statuses(code),
        reason(status),
        escape(code.meaning),
        escape(code.fix),
        called(callers),
        block("json", " response", &format!("Response <b>{status}</b>"), &example),
    );
    let path = format!("/docs/errors/{}", code.code);
    let page = Page {
        title: code.code,
        description: code.meaning,
        tab: Tab::None,
        path: &path,
        main,
        headings: &[],
        nav: true,
    };
    shell.render(&page)
}

/// `/docs/errors`.
pub fn errors(shell: &Shell) -> String {
    let mut main = "<article class=\"prose wide\"><h1>Error codes</h1><p class=\"lead\">Every error has a stable \
        <code>error.code</code>, and <code>error.docs</code> is the address of its page here.</p>\
        <h2 id=\"codes\">Codes</h2><div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th></tr></thead><tbody>"
        .to_owned();
    for code in CODES {
        let (name, meaning) = (code.code, escape(code.meaning));
        let _ = write!(
            main,
            "<tr><td><a href=\"/docs/errors/{name}\"><code>{name}</code></a></td><td>{}</td><td>{meaning}</td></tr>",
            statuses(code)
        );
    }
    main.push_str(
        "</tbody></table></div><h2 id=\"fields\">Codes of fields</h2><p>When fields or parameters are wrong, \
         <code>error.fields</code> names every one of them at once: where (<code>pointer</code>), what (<code>code</code>) and \
         how it would be right (<code>message</code>). A rule that blames one field uses its own code from the table above.</p>\
         <div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table><thead><tr><th>Code</th><th>What is wrong</th></tr></thead><tbody>",
    );
    for field in FIELD_CODES {
        let (name, meaning) = (field.code, escape(field.meaning));
        let _ = write!(main, "<tr id=\"field-{name}\"><td><code>{name}</code></td><td>{meaning}</td></tr>");
    }
    main.push_str("</tbody></table></div></article>");
    let heading = |id: &str, text: &str| Heading { level: 2, id: id.to_owned(), text: text.to_owned() };
    let headings = [heading("codes", "Codes"), heading("fields", "Codes of fields")];
    let description = "Every error code of the Paygen API, with its status, meaning and fix.";
    let (title, path) = ("Error codes", "/docs/errors");
    shell.render(&Page { title, description, tab: Tab::None, path, main, headings: &headings, nav: true })
}

/// `/docs/api`: the viewer, and without JavaScript the list of operations.
pub fn reference(shell: &Shell, assets: &Assets, operations: &[Operation]) -> String {
    let mut list = String::new();
    let mut tag = "";
    for operation in operations {
        if operation.tag != tag {
            tag = &operation.tag;
            let _ = write!(list, "<tr><th colspan=\"3\" scope=\"colgroup\">{}</th></tr>", escape(tag));
        }
        let (id, method, path) = (escape(&operation.id), &operation.method, escape(&operation.path));
        let group = operation.tag.to_lowercase().replace(' ', "-");
        let _ = write!(
            list,
            "<tr id=\"{id}\" data-group=\"{group}\"><td><code>{method}</code></td><td><code>{path}</code></td><td>{}</td></tr>",
            escape(&operation.summary)
        );
    }
    let main = format!(
        "<div id=\"reference\" data-contract=\"/openapi.json\"></div>\
         <div id=\"calls\" class=\"prose\"><h1>API Reference</h1><p>Without JavaScript, here are the calls; <a href=\"/openapi.json\">/openapi.json</a> \
         has everything about them.</p><div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"Calls\"><table><tbody>{list}</tbody></table></div></div>\
         <script src=\"{}\" defer></script><script src=\"{}\" defer></script>",
        assets.path("scalar.js"),
        assets.path("reference.js"),
    );
    let description = "Every call of the Paygen API, with code samples and a console.";
    let (title, path) = ("API Reference", "/docs/api");
    shell.render(&Page { title, description, tab: Tab::Reference, path, main, headings: &[], nav: false })
}

/// The page for unknown paths.
pub fn missing(shell: &Shell) -> String {
    let main = "<article class=\"prose missing\"><p class=\"crumb\">404</p><h1>There is no such page</h1><p class=\"lead\">The \
        address may be mistyped, or the page may have moved.</p><p><a class=\"button\" href=\"/docs\">To the start</a> \
        <a class=\"button quiet\" href=\"/docs/guides\">All guides</a></p></article>"
        .to_owned();
    let description = "There is no such page.";
    shell.render(&Page { title: "No such page", description, tab: Tab::None, path: "", main, headings: &[], nav: true })
}
