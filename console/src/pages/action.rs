//! Actions: a form, one call of the API, every wrong field at its place.

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::response::Response;
use paygen_edge::json::Json;

use super::{is_id, refused};
use crate::answer::{ok, page, see};
use crate::door::{Answer, Call};
use crate::form::{MAX_FORM_BYTES, Values, encoded, set};
use crate::json::{NULL, at, items, text, text_at};
use crate::resources;
use crate::shell::{message, shell, shown};
use crate::show;
use crate::tables::{Action, Input, Kind, Verb, fill};
use crate::view::{Choice, Crumb, DetailPage, Field, FormPage, Item, Link, Section, Wrong};
use crate::visitor::{Visitor, with_flash};

/// The rows that a choice offers.
const MAX_CHOICES: &str = "200";

/// What may stand in the name of an element.
fn name_of(input: &Input) -> &'static str {
    input.path
}

/// The links to actions and pages of an object that its visitor may use now.
pub(crate) fn links(visitor: &Visitor, paths: &[&'static str], id: &str, object: &Json) -> Vec<Link> {
    let mut links = Vec::new();
    for path in paths {
        let (title, tone, scope, offered) = match resources::action(path) {
            Some(action) => {
                let fits = |(member, words): &(&str, &[&str])| words.contains(&text_at(object, member).as_str());
                let here = !action.sandbox || visitor.is_sandbox();
                let tone = if action.danger { "danger" } else { "" };
                (action.title, tone, action.scope, here && action.when.iter().all(fits))
            }
            None => match resources::special(path) {
                Some((title, scope)) => (title, "", scope, true),
                None => continue,
            },
        };
        let href = fill(path, id, |name| text_at(object, name));
        if let Some(href) = href.filter(|_| offered && visitor.may(scope)) {
            links.push(Link { href: format!("/console{href}"), title: title.to_owned(), tone: tone.to_owned() });
        }
    }
    if let Some(first) = links.first_mut().filter(|link| link.tone.is_empty()) {
        first.tone = "primary".to_owned();
    }
    links
}

/// The form of an action.
pub(crate) async fn form(visitor: Visitor, action: &'static Action, id: String) -> Response {
    if let Some(refusal) = entrance(&visitor, action, &id).await {
        return refusal;
    }
    let mut values = Values::default();
    for input in action.inputs {
        values.set(name_of(input), input.value);
    }
    let mut version = String::new();
    if let Some(path) = fill(action.of, &id, |_| String::new()).filter(|path| !path.is_empty()) {
        let answer = visitor.console.door.get(&visitor.caller, path).await;
        if answer.status != StatusCode::OK {
            return refused(&visitor, &answer).await;
        }
        version.clone_from(&answer.version);
        let data = match answer.data() {
            Json::Array(rows) => rows.first().unwrap_or(&NULL),
            one => one,
        };
        for input in action.inputs {
            let value = at(data, input.path);
            let text = if matches!(input.kind, Kind::Json) { crate::json::pretty(value) } else { text(value) };
            values.set(name_of(input), if *value == Json::Null { String::new() } else { text });
        }
    }
    // Links may name values: a card to pay with, an account to fund from.
    for input in action.inputs.iter().filter(|input| visitor.query.has(name_of(input))) {
        values.set(name_of(input), visitor.query.get(name_of(input)));
    }
    values.set("version", version);
    values.set("once", paygen_edge::assets::hex(&once()));
    let template = template(&visitor, action, &id, &values, &[]).await;
    shown(&visitor, ok(&template))
}

/// A random key, so that a form that is sent twice is carried out once.
fn once() -> [u8; 16] {
    let mut bytes = [0; 16];
    // Without randomness the key is not used.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes
}

/// Why the visitor cannot use the action now.
async fn entrance(visitor: &Visitor, action: &'static Action, id: &str) -> Option<Response> {
    if let Err(refusal) = visitor.needs(action.scope).await {
        return Some(refusal);
    }
    if !id.is_empty() && !is_id(id) || action.sandbox && !visitor.is_sandbox() {
        let text = "Nothing in this environment has this address.";
        return Some(message(visitor, StatusCode::NOT_FOUND, "There is no such page", text).await);
    }
    if action.fresh && !visitor.signed_in.is_fresh() {
        let query = if visitor.raw_query.is_empty() { String::new() } else { format!("?{}", visitor.raw_query) };
        return Some(see(&format!("/console/confirm?next={}", encoded(&format!("{}{query}", visitor.path)))));
    }
    None
}

/// Carries the action out.
pub(crate) async fn submit(visitor: Visitor, action: &'static Action, id: String, body: Body) -> Response {
    let Ok(bytes) = to_bytes(body, MAX_FORM_BYTES).await else {
        let text = format!("A form has at most {MAX_FORM_BYTES} bytes. Nothing was done.");
        return message(&visitor, StatusCode::PAYLOAD_TOO_LARGE, "This is too long", &text).await;
    };
    let mut values = Values::read(&String::from_utf8_lossy(&bytes));
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    if let Some(refusal) = entrance(&visitor, action, &id).await {
        return refusal;
    }
    let (body, wrong) = body_of(action, &values);
    if !wrong.is_empty() {
        let template = template(&visitor, action, &id, &values, &wrong).await;
        return page(StatusCode::BAD_REQUEST, &template);
    }
    let Some(call) = call_of(action, &id, &values, &body) else {
        return message(&visitor, StatusCode::NOT_FOUND, "There is no such page", "The address is not complete.").await;
    };
    let answer = visitor.console.door.call(&visitor.caller, &call).await;
    if answer.status.is_success() {
        return done(&visitor, action, &id, &answer).await;
    }
    let wrong: Vec<(String, String)> = answer
        .wrong_fields()
        .into_iter()
        .map(|field| (field.pointer.trim_start_matches('/').replace('/', "."), field.message))
        .collect();
    // What is sent next is another request, of the object as it is by then.
    values.set("once", paygen_edge::assets::hex(&once()));
    if answer.code() == "version_mismatch"
        && let Some(path) = fill(action.of, &id, |_| String::new()).filter(|path| !path.is_empty())
    {
        values.set("version", visitor.console.door.get(&visitor.caller, path).await.version);
    }
    let mut template = template(&visitor, action, &id, &values, &wrong).await;
    template.message = match answer.code().as_str() {
        "version_mismatch" => {
            "Somebody changed it meanwhile. Look at it in another tab; sending this again changes it as it is now."
                .to_owned()
        }
        "idempotency_key_reused" => {
            "This form was sent before, with other values. Send it again to do it with these as well.".to_owned()
        }
        // The summary says the same of each field.
        _ if !wrong.is_empty() => String::new(),
        _ => answer.message(),
    };
    page(answer.status, &template)
}

fn call_of(action: &Action, id: &str, values: &Values, body: &Json) -> Option<Call> {
    let sends = action.method != Verb::Delete && !action.inputs.is_empty();
    Some(Call {
        method: action.method.method(),
        path: fill(action.api, id, |_| String::new())?,
        body: sends.then(|| body.to_text()),
        if_match: values.get("version").to_owned(),
        once: values.get("once").to_owned(),
        approval: String::new(),
    })
}

/// The body that the values make, and what cannot be sent at all.
fn body_of(action: &Action, values: &Values) -> (Json, Vec<(String, String)>) {
    let (mut body, mut wrong) = (Json::Object(Vec::new()), Vec::new());
    for input in action.inputs {
        let text = values.get(name_of(input));
        let trimmed = text.trim();
        let value = match input.kind {
            Kind::Switch => Json::Bool(text == "true"),
            Kind::Several(_) => Json::Array(values.all(name_of(input)).iter().cloned().map(Json::Text).collect()),
            Kind::List => {
                let words = trimmed.split([',', ' ', '\n', '\r', '\t']).filter(|word| !word.is_empty());
                Json::Array(words.map(|word| Json::Text(word.to_owned())).collect())
            }
            _ if trimmed.is_empty() && input.clears => Json::Null,
            _ if trimmed.is_empty() => continue,
            Kind::Number => match trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
                true => Json::Number(trimmed.trim_start_matches('0').to_owned()).or_zero(),
                false => Json::Text(trimmed.to_owned()),
            },
            Kind::Json => match Json::parse(trimmed.as_bytes()) {
                Ok(json) => json,
                Err(error) => {
                    wrong.push((input.path.to_owned(), format!("This is not JSON: {error}.")));
                    continue;
                }
            },
            Kind::Money => Json::Text(without_groups(trimmed)),
            Kind::Text
            | Kind::LongText
            | Kind::Email
            | Kind::Password
            | Kind::Date
            | Kind::Words(_)
            | Kind::Pick(..) => Json::Text(text.to_owned()),
        };
        // A list that was never there is not sent as an empty one.
        if value == Json::Array(Vec::new()) && !input.clears {
            continue;
        }
        set(&mut body, input.path, value);
    }
    (body, wrong)
}

