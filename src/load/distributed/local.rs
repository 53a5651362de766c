//! Workers as processes of this machine.

use std::process::Stdio;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::controller::Seat;
use crate::base::{Code, Error, Result, env, id};
use crate::model::adapter::Location;

/// Longest wait until a worker says where it listens.
const LIMIT: Duration = Duration::from_secs(20);
/// Longest wait for a worker's end after its standard input was closed.
const PATIENCE: Duration = Duration::from_secs(3);
/// What a worker's address follows in its first line.
const MARK: &str = " serves at ";

/// Workers that end with this, or with this process.
pub(super) struct Crew {
    /// Where they are.
    pub seats: Vec<Seat>,
    /// Their token, made for them.
    pub token: String,
    children: Vec<Child>,
}

/// Starts `count` workers on loopback.
///
/// # Errors
/// [`Code::WorkerUnreachable`] with the worker's own words when one does not come up.
pub(super) async fn start(count: u32) -> Result<Crew> {
    let token = id::secret()?;
    let program =
        std::env::current_exe().map_err(|error| failed("the path of this program is unknown").because(error))?;
    let started = try_join_all((0..count).map(|index| {
        let mut command = Command::new(&program);
        command
            .args(["serve", "worker", "--listen", "127.0.0.1:0", "--until-stdin-closes"])
            .env(env::MESHERY_WORKER_TOKEN, &token)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        launch(index, command)
    }));
    let (seats, children) = started.await?.into_iter().unzip();
    Ok(Crew { seats, token, children })
}

impl Crew {
    /// Ends them.
    pub(super) async fn end(self) {
        join_all(self.children.into_iter().map(async |mut child| {
            drop(child.stdin.take());
            if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
                // It is killed by being dropped as well; whichever comes first.
                let _ = child.start_kill();
            }
        }))
        .await;
    }
}

async fn launch(index: u32, mut command: Command) -> Result<(Seat, Child)> {
    let mut child = command.spawn().map_err(|error| failed("a worker cannot be started").because(error))?;
    let Some(stderr) = child.stderr.take() else { return Err(failed("a worker has no standard error")) };
    let mut lines = BufReader::new(stderr);
    let said = tokio::time::timeout(LIMIT, first_words(&mut lines)).await;
    let said = said.map_err(|_| {
        failed("a worker did not come up").because(format!("it said nothing for {} s", LIMIT.as_secs()))
    })?;
    let location = said.map_err(|words| failed("a worker did not come up").because(words))?;
    // What it says later is read, so that its pipe never fills.
    tokio::spawn(async move { tokio::io::copy(&mut lines, &mut tokio::io::sink()).await });
    Ok((Seat { name: format!("worker-{index}"), location }, child))
}

/// The address in a worker's words, or all of its words when it ends without one.
async fn first_words(lines: &mut BufReader<impl AsyncRead + Unpin>) -> std::result::Result<Location, String> {
    let mut all = String::new();
    loop {
        let from = all.len();
        let read = lines.read_line(&mut all).await.map_err(|error| error.to_string())?;
        if read == 0 {
            return Err(all.trim().to_owned());
        }
        let address = all[from..].split(MARK).nth(1).and_then(|rest| rest.split_whitespace().next());
        if let Some(location) = address.and_then(|address| Location::parse(address).ok()) {
            return Ok(location);
        }
    }
}

fn failed(message: &str) -> Error {
    Error::new(Code::WorkerUnreachable, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_address_is_found_among_other_words() {
        let text: &[u8] = b"warning: something\nThe worker serves at 127.0.0.1:4711 (process 7)\n";
        let location = first_words(&mut BufReader::new(text)).await.unwrap();
        assert_eq!(location.to_string(), "127.0.0.1:4711");
        let broken: &[u8] = b"error: the port is taken\n";
        assert_eq!(first_words(&mut BufReader::new(broken)).await.unwrap_err(), "error: the port is taken");
    }
}
