//! Users.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, QueryOrder};

use super::super::Store;
use super::json;
use crate::base::clock::{self, Timestamp};
use crate::base::{Code, Error, Result, id};
use crate::model::account::{Account, AccountState, NewAccount};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Name as it was given.
    pub name: String,
    /// Name in small letters, by which users are told apart.
    #[sea_orm(unique)]
    pub name_key: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Mail address.
    pub email: String,
    /// Hash of the password.
    pub password: Option<String>,
    /// Digest of the one-time code.
    pub code: Option<String>,
    /// Microseconds since 1970.
    pub code_expires_at: Option<i64>,
    /// 1 when the user cannot log in.
    pub disabled: i64,
    /// 1 when the users' file decides about the user.
    pub from_file: i64,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// Microseconds since 1970.
    pub last_login: Option<i64>,
}

/// Relations: none.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a user logs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// Hash of a password.
    Password(String),
    /// Digest of a one-time code, and when it ends.
    Code(String, Timestamp),
    /// Nothing.
    None,
}

/// A user with what they log in with.
#[derive(Debug, Clone)]
pub struct User {
    /// The user.
    pub account: Account,
    /// What they log in with.
    pub secret: Secret,
}

/// A user as the users' file has them.
#[derive(Debug, Clone, Default)]
pub struct FileUser {
    /// Names and address.
    pub account: NewAccount,
    /// Hash of the password, where the file has one.
    pub password: Option<String>,
    /// Whether the user cannot log in.
    pub disabled: bool,
}

/// The table.
pub struct Users<'a>(pub(super) &'a Store);

impl Users<'_> {
    /// Makes a user. [`Code::AccountExists`] when the name is taken.
    pub async fn create(&self, new: &NewAccount, secret: Secret) -> Result<Account> {
        let what = "store a user";
        let transaction = self.0.begin(what).await?;
        if by_name(&new.name).one(&transaction).await.map_err(|error| self.0.failed(what, &error))?.is_some() {
            return Err(Error::new(Code::AccountExists, format!("there is a user `{}` already", new.name)));
        }
        let row = with_secret(fresh(new), secret).insert(&transaction).await;
        let row = row.map_err(|error| self.0.failed(what, &error))?;
        self.0.commit(what, transaction).await?;
        Ok(user(row)?.account)
    }

    /// Every user, by name.
    pub async fn list(&self) -> Result<Vec<Account>> {
        let rows = Entity::find().order_by_asc(Column::NameKey).all(&self.0.read).await;
        let rows = rows.map_err(|error| self.0.failed("list users", &error))?;
        rows.into_iter().map(|row| Ok(user(row)?.account)).collect()
    }

    /// The user of that name, in any case of its letters.
    pub async fn find(&self, name: &str) -> Result<Option<User>> {
        let row = by_name(name).one(&self.0.read).await;
        row.map_err(|error| self.0.failed("read a user", &error))?.map(user).transpose()
    }

    /// Gives a user another password or code, and lets in who was disabled.
    pub async fn set_secret(&self, id: Uuid, secret: Secret) -> Result<()> {
        let row = ActiveModel { disabled: Set(0), ..with_secret(<ActiveModel as Default>::default(), secret) };
        self.update(id, row).await
    }

    /// Notes a login.
    pub async fn logged_in(&self, id: Uuid, now: Timestamp) -> Result<()> {
        self.update(id, ActiveModel { last_login: Set(Some(now.as_microsecond())), ..Default::default() }).await
    }

    /// Deletes a user with all they have; whether there was one.
    pub async fn delete(&self, id: Uuid) -> Result<bool> {
        let done = Entity::delete_by_id(id.to_string()).exec(&self.0.write).await;
        done.map(|done| done.rows_affected > 0).map_err(|error| self.0.failed("delete a user", &error))
    }

    /// Makes the users of the users' file what it says: those it has are made or changed, those that it had and has no
    /// longer are disabled. Returns the ids of users who may no longer have sessions.
    pub async fn merge_file(&self, wanted: &[FileUser]) -> Result<Vec<Uuid>> {
        let what = "store the users of the file";
        let fail = |error: DbErr| self.0.failed(what, &error);
        let transaction = self.0.begin(what).await?;
        let mut locked_out = Vec::new();
        for file in wanted {
            let known = by_name(&file.account.name).one(&transaction).await.map_err(fail)?;
            if let Some(id) = merge(&transaction, known, file).await.map_err(fail)? {
                locked_out.push(json::id(&id, "users")?);
            }
        }
        let names: Vec<String> = wanted.iter().map(|file| key(&file.account.name)).collect();
        let gone = Entity::find().filter(Column::FromFile.eq(1)).filter(Column::NameKey.is_not_in(names));
        for row in gone.all(&transaction).await.map_err(fail)? {
            locked_out.push(json::id(&row.id, "users")?);
            let row = ActiveModel { disabled: Set(1), ..row.into() };
            row.update(&transaction).await.map_err(fail)?;
        }
        self.0.commit(what, transaction).await?;
        Ok(locked_out)
    }

    async fn update(&self, id: Uuid, row: ActiveModel) -> Result<()> {
        let done = Entity::update_many().set(row).filter(Column::Id.eq(id.to_string())).exec(&self.0.write).await;
        done.map(drop).map_err(|error| self.0.failed("store a user", &error))
    }
}

