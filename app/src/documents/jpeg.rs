//! JPEG, ITU-T T.81 annex B: markers and the lengths of their segments, from the start of the image to its end.

use super::size::check_size;

enum State {
    Start(usize),
    Marker,
    /// After 0xFF.
    Code,
    Length(u8, usize, usize),
    Segment {
        marker: u8,
        at: usize,
        length: usize,
    },
    Scan,
    /// In scan data, after 0xFF.
    ScanCode,
    End,
}

/// A streaming checker of JPEG files.
pub struct Jpeg {
    state: State,
    /// The first bytes of a frame header: precision, height, width.
    frame: [u8; 5],
    framed: bool,
    scanned: bool,
}

impl Default for Jpeg {
    fn default() -> Jpeg {
        Jpeg { state: State::Start(0), frame: [0; 5], framed: false, scanned: false }
    }
}

fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

impl Jpeg {
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        bytes.iter().try_for_each(|byte| self.step(*byte))
    }

    fn step(&mut self, byte: u8) -> Result<(), &'static str> {
        self.state = match self.state {
            State::Start(0) if byte == 0xff => State::Start(1),
            State::Start(1) if byte == 0xd8 => State::Marker,
            State::Start(_) => return Err("it does not begin as a JPEG"),
            State::Marker if byte == 0xff => State::Code,
            State::Marker => return Err("its segments do not follow each other"),
            State::Code => self.marker(byte)?,
            State::Length(marker, 0, _) => State::Length(marker, 1, usize::from(byte) << 8),
            State::Length(marker, _, high) => match high + usize::from(byte) {
                0 | 1 => return Err("a segment is shorter than its length"),
                2 => self.close(marker, 0)?,
                length => State::Segment { marker, at: 0, length: length - 2 },
            },
            State::Segment { marker, at, length } => {
                if let Some(kept) = self.frame.get_mut(at).filter(|_| is_frame(marker)) {
                    *kept = byte;
                }
                if at + 1 == length {
                    self.close(marker, length)?
                } else {
                    State::Segment { marker, at: at + 1, length }
                }
            }
            State::Scan if byte == 0xff => State::ScanCode,
            State::Scan => State::Scan,
            State::ScanCode => match byte {
                0x00 | 0xd0..=0xd7 => State::Scan,
                0xff => State::ScanCode,
                marker => self.marker(marker)?,
            },
            // Phones append further pictures to the first, for previews and brightness (CIPA DC-007): each must be
            // complete.
            State::End if byte == 0xff => {
                *self = Jpeg::default();
                State::Start(1)
            }
            State::End => return Err("something follows its end"),
        };
        Ok(())
    }

    fn marker(&mut self, marker: u8) -> Result<State, &'static str> {
        match marker {
            0xff => Ok(State::Code),
            0xd9 if self.framed && self.scanned => Ok(State::End),
            0xd9 => Err("it has no picture"),
            0x00..=0x01 | 0xd0..=0xd8 => Err("it has a marker where none belongs"),
            0xda if !self.framed => Err("its scan comes before its frame"),
            marker => Ok(State::Length(marker, 0, 0)),
        }
    }

    fn close(&mut self, marker: u8, length: usize) -> Result<State, &'static str> {
        if is_frame(marker) {
            let [_, height @ .., _, _] = self.frame;
            let width = [self.frame[3], self.frame[4]];
            if length < 6 {
                return Err("its picture has no size");
            }
            check_size(u16::from_be_bytes(width).into(), u16::from_be_bytes([height[0], height[1]]).into())?;
            self.framed = true;
        }
        if marker == 0xda {
            self.scanned = true;
            return Ok(State::Scan);
        }
        Ok(State::Marker)
    }

    /// Checks that the file was complete.
    pub fn finish(self) -> Result<(), &'static str> {
        match self.state {
            State::End => Ok(()),
            _ => Err("it is cut off"),
        }
    }
}
