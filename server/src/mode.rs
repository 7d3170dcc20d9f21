//! The mode of the process: sandbox and chores, or production.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `paygen dev` and every chore.
    Dev,
    /// `paygen serve`.
    Serve,
}
