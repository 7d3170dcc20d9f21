//! Lists: the parameters and the answer of every collection's GET.
//!
//! A resource declares its fields ([`ListSpec`]); parsing the parameters yields a [`ListQuery`] for the store and the
//! echo of the parameters in `meta`.

use std::collections::{BTreeMap, HashMap};

use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::access::Scope;
use paygen_core::ids::{ClientId, Id};
use paygen_store::Listed;
pub use paygen_store::lists::{FieldKind, ListField};
use paygen_store::query::{Filter, ListColumn, ListQuery, Order, Page, Paging, Search};
use paygen_store::value::Value;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::PartialSchema;

use super::card_numbers;
use super::cursor;
use super::filter;
use super::gate::Caller;
use super::problem::Problem;
use super::query::Params;
use super::reply::{self, ListMeta};
use super::view_members;
use crate::Api;
use paygen_edge::nearest::hint;

/// The page size when none is asked for, and the largest.
const DEFAULT_LIMIT: u32 = 20;
const LARGEST_LIMIT: u32 = 200;

/// Other names of fields, in `fields` and in the field lists of `populate`; a dot leads into an object.
pub type Aliases = &'static [(&'static str, &'static str)];

/// Related records named in the published samples of `populate`. Where a list has no such record they are ignored, so
/// that clients written from these samples work.
const PUBLISHED_POPULATE: [&str; 2] = ["owner", "team"];

/// A record that can be embedded beside its id: `cardHolder` beside `cardHolderId`.
#[derive(Clone, Copy, Debug)]
pub struct Populate {
    pub name: &'static str,
    /// The scope required to read such records.
    pub scope: Scope,
    /// Every member of it.
    pub members: fn() -> Vec<&'static str>,
    /// Other names of its fields.
    pub aliases: Aliases,
}

/// A record requested with `populate`, and its fields; all when none is named.
#[derive(Clone, Debug)]
pub struct Asked {
    pub name: &'static str,
    scope: Scope,
    fields: Vec<String>,
}

/// The records of one name to embed in the rows, by their ids.
pub struct Beside<T> {
    /// Id of the request.
    pub asked: Asked,
    /// The id in a row.
    pub id: fn(&T) -> Id,
    /// The records that the caller may see.
    pub records: HashMap<Id, Box<RawValue>>,
}

impl Asked {
    /// The view of a record.
    pub fn show(&self, record: &impl Serialize) -> Result<Box<RawValue>, Problem> {
        project(record, (!self.fields.is_empty()).then_some(self.fields.as_slice()))
    }
}

/// The parameters that a resource's list accepts.
#[derive(Clone, Copy, Debug)]
pub struct ListSpec {
    /// Fields that filter and sort.
    pub fields: &'static [ListField],
    /// Every member of a row.
    pub members: fn() -> Vec<&'static str>,
    /// Other names of fields.
    pub aliases: Aliases,
    /// Records that can be embedded beside their ids.
    pub populate: &'static [Populate],
    /// The default sort.
    pub default_sort: &'static str,
}

impl ListSpec {
    /// A list of rows shown as `V`, newest first unless asked otherwise.
    pub const fn of<V: PartialSchema + 'static>(fields: &'static [ListField]) -> ListSpec {
        ListSpec { fields, members: members::<V>, aliases: &[], populate: &[], default_sort: "-createdAt" }
    }

    /// The same with other names of fields.
    pub const fn with_aliases(self, aliases: Aliases) -> ListSpec {
        ListSpec { aliases, ..self }
    }

    /// The same with records that can be shown beside their ids.
    pub const fn with_populate(self, populate: &'static [Populate]) -> ListSpec {
        ListSpec { populate, ..self }
    }

    /// The same in another order.
    pub const fn sorted_by(self, default_sort: &'static str) -> ListSpec {
        ListSpec { default_sort, ..self }
    }

    fn find(&self, name: &str) -> Option<&ListField> {
        self.fields.iter().find(|field| field.name == name)
    }

    fn names(&self) -> Vec<&'static str> {
        let offered = self.fields.iter().filter(|field| !matches!(field.kind, FieldKind::Never));
        offered.map(|field| field.name).collect()
    }
}

