//! The format of a scenario: names of accounts, card holders and cards, and steps. Unknown fields are refused with
//! their line.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use super::actions::{self, ACTIONS, Action};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    /// A summary, in a sentence or two.
    pub story: String,
    /// The earliest time it begins, in the form of `advance`.
    #[serde(default)]
    pub clock: Option<Moment>,
    /// Accounts by name: fields of `POST /accounts`, in dollars by default.
    pub accounts: BTreeMap<String, Account>,
    /// Card holders by name: fields of `POST /card-holders`; one by default.
    #[serde(default, rename = "cardHolders")]
    pub card_holders: BTreeMap<String, Holder>,
    /// Cards by name: fields of `POST /cards`.
    pub cards: BTreeMap<String, Card>,
    /// Responders by name: fields of `POST /responders`. The scenario is their code: `answer` says what it answers.
    #[serde(default)]
    pub responders: BTreeMap<String, Responder>,
    pub steps: Vec<Spanned<Step>>,
}

/// The time to advance the clock to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// Later by this span: 3d, 12h, 1mo.
    pub by: Option<String>,
    /// The next time of day like this: 23:30.
    pub to: Option<String>,
    /// The time zone of `to`; UTC by default.
    #[serde(rename = "timeZone")]
    pub time_zone: Option<String>,
}

/// A map that refuses unknown fields.
macro_rules! known {
    ($(#[$doc:meta])* $name:ident: $($field:literal)*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $name(pub Map<String, Value>);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                deserializer.deserialize_map(Known(&[$($field),*])).map($name)
            }
        }
    };
}

known! {
    Account: "ownerType" "ownerId" "name" "type" "category" "currency" "status" "balance" "creditLimit" "canDebit" "canCredit" "metadata"
}

known! {
    Holder: "name" "person" "address" "status" "metadata" "spendingLimits"
}

known! {
    Card: "account" "cardHolder" "type" "brand" "status" "currency" "metadata" "spendingControls" "enable2FA" "amount" "disposable" "fundingMode" "validFrom" "validUntil" "merchantLock" "cancelAfter" "pin"
}

known! {
    Responder: "cards" "status" "timeoutMs" "ask" "increments" "onSilence" "fallback"
}

known! {
    /// The fields of an answer; `late` keeps it until the payment is decided.
    Given: "decision" "approvedAmount" "reason" "metadata" "late"
}

/// What a responder answers.
#[derive(Clone, Debug, Default)]
pub enum Reply {
    /// Nothing, as without any `answer`.
    #[default]
    Silence,
    Given {
        fields: Map<String, Value>,
        /// It comes after the payment was decided.
        late: bool,
    },
}

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reply, D::Error> {
        struct ReplyVisitor;

        impl<'de> Visitor<'de> for ReplyVisitor {
            type Value = Reply;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("silence, or a map of decision, approvedAmount, reason, metadata, late")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Reply, E> {
                match word {
                    "silence" => Ok(Reply::Silence),
                    other => Err(E::custom(format!("there is no answer {other}; it is silence or a map"))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Reply, A::Error> {
                let Given(mut fields) = Given::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let late = fields.remove("late").is_some_and(|late| late == true);
                Ok(Reply::Given { fields, late })
            }
        }
        deserializer.deserialize_any(ReplyVisitor)
    }
}

/// What the network does while a responder is asked.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Meanwhile {
    Reverse,
    Clear,
}

/// One action, and the expected results.
#[derive(Debug)]
pub struct Step {
    pub action: &'static Action,
    /// The action's fields.
    pub fields: Map<String, Value>,
    /// The step in the words of the scenario.
    pub say: Option<String>,
    /// A name for the object it creates.
    pub known_as: Option<String>,
    /// What the responder answers that is asked about it.
    pub answer: Reply,
    /// What the network does before that.
    pub meanwhile: Option<Meanwhile>,
    /// Expected fields of the answer; `code` is an error's.
    pub expect: Map<String, Value>,
    /// Expected balances of cards and accounts: the available amount, or posted, held and available amounts.
    pub balances: BTreeMap<String, Amounts>,
    /// Expected types of the events of cards and accounts since the last step.
    pub events: BTreeMap<String, Vec<String>>,
    /// Expected types of the open exceptions of cards.
    pub exceptions: BTreeMap<String, Vec<String>>,
}

/// Expected balances of a card or an account.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number, or a map of posted, held and available")]
pub enum Amounts {
    /// The available amount.
    Available(Number),
    /// The amounts that are given.
    Each(Each),
}

/// Amounts by name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Each {
    pub posted: Option<Number>,
    /// The held part of it.
    pub held: Option<Number>,
    pub available: Option<Number>,
}

const ABOUT: &[&str] = &["say", "as", "answer", "meanwhile", "expect", "balances", "events", "exceptions"];

