//! The end of a login in a browser: a tiny server on loopback that takes the token which the provider sends the browser
//! back with. Its address holds a random mark; whatever comes without the mark is none of this login.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use url::Url;

use crate::base::{Code, Error, Kind, Result, id};

/// Requests with a longer head are none of a browser that follows a redirect.
const HEAD_LIMIT: usize = 32 << 10;
/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// A server that waits for one token.
#[derive(Debug)]
pub struct Callback {
    listener: TcpListener,
    port: u16,
    mark: String,
}

impl Callback {
    /// Listens on a free port of this machine.
    pub async fn open() -> Result<Self> {
        let fail = |error: std::io::Error| {
            Error::new(Code::ListenFailed, "cannot listen on 127.0.0.1 for the answer of the browser").because(error)
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(fail)?;
        let port = listener.local_addr().map_err(fail)?.port();
        Ok(Self { listener, port, mark: id::secret()?[..32].to_owned() })
    }

    /// The address that the provider is to send the browser to.
    pub fn address(&self) -> String {
        format!("http://localhost:{}/{}", self.port, self.mark)
    }

    /// Waits for the token. [`Code::LoginFailed`] of kind timeout when none comes in time.
    pub async fn token(self, limit: Duration) -> Result<String> {
        let (tell, mut told) = mpsc::channel(1);
        let accepting = async {
            loop {
                // A connection that cannot be accepted is the peer's loss; the next one may do.
                let Ok((stream, _)) = self.listener.accept().await else { continue };
                let (tell, mark, port) = (tell.clone(), self.mark.clone(), self.port);
                // Browsers open connections that they do not use; none may keep the others waiting.
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(REQUEST_LIMIT, serve(stream, &mark, port, tell)).await;
                });
            }
        };
        let late = || {
            Error::new(Code::LoginFailed, format!("nobody logged in within {} s", limit.as_secs()))
                .kind_of(Kind::Timeout)
                .remedy("Run the command again, allow more time with --timeout, or pass a token with --token-stdin.")
        };
        tokio::select! {
            () = accepting => Err(late()),
            token = told.recv() => token.ok_or_else(late),
            () = tokio::time::sleep(limit) => Err(late()),
        }
    }
}

async fn serve(mut stream: TcpStream, mark: &str, port: u16, tell: mpsc::Sender<String>) -> std::io::Result<()> {
    let Some(head) = head(&mut stream).await? else { return Ok(()) };
    let answer = answer(&head, mark, port);
    let (status, text) = match &answer {
        Ok(_) => ("200 OK", "You are logged in. You can close this window and go back to the terminal."),
        Err(fault) => *fault,
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>mesheryctl</title><p>{text}</p></html>\n"
    );
    let reply = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\ncontent-security-policy: default-src 'none'\r\n\
         x-content-type-options: nosniff\r\n\r\n{page}",
        page.len()
    );
    stream.write_all(reply.as_bytes()).await?;
    stream.shutdown().await?;
    if let Ok(token) = answer {
        // A second token has no taker, and that is right.
        let _ = tell.try_send(token);
    }
    Ok(())
}

/// The head of a request; nothing when the peer goes away or sends too much.
async fn head(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let length = stream.read(&mut chunk).await?;
        bytes.extend_from_slice(&chunk[..length]);
        if bytes.windows(4).any(|window| window == b"\r\n\r\n") {
            return Ok(String::from_utf8(bytes).ok());
        }
        if length == 0 || bytes.len() > HEAD_LIMIT {
            return Ok(None);
        }
    }
}

type Fault = (&'static str, &'static str);

/// The token in a request, or what to answer to one that brings none.
fn answer(head: &str, mark: &str, port: u16) -> Result<String, Fault> {
    const UNKNOWN: Fault = ("404 Not Found", "There is nothing here.");
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if method != "GET" {
        return Err(("405 Method Not Allowed", "This answers to GET."));
    }
    let host = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim().to_ascii_lowercase())
    });
    let own = [format!("localhost:{port}"), format!("127.0.0.1:{port}")];
    if !host.is_some_and(|host| own.contains(&host)) {
        return Err(("403 Forbidden", "This answers to the name localhost only."));
    }
    let url = Url::parse(&format!("http://localhost{target}")).map_err(|_| UNKNOWN)?;
    let rest = url.path().strip_prefix('/').and_then(|path| path.strip_prefix(mark));
    // Some providers add the path that planes have to the address they were given.
    if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Err(UNKNOWN);
    }
    let token = url.query_pairs().find(|(key, _)| key == "token").map(|(_, value)| value.into_owned());
    token
        .filter(|token| !token.is_empty())
        .ok_or(("400 Bad Request", "The provider sent no token. Please log in again."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str, host: &str) -> Result<String, Fault> {
        answer(&format!("{line} HTTP/1.1\r\nUser-Agent: x\r\nHost: {host}\r\n\r\n"), "mark", 4711)
    }

    #[test]
    fn only_a_get_with_mark_token_and_own_name_is_a_login() {
        assert_eq!(of("GET /mark?token=a%2Bb", "localhost:4711"), Ok("a+b".to_owned()));
        assert_eq!(of("GET /mark/api/user/token?x=1&token=ab", "127.0.0.1:4711"), Ok("ab".to_owned()));
        for (line, host) in [
            ("GET /?token=forged", "localhost:4711"),
            ("GET /markus?token=forged", "localhost:4711"),
            ("GET /other/mark?token=forged", "localhost:4711"),
            ("GET /mark", "localhost:4711"),
            ("GET /mark?token=", "localhost:4711"),
            ("POST /mark?token=a", "localhost:4711"),
            ("GET /mark?token=a", "evil.example:4711"),
            ("GET http://evil/mark?token=a", "localhost:4711"),
            ("", "localhost:4711"),
        ] {
            assert!(of(line, host).is_err(), "{line} {host}");
        }
    }

    #[tokio::test]
    async fn forged_answers_are_passed_over_until_the_right_one_comes() {
        let callback = Callback::open().await.unwrap();
        let (port, good) = (callback.port, callback.address());
        let path = Url::parse(&good).unwrap().path().to_owned();
        let waiting = tokio::spawn(callback.token(Duration::from_secs(20)));
        let ask = async |path: String| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).await.unwrap();
            reply
        };
        let _idle = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        assert!(ask("/?token=forged".into()).await.starts_with("HTTP/1.1 404"));
        assert!(ask("/favicon.ico".into()).await.starts_with("HTTP/1.1 404"));
        let reply = ask(format!("{path}?token=real")).await;
        assert!(reply.starts_with("HTTP/1.1 200") && !reply.contains("real"), "{reply}");
        assert_eq!(waiting.await.unwrap().unwrap(), "real");
    }

    #[tokio::test]
    async fn waiting_ends() {
        let error = Callback::open().await.unwrap().token(Duration::from_millis(20)).await.unwrap_err();
        assert_eq!((error.code(), error.kind()), (Code::LoginFailed, Kind::Timeout));
    }
}
