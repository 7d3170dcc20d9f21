//! What tests of failing disks need: tools, which are installed where they are missing, and rights, which a container may not
//! give.

use std::process::{Command, Stdio};

use crate::workspace::Failure;

/// The variable that names what is left out; a test that needs anything else and does not find it fails.
pub const WITHOUT: &str = "PAYGEN_TEST_WITHOUT";

/// Installs the tools. Names the rights that this machine does not give, and says so.
pub fn without() -> Result<String, Failure> {
    let works = |program: &str, arguments: &[&str]| {
        let mut tool = Command::new(program);
        tool.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        tool.status().is_ok_and(|status| status.success())
    };
    let tools = [("strace", "strace"), ("prlimit", "util-linux"), ("mount", "mount")];
    let missing: Vec<&str> =
        tools.iter().filter(|(program, _)| !works(program, &["--version"])).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        crate::packages::install(&missing, "tests of failing disks need them")?;
    }
    let directory = tempfile::tempdir()?;
    let at = directory.path().display().to_string();
    let can_mount = works("mount", &["-t", "tmpfs", "-o", "size=64k", "tmpfs", &at]);
    if can_mount {
        works("umount", &["-l", &at]);
    }
    let can_trace = works("strace", &["-o", "/dev/null", "true"]);
    let can_limit = works("prlimit", &["--fsize=1024:unlimited", "true"]);
    let rights = [("mount", can_mount), ("strace", can_trace), ("prlimit", can_limit)];
    let lacking: Vec<&str> = rights.iter().filter(|(_, given)| !given).map(|(tool, _)| *tool).collect();
    for tool in &lacking {
        eprintln!("xtask: this machine does not allow {tool}: tests that need it are NOT RUN");
    }
    Ok(lacking.join(","))
}
