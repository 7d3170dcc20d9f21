//! The ends of all chains at one time, with one digest over all of them. Kept elsewhere, the file proves later that no
//! line that existed then was removed or changed.

use std::collections::HashMap;
use std::fmt::Write;

use aws_lc_rs::digest::{Context, SHA256};

use crate::hash::hex;
use crate::ids::{ClientId, LedgerAccountId};
use crate::ledger::{GENESIS, Hash};

/// The first line of the file.
const TITLE: &str = "paygen ledger heads 1";

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    pub client: ClientId,
    pub account: LedgerAccountId,
    /// The sequence of the last line; 0 without lines.
    pub seq: i64,
    pub hash: Hash,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads(Vec<Head>);

impl FromIterator<Head> for Heads {
    fn from_iter<T: IntoIterator<Item = Head>>(heads: T) -> Heads {
        let mut heads: Vec<Head> = heads.into_iter().collect();
        heads.sort_unstable();
        Heads(heads)
    }
}

impl Heads {
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The number of lines of all chains.
    pub fn lines(&self) -> i64 {
        self.0.iter().map(|head| head.seq).sum()
    }

    /// SHA-256 over all heads, in the order of clients and accounts.
    pub fn digest(&self) -> Hash {
        let mut context = Context::new(&SHA256);
        context.update(TITLE.as_bytes());
        for head in &self.0 {
            context.update(head.client.0.bytes());
            context.update(head.account.0.bytes());
            context.update(&head.seq.to_be_bytes());
            context.update(&head.hash);
        }
        let mut digest = GENESIS;
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }

    /// Formats the file: title, digest, and one line for each chain with client, account, sequence and hash.
    pub fn write(&self) -> String {
        let mut text = format!("{TITLE}\n{}\n", hex(&self.digest()));
        for Head { client, account, seq, hash } in &self.0 {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{client} {account} {seq} {}", hex(hash));
        }
        text
    }

    /// Parses a file. The error says why it is not a file of heads, or that it was altered.
    pub fn read(text: &str) -> Result<Heads, String> {
        let mut lines = text.lines();
        if lines.next() != Some(TITLE) {
            return Err(format!("it does not begin with `{TITLE}`"));
        }
        let digest = lines.next().unwrap_or_default();
        let heads = lines.enumerate().map(|(at, line)| head(line).ok_or(format!("line {} is no head", at + 3)));
        let heads: Heads = heads.collect::<Result<Vec<Head>, String>>()?.into_iter().collect();
        if hex(&heads.digest()) != digest {
            return Err("its digest is not that of its lines: it was cut short or changed".to_owned());
        }
        Ok(heads)
    }

    pub(super) fn by_account(self) -> HashMap<(ClientId, LedgerAccountId), (i64, Hash)> {
        self.0.into_iter().map(|head| ((head.client, head.account), (head.seq, head.hash))).collect()
    }
}

fn head(line: &str) -> Option<Head> {
    let mut words = line.split(' ');
    let (client, account) = (ClientId::parse(words.next()?)?, LedgerAccountId::parse(words.next()?)?);
    let seq = words.next()?.parse().ok().filter(|seq| *seq >= 0)?;
    let text = words.next().filter(|text| text.len() == 64 && text.is_ascii())?;
    let mut hash = GENESIS;
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    words.next().is_none().then_some(Head { client, account, seq, hash })
}

#[cfg(test)]
mod tests {
    use super::{Head, Heads};
    use crate::ids::{ClientId, Id, LedgerAccountId};

    fn heads() -> Heads {
        let head = |number: u8| Head {
            client: ClientId(Id::from_bytes([number; 12])),
            account: LedgerAccountId(Id::from_bytes([7; 12])),
            seq: i64::from(number),
            hash: [number; 32],
        };
        [head(2), head(1), head(0)].into_iter().collect()
    }

    #[test]
    fn heads_are_read_as_they_were_written_and_a_changed_file_is_none() {
        let text = heads().write();
        assert_eq!(Heads::read(&text), Ok(heads()));
        assert_eq!(Heads::read(&Heads::default().write()), Ok(Heads::default()));
        let lines: Vec<&str> = text.lines().collect();
        let changed = [
            String::new(),
            text.replace("heads 1", "heads 2"),
            lines[..4].join("\n"),
            text.replace(" 2 02", " 3 02"),
            text.replace(" 1 01", " 1 0x"),
            format!("{text}x\n"),
        ];
        for text in changed {
            assert!(Heads::read(&text).is_err(), "{text}");
        }
    }
}
