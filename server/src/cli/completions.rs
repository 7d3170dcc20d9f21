//! `paygen completions`: a script with which a shell completes commands and options.

use std::io::Write;
use std::process::ExitCode;

use super::{Failure, args};

/// Prints it.
pub(super) fn print(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    // Made before it is written: whoever reads only a part of it must not make this panic.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "paygen", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
