//! The members of a view, from its schema: `fields`, `populate` and the read-only fields that an update accepts follow from
//! them, so that a field is said in its record, its columns and its view.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, Schema};

/// JSON pointers of a view's members, such as `/createdAt`, in the view's order.
pub fn pointers<V: PartialSchema + 'static>() -> &'static [&'static str] {
    static KNOWN: Mutex<BTreeMap<TypeId, &'static [&'static str]>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(TypeId::of::<V>()).or_insert_with(|| {
        let names = match V::schema() {
            RefOr::T(Schema::Object(object)) => object.properties.into_keys().collect::<Vec<String>>(),
            _ => Vec::new(),
        };
        // Leaked once for each view: there are only so many.
        names.into_iter().map(|name| &*format!("/{name}").leak()).collect::<Vec<&'static str>>().leak()
    })
}

/// Names of a view's members, in the view's order.
pub fn names<V: PartialSchema + 'static>() -> impl Iterator<Item = &'static str> {
    pointers::<V>().iter().map(|pointer| pointer.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use paygen_core::accounts::AccountView;
    use paygen_core::card_holders::CardHolderView;
    use paygen_core::cards::CardView;
    use paygen_core::transfers::TransferView;
    use utoipa::PartialSchema;

    use super::names;

    #[test]
    fn a_view_has_the_members_that_it_is_serialized_with() {
        let of_transfer: Vec<&str> = names::<TransferView>().collect();
        assert_eq!(of_transfer[..4], ["_id", "fromAccountId", "toAccountId", "amount"]);
        fn count<V: PartialSchema + 'static>() -> usize {
            names::<V>().count()
        }
        let counts = [count::<AccountView>(), count::<CardHolderView>(), count::<CardView>()];
        assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
    }
}
