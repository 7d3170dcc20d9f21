//! The socket of a connection, as hyper reads and writes it.
//!
//! An answer waits for its reader only so long. Reads are small, so that hyper's buffer stays small. A head that grows large
//! is held in the budget for requests. And who is refused before all of a request was read still gets to read the answer:
//! the rest is read and dropped, up to a bound (as RFC 9112 asks for in section 9.6).

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::budget::{Budget, FREE, Hold, Payer};
use super::framing::{Fault, Framing};

/// How much is read at a time: one byte less than what makes hyper take a larger buffer.
const READ: usize = (8 << 10) - 1;

/// How much of a refused request is read and dropped: more than the largest form of documents.
const MOST_DROPPED: usize = 64 << 20;

/// How long nothing of it may come meanwhile.
const PAUSE: Duration = Duration::from_secs(5);

/// What the socket sees and the service asks for.
#[derive(Clone)]
pub struct Incoming(Arc<Mutex<State>>);

struct State {
    framing: Framing,
    budget: Budget,
    payer: Payer,
    head: Option<Hold>,
}

impl Incoming {
    /// Of a connection from this address.
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

    /// What the request's head holds of the budget is given back.
    pub fn answered(&self) {
        self.with(|state| state.head = None);
    }

    /// Whether no request is on its way.
    fn is_between(&self) -> bool {
        self.with(|state| state.framing.is_between())
    }

    /// Takes in what arrived; an error when a large head finds no room.
    fn arrived(&self, bytes: &[u8]) -> Result<()> {
        self.with(|state| {
            state.framing.follow(bytes);
            let head = state.framing.open_head();
            if head <= FREE {
                return Ok(());
            }
            let fits = match &mut state.head {
                Some(hold) => hold.reach(head),
                None => {
                    state.head = state.budget.take(state.payer, head);
                    state.head.is_some()
                }
            };
            if fits { Ok(()) } else { Err(Error::new(ErrorKind::QuotaExceeded, "no room for a large head")) }
        })
    }
}

/// A connection that breaks off when nothing of what is to be written is taken for as long as `patience`.
pub struct Socket<S> {
    stream: S,
    patience: Duration,
    incoming: Incoming,
    waiting: Option<Pin<Box<Sleep>>>,
    ending: Option<Ending>,
}

/// The end of a connection with a request on its way.
struct Ending {
    shut: bool,
    dropped: usize,
    latest: Instant,
    pause: Pin<Box<Sleep>>,
}

impl<S> Socket<S> {
    /// Around this stream.
    pub fn new(stream: S, patience: Duration, incoming: Incoming) -> Socket<S> {
        Socket { stream, patience, incoming, waiting: None, ending: None }
    }

    /// What came of a try to write; the time runs from the first one that had to wait.
    fn told<T>(&mut self, outcome: Poll<Result<T>>, context: &mut Context<'_>) -> Poll<Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let patience = self.patience;
        ready!(self.waiting.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the reader takes nothing")))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Writes no more, and reads on until the request that is on its way ends, the other side closes, or for so long.
    fn end(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        let patience = self.patience;
        let ending = self.ending.get_or_insert_with(|| Ending {
            shut: false,
            dropped: 0,
            latest: Instant::now() + patience,
            pause: Box::pin(sleep(PAUSE.min(patience))),
        });
        if !ending.shut {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            ending.shut = true;
        }
        let mut scratch = [0; READ];
        while !self.incoming.is_between() && ending.dropped < MOST_DROPPED && Instant::now() < ending.latest {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    ending.dropped += buffer.filled().len();
                    ending.pause.as_mut().reset(Instant::now() + PAUSE.min(patience));
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
        let size = buffer.remaining().min(READ);
        let mut piece = ReadBuf::new(buffer.initialize_unfilled_to(size));
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece))?;
        self.incoming.arrived(piece.filled())?;
        let count = piece.filled().len();
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.told(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.told(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.told(outcome, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.end(context)
    }
}
