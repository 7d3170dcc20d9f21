//! Exchange rates in bodies.

use paygen_core::money::Decimal;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::body::{Faults, Field};
use crate::problem::FieldProblem;
use paygen_edge::json::Json;

/// Units of one currency for one unit of another; positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(pub Decimal);

impl Field for Rate {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Rate> {
        let rate = Decimal::read(json, at, faults)?;
        if rate.is_negative() || rate.is_zero() {
            faults.push(FieldProblem::new(at, "amount_not_positive", "must be greater than zero"));
            return None;
        }
        Some(Rate(rate))
    }

    fn schema() -> RefOr<Schema> {
        Decimal::schema()
    }
}
