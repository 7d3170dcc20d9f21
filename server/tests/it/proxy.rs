//! A proxy in front of PostgreSQL: it disconnects, refuses connections, or stops responding, as each test requires.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// COMMIT as a client sends it: a simple query (PostgreSQL's protocol, "Message Formats").
const COMMIT: &[u8] = b"Q\x00\x00\x00\x0bCOMMIT\x00";

/// What the proxy does with connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Forwards everything.
    Open,
    /// Closes every connection, and each new one at once.
    Gone,
    /// Forwards nothing and stays silent.
    Silent,
}

/// The outcome of a COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It is forwarded, and so is its response.
    Passed,
    /// The connection is closed instead of forwarding it.
    CutBefore,
    /// It is forwarded, and the connection is closed instead of returning its response.
    CutAfter,
}

type Plan = Box<dyn Fn(usize) -> Commit + Send>;

struct State {
    mode: watch::Sender<Mode>,
    commits: AtomicUsize,
    plan: Mutex<Plan>,
}

/// A running proxy.
pub struct Proxy {
    /// The database through it.
    pub url: String,
    state: Arc<State>,
}

impl Proxy {
    /// A proxy in front of the database of this URL.
    pub async fn before(url: &str) -> Proxy {
        let (head, database) = url.rsplit_once('/').expect("the URL names a database");
        let (user, target) = head.rsplit_once('@').expect("the URL names a user");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("{user}@{}/{database}", listener.local_addr().expect("an address"));
        let plan: Plan = Box::new(|_| Commit::Passed);
        let mode = watch::Sender::new(Mode::Open);
        let state = Arc::new(State { mode, commits: AtomicUsize::new(0), plan: Mutex::new(plan) });
        let (shared, target) = (state.clone(), target.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, target.clone(), shared.clone()));
            }
        });
        Proxy { url, state }
    }

    pub fn set(&self, mode: Mode) {
        self.state.mode.send_replace(mode);
    }

    /// Sets the outcome of each COMMIT, counted from 1.
    pub fn plan(&self, plan: impl Fn(usize) -> Commit + Send + 'static) {
        *self.state.plan.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(plan);
    }
}

impl State {
    fn next_commit(&self) -> Commit {
        let number = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        (self.plan.lock().unwrap_or_else(PoisonError::into_inner))(number)
    }
}

/// Both ends are closed when it returns.
async fn serve(mut client: TcpStream, target: String, state: Arc<State>) {
    let mut mode = state.mode.subscribe();
    if *mode.borrow_and_update() == Mode::Gone {
        return;
    }
    let Ok(mut server) = TcpStream::connect(&target).await else { return };
    let (mut asked, mut received) = ([0; 16_384], [0; 16_384]);
    let mut cut_answer = false;
    loop {
        let silent = *mode.borrow() == Mode::Silent;
        tokio::select! {
            biased;
            changed = mode.changed() => {
                if changed.is_err() || *mode.borrow() == Mode::Gone {
                    return;
                }
            }
            read = client.read(&mut asked), if !silent => {
                let Some(chunk) = read.ok().filter(|read| *read > 0).map(|read| &asked[..read]) else { return };
                if chunk.windows(COMMIT.len()).any(|window| window == COMMIT) {
                    match state.next_commit() {
                        Commit::Passed => {}
                        Commit::CutBefore => return,
                        Commit::CutAfter => cut_answer = true,
                    }
                }
                if server.write_all(chunk).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut received), if !silent => {
                let Some(chunk) = read.ok().filter(|read| *read > 0).map(|read| &received[..read]) else { return };
                if cut_answer || client.write_all(chunk).await.is_err() {
                    return;
                }
            }
        }
    }
}
