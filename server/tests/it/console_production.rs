//! The console in production: who may have one, and what it asks of people before it opens.

use std::process::Command;

use crate::backup::output_of;
use crate::console_access::one_time_code;
use crate::on_both_stores;
use crate::operator::{make_key_file, production, refused};
use crate::person::Person;
use crate::responders::free_port;
use crate::world::{Backend, Server, World};

fn with_console(mut command: Command, listen: &str) -> Command {
    command.env("PAYGEN_CONSOLE_LISTEN", listen);
    command
        .env("PAYGEN_CONSOLE_URL", "https://console.example.com")
        .env("PAYGEN_PUBLIC_URL", "https://pay.example.com");
    command
}

on_both_stores! {
    async fn production_asks_for_a_password_and_a_second_factor(backend: Backend) {
        let world = World::new(backend).await;
        make_key_file(&world);
        let listen = format!("127.0.0.1:{}", free_port());
        refused(production(&world, "serve").env("PAYGEN_CONSOLE_LISTEN", &listen), &["console_url", "public_url"]);
        output_of(&mut production(&world, "migrate"));
        output_of(&mut production(&world, "clients create --name Company"));
        let mut create = production(&world, "users create");
        create.args(["--email", "ada@example.com", "--name", "Ada", "--role", "owner"]);
        create.env("PAYGEN_CONSOLE_URL", "https://console.example.com");
        let printed = output_of(&mut create);
        let link = printed.split_whitespace().find(|word| word.contains("/console/link/")).expect("a link").to_owned();
        let path = link.strip_prefix("https://console.example.com").expect("the console's address").to_owned();

        let _server = Server::start(with_console(production(&world, "serve"), &listen), &world.data_dir()).await;
        let mut ada = Person::enter(&format!("http://{listen}{path}")).await;
        for page in ["/console", "/console/cards", "/console/users"] {
            assert_eq!(ada.get(page).await.path, "/console/password", "{page}");
        }
        ada.submit("/console/password", &[("password", "correct horse battery")]).await;
        assert_eq!(ada.get("/console/cards").await.path, "/console/authenticator");
        let form = ada.get("/console/authenticator").await;
        let secret = form.text.split("<code id=\"secret\">").nth(1).and_then(|rest| rest.split('<').next()).expect("a secret");
        let (csrf, factor, code) = (form.value("csrf"), form.value("factor"), one_time_code(secret));
        let fields = [("csrf", csrf.as_str()), ("factor", &factor), ("code", &code)];
        ada.post("/console/authenticator", &fields).await.says("Keep these recovery codes");
        let cards = ada.get("/console/cards").await;
        assert_eq!((cards.path.as_str(), cards.status), ("/console/cards", 200));
        assert!(!cards.text.contains("/console/simulator"), "production has no simulator");
        assert_eq!(ada.get("/console/simulator").await.status, 404);

        // The link is used up, and nobody else comes in.
        let mut second = Person::stranger(&ada.base);
        assert_eq!(second.post(&path, &[]).await.status, 403);
        assert!(second.get("/console/cards").await.path.starts_with("/console/sign-in"));
    }
}