/// The names of a view's members, in their order.
pub fn members<V: PartialSchema + 'static>() -> Vec<&'static str> {
    view_members::names::<V>().collect()
}

/// Answers a list: reads its parameters, asks the store, shows each row. `fixed` conditions always hold.
pub async fn answer<L: Listed, V: Serialize>(
    app: &Api,
    caller: &Caller,
    params: Params,
    spec: &ListSpec,
    fixed: Vec<Filter>,
    show: impl Fn(&L::Row) -> V,
) -> Result<Response, Problem>
where
    L::Row: Send,
{
    let list = read(spec, params, caller.client, fixed, app.settings.list_timeout_ms)?;
    let page = app.reader.list::<L>(&list.query).await?;
    list.reply(page, show)
}

/// A list that was asked for.
#[derive(Debug)]
pub struct List {
    /// The query for the store.
    pub query: ListQuery,
    sort: String,
    fields: Option<String>,
    /// The requested parts of each row: paths, with aliases resolved.
    shown: Option<Vec<String>>,
    search: Option<String>,
    search_in: Option<String>,
    filter: Option<String>,
    populate: Vec<Asked>,
    fingerprint: String,
}

const PARAMETERS: &[&str] = &["page", "limit", "sort", "fields", "search", "searchIn", "filter", "populate", "cursor"];

/// Parses the parameters of a list; the `fixed` conditions always hold, such as the account of its entries.
pub fn read(
    spec: &ListSpec,
    mut params: Params,
    client: ClientId,
    fixed: Vec<Filter>,
    timeout_ms: u32,
) -> Result<List, Problem> {
    let page: Option<u32> = params.take_with("page", |text| match text.parse() {
        Ok(page) if (1..=1_000_000).contains(&page) => Ok(page),
        _ => Err("must be a whole number from 1 to 1000000".to_owned()),
    });
    let limit = params.take_with("limit", |text| match text.parse::<u64>() {
        Ok(limit) if limit > 0 => Ok(u32::try_from(limit).unwrap_or(u32::MAX).min(LARGEST_LIMIT)),
        _ => Err(format!("must be a whole number from 1; above {LARGEST_LIMIT} it is {LARGEST_LIMIT}")),
    });
    let sort_text = params.take("sort").filter(|sort| !sort.is_empty());
    let sort = sort_text.unwrap_or_else(|| spec.default_sort.to_owned());
    let order = read_sort(spec, &sort, &mut params);
    let fields = params.take("fields").filter(|fields| !fields.is_empty());
    let shown =
        fields.as_deref().map(|given| shown_fields(&mut params, "fields", given, &(spec.members)(), spec.aliases));
    let (search, search_in) = (params.take("search").filter(|text| !text.is_empty()), params.take("searchIn"));
    let looked_for = read_search(spec, search.as_deref(), search_in.as_deref(), &mut params);
    let filter = params.take("filter").filter(|filter| !filter.is_empty());
    let mut filters = fixed;
    let plus = params.has_plus("filter");
    if search.as_deref().is_some_and(card_numbers::is_in) {
        params.fault("search", "card_number", card_numbers::RULE);
    }
    if let Some(text) = &filter {
        match filter::read(text, plus, |name| spec.find(name).map(|field| (field.column, field.kind)), &spec.names()) {
            Ok(read) => filters.extend(read),
            Err(messages) => messages.into_iter().for_each(|message| params.fault("filter", "invalid", message)),
        }
    }
    let populate = read_populate(spec, &mut params);
    let fingerprint = cursor::fingerprint(&sort, filter.as_deref(), search.as_deref(), search_in.as_deref());
    let paging = match params.take("cursor") {
        None => Paging::Page { page: page.unwrap_or(1) },
        Some(_) if page.is_some() => {
            params.fault("cursor", "exclusive", "cannot be combined with page");
            Paging::After(None)
        }
        Some(text) if text.is_empty() => Paging::After(None),
        Some(text) => match cursor::read(&text, &fingerprint) {
            Ok(values) => Paging::After(Some(values)),
            Err(message) => {
                params.fault("cursor", "invalid_cursor", message);
                Paging::After(None)
            }
        },
    };
    if matches!(paging, Paging::After(_)) && order.iter().any(|order| filter::is_money(order.column)) {
        params.fault("sort", "invalid", "amounts cannot be sorted by with a cursor: they change while you page");
    }
    params.finish(PARAMETERS)?;
    let query = ListQuery {
        client,
        filters,
        search: looked_for,
        order,
        limit: limit.unwrap_or(DEFAULT_LIMIT),
        paging,
        timeout_ms,
    };
    Ok(List { query, sort, fields, shown, search, search_in, filter, populate, fingerprint })
}

