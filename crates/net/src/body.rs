//! Bodies of requests: bounded in size and in time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// More bytes than the limit.
    #[error("the request's body is larger than {limit} bytes")]
    TooLarge {
        /// The limit in force.
        limit: usize,
    },
    /// The peer was too slow.
    #[error("the request's body did not arrive within {} seconds", after.as_secs())]
    TimedOut {
        /// [`crate::Limits::body_read_timeout`].
        after: Duration,
    },
    /// The peer broke off, or the body is not well formed.
    #[error("the request's body is broken: {0}")]
    Broken(#[from] hyper::Error),
}

impl BodyError {
    /// The status that says so.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TimedOut { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// The body of a request, from the network or (in tests of handlers) from memory.
#[derive(Debug)]
pub struct RequestBody {
    source: Source,
    limit: usize,
    taken: usize,
    timeout: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
enum Source {
    Network(Incoming),
    Memory(Full<Bytes>),
}

impl RequestBody {
    pub(crate) fn from_network(body: Incoming, limit: usize, timeout: Duration) -> Self {
        Self { source: Source::Network(body), limit, taken: 0, timeout, timer: None }
    }
}

impl<T: Into<Bytes>> From<T> for RequestBody {
    fn from(bytes: T) -> Self {
        let source = Source::Memory(Full::new(bytes.into()));
        Self { source, limit: usize::MAX, taken: 0, timeout: Duration::MAX, timer: None }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let polled = match &mut this.source {
            Source::Network(body) => Pin::new(body).poll_frame(cx).map_err(BodyError::Broken),
            Source::Memory(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
        };
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                this.taken = this.taken.saturating_add(frame.data_ref().map_or(0, Bytes::len));
                if this.taken > this.limit {
                    return Poll::Ready(Some(Err(BodyError::TooLarge { limit: this.limit })));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Pending => {
                let timeout = this.timeout;
                let start = || Box::pin(sleep(timeout));
                ready!(this.timer.get_or_insert_with(start).as_mut().poll(cx));
                Poll::Ready(Some(Err(BodyError::TimedOut { after: timeout })))
            }
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Network(body) => body.is_end_stream(),
            Source::Memory(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Network(body) => body.size_hint(),
            Source::Memory(body) => body.size_hint(),
        }
    }
}

/// Octets of a refused body that are read and thrown away.
const DISCARDED: usize = 8 * 1024 * 1024;

/// Takes in a body that nobody wants. A connection that is closed while its client still sends is reset, and the
/// client never sees the answer that says why (RFC 9112 9.6). Bounded in size and in time.
pub(crate) async fn discard(body: Incoming, timeout: Duration) {
    let mut body = RequestBody::from_network(body, DISCARDED, timeout);
    while let Some(Ok(_)) = body.frame().await {}
}

/// Reads the whole body. `limit` may be smaller than [`crate::Limits::body_bytes`], never larger.
pub async fn read_body(request: Request<RequestBody>, limit: usize) -> Result<Bytes, BodyError> {
    let mut body = request.into_body();
    body.limit = body.limit.min(limit);
    if body.size_hint().lower() > body.limit as u64 {
        return Err(BodyError::TooLarge { limit: body.limit });
    }
    // Most bodies arrive in one piece, which needs no copy.
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_in_memory_is_read_up_to_the_limit() {
        let request = || Request::new(RequestBody::from("12345"));
        assert_eq!(read_body(request(), 5).await.unwrap(), "12345");
        let error = read_body(request(), 4).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(error.to_string(), "the request's body is larger than 4 bytes");
    }
}
