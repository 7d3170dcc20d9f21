//! A population of cards, written as rows in large commits: the state that many thousand calls would leave.
//!
//! Every card has a card holder and a sealed number. One in ten is funded on demand from one hot account, the others
//! are prefunded. They have credit rather than money, so that no ledger entry is missing.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant as Stopwatch;

use paygen_app::new_id_maker;
use paygen_core::accounts::{Account, AccountStatus, AccountType, CategoryWord, OwnerType};
use paygen_core::card_holders::{CardHolder, CardHolderStatus, Files, SearchHashes};
use paygen_core::cards::{Brand, Card, CardFingerprint, CardSecret, CardStatus, CardType, FundingMode};
use paygen_core::ids::{AccountId, CardHolderId, CardId, ClientId, IdGenerator, LedgerAccountId};
use paygen_core::ledger::Balance;
use paygen_core::limits::{Counters, SpendingControls};
use paygen_core::messages::Links;
use paygen_core::money::{Category, Currency};
use paygen_core::programs::Program;
use paygen_core::time::Instant;
use paygen_core::work::{Context, Work};
use paygen_engine::clock::wall;
use paygen_store::Database;
use paygen_vault::{CardRange, Pan, Vault};

/// Cards in a commit.
const STEP: u64 = 5000;

/// Accounts of the cards, besides the hot one.
const ACCOUNTS: usize = 1000;

/// Cards for each further card holder without a card.
const HOLDERS: usize = 100;

/// One card in this many spends from the hot account.
const HOT: usize = 10;

/// More than any run spends, in minor units.
const CREDIT: i64 = 100_000_000_000_000;

/// A card as a merchant sees it.
pub struct Known {
    pub id: CardId,
    pub number: String,
    /// The records it is linked to.
    pub links: Links,
}

/// The cards.
pub struct Population {
    /// Their client.
    pub client: ClientId,
    /// Prefunded cards.
    pub spread: Vec<Known>,
    /// Cards of the hot account.
    pub hot: Vec<Known>,
    /// Accounts, besides the hot one.
    pub accounts: Vec<AccountId>,
    /// Some of the card holders.
    pub holders: Vec<CardHolderId>,
}

/// An index below this bound, the same for the same caller and number in every run.
pub fn scatter(caller: usize, number: usize, count: usize) -> usize {
    let mut seed = (caller as u64) << 40 | number as u64;
    // The finalizer of splitmix64.
    for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
        seed = (seed ^ (seed >> shift)).wrapping_mul(factor);
    }
    ((seed ^ (seed >> 31)) % count as u64) as usize
}

/// Creates this many cards.
pub async fn seed(database: &Database, vault: Arc<Vault>, client: ClientId, cards: u64) -> Population {
    let mut store = database.store().await.expect("a store");
    let started = Stopwatch::now();
    let made = tokio::task::spawn_blocking(move || {
        let mut seeder = Seeder::new(client, vault);
        let hot = seeder.account();
        let accounts: Vec<AccountId> = (0..ACCOUNTS).map(|_| seeder.account()).collect();
        let (spread, hot_cards, holders) = (Vec::new(), Vec::new(), Vec::new());
        let mut population = Population { client, spread, hot: hot_cards, accounts: accounts.clone(), holders };
        for number in 0..cards {
            let at = usize::try_from(number).expect("a number of cards that fits");
            if at % HOLDERS == 0 {
                population.holders.push(seeder.holder());
            }
            if at % HOT == 0 {
                population.hot.push(seeder.card(hot, FundingMode::OnDemand));
            } else {
                population.spread.push(seeder.card(accounts[at % ACCOUNTS], FundingMode::Prefunded));
            }
            if (number + 1) % STEP == 0 || number + 1 == cards {
                let batch = seeder.ids.next(wall());
                store.commit(&mut seeder.work.take_changes(), batch).expect("the rows are stored");
                seeder.work.forget();
            }
        }
        population
    });
    let population = made.await.expect("the seeder ran");
    println!("{cards} cards made in {:.1} s", started.elapsed().as_secs_f64());
    population
}

struct Seeder {
    client: ClientId,
    vault: Arc<Vault>,
    range: CardRange,
    usd: Currency,
    ids: IdGenerator,
    now: Instant,
    work: Work,
    drawn: HashSet<String>,
}

