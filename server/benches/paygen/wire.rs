//! HTTP/1.1 over persistent sockets, with as little work as possible on the caller's side, because it shares the
//! machine with what it measures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::report::Measured;

/// The bytes of a request, given the number of the connection and how often it has called.
pub type Write = Arc<dyn Fn(usize, usize) -> Vec<u8> + Send + Sync>;

/// Requests on this many connections for this many seconds, each waiting for its answer before the next.
///
/// # Panics
/// When an answer does not have `status`, or its body does not contain `has`.
pub async fn call(
    address: &str,
    connections: usize,
    seconds: u64,
    write: &Write,
    status: &'static str,
    has: &'static str,
) -> Measured {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        streams.push(stream);
    }
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    // They end when the future is dropped.
    let mut callers = JoinSet::new();
    for (connection, mut stream) in streams.into_iter().enumerate() {
        let write = write.clone();
        callers.spawn(async move {
            let (mut number, mut micros, mut answer) = (0, Vec::new(), Vec::with_capacity(8192));
            while Instant::now() < until {
                let request = write(connection, number);
                let asked = Instant::now();
                stream.write_all(&request).await.expect("the request is sent");
                read(&mut stream, &mut answer).await;
                micros.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
                let text = String::from_utf8_lossy(&answer);
                assert!(text.starts_with(status) && text.contains(has), "another answer was expected: {text}");
                number += 1;
            }
            micros
        });
    }
    let micros = callers.join_all().await.concat();
    Measured::of(micros, started.elapsed())
}

/// Reads one answer, whose head has its length.
async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) {
    answer.clear();
    let mut whole = None;
    while whole.is_none_or(|whole| answer.len() < whole) {
        let count = stream.read_buf(answer).await.expect("the answer is read");
        assert!(count > 0, "the server closed the connection");
        if whole.is_none() {
            whole = answer.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4 + length(&answer[..at]));
        }
    }
}

fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let line = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    line.and_then(|length| length.trim().parse().ok()).expect("the answer tells its length")
}
