//! A parser of server-sent events (WHATWG HTML, 9.2.6).

/// A message: an event, or only an id to resume from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: Option<String>,
    /// Its data; empty when there is none.
    pub(super) data: String,
}

/// Buffers pieces of the stream and returns complete messages.
#[derive(Default)]
pub(super) struct Lines {
    waiting: Vec<u8>,
}

impl Lines {
    /// Adds a piece, wherever it was cut.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// The next complete message. Comments are skipped.
    pub(super) fn next(&mut self) -> Option<Message> {
        loop {
            let end = self.waiting.windows(2).position(|pair| pair == b"\n\n")?;
            let block: Vec<u8> = self.waiting.drain(..end + 2).collect();
            let message = read(&String::from_utf8_lossy(&block));
            if message != Message::default() {
                return Some(message);
            }
        }
    }
}

fn read(block: &str) -> Message {
    let mut message = Message::default();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => message.id = Some(value.to_owned()),
            "data" => {
                if !message.data.is_empty() {
                    message.data.push('\n');
                }
                message.data.push_str(value);
            }
            _ => {}
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::{Lines, Message};

    #[test]
    fn messages_come_whole_wherever_the_stream_is_cut() {
        let text = ":\n\nid: 1\n\nid: 2\nevent: a\ndata: {\"x\":\ndata: \"é\"}\n\n: still there\n\ndata: y\n\n";
        let message = |id: Option<&str>, data: &str| Message { id: id.map(str::to_owned), data: data.to_owned() };
        let expected = [message(Some("1"), ""), message(Some("2"), "{\"x\":\n\"é\"}"), message(None, "y")];
        for size in 1..=text.len() {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            for piece in text.as_bytes().chunks(size) {
                lines.push(piece);
                found.extend(std::iter::from_fn(|| lines.next()));
            }
            assert_eq!(found, expected, "pieces of {size}");
        }
    }
}
