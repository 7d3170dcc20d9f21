//! An update of a card holder while their data is open: read, merged, and sealed again only when it changed. The
//! command names the version it was made from, and is made again when the stored version has changed.

use paygen_core::Refusal;
use paygen_core::card_holders::{CardHolder, CardHolderView, DocumentPart, Personal, UpdateCardHolder};
use paygen_vault::HolderKey;

use super::{merge, refuse};
use crate::Api;
use crate::body::Faults;
use crate::problem::Problem;
use crate::write::Write;
use paygen_app::personal;

/// A card holder being updated.
pub struct Draft {
    holder: CardHolder,
    before: Personal,
    pub key: HolderKey,
    /// Their present view.
    pub shown: CardHolderView,
    /// Their data, to be merged into.
    pub personal: Personal,
    /// The command, to be filled.
    pub command: UpdateCardHolder,
}

impl Draft {
    /// Begins an update of a card holder, who must have the version the caller read.
    pub fn of(app: &Api, holder: CardHolder, write: &Write) -> Result<Draft, Problem> {
        if write.if_match.is_some_and(|version| version != holder.version) {
            return Err(Refusal::VersionMismatch { current: holder.version }.into());
        }
        let key = key(app, &holder)?;
        let before = personal::open(&app.vault, &holder)?;
        let command = UpdateCardHolder {
            id: holder.id,
            based_on: Some(holder.version),
            if_match: write.if_match,
            ..UpdateCardHolder::default()
        };
        let shown = CardHolderView::of(&holder, &before, app.clock.now());
        Ok(Draft { personal: before.clone(), before, key, shown, command, holder })
    }

    /// The command, unless there are faults.
    pub fn finish(mut self, app: &Api, mut faults: Faults) -> Result<(UpdateCardHolder, HolderKey), Problem> {
        merge::check(&self.personal, app.clock.now(), &mut faults);
        if !faults.is_empty() {
            return Err(refuse(faults));
        }
        if self.personal != self.before {
            let (new, old) = (&self.personal.identification, &self.before.identification);
            self.command.document_changed = new.document != old.document;
            self.command.proof_changed = new.proof_of_address != old.proof_of_address;
            let files = &self.holder.files;
            let has_document = files.main.is_some() || files.back.is_some();
            let comes = |wanted: fn(DocumentPart) -> bool| self.command.documents.iter().any(|new| wanted(new.part));
            let is_proof = |part| part == DocumentPart::ProofOfAddress;
            let has = (
                has_document || comes(|part| part != DocumentPart::ProofOfAddress),
                files.proof.is_some() || comes(is_proof),
            );
            let (client, id) = (self.holder.client, self.holder.id);
            self.command.personal = Some(personal::seal(&app.vault, client, id, &self.key, &self.personal, has));
        }
        Ok((self.command, self.key))
    }
}

/// The key of a card holder, who must not be erased.
pub fn key(app: &Api, holder: &CardHolder) -> Result<HolderKey, Problem> {
    Ok(personal::key(&app.vault, holder)?.ok_or(Refusal::CardHolderErased)?)
}
