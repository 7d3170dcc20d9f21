//! Prevents dumps of this process's memory, which holds card numbers, keys and PINs.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Disables core dumps, and on Linux prevents other programs of this user from reading the memory. Returns what failed.
pub(super) fn forbid() -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|error| format!("core dumps cannot be turned off: {error}"))?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|error| format!("the memory of this process stays readable for its user: {error}"))?;
    Ok(())
}