/// An amount without the commas between groups of three digits. Any other comma stays, and the amount is refused: it may
/// be meant as a decimal point.
fn without_groups(text: &str) -> String {
    let (whole, rest) = text.split_once('.').map_or((text, ""), |(whole, _)| (whole, &text[whole.len()..]));
    let mut groups = whole.split(',');
    let digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().is_some_and(|group| group.len() <= 3 && digits(group));
    let is_grouped = first && groups.all(|group| group.len() == 3 && digits(group));
    if is_grouped { format!("{}{rest}", whole.replace(',', "")) } else { text.to_owned() }
}

trait OrZero {
    fn or_zero(self) -> Json;
}

impl OrZero for Json {
    /// Zero was written as zeros only.
    fn or_zero(self) -> Json {
        if self == Json::Number(String::new()) { Json::Number("0".to_owned()) } else { self }
    }
}

pub(crate) async fn done(visitor: &Visitor, action: &Action, id: &str, answer: &Answer) -> Response {
    let data = answer.data();
    if answer.status == StatusCode::ACCEPTED {
        let approval = format!("/console/approvals/{}", text_at(data, "_id"));
        return with_flash(see(&approval), "good", &answer.message());
    }
    let then = fill(action.then, id, |name| text_at(data, name)).unwrap_or_default();
    let then = format!("/console{then}");
    let shown_once = action.once.iter().any(|(path, _)| !text_at(data, path).is_empty());
    if !shown_once {
        return with_flash(see(&then), "good", &answer.message());
    }
    let item = |(path, title): &(&str, &str)| Item {
        label: (*title).to_owned(),
        cell: show::cell("code", text_at(data, path)),
    };
    let template = DetailPage {
        shell: shell(visitor, action.title).await,
        heading: answer.message(),
        badge: show::cell("empty", ""),
        lead: "This is shown once. Copy it now: it cannot be read again.".to_owned(),
        links: vec![Link { href: then, title: "Done".to_owned(), tone: "primary".to_owned() }],
        sections: vec![Section {
            id: "once".to_owned(),
            title: "Shown once".to_owned(),
            items: action.once.iter().map(item).collect(),
        }],
        ..DetailPage::default()
    };
    ok(&template)
}

