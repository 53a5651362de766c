//! The users' file: users that are kept under version control, with hashes of their passwords or none.

use std::path::Path;

use serde::Deserialize;

use super::password;
use crate::base::{Code, Error, Result, dirs, yaml};
use crate::model::account::NewAccount;
use crate::store::accounts::users::FileUser;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    users: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    name: String,
    #[serde(default)]
    password_hash: Option<String>,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    disabled: bool,
}

/// Reads the file; every fault names the user.
pub(super) fn read(path: &Path) -> Result<Vec<FileUser>> {
    let text = std::fs::read_to_string(path).map_err(|error| dirs::read_error(path, &error))?;
    let file: File =
        yaml::read(&text).map_err(|fault| fault.into_error(Code::ConfigParse, &path.display().to_string()))?;
    let mut seen = Vec::new();
    let mut users = Vec::new();
    for entry in file.users {
        check_name(&entry.name)?;
        let wrong = |reason: &str| {
            Error::new(Code::ConfigValue, format!("user `{}` of {} cannot be used", entry.name, path.display()))
                .because(reason)
        };
        if seen.contains(&entry.name.to_lowercase()) {
            return Err(wrong("the name stands there twice"));
        }
        if entry.password_hash.as_deref().is_some_and(|hash| !password::is_hash(hash)) {
            return Err(wrong("its password-hash is no Argon2 hash in PHC form")
                .remedy("Make one with `mesheryctl provider user hash`."));
        }
        seen.push(entry.name.to_lowercase());
        users.push(FileUser {
            account: NewAccount {
                name: entry.name,
                first_name: entry.first_name,
                last_name: entry.last_name,
                email: entry.email,
            },
            password: entry.password_hash,
            disabled: entry.disabled,
        });
    }
    Ok(users)
}

/// Whether a text can be a user's name: it stands in forms, tables and messages.
pub(super) fn check_name(name: &str) -> Result<()> {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    if !name.is_empty() && name.chars().count() <= 64 && name.chars().all(fine) {
        return Ok(());
    }
    Err(Error::new(Code::UsageError, format!("`{}` cannot be the name of a user", name.escape_debug()))
        .because("names are 1 to 64 letters, digits and . _ - @ +"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<FileUser>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users.yaml");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn users_are_read_from_yaml_and_json() {
        let hash = password::hash("correct horse").unwrap();
        let users =
            of(&format!("users:\n- name: ada\n  password-hash: {hash}\n  first-name: Ada\n- name: b@b.org\n")).unwrap();
        assert_eq!((users[0].account.first_name.as_str(), users[0].password.as_deref()), ("Ada", Some(hash.as_str())));
        assert_eq!((users[1].account.name.as_str(), &users[1].password), ("b@b.org", &None));
        assert_eq!(of(r#"{"users": [{"name": "ada", "disabled": true}]}"#).unwrap().len(), 1);
    }

    #[test]
    fn faults_name_the_user_or_the_line() {
        assert_eq!(of("users:\n- name: ada\n  pasword: x\n").unwrap_err().code(), Code::ConfigParse);
        let plain = of("users:\n- name: ada\n  password-hash: secret\n").unwrap_err();
        assert!(plain.message().contains("`ada`") && !format!("{plain:?}").contains("secret"), "{plain}");
        assert!(of("users:\n- name: ada\n- name: Ada\n").unwrap_err().to_string().contains("twice"));
        assert_eq!(of("users:\n- name: 'a b'\n").unwrap_err().code(), Code::UsageError);
    }
}
