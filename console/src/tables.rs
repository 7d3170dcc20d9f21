//! Pages as data: lists, objects and actions, each made of one call of the API.

use axum::http::Method;
use paygen_core::access::Scope;

/// How a member of an object is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum As {
    Text,
    /// An id or a code.
    Code,
    /// An amount; the path of its currency.
    Money(&'static str),
    Time,
    /// A word of the API, such as `spending_limit_exceeded`.
    Word,
    /// A word whose meaning has a colour.
    Status,
    /// Two members with a sign between them: the path of the second, and the sign.
    Joined(&'static str, &'static str),
    Bool,
    Json,
    /// An id that leads to a page: the path below `/console` before it.
    Link(&'static str),
    /// A text of another record that leads to its page: the path below `/console`, and the member with its id. The
    /// record is asked for together with the list; who may not see it gets the id.
    Named(&'static str, &'static str),
}

/// A column of a list, or a line of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// Where the value stands, such as `merchant.name`.
    pub(crate) path: &'static str,
    pub(crate) shown: As,
    /// The name by which the API sorts.
    pub(crate) sort: &'static str,
}

pub(crate) const fn column(title: &'static str, path: &'static str, shown: As) -> Column {
    Column { title, path, shown, sort: "" }
}

impl Column {
    pub(crate) const fn sorted_by(self, sort: &'static str) -> Column {
        Column { sort, ..self }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum FilterKind {
    Text,
    /// One of these words.
    Words(&'static [&'static str]),
    /// From the beginning of this day.
    From,
    /// To the end of this day.
    To,
}

/// A filter of a list. Its name is a parameter of the page and, with its operator, of the API's filter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: FilterKind,
}

pub(crate) const fn filter(name: &'static str, label: &'static str, kind: FilterKind) -> Filter {
    Filter { name, label, kind }
}

/// The two filters of a list by time.
pub(crate) const SINCE: Filter = filter("createdAt.gte", "From", FilterKind::From);
pub(crate) const UNTIL: Filter = filter("createdAt.lte", "To", FilterKind::To);

/// A list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    /// Below `/console`; `{id}` is that of the object it belongs to.
    pub(crate) path: &'static str,
    pub(crate) api: &'static str,
    pub(crate) scope: Scope,
    pub(crate) title: &'static str,
    pub(crate) lead: &'static str,
    /// What one row is, and several.
    pub(crate) noun: (&'static str, &'static str),
    pub(crate) columns: &'static [Column],
    pub(crate) filters: &'static [Filter],
    /// Where a row leads, below `/console`; `{path}` is a member of the row.
    pub(crate) row: &'static str,
    /// Paths of actions.
    pub(crate) actions: &'static [&'static str],
    /// What to do when there is nothing yet.
    pub(crate) empty: &'static str,
    pub(crate) csv: bool,
}

/// A list beside an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    pub(crate) title: &'static str,
    /// The call, with `{id}`, or with `{path}` of a member of the object.
    pub(crate) api: &'static str,
    pub(crate) scope: Scope,
    pub(crate) columns: &'static [Column],
    pub(crate) row: &'static str,
    /// The page with all of it, below `/console`.
    pub(crate) all: &'static str,
    pub(crate) empty: &'static str,
    /// Where the rows stand in the answer's data; empty if it is the list.
    pub(crate) within: &'static str,
}

/// A part of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) title: &'static str,
    pub(crate) columns: &'static [Column],
    /// The member whose members are shown instead, each with its value before and after.
    pub(crate) changes: &'static str,
}

pub(crate) const fn part(title: &'static str, columns: &'static [Column]) -> Part {
    Part { title, columns, changes: "" }
}

/// An object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object {
    /// Below `/console`, with `{id}`.
    pub(crate) path: &'static str,
    pub(crate) api: &'static str,
    pub(crate) scope: Scope,
    /// The list it stands in.
    pub(crate) list: (&'static str, &'static str),
    /// The members whose texts are its heading.
    pub(crate) heading: &'static [&'static str],
    /// What it is when these are empty.
    pub(crate) noun: &'static str,
    /// The member that is its badge.
    pub(crate) badge: &'static str,
    pub(crate) parts: &'static [Part],
    pub(crate) beside: &'static [Beside],
    /// Paths of actions and pages.
    pub(crate) actions: &'static [&'static str],
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Text,
    LongText,
    Email,
    /// An amount, kept as text.
    Money,
    Number,
    Password,
    Date,
    /// Sent as true or false.
    Switch,
    /// One of these words. An empty one is not sent.
    Words(&'static [&'static str]),
    /// One of the rows of a call: the call, the member to send, the members to show.
    Pick(&'static str, &'static str, &'static [&'static str]),
    /// Words separated by commas or blanks, sent as a list.
    List,
    /// Several of these words, sent as a list.
    Several(&'static [&'static str]),
    /// JSON, sent as it is.
    Json,
}

