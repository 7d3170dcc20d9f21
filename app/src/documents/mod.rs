//! Documents of card holders: sealed under the card holder's key, in a directory or an S3 bucket.
//!
//! A file is written to `staging/` while it is read and checked, piece by piece. The commit of its command makes it
//! valid, and it is then moved to `documents/`. In between it is read from `staging/`. Files that a stopped process
//! left in `staging/` are moved or deleted by the sweeper, so none is lost and none remains.

mod check;
mod jpeg;
mod pdf;
mod png;
mod size;
pub mod sweep;

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use paygen_core::ids::{CardHolderId, ClientId, DocumentId, Id};
use paygen_core::time::Instant;
use paygen_vault::{FileSealer, HolderKey};

pub use check::{ACCEPTED, Checker};

/// Why a document could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    #[error("documents_url (PAYGEN_DOCUMENTS_URL) must be s3://bucket/prefix or file:///directory: {0}")]
    Setting(String),
    #[error("the directory of documents {0}: {1}")]
    Directory(String, std::io::Error),
    #[error("the document store: {0}")]
    Store(#[from] object_store::Error),
}

/// The address of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub client: ClientId,
    pub card_holder: CardHolderId,
    pub document: DocumentId,
}

impl Place {
    fn path(&self, area: &str) -> Path {
        Path::from(format!("{area}/{}/{}/{}", self.client, self.card_holder, self.document))
    }

    /// Parses a path that ends in client, card holder and document.
    pub fn parse(path: &Path) -> Option<Place> {
        let parts: Vec<String> = path.parts().map(|part| part.as_ref().to_owned()).collect();
        let [_, client, card_holder, document] = parts.as_slice() else { return None };
        Some(Place {
            client: ClientId(Id::parse(client)?),
            card_holder: CardHolderId(Id::parse(card_holder)?),
            document: DocumentId(Id::parse(document)?),
        })
    }
}

const STAGING: &str = "staging";
const SETTLED: &str = "documents";

/// The store of documents; clones share it.
#[derive(Clone, Debug)]
pub struct Documents {
    store: Arc<dyn ObjectStore>,
    /// Bytes written at a time: S3 takes no part smaller than 5 MiB, except the last.
    piece: usize,
}

impl Documents {
    /// Opens the store that the setting names, or the directory when there is no setting.
    pub fn open(url: Option<&str>, directory: std::path::PathBuf) -> Result<Documents, DocumentsError> {
        let Some(text) = url else { return Documents::local(directory) };
        let wrong = |why: String| DocumentsError::Setting(why);
        let url = url::Url::parse(text).map_err(|error| wrong(error.to_string()))?;
        match url.scheme() {
            "file" => Documents::local(url.to_file_path().map_err(|()| wrong("it names no directory".to_owned()))?),
            "s3" => {
                let bucket = url.host_str().ok_or_else(|| wrong("it names no bucket".to_owned()))?;
                let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build()?;
                let prefix = url.path().trim_matches('/').to_owned();
                Ok(Documents { store: Arc::new(PrefixStore::new(store, prefix)), piece: 5 << 20 })
            }
            other => Err(wrong(format!("{other}:// is neither"))),
        }
    }

    fn local(directory: std::path::PathBuf) -> Result<Documents, DocumentsError> {
        let failed = |error| DocumentsError::Directory(directory.display().to_string(), error);
        std::fs::create_dir_all(&directory).map_err(failed)?;
        let store = LocalFileSystem::new_with_prefix(&directory)?.with_automatic_cleanup(true).with_fsync(true);
        Ok(Documents { store: Arc::new(store), piece: 256 << 10 })
    }

    /// Begins writing a document to staging.
    pub async fn stage(&self, place: Place, key: &HolderKey) -> Result<Staging, DocumentsError> {
        let upload = self.store.put_multipart(&place.path(STAGING)).await?;
        let writer = WriteMultipart::new_with_chunk_size(upload, self.piece);
        Ok(Staging { writer, sealer: key.seal_file(place.document.0.bytes()) })
    }

