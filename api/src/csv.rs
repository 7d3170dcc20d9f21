//! Lists as CSV (RFC 4180): every row that matches, streamed a page at a time, so that memory stays bounded for any
//! number of rows.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use paygen_store::query::{ListQuery, Page, Paging};
use paygen_store::{Listed, Reader, StoreError};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::PartialSchema;

use super::problem::Problem;
use super::view_members;

/// Rows read at a time.
const STEP: u32 = 1000;

/// A resource as CSV: the columns are the members of its view. Absent values are empty, and objects are written as JSON.
pub struct Sheet {
    /// The name of the file.
    pub file: HeaderValue,
    /// The first columns, in order. `merchant.name` is a member of an object; its column is `merchantName`. All other
    /// members follow in the view's order.
    pub first: &'static [&'static str],
    /// Members without a column.
    pub without: &'static [&'static str],
}

impl Sheet {
    /// The columns, as paths into the view.
    fn paths<V: PartialSchema + 'static>(&self) -> Vec<&'static str> {
        let listed = |name: &&str| self.first.contains(name) || self.without.contains(name);
        let others = view_members::names::<V>().filter(|name| !listed(name));
        self.first.iter().copied().chain(others).collect()
    }
}

fn column(path: &str) -> String {
    let mut parts = path.split('.');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        name.push_str(&part[..1].to_ascii_uppercase());
        name.push_str(&part[1..]);
    }
    name
}

/// Writes a JSON value as a cell. Numbers keep their digits.
fn write_cell(value: &RawValue, into: &mut String) {
    let json = value.get();
    match json.as_bytes()[0] {
        b'n' => {}
        b'"' => write_text(&serde_json::from_str::<String>(json).expect("a JSON string"), into),
        b'{' | b'[' => write_text(json, into),
        _ => into.push_str(json),
    }
}

/// Words, ids and times are written as they are. Other text is quoted, also a text of digits: some readers keep its zeros.
fn write_text(text: &str, into: &mut String) {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-');
    // A spreadsheet would run text with this beginning as a formula.
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if !risky && text.bytes().all(is_plain) && text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        into.push_str(text);
        return;
    }
    into.push_str(if risky { "\"'" } else { "\"" });
    into.push_str(&text.replace('"', "\"\""));
    into.push('"');
}

/// Whether the client names CSV, and does not prefer JSON.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let (mut csv, mut json) = (None, None);
    for value in headers.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let place = match kind.as_str() {
                "text/csv" => &mut csv,
                "application/json" => &mut json,
                _ => continue,
            };
            let weight = parts.find_map(|part| {
                let (name, weight) = part.split_once('=')?;
                name.trim().eq_ignore_ascii_case("q").then(|| weight.trim().parse().unwrap_or(0.0))
            });
            *place = Some(weight.unwrap_or(1.0_f32));
        }
    }
    csv.is_some_and(|csv| csv > 0.0 && csv >= json.unwrap_or(0.0))
}

/// Every row of the query. An error with the first page is answered as a problem; later the connection is broken off,
/// so that a part is not mistaken for the whole.
pub async fn reply<L: Listed, V: Serialize + PartialSchema + 'static>(
    reader: &Reader,
    query: ListQuery,
    sheet: &Sheet,
    show: impl Fn(&L::Row) -> V + Send + 'static,
) -> Result<Response, Problem>
where
    L::Row: Send,
{
    let query = ListQuery { paging: Paging::After(None), limit: STEP, ..query };
    let paths = sheet.paths::<V>();
    let columns: Vec<String> = paths.iter().map(|path| column(path)).collect();
    let lines = move |rows: &[L::Row]| rows.iter().map(|row| line(&show(row), &paths)).collect::<String>();
    let first = reader.list::<L>(&query).await?;
    let heading = format!("{}\r\n{}", columns.join(","), lines(&first.rows));
    let more = rest(&first, query);
    let rest = stream::try_unfold((reader.clone(), lines, more), move |(reader, lines, query)| async move {
        let Some(query) = query else { return Ok::<_, StoreError>(None) };
        let page = reader.list::<L>(&query).await?;
        let more = rest(&page, query);
        Ok(Some((lines(&page.rows), (reader, lines, more))))
    });
    let all = stream::StreamExt::chain(stream::once(async { Ok(heading) }), rest);
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, sheet.file.clone())];
    Ok((headers, Body::from_stream(all)).into_response())
}

fn rest<T>(page: &Page<T>, query: ListQuery) -> Option<ListQuery> {
    page.next.clone().map(|after| ListQuery { paging: Paging::After(Some(after)), ..query })
}

fn line(view: &impl Serialize, paths: &[&str]) -> String {
    let json = serde_json::to_string(view).expect("a view is plain JSON");
    let members = |json| serde_json::from_str::<BTreeMap<&str, &RawValue>>(json).expect("a JSON object");
    let row = members(&json);
    let mut line = String::new();
    for (at, path) in paths.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        let value = match path.split_once('.') {
            None => row.get(path).copied(),
            Some((object, name)) => row.get(object).and_then(|object| members(object.get()).get(name).copied()),
        };
        if let Some(value) = value {
            write_cell(value, &mut line);
        }
    }
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::{Sheet, column, is_wanted, line};
    use axum::http::{HeaderMap, HeaderValue, header};
    use paygen_core::transfers::TransferView;
    use serde_json::json;

    #[test]
    fn csv_is_asked_for_by_name() {
        let cases = [
            ("text/csv", true),
            ("TEXT/CSV; charset=utf-8", true),
            ("text/html, text/csv;q=0.5, */*;q=0.1", true),
            ("application/json;q=0.4, text/csv;q=0.5", true),
            ("application/json, text/csv;q=0.5", false),
            ("text/csv;q=0", false),
            ("text/csv; Q=0.000", false),
            ("text/csv;q=much", false),
            ("text/csvx", false),
            ("application/json", false),
            ("*/*", false),
            ("", false),
        ];
        for (accept, expected) in cases {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(is_wanted(&headers), expected, "{accept}");
        }
    }

    #[test]
    fn text_cannot_become_a_formula_and_amounts_stay_numbers() {
        let cases = [
            (json!("=1+1"), "\"'=1+1\""),
            (json!("+1"), "\"'+1\""),
            (json!("-1"), "\"'-1\""),
            (json!("@SUM(A1)"), "\"'@SUM(A1)\""),
            (json!("\t=1"), "\"'\t=1\""),
            (json!("a=1"), "\"a=1\""),
            (json!("say \"hi\", twice\r\n"), "\"say \"\"hi\"\", twice\r\n\""),
            (json!(""), "\"\""),
            (json!("2026-11-28T14:55:46.000Z"), "2026-11-28T14:55:46.000Z"),
            (json!("0742"), "\"0742\""),
            (json!("Café"), "\"Café\""),
            (json!(-12.5), "-12.5"),
            (json!(true), "true"),
            (json!(["a"]), "\"[\"\"a\"\"]\""),
            (json!(null), ""),
        ];
        for (value, written) in cases {
            assert_eq!(line(&json!({"a": {"b": value}}), &["a.b", "c"]), format!("{written},\r\n"), "{value}");
        }
    }

    #[test]
    fn every_member_has_a_column() {
        let file = HeaderValue::from_static("");
        let sheet = Sheet { file, first: &["amount", "merchant.name"], without: &["_id"] };
        let columns: Vec<String> = sheet.paths::<TransferView>().into_iter().map(column).collect();
        assert_eq!(columns[..4], ["amount", "merchantName", "fromAccountId", "toAccountId"]);
        assert!(columns.iter().any(|column| column == "updatedAt"));
    }
}
