//! Tokens: made, renewed, checked, ended. Only digests are stored.
//!
//! The refresh part stays the same for the whole session: planes hand new tokens back as cookies, which old clients
//! ignore, and their old token has to lead to a new one again and again.

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::SignedDuration;

use super::State;
use super::password::digest;
use crate::base::clock::{self, Timestamp};
use crate::base::{Code, Error, Result, id};
use crate::model::account::Account;
use crate::store::accounts::sessions::{Holder, NewSession};
use crate::wire::session_token::SessionToken;

/// How often a use is noted.
const NOTED: SignedDuration = SignedDuration::from_secs(60);

/// How long what is made holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetimes {
    /// The access part.
    pub access: Duration,
    /// The session.
    pub session: Duration,
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time).ok().and_then(|time| now.checked_add(time).ok()).unwrap_or(Timestamp::MAX)
}

/// A session to store, and the token that stands for it. Without `renewable` it ends with its access token.
pub(super) fn make(
    account: &Account,
    purpose: &str,
    lifetimes: Lifetimes,
    renewable: bool,
) -> Result<(NewSession, String)> {
    let now = clock::now();
    let (access, refresh) = (id::secret()?, if renewable { id::secret()? } else { String::new() });
    let session_end = after(now, lifetimes.session);
    let access_ends = after(now, lifetimes.access).min(session_end);
    let session = NewSession {
        user: account.id,
        purpose: purpose.to_owned(),
        access: digest(&access),
        access_ends,
        refresh: renewable.then(|| digest(&refresh)),
        ends: if renewable { session_end } else { access_ends },
        now,
    };
    Ok((session, SessionToken::write(&access, &refresh, access_ends)))
}

impl State {
    fn lifetimes(&self) -> Lifetimes {
        Lifetimes { access: self.settings.token_lifetime, session: self.settings.session_lifetime }
    }

    /// Begins the session of a login.
    pub(super) async fn begin_session(&self, account: &Account) -> Result<String> {
        let (session, token) = make(account, "login", self.lifetimes(), true)?;
        self.accounts.sessions().begin(session).await?;
        self.accounts.users().logged_in(account.id, clock::now()).await?;
        Ok(token)
    }

    /// A new token for one whose session has not ended.
    pub(super) async fn renew(&self, raw: &str) -> Result<String> {
        let refresh = refresh_part(raw).ok_or_else(|| refused("it cannot be renewed"))?;
        let (access, now) = (id::secret()?, clock::now());
        let wanted = after(now, self.settings.token_lifetime);
        let end = self.accounts.sessions().renew(&digest(&refresh), digest(&access), wanted, now).await?;
        let end = end.ok_or_else(|| refused("its session has ended or was revoked"))?;
        Ok(SessionToken::write(&access, &refresh, end))
    }

    /// Who holds a token, whole or its access part. [`Code::AuthSession`] says why nobody does.
    pub(super) async fn holder(&self, raw: &str) -> Result<Holder> {
        let token = SessionToken::parse(raw).map_err(refused)?;
        let found = self.accounts.sessions().holder(&digest(token.access())).await?;
        let holder = found.ok_or_else(|| refused("it is not known here, or was revoked"))?;
        let now = clock::now();
        if holder.ends <= now {
            return Err(refused(&format!("it expired at {}", holder.ends)));
        }
        if holder.account.state == crate::model::account::AccountState::Disabled {
            return Err(refused("its user is disabled"));
        }
        let noted = holder.session.last_used.is_some_and(|used| now.duration_since(used) < NOTED);
        if !noted {
            self.accounts.sessions().used(holder.session.id, now).await?;
        }
        Ok(holder)
    }

    /// Who sent a request.
    pub(super) async fn sender(&self, headers: &HeaderMap) -> Result<Holder> {
        self.holder(&bearer(headers).ok_or_else(|| refused("none came with the request"))?).await
    }

    /// Ends the session of a token; whether there was one.
    pub(super) async fn revoke(&self, raw: &str) -> Result<bool> {
        let Ok(token) = SessionToken::parse(raw) else { return Ok(false) };
        let digests: Vec<String> = [Some(token.access().to_owned()), refresh_part(raw)]
            .into_iter()
            .flatten()
            .map(|part| digest(&part))
            .collect();
        self.accounts.sessions().revoke_token(&digests).await
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn refresh_part(raw: &str) -> Option<String> {
    SessionToken::parse(raw).ok()?.refresh().map(str::to_owned)
}

fn refused(reason: &str) -> Error {
    Error::new(Code::AuthSession, "the token does not hold").because(reason)
}
