//! What the templates show. Everything is text: an absent value is an empty one.

use askama::Template;

#[derive(Clone, Debug, Default)]
pub(crate) struct Assets {
    pub(crate) css: String,
    pub(crate) js: String,
    pub(crate) theme: String,
    pub(crate) passkey: String,
    pub(crate) logo: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) title: String,
    pub(crate) selected: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) entries: Vec<Entry>,
}

/// An entry of the navigation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) icon: String,
    /// The key that goes there, after `g`.
    pub(crate) key: String,
    pub(crate) current: bool,
}

/// The frame of every page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shell {
    pub(crate) title: String,
    pub(crate) groups: Vec<Group>,
    pub(crate) user_name: String,
    pub(crate) user_email: String,
    pub(crate) role: String,
    pub(crate) client_name: String,
    pub(crate) client_id: String,
    pub(crate) clients: Vec<Choice>,
    pub(crate) sandbox: bool,
    /// Business time.
    pub(crate) now: String,
    pub(crate) csrf: String,
    pub(crate) flash: String,
    pub(crate) flash_tone: String,
    pub(crate) search: String,
    pub(crate) path: String,
    pub(crate) assets: Assets,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    /// text, code, money, time, badge, bool, json, link or empty.
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) href: String,
    /// good, bad, warn, info or quiet.
    pub(crate) tone: String,
    pub(crate) sub: String,
    pub(crate) time: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ApiCall {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) curl: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Crumb {
    pub(crate) href: String,
    pub(crate) title: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) title: String,
    /// primary, danger or empty.
    pub(crate) tone: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) title: String,
    pub(crate) numeric: bool,
    pub(crate) href: String,
    pub(crate) sorted: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) href: String,
    pub(crate) cells: Vec<Cell>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) heads: Vec<Head>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// The end of the element's id: the name, unless several elements have that.
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) help: String,
    pub(crate) error: String,
    pub(crate) required: bool,
    pub(crate) checked: bool,
    pub(crate) options: Vec<Choice>,
    pub(crate) placeholder: String,
    pub(crate) unit: String,
    pub(crate) min: String,
    pub(crate) max: String,
    pub(crate) autocomplete: String,
}

/// An entry of the summary of what is wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrong {
    pub(crate) href: String,
    pub(crate) text: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    pub(crate) label: String,
    pub(crate) cell: Cell,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) items: Vec<Item>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Related {
    pub(crate) title: String,
    pub(crate) href: String,
    pub(crate) link_title: String,
    pub(crate) table: Table,
    pub(crate) empty_text: String,
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "list.html")]
pub(crate) struct ListPage {
    pub(crate) shell: Shell,
    pub(crate) crumbs: Vec<Crumb>,
    pub(crate) heading: String,
    pub(crate) lead: String,
    pub(crate) links: Vec<Link>,
    pub(crate) filters: Vec<Field>,
    pub(crate) filtered: bool,
    pub(crate) clear_href: String,
    pub(crate) csv_href: String,
    /// Whether it can be read again by itself.
    pub(crate) live: bool,
    pub(crate) table: Table,
    pub(crate) total: String,
    pub(crate) previous_href: String,
    pub(crate) next_href: String,
    pub(crate) range: String,
    pub(crate) empty_title: String,
    pub(crate) empty_text: String,
    pub(crate) empty_link: Link,
    pub(crate) call: ApiCall,
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "detail.html")]
pub(crate) struct DetailPage {
    pub(crate) shell: Shell,
    pub(crate) crumbs: Vec<Crumb>,
    pub(crate) heading: String,
    pub(crate) code: String,
    pub(crate) badge: Cell,
    pub(crate) lead: String,
    pub(crate) links: Vec<Link>,
    pub(crate) sections: Vec<Section>,
    pub(crate) tables: Vec<Related>,
    pub(crate) json: String,
    pub(crate) call: ApiCall,
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "form.html")]
pub(crate) struct FormPage {
    pub(crate) shell: Shell,
    pub(crate) crumbs: Vec<Crumb>,
    pub(crate) heading: String,
    pub(crate) lead: String,
    pub(crate) action: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) summary: Vec<Wrong>,
    pub(crate) message: String,
    pub(crate) submit: String,
    pub(crate) danger: bool,
    pub(crate) cancel_href: String,
    pub(crate) multipart: bool,
    pub(crate) after: String,
    pub(crate) call: ApiCall,
}