/// Parses the parameters of a list exported as a whole. Parameters that would select a part of it are refused rather
/// than ignored.
pub fn read_whole(
    spec: &ListSpec,
    mut params: Params,
    client: ClientId,
    fixed: Vec<Filter>,
    timeout_ms: u32,
) -> Result<ListQuery, Problem> {
    for name in ["page", "limit", "cursor", "fields", "populate"] {
        if params.take(name).is_some() {
            params.fault(name, "exclusive", "cannot be combined with CSV, which has every column of all that match");
        }
    }
    params.put("cursor", "");
    Ok(read(spec, params, client, fixed, timeout_ms)?.query)
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

fn read_sort(spec: &ListSpec, sort: &str, params: &mut Params) -> Vec<Order> {
    let mut order: Vec<Order> = Vec::new();
    for piece in sort.split(',').map(str::trim) {
        if params.is_hopeless() {
            break;
        }
        let (name, descending) = piece.strip_prefix('-').map_or((piece, false), |name| (name, true));
        match spec.find(name).filter(|field| !matches!(field.kind, FieldKind::Never)) {
            Some(field) if matches!(field.kind, FieldKind::Hashed) => {
                params.fault("sort", "invalid", format!("cannot sort by \"{name}\": it is kept sealed"));
            }
            Some(field) if order.iter().all(|known| known.column != field.column) && order.len() < 8 => {
                order.push(Order { column: field.column, descending });
            }
            Some(_) => {
                params.fault("sort", "invalid", format!("\"{name}\" stands twice, or there are more than 8 fields"))
            }
            None => {
                let names = spec.names();
                let name = shorten(name);
                let hint = hint(&name, names.iter().copied());
                params.fault(
                    "sort",
                    "invalid",
                    format!("cannot sort by \"{name}\".{hint} Allowed: {}", names.join(", ")),
                );
            }
        }
    }
    order
}

/// `cardHolder,debitAccount`, `cardHolder:name person`, several with `;`.
fn read_populate(spec: &ListSpec, params: &mut Params) -> Vec<Asked> {
    let text = params.take("populate").unwrap_or_default();
    let mut populate: Vec<Asked> = Vec::new();
    for piece in text.split([';', ',']).map(str::trim).filter(|piece| !piece.is_empty()) {
        if params.is_hopeless() {
            break;
        }
        let (name, fields) = piece.split_once(':').unwrap_or((piece, ""));
        let Some(known) = spec.populate.iter().find(|known| known.name == name.trim()) else {
            if PUBLISHED_POPULATE.contains(&name.trim()) {
                continue;
            }
            let names: Vec<&str> = spec.populate.iter().map(|known| known.name).collect();
            let allowed = if names.is_empty() { "nothing here".to_owned() } else { names.join(", ") };
            params.fault(
                "populate",
                "invalid",
                format!("cannot show \"{}\"; it can show {allowed}", shorten(name.trim())),
            );
            continue;
        };
        let fields = fields.split_whitespace();
        let fields = fields
            .flat_map(|field| shown_fields(params, "populate", field, &(known.members)(), known.aliases))
            .collect();
        if populate.iter().any(|asked| asked.name == known.name) {
            params.fault("populate", "invalid", format!("\"{}\" stands twice", known.name));
            continue;
        }
        populate.push(Asked { name: known.name, scope: known.scope, fields });
    }
    populate
}

/// The paths that names of fields stand for.
fn shown_fields(params: &mut Params, parameter: &str, given: &str, returned: &[&str], aliases: Aliases) -> Vec<String> {
    let others = given.split(',').map(str::trim).filter(|name| aliases.iter().all(|(alias, _)| alias != name));
    let others: Vec<&str> = others.collect();
    if !others.is_empty() {
        check_names(params, parameter, Some(&others.join(",")), returned);
    }
    let path = |name: &str| aliases.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, path)| path).to_owned();
    given.split(',').map(str::trim).map(path).collect()
}

