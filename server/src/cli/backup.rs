//! `paygen backup` and `paygen restore`: everything but the key file, into and out of a directory.

use std::path::Path;
use std::process::ExitCode;

use super::Failure;
use super::progress::Progress;
use crate::backup;
use crate::config::Config;

/// Takes a backup, also beside a running server.
pub(super) async fn take(config: &Config, to: &Path) -> Result<ExitCode, Failure> {
    let progress = Progress::with("Backing up");
    let taken = backup::take(config, to, &|count| progress.at(count, "documents")).await?;
    drop(progress);
    println!("Backed up to {}:", to.display());
    print(&taken.manifest);
    match (&taken.manifest.key_file, &taken.unverified) {
        (Some(id), _) => {
            println!("It is opened by the key file with the id {id}, which is not in it: keep that file apart.");
        }
        (None, Some(why)) => eprintln!("It is whole, but whether the key file opens it was not proved: {why}."),
        (None, None) => {}
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn restore(config: &Config, from: &Path) -> Result<ExitCode, Failure> {
    let progress = Progress::with("Restoring");
    let backup::Restored { manifest, is_authentic } =
        backup::restore(config, from, &|count| progress.at(count, "documents")).await?;
    drop(progress);
    println!("Restored from {}, taken at {}:", from.display(), manifest.made_at);
    print(&manifest);
    if !is_authentic {
        eprintln!(
            "WARNING: the backup has no MAC under the key file, as those of earlier versions and those taken without the \
             key file at hand. Its files are what its manifest says, but whoever could write to it could write another \
             manifest: go on only if nobody could."
        );
    }
    if !manifest.erased.is_empty() {
        println!("These card holders were erased while the backup was taken. Erase them again:");
        let mut holders: Vec<_> = manifest.erased.iter().map(|one| (&one.client, &one.card_holder)).collect();
        holders.sort();
        holders.dedup();
        for (client, holder) in holders {
            println!("  {holder} of client {client}");
        }
    }
    println!("Prove it before you serve: `paygen ledger verify` with the same settings.");
    Ok(ExitCode::SUCCESS)
}

fn print(manifest: &backup::Manifest) {
    let (documents, bytes) = (manifest.documents(), manifest.bytes());
    println!("{}, schema {}, {documents} documents, {bytes} bytes.", manifest.store, manifest.schema_number());
}