/// Makes or changes one user; the id of one who may no longer have sessions.
async fn merge<C: ConnectionTrait>(
    connection: &C,
    known: Option<Model>,
    file: &FileUser,
) -> Result<Option<String>, DbErr> {
    let (is_new, old) = (known.is_none(), known.clone());
    let mut row = known.map_or_else(|| fresh(&file.account), ActiveModel::from);
    row.name = Set(file.account.name.clone());
    row.first_name = Set(file.account.first_name.clone());
    row.last_name = Set(file.account.last_name.clone());
    row.email = Set(file.account.email.clone());
    (row.from_file, row.disabled) = (Set(1), Set(i64::from(file.disabled)));
    // Without a hash in the file, the password is the one that the user chose with a code.
    if let Some(password) = &file.password {
        row = with_secret(row, Secret::Password(password.clone()));
    }
    let row = if is_new { row.insert(connection).await? } else { row.update(connection).await? };
    let changed = old.is_some_and(|old| old.password.is_some() && old.password != row.password);
    Ok((changed || row.disabled == 1).then_some(row.id))
}

fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

fn by_name(name: &str) -> Select<Entity> {
    Entity::find().filter(Column::NameKey.eq(key(name)))
}

fn fresh(new: &NewAccount) -> ActiveModel {
    ActiveModel {
        id: Set(id::new().to_string()),
        name: Set(new.name.trim().to_owned()),
        name_key: Set(key(&new.name)),
        first_name: Set(new.first_name.clone()),
        last_name: Set(new.last_name.clone()),
        email: Set(new.email.clone()),
        password: Set(None),
        code: Set(None),
        code_expires_at: Set(None),
        disabled: Set(0),
        from_file: Set(0),
        created_at: Set(clock::now().as_microsecond()),
        last_login: Set(None),
    }
}

fn with_secret(row: ActiveModel, secret: Secret) -> ActiveModel {
    let (password, code, end) = match secret {
        Secret::Password(hash) => (Some(hash), None, None),
        Secret::Code(digest, end) => (None, Some(digest), Some(end.as_microsecond())),
        Secret::None => (None, None, None),
    };
    ActiveModel { password: Set(password), code: Set(code), code_expires_at: Set(end), ..row }
}

pub(super) fn user(row: Model) -> Result<User> {
    let state = match (row.disabled, &row.password) {
        (1, _) => AccountState::Disabled,
        (_, Some(_)) => AccountState::Active,
        (_, None) => AccountState::Invited,
    };
    let secret = match (row.password, row.code, row.code_expires_at) {
        (Some(hash), _, _) => Secret::Password(hash),
        (None, Some(digest), Some(end)) => Secret::Code(digest, json::time(end)),
        _ => Secret::None,
    };
    Ok(User {
        account: Account {
            id: json::id(&row.id, "users")?,
            name: row.name,
            first_name: row.first_name,
            last_name: row.last_name,
            email: row.email,
            state,
            from_file: row.from_file == 1,
            created_at: json::time(row.created_at),
            last_login: row.last_login.map(json::time),
        },
        secret,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::accounts;
    use super::*;

    fn new(name: &str) -> NewAccount {
        NewAccount { name: name.into(), ..NewAccount::default() }
    }

    #[tokio::test]
    async fn names_are_unique_in_any_case_and_secrets_replace_each_other() {
        let (_dir, accounts) = accounts().await;
        let users = accounts.users();
        let ada = users.create(&new("Ada"), Secret::Code("digest".into(), Timestamp::MAX)).await.unwrap();
        assert_eq!(ada.state, AccountState::Invited);
        assert_eq!(users.create(&new("ADA"), Secret::None).await.unwrap_err().code(), Code::AccountExists);
        users.set_secret(ada.id, Secret::Password("hash".into())).await.unwrap();
        let found = users.find("aDa").await.unwrap().unwrap();
        assert_eq!((found.account.name.as_str(), found.secret), ("Ada", Secret::Password("hash".into())));
        assert!(users.delete(ada.id).await.unwrap() && !users.delete(ada.id).await.unwrap());
    }

    #[tokio::test]
    async fn the_file_makes_changes_and_disables_its_own_users_and_no_others() {
        let (_dir, accounts) = accounts().await;
        let users = accounts.users();
        users.create(&new("guest"), Secret::Password("own".into())).await.unwrap();
        let file = |name: &str, password: Option<&str>| FileUser {
            account: new(name),
            password: password.map(str::to_owned),
            disabled: false,
        };
        let first = [file("ada", Some("one")), file("bob", None)];
        assert!(users.merge_file(&first).await.unwrap().is_empty());
        assert!(users.merge_file(&first).await.unwrap().is_empty(), "the same again changes nothing");
        let bob = users.find("bob").await.unwrap().unwrap().account;
        users.set_secret(bob.id, Secret::Password("chosen".into())).await.unwrap();
        let changed = users.merge_file(&[file("ada", Some("two")), file("bob", None)]).await.unwrap();
        assert_eq!(changed, [users.find("ada").await.unwrap().unwrap().account.id], "old sessions of ada end");
        assert_eq!(users.find("bob").await.unwrap().unwrap().secret, Secret::Password("chosen".into()));
        let gone = users.merge_file(&[file("ada", Some("two"))]).await.unwrap();
        assert_eq!(gone, [bob.id]);
        let states: Vec<_> = users.list().await.unwrap().into_iter().map(|user| (user.name, user.state)).collect();
        assert_eq!(
            states,
            [
                ("ada".to_owned(), AccountState::Active),
                ("bob".to_owned(), AccountState::Disabled),
                ("guest".to_owned(), AccountState::Active)
            ]
        );
    }
}
