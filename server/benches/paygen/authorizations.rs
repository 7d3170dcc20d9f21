//! Durable authorizations in process: engine, core and store, without HTTP.

use std::sync::Arc;

use paygen_app::network;
use paygen_core::authorizations::{AuthorizationStatus, Authorize};
use paygen_core::ids::ClientId;
use paygen_core::messages::{
    AuthorizationType, Channel, Match, Merchant, NetworkRequest, Presented, RequestedAmount, ThreeDs,
};
use paygen_core::money::{Category, Currency, Decimal};
use paygen_core::programs::Terms;
use paygen_core::{Command, Outcome};

use crate::callers::{Act, run};
use crate::population::{Known, Population, scatter};

/// Which cards the payments use.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// All cards.
    Spread,
    /// Cards of one hot account.
    Hot,
}

impl Shape {
    /// Each variant with its label.
    pub const ALL: [(Shape, &'static str); 2] = [(Shape::Spread, "over all cards"), (Shape::Hot, "one hot account")];

    /// The card of a caller's next payment, the same in every run.
    pub fn card(self, population: &Population, caller: usize, number: usize) -> &Known {
        let cards = match self {
            Shape::Spread => &population.spread,
            Shape::Hot => &population.hot,
        };
        &cards[scatter(caller, number, cards.len())]
    }
}

/// The payment as a command, as the API builds it.
pub fn decide(shape: Shape, population: &Arc<Population>) -> Act {
    let (population, terms) = (population.clone(), Arc::new(Terms::default()));
    let usd = Currency::find("USD", Category::Fiat).expect("USD");
    Arc::new(move |engine, caller, number| {
        let Known { id: card, links, .. } = *shape.card(&population, caller, number);
        let links = Some(links);
        let (given, nothing) = (Match::Match, Match::NotGiven);
        let presented =
            Presented { card: Some(card), expiry: given, cvv: nothing, pin: nothing, pin_sealed: None, links };
        let merchant = ["5812", "MID123456", "ACME CAFE", "Lagos", "NG"].map(str::to_owned);
        let [category, merchant_id, name, city, country] = merchant;
        let merchant = Merchant { category, merchant_id, name, city, country, ..Merchant::default() };
        let cents = i64::try_from(100 + number % 900).expect("an amount");
        let request = NetworkRequest {
            presented,
            channel: Channel::Pos,
            kind: AuthorizationType::Purchase,
            requested: RequestedAmount { amount: Decimal::new(cents, 2), currency: usd, billing: None, rate: None },
            merchant,
            three_ds: ThreeDs::None,
            partial_allowed: false,
            estimated: false,
            risk_score: None,
            trace: network::trace(None, None, None, None),
        };
        let command =
            Command::Authorize(Box::new(Authorize { request, advice: None, terms: terms.clone(), asking: None }));
        let client: ClientId = population.client;
        Box::pin(async move {
            let decided = run(&engine, client, command).await;
            matches!(decided, Some(Outcome::Authorization(view)) if view.status == AuthorizationStatus::Approved)
        })
    })
}
