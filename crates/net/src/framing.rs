//! Where one HTTP/1 request ends and the next begins, checked strictly before the HTTP library sees a byte.
//!
//! Request smuggling lives on two parsers that disagree about a message's end. The library follows the
//! lenient readings of RFC 9112 (a bare LF ends a line; `Content-Length` beside `Transfer-Encoding` is
//! dropped). Here each such message is refused: from the first offending byte on, the library reads
//! [`REFUSAL`] instead of what was sent, answers 400 and closes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Bytes of a line that are kept. The framing headers and chunk sizes must fit; other lines are not looked at
/// beyond it.
const KEPT: usize = 64;
/// NUL, which no reading of a request's head allows, and an end of the head, for which the library waits
/// before it looks again.
const REFUSAL: &[u8] = b"\0\r\n\r\n";
/// After a refusal, so much of what the peer still sends is read, and for so long: closing a socket with
/// unread data would take the answer away from the peer.
const LINGER_BYTES: usize = 1_024 * 1_024;
const LINGER: Duration = Duration::from_secs(1);

/// The message breaks RFC 9112 framing, at this byte of what was fed.
#[derive(Debug, PartialEq, Eq)]
struct Offence {
    at: usize,
    in_head: bool,
}

/// Follows the bytes of one connection.
#[derive(Debug)]
struct Scanner {
    state: State,
    after_cr: bool,
    line: Vec<u8>,
    line_length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between two requests.
    RequestLine,
    Headers {
        content_length: Option<u64>,
        chunked: bool,
    },
    Sized(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
}

impl Scanner {
    fn new() -> Self {
        Self { state: State::RequestLine, after_cr: false, line: Vec::with_capacity(KEPT), line_length: 0 }
    }

    /// Whether no byte of a further request has come.
    fn is_between_requests(&self) -> bool {
        self.state == State::RequestLine && self.line_length == 0 && !self.after_cr
    }

    fn is_in_head(&self) -> bool {
        matches!(self.state, State::RequestLine | State::Headers { .. })
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), Offence> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match &mut self.state {
                State::Sized(left) | State::Chunk(left) => {
                    let taken = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left = left.saturating_sub(taken as u64);
                    at = at.saturating_add(taken);
                    match self.state {
                        State::Sized(0) => self.state = State::RequestLine,
                        State::Chunk(0) => self.state = State::ChunkEnd,
                        _ => {}
                    }
                }
                _ => {
                    let in_head = self.is_in_head();
                    let taken = self.line_bytes(rest);
                    let taken = taken.map_err(|plain| Offence { at: at.saturating_add(plain), in_head })?;
                    at = at.saturating_add(taken);
                }
            }
        }
        Ok(())
    }

    /// Takes bytes up to the end of the line at most. The error is the place of the offending byte.
    fn line_bytes(&mut self, rest: &[u8]) -> Result<usize, usize> {
        if self.after_cr {
            if rest.first() != Some(&b'\n') {
                return Err(0);
            }
            self.state = self.line_done(self.line_length == 0).ok_or(0_usize)?;
            self.after_cr = false;
            self.line.clear();
            self.line_length = 0;
            return Ok(1);
        }
        let plain = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)).unwrap_or(rest.len());
        let kept = plain.min(KEPT.saturating_sub(self.line.len()));
        self.line.extend_from_slice(rest.get(..kept).unwrap_or_default());
        self.line_length = self.line_length.saturating_add(plain);
        match rest.get(plain) {
            None => Ok(plain),
            Some(b'\r') => {
                self.after_cr = true;
                Ok(plain.saturating_add(1))
            }
            Some(_) => Err(plain),
        }
    }

    /// The state after a line; none when the line is not allowed there.
    fn line_done(&self, empty: bool) -> Option<State> {
        match self.state {
            // RFC 9112 2.2: an empty line before the request line is skipped.
            State::RequestLine if empty => Some(State::RequestLine),
            State::RequestLine => Some(State::Headers { content_length: None, chunked: false }),
            State::Headers { content_length, chunked } if empty => Some(match (chunked, content_length) {
                (true, _) => State::ChunkSize,
                (false, None | Some(0)) => State::RequestLine,
                (false, Some(length)) => State::Sized(length),
            }),
            State::Headers { content_length, chunked } => self.header(content_length, chunked),
            State::ChunkSize => Some(match self.chunk_size()? {
                0 => State::Trailers,
                size => State::Chunk(size),
            }),
            State::ChunkEnd if empty => Some(State::ChunkSize),
            State::Trailers if empty => Some(State::RequestLine),
            State::Trailers => Some(State::Trailers),
            State::ChunkEnd | State::Sized(_) | State::Chunk(_) => None,
        }
    }

    /// RFC 9112 5 and 6.3: no folded line; at most one framing header, and only in the plain spelling.
    fn header(&self, content_length: Option<u64>, chunked: bool) -> Option<State> {
        let unchanged = Some(State::Headers { content_length, chunked });
        let mut parts = self.line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            // A name longer than what is kept is none of the two; any other line without a colon is refused.
            return unchanged.filter(|_| self.line_length > KEPT);
        };
        // A blank at either end would hide the name from the comparison below.
        if name.trim_ascii().len() != name.len() {
            return None;
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if !is("content-length") && !is("transfer-encoding") {
            return unchanged;
        }
        if content_length.is_some() || chunked || self.line_length > KEPT {
            return None;
        }
        let value = value.trim_ascii();
        match is("content-length") {
            true => Some(State::Headers { content_length: Some(decimal(value)?), chunked }),
            false if value.eq_ignore_ascii_case(b"chunked") => {
                Some(State::Headers { content_length, chunked: true })
            }
            false => None,
        }
    }

    /// RFC 9112 7.1: hexadecimal digits, then perhaps a short extension.
    fn chunk_size(&self) -> Option<u64> {
        let digits = self.line.split(|byte| *byte == b';').next()?;
        let plain = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
        if !plain || self.line_length > KEPT {
            return None;
        }
        u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }
}

