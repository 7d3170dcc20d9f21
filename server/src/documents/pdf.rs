//! PDF, ISO 32000-2, 7.5: the header's version at the beginning, the place of the cross references and the end mark at
//! the end.

/// How far from the end the end mark may be.
const TAIL: usize = 1024;

/// Reads a PDF.
#[derive(Default)]
pub struct Pdf {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Pdf {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
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
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        if self.tail.len() > TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
        Ok(())
    }

    /// Whether it was whole.
    pub fn finish(self) -> Result<(), &'static str> {
        let last = |mark: &[u8]| self.tail.windows(mark.len()).rposition(|window| window == mark);
        match (last(b"startxref"), last(b"%%EOF")) {
            (Some(references), Some(end)) if references < end && self.head.len() == 8 => Ok(()),
            _ => Err("it is cut off"),
        }
    }
}
