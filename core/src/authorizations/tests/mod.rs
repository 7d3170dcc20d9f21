//! Authorizations: a row a case for every rule.

mod asked;
mod decide;
mod life;
mod limits;
mod messages;
mod stage;
