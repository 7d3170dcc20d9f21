//! Card programs: the fees, rates, hold periods, numbers and controls that cards have in common, and the price of a
//! message under them.

mod billing;
mod convert;
mod find;
mod inherit;
mod manage;
mod ranges;
mod record;
mod seed;
mod terms;
mod view;

pub(crate) use billing::{billing, converted, rate, share, stated};
pub use convert::convert;
pub(crate) use find::{find, of_card};
pub use inherit::inherited_limits;
pub(crate) use inherit::{check_loosening, inherited};
pub use manage::{ArchiveProgram, CreateProgram, ProgramChanges, UpdateProgram};
pub use ranges::{ShareRanges, overlapping};
pub use record::{NumberRange, Program, ProgramSettings, ProgramStatus, RangeClaim, RangeRegister};
pub(crate) use seed::seed_program;
pub use seed::{ProgramSeed, SeedProgram};
pub use terms::{Fee, FeeRule, FeeTerms, HoldRule, ProgramTerms, RateRule, Terms};
pub use view::{FeeRuleView, HoldRuleView, NumberRangeView, ProgramView, RateRuleView};