fn check_names(params: &mut Params, parameter: &str, given: Option<&str>, allowed: &[&str]) {
    for name in given.into_iter().flat_map(|given| given.split(',')).map(str::trim) {
        if params.is_hopeless() {
            return;
        }
        if !allowed.contains(&name) {
            let name = shorten(name);
            let hint = hint(&name, allowed.iter().copied());
            params.fault(parameter, "invalid", format!("\"{name}\" is not one of {}.{hint}", allowed.join(", ")));
        }
    }
}

fn read_search(spec: &ListSpec, search: Option<&str>, search_in: Option<&str>, params: &mut Params) -> Option<Search> {
    let searchable: Vec<&ListField> = spec.fields.iter().filter(|field| field.searched).collect();
    let names: Vec<&str> = searchable.iter().map(|field| field.name).collect();
    let search_in = search_in.filter(|names| !names.is_empty());
    check_names(params, "searchIn", search_in, &names);
    let text = search?;
    if text.chars().count() > 200 {
        params.fault("search", "max_length", "must have at most 200 characters");
    }
    let wanted =
        |field: &&&ListField| search_in.is_none_or(|names| names.split(',').any(|name| name.trim() == field.name));
    let (mut columns, mut equal): (Vec<ListColumn>, Vec<(ListColumn, Value)>) = (Vec::new(), Vec::new());
    for field in searchable.iter().filter(wanted) {
        if !matches!(field.kind, FieldKind::Hashed) {
            columns.push(field.column);
        } else if is_address(text) && equal.iter().all(|(column, _)| *column != field.column) {
            equal.push((field.column, Value::from(text)));
        }
    }
    if let Some(field) = searchable.iter().find(wanted)
        && columns.is_empty()
        && equal.is_empty()
    {
        let message = format!(
            "{} is kept sealed and found as a whole: search for an address such as ada@example.com",
            field.name
        );
        params.fault("search", "invalid", message);
    }
    Some(Search { text: text.to_owned(), columns, equal })
}

/// Whether a text is a complete e-mail address, as far as the search needs to know.
fn is_address(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    text.split_once('@').is_some_and(|(name, host)| plain(name) && plain(host))
}

impl List {
    /// The fingerprint of this list, for its cursors.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The records to embed beside their ids; the caller needs the scopes to read them.
    pub fn populate(&self, caller: &Caller) -> Result<Vec<Asked>, Problem> {
        for asked in &self.populate {
            caller.needs(asked.scope)?;
        }
        Ok(self.populate.clone())
    }

    /// As [`List::reply`], with records embedded beside their ids; null where there is none the caller may see.
    pub fn reply_beside<T, V: Serialize>(
        &self,
        page: Page<T>,
        show: impl Fn(&T) -> V,
        beside: &[Beside<T>],
    ) -> Result<Response, Problem> {
        let next = page.next.as_ref().map(|values| cursor::write(values, &self.fingerprint));
        let row = |row: &T| {
            let shown = self.project(&show(row))?;
            beside.iter().try_fold(shown, |shown, beside| {
                let record = beside.records.get(&(beside.id)(row)).map_or("null", |record| record.get());
                let members = shown.get().strip_suffix('}').unwrap_or_default();
                let text = format!("{members},\"{}\":{record}}}", beside.asked.name);
                RawValue::from_string(text).map_err(|error| Problem::internal(error.to_string()))
            })
        };
        let rows: Vec<Box<RawValue>> = page.rows.iter().map(row).collect::<Result<_, _>>()?;
        Ok(self.envelope(&rows, page.total, next))
    }

    /// The answer: each row rendered by `show`, reduced to the requested fields.
    pub fn reply<T, V: Serialize>(&self, page: Page<T>, show: impl Fn(&T) -> V) -> Result<Response, Problem> {
        let next = page.next.as_ref().map(|values| cursor::write(values, &self.fingerprint));
        self.reply_with(page.rows.iter().map(show), page.total, next)
    }