/// Parses a scenario; the error shows the line.
pub fn read(text: &str) -> Result<Scenario, String> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

/// Parses a map, and refuses fields that are not in this list.
struct Known(&'static [&'static str]);

impl<'de> Visitor<'de> for Known {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a map of {}", self.0.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map<String, Value>, A::Error> {
        let mut read = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if !self.0.contains(&name.as_str()) {
                return Err(A::Error::unknown_field(&name, self.0));
            }
            read.insert(name, map.next_value()?);
        }
        Ok(read)
    }
}

impl<'de> DeserializeSeed<'de> for Known {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Map<String, Value>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Step, D::Error> {
        deserializer.deserialize_map(StepVisitor)
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step: an action, and what is expected of it")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        let mut done: Option<(&'static Action, Map<String, Value>)> = None;
        let (mut say, mut known_as, mut expect) = (None, None, Map::new());
        let (mut answer, mut meanwhile) = (None, None);
        let (mut balances, mut events, mut exceptions) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        while let Some(name) = map.next_key::<String>()? {
            match (name.as_str(), actions::find(&name)) {
                ("say", _) => say = Some(map.next_value()?),
                ("as", _) => known_as = Some(map.next_value()?),
                ("answer", _) => answer = Some(map.next_value()?),
                ("meanwhile", _) => meanwhile = Some(map.next_value()?),
                ("expect", _) => expect = map.next_value()?,
                ("balances", _) => balances = map.next_value()?,
                ("events", _) => events = map.next_value()?,
                ("exceptions", _) => exceptions = map.next_value()?,
                (_, Some(action)) if done.is_none() => {
                    done = Some((action, map.next_value_seed(Known(action.fields))?));
                }
                (_, Some(_)) => return Err(A::Error::custom(format!("{name}: a step does one thing"))),
                (_, None) => {
                    let known: Vec<&str> =
                        ACTIONS.iter().map(|action| action.name).chain(ABOUT.iter().copied()).collect();
                    return Err(A::Error::custom(format!(
                        "there is no {name}; a step has one of {}",
                        known.join(", ")
                    )));
                }
            }
        }
        let (action, fields) = done.ok_or_else(|| A::Error::custom("a step does something"))?;
        if action.name == actions::ADVANCE && (known_as.is_some() || !expect.is_empty()) {
            return Err(A::Error::custom("advance has no answer: neither expect nor as goes with it"));
        }
        if (answer.is_some() || meanwhile.is_some()) && !actions::ASKED.contains(&action.name) {
            let asked = actions::ASKED.join(" and ");
            return Err(A::Error::custom(format!("answer and meanwhile go with {asked} only")));
        }
        let answer = answer.unwrap_or_default();
        Ok(Step { action, fields, say, known_as, answer, meanwhile, expect, balances, events, exceptions })
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    const GOOD: &str = "\
name: A
story: B
accounts:
  main: { balance: 10 }
cards:
  visa: { account: main, amount: 10 }
steps:
  - authorize: { card: visa, amount: 4.50, merchant: { country: NO } }
    as: coffee
    expect: { status: approved }
    balances: { visa: 5.5, main: { posted: 0 } }
  - clear: { on: coffee }
";

    #[test]
    fn a_scenario_is_read() {
        let scenario = read(GOOD).expect("a scenario");
        let step = &scenario.steps[0].value;
        assert_eq!((step.action.name, step.known_as.as_deref()), ("authorize", Some("coffee")));
        assert_eq!(step.fields["merchant"]["country"], "NO");
        assert_eq!(step.fields["amount"], 4.5);
        assert_eq!(scenario.steps[1].referenced.line(), 12);
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_line() {
        let cases = [
            ("name: A", "nam: A", "line 1"),
            ("balance: 10 }", "balances: 10 }", "line 4"),
            ("account: main", "acount: main", "line 6"),
            ("- authorize", "- authorise", "line 8"),
            ("amount: 4.50", "amonut: 4.50", "line 8"),
            ("as: coffee", "ass: coffee", "line 8"),
            ("{ posted: 0 }", "{ poster: 0 }", "line 11"),
            ("- clear: { on", "- clear: { card", "line 12"),
            ("    as: coffee", "    clear: { on: coffee }", "line "),
            ("    as: coffee", "    answer: { decison: approve }", "line 9"),
            ("    as: coffee", "    answer: garbage", "line 9"),
            ("    as: coffee", "    meanwhile: refund", "line 9"),
            ("- clear: { on: coffee }", "- clear: { on: coffee }\n    answer: silence", "line 1"),
        ];
        for (good, bad, line) in cases {
            let error = read(&GOOD.replace(good, bad)).expect_err(bad);
            assert!(error.contains(line), "{bad}: {error}");
        }
    }
}