/// A field of a form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input {
    /// Where the value stands in the call's body, such as `merchant.name`.
    pub(crate) path: &'static str,
    pub(crate) label: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) value: &'static str,
    pub(crate) help: &'static str,
    /// Whether an empty field is sent as null: it clears what was there.
    pub(crate) clears: bool,
}

pub(crate) const fn input(path: &'static str, label: &'static str, kind: Kind) -> Input {
    Input { path, label, kind, required: false, value: "", help: "", clears: false }
}

impl Input {
    pub(crate) const fn required(self) -> Input {
        Input { required: true, ..self }
    }

    /// The value of a new form.
    pub(crate) const fn of(self, value: &'static str) -> Input {
        Input { value, ..self }
    }

    pub(crate) const fn help(self, help: &'static str) -> Input {
        Input { help, ..self }
    }

    pub(crate) const fn clears(self) -> Input {
        Input { clears: true, ..self }
    }
}

/// What is done with a form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Action {
    /// Below `/console`, with `{id}`.
    pub(crate) path: &'static str,
    pub(crate) method: Verb,
    /// The call, with `{id}`.
    pub(crate) api: &'static str,
    pub(crate) scope: Scope,
    pub(crate) title: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) submit: &'static str,
    /// Whether a factor must have been proven within the last minutes.
    pub(crate) fresh: bool,
    pub(crate) danger: bool,
    pub(crate) inputs: &'static [Input],
    /// The object whose values the form begins with, and whose version must not change meanwhile: a call with `{id}`.
    pub(crate) of: &'static str,
    /// Where to go afterwards, below `/console`: `{id}`, or `{path}` of a member of the answer.
    pub(crate) then: &'static str,
    /// Members of the answer that are shown once, with their titles.
    pub(crate) once: &'static [(&'static str, &'static str)],
    /// The members of the object with which it can be done: a member and its words. Otherwise it is not offered.
    pub(crate) when: &'static [(&'static str, &'static [&'static str])],
    /// Whether only the sandbox has it.
    pub(crate) sandbox: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verb {
    Post,
    Put,
    Delete,
}

impl Verb {
    pub(crate) fn method(self) -> Method {
        match self {
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
            Verb::Delete => Method::DELETE,
        }
    }
}

/// What tables leave out.
pub(crate) const ACTION: Action = Action {
    path: "",
    method: Verb::Post,
    api: "",
    scope: Scope::AccountsRead,
    title: "",
    lead: "",
    submit: "",
    fresh: false,
    danger: false,
    inputs: &[],
    of: "",
    then: "",
    once: &[],
    when: &[],
    sandbox: false,
};

/// Puts an id and members of an object into a path such as `/cards/{id}` or `/cards/{cardId}`; `None` if one is empty.
pub(crate) fn fill(template: &str, id: &str, member: impl Fn(&str) -> String) -> Option<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        let value = if name == "id" { id.to_owned() } else { member(name) };
        (!value.is_empty()).then_some(())?;
        filled.push_str(before);
        filled.push_str(&value);
        rest = behind;
    }
    filled.push_str(rest);
    Some(filled)
}

/// A group of the navigation.
pub(crate) struct NavGroup {
    pub(crate) title: &'static str,
    pub(crate) entries: &'static [NavEntry],
}

pub(crate) struct NavEntry {
    /// Below `/console`.
    pub(crate) path: &'static str,
    pub(crate) title: &'static str,
    pub(crate) icon: &'static str,
    /// The key that goes there, after `g`.
    pub(crate) key: &'static str,
    pub(crate) scope: Option<Scope>,
    /// Whether only the sandbox has it.
    pub(crate) sandbox: bool,
}

impl NavEntry {
    /// Whether a page is below this entry.
    pub(crate) fn is_current(&self, path: &str) -> bool {
        let here = path.strip_prefix("/console").unwrap_or_default();
        match self.path {
            "" => here.is_empty(),
            own => here == own || here.strip_prefix(own).is_some_and(|rest| rest.starts_with('/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn paths_are_filled() {
        let member = |name: &str| if name == "card.id" { "c".to_owned() } else { String::new() };
        assert_eq!(fill("/cards/{id}/fund", "7", member).as_deref(), Some("/cards/7/fund"));
        assert_eq!(fill("/x?filter=cardId={card.id}", "7", member).as_deref(), Some("/x?filter=cardId=c"));
        assert_eq!(fill("/cards/{other}", "7", member), None);
        assert_eq!(fill("/cards", "", member).as_deref(), Some("/cards"));
    }
}
