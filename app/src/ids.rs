//! Ids that are made before their command.

use paygen_core::ids::IdGenerator;

/// A maker of ids that no other node, and no other maker of this node, will make.
pub fn new_id_maker() -> IdGenerator {
    let start: [u8; 4] = paygen_vault::random_bytes();
    IdGenerator::new(paygen_vault::random_bytes(), u32::from_be_bytes(start) & 0xffff)
}
