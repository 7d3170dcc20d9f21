//! The calls that are measured over HTTP, each as the bytes of a request.

use std::sync::Arc;

use clap::ValueEnum;
use paygen_vault::ApiKeySecret;

use crate::authorizations::Shape;
use crate::population::{Population, scatter};
use crate::wire::Write;

/// A call of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Call {
    /// Payments on all cards.
    Authorizations,
    /// Payments on one account.
    Hot,
    /// Transfers between accounts.
    Transfers,
    /// Cards issued.
    Cards,
    /// A card read by its id.
    Read,
    /// The newest 20 cards, with the total count.
    List,
    /// The newest 20 cards, without the total count.
    Cursor,
    /// The newest 20 accounts, as a page.
    Balances,
}

impl Call {
    /// Its label.
    pub fn label(self) -> &'static str {
        match self {
            Call::Authorizations => "authorizations over all cards",
            Call::Hot => "authorizations on one hot account",
            Call::Transfers => "transfers",
            Call::Cards => "cards issued",
            Call::Read => "a card read",
            Call::List => "a page of 20 cards",
            Call::Cursor => "20 cards by cursor",
            Call::Balances => "a page of 20 accounts",
        }
    }

    /// The status line of a successful answer, and a text that it contains.
    pub fn expected(self) -> (&'static str, &'static str) {
        match self {
            Call::Authorizations | Call::Hot => ("HTTP/1.1 201", "\"status\":\"approved\""),
            Call::Transfers | Call::Cards => ("HTTP/1.1 201", "\"statusCode\":201"),
            Call::Read | Call::List | Call::Cursor | Call::Balances => ("HTTP/1.1 200", "\"statusCode\":200"),
        }
    }

    /// Its requests.
    pub fn requests(self, population: &Arc<Population>, host: &str, key: &ApiKeySecret) -> Write {
        let (population, head) = (population.clone(), format!("host: {host}\r\nx-api-key: {}\r\n", key.expose()));
        Arc::new(move |caller, number| {
            let accounts = &population.accounts;
            let account =
                |next: usize| accounts[(scatter(caller, number, accounts.len()) + next) % accounts.len()].to_string();
            let (line, body) = match self {
                Call::Authorizations => {
                    ("POST /simulator/authorizations", payment(Shape::Spread, &population, caller, number))
                }
                Call::Hot => ("POST /simulator/authorizations", payment(Shape::Hot, &population, caller, number)),
                Call::Transfers => ("POST /transfers", transfer(&account(0), &account(1), number)),
                Call::Cards => ("POST /cards", card(&account(0), &population, caller, number)),
                Call::Read => {
                    let id = Shape::Spread.card(&population, caller, number).id;
                    return get(&format!("/cards/{id}"), &head);
                }
                Call::List => return get("/cards?limit=20", &head),
                Call::Cursor => return get("/cards?cursor=&limit=20", &head),
                Call::Balances => return get("/accounts?limit=20", &head),
            };
            let length = body.len();
            format!("{line} HTTP/1.1\r\n{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
                .into_bytes()
        })
    }
}

fn get(path: &str, head: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\n{head}\r\n").into_bytes()
}

/// A payment with the card's number and expiry, as a merchant has them.
fn payment(shape: Shape, population: &Population, caller: usize, number: usize) -> String {
    let card = shape.card(population, caller, number);
    let cents = 100 + number % 900;
    format!(
        r#"{{"pan":"{}","expiryMonth":12,"expiryYear":2099,"amount":{}.{:02},"channel":"pos","merchant":{{"category":"5812","merchantId":"MID123456","name":"ACME CAFE","city":"Lagos","country":"NG"}}}}"#,
        card.number,
        cents / 100,
        cents % 100
    )
}

fn transfer(from: &str, to: &str, number: usize) -> String {
    let cents = 1 + number % 99;
    format!(r#"{{"fromAccountId":"{from}","toAccountId":"{to}","amount":0.{cents:02}}}"#)
}

fn card(account: &str, population: &Population, caller: usize, number: usize) -> String {
    let holder = population.holders[scatter(caller, number, population.holders.len())];
    format!(
        r#"{{"debitAccountId":"{account}","cardHolderId":"{holder}","type":"virtual","brand":"Visa","status":"active"}}"#
    )
}
