//! A command of the user's that decides: it gets a question on its standard input, and prints the answer.

use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use paygen_delivery::asking::MAX_REASON;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Commands that run at once; further questions wait for one of them to end.
const MAX_RUNNING: usize = 16;

/// What the shell answers when there is no such command, or when it cannot be run.
const NOT_RUN: [i32; 2] = [126, 127];

/// Why a command did not decide.
#[derive(Debug, PartialEq)]
pub(super) struct Undecided {
    pub(super) text: String,
    /// Whether no question will be decided.
    pub(super) is_fatal: bool,
}

/// Runs a command for each question.
pub(super) struct Commands {
    command: String,
    running: Semaphore,
}

impl Commands {
    pub(super) fn new(command: &str) -> Commands {
        Commands { command: command.to_owned(), running: Semaphore::new(MAX_RUNNING) }
    }

    /// The answer to a question, within a time limit, after which the command and what it started are ended.
    pub(super) async fn decide(&self, question: &str, limit: Duration) -> Result<Value, Undecided> {
        let late = || Undecided { text: "the command took too long".to_owned(), is_fatal: false };
        let until = tokio::time::Instant::now() + limit;
        let Ok(Ok(_place)) = tokio::time::timeout_at(until, self.running.acquire()).await else {
            return Err(Undecided { text: format!("{MAX_RUNNING} commands are running"), is_fatal: false });
        };
        let failed = |error: std::io::Error| Undecided {
            text: format!("--decide {}: the command cannot be run: {error}", self.command),
            is_fatal: true,
        };
        let mut command = Command::new("sh");
        command.args(["-c", &self.command]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).spawn().map_err(failed)?;
        let group = Pid::from_child(&child);
        let input = question.to_owned();
        let ran = tokio::task::spawn_blocking(move || {
            // A command that does not read its input is no error.
            let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
            child.wait_with_output()
        });
        match tokio::time::timeout_at(until, ran).await {
            Ok(Ok(Ok(output))) => self.answer(&output),
            Ok(Ok(Err(error))) => Err(failed(error)),
            Ok(Err(_)) => Err(late()),
            Err(_) => {
                let _ = kill_process_group(group, Signal::KILL);
                Err(late())
            }
        }
    }

    fn answer(&self, output: &Output) -> Result<Value, Undecided> {
        let errors = String::from_utf8_lossy(&output.stderr);
        let first = errors.lines().next().unwrap_or_default().trim().to_owned();
        match output.status.code() {
            Some(0) => {}
            Some(code) if NOT_RUN.contains(&code) => {
                let text = format!("--decide {}: the command cannot be run: {first}", self.command);
                return Err(Undecided { text, is_fatal: true });
            }
            other => {
                let ended = || match (other, output.status.signal()) {
                    (Some(code), _) => format!("the command ended with {code}"),
                    (None, signal) => format!("the command was ended by signal {}", signal.unwrap_or(0)),
                };
                let reason = if first.is_empty() { ended() } else { first };
                let reason: String = reason.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
                return Ok(json!({"decision": "decline", "reason": reason}));
            }
        }
        let text = String::from_utf8_lossy(&output.stdout);
        if text.trim().is_empty() {
            return Ok(json!({"decision": "approve"}));
        }
        let answer: Option<Value> = serde_json::from_str(&text).ok().filter(Value::is_object);
        answer.ok_or_else(|| {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
            Undecided { text: format!("the command printed no JSON object, but: {shown}"), is_fatal: false }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{Commands, Undecided};

    async fn ran(command: &str) -> Result<serde_json::Value, Undecided> {
        Commands::new(command).decide(r#"{"amount":7}"#, Duration::from_secs(20)).await
    }

    #[tokio::test]
    async fn what_a_command_prints_and_how_it_ends_decides() {
        let decline = |reason: &str| json!({"decision": "decline", "reason": reason});
        for (command, answer) in [
            ("true", json!({"decision": "approve"})),
            (
                r#"sed 's/.*/{"decision":"approve","metadata":&}/'"#,
                json!({"decision": "approve", "metadata": {"amount": 7}}),
            ),
            ("exit 3", decline("the command ended with 3")),
            ("echo ignored; echo no >&2; echo more >&2; exit 1", decline("no")),
            ("kill -9 $$", decline("the command was ended by signal 9")),
        ] {
            assert_eq!(ran(command).await, Ok(answer), "{command}");
        }
        for (command, says, is_fatal) in [
            ("echo yes", "printed no JSON object, but: yes", false),
            ("echo '[1]'", "printed no JSON object, but: [1]", false),
            ("no-such-command-1", "cannot be run", true),
        ] {
            let why = ran(command).await.expect_err(command);
            assert!(why.text.contains(says) && why.is_fatal == is_fatal, "{why:?}");
        }
    }

    #[tokio::test]
    async fn a_command_that_takes_too_long_is_ended_with_what_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = folder.path().join("mark");
        let command = format!("(sleep 1; touch {}) & sleep 60", mark.display());
        let started = std::time::Instant::now();
        let why = Commands::new(&command).decide("{}", Duration::from_millis(300)).await.expect_err("it is ended");
        assert_eq!(why.text, "the command took too long");
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(!mark.exists());
    }
}
