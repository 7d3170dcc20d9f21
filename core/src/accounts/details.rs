//! Detail records: bank accounts and wallet addresses of an account.
//!
//! The account's row names the primary record of each type, so that changing it needs no search.

use std::sync::Arc;

use crate::accounts::check_digits::check;
use crate::accounts::{Account, AccountStatus, Detail, DetailType, DetailView, find_for_update};
use crate::fields::{Echo, check_read_only, check_version, unless_empty};
use crate::ids::{AccountId, ClientId, DetailId, Id};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Attaches a detail record to an account.
#[derive(Clone, Debug)]
pub struct CreateDetail {
    pub account: AccountId,
    pub kind: DetailType,
    /// A free-form JSON object.
    pub details: Option<String>,
    pub provider: Option<String>,
    /// By default, the first record of its type is the primary one.
    pub is_primary: Option<bool>,
}

/// Changes a detail record; `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug, Default)]
pub struct UpdateDetail {
    pub account: AccountId,
    pub id: DetailId,
    pub kind: Option<DetailType>,
    /// A free-form JSON object; replaces the stored one.
    pub details: Option<Option<String>>,
    pub provider: Option<Option<String>>,
    pub is_primary: Option<bool>,
    /// Read-only fields that were sent; they must equal the stored ones.
    pub echo: Echo,
    pub if_match: Option<i64>,
}

/// Removes a detail record from an account.
#[derive(Clone, Debug)]
pub struct DeleteDetail {
    pub account: AccountId,
    pub id: DetailId,
    pub if_match: Option<i64>,
}

impl Verb for CreateDetail {
    type Answer = DetailView;

    fn home(&self) -> Option<Id> {
        Some(self.account.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.accounts.prefetch(Key::of(client, self.account.0), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<DetailView, Stop> {
        create_detail(work, self)
    }
}

fn create_detail(work: &mut Work, command: &CreateDetail) -> Result<DetailView, Stop> {
    let account = open_account(work, command.account)?;
    if let Some(details) = &command.details {
        check(details)?;
    }
    let primary = command.is_primary.unwrap_or(account.primary(command.kind).is_none());
    let former = if primary { former_primary(work, &account, command.kind)? } else { None };

    let now = work.now();
    let detail = Detail {
        client: work.client(),
        id: DetailId(work.new_id()),
        account: command.account,
        kind: command.kind,
        details: unless_empty(command.details.clone()),
        provider: command.provider.clone(),
        is_primary: primary,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    if primary {
        crown(work, &account, &detail, former);
    }
    work.details.put(detail.clone());
    Ok(DetailView::of(&detail))
}

impl Verb for UpdateDetail {
    type Answer = DetailView;

    fn home(&self) -> Option<Id> {
        Some(self.account.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<DetailView, Stop> {
        update_detail(work, self)
    }
}

fn update_detail(work: &mut Work, command: &UpdateDetail) -> Result<DetailView, Stop> {
    let account = open_account(work, command.account)?;
    let detail = find(work, command.account, command.id)?;
    check_version(command.if_match, detail.version)?;
    check_read_only(&command.echo, &DetailView::of(&detail))?;
    let mut changed = (*detail).clone();
    if let Some(kind) = command.kind {
        changed.kind = kind;
    }
    if let Some(details) = &command.details {
        changed.details = unless_empty(details.clone());
    }
    if let Some(provider) = &command.provider {
        changed.provider.clone_from(provider);
    }
    if let Some(is_primary) = command.is_primary {
        changed.is_primary = is_primary;
    }
    if let Some(details) = &changed.details {
        check(details)?;
    }
    if changed == *detail {
        return Ok(DetailView::of(&detail));
    }
    let former = if changed.is_primary { former_primary(work, &account, changed.kind)? } else { None };
    let former = former.filter(|former| former.id != detail.id);

    changed.version += 1;
    changed.updated_at = work.now();
    let mut owner = (*account).clone();
    if detail.is_primary {
        owner.set_primary(detail.kind, None);
    }
    if changed.is_primary {
        crown(work, &owner, &changed, former);
    } else if owner != *account {
        work.accounts.put(owner);
    }
    work.details.put(changed.clone());
    Ok(DetailView::of(&changed))
}

impl Verb for DeleteDetail {
    type Answer = DetailView;

    fn home(&self) -> Option<Id> {
        Some(self.account.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<DetailView, Stop> {
        delete_detail(work, self)
    }
}

fn delete_detail(work: &mut Work, command: &DeleteDetail) -> Result<DetailView, Stop> {
    let account = find_for_update(work, command.account)?;
    let detail = find(work, command.account, command.id)?;
    check_version(command.if_match, detail.version)?;
    if detail.is_primary {
        let mut owner = (*account).clone();
        owner.set_primary(detail.kind, None);
        work.accounts.put(owner);
    }
    work.details.delete(Key::of(work.client(), command.id.0));
    Ok(DetailView::of(&detail))
}

fn open_account(work: &mut Work, id: AccountId) -> Result<Arc<Account>, Stop> {
    let account = find_for_update(work, id)?;
    if account.status == AccountStatus::Closed {
        return Err(Refusal::AccountClosed.into());
    }
    Ok(account)
}

fn find(work: &mut Work, account: AccountId, id: DetailId) -> Result<Arc<Detail>, Stop> {
    let found = work.details.get_for_update(Key::of(work.client(), id.0))?;
    Ok(found.filter(|detail| detail.account == account).ok_or(Refusal::DetailNotFound)?)
}

fn former_primary(work: &mut Work, account: &Account, kind: DetailType) -> Result<Option<Arc<Detail>>, Stop> {
    match account.primary(kind) {
        Some(id) => work.details.get_for_update(Key::of(work.client(), id.0)),
        None => Ok(None),
    }
}

fn crown(work: &mut Work, account: &Account, detail: &Detail, former: Option<Arc<Detail>>) {
    if let Some(former) = former {
        let (version, updated_at) = (former.version + 1, work.now());
        work.details.put(Detail { is_primary: false, version, updated_at, ..(*former).clone() });
    }
    let mut owner = account.clone();
    owner.set_primary(detail.kind, Some(detail.id));
    work.accounts.put(owner);
}
