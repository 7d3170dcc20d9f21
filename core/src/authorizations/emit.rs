//! Events of authorizations.

use crate::authorizations::{Authorization, AuthorizationView};
use crate::cards::{Card, owner};
use crate::events::{EventType, emit, emit_with, part};
use crate::refusal::Stop;
use crate::transactions::{DeclineView, TransactionView};
use crate::view::Pictured;
use crate::work::Work;

/// Emits an event of an authorization.
pub(crate) fn emit_authorization(
    work: &mut Work,
    card: &Card,
    kind: EventType,
    authorization: &Authorization,
) -> Result<Pictured<AuthorizationView>, Stop> {
    emit(work, owner(card), kind, AuthorizationView::of(authorization))
}

/// Emits a declined payment, in the published format.
pub(crate) fn emit_declined(
    work: &mut Work,
    card: &Card,
    declined: &Authorization,
    environment: &str,
) -> Result<(), Stop> {
    let decline = DeclineView::of(declined);
    let transaction = Pictured::from(TransactionView::declined(declined, card, &decline, environment));
    let decline = Pictured::from(decline);
    emit_with(work, owner(card), EventType::AuthorizationDeclined, [part(&transaction), part(&decline)])
}
