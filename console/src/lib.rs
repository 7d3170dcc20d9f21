//! The console: pages under `/console`, rendered here, for the people of an installation.
//!
//! It has no SQL and no rule of its own. Each page is one or more calls of the API, made within the process
//! ([`door::Door`]) with the scopes of the user's role, and each form is one call, so that nothing is possible here that
//! the API cannot do. Pages are data: [`resources`] has a table of lists, objects and actions, from which the router, the
//! navigation and the tests are made. Signing in, sessions and second factors are in [`paygen_app::people`].

mod answer;
mod assets;
mod call;
pub mod door;
mod form;
mod json;
mod pages;
mod provider;
mod resources;
mod router;
mod shell;
mod show;
mod tables;
mod view;
mod visitor;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use paygen_app::App;
use paygen_edge::limiter::Limiter;

pub use router::{Page, pages, router};

use assets::Served;
use door::Door;
use paygen_app::people::oidc::OidcSettings;
use provider::Provider;

/// How many passwords are compared at once for an address, and after what time the next one: a comparison takes far longer
/// than any page.
const TRIES_AT_ONCE: u32 = 30;
const TRY_INTERVAL: Duration = Duration::from_secs(2);

/// What the console is made of. A clone is one more reference.
#[derive(Clone)]
pub struct Console(Arc<Parts>);

/// What else is called, and from where: each is scheme and host.
pub struct Places {
    /// Where the API is called from outside.
    pub api_url: String,
    /// `None` if it is not set.
    pub url: Option<String>,
    /// An identity provider with which people sign in.
    pub oidc: Option<OidcSettings>,
}

pub struct Parts {
    pub app: App,
    pub door: Door,
    /// Where the API is called from outside, for the calls that pages show.
    pub api_url: String,
    /// Scheme and host of the console, if they are set.
    pub url: Option<String>,
    oidc: Option<Provider>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    assets: Served,
    /// Passwords tried by an address, right or wrong.
    password_tries: Limiter<IpAddr>,
}

impl Console {
    pub fn new(app: App, door: Door, places: Places, trusted_proxies: Vec<ipnet::IpNet>) -> Result<Console, String> {
        let Places { api_url, url, oidc } = places;
        let oidc = oidc.map(Provider::new).transpose()?;
        let (assets, password_tries) = (Served::load(), Limiter::new(TRIES_AT_ONCE, TRY_INTERVAL));
        Ok(Console(Arc::new(Parts { app, door, api_url, url, oidc, trusted_proxies, assets, password_tries })))
    }

    /// The address of a caller: the peer's, or the one that a trusted proxy names last.
    fn address(&self, peer: IpAddr, forwarded: &str) -> IpAddr {
        let mut nearest = peer.to_canonical();
        for hop in forwarded.split(',').rev() {
            if !self.trusted_proxies.iter().any(|network| network.contains(&nearest)) {
                break;
            }
            let Ok(further) = hop.trim().parse::<IpAddr>() else { break };
            nearest = further.to_canonical();
        }
        nearest
    }
}

impl std::ops::Deref for Console {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
