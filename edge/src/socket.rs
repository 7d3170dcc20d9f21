//! The socket of a connection, as hyper reads and writes it.
//!
//! A response that its client does not read is timed out. Reads are small, so that hyper's buffer stays small. A large
//! head is charged to the request budget. A client whose request is refused before it was read completely can still
//! read the response: the rest of the request is read and dropped, up to a bound (RFC 9112, section 9.6).

use std::cell::RefCell;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::budget::{Budget, FREE_BYTES, Hold, Payer};
use super::framing::{Fault, Framing};

/// Bytes of one read: one less than what makes hyper allocate a larger buffer.
const READ_BYTES: usize = (8 << 10) - 1;

/// Upper bound on the bytes of a refused request that are read and dropped: more than the largest document upload.
const MAX_DROPPED_BYTES: usize = 64 << 20;

/// Timeout for the next of these bytes.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

thread_local! {
    /// Where each thread reads to.
    static SCRATCH: RefCell<[u8; READ_BYTES]> = const { RefCell::new([0; READ_BYTES]) };
}

/// The state shared by the socket and the service of a connection.
#[derive(Clone)]
pub struct Incoming(Arc<Mutex<State>>);

struct State {
    framing: Framing,
    budget: Budget,
    payer: Payer,
    head: Option<Hold>,
}

impl Incoming {
    /// The state of a connection from this address.
    pub fn new(budget: &Budget, payer: Payer) -> Incoming {
        let (framing, budget) = (Framing::default(), budget.clone());
        Incoming(Arc::new(Mutex::new(State { framing, budget, payer, head: None })))
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why the request of this number, from 1, must be refused.
    pub fn fault(&self, request: u64) -> Option<Fault> {
        self.with(|state| state.framing.fault(request))
    }

    /// Releases what the request's head holds of the budget.
    pub fn answered(&self) {
        self.with(|state| state.head = None);
    }

    /// Whether no request is in progress.
    fn is_between(&self) -> bool {
        self.with(|state| state.framing.is_between())
    }

    /// Tracks received bytes; an error when the budget has no room for a large head.
    fn arrived(&self, bytes: &[u8]) -> Result<()> {
        self.with(|state| {
            state.framing.follow(bytes);
            let head = state.framing.open_head();
            if head <= FREE_BYTES {
                return Ok(());
            }
            let fits = match &mut state.head {
                Some(hold) => hold.grow_to(head),
                None => {
                    state.head = state.budget.take(state.payer, head);
                    state.head.is_some()
                }
            };
            if fits { Ok(()) } else { Err(Error::new(ErrorKind::QuotaExceeded, "no room for a large head")) }
        })
    }
}

/// A stream that fails when its peer takes nothing of pending output for as long as `timeout`.
pub struct Socket<S> {
    stream: S,
    timeout: Duration,
    incoming: Incoming,
    waiting: Option<Pin<Box<Sleep>>>,
    ending: Option<Ending>,
}

/// The shutdown of a connection with a request in progress.
struct Ending {
    shut: bool,
    dropped: usize,
    latest: Instant,
    pause: Pin<Box<Sleep>>,
}

impl<S> Socket<S> {
    /// Wraps a stream.
    pub fn new(stream: S, timeout: Duration, incoming: Incoming) -> Socket<S> {
        Socket { stream, timeout, incoming, waiting: None, ending: None }
    }

    /// Handles the result of a write; the timeout runs from the first pending one.
    fn check_timeout<T>(&mut self, outcome: Poll<Result<T>>, context: &mut Context<'_>) -> Poll<Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let timeout = self.timeout;
        ready!(self.waiting.get_or_insert_with(|| Box::pin(sleep(timeout))).as_mut().poll(context));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the reader takes nothing")))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Shuts down writing, then reads until the request in progress ends, the peer closes, or the timeout passes.
    fn end(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        let timeout = self.timeout;
        let ending = self.ending.get_or_insert_with(|| Ending {
            shut: false,
            dropped: 0,
            latest: Instant::now() + timeout,
            pause: Box::pin(sleep(DROP_TIMEOUT.min(timeout))),
        });
        if !ending.shut {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            ending.shut = true;
        }
        let mut scratch = [0; READ_BYTES];
        while !self.incoming.is_between() && ending.dropped < MAX_DROPPED_BYTES && Instant::now() < ending.latest {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    ending.dropped += buffer.filled().len();
                    ending.pause.as_mut().reset(Instant::now() + DROP_TIMEOUT.min(timeout));
                    self.incoming.with(|state| state.framing.follow(buffer.filled()));
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(ending.pause.as_mut().poll(context));
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        // Hyper's buffer is not initialized. Clearing it for each read would cost more than copying what arrives.
        SCRATCH.with_borrow_mut(|scratch| {
            let size = buffer.remaining().min(READ_BYTES);
            let mut piece = ReadBuf::new(&mut scratch[..size]);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece))?;
            self.incoming.arrived(piece.filled())?;
            buffer.put_slice(piece.filled());
            Poll::Ready(Ok(()))
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.check_timeout(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.check_timeout(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.check_timeout(outcome, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.end(context)
    }
}
