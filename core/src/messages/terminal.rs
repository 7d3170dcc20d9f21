//! The terminal of a payment, for answers and events.

use serde::Serialize;

use crate::messages::{Channel, Trace};

/// The terminal, as the network describes it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Terminal)]
pub struct TerminalView {
    /// Retrieval reference number.
    pub rrn: String,
    /// System trace audit number.
    pub stan: String,
    /// The terminal's id.
    pub terminal_id: String,
    /// card_present or card_not_present.
    #[schema(example = "card_present")]
    pub terminal_operating_environment: &'static str,
    /// attended or unattended.
    #[schema(example = "attended")]
    pub terminal_attendance: &'static str,
    /// atm, pos, ecommerce or mobile.
    #[schema(example = "pos")]
    pub terminal_type: &'static str,
    /// chip or manual.
    #[schema(example = "chip")]
    pub pan_entry_mode: &'static str,
    /// pin or none.
    #[schema(example = "pin")]
    pub pin_entry_mode: &'static str,
    /// Whether the cardholder is there.
    pub card_holder_presence: bool,
    /// Whether the card is there.
    pub card_presence: bool,
}

impl TerminalView {
    pub(crate) fn of(channel: Channel, trace: &Trace, pin: bool) -> TerminalView {
        let present = matches!(channel, Channel::Atm | Channel::Pos);
        TerminalView {
            rrn: trace.rrn.clone(),
            stan: trace.stan.clone(),
            terminal_id: format!("TERM{}", trace.stan.chars().take(4).collect::<String>()),
            terminal_operating_environment: if present { "card_present" } else { "card_not_present" },
            terminal_attendance: if channel == Channel::Pos { "attended" } else { "unattended" },
            terminal_type: match channel {
                Channel::Atm => "atm",
                Channel::Pos => "pos",
                Channel::Web => "ecommerce",
                Channel::Mobile => "mobile",
            },
            pan_entry_mode: if present { "chip" } else { "manual" },
            pin_entry_mode: if pin { "pin" } else { "none" },
            card_holder_presence: present,
            card_presence: present,
        }
    }
}
