//! Sessions and the digests of their tokens. A session ends when its row goes: by revocation, by its user's deletion,
//! or some time after its end.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, QueryOrder, QuerySelect};

use super::super::Store;
use super::{json, users};
use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::account::{Account, AccountSession};

/// What ended is kept for so many seconds, so that a late client hears when it was.
const REMEMBERED: i64 = 7 * 86_400;
/// Access tokens of one session that hold at the same time.
const TOKENS: u64 = 16;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// UUID of the user.
    pub user_id: String,
    /// What it is for.
    pub purpose: String,
    /// Digest of the refresh token.
    #[sea_orm(unique)]
    pub refresh: Option<String>,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub expires_at: i64,
    /// Microseconds since 1970.
    pub last_used: Option<i64>,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Access tokens.
pub mod access {
    use sea_orm::entity::prelude::*;

    /// A row.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "access_tokens")]
    pub struct Model {
        /// Digest.
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: String,
        /// UUID of the session.
        pub session_id: String,
        /// Microseconds since 1970.
        pub expires_at: i64,
    }

    /// Relations: none.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A session to begin; tokens as digests.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The user.
    pub user: Uuid,
    /// What it is for.
    pub purpose: String,
    /// Access token.
    pub access: String,
    /// When that ends.
    pub access_ends: Timestamp,
    /// Refresh token, where there is one.
    pub refresh: Option<String>,
    /// When the session ends.
    pub ends: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}

/// What an access token stands for.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The session.
    pub session: AccountSession,
    /// Its user.
    pub account: Account,
    /// When the access token ends.
    pub ends: Timestamp,
}

/// The tables.
pub struct Sessions<'a>(pub(super) &'a Store);

