//! A command of the user's that decides: it gets a question on its standard input, and prints the answer.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use paygen_delivery::asking::MAX_REASON;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, oneshot};

/// Commands that run at once; further questions wait for one of them to end.
const MAX_RUNNING: usize = 16;

/// What the shell answers when there is no such command, or when it cannot be run.
const NOT_RUN: [i32; 2] = [126, 127];

/// The most that is read of what a command prints; one that prints more finds its output closed.
const MAX_OUTPUT: u64 = 64 * 1024;

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
        let child = command.process_group(0).spawn().map_err(failed)?;
        let group = Group(Pid::from_child(&child));
        let (done, ran) = oneshot::channel();
        let input = question.to_owned();
        // A thread of its own: nothing waits for it when this program ends.
        std::thread::spawn(move || done.send(output(child, &input)));
        match tokio::time::timeout_at(until, ran).await {
            Ok(Ok(Ok(output))) => {
                std::mem::forget(group);
                self.answer(&output)
            }
            Ok(Ok(Err(error))) => Err(failed(error)),
            Ok(Err(_)) | Err(_) => Err(late()),
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

/// A command and what it started. Dropping it ends them: at the time limit, and when the listener ends.
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

/// What a command prints, once it has ended.
fn output(mut child: Child, input: &str) -> std::io::Result<Output> {
    fn all(pipe: Option<impl Read>) -> Vec<u8> {
        let mut read = Vec::new();
        let _ = pipe.map(|pipe| pipe.take(MAX_OUTPUT).read_to_end(&mut read));
        read
    }
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let errors = std::thread::spawn(move || all(stderr));
    // A command that does not read its input is no error.
    let _ = stdin.map(|mut stdin| stdin.write_all(input.as_bytes()));
    let stdout = all(stdout);
    let status = child.wait()?;
    Ok(Output { status, stdout, stderr: errors.join().unwrap_or_default() })
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
            ("yes >&2", decline("y")),
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
    async fn nothing_goes_on_when_nobody_waits_for_the_decision() {
        let folder = tempfile::tempdir().expect("a folder");
        let (begun, mark) = (folder.path().join("begun"), folder.path().join("mark"));
        let commands = Commands::new(&format!("touch {}; sleep 1; touch {}", begun.display(), mark.display()));
        let deciding = commands.decide("{}", Duration::from_secs(60));
        let dropped = async {
            while !begun.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            decided = deciding => panic!("{decided:?}"),
            () = dropped => {}
        }
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(!mark.exists());
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
