//! Runs a scenario against a node. Its objects are created under fresh ids, so that any number of scenarios can run on
//! one node.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::model::{Amounts, Each, Moment, Scenario, Step};
use super::speak::{Answer, Node};
use super::{actions, clock, deciding, expect};

/// Timeout for events to be assigned a position.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The result of a scenario.
#[derive(Debug, Default)]
pub struct ScenarioReport {
    /// A line for each step, followed by its differences.
    pub lines: Vec<String>,
    /// The number of differences.
    pub differences: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Account,
    Holder,
    Card,
    Responder,
    /// An authorization or a transaction.
    Message,
}

/// An object of the scenario.
struct Named {
    what: What,
    id: String,
    /// The position up to which its events were checked.
    seen: i64,
}

struct ScenarioRunner<'a> {
    node: &'a Node,
    names: BTreeMap<String, Named>,
    /// Distinguishes this run's request ids and network transaction ids from those of other runs.
    run: String,
    /// The number of requests so far.
    requests: usize,
}

/// Runs a scenario.
pub async fn run(node: &Node, scenario: &Scenario) -> ScenarioReport {
    let mut report = ScenarioReport::default();
    let run = name_of(uuid::Uuid::now_v7());
    let mut runner = ScenarioRunner { node, names: BTreeMap::new(), run, requests: 0 };
    if let Err(trouble) = runner.prepare(scenario).await {
        report.lines.push(format!("✗ it cannot start: {trouble}"));
        report.differences += 1;
        runner.delete_responders(&mut report).await;
        return report;
    }
    for step in &scenario.steps {
        let differences = runner.step(&step.value).await.unwrap_or_else(|trouble| vec![trouble]);
        let tick = if differences.is_empty() { '✓' } else { '✗' };
        report.lines.push(format!("{tick} {}", title(&step.value)));
        report.differences += differences.len();
        let line = step.referenced.line();
        report.lines.extend(differences.into_iter().map(|difference| format!("    line {line}: {difference}")));
    }
    runner.delete_responders(&mut report).await;
    report
}

/// The name of a run. The letter keeps it from containing a card number: request ids with one are replaced, and the run
/// would not recognize its own requests.
fn name_of(id: uuid::Uuid) -> String {
    let id = id.simple().to_string();
    format!("{}x{}", id.get(20..26).unwrap_or_default(), id.get(26..).unwrap_or_default())
}

fn title(step: &Step) -> String {
    match &step.say {
        Some(say) => say.trim().to_owned(),
        None => format!("{} {}", step.action.name, Value::Object(step.fields.clone())),
    }
}

fn id_of(data: &Value) -> Result<String, String> {
    data["_id"].as_str().map(str::to_owned).ok_or_else(|| format!("there is no _id in {data}"))
}

