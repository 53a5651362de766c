//! What the far side says, frame by frame (RFC 9113, section 6).

use super::frame::{self, Frame, flag, kind, setting};
use super::{Done, Http2, LONGEST_BLOCK, LONGEST_FRAME, Table, grpc, hpack, open_window};
use crate::model::performance::plan::Protocol;
use crate::model::performance::result::Cause;

impl Http2 {
    /// Reads bytes.
    ///
    /// # Errors
    /// They do not follow the protocol.
    pub fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>, done: &mut Vec<Done>) -> Result<(), Cause> {
        self.heard += 1;
        if self.cut.is_empty() {
            let left = self.frames(bytes, out, done)?;
            self.cut.extend_from_slice(left);
            return Ok(());
        }
        let mut whole = std::mem::take(&mut self.cut);
        whole.extend_from_slice(bytes);
        let left = self.frames(&whole, out, done)?.len();
        whole.drain(..whole.len() - left);
        self.cut = whole;
        Ok(())
    }

    /// Reads whole frames, and returns the begin of one that is not whole.
    fn frames<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>, done: &mut Vec<Done>) -> Result<&'a [u8], Cause> {
        let mut rest = bytes;
        while let Some((head, after)) = rest.split_first_chunk::<{ frame::HEAD }>() {
            let [a, b, c, kind, flags, id @ ..] = *head;
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if length > LONGEST_FRAME || (!self.has_settings && kind != kind::SETTINGS) {
                return Err(Cause::Protocol);
            }
            let Some((payload, after)) = after.split_at_checked(length) else { break };
            let stream = u32::from_be_bytes(id) & 0x7fff_ffff;
            self.frame(Frame { kind, flags, stream, payload }, out, done)?;
            rest = after;
        }
        Ok(rest)
    }

    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>, done: &mut Vec<Done>) -> Result<(), Cause> {
        if self.block.is_some() && frame.kind != kind::CONTINUATION {
            return Err(Cause::Protocol);
        }
        match frame.kind {
            kind::DATA => self.data(frame, out, done),
            kind::HEADERS => {
                let block = frame.fields()?;
                let ends = frame.flags & flag::END_STREAM != 0;
                if frame.flags & flag::END_HEADERS != 0 {
                    return self.fields((frame.stream, ends), block, out, done);
                }
                self.block = Some((frame.stream, ends, block.to_vec()));
                Ok(())
            }
            kind::CONTINUATION => self.continuation(frame, out, done),
            kind::RST_STREAM => {
                self.close(frame.stream, Err(Cause::Stream), done);
                Ok(())
            }
            kind::SETTINGS if frame.flags & flag::ACK == 0 => self.settings(frame.payload, out),
            kind::PING if frame.flags & flag::ACK == 0 => {
                frame::write(kind::PING, flag::ACK, 0, frame.payload, out);
                Ok(())
            }
            kind::GOAWAY => self.go_away(frame.payload, done),
            kind::WINDOW_UPDATE => self.window_update(frame, out),
            kind::PUSH_PROMISE => Err(Cause::Protocol),
            _ => Ok(()),
        }
    }

    fn data(&mut self, frame: Frame<'_>, out: &mut Vec<u8>, done: &mut Vec<Done>) -> Result<(), Cause> {
        let length = u32::try_from(frame.payload.len()).unwrap_or(0);
        open_window(&mut self.consumed, length, 0, out);
        let body = frame.unpadded()?;
        let Some(at) = self.position(frame.stream) else {
            // an answer that came after its time is over
            return if frame.stream < self.next { Ok(()) } else { Err(Cause::Protocol) };
        };
        let stream = &mut self.streams[at];
        if stream.status.is_none() {
            return Err(Cause::Protocol);
        }
        if self.protocol == Protocol::GrpcHealth && stream.message.len() < grpc::LONGEST_HEALTH {
            stream.message.extend_from_slice(body);
        }
        if frame.flags & flag::END_STREAM != 0 {
            self.finish(at, None, out, done);
        } else {
            open_window(&mut stream.consumed, length, stream.id, out);
        }
        Ok(())
    }

    fn continuation(&mut self, frame: Frame<'_>, out: &mut Vec<u8>, done: &mut Vec<Done>) -> Result<(), Cause> {
        let Some((stream, ends, mut block)) = self.block.take() else { return Err(Cause::Protocol) };
        if stream != frame.stream || block.len() + frame.payload.len() > LONGEST_BLOCK {
            return Err(Cause::Protocol);
        }
        block.extend_from_slice(frame.payload);
        if frame.flags & flag::END_HEADERS != 0 {
            return self.fields((stream, ends), &block, out, done);
        }
        self.block = Some((stream, ends, block));
        Ok(())
    }

    /// A whole block of fields: the head of a response, or what follows its body.
    fn fields(
        &mut self,
        (id, ends): (u32, bool),
        block: &[u8],
        out: &mut Vec<u8>,
        done: &mut Vec<Done>,
    ) -> Result<(), Cause> {
        let seen = hpack::read(block, self.wants_location)?;
        let Some(at) = self.position(id) else {
            return if id < self.next && id % 2 == 1 { Ok(()) } else { Err(Cause::Protocol) };
        };
        let stream = &mut self.streams[at];
        match (stream.status, seen.status) {
            // an interim response; the final one follows
            (None, Some(100..200)) if !ends => return Ok(()),
            (None, Some(status @ 200..600)) => stream.status = Some(status),
            (Some(_), None) if ends => {}
            _ => return Err(Cause::Protocol),
        }
        stream.location = seen.location.or(stream.location.take());
        if ends {
            self.finish(at, seen.grpc, out, done);
        }
        Ok(())
    }

    fn settings(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Cause> {
        let (entries, []) = payload.as_chunks::<6>() else { return Err(Cause::Protocol) };
        for [a, b, value @ ..] in entries {
            let value = u32::from_be_bytes(*value);
            match u16::from_be_bytes([*a, *b]) {
                setting::HEADER_TABLE_SIZE => self.shrink_table(value as usize),
                setting::MAX_CONCURRENT_STREAMS => self.peer.streams = value,
                setting::INITIAL_WINDOW_SIZE => {
                    let change = i64::from(value) - self.peer.window;
                    self.peer.window = i64::from(value);
                    self.streams.iter_mut().for_each(|stream| stream.window += change);
                }
                setting::MAX_FRAME_SIZE if value as usize >= LONGEST_FRAME => self.peer.frame = value as usize,
                _ => {}
            }
        }
        self.has_settings = true;
        frame::write(kind::SETTINGS, flag::ACK, 0, &[], out);
        (0..self.streams.len()).for_each(|at| self.pump(at, out));
        Ok(())
    }

    /// The far side allows a table of so many bytes. A smaller one has to be confirmed before the next fields (RFC 7541,
    /// section 4.2); of a larger one we make no use.
    fn shrink_table(&mut self, allowed: usize) {
        if allowed < self.table.size {
            self.table = Table { size: allowed, has_shrunk: true, told: None };
        }
    }

    fn window_update(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) -> Result<(), Cause> {
        let bytes: [u8; 4] = frame.payload.try_into().map_err(|_| Cause::Protocol)?;
        let more = i64::from(u32::from_be_bytes(bytes) & 0x7fff_ffff);
        if frame.stream == 0 {
            self.window += more;
            (0..self.streams.len()).for_each(|at| self.pump(at, out));
        } else if let Some(at) = self.position(frame.stream) {
            self.streams[at].window += more;
            self.pump(at, out);
        }
        Ok(())
    }

    /// The far side takes no further requests, and has not read those above the one it names.
    fn go_away(&mut self, payload: &[u8], done: &mut Vec<Done>) -> Result<(), Cause> {
        let last = payload.first_chunk::<4>().ok_or(Cause::Protocol)?;
        let last = u32::from_be_bytes(*last) & 0x7fff_ffff;
        self.keeps = false;
        let unread: Vec<u32> = self.streams.iter().map(|stream| stream.id).filter(|id| *id > last).collect();
        for id in unread {
            self.close(id, Err(Cause::Stream), done);
        }
        Ok(())
    }
}
