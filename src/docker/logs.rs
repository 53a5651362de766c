//! Logs of a container, line by line.

use std::collections::HashMap;
use std::mem;

use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::{Stream, StreamExt, stream};

use super::connect::Engine;
use crate::base::clock::Timestamp;
use crate::base::error::Result;

/// Which part of a log.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// Go on with what is written until the container ends.
    pub follow: bool,
    /// Lines to begin with, from the end; `None` for all.
    pub tail: Option<u32>,
    /// Only what was written after this moment.
    pub after: Option<Timestamp>,
}

/// A line as the engine keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was written.
    pub time: Timestamp,
    /// The line, without its end.
    pub text: String,
}

impl Engine {
    /// Reads what a container wrote to stdout and stderr.
    pub fn logs(
        &self,
        id: &str,
        name: &str,
        which: Reading,
    ) -> impl Stream<Item = Result<Line>> + Send + Unpin + use<> {
        let since = which.after.map(Timestamp::as_second);
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .timestamps(true)
            .follow(which.follow)
            .since(since.and_then(|since| i32::try_from(since).ok()).unwrap_or_default())
            .tail(&which.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string()))
            .build();
        let (engine, what) = (self.clone(), format!("the log of container {name} cannot be read"));
        let lines = self.client.logs(id, Some(options)).scan(Joiner::default(), move |joiner, output| {
            let lines = match output {
                Ok(output) => joiner.take(&output).into_iter().map(Ok).collect::<Vec<_>>(),
                Err(error) => vec![Err(engine.fault(&what, &error))],
            };
            std::future::ready(Some(stream::iter(lines)))
        });
        let is_new = move |line: &Result<Line>| match (line, which.after) {
            (Ok(line), Some(after)) => line.time > after,
            _ => true,
        };
        Box::pin(lines.flatten().filter(move |line| std::future::ready(is_new(line))))
    }

    /// The last lines of a container's log.
    pub async fn last_lines(&self, id: &str, name: &str, count: u32) -> Result<Vec<String>> {
        let lines = self.logs(id, name, Reading { tail: Some(count), ..Reading::default() });
        let lines: Vec<Result<Line>> = lines.collect().await;
        lines.into_iter().map(|line| line.map(|line| line.text)).collect()
    }
}

/// Puts long lines together, which the engine keeps in pieces, each with a time of its own.
#[derive(Debug, Default)]
struct Joiner {
    open: HashMap<u8, Line>,
}

impl Joiner {
    fn take(&mut self, output: &LogOutput) -> Option<Line> {
        let (stream, message) = match output {
            LogOutput::StdErr { message } => (2, message),
            LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
                (1, message)
            }
        };
        let message = String::from_utf8_lossy(message);
        let (time, text) = message.split_once(' ').unwrap_or((&message, ""));
        // Not a time: an engine that was asked for times writes none only in the middle of a piece.
        let (time, text) = match time.parse() {
            Ok(time) => (time, text),
            Err(_) => (Timestamp::UNIX_EPOCH, message.as_ref()),
        };
        let line = self.open.entry(stream).or_insert_with(|| Line { time, text: String::new() });
        line.time = line.time.max(time);
        line.text.push_str(text);
        let whole = line.text.strip_suffix('\n')?;
        line.text = whole.strip_suffix('\r').unwrap_or(whole).to_owned();
        self.open.remove(&stream).map(|mut line| Line { text: mem::take(&mut line.text), ..line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_line_are_joined_for_each_stream() {
        let out = |text: &'static str| LogOutput::StdOut { message: text.into() };
        let err = |text: &'static str| LogOutput::StdErr { message: text.into() };
        let mut joiner = Joiner::default();
        let mut lines = Vec::new();
        for output in [
            out("2026-01-01T00:00:00.000000001Z long "),
            err("2026-01-01T00:00:00.000000002Z a fault\r\n"),
            out("2026-01-01T00:00:00.000000003Z line\n"),
            out("2026-01-01T00:00:00.000000004Z \n"),
        ] {
            lines.extend(joiner.take(&output));
        }
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["a fault", "long line", ""]);
        assert_eq!(lines[1].time.subsec_nanosecond(), 3);
    }
}