fn decimal(value: &[u8]) -> Option<u64> {
    let plain = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| plain)?.parse().ok()
}

/// What the library has still to be told of a refusal.
#[derive(Debug, Clone, Copy)]
enum Refused {
    /// The rest of [`REFUSAL`].
    InHead(&'static [u8]),
    /// An error: the head is with the handler already, and its body ends so.
    InBody,
    /// Nothing. An end of the stream would make the library give up before it has answered.
    Told,
}

/// A connection whose bytes pass through the scanner on their way to the HTTP/1 library.
#[derive(Debug)]
pub(crate) struct StrictHttp1<S> {
    stream: S,
    scanner: Scanner,
    refused: Option<Refused>,
    header_timeout: Duration,
    header_timer: Option<Pin<Box<Sleep>>>,
    linger: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> StrictHttp1<S> {
    pub(crate) fn new(stream: S, header_timeout: Duration) -> Self {
        Self {
            stream,
            scanner: Scanner::new(),
            refused: None,
            header_timeout,
            header_timer: None,
            linger: None,
        }
    }

    /// Ends the wait for a head that began and does not end (slow headers).
    fn poll_header_timer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.scanner.is_in_head() || self.scanner.is_between_requests() {
            self.header_timer = None;
            return Poll::Pending;
        }
        let timeout = self.header_timeout;
        let start = || Box::pin(sleep(timeout));
        ready!(self.header_timer.get_or_insert_with(start).as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StrictHttp1<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match this.refused {
            None => {}
            Some(Refused::InHead(rest)) => {
                let (now, later) = rest.split_at_checked(buf.remaining()).unwrap_or((rest, &[]));
                buf.put_slice(now);
                this.refused = Some(if later.is_empty() { Refused::Told } else { Refused::InHead(later) });
                return Poll::Ready(Ok(()));
            }
            Some(Refused::InBody) => {
                this.refused = Some(Refused::Told);
                let error = io::Error::new(io::ErrorKind::InvalidData, "the chunked body is malformed");
                return Poll::Ready(Err(error));
            }
            Some(Refused::Told) => return Poll::Pending,
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Pending => return this.poll_header_timer(cx),
            Poll::Ready(read) => read?,
        }
        let Err(offence) = this.scanner.feed(buf.filled().get(before..).unwrap_or_default()) else {
            return Poll::Ready(Ok(()));
        };
        this.refused = Some(if offence.in_head { Refused::InHead(REFUSAL) } else { Refused::InBody });
        buf.set_filled(before.saturating_add(offence.at));
        if offence.at > 0 { Poll::Ready(Ok(())) } else { Pin::new(this).poll_read(cx, buf) }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for StrictHttp1<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Closes our side. When the peer may still be sending a message that was refused, what it sends is read
    /// for a moment, so that the answer reaches it.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if this.refused.is_none() && this.scanner.is_between_requests() {
                return Poll::Ready(Ok(()));
            }
        }
        let start = || (Box::pin(sleep(LINGER)), 0);
        let (timer, discarded) = this.linger.get_or_insert_with(start);
        let mut space = [0; 4_096];
        while *discarded < LINGER_BYTES && timer.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {
                    *discarded = discarded.saturating_add(buf.filled().len())
                }
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the text whole and byte by byte; both must agree. True when all of it is allowed.
    fn allowed(text: &str) -> bool {
        let whole = Scanner::new().feed(text.as_bytes()).is_ok();
        let mut scanner = Scanner::new();
        let bytewise = text.as_bytes().iter().all(|byte| scanner.feed(&[*byte]).is_ok());
        assert_eq!(whole, bytewise, "{text:?}");
        whole
    }

