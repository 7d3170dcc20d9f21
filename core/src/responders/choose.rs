//! Whom to ask about a payment.

use super::{Payment, Responder, ResponderStatus};

/// The responder to be asked about a payment. The most specific scope decides which responder is responsible (card,
/// account, program, all; of several the oldest), and that one's `ask` whether it is asked. `responders` are in the order of
/// their ids.
pub fn responder_for<'a>(responders: &'a [Responder], payment: &Payment<'_>) -> Option<&'a Responder> {
    let mut responsible: Option<(u8, &Responder)> = None;
    for responder in responders {
        let works = matches!(responder.status(), ResponderStatus::Active | ResponderStatus::Paused);
        let Some(specific) =
            responder.settings.scope.covers(payment.card, payment.account, payment.program).filter(|_| works)
        else {
            continue;
        };
        if responsible.is_none_or(|(before, _)| specific > before) {
            responsible = Some((specific, responder));
        }
    }
    responsible.map(|(_, responder)| responder).filter(|responder| responder.settings.ask.covers(payment))
}