    /// As [`List::reply`], with a cursor of the resource's own.
    pub fn reply_with<V: Serialize>(
        &self,
        rows: impl Iterator<Item = V>,
        total: Option<u64>,
        next: Option<String>,
    ) -> Result<Response, Problem> {
        let rows: Vec<Box<RawValue>> = rows.map(|row| self.project(&row)).collect::<Result<_, _>>()?;
        Ok(self.envelope(&rows, total, next))
    }

    fn envelope(&self, rows: &[Box<RawValue>], total: Option<u64>, next: Option<String>) -> Response {
        let limit = self.query.limit;
        let (page, next_cursor) = match self.query.paging {
            Paging::Page { page } => (Some(page), None),
            Paging::After(_) => (None, Some(next)),
        };
        let meta = ListMeta {
            page,
            limit,
            total,
            pages: total.map(|total| total.div_ceil(u64::from(limit))),
            sort: self.sort.clone(),
            fields: self.fields.clone(),
            search: self.search.clone(),
            search_in: self.search_in.clone(),
            filter: self.filter.clone(),
            next_cursor,
        };
        reply::json(StatusCode::OK, reply::bytes(StatusCode::OK, "Data fetched successfully.", &rows, Some(meta)))
    }

    fn project(&self, row: &impl Serialize) -> Result<Box<RawValue>, Problem> {
        project(row, self.shown.as_deref())
    }
}

/// The row as JSON, reduced to the requested fields; numbers keep their digits.
fn project<S: AsRef<str>>(row: &impl Serialize, fields: Option<&[S]>) -> Result<Box<RawValue>, Problem> {
    let failed = |error: serde_json::Error| Problem::internal(error.to_string());
    let text = serde_json::to_string(row).map_err(failed)?;
    let text = match fields {
        None => text,
        Some(fields) => {
            let paths: Vec<&str> = fields.iter().map(AsRef::as_ref).chain(["_id"]).collect();
            only(&text, &paths).map_err(failed)?
        }
    };
    RawValue::from_string(text).map_err(failed)
}

/// The members of an object that paths lead to. Any other value stays as it is.
fn only(text: &str, paths: &[&str]) -> serde_json::Result<String> {
    if !text.starts_with('{') {
        return Ok(text.to_owned());
    }
    let members: BTreeMap<&str, &RawValue> = serde_json::from_str(text)?;
    let mut kept: BTreeMap<&str, Box<RawValue>> = BTreeMap::new();
    for (name, value) in members {
        let inside = |path: &&str| path.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')).is_some();
        if paths.contains(&name) {
            kept.insert(name, value.to_owned());
        } else if paths.iter().any(inside) {
            let inner: Vec<&str> =
                paths.iter().filter(|path| inside(path)).map(|path| &path[name.len() + 1..]).collect();
            kept.insert(name, RawValue::from_string(only(value.get(), &inner)?)?);
        }
    }
    serde_json::to_string(&kept)
}

/// The parameters of every list, for the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "only documents")]
pub struct ListParams {
    /// The page, from 1.
    #[param(minimum = 1, maximum = 1_000_000, example = 1)]
    page: Option<u32>,
    /// Page size. Defaults to 20; at most 200.
    #[param(minimum = 1, example = 20)]
    limit: Option<u64>,
    /// Fields to sort by, `-` for descending: `name,-createdAt`.
    sort: Option<String>,
    /// Fields to return; `_id` is always included.
    fields: Option<String>,
    /// Text to search for, literally, ignoring letter case.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Fields to search in.
    #[param(rename = "searchIn")]
    search_in: Option<String>,
    /// Conditions: `status=active&balance.gte=100` (encode `&` as `%26`) or JSON.
    filter: Option<String>,
    /// Related records to include, if the list has any: `cardHolder,debitAccount` or `cardHolder:name person`, several
    /// with `;`. This also requires the scopes to read them.
    populate: Option<String>,
    /// Keyset paging: empty to start, then `meta.nextCursor`.
    cursor: Option<String>,
}

/// The query for the one row with this condition.
pub fn one(client: ClientId, condition: Filter, timeout_ms: u32) -> ListQuery {
    let filters = vec![condition];
    let paging = Paging::After(None);
    ListQuery { client, filters, search: None, order: Vec::new(), limit: 1, paging, timeout_ms }
}
