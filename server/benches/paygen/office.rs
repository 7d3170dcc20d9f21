//! Cards issued and revealed, with real sealing.

use std::sync::Arc;

use paygen_app::new_id_maker;
use paygen_app::vault_keys::{from_row, to_row};
use paygen_core::Command;
use paygen_core::card_holders::{CardHolderStatus, CreateCardHolder, SealedPersonal, SearchHashes};
use paygen_core::cards::{
    Brand, CardSecret, CardStatus, CardType, CreateCard, Expiry, FundingMode, IssueRevealToken, NewNumber,
    RevealPurpose, UseRevealToken,
};
use paygen_core::ids::{AccountId, CardHolderId, CardId, ClientId};
use paygen_core::limits::NewControls;
use paygen_core::money::{Category, Currency};
use paygen_core::programs::{NumberRange, ProgramSeed};
use paygen_core::record::Key;
use paygen_engine::Engine;
use paygen_engine::clock::wall;
use paygen_store::{Database, Reader};
use paygen_vault::{CardRange, DataKey, FileKeyProvider, Purpose, ServiceCode, Vault};

use crate::callers::{Act, run};
use crate::transfers::ACCOUNTS;

fn range() -> NumberRange {
    NumberRange { brand: Brand::Visa, prefix: "400555".to_owned(), length: 16 }
}

/// What the first program of the benchmark's client is made of.
pub fn seed() -> ProgramSeed {
    ProgramSeed { ranges: vec![range()], ..ProgramSeed::default() }
}

/// What issuing and revealing cards needs: a vault with its keys in the database, card holders, some cards.
pub struct Office {
    vault: Vault,
    reader: Reader,
    client: ClientId,
    accounts: Vec<AccountId>,
    holders: Vec<CardHolderId>,
    cards: Vec<CardId>,
}

impl Office {
    /// Opens it: missing data keys are created, and a card for each account.
    pub async fn open(
        database: &Database,
        engine: &Engine,
        accounts: &(ClientId, Vec<AccountId>),
        provider: &FileKeyProvider,
    ) -> Office {
        let stored = database.vault_keys().await.expect("the data keys");
        for purpose in Purpose::ALL {
            if !stored.iter().any(|key| key.purpose == purpose.as_str()) {
                let key = DataKey::generate(provider, *purpose).expect("a data key");
                database.add_vault_key(to_row(key)).await.expect("it is stored");
            }
        }
        let keys: Vec<_> = database.vault_keys().await.expect("the data keys").iter().map(from_row).collect();
        let vault = Vault::open(provider, &keys).expect("the vault");
        let (client, accounts) = (accounts.0, accounts.1.clone());
        let (reader, holders, cards) = (database.reader(), Vec::new(), Vec::new());
        let mut office = Office { vault, reader, client, accounts, holders, cards };
        let mut ids = new_id_maker();
        for _ in 0..ACCOUNTS {
            let id = CardHolderId(ids.next(wall()));
            let (key, kept) = office.vault.new_holder_key(client.0.bytes(), id.0.bytes());
            let personal = SealedPersonal {
                sealed: key.seal(&[b"personal", client.0.bytes(), id.0.bytes()], b"{}"),
                hashes: SearchHashes::default(),
                document_expires: None,
                has_document: false,
                has_proof: false,
            };
            let command = CreateCardHolder {
                id,
                name: "Alex Johnson".to_owned(),
                key: kept,
                personal,
                status: CardHolderStatus::Active,
                metadata: None,
                limits: Vec::new(),
                documents: Vec::new(),
            };
            run(engine, client, Command::CreateCardHolder(Box::new(command))).await.expect("a card holder");
            office.holders.push(id);
            let card = CardId(ids.next(wall()));
            run(engine, client, office.issue(card, office.holders.len() - 1)).await.expect("a card");
            office.cards.push(card);
        }
        office
    }

    fn issue(&self, id: CardId, at: usize) -> Command {
        let pan = CardRange::new("400555", 16).expect("a range").draw();
        let number = NewNumber {
            sealed: self.vault.seal_pan(self.client.0.bytes(), id.0.bytes(), &pan),
            fingerprint: self.vault.fingerprint(&pan),
            bin: pan.bin(),
            last4: pan.last4(),
            range: range(),
        };
        Command::CreateCard(Box::new(CreateCard {
            id,
            debit_account: self.accounts[at],
            card_holder: self.holders[at],
            program: None,
            kind: CardType::Virtual,
            brand: Brand::Visa,
            status: CardStatus::Active,
            currency: Currency::find("USD", Category::Fiat).expect("USD"),
            metadata: None,
            controls: NewControls::default(),
            enable_2fa: true,
            amount: None,
            disposable: false,
            funding_mode: FundingMode::Prefunded,
            valid_from: None,
            valid_until: None,
            merchant_lock: false,
            cancel_after: None,
            number,
            expiry: Expiry { year: 2099, month: 12 },
            verified_only: false,
        }))
    }

    /// Cards issued.
    pub fn issues(office: &Arc<Office>) -> Act {
        let office = office.clone();
        let ids = Arc::new(std::sync::Mutex::new(new_id_maker()));
        Arc::new(move |engine, caller, number| {
            let id = CardId(ids.lock().expect("no caller panics").next(wall()));
            let command = office.issue(id, (caller * 389 + number * 31) % ACCOUNTS);
            let client = office.client;
            Box::pin(async move { run(&engine, client, command).await.is_some() })
        })
    }

    /// A token created and used, and the number and its code shown.
    pub fn reveals(office: &Arc<Office>) -> Act {
        let office = office.clone();
        Arc::new(move |engine, caller, number| {
            let office = office.clone();
            let id = office.cards[(caller * 389 + number * 31) % ACCOUNTS];
            Box::pin(async move {
                let hash = office.vault.mac(Purpose::RevealTokens, &[&paygen_vault::random_bytes::<32>()]);
                let purpose = RevealPurpose::Reveal;
                let make = IssueRevealToken { id, hash, purpose, origin: None, seconds: 120, reason: None };
                let made = run(&engine, office.client, Command::IssueRevealToken(make)).await;
                let spend = UseRevealToken { id, hash, purpose, origin: None };
                let spent = run(&engine, office.client, Command::UseRevealToken(spend)).await;
                let secret = office.reader.get::<CardSecret>(Key::of(office.client, id.0)).await;
                let secret = secret.expect("a read").expect("the card's secrets");
                let (client, card) = (secret.client.0.bytes(), secret.card.0.bytes());
                let pan = office.vault.open_pan(client, card, &secret.number).expect("it opens");
                let expiry = paygen_vault::Expiry { year: 2099, month: 12 };
                let code = office.vault.card_code(&pan, expiry, ServiceCode::Printed).expect("a code");
                made.is_some() && spent.is_some() && code.expose().len() == 3
            })
        })
    }
}
