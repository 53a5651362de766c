//! What is written by blocking code, read as a stream: nothing is in memory as a whole.

use std::io::{self, Write};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

use crate::base::error::Result;

/// Bytes that are sent at once.
const CHUNK: usize = 1 << 20;
/// Chunks that may wait for the reader.
const CHUNKS: usize = 4;

/// Runs `write` on a thread of its own and gives what it writes. An error of it ends the stream with an error that has
/// the same words; a stream that is dropped ends it.
pub fn of<W>(write: W) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static
where
    W: FnOnce(&mut dyn Write) -> Result<()> + Send + 'static,
{
    let (send, mut receive) = mpsc::channel::<io::Result<Bytes>>(CHUNKS);
    tokio::task::spawn_blocking(move || {
        let mut sink = Sink { send: send.clone(), chunk: Vec::with_capacity(CHUNK) };
        let written = write(&mut sink).map_err(io::Error::other).and_then(|()| sink.flush());
        if let Err(error) = written {
            // Nobody hears it when the reader went away: it knows why.
            let _ = send.blocking_send(Err(error));
        }
    });
    stream::poll_fn(move |context| receive.poll_recv(context))
}

struct Sink {
    send: mpsc::Sender<io::Result<Bytes>>,
    chunk: Vec<u8>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        let sent = self.send.blocking_send(Ok(chunk.into()));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader went away"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Error;
    use futures_util::StreamExt;

    #[tokio::test]
    async fn everything_arrives_and_errors_come_last() {
        let mut stream = of(|out| {
            for _ in 0..3 {
                out.write_all(&vec![7; CHUNK - 1]).map_err(|error| Error::internal("x").because(error))?;
            }
            Err(Error::internal("broke off"))
        });
        let mut length = 0;
        let end = loop {
            match stream.next().await.unwrap() {
                Ok(bytes) => length += bytes.len(),
                Err(error) => break error,
            }
        };
        // The sink had sent the first two in one piece; what it had not sent is lost with the error.
        assert_eq!(length, 2 * (CHUNK - 1));
        assert!(end.to_string().contains("broke off") && stream.next().await.is_none());
    }

    #[tokio::test]
    async fn a_dropped_stream_ends_the_writer() {
        let (tell, told) = std::sync::mpsc::channel();
        let mut stream = of(move |out| {
            let ended = loop {
                if let Err(error) = out.write_all(&vec![0; CHUNK]) {
                    break error;
                }
            };
            let _ = tell.send(ended.kind());
            Ok(())
        });
        stream.next().await.unwrap().unwrap();
        drop(stream);
        let ended = tokio::task::spawn_blocking(move || told.recv().unwrap()).await.unwrap();
        assert_eq!(ended, io::ErrorKind::BrokenPipe);
    }
}
