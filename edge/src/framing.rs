//! Tracks where the requests of a connection begin and end (RFC 9112), in parallel with hyper's parser.
//!
//! hyper decides what a request is. This tracker detects what hyper accepts or hides: a head with both `Content-Length`
//! and `Transfer-Encoding` (hyper drops the length), lines that end without a carriage return, the size of an
//! incomplete head, and whether a request is incomplete when the connection ends. hyper refuses requests that this
//! tracker cannot follow; the connection then counts as being within a request.

/// Bytes kept of a line: enough for every line that frames a body.
const KEPT_LINE_BYTES: usize = 128;

/// An error in the framing of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Both `Content-Length` and `Transfer-Encoding` are present: two parsers could disagree where the request ends
    /// (request smuggling).
    TwoLengths,
    /// A line of the head ends with a line feed alone.
    BareLineFeed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between requests; empty lines are skipped.
    Between,
    /// In a head: the request line, then the fields.
    Head,
    /// In a body, with this many bytes outstanding.
    Sized(u64),
    /// In the line with the size of a chunk.
    ChunkSize,
    /// In a chunk and its line end, with this many bytes outstanding.
    Chunk(u64),
    /// In the trailer fields after the last chunk.
    Trailers,
    /// The framing can no longer be tracked.
    Lost,
}

/// Tracks the bytes of one connection.
#[derive(Debug)]
pub struct Framing {
    state: State,
    /// The beginning of the current line, and its length.
    line: Vec<u8>,
    line_length: usize,
    ends_with_return: bool,
    /// Size of the current head.
    head_bytes: usize,
    length: Option<u64>,
    chunked: bool,
    /// The number of requests begun, and the first one to refuse.
    requests: u64,
    fault: Option<(u64, Fault)>,
}

impl Default for Framing {
    fn default() -> Framing {
        Framing {
            state: State::Between,
            line: Vec::new(),
            line_length: 0,
            ends_with_return: false,
            head_bytes: 0,
            length: None,
            chunked: false,
            requests: 0,
            fault: None,
        }
    }
}

impl Framing {
    /// Tracks received bytes.
    pub fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.state {
                State::Lost => return,
                State::Sized(missing) => {
                    let (taken, left) = skip(missing, bytes);
                    bytes = taken;
                    self.state = if left == 0 { State::Between } else { State::Sized(left) };
                }
                State::Chunk(missing) => {
                    let (taken, left) = skip(missing, bytes);
                    bytes = taken;
                    self.state = if left == 0 { State::ChunkSize } else { State::Chunk(left) };
                }
                State::Between | State::Head | State::ChunkSize | State::Trailers => bytes = self.line(bytes),
            }
        }
    }

    /// Whether no request is in progress.
    pub fn is_between(&self) -> bool {
        self.state == State::Between
    }

    /// Size of the incomplete head in bytes; 0 when there is none.
    pub fn open_head(&self) -> usize {
        if self.state == State::Head { self.head_bytes } else { 0 }
    }

    /// Why the request of this number, from 1, must be refused. After the first fault nothing on the connection can be
    /// trusted.
    pub fn fault(&self, request: u64) -> Option<Fault> {
        self.fault.filter(|(first, _)| *first <= request).map(|(_, fault)| fault)
    }

    /// Takes bytes up to the end of the line, or all of them; returns the rest.
    fn line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (part, rest) = bytes.split_at(end.map_or(bytes.len(), |at| at + 1));
        let text = &part[..end.unwrap_or(part.len())];
        if self.state == State::Between && text.iter().any(|byte| *byte != b'\r') {
            self.begin();
        }
        self.head_bytes += part.len();
        let room = KEPT_LINE_BYTES.saturating_sub(self.line.len()).min(text.len());
        self.line.extend_from_slice(&text[..room]);
        self.line_length += text.len();
        if let Some(last) = text.last() {
            self.ends_with_return = *last == b'\r';
        }
        if end.is_some() {
            self.line_ended();
            self.line.clear();
            (self.line_length, self.ends_with_return) = (0, false);
        }
        rest
    }

    fn begin(&mut self) {
        self.state = State::Head;
        self.requests += 1;
        (self.head_bytes, self.length, self.chunked) = (0, None, false);
    }

    fn line_ended(&mut self) {
        let empty = self.line_length == usize::from(self.ends_with_return);
        if matches!(self.state, State::Head | State::Trailers) && !self.ends_with_return {
            self.refuse(Fault::BareLineFeed);
        }
        match self.state {
            State::Head if empty => self.head_ended(),
            State::Head => self.field(),
            State::ChunkSize => self.state = chunk(&self.line),
            State::Trailers if empty => self.state = State::Between,
            _ => {}
        }
    }

    fn field(&mut self) {
        let Some(colon) = self.line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = self.line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let whole = self.line_length <= KEPT_LINE_BYTES;
            let text = std::str::from_utf8(&value[1..]).ok().filter(|_| whole).map(str::trim);
            match text.and_then(|text| text.parse().ok()) {
                Some(length) => self.length = Some(length),
                None => self.state = State::Lost,
            }
        }
    }

    fn head_ended(&mut self) {
        if self.chunked && self.length.is_some() {
            self.refuse(Fault::TwoLengths);
        }
        self.state = match self.length {
            _ if self.chunked => State::ChunkSize,
            Some(length) if length > 0 => State::Sized(length),
            _ => State::Between,
        };
    }

    fn refuse(&mut self, fault: Fault) {
        self.fault.get_or_insert((self.requests, fault));
    }
}

