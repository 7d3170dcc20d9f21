//! Sandbox or production.

/// The environment of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// With the simulator, the test clock and sandbox keys.
    Sandbox,
    /// Without them.
    Production,
}
