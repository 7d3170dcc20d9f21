//! PNG, W3C PNG specification, section 5: the signature, then chunks with lengths and checksums, header first, end last.

use super::size::check_size;

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', 13, 10, 26, 10];

enum State {
    Signature(usize),
    /// Length and type of a chunk.
    Head(usize),
    Data {
        left: u32,
    },
    Checksum(usize),
    End,
}

/// A streaming checker of PNG files.
pub struct Png {
    state: State,
    head: [u8; 8],
    /// The first eight bytes of the header's data: width and height.
    size: Vec<u8>,
    checksum: [u8; 4],
    hasher: crc32fast::Hasher,
    headed: bool,
    filled: bool,
}

impl Default for Png {
    fn default() -> Png {
        Png {
            state: State::Signature(0),
            head: [0; 8],
            size: Vec::new(),
            checksum: [0; 4],
            hasher: crc32fast::Hasher::new(),
            headed: false,
            filled: false,
        }
    }
}

impl Png {
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        while let Some((&byte, rest)) = bytes.split_first() {
            self.state = match self.state {
                State::Signature(at) if byte != SIGNATURE[at] => return Err("it does not begin as a PNG"),
                State::Signature(7) => State::Head(0),
                State::Signature(at) => State::Signature(at + 1),
                State::Head(at) => {
                    self.head[at] = byte;
                    if at == 7 { self.open_chunk()? } else { State::Head(at + 1) }
                }
                State::Data { left } => {
                    let taken = bytes.len().min(left as usize);
                    let (data, after) = bytes.split_at(taken);
                    self.hasher.update(data);
                    if &self.head[4..] == b"IHDR" {
                        self.size.extend_from_slice(data);
                    }
                    bytes = after;
                    let left = left - taken as u32;
                    self.state = if left == 0 { State::Checksum(0) } else { State::Data { left } };
                    continue;
                }
                State::Checksum(at) => {
                    self.checksum[at] = byte;
                    if at == 3 { self.close_chunk()? } else { State::Checksum(at + 1) }
                }
                State::End => return Err("something follows its end"),
            };
            bytes = rest;
        }
        Ok(())
    }

    fn open_chunk(&mut self) -> Result<State, &'static str> {
        let [a, b, c, d, kind @ ..] = self.head;
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > i32::MAX as u32 || !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err("a chunk of it is none");
        }
        match &kind {
            b"IHDR" if self.headed || length != 13 => return Err("its header is wrong"),
            b"IHDR" => self.headed = true,
            _ if !self.headed => return Err("its header does not come first"),
            b"IEND" if length != 0 || !self.filled => return Err("it has no picture"),
            b"IDAT" => self.filled |= length > 0,
            _ => {}
        }
        self.hasher = crc32fast::Hasher::new();
        self.hasher.update(&kind);
        Ok(if length == 0 { State::Checksum(0) } else { State::Data { left: length } })
    }

    fn close_chunk(&mut self) -> Result<State, &'static str> {
        let hasher = std::mem::replace(&mut self.hasher, crc32fast::Hasher::new());
        if hasher.finalize() != u32::from_be_bytes(self.checksum) {
            return Err("a checksum of it is wrong");
        }
        match &self.head[4..] {
            b"IHDR" => {
                let number = |at: usize| self.size[at..at + 4].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
                check_size(number(0), number(4))?;
                Ok(State::Head(0))
            }
            b"IEND" => Ok(State::End),
            _ => Ok(State::Head(0)),
        }
    }

    /// Checks that the file was complete.
    pub fn finish(self) -> Result<(), &'static str> {
        match self.state {
            State::End => Ok(()),
            _ => Err("it is cut off"),
        }
    }
}
