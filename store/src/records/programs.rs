//! Columns of card programs, and of the register of number ranges.

use paygen_core::programs::{Program, ProgramStatus, RangeRegister};

use super::{Keyed, json, stored};

stored!(Program, "programs", key 2, {
    "client" Bytes = |p| p.client.0,
    "id" Bytes = |p| p.id.0,
    "name" Text = |p| &p.name,
    "status" Text = |p| p.status.as_str(),
    "brand" Text = |p| p.settings.brand.map(|brand| brand.as_str()),
    "currency" Text = |p| p.settings.currency.map(|currency| currency.code().to_owned()),
    "funding_mode" Text = |p| p.settings.funding_mode.map(|mode| mode.as_str()),
    "settings" Text = |p| json(&p.settings),
    "event_seq" Integer = |p| p.event_seq,
    "version" Integer = |p| p.version,
    "created_at" Integer = |p| p.created_at,
    "updated_at" Integer = |p| p.updated_at,
}, |row| Program {
    client: row.id()?,
    id: row.id()?,
    name: row.text()?,
    status: row.word(ProgramStatus::parse)?,
    settings: { row.skip()?; row.skip()?; row.skip()?; row.json()? },
    event_seq: row.integer()?,
    version: row.integer()?,
    created_at: row.time()?,
    updated_at: row.time()?,
});
impl Keyed for Program {}

stored!(RangeRegister, "number_ranges", key 1, {
    "bin" Bytes = |r| r.bin.as_bytes(),
    "claims" Text = |r| json(&r.claims),
}, |row| RangeRegister {
    bin: row.parsed(|bytes| String::from_utf8(bytes.to_vec()).ok())?,
    claims: row.json()?,
});
impl Keyed for RangeRegister {}
