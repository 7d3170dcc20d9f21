//! Key providers: they hold the key that wraps the data keys.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::{VaultError, random_bytes, seal};

/// Holds a key that never leaves it, and wraps data keys with it.
pub trait KeyProvider: Send + Sync {
    /// Identifies the key, so that data keys wrapped by another one are recognized.
    fn key_id(&self) -> &str;

    /// Wraps a data key for a place.
    fn wrap(&self, plain: &[u8; 32], place: &[&[u8]]) -> Result<Vec<u8>, VaultError>;

    /// Unwraps the output of [`KeyProvider::wrap`] for the same place.
    fn unwrap(&self, wrapped: &[u8], place: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, VaultError>;
}

/// A key in a file that only its owner can read.
pub struct FileKeyProvider {
    id: String,
    key: Zeroizing<[u8; 32]>,
}

const HEADING: &str = "paygen-key-1";

impl FileKeyProvider {
    /// Opens the file, or creates it with a new random key.
    pub fn open_or_create(path: &Path) -> Result<FileKeyProvider, VaultError> {
        if path.exists() {
            return FileKeyProvider::open(path);
        }
        // Of two processes that start at the same time, one creates the file.
        FileKeyProvider::draw(path)?.map_or_else(|| FileKeyProvider::open(path), Ok)
    }

    /// Creates the file with a new random key; refuses to replace an existing one, or to create its directory.
    pub fn create(path: &Path) -> Result<FileKeyProvider, VaultError> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty())
            && !directory.is_dir()
        {
            return Err(fault(path, format!("the directory {} does not exist; create it first", directory.display())));
        }
        let made = FileKeyProvider::draw(path)?;
        made.ok_or_else(|| {
            fault(path, "it is there already, and what is sealed under it opens with it alone".to_owned())
        })
    }

    /// Creates the file, unless it exists.
    fn draw(path: &Path) -> Result<Option<FileKeyProvider>, VaultError> {
        let failed = |error: std::io::Error| fault(path, format!("it cannot be made: {error}"));
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let key = Zeroizing::new(random_bytes::<32>());
        let id: String = random_bytes::<4>().iter().map(|byte| format!("{byte:02x}")).collect();
        let text = Zeroizing::new(format!("{HEADING} {id} {}\n", STANDARD.encode(*key)));
        // The content is written to a temporary file and linked into place, so that a process starting at the same time
        // does not read half a key.
        let draft = path.with_extension(format!("draft-{id}"));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        let linked = std::fs::hard_link(&draft, path);
        std::fs::remove_file(&draft).map_err(failed)?;
        match linked {
            Ok(()) => Ok(Some(FileKeyProvider { id, key })),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Authenticates bytes: HMAC-SHA-256 under a key derived from the file's key for this use alone.
    pub fn authenticate(&self, what: &str, bytes: &[u8]) -> [u8; 32] {
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&self.voucher(what), bytes).as_ref());
        tag
    }

    /// Verifies the tag of [`FileKeyProvider::authenticate`].
    pub fn is_authentic(&self, what: &str, bytes: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.voucher(what), bytes, tag).is_ok()
    }

    fn voucher(&self, what: &str) -> hmac::Key {
        let derived =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*self.key), format!("paygen voucher {what}").as_bytes());
        hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
    }

    /// Opens the file.
    pub fn open(path: &Path) -> Result<FileKeyProvider, VaultError> {
        let unreadable = |error: std::io::Error| fault(path, format!("it cannot be read: {error}"));
        let mode = File::open(path).and_then(|file| file.metadata()).map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(fault(path, "others can read it. Run `chmod 600` on it.".to_owned()));
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(unreadable)?);
        let malformed = || fault(path, format!("it is not a Paygen key file (`{HEADING} <id> <base64 of 32 bytes>`)"));
        let mut words = text.split_whitespace();
        let (heading, id, encoded) = (words.next(), words.next(), words.next());
        let (Some(HEADING), Some(id), Some(encoded), None) = (heading, id, encoded, words.next()) else {
            return Err(malformed());
        };
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| malformed())?);
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| malformed())?;
        Ok(FileKeyProvider { id: id.to_owned(), key: Zeroizing::new(key) })
    }
}

impl KeyProvider for FileKeyProvider {
    fn key_id(&self) -> &str {
        &self.id
    }

    fn wrap(&self, plain: &[u8; 32], place: &[&[u8]]) -> Result<Vec<u8>, VaultError> {
        seal::seal(&self.key, place, plain)
    }

    fn unwrap(&self, wrapped: &[u8], place: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let plain = seal::open(&self.key, place, wrapped)?;
        let key = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| VaultError::CannotOpen)?;
        Ok(Zeroizing::new(key))
    }
}

fn fault(path: &Path, why: String) -> VaultError {
    VaultError::KeyFile { path: path.display().to_string(), why }
}
