//! Lists as CSV (RFC 4180): every row that the conditions match, streamed a page at a time, so that memory stays bounded
//! however many there are.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use paygen_store::query::{ListQuery, Page, Paging};
use paygen_store::{Listed, Reader, StoreError};

use super::problem::Problem;

/// How many rows are read at a time.
const STEP: u32 = 1000;

/// How a resource's rows are written as CSV.
pub struct Sheet<T> {
    /// The name of the file.
    pub file: HeaderValue,
    /// The names of the columns.
    pub columns: &'static [&'static str],
    /// A row's cells, one for each column.
    pub cells: fn(&T) -> Vec<Cell>,
}

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A word, number, id or time of ours.
    Plain(String),
    /// What somebody wrote.
    Text(String),
    /// Nothing.
    Empty,
}

impl Cell {
    /// A word, number, id or time of ours.
    pub fn plain(value: impl ToString) -> Cell {
        Cell::Plain(value.to_string())
    }

    /// One of ours, where there is one.
    pub fn maybe(value: Option<impl ToString>) -> Cell {
        value.map_or(Cell::Empty, Cell::plain)
    }

    /// What somebody wrote, where they did.
    pub fn text(value: Option<&str>) -> Cell {
        value.map_or(Cell::Empty, |text| Cell::Text(text.to_owned()))
    }

    fn write(&self, into: &mut String) {
        match self {
            Cell::Plain(word) => into.push_str(word),
            Cell::Text(text) => {
                // A spreadsheet would run what begins so as a formula.
                let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
                into.push_str(if risky { "\"'" } else { "\"" });
                into.push_str(&text.replace('"', "\"\""));
                into.push('"');
            }
            Cell::Empty => {}
        }
    }
}

/// Whether CSV is asked for by its name, and not less than JSON.
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

/// Every row of the query. What goes wrong with the first rows is told as a problem; later the connection breaks off, so
/// that nobody takes a part for the whole.
pub async fn reply<L: Listed>(reader: &Reader, query: ListQuery, sheet: &Sheet<L::Row>) -> Result<Response, Problem>
where
    L::Row: Send,
{
    let query = ListQuery { paging: Paging::After(None), limit: STEP, ..query };
    let cells = sheet.cells;
    let first = reader.list::<L>(&query).await?;
    let heading = format!("{}\r\n{}", sheet.columns.join(","), lines(&first.rows, cells));
    let more = rest(&first, query);
    let rest = stream::try_unfold((reader.clone(), more), move |(reader, query)| async move {
        let Some(query) = query else { return Ok::<_, StoreError>(None) };
        let page = reader.list::<L>(&query).await?;
        let more = rest(&page, query);
        Ok(Some((lines(&page.rows, cells), (reader, more))))
    });
    let all = stream::StreamExt::chain(stream::once(async { Ok(heading) }), rest);
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, sheet.file.clone())];
    Ok((headers, Body::from_stream(all)).into_response())
}

fn rest<T>(page: &Page<T>, query: ListQuery) -> Option<ListQuery> {
    page.next.clone().map(|after| ListQuery { paging: Paging::After(Some(after)), ..query })
}

fn lines<T>(rows: &[T], cells: fn(&T) -> Vec<Cell>) -> String {
    let mut text = String::new();
    for row in rows {
        for (at, cell) in cells(row).iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            cell.write(&mut text);
        }
        text.push_str("\r\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Cell, is_wanted};
    use axum::http::{HeaderMap, HeaderValue, header};

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
    fn what_somebody_wrote_is_no_formula() {
        let cases = [
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("a=1", "\"a=1\""),
            ("say \"hi\", twice\r\n", "\"say \"\"hi\"\", twice\r\n\""),
            ("", "\"\""),
        ];
        for (text, expected) in cases {
            let mut written = String::new();
            Cell::Text(text.to_owned()).write(&mut written);
            assert_eq!(written, expected, "{text}");
        }
        let mut amount = String::new();
        Cell::plain("-12.50").write(&mut amount);
        assert_eq!(amount, "-12.50", "an amount below zero is a number");
    }
}