    fn ends_between_requests(text: &str) -> bool {
        let mut scanner = Scanner::new();
        scanner.feed(text.as_bytes()).unwrap();
        scanner.is_between_requests()
    }

    #[test]
    fn messages_as_clients_write_them_pass_and_end_where_they_should() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:5\r\n\r\nab\ncd",
            "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: \t0 \r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\na\nb\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n00\r\nT: v\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert!(allowed(text), "{text:?}");
            assert!(ends_between_requests(text), "{text:?}");
        }
        let long = "n".repeat(300);
        assert!(ends_between_requests(&format!("GET / HTTP/1.1\r\n{long}: v\r\nX: {long}\r\n\r\n")));
        assert!(!ends_between_requests("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcd"));
        assert!(!ends_between_requests("GET / HTTP/1.1\r"));
    }

    /// Security case 73.
    #[test]
    fn messages_that_two_parsers_could_read_differently_are_refused() {
        for headers in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding:\x0bchunked\r\n",
            "Transfer-Encoding : chunked\r\n",
            " Transfer-Encoding: chunked\r\n",
            "X: a\r\n Transfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: -1\r\n",
            "Content-Length:\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Content-Length: 5\n",
            "X: a\nContent-Length: 5\r\n",
            "X: a\rContent-Length: 5\r\n",
            "X: a\0b\r\n",
            "X\r\n",
        ] {
            assert!(!allowed(&format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n")), "{headers:?}");
        }
        let padded = format!("Content-Length: {}5\r\n", " ".repeat(KEPT));
        assert!(!allowed(&format!("POST / HTTP/1.1\r\n{padded}\r\n")));
        for start in
            ["GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\n", "\nGET / HTTP/1.1\r\n"]
        {
            assert!(!allowed(start), "{start:?}");
        }
    }

    /// Security case 73.
    #[test]
    fn chunks_that_two_parsers_could_read_differently_are_refused() {
        for body in [
            "5 \r\nabcde\r\n0\r\n\r\n",
            "5\nabcde\r\n0\r\n\r\n",
            "5\r\nabcde0\r\n\r\n",
            "5\r\nabcdef\r\n0\r\n\r\n",
            "0x5\r\nabcde\r\n0\r\n\r\n",
            "-5\r\nabcde\r\n",
            "\r\n",
            "00000000000000005\r\nabcde\r\n",
            "5\r\nabcde\n0\r\n\r\n",
            "0\r\nT: v\n\r\n",
        ] {
            assert!(
                !allowed(&format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}")),
                "{body:?}"
            );
        }
        let extension = "x".repeat(KEPT);
        assert!(!allowed(&format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;{extension}\r\nabcde"
        )));
    }
}
