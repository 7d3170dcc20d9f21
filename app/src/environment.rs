//! Sandbox or production.

/// Whether this is the sandbox or production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Simulator on, test clock on, sandbox keys.
    Sandbox,
    /// None of these.
    Production,
}
