//! Counts responses while they are in memory, until the socket has taken them, so that a slow reader holds part of a
//! budget. Small responses are not counted. Without room, responses to reads are refused; those to writes are always
//! sent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};

use super::problem::Problem;
use crate::Api;
use paygen_edge::budget::{Budget, FREE_BYTES, Hold, Payer, Uncounted};

/// Bytes charged for a piece of a response of unknown length, before it is made.
pub const PIECE_BYTES: usize = 256 << 10;

/// How long such a response waits for room for its next piece.
const ROOM_TIMEOUT: Duration = Duration::from_secs(30);

/// Counts the response, or replaces it by the error that there is no room.
pub fn counted(app: &Api, payer: Payer, method: &Method, answer: Response) -> Response {
    if answer.extensions().get::<Uncounted>().is_some() {
        return answer;
    }
    let size = answer.body().size_hint().exact().map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    if size.is_some_and(|size| size <= FREE_BYTES) {
        return answer;
    }
    let bytes = size.unwrap_or(PIECE_BYTES);
    let hold = match app.answer_bytes.take(payer, bytes) {
        Some(hold) => hold,
        None if method.is_safe() => return no_room().into_response(),
        None => app.answer_bytes.force_take(payer, bytes),
    };
    let budget = app.answer_bytes.clone();
    answer.map(|body| Body::new(Counted { body, budget, payer, hold: Some(hold), waiting: None }))
}

fn no_room() -> Problem {
    let message = "Too many answers wait for their readers. Read faster, ask for less at a time, or try again shortly.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message).retry_after(1)
}

type Room = Pin<Box<dyn Future<Output = Option<Hold>> + Send>>;

/// A body whose pieces are counted. Each is made only when there is room for it.
struct Counted {
    body: Body,
    budget: Budget,
    payer: Payer,
    hold: Option<Hold>,
    waiting: Option<Room>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.hold.is_none() && !self.body.is_end_stream() {
            let (budget, payer) = (self.budget.clone(), self.payer);
            let waiting = self.waiting.get_or_insert_with(|| {
                Box::pin(async move { tokio::time::timeout(ROOM_TIMEOUT, budget.wait(payer, PIECE_BYTES)).await.ok() })
            });
            let room = ready!(waiting.as_mut().poll(context));
            self.waiting = None;
            if room.is_none() {
                let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "no room for more of the answer");
                return Poll::Ready(Some(Err(axum::Error::new(error))));
            }
            self.hold = room;
        }
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            other => {
                self.hold = None;
                return Poll::Ready(other);
            }
        };
        let hold = self.hold.take();
        let frame = frame.map_data(|bytes| match hold {
            Some(hold) => hold.wrap(bytes),
            None => bytes,
        });
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
