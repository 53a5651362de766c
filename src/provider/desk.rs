//! What an administrator does with users and tokens, on the database itself: it works while the provider runs and while
//! it does not.

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;

use super::{database, password, tokens, users_file};
use crate::base::clock::{self, Timestamp};
use crate::base::{Code, Error, Result, text};
use crate::model::account::{Account, AccountSession, NewAccount};
use crate::store::accounts::Accounts;
use crate::store::accounts::users::Secret;

/// How long a one-time code holds.
const CODE_HOLDS: SignedDuration = SignedDuration::from_hours(72);

/// A one-time code; shown once, kept nowhere.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The code.
    pub code: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The desk of an administrator.
pub struct Desk {
    accounts: Accounts,
}

impl Desk {
    /// Opens the database in a provider's data folder.
    pub async fn open(data: &Path) -> Result<Self> {
        Ok(Self { accounts: Accounts::open(&database(data)).await? })
    }

    /// Makes a user, with a password or else with a one-time code.
    pub async fn add(&self, new: &NewAccount, chosen: Option<&str>) -> Result<(Account, Option<Invitation>)> {
        users_file::check_name(&new.name)?;
        let (secret, invitation) = secret(&new.name, chosen)?;
        Ok((self.accounts.users().create(new, secret).await?, invitation))
    }

    /// Gives a user a one-time code, or a password, instead of what they had, and ends their sessions.
    pub async fn reset(&self, name: &str, chosen: Option<&str>) -> Result<(Account, Option<Invitation>)> {
        let account = self.find(name).await?;
        let (secret, invitation) = secret(&account.name, chosen)?;
        self.accounts.users().set_secret(account.id, secret).await?;
        self.accounts.sessions().revoke_all(account.id).await?;
        Ok((self.find(name).await?, invitation))
    }

    /// Every user, by name.
    pub async fn list(&self) -> Result<Vec<Account>> {
        self.accounts.users().list().await
    }

    /// Deletes a user with all they keep.
    pub async fn delete(&self, name: &str) -> Result<Account> {
        let account = self.find(name).await?;
        self.accounts.users().delete(account.id).await?;
        Ok(account)
    }

    /// Makes a token for a program. It ends after `lifetime` and cannot be renewed.
    pub async fn make_token(&self, name: &str, purpose: &str, lifetime: Duration) -> Result<(AccountSession, String)> {
        let account = self.find(name).await?;
        let lifetimes = tokens::Lifetimes { access: lifetime, session: lifetime };
        let (session, token) = tokens::make(&account, purpose, lifetimes, false)?;
        let id = self.accounts.sessions().begin(session).await?;
        let all = self.tokens(Some(name)).await?;
        let made = all.into_iter().find(|session| session.id == id);
        made.map(|session| (session, token)).ok_or_else(|| {
            Error::new(Code::UsageError, "the token would have ended at once").remedy("Give it a longer --lifetime.")
        })
    }

    /// Sessions that have not ended; of one user, or of all.
    pub async fn tokens(&self, user: Option<&str>) -> Result<Vec<AccountSession>> {
        let account = match user {
            Some(name) => Some(self.find(name).await?),
            None => None,
        };
        self.accounts.sessions().list(account.as_ref(), clock::now()).await
    }

    /// Ends a session, named by its id or the beginning of it.
    pub async fn revoke(&self, id: &str) -> Result<AccountSession> {
        let all = self.tokens(None).await?;
        let mut found = all.into_iter().filter(|session| !id.is_empty() && session.id.to_string().starts_with(id));
        let unknown = || Error::new(Code::AccountNotFound, format!("there is no token `{id}`"));
        let session = found.next().ok_or_else(unknown)?;
        if found.next().is_some() {
            return Err(Error::new(Code::UsageError, format!("several tokens begin with `{id}`"))
                .remedy("Give more of the id."));
        }
        self.accounts.sessions().revoke(session.id).await?;
        Ok(session)
    }

    async fn find(&self, name: &str) -> Result<Account> {
        if let Some(user) = self.accounts.users().find(name).await? {
            return Ok(user.account);
        }
        let all = self.list().await?;
        let error = Error::new(Code::AccountNotFound, format!("there is no user `{name}`"));
        Err(error.details(text::did_you_mean(name, all.iter().map(|account| account.name.as_str()))))
    }
}

/// What a user is to log in with: a password that was chosen, else a one-time code.
fn secret(name: &str, chosen: Option<&str>) -> Result<(Secret, Option<Invitation>)> {
    if let Some(chosen) = chosen {
        password::check(chosen, name)?;
        return Ok((Secret::Password(password::hash(chosen)?), None));
    }
    let code = password::code()?;
    let expires_at = clock::now().checked_add(CODE_HOLDS).unwrap_or(Timestamp::MAX);
    Ok((Secret::Code(password::code_digest(&code), expires_at), Some(Invitation { code, expires_at })))
}

/// The hash of a password, for the users' file.
pub fn hash(chosen: &str) -> Result<String> {
    password::check(chosen, "")?;
    password::hash(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::account::AccountState;

    #[tokio::test]
    async fn users_are_made_reset_and_deleted_and_their_tokens_end() {
        let dir = tempfile::tempdir().unwrap();
        let desk = Desk::open(dir.path()).await.unwrap();
        let new = NewAccount { name: "ada".into(), ..NewAccount::default() };
        let (ada, invitation) = desk.add(&new, None).await.unwrap();
        assert_eq!((ada.state, invitation.unwrap().code.len()), (AccountState::Invited, 23));
        assert_eq!(desk.add(&new, Some("correct horse")).await.unwrap_err().code(), Code::AccountExists);
        assert_eq!(desk.reset("ada", Some("short")).await.unwrap_err().code(), Code::UsageError);
        let (session, token) = desk.make_token("ada", "ci", Duration::from_mins(1)).await.unwrap();
        assert_eq!((session.purpose.as_str(), session.user.as_str()), ("ci", "ada"));
        assert!(!token.is_empty());
        assert_eq!(desk.revoke(&session.id.to_string()[..8]).await.unwrap().id, session.id);
        assert_eq!(desk.revoke("").await.unwrap_err().code(), Code::AccountNotFound);
        desk.make_token("ada", "ci", Duration::from_mins(1)).await.unwrap();
        assert_eq!(desk.reset("ada", Some("correct horse")).await.unwrap().0.state, AccountState::Active);
        assert!(desk.tokens(Some("ada")).await.unwrap().is_empty(), "a reset ends sessions");
        assert!(desk.delete("adda").await.unwrap_err().report().details[0].contains("ada"));
        desk.delete("ada").await.unwrap();
        assert!(desk.list().await.unwrap().is_empty());
    }
}
