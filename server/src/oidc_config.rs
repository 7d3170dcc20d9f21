//! The section `[console.oidc]` of the settings: an identity provider with which people sign in to the console.

use paygen_app::people::oidc::{GroupRole, OidcSettings, is_safe};
use paygen_core::ids::ClientId;
use paygen_core::people::Role;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::config_error::ConfigError;
use crate::secret::Secret;

/// The environment variable of the client's secret.
pub(crate) const SECRET: &str = "PAYGEN_OIDC_CLIENT_SECRET";

/// The section `[console]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsoleFile {
    oidc: Option<OidcFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OidcFile {
    issuer: String,
    client_id: String,
    client_secret: Option<String>,
    name: Option<String>,
    scopes: Option<Vec<String>>,
    groups_claim: Option<String>,
    #[serde(default)]
    roles: Vec<RoleFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleFile {
    group: String,
    role: String,
    client: Option<String>,
}

/// The identity provider.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    issuer: String,
    client_id: String,
    client_secret: Option<Secret>,
    name: String,
    scopes: Vec<String>,
    groups_claim: String,
    roles: Vec<GroupRole>,
}

impl ConsoleFile {
    /// The provider, validated; the secret is that of the environment if there is one. `has_place`: whether it is known where
    /// the provider leads people back to.
    pub(crate) fn oidc(self, secret: Option<String>, has_place: bool) -> Result<Option<OidcConfig>, ConfigError> {
        let Some(file) = self.oidc else {
            let unused =
                format!("{SECRET} is set, and paygen.toml has no section [console.oidc]. Add it, or unset {SECRET}.");
            return if secret.is_some() { Err(ConfigError(unused)) } else { Ok(None) };
        };
        if !has_place {
            let text = "console.oidc needs console_url (PAYGEN_CONSOLE_URL): the provider leads people back there.";
            return Err(ConfigError(text.to_owned()));
        }
        if !is_safe(&file.issuer) {
            let text = format!(
                "console.oidc.issuer is {:?}; it must be an https URL, as the provider writes it.",
                file.issuer
            );
            return Err(ConfigError(text));
        }
        if file.client_id.is_empty() {
            return Err(ConfigError("console.oidc.client_id is empty; the provider gives you one.".to_owned()));
        }
        let scopes = file.scopes.unwrap_or_else(|| ["openid", "profile", "email"].map(str::to_owned).into());
        if !scopes.iter().any(|scope| scope == "openid") {
            return Err(ConfigError("console.oidc.scopes must contain openid.".to_owned()));
        }
        let roles: Vec<GroupRole> = file.roles.into_iter().map(RoleFile::read).collect::<Result<_, _>>()?;
        if roles.is_empty() {
            let text = "console.oidc.roles is empty, so nobody could sign in. Add [[console.oidc.roles]] with a group and a role.";
            return Err(ConfigError(text.to_owned()));
        }
        Ok(Some(OidcConfig {
            issuer: file.issuer,
            client_id: file.client_id,
            client_secret: secret.or(file.client_secret).map(Secret::new),
            name: file.name.unwrap_or_else(|| "your organisation".to_owned()),
            scopes,
            groups_claim: file.groups_claim.unwrap_or_else(|| "groups".to_owned()),
            roles,
        }))
    }
}

impl RoleFile {
    fn read(self) -> Result<GroupRole, ConfigError> {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        let unknown =
            || format!("console.oidc.roles has the role {:?}; it must be one of {}.", self.role, known.join(", "));
        let role = Role::parse(&self.role).ok_or_else(|| ConfigError(unknown()))?;
        let client = match &self.client {
            None => None,
            Some(id) => {
                let text = format!(
                    "console.oidc.roles has the client {id:?}; it must be a client's id, of 24 hexadecimal digits."
                );
                Some(ClientId::parse(id).ok_or(ConfigError(text))?)
            }
        };
        Ok(GroupRole { group: self.group, role, client })
    }
}

impl OidcConfig {
    pub(crate) fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.as_ref().map(|secret| Zeroizing::new(secret.expose().to_owned())),
            name: self.name.clone(),
            scopes: self.scopes.clone(),
            groups_claim: self.groups_claim.clone(),
            roles: self.roles.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ConsoleFile;

    #[test]
    fn what_cannot_work_is_refused_with_the_fix() {
        let whole = "oidc = { issuer = 'https://id.example.com', client_id = 'paygen', roles = [ROLE] }";
        let role = "{ group = 'ops', role = 'operations' }";
        for (text, secret, expected) in [
            (whole.replace("ROLE", role), Some("s"), Ok(true)),
            (String::new(), None, Ok(false)),
            (String::new(), Some("s"), Err("no section [console.oidc]")),
            (whole.replace("ROLE", ""), None, Err("roles is empty")),
            (whole.replace("ROLE", &role.replace("operations", "king")), None, Err("must be one of owner, admin")),
            (
                whole.replace("ROLE", "{ group = 'a', role = 'owner', client = 'x' }"),
                None,
                Err("24 hexadecimal digits"),
            ),
            (whole.replace("ROLE", role).replace("https", "http"), None, Err("must be an https URL")),
            (whole.replace("ROLE", role).replace("'paygen'", "''"), None, Err("client_id is empty")),
            (
                whole.replace("ROLE", role).replace("roles", "scopes = ['email'], roles"),
                None,
                Err("must contain openid"),
            ),
        ] {
            let file: ConsoleFile = toml::from_str(&text).expect("a section");
            let read =
                file.oidc(secret.map(str::to_owned), true).map(|config| config.is_some()).map_err(|error| error.0);
            match (read, expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{text}"),
                (Err(read), Err(expected)) => assert!(read.contains(expected), "{text}: {read}"),
                (read, expected) => panic!("{text}: {read:?}, not {expected:?}"),
            }
        }
        let file: ConsoleFile = toml::from_str(&whole.replace("ROLE", role)).expect("a section");
        assert!(file.oidc(None, false).is_err_and(|error| error.0.contains("needs console_url")));
    }
}
