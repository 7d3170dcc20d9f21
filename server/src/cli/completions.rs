//! `paygen completions`: prints a shell's completion script.

use std::io::Write;
use std::process::ExitCode;

use super::{Failure, args};

pub(super) fn print(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    // Rendered before it is written: a reader that closes the pipe early must not cause a panic.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "paygen", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