impl Seeder {
    fn new(client: ClientId, vault: Arc<Vault>) -> Seeder {
        let mut work = Work::new(new_id_maker());
        work.begin_batch(wall());
        work.enter(Context::system(client, ""));
        let usd = Currency::find("USD", Category::Fiat).expect("USD");
        let range = CardRange::new("400555", 16).expect("a range");
        Seeder { client, vault, range, usd, ids: new_id_maker(), now: wall(), work, drawn: HashSet::new() }
    }

    fn account(&mut self) -> AccountId {
        let id = AccountId(self.ids.next(self.now));
        self.work.accounts.put(Account {
            client: self.client,
            id,
            owner_type: OwnerType::Business,
            owner_id: None,
            name: "Bench".to_owned(),
            kind: AccountType::Credit,
            category: CategoryWord::Fiat,
            status: AccountStatus::Active,
            currency: self.usd,
            network: None,
            can_debit: true,
            can_credit: true,
            metadata: None,
            primary_bank_account: None,
            primary_crypto_wallet: None,
            live_cards: 0,
            unsettled_cards: 0,
            limits: Vec::new(),
            version: 1,
            created_at: self.now,
            updated_at: self.now,
        });
        self.balance(id.into());
        id
    }

    fn balance(&mut self, id: LedgerAccountId) {
        let opened = Balance::opened(self.client, id, self.usd, self.now);
        self.work.balances.put(Balance { credit_limit: CREDIT, ..opened });
    }

    fn holder(&mut self) -> CardHolderId {
        let id = CardHolderId(self.ids.next(self.now));
        let (key, kept) = self.vault.new_holder_key(self.client.0.bytes(), id.0.bytes());
        let personal = key.seal(&[b"personal", self.client.0.bytes(), id.0.bytes()], b"{}");
        self.work.card_holders.put(CardHolder {
            client: self.client,
            id,
            name: "Alex Johnson".to_owned(),
            status: CardHolderStatus::Active,
            key: Some(kept),
            personal: Some(personal),
            hashes: SearchHashes::default(),
            metadata: None,
            document_status: None,
            document_expires: None,
            proof_status: None,
            files: Files::default(),
            documents: 0,
            limits: Vec::new(),
            live_cards: 1,
            retain_from: self.now,
            erased_at: None,
            event_seq: 0,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
        });
        self.work.counters.put(Counters::new(self.client, id.0));
        id
    }

    /// A number that no other card has: among so many random ones some are equal.
    fn number(&mut self) -> Pan {
        loop {
            let pan = self.range.draw();
            if self.drawn.insert(pan.expose().to_owned()) {
                return pan;
            }
        }
    }

    fn card(&mut self, account: AccountId, funding_mode: FundingMode) -> Known {
        let card_holder = self.holder();
        let id = CardId(self.ids.next(self.now));
        let pan = self.number();
        let client = self.client;
        let own = LedgerAccountId::from(id);
        let funds = if funding_mode == FundingMode::OnDemand { account.into() } else { own };
        self.work.cards.put(Card {
            client,
            id,
            debit_account: account,
            card_holder,
            program: Program::default_of(client),
            kind: CardType::Virtual,
            brand: Brand::Visa,
            currency: self.usd,
            status: CardStatus::Active,
            cancellation_reason: None,
            credit_account: None,
            metadata: None,
            controls: SpendingControls::default(),
            enable_2fa: true,
            disposable: false,
            funding_mode,
            funds,
            valid_from: None,
            valid_until: None,
            merchant_lock: false,
            locked_merchant: None,
            cancel_after: None,
            bin: pan.bin(),
            last4: pan.last4(),
            expiry_month: 12,
            expiry_year: 2099,
            pin_set: false,
            activated_at: Some(self.now),
            replacement_for: None,
            replaced_by: None,
            history: Vec::new(),
            version: 1,
            created_at: self.now,
            updated_at: self.now,
        });
        self.balance(own);
        self.work.card_secrets.put(CardSecret {
            client,
            card: id,
            number: self.vault.seal_pan(client.0.bytes(), id.0.bytes(), &pan),
            pin: None,
            pin_failures: 0,
            wrong_tries: 0,
            wrong_tries_day: 0,
            pin_set_at: None,
        });
        let fingerprint = self.vault.fingerprint(&pan);
        self.work.card_fingerprints.put(CardFingerprint { fingerprint, client, card: id });
        self.work.counters.put(Counters::new(client, id.0));
        Known {
            id,
            number: pan.expose().to_owned(),
            links: Links { card_holder, account, funds, program: Program::default_of(client) },
        }
    }
}
