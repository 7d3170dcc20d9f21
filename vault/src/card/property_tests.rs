//! Card secrets open for their own card under their own key, and for nothing else.

use proptest::prelude::*;

use super::{CardRange, Code, Expiry, Pan, Pin, ServiceCode, ZonePinKey};
use crate::{DataKey, FileKeyProvider, HolderKey, Purpose, Vault, WrappedKey};

const CLIENT: &[u8] = b"client-one--";
const CARD: &[u8] = b"card-one----";
const OTHER: &[u8] = b"another-one-";

struct Keys {
    provider: FileKeyProvider,
    wrapped: Vec<WrappedKey>,
}

impl Keys {
    fn new() -> Keys {
        let directory = tempfile::tempdir().expect("a directory");
        let provider = FileKeyProvider::open_or_create(&directory.path().join("key")).expect("a key file");
        let wrapped = Purpose::ALL.iter().map(|purpose| DataKey::generate(&provider, *purpose).expect("a data key"));
        Keys { wrapped: wrapped.collect(), provider }
    }

    fn vault(&self) -> Vault {
        Vault::open(&self.provider, &self.wrapped).expect("the vault opens")
    }

    /// The state after a rotation: a newer key beside each rotated one.
    fn rotated(&self) -> Vault {
        let mut wrapped = self.wrapped.clone();
        wrapped
            .extend(Purpose::ROTATED.iter().map(|purpose| DataKey::generate(&self.provider, *purpose).expect("a key")));
        Vault::open(&self.provider, &wrapped).expect("the vault opens")
    }
}

/// A number of any allowed length with a correct check digit.
fn pan() -> impl Strategy<Value = Pan> {
    (13usize..=19, "[1-9][0-9]{5,8}")
        .prop_map(|(length, prefix)| CardRange::new(&prefix, length).expect("a range").draw())
}

