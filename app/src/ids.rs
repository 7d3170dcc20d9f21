//! Ids that are generated before their command is built.

use paygen_core::ids::IdGenerator;

/// A generator whose ids no other node and no other generator of this node produces.
pub fn new_id_maker() -> IdGenerator {
    let start: [u8; 4] = paygen_vault::random_bytes();
    IdGenerator::new(paygen_vault::random_bytes(), u32::from_be_bytes(start) & 0xffff)
}
