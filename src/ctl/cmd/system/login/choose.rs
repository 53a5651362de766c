//! At which provider to log in: the one that was named, the context's, the only one, or the one the user chooses.

use std::collections::BTreeMap;

use crate::base::{Code, Error, Result, text};
use crate::client::Client;
use crate::ctl::ui::Question;
use crate::ctl::{Ctl, TokenSource};
use crate::model::context::Context;
use crate::model::provider::{LOCAL, Provider, is_local};

/// A provider.
pub(super) enum Choice {
    /// The plane itself.
    Local,
    /// A remote one.
    Remote {
        /// Its name as the plane spells it, or as the user did when the plane could not be asked.
        name: String,
        /// Its address; `None` when the plane could not be asked.
        address: Option<String>,
    },
}

/// The plane, when it answers, and the provider.
pub(super) async fn provider(ctx: &Ctl, context: &Context, named: Option<&str>) -> Result<(Option<Client>, Choice)> {
    match offered(ctx).await {
        Ok((plane, offered)) => Ok((Some(plane.clone()), of(ctx, context, (named, plane.name()), &offered)?)),
        Err(error) if error.code() == Code::ServerUnreachable => {
            let name = named.unwrap_or(&context.provider);
            match name {
                "" => Err(error),
                name if is_local(name) => Ok((None, Choice::Local)),
                name => Ok((None, Choice::Remote { name: name.to_owned(), address: None })),
            }
        }
        Err(error) => Err(error),
    }
}

async fn offered(ctx: &Ctl) -> Result<(Client, BTreeMap<String, Provider>)> {
    let plane = ctx.client_with(TokenSource::None).await?;
    let offered = plane.providers().await?;
    Ok((plane, offered))
}

fn of(
    ctx: &Ctl,
    context: &Context,
    (named, plane): (Option<&str>, &str),
    offered: &BTreeMap<String, Provider>,
) -> Result<Choice> {
    if let Some(name) = named {
        return find(offered, name).ok_or_else(|| unknown(plane, name, offered));
    }
    if let Some(choice) =
        Some(context.provider.as_str()).filter(|name| !name.is_empty()).and_then(|name| find(offered, name))
    {
        return Ok(choice);
    }
    let names: Vec<&String> = offered.keys().collect();
    if let [only] = names.as_slice() {
        return find(offered, only).ok_or_else(|| unknown(plane, only, offered));
    }
    let label = |provider: &Provider| {
        let what = if provider.is_local() { "no account" } else { &provider.provider_url };
        format!("{} ({what})", provider.provider_name)
    };
    let items: Vec<String> = offered.values().map(label).collect();
    let flag = format!("--provider NAME; the plane offers {}", offered.keys().cloned().collect::<Vec<_>>().join(", "));
    let index = ctx.ui.choose(Question { text: "Log in at which provider?", flag: &flag }, &items)?;
    let name = names.get(index).ok_or_else(|| Error::internal("the choice is out of range"))?;
    find(offered, name).ok_or_else(|| unknown(plane, name, offered))
}

fn find(offered: &BTreeMap<String, Provider>, name: &str) -> Option<Choice> {
    let (known, provider) = offered
        .iter()
        .find(|(known, provider)| known.eq_ignore_ascii_case(name) || (is_local(name) && provider.is_local()))?;
    if provider.is_local() {
        return Some(Choice::Local);
    }
    Some(Choice::Remote { name: known.clone(), address: Some(provider.provider_url.clone()) })
}

fn unknown(plane: &str, name: &str, offered: &BTreeMap<String, Provider>) -> Error {
    let names: Vec<&str> = offered.keys().map(String::as_str).collect();
    let error = Error::new(Code::ProviderNotFound, format!("{plane} offers no provider `{name}`"));
    let error = match text::did_you_mean(name, names.iter().copied()) {
        Some(near) => error.detail(near),
        None => error.detail(format!("known: {}", names.join(", "))),
    };
    if names == [LOCAL] {
        return error.remedy("Start the plane with the provider's address in PROVIDER_BASE_URLS.");
    }
    error
}
