//! `paygen demo`: creates what a first payment needs in a running sandbox, and prints it as shell variables.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::SandboxArgs;
use super::{Failure, running_server};
use crate::config::Config;
use crate::scenarios::Node;

pub(super) async fn run(config: &Config, args: SandboxArgs) -> Result<ExitCode, Failure> {
    let url = args.url.filter(|url| !url.is_empty()).unwrap_or_else(|| running_server::url(config));
    let key = running_server::key(config, args.api_key)?;
    let demo = Demo { node: Node::at(&url, &key)?, run: uuid::Uuid::now_v7().simple().to_string() };
    // Only a sandbox has a test clock, and nothing must be created anywhere else.
    let clock = demo.node.ask(&demo.run, "GET", "/simulator/clock", None).await.map_err(|error| {
        format!("no sandbox answers: {error}. Start one with `paygen`, or say where it is with --url.")
    })?;
    if clock.status == 404 {
        return Err(format!("{url} is no sandbox: there is no simulated money.").into());
    }
    if !clock.is_success() {
        return Err(format!("{url} answers {}", clock.trouble()).into());
    }
    let wallet = json!({
        "ownerType": "business", "name": "Demo wallet", "type": "checking", "category": "fiat", "currency": "USD",
    });
    let account = demo.make("/accounts", wallet).await?;
    demo.make(&format!("/simulator/accounts/{account}/fund"), json!({"amount": 1000})).await?;
    let holder = json!({"name": "Alex Johnson", "person": {"email": "alex.johnson@example.com"}});
    let holder = demo.make("/card-holders", holder).await?;
    let card = json!({
        "debitAccountId": account, "cardHolderId": holder, "type": "virtual", "brand": "Visa", "currency": "USD",
        "status": "active", "amount": 250, "spendingControls": {"spendingLimits": [{"amount": 100, "interval": "daily"}]},
    });
    let card = demo.make("/cards", card).await?;
    for (name, value) in [
        ("PAYGEN_URL", url.trim_end_matches('/')),
        ("PAYGEN_API_KEY", &key),
        ("ACCOUNT_ID", &account),
        ("CARD_HOLDER_ID", &holder),
        ("CARD_ID", &card),
    ] {
        println!("export {name}={}", quoted(value));
    }
    eprintln!(
        "Made an account that has 750.00 USD left, a card holder, and a virtual card with 250.00 USD, of which 100.00"
    );
    eprintln!("may be spent a day. With the variables in your shell, as by eval \"$(paygen demo)\", pay with it:");
    eprintln!();
    eprintln!("  curl -s \"$PAYGEN_URL/simulator/authorizations\" -H \"x-api-key: $PAYGEN_API_KEY\" \\");
    eprintln!(
        "    -H 'content-type: application/json' -d \"{{\\\"cardId\\\": \\\"$CARD_ID\\\", \\\"amount\\\": 40}}\""
    );
    Ok(ExitCode::SUCCESS)
}

struct Demo {
    node: Node,
    run: String,
}

impl Demo {
    /// Creates an object and returns its id.
    async fn make(&self, path: &str, body: Value) -> Result<String, Failure> {
        // Each path is used once, so with the run it identifies the request.
        let id = format!("{}{}", self.run, path.replace('/', "-"));
        let answer = self.node.ask(&id, "POST", path, Some(&body)).await?;
        match answer.data()["_id"].as_str() {
            Some(id) if answer.is_success() => Ok(id.to_owned()),
            _ => Err(format!("POST {path}: {}", answer.trouble()).into()),
        }
    }
}

/// Quotes a text for a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn shells_read_what_was_meant() {
        for (text, expected) in [
            ("http://[::1]:4000", "'http://[::1]:4000'"),
            ("pgk_test_1", "pgk_test_1"),
            ("a'b$", r"'a'\''b$'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
