//! The scenarios of docs/scenarios, embedded in the binary.

use rust_embed::RustEmbed;

use super::{Scenario, read};

#[derive(RustEmbed)]
#[folder = "../docs/scenarios"]
struct Files;

/// The names of all built-in scenarios, in order.
pub fn names() -> Vec<String> {
    let names = Files::iter().filter_map(|path| path.strip_suffix(".yaml").map(str::to_owned));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The built-in scenario with this name.
pub fn scenario(name: &str) -> Option<Result<Scenario, String>> {
    let file = Files::get(&format!("{name}.yaml"))?;
    Some(read(&String::from_utf8_lossy(&file.data)).map_err(|error| error.to_string()))
}
