//! Second factors: one-time codes of an authenticator (RFC 6238), and recovery codes for when it is lost.

use paygen_core::hash::hex;
use paygen_core::ids::UserId;
use paygen_core::people::{SetSecondFactor, User, UserSecret};
use paygen_core::{Command, Request};
use paygen_engine::clock::wall;
use paygen_vault::Purpose;
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::{SignedIn, sha256};
use crate::{App, Failure};

/// How many recovery codes a user gets.
pub const CODE_COUNT: usize = 10;

/// Letters and digits that are not mistaken for each other.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// The secret of one-time codes before its first code proved it. Only the caller keeps it.
pub struct NewFactor {
    secret: Zeroizing<Vec<u8>>,
    email: String,
}

fn totp(secret: &[u8], email: &str) -> Option<Totp> {
    // A colon separates issuer and account in the link.
    let account = email.replace(':', "_");
    let builder = Builder::new().with_secret(secret.to_vec()).with_issuer(Some("Paygen")).with_account_name(account);
    builder.build().ok()
}

impl NewFactor {
    /// 160 random bits (RFC 4226, section 4).
    pub fn generate(user: &User) -> NewFactor {
        let secret = Zeroizing::new(paygen_vault::random_bytes::<20>().to_vec());
        NewFactor { secret, email: user.email.clone() }
    }

    /// The secret as an authenticator takes it by hand: base32.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(totp(&self.secret, &self.email).map(|totp| totp.secret().to_base32()).unwrap_or_default())
    }

    /// The link in the picture that an authenticator scans.
    pub fn link(&self) -> Zeroizing<String> {
        Zeroizing::new(totp(&self.secret, &self.email).and_then(|totp| totp.to_url().ok()).unwrap_or_default())
    }
}

/// The time step whose code this is, of the present one and one on each side.
pub(super) fn step_of(code: &str, secret: &[u8]) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let now = u64::try_from(wall().seconds()).ok()?;
    i64::try_from(totp(secret, "")?.check(&digits, now)?).ok()
}

/// The stored form of a recovery code, without blanks, dashes and case.
pub(super) fn recovery_hash(code: &str) -> String {
    let normal: String = code.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    hex(&sha256(&normal))
}

fn recovery_code() -> String {
    let random = paygen_vault::random_bytes::<12>();
    let letters: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    format!("{}-{}-{}", &letters[..4], &letters[4..8], &letters[8..])
}

/// New recovery codes, as they are shown.
pub(super) fn new_recovery_codes() -> Vec<String> {
    (0..CODE_COUNT).map(|_| recovery_code()).collect()
}

fn place(user: UserId) -> [u8; 12] {
    *user.0.bytes()
}

impl App {
    /// Begins a second factor. It is stored when a code proves it; until then the caller keeps it sealed.
    pub fn sealed_factor(&self, user: UserId, factor: &NewFactor) -> Vec<u8> {
        self.vault.seal(Purpose::SecondFactors, &[&place(user)], &factor.secret)
    }

    /// The factor that the caller kept.
    pub fn kept_factor(&self, user: &User, sealed: &[u8]) -> Option<NewFactor> {
        let secret = self.vault.open_sealed(Purpose::SecondFactors, &[&place(user.id)], sealed).ok()?;
        (secret.len() == 20).then(|| NewFactor { secret, email: user.email.clone() })
    }

    pub(super) fn factor_step(&self, secret: &UserSecret, code: &str) -> Result<Option<i64>, Failure> {
        let Some(sealed) = &secret.totp else { return Ok(None) };
        let opened = self.vault.open_sealed(Purpose::SecondFactors, &[&place(secret.user)], sealed);
        let opened = opened.map_err(|error| Failure::Internal(format!("a second factor cannot be opened: {error}")))?;
        Ok(step_of(code, &opened))
    }

    /// Stores the factor if the code is one of it, ends the user's other sessions, and returns new recovery codes, which
    /// are shown once.
    pub async fn set_factor(
        &self,
        signed_in: &SignedIn,
        factor: &NewFactor,
        code: &str,
    ) -> Result<Option<Vec<String>>, Failure> {
        let Some(step) = step_of(code, &factor.secret) else { return Ok(None) };
        let codes = new_recovery_codes();
        let user = signed_in.user.id;
        let command = SetSecondFactor {
            user,
            totp: Some(self.sealed_factor(user, factor)),
            step,
            recovery_codes: codes.iter().map(|code| recovery_hash(code)).collect(),
            ends: self.other_sessions(signed_in).await?,
        };
        let request = Request::new(signed_in.context(), Command::SetSecondFactor(command));
        self.engine.run_background(request).await??;
        Ok(Some(codes))
    }
}

#[cfg(test)]
mod tests {
    use super::{recovery_code, recovery_hash};

    #[test]
    fn recovery_codes_are_compared_without_case_and_dashes() {
        let code = recovery_code();
        assert_eq!(code.len(), 14);
        assert_eq!(recovery_hash(&code), recovery_hash(&code.to_uppercase().replace('-', " ")));
        assert_ne!(recovery_hash(&code), recovery_hash(&recovery_code()));
    }
}