/// A check of a decision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) title: String,
    /// passed, failed or skipped.
    pub(crate) outcome: String,
    pub(crate) text: String,
    pub(crate) seen: String,
    pub(crate) threshold: String,
    pub(crate) level: String,
    /// Whether it decided.
    pub(crate) first: bool,
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "decision.html")]
pub(crate) struct DecisionPage {
    pub(crate) shell: Shell,
    pub(crate) crumbs: Vec<Crumb>,
    pub(crate) heading: String,
    pub(crate) code: String,
    pub(crate) badge: Cell,
    pub(crate) amount: String,
    pub(crate) merchant: String,
    pub(crate) when: Cell,
    pub(crate) verdict: String,
    pub(crate) tone: String,
    pub(crate) links: Vec<Link>,
    pub(crate) steps: Vec<Check>,
    pub(crate) facts: Vec<Section>,
    pub(crate) what_if: Vec<Field>,
    pub(crate) what_if_action: String,
    pub(crate) what_if_result: String,
    pub(crate) what_if_tone: String,
    pub(crate) call: ApiCall,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Tile {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) sub: String,
    pub(crate) tone: String,
    pub(crate) href: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) sub: String,
    pub(crate) svg: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) href: String,
    pub(crate) done: bool,
    pub(crate) link_title: String,
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    pub(crate) shell: Shell,
    pub(crate) heading: String,
    pub(crate) tiles: Vec<Tile>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) lists: Vec<Related>,
    pub(crate) steps: Vec<Step>,
    pub(crate) call: ApiCall,
}

/// A card holder's document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doc {
    pub(crate) title: String,
    pub(crate) href: String,
    /// image, pdf or missing.
    pub(crate) kind: String,
    pub(crate) badge: Cell,
    pub(crate) approve_action: String,
    pub(crate) reject_action: String,
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "review.html")]
pub(crate) struct ReviewPage {
    pub(crate) shell: Shell,
    pub(crate) crumbs: Vec<Crumb>,
    pub(crate) heading: String,
    pub(crate) lead: String,
    pub(crate) documents: Vec<Doc>,
    pub(crate) sections: Vec<Section>,
    pub(crate) reason_error: String,
    pub(crate) call: ApiCall,
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "reveal.html")]
pub(crate) struct RevealPage {
    pub(crate) shell: Shell,
    pub(crate) crumbs: Vec<Crumb>,
    pub(crate) heading: String,
    pub(crate) lead: String,
    /// The address of the API's one-time page.
    pub(crate) frame: String,
    pub(crate) back: String,
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "message.html")]
pub(crate) struct MessagePage {
    pub(crate) shell: Shell,
    pub(crate) heading: String,
    pub(crate) text: String,
    pub(crate) link: Link,
}

/// The form of the script `passkey.js`.
#[derive(Clone, Debug, Default)]
pub(crate) struct PasskeyPart {
    /// Where passkeys work.
    pub(crate) origin: String,
    /// Where a challenge is asked for.
    pub(crate) options: String,
    /// Where the answer goes.
    pub(crate) action: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) submit: String,
    pub(crate) csrf: String,
    /// Whether the page is about nothing else.
    pub(crate) needed: bool,
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) assets: Assets,
    pub(crate) title: String,
    pub(crate) heading: String,
    pub(crate) lead: String,
    pub(crate) action: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) message: String,
    pub(crate) submit: String,
    pub(crate) links: Vec<Link>,
    pub(crate) csrf: String,
    pub(crate) passkey: Option<PasskeyPart>,
    /// Where somebody signs in at the identity provider.
    pub(crate) provider: Option<Link>,
}

/// Goes on to a page of the console.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "onward.html")]
pub(crate) struct OnwardPage {
    pub(crate) assets: Assets,
    pub(crate) next: String,
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "enroll.html")]
pub(crate) struct EnrollPage {
    pub(crate) assets: Assets,
    pub(crate) title: String,
    pub(crate) heading: String,
    pub(crate) lead: String,
    pub(crate) qr_svg: String,
    pub(crate) secret: String,
    pub(crate) action: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) message: String,
    pub(crate) submit: String,
    pub(crate) csrf: String,
}

#[derive(Clone, Debug, Default, Template)]
#[template(path = "codes.html")]
pub(crate) struct CodesPage {
    pub(crate) assets: Assets,
    pub(crate) title: String,
    pub(crate) heading: String,
    pub(crate) lead: String,
    pub(crate) codes: Vec<String>,
    pub(crate) link: Link,
}