async fn template(
    visitor: &Visitor,
    action: &'static Action,
    id: &str,
    values: &Values,
    wrong: &[(String, String)],
) -> FormPage {
    let mut fields = Vec::new();
    for input in action.inputs {
        let own =
            |path: &str| path == input.path || path.strip_prefix(input.path).is_some_and(|rest| rest.starts_with('.'));
        let errors: Vec<&str> = wrong.iter().filter(|(path, _)| own(path)).map(|(_, text)| text.as_str()).collect();
        fields.extend(inputs(visitor, input, values, &errors.join(" ")).await);
    }
    for name in ["version", "once"] {
        let value = values.get(name).to_owned();
        fields.push(Field { name: name.to_owned(), kind: "hidden".to_owned(), value, ..Field::default() });
    }
    let summary = wrong.iter().map(|(path, text)| {
        let input = action.inputs.iter().find(|input| path.starts_with(input.path));
        let label = input.map_or(path.as_str(), |input| input.label);
        let href = input.map_or_else(|| "#problems".to_owned(), |input| format!("#field-{}", input.path));
        Wrong { href, text: format!("{label}: {text}") }
    });
    let (body, _) = body_of(action, values);
    let call = call_of(action, id, &Values::default(), &body);
    let back = fill(action.then, id, |_| String::new()).unwrap_or_default();
    let cancel = match back.is_empty() {
        true => action.path.rsplit_once('/').map_or("", |(list, _)| list).replace("/{id}", &format!("/{id}")),
        false => back,
    };
    let cancel_href = format!("/console{cancel}");
    FormPage {
        shell: shell(visitor, action.title).await,
        crumbs: vec![
            Crumb { href: cancel_href.clone(), title: "Back".to_owned() },
            Crumb { href: String::new(), title: action.title.to_owned() },
        ],
        heading: action.title.to_owned(),
        lead: action.lead.to_owned(),
        action: visitor.path.clone(),
        fields,
        summary: summary.collect(),
        submit: action.submit.to_owned(),
        danger: action.danger,
        cancel_href,
        call: call.map(|call| visitor.console.as_api_call(&call)).unwrap_or_default(),
        ..FormPage::default()
    }
}