impl ScenarioRunner<'_> {
    async fn prepare(&mut self, scenario: &Scenario) -> Result<(), String> {
        if let Some(moment) = &scenario.clock {
            self.advance(moment).await?;
        }
        let mut currencies = BTreeMap::new();
        for (name, account) in &scenario.accounts {
            let defaults = json!({
                "ownerType": "business", "name": name, "type": "checking", "category": "fiat", "currency": "USD",
            });
            let body = over(defaults, &account.0);
            currencies.insert(name.clone(), body["currency"].clone());
            self.make(name, What::Account, "/accounts", &body).await?;
        }
        let somebody = Map::from_iter([("name".to_owned(), json!("Ada Obi"))]);
        let mut holders: Vec<(&str, &Map<String, Value>)> =
            scenario.card_holders.iter().map(|(name, holder)| (name.as_str(), &holder.0)).collect();
        if holders.is_empty() {
            holders.push(("holder", &somebody));
        }
        for (name, holder) in &holders {
            let defaults = json!({"name": name, "person": {"email": format!("{name}@example.com")}});
            self.make(name, What::Holder, "/card-holders", &over(defaults, holder)).await?;
        }
        for (name, card) in &scenario.cards {
            let mut fields = card.0.clone();
            let account = fields.remove("account").ok_or_else(|| format!("card {name} has no account"))?;
            let holder = fields.remove("cardHolder").unwrap_or_else(|| json!(holders[0].0));
            let pin = fields.remove("pin");
            let currency = account.as_str().and_then(|account| currencies.get(account));
            let defaults = json!({
                "debitAccountId": self.id(&account, What::Account)?, "cardHolderId": self.id(&holder, What::Holder)?,
                "type": "virtual", "brand": "Visa", "status": "active", "currency": currency,
            });
            self.make(name, What::Card, "/cards", &over(defaults, &fields)).await?;
            if let Some(pin) = pin {
                let path = format!("/cards/{}/pin", self.id(&json!(name), What::Card)?);
                let answer = self.ask("PUT", &path, Some(&json!({"pin": pin}))).await?;
                if !answer.is_success() {
                    return Err(format!("the PIN of {name}: {}", answer.trouble()));
                }
            }
        }
        for (name, responder) in &scenario.responders {
            let cards = match responder.0.get("cards") {
                Some(cards) => cards.as_array().cloned().ok_or_else(|| format!("{name}: cards is not a list"))?,
                None => scenario.cards.keys().map(|card| json!(card)).collect(),
            };
            let ids = cards.iter().map(|card| self.id(card, What::Card)).collect::<Result<Vec<String>, String>>()?;
            let body = deciding::settings(&responder.0, &ids);
            self.make(name, What::Responder, "/responders", &body).await?;
            let id = self.id(&json!(name), What::Responder)?;
            deciding::activate(self.node, &id, &responder.0).await.map_err(|why| format!("{name}: {why}"))?;
        }
        Ok(())
    }

    fn responders(&self) -> Vec<String> {
        let responders = self.names.values().filter(|named| named.what == What::Responder);
        responders.map(|named| named.id.clone()).collect()
    }

    /// Deletes the responders, which would be asked about nothing any more but count as the client's.
    async fn delete_responders(&self, report: &mut ScenarioReport) {
        for id in self.responders() {
            if let Err(trouble) = deciding::delete(self.node, &id).await {
                report.lines.push(format!("✗ a responder is left: {trouble}"));
                report.differences += 1;
            }
        }
    }

    async fn make(&mut self, name: &str, what: What, path: &str, body: &Value) -> Result<(), String> {
        let answer = self.ask("POST", path, Some(body)).await?;
        if !answer.is_success() {
            return Err(format!("{name}: {}", answer.trouble()));
        }
        self.name(name, what, id_of(answer.data())?)
    }

    /// Sends a write, under the next request id.
    async fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, String> {
        self.requests += 1;
        self.node.ask(&self.request_id(), method, path, body).await
    }

    fn request_id(&self) -> String {
        format!("{}-{}", self.run, self.requests)
    }

    fn name(&mut self, name: &str, what: What, id: String) -> Result<(), String> {
        let named = Named { what, id, seen: 0 };
        match self.names.insert(name.to_owned(), named) {
            None => Ok(()),
            Some(_) => Err(format!("there are two {name}")),
        }
    }

    fn id(&self, name: &Value, what: What) -> Result<String, String> {
        let found = name.as_str().and_then(|name| self.names.get(name)).filter(|named| named.what == what);
        found.map(|named| named.id.clone()).ok_or_else(|| format!("no {what:?} is called {name}").to_lowercase())
    }

    async fn step(&mut self, step: &Step) -> Result<Vec<String>, String> {
        let mut differences = Vec::new();
        if step.action.name == actions::ADVANCE {
            let moment =
                serde_json::from_value(Value::Object(step.fields.clone())).map_err(|error| error.to_string())?;
            self.advance(&moment).await?;
        } else {
            let answer = self.act(step).await?;
            differences.extend(expect::answer(&step.expect, &answer));
            if let Some(name) = step.known_as.as_ref().filter(|_| answer.is_success()) {
                let what = if step.action.name == "replaceCard" { What::Card } else { What::Message };
                self.name(name, what, id_of(answer.data())?)?;
            }
        }
        for (name, amounts) in &step.balances {
            differences.extend(self.balances(name, amounts).await?);
        }
        for (name, types) in &step.events {
            let got = self.events(name, types.len()).await?;
            differences.extend(expect::value(&format!("events of {name}"), &json!(types), &json!(got)));
        }
        for (name, types) in &step.exceptions {
            let got: Vec<Value> =
                self.exceptions(&json!(name)).await?.iter().map(|open| open["type"].clone()).collect();
            differences.extend(expect::value(&format!("exceptions of {name}"), &json!(types), &json!(got)));
        }
        Ok(differences)
    }

    async fn act(&mut self, step: &Step) -> Result<Answer, String> {
        let action = step.action;
        let (mut path, mut body) = (action.path.to_owned(), step.fields.clone());
        if path.contains("{exception}") {
            let card = body.remove("card").unwrap_or_default();
            let kind = body.remove("type").unwrap_or_default();
            let open = self.exceptions(&card).await?;
            let found = open.iter().find(|open| open["type"] == kind);
            let found = found.ok_or_else(|| format!("there is no open exception {kind} of {card}"))?;
            path = path.replace("{exception}", &id_of(found)?);
        }
        for (field, goes_to) in action.names {
            let Some(name) = body.remove(*field) else { continue };
            let what = match *field {
                "card" => What::Card,
                "account" => What::Account,
                "cardHolder" => What::Holder,
                "responder" => What::Responder,
                _ => What::Message,
            };
            let id = self.id(&name, what)?;
            if goes_to.is_empty() {
                path = path.replace(&format!("{{{field}}}"), &id);
            } else {
                body.insert((*goes_to).to_owned(), json!(id));
            }
        }
        let own = |id: &mut Value, run: &str| {
            if let Some(text) = id.as_str() {
                *id = json!(format!("{run}-{text}"));
            }
        };
        if let Some(id) = body.get_mut("network").and_then(|network| network.get_mut("transactionId")) {
            own(id, &self.run);
        }
        if let Some(id) = body.get_mut("transactionId").filter(|_| action.name == "reverseByReference") {
            own(id, &self.run);
        }
        let body = Value::Object(body);
        let empty = body.as_object().is_some_and(Map::is_empty) && action.fields.len() == 1;
        let body = (!empty).then_some(&body);
        let responders = self.responders();
        if responders.is_empty() || !actions::ASKED.contains(&action.name) {
            return self.ask(action.method, &path, body).await;
        }
        self.requests += 1;
        let (node, id) = (self.node, self.request_id());
        let paying = node.ask(&id, action.method, &path, body);
        deciding::decided(node, (&id, &responders), (&step.answer, step.meanwhile), paying).await
    }

    async fn advance(&mut self, moment: &Moment) -> Result<(), String> {
        let now = self.node.get("/simulator/clock").await?;
        let now = now["now"].as_str().and_then(|now| now.parse().ok()).ok_or("the clock has no time")?;
        let to = clock::instant(moment, now)?;
        let answer = self.ask("POST", "/simulator/clock", Some(&json!({"setTo": to.to_string()}))).await?;
        let failing = answer.data()["stillFailing"].as_array().is_some_and(|failing| !failing.is_empty());
        if answer.is_success() && !failing { Ok(()) } else { Err(format!("the clock: {}", answer.trouble())) }
    }

    /// The card or account of a name.
    fn money(&self, name: &str) -> Result<(What, String), String> {
        let found = self.names.get(name).filter(|named| matches!(named.what, What::Card | What::Account));
        found.map(|named| (named.what, named.id.clone())).ok_or_else(|| format!("no card or account is called {name}"))
    }

    async fn balances(&self, name: &str, amounts: &Amounts) -> Result<Vec<String>, String> {
        let (what, id) = self.money(name)?;
        let seen = self.node.get(&format!("/{}/{id}", if what == What::Card { "cards" } else { "accounts" })).await?;
        let posted = if what == What::Card { &seen["balance"] } else { &seen["ledgerBalance"] };
        let held = match (posted.as_f64(), seen["availableBalance"].as_f64()) {
            (Some(posted), Some(available)) if what == What::Card => json!(posted - available),
            _ => seen["heldBalance"].clone(),
        };
        let each = match amounts {
            Amounts::Available(available) => [None, None, Some(available)],
            Amounts::Each(Each { posted, held, available }) => [posted, held, available].map(Option::as_ref),
        };
        let got = [("posted", posted), ("held", &held), ("available", &seen["availableBalance"])];
        let differences = each.into_iter().zip(got).filter_map(|(wanted, (amount, got))| {
            expect::value(&format!("{name} {amount}"), &Value::Number(wanted?.clone()), got)
        });
        Ok(differences.collect())
    }

    /// The types of the object's events since they were last checked. Waits until there are as many as expected.
    async fn events(&mut self, name: &str, expected: usize) -> Result<Vec<String>, String> {
        let is_responder = self.names.get(name).is_some_and(|named| named.what == What::Responder);
        let id = if is_responder { self.id(&json!(name), What::Responder)? } else { self.money(name)?.1 };
        let seen = self.names.get(name).map_or(0, |named| named.seen);
        let path = format!("/events?filter=objectId={id}&sort=sequence&limit=200");
        let (run, this) = (format!("{}-", self.run), self.request_id());
        let of_this = |event: &&Value| {
            let request = event["requestId"].as_str().unwrap_or_default();
            let of_step = request.strip_prefix(&this).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
            // That it was asked is seen from what came of it.
            event["sequence"].as_i64() > Some(seen)
                && (of_step || !request.starts_with(&run))
                && event["type"] != "responder.question"
        };
        let begun = Instant::now();
        let (types, last) = loop {
            let events = self.node.get(&path).await?;
            let events = events.as_array().cloned().unwrap_or_default();
            let new: Vec<&Value> = events.iter().filter(of_this).collect();
            if new.len() >= expected || begun.elapsed() > EVENT_TIMEOUT {
                let types = new.iter().filter_map(|event| event["type"].as_str().map(str::to_owned)).collect();
                let last = new.iter().filter_map(|event| event["sequence"].as_i64()).max().unwrap_or(seen);
                break (types, last);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        };
        if let Some(named) = self.names.get_mut(name) {
            named.seen = last;
        }
        Ok(types)
    }

    /// The open exceptions of a card, oldest first.
    async fn exceptions(&self, card: &Value) -> Result<Vec<Value>, String> {
        let id = self.id(card, What::Card)?;
        let found = self.node.get(&format!("/exceptions?filter=cardId={id}&sort=createdAt&limit=200")).await?;
        let found = found.as_array().cloned().unwrap_or_default();
        Ok(found.into_iter().filter(|exception| exception["status"] == "open").collect())
    }
}

/// Merges fields over defaults.
fn over(mut defaults: Value, fields: &Map<String, Value>) -> Value {
    for (name, value) in fields {
        defaults[name] = value.clone();
    }
    defaults
}

#[cfg(test)]
mod tests {
    use super::name_of;
    use paygen_vault::mask::has_card_number;

    #[test]
    fn names_of_runs_are_no_card_numbers() {
        let id = "019ac0de-0000-7000-8000-123456789012".parse().expect("an id");
        assert_eq!(name_of(id), "123456x789012");
        for request in 0..2000 {
            assert!(!has_card_number(&format!("{}-{request}", name_of(id))), "{request}");
        }
        assert!((0..10).any(|request| has_card_number(&format!("123456789012-{request}"))), "what it is for");
    }
}