/// The remaining bytes, and how many are still outstanding.
fn skip(missing: u64, bytes: &[u8]) -> (&[u8], u64) {
    let taken = usize::try_from(missing).unwrap_or(usize::MAX).min(bytes.len());
    (&bytes[taken..], missing - taken as u64)
}

/// The state after the line with the size of a chunk.
fn chunk(line: &[u8]) -> State {
    let digits = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    let size = std::str::from_utf8(&line[..digits]).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
    match size {
        Some(0) => State::Trailers,
        Some(size) if size < u64::MAX - 2 => State::Chunk(size + 2),
        _ => State::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Framing};

    /// The framing after these bytes; checks that sending them at once and byte by byte is the same.
    fn after(bytes: &str) -> Framing {
        let (mut whole, mut pieces) = (Framing::default(), Framing::default());
        whole.follow(bytes.as_bytes());
        bytes.as_bytes().chunks(1).for_each(|piece| pieces.follow(piece));
        assert_eq!(format!("{whole:?}"), format!("{pieces:?}"), "{bytes:?}");
        whole
    }

    #[test]
    fn requests_are_followed_to_their_end() {
        let ended = [
            ("", 0),
            ("\r\n\r\n", 0),
            ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", 1),
            ("\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", 2),
            ("POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nab\n\ndGET / HTTP/1.1\r\n\r\n", 2),
            ("POST / HTTP/1.1\r\nContent-Length:0\r\n\r\n", 1),
            ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nGET /\r\n0A;x=1\r\n0123456789\r\n0\r\n\r\n", 1),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nafter: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n", 2),
        ];
        for (bytes, requests) in ended {
            let framing = after(bytes);
            assert!(framing.is_between() && framing.open_head() == 0, "{bytes:?}: {framing:?}");
            assert_eq!((framing.requests, framing.fault(u64::MAX)), (requests, None), "{bytes:?}");
        }
        let open = [
            ("GET", 3),
            ("GET / HTTP/1.1\r\nhost: x\r\n", 25),
            ("POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nabcd", 0),
            ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde", 0),
            ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n", 0),
            ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 0),
            ("POST / HTTP/1.1\r\ncontent-length: nine\r\n\r\n", 0),
        ];
        for (bytes, head) in open {
            let framing = after(bytes);
            assert_eq!((framing.is_between(), framing.open_head()), (false, head), "{bytes:?}");
        }
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_a_fault_from_its_request_on() {
        let lengths = "content-length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        let cases = [
            (format!("POST / HTTP/1.1\r\n{lengths}"), 1, Fault::TwoLengths),
            (format!("GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\n{lengths}"), 2, Fault::TwoLengths),
            ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nCONTENT-LENGTH:3\r\n\r\n".into(), 1, Fault::TwoLengths),
            ("GET / HTTP/1.1\nhost: x\r\n\r\n".into(), 1, Fault::BareLineFeed),
            ("GET / HTTP/1.1\r\nhost: x\n\r\n".into(), 1, Fault::BareLineFeed),
            ("GET / HTTP/1.1\r\nhost: x\r\n\n".into(), 1, Fault::BareLineFeed),
            ("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\n\n".into(), 2, Fault::BareLineFeed),
        ];
        for (bytes, request, fault) in cases {
            let framing = after(&bytes);
            assert_eq!(framing.fault(request), Some(fault), "{bytes:?}");
            assert_eq!(framing.fault(request - 1), None, "{bytes:?}: those before it are sound");
            assert_eq!(framing.fault(request + 1), Some(fault), "{bytes:?}: nothing after it can be trusted");
        }
    }
}
