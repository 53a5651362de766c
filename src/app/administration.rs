//! The desk of a provider's administrator, as the command line knows it.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::base::Result;
use crate::ctl::{Accounts, OneTimeCode};
use crate::model::account::{Account, AccountSession, NewAccount};
use crate::provider::desk::{self, Desk, Invitation};

/// The desk.
pub(super) struct Administration(pub Desk);

type Made = (Account, Option<OneTimeCode>);

fn shown((account, invitation): (Account, Option<Invitation>)) -> Made {
    (account, invitation.map(|made| OneTimeCode { code: made.code, expires_at: made.expires_at }))
}

impl Accounts for Administration {
    fn add(&self, new: NewAccount, password: Option<String>) -> BoxFuture<'_, Result<Made>> {
        async move { self.0.add(&new, password.as_deref()).await.map(shown) }.boxed()
    }

    fn reset(&self, name: String, password: Option<String>) -> BoxFuture<'_, Result<Made>> {
        async move { self.0.reset(&name, password.as_deref()).await.map(shown) }.boxed()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Account>>> {
        self.0.list().boxed()
    }

    fn delete(&self, name: String) -> BoxFuture<'_, Result<Account>> {
        async move { self.0.delete(&name).await }.boxed()
    }

    fn hash(&self, password: String) -> BoxFuture<'_, Result<String>> {
        async move { desk::hash(&password) }.boxed()
    }

    fn make_token(
        &self,
        user: String,
        purpose: String,
        lifetime: Duration,
    ) -> BoxFuture<'_, Result<(AccountSession, String)>> {
        async move { self.0.make_token(&user, &purpose, lifetime).await }.boxed()
    }

    fn tokens(&self, user: Option<String>) -> BoxFuture<'_, Result<Vec<AccountSession>>> {
        async move { self.0.tokens(user.as_deref()).await }.boxed()
    }

    fn revoke(&self, id: String) -> BoxFuture<'_, Result<AccountSession>> {
        async move { self.0.revoke(&id).await }.boxed()
    }
}
