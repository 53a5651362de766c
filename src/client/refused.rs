//! What a refused token means for the one who sent it: which token it was, where it came from, and the command that gets
//! another. Whatever server refused it, and in whatever form, this is the one text.

use std::path::PathBuf;

use crate::base::{Code, Error, clock, env};
use crate::model::provider::is_local;
use crate::wire::rest::TokenFile;
use crate::wire::session_token::SessionToken;

/// Where a token came from and where it goes.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Address of the server.
    pub endpoint: String,
    /// Name of the context.
    pub context: String,
    /// The token, where there is one.
    pub token: Option<TokenFile>,
    /// The token file it came from, where it stood in one.
    pub token_file: Option<PathBuf>,
    /// What else it came from, such as `MESHERY_TOKEN` or `standard input`.
    pub token_origin: Option<String>,
    /// Whether the user named that file by flag or variable.
    pub token_chosen: bool,
}

impl Refused {
    /// The error to show for what a server said.
    pub fn error(&self, said: &Error) -> Error {
        match &self.token {
            Some(token) if !is_local(&token.provider) || said.code() == Code::AuthSession => self.session(token, said),
            _ => self.own_token(),
        }
    }

    fn session(&self, token: &TokenFile, said: &Error) -> Error {
        // A plane's own user has no session; the server says whose it took the token for.
        let unnamed = is_local(&token.provider);
        let message = if unnamed { said.message().to_owned() } else { does_not_hold(&token.provider) };
        let cause = if said.code() == Code::AuthSession { said.report().probable_cause } else { None };
        let cause =
            cause.or_else(|| reason(&token.token)).unwrap_or_else(|| format!("{} refused the token", self.endpoint));
        let error = Error::new(Code::AuthSession, message).because(cause);
        match &self.token_file {
            Some(path) => error.detail(format!("token file: {}", path.display())).remedy(self.login(token)),
            None => error.detail(format!("token: {}", self.origin())).remedy(self.another(token)),
        }
    }

    fn origin(&self) -> &str {
        self.token_origin.as_deref().unwrap_or("the request")
    }

    /// How a token gets replaced that stood in no token file: a variable is set anew, any other way was a login.
    fn another(&self, token: &TokenFile) -> String {
        match self.token_origin.as_deref() {
            Some(env::MESHERY_TOKEN) => format!("Put a fresh token into {}.", env::MESHERY_TOKEN),
            _ => self.login(token),
        }
    }

    fn login(&self, token: &TokenFile) -> String {
        let mut command = "mesheryctl system login".to_owned();
        let mut add = |flag: &str, value: &str| {
            let quoted = if value.contains(' ') { format!("'{value}'") } else { value.to_owned() };
            command.extend([" ", flag, " ", &quoted]);
        };
        if !is_local(&token.provider) {
            add("--provider", &token.provider);
        }
        add("--context", &self.context);
        if let (true, Some(path)) = (self.token_chosen, &self.token_file) {
            add("--token", &path.display().to_string());
        }
        format!("Log in again with `{command}`.")
    }

    fn own_token(&self) -> Error {
        let Self { endpoint, context, .. } = self;
        let error = Error::new(Code::AuthRequired, format!("{endpoint} (context `{context}`) refused the token"));
        match &self.token_file {
            Some(path) => error.because(format!("the token in {} is missing, wrong or expired", path.display())),
            None if self.token.is_some() => {
                error.because(format!("the token from {} is wrong or expired", self.origin()))
            }
            None => error.because("no token was sent"),
        }
    }
}

/// The sentence that every refused session begins with.
pub fn does_not_hold(provider: &str) -> String {
    format!("the session at provider `{provider}` does not hold")
}

/// What a token itself says against it.
fn reason(token: &str) -> Option<String> {
    match SessionToken::parse(token) {
        Err(reason) => Some(format!("the token is broken: {reason}")),
        Ok(token) => {
            let (end, now) = (token.expires_at()?, clock::now());
            (end <= now).then(|| format!("the token expired at {end}, {} ago", clock::age(end, now)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(provider: &str, token: &str) -> Refused {
        Refused {
            endpoint: "http://localhost:9081".into(),
            context: "local".into(),
            token: Some(TokenFile { provider: provider.into(), token: token.into() }),
            token_file: Some("/home/u/.meshery/auth.json".into()),
            token_origin: None,
            token_chosen: false,
        }
    }

    #[test]
    fn a_session_is_told_with_reason_file_and_command() {
        let end = "2021-07-13T10:00:00Z".parse().unwrap();
        let old = SessionToken::write("a", "", end);
        for said in [
            Error::new(Code::AuthRequired, "x"),
            Error::new(Code::AuthSession, "x").because("the token expired at 2021-07-13T10:00:00Z, 9d ago"),
        ] {
            let report = refused("My Team", &old).error(&said).report();
            assert_eq!(report.code, "auth-session");
            assert!(report.probable_cause.unwrap().contains("expired at 2021-07-13T10:00:00Z"));
            assert_eq!(report.details, ["token file: /home/u/.meshery/auth.json"]);
            let remedy = report.suggested_remediation.unwrap();
            assert!(remedy.contains("`mesheryctl system login --provider 'My Team' --context local`"), "{remedy}");
        }
        let broken = refused("Team", "eyJhY2Nlc").error(&Error::new(Code::AuthRequired, "x"));
        assert!(broken.report().probable_cause.unwrap().contains("broken"));
    }

    #[test]
    fn the_planes_own_token_and_variables_have_their_own_words() {
        let own = refused("None", "abc").error(&Error::new(Code::AuthRequired, "x"));
        assert_eq!(own.code(), Code::AuthRequired);
        let variable =
            Refused { token_file: None, token_origin: Some("MESHERY_TOKEN".into()), ..refused("Team", "abc") };
        let report = variable.error(&Error::new(Code::AuthSession, "x").because("revoked")).report();
        assert_eq!(
            (report.details, report.probable_cause.as_deref()),
            (vec!["token: MESHERY_TOKEN".to_owned()], Some("revoked"))
        );
        let typed = Refused { token_file: None, token_origin: Some("standard input".into()), ..refused("None", "abc") };
        let report = typed.error(&Error::new(Code::AuthRequired, "x")).report();
        assert_eq!(report.probable_cause.as_deref(), Some("the token from standard input is wrong or expired"));
        let chosen = Refused { token_chosen: true, ..refused("Team", "abc") };
        let remedy = chosen.error(&Error::new(Code::AuthSession, "x")).report().suggested_remediation.unwrap();
        assert!(remedy.contains("--token /home/u/.meshery/auth.json"), "{remedy}");
    }
}
