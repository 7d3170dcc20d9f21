//! Sessions after they were opened: seen, ended, shown another client.

use super::Session;
use crate::ids::{ClientId, Id, SessionId, UserId};
use crate::record::Key;
use crate::refusal::Stop;
use crate::table::Access;
use crate::time::Instant;
use crate::verb::Verb;
use crate::work::Work;

fn key(id: SessionId) -> Key {
    Key::of(ClientId::INSTALLATION, id.0)
}

/// A request in a session.
#[derive(Clone, Copy, Debug)]
pub struct SessionUse {
    pub id: SessionId,
    /// Wall time.
    pub at: Instant,
    /// The client that is shown from now on.
    pub client: Option<ClientId>,
}

/// Records when sessions were last used, and which client they show.
#[derive(Clone, Debug)]
pub struct TouchSessions {
    /// At most one per session.
    pub uses: Vec<SessionUse>,
}

/// Ends sessions.
#[derive(Clone, Debug)]
pub struct EndSessions {
    pub ids: Vec<SessionId>,
    /// Only sessions of this user.
    pub user: Option<UserId>,
}

pub(super) fn prefetch(work: &mut Work, ids: &[SessionId]) {
    ids.iter().for_each(|id| work.sessions.prefetch(key(*id), Access::Exclusive));
}

/// Those of the sessions that exist and are the user's, for update.
pub(super) fn of_user(work: &mut Work, ids: &[SessionId], user: UserId) -> Result<Vec<Key>, Stop> {
    let mut found = Vec::new();
    for id in ids {
        let session = work.sessions.get_for_update(key(*id))?;
        found.extend(session.filter(|session| session.user == user).map(|_| key(*id)));
    }
    Ok(found)
}

impl Verb for TouchSessions {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        self.uses.iter().for_each(|seen| work.sessions.prefetch(key(seen.id), Access::Exclusive));
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let mut changed = Vec::new();
        for seen in &self.uses {
            let Some(session) = work.sessions.get_for_update(key(seen.id))? else { continue };
            let client = seen.client.unwrap_or(session.client);
            changed.push(Session { seen_at: session.seen_at.max(seen.at), client, ..(*session).clone() });
        }
        let count = changed.len() as u64;
        changed.into_iter().for_each(|session| work.sessions.put(session));
        Ok(count)
    }
}

impl Verb for EndSessions {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        prefetch(work, &self.ids);
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let mut ended = Vec::new();
        for id in &self.ids {
            let found = work.sessions.get_for_update(key(*id))?;
            let fits = found.filter(|session| self.user.is_none_or(|user| user == session.user));
            ended.extend(fits.map(|_| *id));
        }
        ended.iter().for_each(|id| work.sessions.delete(key(*id)));
        Ok(ended.len() as u64)
    }
}
