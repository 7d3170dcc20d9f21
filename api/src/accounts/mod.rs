//! `/accounts`: accounts, their balances, and the entries that explain them.

mod balance;
mod bodies;
mod create;
mod details;
mod entries;
mod limits;
mod read;
mod update;

pub use balance::*;
pub use create::*;
pub use details::*;
pub use entries::*;
pub use limits::*;
pub use read::*;
pub use update::*;
