//! A browser to test pages with: headless Chromium, driven by the DevTools protocol over two named pipes.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const TIMEOUT: Duration = Duration::from_secs(60);

/// A running browser with one page open. Messages in both directions are JSON, terminated by a zero byte.
pub struct Browser {
    child: Child,
    to: File,
    from: Receiver<Value>,
    session: Option<String>,
    last: u64,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub fn start() -> Browser {
        let program = std::env::var("PAYGEN_TEST_BROWSER")
            .expect("PAYGEN_TEST_BROWSER is not set: run the tests with `cargo xtask test`, or name a Chromium in it");
        let profile = tempfile::tempdir().expect("a temporary directory");
        let (to, from) = (profile.path().join("to"), profile.path().join("from"));
        assert!(Command::new("mkfifo").args([&to, &from]).status().expect("mkfifo").success());
        // Chromium reads from descriptor 3 and writes to descriptor 4.
        let script = r#"program=$1 to=$2 from=$3; shift 3; exec 3<"$to" 4>"$from"; exec "$program" "$@""#;
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", &program]).arg(&to).arg(&from);
        command.args([
            "--headless",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-extensions",
            "--disable-background-networking",
            "--hide-scrollbars",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().join("profile").display())).arg("about:blank");
        let log = File::create(profile.path().join("log")).expect("a log file");
        let child = command.env("HOME", profile.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let child = child.expect("the browser starts");
        let to = OpenOptions::new().write(true).open(to).expect("the pipe to the browser");
        let mut lines = BufReader::new(File::open(from).expect("the pipe from the browser"));
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while lines.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                let value = serde_json::from_slice(message.strip_suffix(&[0]).unwrap_or(&message));
                if sender.send(value.expect("the browser speaks JSON")).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let mut browser = Browser { child, to, from: receiver, session: None, last: 0, _profile: profile };
        browser.new_page();
        browser
    }

    /// Calls a method of the protocol.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).expect("the browser listens");
        loop {
            let answer = self.from.recv_timeout(TIMEOUT);
            let answer = answer.unwrap_or_else(|_| panic!("the browser does not answer {method}; is it Chromium?"));
            if answer["id"] == self.last {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Continues with a fresh page.
    pub fn new_page(&mut self) {
        self.session = None;
        let target = self.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.call("Target.attachToTarget", attach);
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        self.call("Page.enable", json!({}));
    }

    pub fn open(&mut self, url: &str) {
        self.call("Page.navigate", json!({"url": url}));
    }

    /// The value of an expression in the page.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let params =
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true});
        let result = self.call("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true in the page.
    #[track_caller]
    pub fn wait_for(&mut self, expression: &str) {
        let deadline = Instant::now() + TIMEOUT;
        // The page may still be loading, so that expressions fail.
        let asked = format!("(() => {{ try {{ return {expression}; }} catch {{ return false; }} }})()");
        while self.evaluate(&asked) != true {
            if Instant::now() > deadline {
                let page = self.evaluate("document.documentElement.innerText");
                panic!("{expression} does not come true; the page says {page}");
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Sets the width of the page and its theme.
    pub fn look(&mut self, width: u32, height: u32, dark: bool) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 2, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", media);
    }

    /// A screenshot of the page; also written to the directory of `PAYGEN_TEST_SCREENSHOTS`.
    pub fn screenshot(&mut self, name: &str) -> Vec<u8> {
        let picture = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let picture = STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64");
        if let Some(directory) = std::env::var_os("PAYGEN_TEST_SCREENSHOTS") {
            std::fs::write(std::path::Path::new(&directory).join(format!("{name}.png")), &picture).expect("a file");
        }
        picture
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        let close = json!({"id": self.last + 1, "method": "Browser.close"});
        let _ = self.to.write_all(format!("{close}\0").as_bytes());
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline && self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
