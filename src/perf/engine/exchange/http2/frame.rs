//! Frames of HTTP/2 (RFC 9113, sections 4 and 6).

use crate::model::performance::result::Cause;

/// Length of a frame's head.
pub const HEAD: usize = 9;

/// Kinds of frames.
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub mod flag {
    pub const ACK: u8 = 1;
    pub const END_STREAM: u8 = 1;
    pub const END_HEADERS: u8 = 4;
    pub const PADDED: u8 = 8;
    pub const PRIORITY: u8 = 0x20;
}

/// Names of settings.
pub mod setting {
    pub const HEADER_TABLE_SIZE: u16 = 1;
    pub const ENABLE_PUSH: u16 = 2;
    pub const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub const INITIAL_WINDOW_SIZE: u16 = 4;
    pub const MAX_FRAME_SIZE: u16 = 5;
}

/// A whole frame.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// One of [`kind`].
    pub kind: u8,
    /// Some of [`flag`].
    pub flags: u8,
    /// Number of its stream; 0 for the connection.
    pub stream: u32,
    /// What follows its head.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The payload without padding.
    ///
    /// # Errors
    /// The padding is longer than the payload.
    pub fn unpadded(self) -> Result<&'a [u8], Cause> {
        if self.flags & flag::PADDED == 0 {
            return Ok(self.payload);
        }
        let (padding, rest) = self.payload.split_first().ok_or(Cause::Protocol)?;
        let length = rest.len().checked_sub(usize::from(*padding)).ok_or(Cause::Protocol)?;
        Ok(&rest[..length])
    }

    /// The block of fields of a frame of the kind `HEADERS`.
    ///
    /// # Errors
    /// The payload is too short.
    pub fn fields(self) -> Result<&'a [u8], Cause> {
        let block = self.unpadded()?;
        let skipped = if self.flags & flag::PRIORITY == 0 { 0 } else { 5 };
        block.get(skipped..).ok_or(Cause::Protocol)
    }
}

/// Writes a frame.
pub fn write(kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}
