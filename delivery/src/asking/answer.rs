//! Reading an answer. Whatever is not exactly an answer is refused with the field at fault: a misspelt `approvedAmount`
//! must not approve the whole.

use std::collections::BTreeMap;

use paygen_core::money::{Currency, Decimal};
use paygen_core::responders::{Answer, AnswerWord};
use paygen_vault::mask::masked;
use serde_json::value::RawValue;

const MAX_REASON: usize = 200;
const MAX_METADATA: usize = 20;
const MAX_METADATA_KEY: usize = 40;
const MAX_METADATA_VALUE: usize = 500;

/// What an answer may approve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// In minor units.
    pub(super) approvable: i64,
    pub(super) currency: Currency,
    /// Whether less may be approved.
    pub(super) partial_allowed: bool,
}

/// The answer in a body; the error names the field.
pub(super) fn read(body: &[u8], bounds: Option<Bounds>) -> Result<Answer, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let members: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|_| "the body is not a JSON object".to_owned())?;
    let mut answer =
        Answer { decision: AnswerWord::Decline, approved_amount: None, reason: None, metadata: BTreeMap::new() };
    let mut decided = false;
    for (name, raw) in &members {
        let raw = raw.get();
        match name.as_str() {
            _ if raw == "null" && name != "decision" => {}
            "decision" => {
                let word: Option<String> = serde_json::from_str(raw).ok();
                let word = word.as_deref().and_then(AnswerWord::parse);
                answer.decision = word.ok_or("decision must be approve or decline")?;
                decided = true;
            }
            "approvedAmount" => answer.approved_amount = Some(amount(raw, bounds)?),
            "reason" => {
                let reason: Option<String> = serde_json::from_str(raw).ok();
                let reason = reason.filter(|reason| reason.chars().count() <= MAX_REASON);
                let reason =
                    reason.ok_or_else(|| format!("reason must be a text of at most {MAX_REASON} characters"))?;
                answer.reason = Some(masked(reason)).filter(|reason| !reason.is_empty());
            }
            "metadata" => answer.metadata = metadata(raw)?,
            _ => {
                let shown: String = name.chars().take(64).collect();
                return Err(format!(
                    "{} is not a field of an answer; those are decision, approvedAmount, reason and metadata",
                    masked(shown)
                ));
            }
        }
    }
    if !decided {
        return Err("decision is required: approve or decline".to_owned());
    }
    if answer.decision == AnswerWord::Decline && answer.approved_amount.is_some() {
        return Err("approvedAmount belongs to an approval; leave it out when declining".to_owned());
    }
    // The whole amount needs no mention.
    answer.approved_amount = answer.approved_amount.filter(|amount| bounds.is_some_and(|b| *amount < b.approvable));
    Ok(answer)
}

fn amount(raw: &str, bounds: Option<Bounds>) -> Result<i64, String> {
    let number = Decimal::parse(raw).map_err(|_| "approvedAmount must be a number".to_owned())?;
    let Some(bounds) = bounds else { return Ok(0) };
    let (currency, most) =
        (bounds.currency, paygen_core::money::format_minor(bounds.approvable, bounds.currency.exponent()));
    let minor = number
        .to_minor(currency.exponent())
        .ok_or_else(|| format!("approvedAmount must have at most {} decimals", currency.exponent()))?;
    if minor <= 0 || minor > bounds.approvable {
        return Err(format!("approvedAmount must be above 0 and at most {most}"));
    }
    if minor < bounds.approvable && !bounds.partial_allowed {
        return Err(format!("approvedAmount must be {most}: this message does not allow a partial approval"));
    }
    Ok(minor)
}

fn metadata(raw: &str) -> Result<BTreeMap<String, String>, String> {
    let wrong = || {
        format!(
            "metadata must be an object of at most {MAX_METADATA} texts, with names of at most {MAX_METADATA_KEY} and values of at most {MAX_METADATA_VALUE} characters"
        )
    };
    let read: BTreeMap<String, String> = serde_json::from_str(raw).map_err(|_| wrong())?;
    let fits = |(key, value): (&String, &String)| {
        key.chars().count() <= MAX_METADATA_KEY && value.chars().count() <= MAX_METADATA_VALUE
    };
    if read.len() > MAX_METADATA || !read.iter().all(fits) {
        return Err(wrong());
    }
    Ok(read.into_iter().map(|(key, value)| (masked(key), masked(value))).collect())
}

#[cfg(test)]
mod tests {
    use paygen_core::money::Currency;
    use paygen_core::responders::AnswerWord;

    use super::{Bounds, read};

    fn bounds(partial_allowed: bool) -> Option<Bounds> {
        Some(Bounds { approvable: 10_000, currency: Currency::us_dollar(), partial_allowed })
    }

    #[test]
    fn answers_are_read_exactly() {
        for (text, approves, amount) in [
            (r#"{"decision":"approve"}"#, true, None),
            (r#"{"decision":"approve","approvedAmount":100}"#, true, None),
            (r#"{"decision":"approve","approvedAmount":99.99}"#, true, Some(9_999)),
            (r#"{"decision":"decline","reason":"no","metadata":{"a":"b"}}"#, false, None),
            (r#"{"decision":"decline","approvedAmount":null,"reason":null,"metadata":null}"#, false, None),
        ] {
            let answer = read(text.as_bytes(), bounds(true)).expect(text);
            assert_eq!((answer.decision == AnswerWord::Approve, answer.approved_amount), (approves, amount), "{text}");
        }
    }

    #[test]
    fn anything_else_names_the_field() {
        for (text, partial, begins) in [
            ("", true, "the body is not a JSON object"),
            ("ok", true, "the body is not a JSON object"),
            ("[]", true, "the body is not a JSON object"),
            ("{}", true, "decision is required"),
            (r#"{"decision":null}"#, true, "decision must be"),
            (r#"{"decision":"APPROVE"}"#, true, "decision must be"),
            (r#"{"decision":"approve","aprovedAmount":1}"#, true, "aprovedAmount is not a field"),
            (r#"{"decision":"approve","approvedAmount":"1"}"#, true, "approvedAmount must be a number"),
            (r#"{"decision":"approve","approvedAmount":0}"#, true, "approvedAmount must be above 0"),
            (r#"{"decision":"approve","approvedAmount":-1}"#, true, "approvedAmount must be above 0"),
            (r#"{"decision":"approve","approvedAmount":100.01}"#, true, "approvedAmount must be above 0"),
            (r#"{"decision":"approve","approvedAmount":1.001}"#, true, "approvedAmount must have at most 2"),
            (r#"{"decision":"approve","approvedAmount":50}"#, false, "approvedAmount must be 100"),
            (r#"{"decision":"decline","approvedAmount":50}"#, true, "approvedAmount belongs to an approval"),
            (r#"{"decision":"approve","reason":7}"#, true, "reason must be"),
            (r#"{"decision":"approve","metadata":{"a":1}}"#, true, "metadata must be"),
            (r#"{"decision":"approve","metadata":[]}"#, true, "metadata must be"),
        ] {
            let error = read(text.as_bytes(), bounds(partial)).expect_err(text);
            assert!(error.starts_with(begins), "{text}: {error}");
        }
    }
}
