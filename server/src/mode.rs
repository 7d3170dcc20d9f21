//! What is run: the sandbox or a chore, or production.

/// Sandbox or production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `paygen dev` and every chore.
    Dev,
    /// `paygen serve`.
    Serve,
}