/// The elements of a field: one, or a checkbox for each word.
async fn inputs(visitor: &Visitor, input: &Input, values: &Values, error: &str) -> Vec<Field> {
    let value = values.get(name_of(input)).to_owned();
    let base = Field {
        name: name_of(input).to_owned(),
        id: name_of(input).to_owned(),
        label: input.label.to_owned(),
        help: input.help.to_owned(),
        error: error.to_owned(),
        required: input.required,
        value: value.clone(),
        ..Field::default()
    };
    let of_kind = |kind: &str| Field { kind: kind.to_owned(), ..base.clone() };
    vec![match input.kind {
        Kind::Text | Kind::List => of_kind("text"),
        Kind::LongText | Kind::Json => of_kind("textarea"),
        Kind::Email => of_kind("email"),
        Kind::Money => of_kind("money"),
        Kind::Number => of_kind("number"),
        Kind::Date => of_kind("date"),
        Kind::Password => Field { autocomplete: "off".to_owned(), ..of_kind("password") },
        Kind::Switch => {
            Field { checked: value == "true", value: "true".to_owned(), required: false, ..of_kind("checkbox") }
        }
        Kind::Several(words) => {
            let chosen = values.all(name_of(input));
            let mut boxes: Vec<Field> = words
                .iter()
                .map(|word| Field {
                    id: format!("{}-{word}", input.path),
                    label: (*word).to_owned(),
                    checked: chosen.iter().any(|known| known == word),
                    value: (*word).to_owned(),
                    help: String::new(),
                    error: String::new(),
                    required: false,
                    ..of_kind("checkbox")
                })
                .collect();
            if let Some(first) = boxes.first_mut() {
                first.help.clone_from(&base.help);
                first.error.clone_from(&base.error);
            }
            return boxes;
        }
        Kind::Words(words) => {
            let mut options: Vec<Choice> = words.iter().map(|word| choice(word, &show::words(word), &value)).collect();
            if !input.required {
                options.insert(0, choice("", "–", &value));
            }
            Field { options, ..of_kind("select") }
        }
        Kind::Pick(path, member, titles) => {
            let joined = format!("{path}{}limit={MAX_CHOICES}", if path.contains('?') { '&' } else { '?' });
            let answer = visitor.console.door.get(&visitor.caller, joined).await;
            let title = |row: &Json| {
                let texts = titles.iter().map(|path| text_at(row, path)).filter(|text| !text.is_empty());
                texts.collect::<Vec<_>>().join(" · ")
            };
            let rows = items(answer.data());
            let mut options: Vec<Choice> =
                rows.iter().map(|row| choice(&text_at(row, member), &title(row), &value)).collect();
            let is_known = value.is_empty() || options.iter().any(|option| option.value == value);
            if !is_known {
                options.insert(0, choice(&value, &value, &value));
            }
            if !input.required || options.is_empty() {
                options.insert(0, choice("", if options.is_empty() { "None yet" } else { "–" }, &value));
            }
            Field { options, ..of_kind("select") }
        }
    }]
}

fn choice(value: &str, title: &str, chosen: &str) -> Choice {
    Choice { value: value.to_owned(), title: title.to_owned(), selected: value == chosen }
}

#[cfg(test)]
mod tests {
    #[test]
    fn commas_are_taken_out_only_between_groups() {
        for (text, sent) in [
            ("1,234.5", "1234.5"),
            ("12,500", "12500"),
            ("1,000,000.00", "1000000.00"),
            ("250", "250"),
            ("0.5", "0.5"),
            ("1,5", "1,5"),
            ("12,50", "12,50"),
            (",,1,,", ",,1,,"),
            ("1234,567", "1234,567"),
            ("1,23,456", "1,23,456"),
            ("1.234,56", "1.234,56"),
            ("-1,000", "-1,000"),
            ("", ""),
        ] {
            assert_eq!(super::without_groups(text), sent, "{text}");
        }
    }
}
