//! The JSON columns of a payment, without what other columns of the row say already.

use std::borrow::Cow;

use paygen_core::authorizations::Decided;
use paygen_core::messages::{Merchant, Trace};
use serde::{Deserialize, Serialize};

use super::{Corrupt, Row, json};

/// A merchant, without the members that have columns: they are listed by.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MerchantRest<'a> {
    merchant_id: Cow<'a, str>,
    city: Cow<'a, str>,
    state: Cow<'a, str>,
    country: Cow<'a, str>,
    postal_code: Cow<'a, str>,
}

pub(super) fn merchant_rest(merchant: &Merchant) -> String {
    let Merchant { category: _, name: _, merchant_id, city, state, country, postal_code } = merchant;
    let [merchant_id, city, state, country, postal_code] =
        [merchant_id, city, state, country, postal_code].map(|text| Cow::Borrowed(text.as_str()));
    json(&MerchantRest { merchant_id, city, state, country, postal_code })
}

/// Reads the columns `merchant_category`, `merchant_name` and `merchant`. Older rows have a whole merchant in the last.
pub(super) fn merchant(row: &mut Row) -> Result<Merchant, Corrupt> {
    let (category, name) = (row.text()?, row.text()?);
    let MerchantRest { merchant_id, city, state, country, postal_code } = row.json()?;
    let [merchant_id, city, state, country, postal_code] =
        [merchant_id, city, state, country, postal_code].map(Cow::into_owned);
    Ok(Merchant { category, merchant_id, name, city, state, country, postal_code })
}

/// A trace, without the transaction id.
#[derive(Serialize, Deserialize)]
struct TraceRest<'a> {
    stan: Cow<'a, str>,
    rrn: Cow<'a, str>,
    authorization_code: Option<Cow<'a, str>>,
}

pub(super) fn trace_rest(trace: &Trace) -> String {
    let Trace { stan, rrn, transaction_id: _, authorization_code } = trace;
    let authorization_code = authorization_code.as_deref().map(Cow::Borrowed);
    json(&TraceRest { stan: Cow::Borrowed(stan), rrn: Cow::Borrowed(rrn), authorization_code })
}

/// Reads the columns `trace` and `network_transaction_id`. Older rows have a whole trace in the first.
pub(super) fn trace(row: &mut Row) -> Result<Trace, Corrupt> {
    let TraceRest { stan, rrn, authorization_code } = row.json()?;
    let authorization_code = authorization_code.map(Cow::into_owned);
    Ok(Trace { stan: stan.into_owned(), rrn: rrn.into_owned(), transaction_id: row.text()?, authorization_code })
}

/// Stands for a request's merchant where it is the row's. In JSON, a quote within a text is escaped, so no text of a
/// caller contains this.
const OF_THE_ROW: &str = r#""merchant":0"#;

pub(super) fn decisions(decided: &[Decided], merchant: &Merchant) -> String {
    json(&decided).replace(&format!(r#""merchant":{}"#, json(merchant)), OF_THE_ROW)
}

/// Reads the column `decided`. Decisions in older rows have their merchants.
pub(super) fn read_decisions(row: &mut Row, merchant: &Merchant) -> Result<Vec<Decided>, Corrupt> {
    let text = row.text()?.replace(OF_THE_ROW, &format!(r#""merchant":{}"#, json(merchant)));
    serde_json::from_str(&text).map_err(|_| row.corrupt())
}

#[cfg(test)]
mod tests {
    use paygen_core::messages::{Merchant, Trace};

    use super::{MerchantRest, OF_THE_ROW, TraceRest, json, merchant_rest, trace_rest};

    #[test]
    fn what_a_caller_writes_is_never_taken_for_the_mark() {
        for text in [OF_THE_ROW, r#"\"merchant":0"#, r#"","merchant":0,""#] {
            assert!(!json(&text).contains(OF_THE_ROW), "{text}");
        }
    }

    #[test]
    fn both_forms_of_a_merchant_and_a_trace_are_read() {
        let merchant = Merchant { name: "ACME".to_owned(), city: "Lagos".to_owned(), ..Merchant::default() };
        for text in [json(&merchant), merchant_rest(&merchant)] {
            let rest: MerchantRest = serde_json::from_str(&text).expect("a merchant");
            assert_eq!(rest.city, "Lagos", "{text}");
        }
        assert!(!merchant_rest(&merchant).contains("ACME"));
        let trace = Trace { stan: "1".to_owned(), transaction_id: "T".to_owned(), ..Trace::default() };
        for text in [json(&trace), trace_rest(&trace)] {
            let rest: TraceRest = serde_json::from_str(&text).expect("a trace");
            assert_eq!(rest.stan, "1", "{text}");
        }
    }
}
