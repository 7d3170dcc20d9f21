//! PDF, ISO 32000-2, 7.5: the header's version near the beginning, the place of the cross references and the end mark at the
//! end, and none of the names that stand for content that does something.
//!
//! This is no reader of PDF. Names in compressed object streams and encrypted files are not seen, and neither is what
//! stands in a stream's data.

/// How far from the beginning the header and from the end the end mark may be.
const REACH: usize = 1024;

/// Scripts, programs to start, files inside the file, and media with programs of their own.
const ACTIVE: [&[u8]; 7] = [b"JavaScript", b"JS", b"Launch", b"EmbeddedFile", b"EmbeddedFiles", b"EF", b"RichMedia"];

/// The longest word that is looked at.
const LONGEST: usize = 16;

/// Reads a PDF.
#[derive(Default)]
pub struct Pdf {
    /// How many blanks came before the header.
    before: usize,
    head: Vec<u8>,
    tail: Vec<u8>,
    names: Names,
}

/// White space as PDF has it (7.2.3), and the byte order mark.
fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// What may stand before the header: blanks and a byte order mark. Readers take anything; what else stands there makes a
/// file of another kind as well.
pub fn blanks_before(bytes: &[u8]) -> usize {
    let mark = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let blanks = mark.iter().take_while(|byte| is_blank(**byte)).count();
    bytes.len() - mark.len() + blanks
}

/// Whether a file that begins so may be a PDF once more of it is there.
pub fn may_begin(bytes: &[u8]) -> bool {
    let rest = &bytes[blanks_before(bytes)..];
    bytes.len() < REACH && (b"%PDF".starts_with(rest) || b"\xef\xbb\xbf".starts_with(rest))
}

impl Pdf {
    /// Takes the next bytes.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        if self.head.is_empty() && self.before == 0 {
            self.before = blanks_before(bytes);
            bytes = &bytes[self.before..];
        }
        if self.before > REACH {
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
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(REACH)..]);
        if self.tail.len() > REACH {
            self.tail.drain(..self.tail.len() - REACH);
        }
        bytes.iter().try_for_each(|byte| self.names.step(*byte))
    }

    /// Whether it was whole.
    pub fn finish(mut self) -> Result<(), &'static str> {
        self.names.step(b' ')?;
        let last = |mark: &[u8]| self.tail.windows(mark.len()).rposition(|window| window == mark);
        match (last(b"startxref"), last(b"%%EOF")) {
            (Some(references), Some(end)) if references < end && self.head.len() == 8 => Ok(()),
            _ => Err("it is cut off"),
        }
    }
}

/// Reads words and names, and passes over the data of streams: in pictures any bytes stand beside each other.
#[derive(Default)]
struct Names {
    /// The word so far, with the slash of a name; empty between words.
    word: Vec<u8>,
    /// Whether the word is longer than what is looked for.
    long: bool,
    /// In a stream's data: how much of the word that ends it was read.
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
            self.long |= self.word.len() >= 3 * LONGEST;
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

/// A name, its characters written as `#4a` read (7.3.5).
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
