//! The pages of a login: plain HTML, no script, nothing from elsewhere, and nothing that may be framed or kept.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use url::Url;

use crate::base::Error;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto;padding:0 1rem}\
label{display:block;margin:1rem 0 .2rem}input{width:100%;box-sizing:border-box;padding:.5rem;font:inherit}\
button{margin-top:1.5rem;padding:.5rem 1.5rem;font:inherit}p.fault{color:#a00}textarea{width:100%;height:8rem}";

/// What every form carries along.
#[derive(Debug, Clone, Default)]
pub(super) struct Carried {
    /// The `source` parameter, as it came; empty without one.
    pub source: String,
    /// What proves that the form came from this provider.
    pub proof: String,
}

/// A page on its way out.
pub(super) struct Page {
    status: StatusCode,
    title: String,
    body: String,
    /// Where a form may lead in the end.
    target: Option<Url>,
}

impl Page {
    fn new(title: impl Into<String>, body: String) -> Self {
        Self { status: StatusCode::OK, title: title.into(), body, target: None }
    }

    /// With another status.
    pub fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Lets the form lead to an address: browsers hold redirects after a form to the page's policy too.
    pub fn leads_to(self, target: Option<Url>) -> Self {
        Self { target, ..self }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let title = escape(&self.title);
        let page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <style>{STYLE}</style></head><body><h1>{title}</h1>\n{}\n</body></html>\n",
            self.body
        );
        let mut response = (self.status, Html(page)).into_response();
        let target = self.target.map(|url| format!(" {}", url.origin().ascii_serialization())).unwrap_or_default();
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'{target}; frame-ancestors 'none'; base-uri 'none'"
        );
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// The login form.
pub(super) fn login(provider: &str, carried: &Carried, name: &str, fault: Option<&Error>) -> Page {
    let body = format!(
        "{}<form method=\"post\" action=\"login\">{}\
         <label for=\"name\">Name</label><input id=\"name\" name=\"name\" value=\"{}\" autocomplete=\"username\" required>\
         <label for=\"password\">Password or one-time code</label>\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\
         <button>Log in</button></form>",
        fault_line(fault),
        hidden(carried),
        escape(name),
    );
    Page::new(format!("Log in at {provider}"), body)
}

/// The form in which a user with a one-time code chooses a password.
pub(super) fn choose(provider: &str, carried: &Carried, (name, code): (&str, &str), fault: Option<&Error>) -> Page {
    let body = format!(
        "<p>Welcome, {}. Choose a password of at least 8 characters; the one-time code ends with it.</p>\
         {}<form method=\"post\" action=\"password\">{}\
         <input type=\"hidden\" name=\"name\" value=\"{}\"><input type=\"hidden\" name=\"code\" value=\"{}\">\
         <label for=\"password\">New password</label>\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"new-password\" required>\
         <label for=\"again\">The same again</label>\
         <input id=\"again\" name=\"again\" type=\"password\" autocomplete=\"new-password\" required>\
         <button>Save and log in</button></form>",
        escape(name),
        fault_line(fault),
        hidden(carried),
        escape(name),
        escape(code),
    );
    Page::new(format!("Choose a password for {provider}"), body)
}

/// The token itself, for a login that no address asked for.
pub(super) fn token(provider: &str, token: &str) -> Page {
    let body = format!(
        "<p>Copy this token to the machine that has no browser, and keep it secret:</p>\
         <textarea readonly>{}</textarea>\
         <p>There, run <code>mesheryctl system login --provider {} --token-stdin</code> and paste it.</p>",
        escape(token),
        escape(provider),
    );
    Page::new("You are logged in", body)
}

/// What went wrong, where no form helps.
pub(super) fn fault(error: &Error) -> Page {
    let remedy = error.report().suggested_remediation.unwrap_or_default();
    let body = format!("{}<p>{}</p>", fault_line(Some(error)), escape(&remedy));
    Page::new("This did not work", body).status(super::failure::status(error))
}

fn fault_line(error: Option<&Error>) -> String {
    error
        .map(|error| format!("<p class=\"fault\" role=\"alert\">{}.</p>", escape(&error.to_string())))
        .unwrap_or_default()
}

fn hidden(carried: &Carried) -> String {
    format!(
        "<input type=\"hidden\" name=\"source\" value=\"{}\"><input type=\"hidden\" name=\"proof\" value=\"{}\">",
        escape(&carried.source),
        escape(&carried.proof)
    )
}

/// Text as HTML shows it.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_send_is_shown_as_text() {
        let evil = "\"><script>alert('x')</script>&";
        let carried = Carried { source: evil.into(), proof: evil.into() };
        let pages = [
            login(evil, &carried, evil, None).body,
            choose(evil, &carried, (evil, evil), None).body,
            token(evil, evil).body,
            fault(&Error::internal(evil)).body,
        ];
        for page in pages {
            assert!(!page.contains("<script") && !page.contains("x')"), "{page}");
        }
    }

    #[test]
    fn pages_are_neither_framed_nor_kept_and_forms_lead_home_or_to_the_callback() {
        let target = Url::parse("http://localhost:4711/abc").unwrap();
        let response = login("Team", &Carried::default(), "", None).leads_to(Some(target)).into_response();
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("form-action 'self' http://localhost:4711;") && policy.contains("default-src 'none'"));
        assert!(policy.contains("frame-ancestors 'none'"));
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}
