//! Files of a backup: created for their owner only, hashed, and synced to disk before the manifest lists them.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use paygen_core::hash::hex;

use super::{BackupError, refuse};

/// Bytes read at a time.
pub(super) const PIECE_BYTES: usize = 256 << 10;

pub(super) fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.display().to_string();
    |error| BackupError::File { path, error }
}

/// Creates a directory, and its parents, for its owner only.
pub(super) fn make_directory(path: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))
}

/// Creates the directory of a backup, or accepts an existing empty one; returns its absolute path.
pub(super) fn make_empty(path: &Path) -> Result<PathBuf, BackupError> {
    make_directory(path)?;
    let absolute = path.canonicalize().map_err(failed(path))?;
    if absolute.read_dir().map_err(failed(path))?.next().is_some() {
        return refuse(format!(
            "{} is not empty. Name a directory that is absent or empty; one without a {} in it is a backup that was \
             cut short and can be deleted.",
            path.display(),
            super::MANIFEST
        ));
    }
    std::fs::set_permissions(&absolute, Permissions::from_mode(0o700)).map_err(failed(path))?;
    Ok(absolute)
}

/// Size and SHA-256 of streamed bytes.
pub(super) struct Seen {
    context: Context,
    size: u64,
}

impl Seen {
    pub(super) fn nothing() -> Seen {
        Seen { context: Context::new(&SHA256), size: 0 }
    }

    pub(super) fn add(&mut self, piece: &[u8]) {
        self.context.update(piece);
        self.size += piece.len() as u64;
    }

    pub(super) fn end(self) -> (u64, String) {
        (self.size, hex(self.context.finish().as_ref()))
    }
}

/// Size and SHA-256 of a file; `None` when it does not exist.
pub(super) fn look(path: &Path) -> Result<Option<(u64, String)>, BackupError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path)(error)),
    };
    let (mut seen, mut piece) = (Seen::nothing(), vec![0; PIECE_BYTES]);
    loop {
        match file.read(&mut piece).map_err(failed(path))? {
            0 => return Ok(Some(seen.end())),
            read => seen.add(&piece[..read]),
        }
    }
}

/// Creates a file that only its owner can read.
pub(super) fn make_file(path: &Path) -> Result<File, BackupError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed(path))
}

/// Syncs everything below a directory to disk, and its own entry in its parent.
pub(super) fn sync_tree(directory: &Path) -> Result<(), BackupError> {
    for entry in directory.read_dir().map_err(failed(directory))? {
        let path = entry.map_err(failed(directory))?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            sync(&path)?;
        }
    }
    sync(directory)?;
    directory.parent().map_or(Ok(()), sync)
}

fn sync(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(failed(path))
}

/// Writes a file atomically: it exists with all of its content, on disk, or not at all.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<(), BackupError> {
    let draft = path.with_extension("draft");
    let mut file = make_file(&draft)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed(&draft))?;
    std::fs::rename(&draft, path).map_err(failed(path))?;
    path.parent().map_or(Ok(()), sync)
}
