//! The identity provider as it is called: its metadata and keys, which are kept for an hour, and the redemption of codes.
//! Every call ends within ten seconds, follows no redirect and reads a bounded answer.

use std::time::{Duration, Instant};

use paygen_app::people::oidc::{Attempt, Metadata, OidcError, OidcSettings, Person, ProviderKeys};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use tokio::sync::Mutex;

const TIMEOUT: Duration = Duration::from_secs(10);

/// How long metadata and keys are kept.
const KEPT: Duration = Duration::from_secs(3600);

/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 1 << 20;

pub(crate) struct Provider {
    pub(crate) settings: OidcSettings,
    client: Client,
    /// Locked while it is read anew, so that one call serves all who wait.
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    metadata: Metadata,
    keys: ProviderKeys,
    since: Instant,
}

#[derive(Deserialize)]
struct Redeemed {
    id_token: String,
}

/// Why the provider gave no answer that can be checked, or which check it failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    #[error("the provider does not answer as it should: {0}")]
    Silent(String),
    #[error("the provider answered {0}")]
    Status(StatusCode),
    #[error(transparent)]
    Refused(#[from] OidcError),
}

impl Provider {
    pub(crate) fn new(settings: OidcSettings) -> Result<Provider, String> {
        let client = Client::builder()
            .user_agent(concat!("paygen/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .tls_backend_preconfigured(paygen_store::tls_client()?)
            .build()
            .map_err(|error| format!("the identity provider cannot be called: {error}"))?;
        Ok(Provider { settings, client, known: Mutex::new(None) })
    }

    async fn read(&self, request: RequestBuilder) -> Result<Vec<u8>, ProviderError> {
        // The URL is left out of errors, as it may carry what nobody else is to know.
        let silent = |error: reqwest::Error| ProviderError::Silent(error.without_url().to_string());
        let mut answer = request.header(ACCEPT, "application/json").send().await.map_err(silent)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(silent)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER_BYTES {
                return Err(ProviderError::Silent(format!("its answer is longer than {MAX_ANSWER_BYTES} bytes")));
            }
        }
        if status.is_success() { Ok(body) } else { Err(ProviderError::Status(status)) }
    }

    async fn read_known(&self) -> Result<Known, ProviderError> {
        let issuer = &self.settings.issuer;
        let body = self.read(self.client.get(Metadata::place(issuer))).await?;
        let metadata = Metadata::read(&body, issuer)?;
        let keys = ProviderKeys::read(&self.read(self.client.get(&metadata.jwks_uri)).await?)?;
        Ok(Known { metadata, keys, since: Instant::now() })
    }

    /// Metadata and keys; `anew` if those that are kept did not do.
    async fn known(&self, anew: Option<Instant>) -> Result<Known, ProviderError> {
        let mut known = self.known.lock().await;
        let fresh =
            known.as_ref().filter(|known| known.since.elapsed() < KEPT && anew.is_none_or(|at| known.since > at));
        if let Some(fresh) = fresh {
            return Ok(fresh.clone());
        }
        let read = self.read_known().await?;
        *known = Some(read.clone());
        Ok(read)
    }

    /// Where the browser is sent.
    pub(crate) async fn url(&self, attempt: &Attempt, redirect: &str) -> Result<String, ProviderError> {
        Ok(attempt.url(&self.known(None).await?.metadata, &self.settings, redirect)?)
    }

    /// Redeems a code, and checks the ID token. A key that is not known yet is looked for once more.
    pub(crate) async fn person(&self, attempt: &Attempt, code: &str, redirect: &str) -> Result<Person, ProviderError> {
        let known = self.known(None).await?;
        let (form, header) = attempt.redemption(&known.metadata, &self.settings, (code, redirect));
        let mut request = self.client.post(&known.metadata.token_endpoint).body(form);
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(header) = header {
            let mut value = HeaderValue::from_str(&header).map_err(|error| ProviderError::Silent(error.to_string()))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let body = self.read(request).await.map_err(|error| match error {
            ProviderError::Status(StatusCode::BAD_REQUEST) => OidcError::Code.into(),
            other => other,
        })?;
        let unreadable = |_| ProviderError::Silent("its answer to the code has no ID token".to_owned());
        let Redeemed { id_token } = serde_json::from_slice(&body).map_err(unreadable)?;
        match attempt.check(&id_token, &known.keys, &self.settings) {
            Err(OidcError::UnknownKey) => {
                let anew = self.known(Some(known.since)).await?;
                Ok(attempt.check(&id_token, &anew.keys, &self.settings)?)
            }
            checked => Ok(checked?),
        }
    }
}