impl Sessions<'_> {
    /// Begins a session.
    pub async fn begin(&self, new: NewSession) -> Result<Uuid> {
        let what = "store a session";
        let fail = |error: DbErr| self.0.failed(what, &error);
        // People name sessions by the beginning of the id, and ids that grow with time begin alike.
        let id = Uuid::new_v4();
        let transaction = self.0.begin(what).await?;
        let row = ActiveModel {
            id: Set(id.to_string()),
            user_id: Set(new.user.to_string()),
            purpose: Set(new.purpose),
            refresh: Set(new.refresh),
            created_at: Set(new.now.as_microsecond()),
            expires_at: Set(new.ends.as_microsecond()),
            last_used: Set(None),
        };
        Entity::insert(row).exec_without_returning(&transaction).await.map_err(fail)?;
        add_token(&transaction, id.to_string(), new.access, new.access_ends).await.map_err(fail)?;
        self.0.commit(what, transaction).await?;
        Ok(id)
    }

    /// What an access token stands for, also when it has ended.
    pub async fn holder(&self, access: &str) -> Result<Option<Holder>> {
        let fail = |error: DbErr| self.0.failed("read a session", &error);
        let token = access::Entity::find_by_id(access).one(&self.0.read).await.map_err(fail)?;
        let Some(token) = token else { return Ok(None) };
        let row = Entity::find_by_id(token.session_id).one(&self.0.read).await.map_err(fail)?;
        let Some(row) = row else { return Ok(None) };
        let Some(user) = users::Entity::find_by_id(&row.user_id).one(&self.0.read).await.map_err(fail)? else {
            return Ok(None);
        };
        let account = users::user(user)?.account;
        let session = session(row, &account.name)?;
        Ok(Some(Holder { session, account, ends: json::time(token.expires_at) }))
    }

    /// Adds an access token to the session of a refresh token that has not ended; the session's end, or nothing.
    pub async fn renew(
        &self,
        refresh: &str,
        access: String,
        wanted_end: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let what = "renew a session";
        let fail = |error: DbErr| self.0.failed(what, &error);
        let transaction = self.0.begin(what).await?;
        let found = Entity::find().filter(Column::Refresh.eq(refresh)).one(&transaction).await.map_err(fail)?;
        let Some(row) = found.filter(|row| row.expires_at > now.as_microsecond()) else { return Ok(None) };
        let end = json::time(row.expires_at).min(wanted_end);
        add_token(&transaction, row.id, access, end).await.map_err(fail)?;
        self.0.commit(what, transaction).await?;
        Ok(Some(end))
    }

    /// Ends the session of a token, be it access or refresh token; whether there was one.
    pub async fn revoke_token(&self, digests: &[String]) -> Result<bool> {
        let fail = |error: DbErr| self.0.failed("revoke a token", &error);
        let tokens = access::Entity::find().filter(access::Column::Hash.is_in(digests)).all(&self.0.read).await;
        let mut ids: Vec<String> = tokens.map_err(fail)?.into_iter().map(|token| token.session_id).collect();
        let rows = Entity::find().filter(Column::Refresh.is_in(digests)).all(&self.0.read).await.map_err(fail)?;
        ids.extend(rows.into_iter().map(|row| row.id));
        let done = Entity::delete_many().filter(Column::Id.is_in(ids)).exec(&self.0.write).await;
        done.map(|done| done.rows_affected > 0).map_err(fail)
    }

    /// Ends a session; whether there was one.
    pub async fn revoke(&self, id: Uuid) -> Result<bool> {
        let done = Entity::delete_by_id(id.to_string()).exec(&self.0.write).await;
        done.map(|done| done.rows_affected > 0).map_err(|error| self.0.failed("revoke a token", &error))
    }

    /// Ends every session of a user; how many there were.
    pub async fn revoke_all(&self, user: Uuid) -> Result<u64> {
        let done = Entity::delete_many().filter(Column::UserId.eq(user.to_string())).exec(&self.0.write).await;
        done.map(|done| done.rows_affected).map_err(|error| self.0.failed("revoke tokens", &error))
    }

    /// Sessions that have not ended, newest first; of one user, or of all.
    pub async fn list(&self, of: Option<&Account>, now: Timestamp) -> Result<Vec<AccountSession>> {
        let fail = |error: DbErr| self.0.failed("list sessions", &error);
        let mut select = Entity::find().filter(Column::ExpiresAt.gt(now.as_microsecond()));
        if let Some(account) = of {
            select = select.filter(Column::UserId.eq(account.id.to_string()));
        }
        let rows = select.order_by_desc(Column::CreatedAt).all(&self.0.read).await.map_err(fail)?;
        let names: std::collections::HashMap<String, String> = users::Entity::find()
            .select_only()
            .columns([users::Column::Id, users::Column::Name])
            .into_tuple()
            .all(&self.0.read)
            .await
            .map_err(fail)?
            .into_iter()
            .collect();
        let named = |row: Model| {
            let name = names.get(&row.user_id).cloned().unwrap_or_default();
            session(row, &name)
        };
        rows.into_iter().map(named).collect()
    }

    /// Notes a use.
    pub async fn used(&self, id: Uuid, now: Timestamp) -> Result<()> {
        let row = ActiveModel { last_used: Set(Some(now.as_microsecond())), ..Default::default() };
        let done = Entity::update_many().set(row).filter(Column::Id.eq(id.to_string())).exec(&self.0.write).await;
        done.map(drop).map_err(|error| self.0.failed("store a session", &error))
    }

    /// Drops what ended long ago.
    pub async fn trim(&self, now: Timestamp) -> Result<()> {
        let fail = |error: DbErr| self.0.failed("drop old sessions", &error);
        let since = now.as_microsecond() - REMEMBERED * 1_000_000;
        Entity::delete_many().filter(Column::ExpiresAt.lt(since)).exec(&self.0.write).await.map_err(fail)?;
        let old = access::Entity::delete_many().filter(access::Column::ExpiresAt.lt(since));
        old.exec(&self.0.write).await.map(drop).map_err(fail)
    }
}

/// Adds a token; the oldest beyond [`TOKENS`] of the session go.
async fn add_token<C: ConnectionTrait>(
    connection: &C,
    session: String,
    hash: String,
    ends: Timestamp,
) -> Result<(), DbErr> {
    use access::{ActiveModel as Row, Column as Of};
    let row = Row { hash: Set(hash), session_id: Set(session.clone()), expires_at: Set(ends.as_microsecond()) };
    access::Entity::insert(row).exec_without_returning(connection).await?;
    let surplus: Vec<String> = access::Entity::find()
        .select_only()
        .column(Of::Hash)
        .filter(Of::SessionId.eq(session))
        .order_by_desc(Of::ExpiresAt)
        .offset(TOKENS)
        .limit(1_000)
        .into_tuple()
        .all(connection)
        .await?;
    access::Entity::delete_many().filter(Of::Hash.is_in(surplus)).exec(connection).await.map(drop)
}