    /// Moves a staged document to its final place, after the commit of its command.
    pub async fn settle(&self, place: Place) -> Result<(), DocumentsError> {
        Ok(self.store.rename(&place.path(STAGING), &place.path(SETTLED)).await?)
    }

    /// Deletes a staged document, if it exists.
    pub async fn discard(&self, place: Place) -> Result<(), DocumentsError> {
        match self.store.delete(&place.path(STAGING)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes every document of a card holder.
    pub async fn delete_all(&self, client: ClientId, card_holder: CardHolderId) -> Result<(), DocumentsError> {
        for area in [STAGING, SETTLED] {
            let prefix = Path::from(format!("{area}/{client}/{card_holder}"));
            let mut found = self.store.list(Some(&prefix));
            while let Some(object) = found.next().await {
                self.store.delete(&object?.location).await?;
            }
        }
        Ok(())
    }

    /// A document, sealed; `None` when it does not exist.
    pub async fn read(
        &self,
        place: Place,
    ) -> Result<Option<BoxStream<'static, Result<bytes::Bytes, object_store::Error>>>, DocumentsError> {
        // It may be moved between the first two look-ups, so the final place is tried again.
        for area in [SETTLED, STAGING, SETTLED] {
            match self.store.get(&place.path(area)).await {
                Ok(found) => return Ok(Some(found.into_stream())),
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Writes a sealed document to its final place, replacing an existing one.
    pub async fn put(&self, place: Place, mut sealed: std::fs::File) -> Result<(), DocumentsError> {
        let upload = self.store.put_multipart(&place.path(SETTLED)).await?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, self.piece);
        let mut piece = vec![0; self.piece];
        loop {
            let read = match sealed.read(&mut piece) {
                Ok(read) => read,
                Err(error) => {
                    writer.abort().await?;
                    return Err(object_store::Error::Generic { store: "a file", source: error.into() }.into());
                }
            };
            if read == 0 {
                break;
            }
            writer.wait_for_capacity(1).await?;
            writer.write(&piece[..read]);
        }
        writer.finish().await?;
        Ok(())
    }

    /// Any document whose id is not in this set.
    pub async fn find_except(&self, except: &HashSet<DocumentId>) -> Result<Option<Place>, DocumentsError> {
        for area in [STAGING, SETTLED] {
            let mut found = self.store.list(Some(&Path::from(area)));
            while let Some(object) = found.next().await {
                let place = Place::parse(&object?.location);
                if let Some(place) = place.filter(|place| !except.contains(&place.document)) {
                    return Ok(Some(place));
                }
            }
        }
        Ok(None)
    }

    /// The documents that were staged before an instant.
    pub async fn staged_before(&self, before: Instant) -> Result<Vec<Place>, DocumentsError> {
        let mut places = Vec::new();
        let mut found = self.store.list(Some(&Path::from(STAGING)));
        while let Some(object) = found.next().await {
            let object = object?;
            if object.last_modified.timestamp_micros() < before.micros() {
                places.extend(Place::parse(&object.location));
            }
        }
        Ok(places)
    }
}

/// A document being written to staging.
pub struct Staging {
    writer: WriteMultipart,
    sealer: FileSealer,
}

impl Staging {
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), DocumentsError> {
        let sealed = self.sealer.push(bytes);
        // One piece is uploaded while the next one is filled, which bounds the memory to two pieces.
        self.writer.wait_for_capacity(1).await?;
        self.writer.write(&sealed);
        Ok(())
    }

    /// Completes the document; it is then durable in staging.
    pub async fn finish(mut self) -> Result<(), DocumentsError> {
        let sealed = self.sealer.finish();
        self.writer.write(&sealed);
        self.writer.finish().await?;
        Ok(())
    }

    /// Discards the document.
    pub async fn abort(self) {
        if let Err(error) = self.writer.abort().await {
            tracing::warn!(error = %error, "an aborted upload may have left parts in the store");
        }
    }
}
