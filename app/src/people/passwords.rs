//! Passwords: what is accepted, and Argon2id (RFC 9106) with the parameters that OWASP recommends: 19 MiB, two passes.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use paygen_engine::Unanswered;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::Failure;

/// PCI DSS 8.3.6 asks for twelve.
pub const MIN_CHARACTERS: usize = 12;

/// A bound on what is hashed.
const MAX_BYTES: usize = 1024;

/// Different characters that a password has at least.
const MIN_DIFFERENT: usize = 5;

/// Each comparison takes 19 MiB and tens of milliseconds, so a few run at a time.
static TURNS: Semaphore = Semaphore::const_new(2);

/// How many run or wait. More are refused at once: they would wait for longer than people do.
static PLACES: Semaphore = Semaphore::const_new(2 + 64);

/// What is compared for unknown users, so that they take as long as known ones.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

/// Why a password is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    #[error("has fewer than {MIN_CHARACTERS} characters.")]
    Short,
    #[error("has more than {MAX_BYTES} bytes.")]
    Long,
    #[error("repeats a few characters. Use at least {MIN_DIFFERENT} different ones.")]
    Monotonous,
    #[error("contains the e-mail address or its beginning.")]
    Email,
    #[error("is one of the last five. Choose one that you have not used.")]
    Former,
}

/// Checks a password against the rules that need no stored ones.
pub fn check(password: &str, email: &str) -> Result<(), Weakness> {
    if password.len() > MAX_BYTES {
        return Err(Weakness::Long);
    }
    if password.chars().count() < MIN_CHARACTERS {
        return Err(Weakness::Short);
    }
    if password.chars().collect::<BTreeSet<char>>().len() < MIN_DIFFERENT {
        return Err(Weakness::Monotonous);
    }
    let begin = email.split('@').next().unwrap_or_default();
    let text = password.to_lowercase();
    if text.contains(email) || (begin.chars().count() >= 5 && text.contains(begin)) {
        return Err(Weakness::Email);
    }
    Ok(())
}

fn hash_now(password: &str) -> Result<String, Failure> {
    let failed =
        |error: argon2::password_hash::Error| Failure::Internal(format!("a password cannot be hashed: {error}"));
    Ok(Argon2::default().hash_password(password.as_bytes()).map_err(failed)?.to_string())
}

fn fits(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored)
        .is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
}

/// Runs on a thread that may take long, with few others.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Internal(format!("a password was not compared: {error}"));
    let _place = PLACES.try_acquire().map_err(|_| Failure::Engine(Unanswered::Overloaded))?;
    let turn = TURNS.acquire().await.map_err(|error| failed(&error))?;
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error));
    drop(turn);
    done
}

pub(super) async fn hash(password: &str) -> Result<String, Failure> {
    let password = Zeroizing::new(password.to_owned());
    apart(move || hash_now(&password)).await?
}

/// Whether a password is the stored one. Without a stored one the comparison takes as long.
pub(super) async fn is(password: &str, stored: Option<&str>) -> Result<bool, Failure> {
    let (password, stored) = (Zeroizing::new(password.to_owned()), stored.map(str::to_owned));
    apart(move || {
        let known = stored.is_some();
        fits(&password, &stored.unwrap_or_else(|| NOBODY.clone())) && known
    })
    .await
}

/// Whether a password is one of the stored ones.
pub(super) async fn is_one_of(password: &str, stored: &[String]) -> Result<bool, Failure> {
    let (password, stored) = (Zeroizing::new(password.to_owned()), stored.to_vec());
    apart(move || stored.iter().any(|stored| fits(&password, stored))).await
}

#[cfg(test)]
mod tests {
    use super::{Weakness, check, fits, hash_now};

    #[test]
    fn weak_passwords_are_refused() {
        for (password, expected) in [
            ("correct horse battery", Ok(())),
            ("zwölf Zeichen", Ok(())),
            ("elevenchars", Err(Weakness::Short)),
            ("", Err(Weakness::Short)),
            ("aaaaaaaaaaaaaaaa", Err(Weakness::Monotonous)),
            ("121212121212", Err(Weakness::Monotonous)),
            ("Lovelace@example.com", Err(Weakness::Email)),
            ("my LOVELACE 1815", Err(Weakness::Email)),
        ] {
            assert_eq!(check(password, "lovelace@example.com"), expected, "{password}");
        }
        assert_eq!(check(&"correct horse ".repeat(100), "a@b.c"), Err(Weakness::Long));
    }

    #[test]
    fn a_hash_fits_its_password_only() {
        let stored = hash_now("correct horse battery").expect("a hash");
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(fits("correct horse battery", &stored));
        assert!(!fits("Correct horse battery", &stored) && !fits("", &stored) && !fits("x", "no hash"));
    }
}