fn session(row: Model, user: &str) -> Result<AccountSession> {
    Ok(AccountSession {
        id: json::id(&row.id, "sessions")?,
        user: user.to_owned(),
        purpose: row.purpose,
        created_at: json::time(row.created_at),
        expires_at: json::time(row.expires_at),
        last_used: row.last_used.map(json::time),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::accounts;
    use super::super::users::Secret;
    use super::*;
    use crate::model::account::NewAccount;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn new(user: Uuid, access: &str, refresh: Option<&str>) -> NewSession {
        NewSession {
            user,
            purpose: "login".into(),
            access: access.into(),
            access_ends: at(1_000),
            refresh: refresh.map(str::to_owned),
            ends: at(10_000),
            now: at(0),
        }
    }

    #[tokio::test]
    async fn a_session_is_renewed_until_its_end_and_gone_when_revoked() {
        let (_dir, accounts) = accounts().await;
        let ada = NewAccount { name: "ada".into(), ..NewAccount::default() };
        let ada = accounts.users().create(&ada, Secret::None).await.unwrap();
        let sessions = accounts.sessions();
        sessions.begin(new(ada.id, "a1", Some("r"))).await.unwrap();
        let holder = sessions.holder("a1").await.unwrap().unwrap();
        assert_eq!((holder.account.name.as_str(), holder.ends), ("ada", at(1_000)));
        assert_eq!(sessions.renew("r", "a2".into(), at(3_000), at(2_000)).await.unwrap(), Some(at(3_000)));
        assert_eq!(sessions.renew("r", "a3".into(), at(99_000), at(9_000)).await.unwrap(), Some(at(10_000)));
        assert_eq!(sessions.renew("r", "a4".into(), at(99_000), at(10_000)).await.unwrap(), None, "it has ended");
        assert_eq!(sessions.renew("x", "a4".into(), at(3_000), at(2_000)).await.unwrap(), None);
        assert!(sessions.revoke_token(&["a2".into()]).await.unwrap());
        for token in ["a1", "a2", "a3"] {
            assert!(sessions.holder(token).await.unwrap().is_none(), "{token}");
        }
        assert!(!sessions.revoke_token(&["a2".into()]).await.unwrap());
    }

    #[tokio::test]
    async fn lists_leave_out_what_ended_and_sessions_go_with_their_user() {
        let (_dir, accounts) = accounts().await;
        let make = async |name: &str| {
            let new = NewAccount { name: name.into(), ..NewAccount::default() };
            accounts.users().create(&new, Secret::None).await.unwrap()
        };
        let (ada, bob) = (make("ada").await, make("bob").await);
        let sessions = accounts.sessions();
        sessions.begin(new(ada.id, "a", None)).await.unwrap();
        sessions.begin(new(bob.id, "b", None)).await.unwrap();
        assert_eq!(sessions.list(None, at(1)).await.unwrap().len(), 2);
        assert_eq!(sessions.list(Some(&ada), at(1)).await.unwrap()[0].user, "ada");
        assert!(sessions.list(None, at(20_000)).await.unwrap().is_empty());
        accounts.users().delete(ada.id).await.unwrap();
        assert!(sessions.holder("a").await.unwrap().is_none());
        sessions.trim(at(10_000 + REMEMBERED + 1)).await.unwrap();
        assert!(sessions.holder("b").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_session_has_a_bounded_number_of_tokens() {
        let (_dir, accounts) = accounts().await;
        let ada = NewAccount { name: "ada".into(), ..NewAccount::default() };
        let ada = accounts.users().create(&ada, Secret::None).await.unwrap();
        let sessions = accounts.sessions();
        sessions.begin(new(ada.id, "first", Some("r"))).await.unwrap();
        for round in 0..TOKENS {
            let end = at(2_000 + i64::try_from(round).unwrap());
            sessions.renew("r", format!("t{round}"), end, at(1_000)).await.unwrap();
        }
        assert!(sessions.holder("first").await.unwrap().is_none());
        assert!(sessions.holder("t0").await.unwrap().is_some());
    }
}