fn pin() -> impl Strategy<Value = String> {
    "[0-9]{4}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn numbers_open_for_their_card_only(
        number in pan(), other in pan(), flip in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(),
    ) {
        let keys = Keys::new();
        let vault = keys.vault();
        let sealed = vault.seal_pan(CLIENT, CARD, &number);
        prop_assert!(vault.open_pan(CLIENT, CARD, &sealed).is_ok_and(|opened| opened == number));
        prop_assert_ne!(&sealed, &vault.seal_pan(CLIENT, CARD, &number), "no two look alike");
        prop_assert!(!sealed.windows(6).any(|window| window == &number.expose().as_bytes()[..6]), "in clear");

        prop_assert!(vault.open_pan(OTHER, CARD, &sealed).is_err(), "another client");
        prop_assert!(vault.open_pan(CLIENT, OTHER, &sealed).is_err(), "another card");
        prop_assert!(vault.open_pan(CARD, CLIENT, &sealed).is_err(), "the other way round");
        prop_assert!(Keys::new().vault().open_pan(CLIENT, CARD, &sealed).is_err(), "another vault");
        let swapped = vault.seal_pan(CLIENT, OTHER, &other);
        prop_assert!(vault.open_pan(CLIENT, CARD, &swapped).is_err(), "another card's number");
        let as_pin = vault.seal(Purpose::Pins, &[CLIENT, CARD], number.expose().as_bytes());
        prop_assert!(vault.open_pan(CLIENT, CARD, &as_pin).is_err(), "sealed for another purpose");
        let no_number = vault.seal(Purpose::CardNumbers, &[CLIENT, CARD], b"4005550000000018");
        prop_assert!(vault.open_pan(CLIENT, CARD, &no_number).is_err(), "not a card number");
        let mut altered = sealed.clone();
        altered[flip.index(sealed.len())] ^= 1;
        prop_assert!(vault.open_pan(CLIENT, CARD, &altered).is_err(), "altered");
        prop_assert!(vault.open_pan(CLIENT, CARD, &sealed[..cut.index(sealed.len())]).is_err(), "cut off");
        let longer = [sealed.as_slice(), &[0]].concat();
        prop_assert!(vault.open_pan(CLIENT, CARD, &longer).is_err(), "longer");

        let rotated = keys.rotated();
        prop_assert!(rotated.open_pan(CLIENT, CARD, &sealed).is_ok_and(|opened| opened == number), "the old key opens");
        let again = rotated.reseal(Purpose::CardNumbers, &[CLIENT, CARD], &sealed).expect("it is sealed again");
        prop_assert!(rotated.open_pan(CLIENT, CARD, &again).is_ok_and(|opened| opened == number));
        prop_assert!(vault.open_pan(CLIENT, CARD, &again).is_err(), "under a key that is not known yet");
        prop_assert!(rotated.reseal(Purpose::CardNumbers, &[CLIENT, OTHER], &sealed).is_err());
    }

    #[test]
    fn pins_match_on_their_card_only(
        number in pan(), other in pan(), right in pin(), flip in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let keys = Keys::new();
        let vault = keys.vault();
        let read = |text: &str| Pin::parse(text).expect("a PIN");
        let sealed = vault.seal_pin(CLIENT, CARD, &number, &read(&right)).expect("it is sealed");
        let matches = |client, card, sealed: &[u8]| vault.pin_matches(client, card, &number, sealed, &read(&right)).ok();
        prop_assert_eq!(matches(CLIENT, CARD, &sealed), Some(true));
        prop_assert_eq!(matches(OTHER, CARD, &sealed), None, "another client");
        prop_assert_eq!(matches(CLIENT, OTHER, &sealed), None, "another card");
        let mut altered = sealed.clone();
        altered[flip.index(sealed.len())] ^= 1;
        prop_assert_eq!(matches(CLIENT, CARD, &altered), None, "altered");
        prop_assert_eq!(matches(CLIENT, CARD, &sealed[..cut.index(sealed.len())]), None, "cut off");
        let foreign = Keys::new().vault();
        prop_assert!(foreign.pin_matches(CLIENT, CARD, &number, &sealed, &read(&right)).is_err(), "another vault");
        // A PVV has four digits, so another PIN or number may match by chance, but never all of them.
        let wrong = (0..50).map(|step| format!("{:04}", (right.parse::<u16>().expect("digits") + 1 + step) % 10_000));
        let matched = wrong.filter(|wrong| {
            vault.pin_matches(CLIENT, CARD, &number, &sealed, &read(wrong)).expect("it opens")
        });
        prop_assert!(matched.count() < 3, "other PINs do not match");
        let elsewhere = vault.seal_pin(CLIENT, CARD, &other, &read(&right)).expect("it is sealed");
        prop_assert_eq!(vault.pin_matches(CLIENT, CARD, &other, &elsewhere, &read(&right)).ok(), Some(true));

        let moved = vault.move_pin(CLIENT, CARD, OTHER, &sealed).expect("it moves");
        prop_assert_eq!(matches(CLIENT, OTHER, &moved), Some(true), "the replacement has the same PIN");
        prop_assert_eq!(matches(CLIENT, CARD, &moved), None);
        prop_assert!(vault.move_pin(CLIENT, OTHER, CARD, &sealed).is_err(), "not from another card");
        let rotated = keys.rotated();
        let again = rotated.reseal(Purpose::Pins, &[CLIENT, CARD], &sealed).expect("it is sealed again");
        let still = rotated.pin_matches(CLIENT, CARD, &number, &again, &read(&right)).ok();
        prop_assert_eq!(still, Some(true));
    }

    #[test]
    fn fingerprints_are_equal_when_numbers_are(one in pan(), other in pan()) {
        let keys = Keys::new();
        let vault = keys.vault();
        let spaced: String = one.expose().chars().flat_map(|digit| [digit, ' ']).collect();
        let again = Pan::parse(&spaced).expect("a number");
        prop_assert_eq!(vault.fingerprint(&one), vault.fingerprint(&again));
        prop_assert_eq!(vault.fingerprint(&one) == vault.fingerprint(&other), one == other);
        prop_assert_eq!(vault.fingerprint(&one), keys.rotated().fingerprint(&one), "found for ever");
        prop_assert_ne!(vault.fingerprint(&one), Keys::new().vault().fingerprint(&one), "keyed");
    }

    #[test]
    fn nothing_prints_a_digit(number in pan(), right in pin(), key in "[0-9A-F]{16}") {
        let vault = Keys::new().vault();
        let expiry = Expiry { year: 2029, month: 12 };
        let code: Code = vault.card_code(&number, expiry, ServiceCode::Printed).expect("a code");
        let pin = Pin::parse(&right).expect("a PIN");
        let zone = ZonePinKey::parse(&format!("{key}0123456789ABCDEF"));
        let (holder, _): (HolderKey, Vec<u8>) = vault.new_holder_key(CLIENT, CARD);
        let printed = format!("{number:?} {number:#?} {code:?} {pin:?} {zone:?} {holder:?}");
        prop_assert!(!printed.contains(|c: char| c.is_ascii_digit()), "{}", printed);
        let refused = vault.open_pan(CLIENT, CARD, number.expose().as_bytes()).err().map(|error| format!("{error} {error:?}"));
        prop_assert!(refused.is_some_and(|text| !text.contains(&number.expose()[..6])));
        let mut wrong = number.expose().to_owned();
        wrong.push('x');
        let refused = Pan::parse(&wrong).err().map(|error| format!("{error} {error:?}")).unwrap_or_default();
        prop_assert!(!refused.contains(&number.expose()[..6]));
    }
}
