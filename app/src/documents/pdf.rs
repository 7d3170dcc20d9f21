//! PDF, ISO 32000-2, 7.5: checks the version in the header near the beginning, the cross-reference offset and the end
//! mark at the end, and the absence of names that stand for active content.
//!
//! This is no parser of PDF. Names in compressed object streams and in encrypted files are not seen, and stream data is
//! skipped.

/// Bytes within which the header must start, and within which of the end the end mark must stand.
const MAX_MARGIN_BYTES: usize = 1024;

/// Names of active content: scripts, programs to launch, embedded files, and media with code of their own.
const ACTIVE: [&[u8]; 7] = [b"JavaScript", b"JS", b"Launch", b"EmbeddedFile", b"EmbeddedFiles", b"EF", b"RichMedia"];

/// Words longer than this are not compared.
const MAX_WORD_BYTES: usize = 16;

/// A streaming checker of PDF files.
#[derive(Default)]
pub struct Pdf {
    /// Bytes of white space before the header.
    before: usize,
    head: Vec<u8>,
    tail: Vec<u8>,
    names: Names,
}

/// White space as PDF defines it (7.2.3).
fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// The number of bytes before the header: white space and a byte order mark. PDF readers accept any bytes there, but
/// others could make the file valid in another format as well.
pub fn blanks_before(bytes: &[u8]) -> usize {
    let mark = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let blanks = mark.iter().take_while(|byte| is_blank(**byte)).count();
    bytes.len() - mark.len() + blanks
}

/// Whether a file that begins with these bytes may turn out to be a PDF.
pub fn may_be_prefix(bytes: &[u8]) -> bool {
    let rest = &bytes[blanks_before(bytes)..];
    bytes.len() < MAX_MARGIN_BYTES && (b"%PDF".starts_with(rest) || b"\xef\xbb\xbf".starts_with(rest))
}

impl Pdf {
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        if self.head.is_empty() && self.before == 0 {
            self.before = blanks_before(bytes);
            bytes = &bytes[self.before..];
        }
        if self.before > MAX_MARGIN_BYTES {
            return Err("its header does not stand at its beginning");
        }
        if self.head.len() < 8 {
            let missing = (8 - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..missing]);
            let known = |head: &[u8]| match head {
                [b'%', b'P', b'D', b'F', b'-', b'1', b'.', minor] => (b'0'..=b'7').contains(minor),
                head => head == b"%PDF-2.0",
            };
            if self.head.len() == 8 && !known(&self.head) {
                return Err("its version is none of PDF's");
            }
        }
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(MAX_MARGIN_BYTES)..]);
        if self.tail.len() > MAX_MARGIN_BYTES {
            self.tail.drain(..self.tail.len() - MAX_MARGIN_BYTES);
        }
        bytes.iter().try_for_each(|byte| self.names.step(*byte))
    }

    /// Checks that the file was complete.
    pub fn finish(mut self) -> Result<(), &'static str> {
        self.names.step(b' ')?;
        let last = |mark: &[u8]| self.tail.windows(mark.len()).rposition(|window| window == mark);
        match (last(b"startxref"), last(b"%%EOF")) {
            (Some(references), Some(end)) if references < end && self.head.len() == 8 => Ok(()),
            _ => Err("it is cut off"),
        }
    }
}

/// Reads words and names, and skips stream data, which may contain any bytes.
#[derive(Default)]
struct Names {
    /// The word so far, with the slash of a name; empty between words.
    word: Vec<u8>,
    /// Whether the word is too long to be compared.
    long: bool,
    /// In stream data: how many bytes of `endstream` were matched.
    in_stream: Option<usize>,
}

const END: &[u8] = b"endstream";

impl Names {
    fn step(&mut self, byte: u8) -> Result<(), &'static str> {
        if let Some(at) = self.in_stream {
            let at = if byte == END[at] { at + 1 } else { usize::from(byte == END[0]) };
            self.in_stream = (at < END.len()).then_some(at);
            return Ok(());
        }
        let delimits = is_blank(byte) || b"()<>[]{}/%".contains(&byte);
        if !delimits {
            self.long |= self.word.len() >= 3 * MAX_WORD_BYTES;
            if !self.long {
                self.word.push(byte);
            }
            return Ok(());
        }
        let word = std::mem::take(&mut self.word);
        let whole = !std::mem::take(&mut self.long);
        if let Some(name) = word.strip_prefix(b"/").filter(|_| whole)
            && ACTIVE.contains(&unescaped(name).as_slice())
        {
            return Err("it has scripts, programs to start or files inside, which are not accepted");
        }
        if whole && word == b"stream" && matches!(byte, b'\r' | b'\n') {
            self.in_stream = Some(0);
        } else if byte == b'/' {
            self.word.push(byte);
        }
        Ok(())
    }
}

/// A name with its `#xx` escapes decoded (7.3.5).
fn unescaped(name: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut read, mut rest) = (Vec::new(), name);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if let (b'#', [high, low, after @ ..]) = (byte, after)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            read.push(high * 16 + low);
            rest = after;
        } else {
            read.push(byte);
        }
    }
    read
}
