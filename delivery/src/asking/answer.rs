//! Reading an answer. Whatever is not exactly an answer is refused with the field at fault: a misspelt `approvedAmount`
//! must not approve the whole.

use std::collections::BTreeMap;

use paygen_core::money::{Currency, Decimal};
use paygen_core::responders::{Answer, AnswerWord};
use paygen_vault::mask::masked;
use serde_json::value::RawValue;

/// Characters of a reason.
pub const MAX_REASON: usize = 200;
/// Members of the metadata.
pub const MAX_METADATA: usize = 20;
/// Characters of a name in the metadata.
pub const MAX_METADATA_KEY: usize = 40;
/// Characters of a value in the metadata.
pub const MAX_METADATA_VALUE: usize = 500;

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
    let mut given = GivenAnswer::default();
    let mut decision = None;
    for (name, raw) in &members {
        let raw = raw.get();
        match name.as_str() {
            _ if raw == "null" && name != "decision" => {}
            "decision" => {
                let word: Option<String> = serde_json::from_str(raw).ok();
                let word = word.as_deref().and_then(AnswerWord::parse);
                decision = Some(word.ok_or("decision must be approve or decline")?);
            }
            "approvedAmount" => {
                let amount = Decimal::parse(raw).map_err(|_| "approvedAmount must be a number".to_owned())?;
                given.approved_amount = Some(amount);
            }
            "reason" => {
                let reason: Option<String> = serde_json::from_str(raw).ok();
                let reason = reason.filter(|reason| reason.chars().count() <= MAX_REASON);
                let reason =
                    reason.ok_or_else(|| format!("reason must be a text of at most {MAX_REASON} characters"))?;
                given.reason = Some(reason);
            }
            "metadata" => given.metadata = metadata(raw)?,
            _ => {
                let shown: String = name.chars().take(64).collect();
                return Err(format!(
                    "{} is not a field of an answer; those are decision, approvedAmount, reason and metadata",
                    masked(shown)
                ));
            }
        }
    }
    let decision = decision.ok_or("decision is required: approve or decline")?;
    given.checked(decision, bounds).map_err(|fault| format!("approvedAmount {fault}"))
}

/// An answer whose fields are read, but not yet checked against the question.
#[derive(Clone, Debug, Default)]
pub struct GivenAnswer {
    pub approved_amount: Option<Decimal>,
    pub reason: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

impl GivenAnswer {
    /// The answer to a question with these bounds; the error is about `approvedAmount`.
    pub(super) fn checked(self, decision: AnswerWord, bounds: Option<Bounds>) -> Result<Answer, String> {
        let approved_amount = self.approved_amount.map(|given| amount(given, bounds)).transpose()?;
        if decision == AnswerWord::Decline && approved_amount.is_some() {
            return Err("belongs to an approval; leave it out when declining".to_owned());
        }
        Ok(Answer {
            decision,
            // The whole amount needs no mention.
            approved_amount: approved_amount.filter(|amount| bounds.is_some_and(|b| *amount < b.approvable)),
            reason: self.reason.map(masked).filter(|reason| !reason.is_empty()),
            metadata: self.metadata.into_iter().map(|(key, value)| (masked(key), masked(value))).collect(),
        })
    }
}

fn amount(number: Decimal, bounds: Option<Bounds>) -> Result<i64, String> {
    let Some(bounds) = bounds else { return Ok(0) };
    let (currency, most) =
        (bounds.currency, paygen_core::money::format_minor(bounds.approvable, bounds.currency.exponent()));
    let minor = number
        .to_minor(currency.exponent())
        .ok_or_else(|| format!("must have at most {} decimals", currency.exponent()))?;
    if minor <= 0 || minor > bounds.approvable {
        return Err(format!("must be above 0 and at most {most}"));
    }
    if minor < bounds.approvable && !bounds.partial_allowed {
        return Err(format!("must be {most}: this message does not allow a partial approval"));
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
    Ok(read)
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
