//! Checks while a file streams through that it is of an accepted kind and complete.

use super::jpeg::Jpeg;
use super::pdf::{self, Pdf};
use super::png::Png;

/// The accepted kinds, for error messages.
pub const ACCEPTED: &str = "a whole JPEG or PNG picture or a PDF";

/// Bytes needed to detect the kind of a file, apart from white space before a PDF header.
const HEAD_BYTES: usize = 8;

enum Kind {
    Unknown(Vec<u8>),
    Jpeg(Jpeg),
    Png(Png),
    Pdf(Pdf),
}

/// Checks a file piece by piece.
pub struct Checker {
    kind: Kind,
}

impl Default for Checker {
    fn default() -> Checker {
        Checker { kind: Kind::Unknown(Vec::new()) }
    }
}

impl Checker {
    /// Takes the next bytes; the error states what is wrong.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        match &mut self.kind {
            Kind::Jpeg(jpeg) => jpeg.push(bytes),
            Kind::Png(png) => png.push(bytes),
            Kind::Pdf(pdf) => pdf.push(bytes),
            Kind::Unknown(head) => {
                head.extend_from_slice(bytes);
                if head.len() < HEAD_BYTES || pdf::may_be_prefix(head) {
                    return Ok(());
                }
                let head = std::mem::take(head);
                let blanks = pdf::blanks_before(&head);
                self.kind = match head.as_slice() {
                    [0xff, 0xd8, 0xff, ..] => Kind::Jpeg(Jpeg::default()),
                    [0x89, b'P', b'N', b'G', ..] => Kind::Png(Png::default()),
                    head if head[blanks..].starts_with(b"%PDF") => Kind::Pdf(Pdf::default()),
                    _ => return Err("it is none of these"),
                };
                self.push(&head)
            }
        }
    }

    /// Checks that the file was complete; returns its media type.
    pub fn finish(self) -> Result<&'static str, &'static str> {
        match self.kind {
            Kind::Unknown(head) if head.is_empty() => Err("it is empty"),
            Kind::Unknown(_) => Err("it is none of these"),
            Kind::Jpeg(jpeg) => jpeg.finish().map(|()| "image/jpeg"),
            Kind::Png(png) => png.finish().map(|()| "image/png"),
            Kind::Pdf(pdf) => pdf.finish().map(|()| "application/pdf"),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;

    use super::Checker;

    fn check(file: &[u8], step: usize) -> Result<&'static str, &'static str> {
        let mut checker = Checker::default();
        for piece in file.chunks(step) {
            checker.push(piece)?;
        }
        checker.finish()
    }

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(kind);
        hasher.update(data);
        let length = u32::try_from(data.len()).expect("short").to_be_bytes();
        [&length, kind.as_slice(), data, &hasher.finalize().to_be_bytes()].concat()
    }

    fn png() -> Vec<u8> {
        let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0];
        let signature = [0x89, b'P', b'N', b'G', 13, 10, 26, 10];
        [signature.to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", &[1, 2, 3]), chunk(b"IEND", &[])].concat()
    }

    fn jpeg() -> Vec<u8> {
        let head: &[u8] = &[0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2];
        let frame: &[u8] = &[0xff, 0xc0, 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0];
        let scan: &[u8] = &[0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0xff, 0, 0x34, 0xff, 0xd0, 0x56];
        [head, frame, scan, &[0xff, 0xd9]].concat()
    }

    fn pdf() -> Vec<u8> {
        b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nxref\n0 1\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n".to_vec()
    }

    #[test]
    fn complete_files_are_distinguished_from_broken_ones() {
        for (file, kind) in [(png(), "image/png"), (jpeg(), "image/jpeg"), (pdf(), "application/pdf")] {
            for step in [1, 2, 3, 7, 1000] {
                assert_eq!(check(&file, step), Ok(kind), "{kind} in steps of {step}");
            }
            for end in 0..file.len() - 1 {
                // A PDF shows its completeness by the end mark alone, so bytes after the mark may be missing.
                assert!(check(&file[..end], 5).is_err(), "{kind} cut to {end}");
            }
            for before in ["x", "<html>", "PK\u{3}\u{4}", &format!("{}x", " ".repeat(100))] {
                assert!(check(&[before.as_bytes(), &file].concat(), 5).is_err(), "{kind} behind something else");
            }
        }
        for at in 0..png().len() {
            let mut file = png();
            file[at] ^= 0x20;
            assert!(check(&file, 4).is_err(), "PNG with byte {at} changed");
        }
        for at in [1, 2, 4, 5, 8, 10, 11] {
            let mut file = jpeg();
            file[at] ^= 0xff;
            assert!(check(&file, 4).is_err(), "JPEG with byte {at} changed");
        }
    }

    #[test]
    fn what_follows_the_end_decides() {
        assert!(check(&[png(), b"x".to_vec()].concat(), 5).is_err(), "nothing may follow a PNG");
        assert!(check(&[pdf(), vec![b' '; 500]].concat(), 5).is_ok(), "blanks may follow a PDF");
        assert!(check(&[pdf(), vec![b' '; 2000]].concat(), 5).is_err(), "but not any number of them");
        assert!(check(&[jpeg(), jpeg()].concat(), 5).is_ok(), "phones put a second picture behind the first");
        let half = jpeg()[..30].to_vec();
        for behind in [b"x".as_slice(), b"\0", b"<html></html>", b"PK\x03\x04", &[0xff], &[0xff, 0xd8], &png(), &half] {
            for step in [1, 5, 1000] {
                assert!(check(&[&jpeg(), behind].concat(), step).is_err(), "JPEG with {behind:?} behind it");
            }
        }
    }

    #[test]
    fn a_pdf_may_begin_with_blanks_and_a_byte_order_mark() {
        let blanks = |count| " ".repeat(count);
        for before in ["\u{feff}", "\n", "\r\n\t ", "\u{feff}\n\n", "\0", &blanks(8), &blanks(1000)] {
            for step in [1, 3, 8, 500, 5000] {
                let file = [before.as_bytes(), &pdf()].concat();
                assert_eq!(check(&file, step), Ok("application/pdf"), "{before:?} in steps of {step}");
            }
        }
        for before in [&blanks(1025), &blanks(100_000), "\u{feff}\u{feff}", "%\n", "x "] {
            assert!(check(&[before.as_bytes(), &pdf()].concat(), 3).is_err(), "{} bytes", before.len());
        }
        assert!(check(&[blanks(20).as_bytes(), &png()].concat(), 3).is_err(), "no other kind may");
    }

    #[test]
    fn a_pdf_that_does_something_is_refused() {
        let with = |inside: &[u8]| {
            let file = pdf();
            let (head, rest) = file.split_at(17);
            [head, inside, b"\n", rest].concat()
        };
        let active: [&[u8]; 9] = [
            b"<</S/JavaScript/JS(app.alert(1))>>",
            b"<< /S /JavaScript >>",
            b"<</JS 5 0 R>>",
            b"<</S/Java#53cript>>",
            b"<</S/#4aS>>",
            b"<</S/Launch/F(cmd.exe)>>",
            b"<</Type/EmbeddedFile>>",
            b"<</Names<</EmbeddedFiles 3 0 R>>>>",
            b"<</Length 3>>stream\nabc\nendstream endobj <</EF<</F 4 0 R>>>>",
        ];
        for inside in active {
            for step in [1, 4, 1000] {
                assert!(check(&with(inside), step).is_err(), "{}", String::from_utf8_lossy(inside));
            }
        }
        let harmless: [&[u8]; 7] = [
            b"<</Type/Page/Contents 4 0 R>>",
            b"<</JSON 1>>",
            b"<</LaunchDate(1)>>",
            b"<</Length 9>>stream\r\n/JS /Launch\r\nendstream",
            b"<</Length 9>>stream\nendendstrea /JS \nendstream",
            b"JavaScript",
            b"<</F#zz 1/#4 2>>",
        ];
        for inside in harmless {
            assert_eq!(check(&with(inside), 3), Ok("application/pdf"), "{}", String::from_utf8_lossy(inside));
        }
    }

    #[test]
    fn pictures_have_at_most_a_hundred_million_pixels() {
        let signature = png()[..8].to_vec();
        let of_png = |width: u32, height: u32| {
            let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
            [signature.clone(), chunk(b"IHDR", &header), chunk(b"IDAT", &[1]), chunk(b"IEND", &[])].concat()
        };
        let of_jpeg = |width: u16, height: u16| {
            let mut file = jpeg();
            file[13..15].copy_from_slice(&height.to_be_bytes());
            file[15..17].copy_from_slice(&width.to_be_bytes());
            file
        };
        for (width, height, fits) in [(10_000, 10_000, true), (10_000, 10_001, false), (65_535, 65_535, false)] {
            assert_eq!(check(&of_png(width, height), 7).is_ok(), fits, "PNG {width}×{height}");
            let (width, height) = (u16::try_from(width).expect("short"), u16::try_from(height).expect("short"));
            assert_eq!(check(&of_jpeg(width, height), 7).is_ok(), fits, "JPEG {width}×{height}");
            assert_eq!(check(&[jpeg(), of_jpeg(width, height)].concat(), 7).is_ok(), fits, "second {width}×{height}");
        }
        assert!(check(&of_png(0x7fff_ffff, 0x7fff_ffff), 7).is_err());
    }

    #[test]
    fn what_must_be_there_is_missed() {
        let zero_size: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0];
        let signature = png()[..8].to_vec();
        let broken = [
            [signature.clone(), chunk(b"IHDR", zero_size), chunk(b"IDAT", &[1]), chunk(b"IEND", &[])].concat(),
            [signature.clone(), chunk(b"IDAT", &[1]), chunk(b"IEND", &[])].concat(),
            [png()[..33].to_vec(), chunk(b"IEND", &[])].concat(),
            [jpeg()[..8].to_vec(), vec![0xff, 0xd9]].concat(),
            jpeg().iter().enumerate().map(|(at, byte)| if at == 14 || at == 13 { 0 } else { *byte }).collect(),
            b"%PDF-1.7 but no more than words".to_vec(),
            b"%PDF-9.9\nstartxref\n0\n%%EOF".to_vec(),
            b"<html>not a picture</html>".to_vec(),
            Vec::new(),
        ];
        for file in broken {
            assert!(check(&file, 6).is_err(), "{file:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), step in 1usize..50) {
            for head in [Vec::new(), vec![0xff, 0xd8, 0xff], png()[..8].to_vec(), b"%PDF-1.4".to_vec()] {
                let _ = check(&[head, bytes.clone()].concat(), step);
            }
        }
    }
}
