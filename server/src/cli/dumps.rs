//! No picture of this process's memory is left anywhere: card numbers, keys and PINs pass through it.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Has the operating system write no core dump of this process, and on Linux lets no other program of this user read its
/// memory. Returns what could not be done.
pub(super) fn forbid() -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|error| format!("core dumps cannot be turned off: {error}"))?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|error| format!("the memory of this process stays readable for its user: {error}"))?;
    Ok(())
}
