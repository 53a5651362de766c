//! The chunked coding (RFC 9112, section 7.1), byte by byte.

use crate::model::performance::result::Cause;

/// Where in the chunked coding the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    Size {
        size: u64,
        digits: u8,
    },
    Extension {
        size: u64,
    },
    SizeEnd {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataEnd {
        seen_return: bool,
    },
    /// A line of the trailer, so many bytes of it without the line's end.
    Trailer {
        length: u32,
    },
}

impl Chunk {
    /// Before the first byte of a body.
    pub(super) const FIRST: Self = Self::Size { size: 0, digits: 0 };

    /// The state after one byte that is no data; none when the body is whole.
    ///
    /// # Errors
    /// The byte has no place there.
    pub(super) fn next(self, byte: u8) -> Result<Option<Self>, Cause> {
        let next = match (self, byte) {
            (Self::Size { digits: 1.., size } | Self::Extension { size }, b'\r') => Self::SizeEnd { size },
            (Self::Size { digits: 1.., size }, b';' | b' ' | b'\t') | (Self::Extension { size }, _) => {
                Self::Extension { size }
            }
            (Self::Size { size, digits }, digit) if digits < 15 => {
                let value = char::from(digit).to_digit(16).ok_or(Cause::Protocol)?;
                Self::Size { size: size * 16 + u64::from(value), digits: digits + 1 }
            }
            (Self::SizeEnd { size: 0 }, b'\n') => Self::Trailer { length: 0 },
            (Self::SizeEnd { size }, b'\n') => Self::Data { left: size },
            (Self::DataEnd { seen_return: false }, b'\r') => Self::DataEnd { seen_return: true },
            (Self::DataEnd { seen_return: true }, b'\n') => Self::Size { size: 0, digits: 0 },
            (Self::Trailer { length: 0 }, b'\n') => return Ok(None),
            (Self::Trailer { .. }, b'\n') => Self::Trailer { length: 0 },
            (Self::Trailer { length }, b'\r') => Self::Trailer { length },
            (Self::Trailer { length }, _) => Self::Trailer { length: length.saturating_add(1) },
            _ => return Err(Cause::Protocol),
        };
        Ok(Some(next))
    }
}
