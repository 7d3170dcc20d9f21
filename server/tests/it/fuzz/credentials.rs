//! Credentials and cursors with one changed bit are refused.

use std::sync::Arc;

use paygen_api::cursor;
use paygen_app::tokens::{self, Claims, TokenError};
use paygen_core::access::{Scope, Scopes};
use paygen_core::ids::{ApiKeyId, CardId, ClientId, Id, TokenId};
use paygen_store::value::Value;
use paygen_vault::{ApiKeySecret, DataKey, FileKeyProvider, KeyKind, Purpose, Vault};

use super::Target;

fn vault() -> Arc<Vault> {
    let directory = tempfile::tempdir().expect("a directory");
    let provider = FileKeyProvider::open_or_create(&directory.path().join("key")).expect("a key file");
    let keys: Vec<_> =
        Purpose::ALL.iter().map(|purpose| DataKey::generate(&provider, *purpose).expect("a key")).collect();
    Arc::new(Vault::open(&provider, &keys).expect("the vault opens"))
}

/// Every text that differs from this one in one bit, or in one character of base64url.
fn neighbours(text: &str) -> Vec<Vec<u8>> {
    let bits = (0..text.len() * 8).map(|bit| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let end = (0..letters.len()).map(|letter| {
        let mut bytes = text.as_bytes().to_vec();
        *bytes.last_mut().expect("a text") = letters[letter];
        bytes
    });
    bits.chain(end).filter(|bytes| bytes != text.as_bytes()).collect()
}

#[test]
fn a_bearer_token_with_one_changed_bit_is_refused() {
    let vault = vault();
    let id = |byte| Id::from_bytes([byte; 12]);
    let claims = Claims {
        client: ClientId(id(1)),
        id: TokenId(id(2)),
        api_key: ApiKeyId(id(3)),
        scopes: Scopes::from_iter([Scope::CardsRead]),
        card_holder: None,
        card: Some(CardId(id(4))),
        expires: 0,
    };
    let now = paygen_engine::clock::wall().seconds();
    let until = |expires| Claims { expires, ..claims.clone() };
    let token = tokens::sign(&until(now + 3600), now, &vault).expect("a token");
    let read = tokens::read(&token, &vault).expect("it is read");
    assert_eq!(
        (read.client, read.id, read.api_key, read.card),
        (claims.client, claims.id, claims.api_key, claims.card)
    );
    assert_eq!((read.scopes, read.card_holder), (claims.scopes, None));
    for changed in neighbours(&token) {
        let Ok(text) = String::from_utf8(changed) else { continue };
        assert_eq!(tokens::read(&text, &vault).err(), Some(TokenError::Invalid), "{text}");
    }
    let over = tokens::sign(&until(now - 3600), now - 7200, &vault).expect("a token");
    assert_eq!(tokens::read(&over, &vault).err(), Some(TokenError::Expired));
    for changed in neighbours(&over) {
        // An altered token is not reported as expired, which would reveal its content.
        let Ok(text) = String::from_utf8(changed) else { continue };
        assert_eq!(tokens::read(&text, &vault).err(), Some(TokenError::Invalid), "{text}");
    }
    let [head, body, seal] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let pieces = [head, body, seal, "", "e30", "eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9"];
    for number in 0..pieces.len().pow(3) {
        let piece = |place: usize| pieces[number / pieces.len().pow(place as u32) % pieces.len()];
        let made = format!("{}.{}.{}", piece(0), piece(1), piece(2));
        assert!(made == token || tokens::read(&made, &vault).is_err(), "{made}");
    }
    let corpus = Target::new("bearer-token", 2_000);
    corpus.check(|input| {
        let text = String::from_utf8_lossy(input).replace("TOKEN", &token);
        let accepted = tokens::read(&text, &vault).is_ok();
        (!accepted || text == token).then_some(()).ok_or_else(|| "accepted".to_owned())
    });
}

#[test]
fn an_api_key_with_one_changed_bit_is_another_key() {
    let vault = vault();
    let secret = ApiKeySecret::generate(KeyKind::Live);
    let hash = ApiKeySecret::hash_text(secret.expose(), &vault);
    assert_eq!(hash, secret.hash(&vault));
    for changed in neighbours(secret.expose()) {
        assert_ne!(ApiKeySecret::hash_text(&String::from_utf8_lossy(&changed), &vault), hash);
    }
}

#[test]
fn a_cursor_with_one_changed_bit_is_refused() {
    let lists: [&[Value]; 3] = [
        &[Value::Integer(1_700_000_000_000_000), Value::Bytes(vec![7; 12])],
        &[Value::Text("Müller".to_owned()), Value::Null, Value::Bytes(vec![0; 12])],
        &[Value::Integer(i64::MIN)],
    ];
    for values in lists {
        let text = cursor::write(values, "fingerprint");
        assert_eq!(cursor::read(&text, "fingerprint").as_deref(), Ok(values));
        assert!(cursor::read(&text, "fingerprinu").is_err());
        for changed in neighbours(&text) {
            let changed = String::from_utf8_lossy(&changed);
            assert!(cursor::read(&changed, "fingerprint").is_err(), "{text} changed to {changed}");
        }
    }
    Target::new("cursor", 5_000).check(|input| {
        let text = String::from_utf8_lossy(input);
        match cursor::read(&text, "fingerprint") {
            Ok(values) if cursor::write(&values, "fingerprint") != text => {
                Err(format!("{values:?} is written otherwise"))
            }
            _ => Ok(()),
        }
    });
}
