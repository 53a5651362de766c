//! HPACK (RFC 7541), as far as a load generator needs it: the fields of a request are written once, with a choice of what the
//! far side keeps in its table, and of responses only the fields that say what became of a request are read. The table of
//! the far side's fields has the size 0, by our settings.

use crate::model::performance::result::Cause;

/// Lengths in bits of the Huffman codes of the 256 bytes and of the end of a string. The codes themselves follow from them:
/// they are handed out in the order of length and byte.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];
const SYMBOLS: usize = 257;
const LONGEST: usize = 30;
const END: u16 = 256;
const HUFFMAN: Huffman = Huffman::new();
/// The static table has so many entries.
const STATIC_ENTRIES: usize = 61;
const STATIC: u64 = STATIC_ENTRIES as u64;

/// What a block of fields says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// `:status`.
    pub status: Option<u16>,
    /// `grpc-status`.
    pub grpc: Option<u8>,
    /// `location`, where it is wanted.
    pub location: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Status,
    Grpc,
    Location,
    Other,
}

/// Reads a whole block of fields.
///
/// # Errors
/// It is damaged, or refers to a table that it was told not to keep.
pub fn read(block: &[u8], wants_location: bool) -> Result<Seen, Cause> {
    let mut reader = Reader { rest: block, text: Vec::new() };
    let mut seen = Seen::default();
    while let Some(first) = reader.rest.first().copied() {
        match first {
            0x80.. => {
                let index = reader.integer(7)?;
                if index == 0 || index > STATIC {
                    return Err(Cause::Protocol);
                }
                seen.status = static_status(index).or(seen.status);
            }
            0x20..0x40 => {
                if reader.integer(5)? != 0 {
                    return Err(Cause::Protocol);
                }
            }
            _ => {
                let index = reader.integer(if first >= 0x40 { 6 } else { 4 })?;
                let name = reader.name(index)?;
                let is_wanted = name != Name::Other && (wants_location || name != Name::Location);
                let value = reader.string(is_wanted)?;
                if is_wanted {
                    seen.take(name, value)?;
                }
            }
        }
    }
    Ok(seen)
}

impl Seen {
    fn take(&mut self, name: Name, value: &[u8]) -> Result<(), Cause> {
        let number = || -> Result<u16, Cause> {
            std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(Cause::Protocol)
        };
        match name {
            Name::Status => self.status = Some(number()?),
            // codes that nobody knows count as UNKNOWN
            Name::Grpc => self.grpc = Some(u8::try_from(number()?).ok().filter(|code| *code <= 16).unwrap_or(2)),
            Name::Location => self.location = Some(String::from_utf8_lossy(value).into_owned()),
            Name::Other => {}
        }
        Ok(())
    }
}

fn static_status(index: u64) -> Option<u16> {
    let statuses = [200, 204, 206, 304, 400, 404, 500];
    usize::try_from(index.checked_sub(8)?).ok().and_then(|at| statuses.get(at).copied())
}

struct Reader<'a> {
    rest: &'a [u8],
    /// A string without its Huffman code.
    text: Vec<u8>,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Cause> {
        let (first, rest) = self.rest.split_first().ok_or(Cause::Protocol)?;
        self.rest = rest;
        Ok(*first)
    }

    /// An integer with a prefix of so many bits (section 5.1).
    fn integer(&mut self, bits: u8) -> Result<u64, Cause> {
        let mask = (1_u64 << bits) - 1;
        let mut value = u64::from(self.byte()?) & mask;
        if value < mask {
            return Ok(value);
        }
        for shift in (0..28).step_by(7) {
            let byte = self.byte()?;
            value += u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Cause::Protocol)
    }

    fn name(&mut self, index: u64) -> Result<Name, Cause> {
        Ok(match index {
            0 => match self.string(true)? {
                b":status" => Name::Status,
                b"grpc-status" => Name::Grpc,
                b"location" => Name::Location,
                _ => Name::Other,
            },
            8..=14 => Name::Status,
            46 => Name::Location,
            1..=STATIC => Name::Other,
            _ => return Err(Cause::Protocol),
        })
    }

    /// A string (section 5.2); empty where it is not wanted.
    fn string(&mut self, is_wanted: bool) -> Result<&[u8], Cause> {
        let is_coded = self.rest.first().is_some_and(|first| *first >= 0x80);
        let length = usize::try_from(self.integer(7)?).map_err(|_| Cause::Protocol)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Cause::Protocol)?;
        self.rest = rest;
        self.text.clear();
        if is_wanted && is_coded {
            HUFFMAN.decode(bytes, &mut self.text)?;
            return Ok(&self.text);
        }
        Ok(if is_wanted { bytes } else { &[] })
    }
}

/// The canonical code: for each length its first code, where its symbols begin in `symbols`, and how many there are.
struct Huffman {
    first: [u32; LONGEST + 1],
    begin: [u16; LONGEST + 1],
    count: [u16; LONGEST + 1],
    symbols: [u16; SYMBOLS],
}

impl Huffman {
    #[expect(clippy::cast_possible_truncation, reason = "there are 257 symbols")]
    const fn new() -> Self {
        let mut code =
            Self { first: [0; LONGEST + 1], begin: [0; LONGEST + 1], count: [0; LONGEST + 1], symbols: [0; SYMBOLS] };
        let (mut length, mut next, mut placed) = (1, 0_u32, 0_u16);
        while length <= LONGEST {
            code.first[length] = next;
            code.begin[length] = placed;
            let mut symbol = 0;
            while symbol < SYMBOLS {
                if LENGTHS[symbol] as usize == length {
                    code.symbols[placed as usize] = symbol as u16;
                    placed += 1;
                    next += 1;
                }
                symbol += 1;
            }
            code.count[length] = placed - code.begin[length];
            next <<= 1;
            length += 1;
        }
        code
    }

    fn decode(&self, bytes: &[u8], text: &mut Vec<u8>) -> Result<(), Cause> {
        let (mut code, mut length) = (0_u32, 0_usize);
        for at in 0..bytes.len() * 8 {
            code = code << 1 | u32::from(bytes[at / 8] >> (7 - at % 8) & 1);
            length += 1;
            let offset = code.wrapping_sub(self.first[length]);
            if offset < u32::from(self.count[length]) {
                let symbol = self.symbols[usize::from(self.begin[length]) + offset as usize];
                if symbol == END {
                    return Err(Cause::Protocol);
                }
                text.push(symbol.to_le_bytes()[0]);
                (code, length) = (0, 0);
            } else if length == LONGEST {
                return Err(Cause::Protocol);
            }
        }
        // the last byte is filled up with ones
        let is_padding = length < 8 && code == (1 << length) - 1;
        if is_padding { Ok(()) } else { Err(Cause::Protocol) }
    }
}

/// What the far side does with a field after it has read it (section 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// It puts the field into its table, where [`refer`] finds it.
    InTable,
    /// It forgets the field.
    Nowhere,
    /// It forgets the field, and whoever passes it on has to have it forgotten too: it is a secret.
    Never,
}

impl Keeping {
    const fn prefix(self) -> u8 {
        match self {
            Self::InTable => 0x40,
            Self::Nowhere => 0,
            Self::Never => 0x10,
        }
    }
}

/// The byte that says a whole field, where the static table has it. Of that table only what every request has.
pub fn whole(name: &[u8], value: &[u8]) -> Option<u8> {
    let index = match (name, value) {
        (b":method", b"GET") => 2,
        (b":method", b"POST") => 3,
        (b":path", b"/") => 4,
        (b":scheme", b"http") => 6,
        (b":scheme", b"https") => 7,
        _ => return None,
    };
    Some(0x80 | index)
}

/// Writes one field without Huffman's code.
pub fn write(keeping: Keeping, name: &[u8], value: &[u8], block: &mut Vec<u8>) {
    let index: u8 = match name {
        b":authority" => 1,
        b":method" => 2,
        b":path" => 4,
        _ => 0,
    };
    block.push(keeping.prefix() | index);
    if index == 0 {
        string(name, block);
    }
    string(value, block);
}

/// What a field takes in a table, in bytes (section 4.1).
pub fn size(name: &[u8], value: &[u8]) -> usize {
    name.len() + value.len() + 32
}

/// Refers to the field that was put into the table `age` fields before the last one.
pub fn refer(age: usize, block: &mut Vec<u8>) {
    integer(0x80, 7, STATIC_ENTRIES + 1 + age, block);
}

/// Tells the far side how large a table we use (section 6.3).
pub fn resize(table: usize, block: &mut Vec<u8>) {
    integer(0x20, 5, table, block);
}

/// An integer behind `pattern`, with a prefix of so many bits (section 5.1).
fn integer(pattern: u8, bits: u8, value: usize, block: &mut Vec<u8>) {
    let most = (1_usize << bits) - 1;
    if value < most {
        return block.push(pattern | value.to_le_bytes()[0]);
    }
    block.push(pattern | most.to_le_bytes()[0]);
    let mut rest = value - most;
    while rest >= 0x80 {
        block.push(0x80 | rest.to_le_bytes()[0] & 0x7f);
        rest >>= 7;
    }
    block.push(rest.to_le_bytes()[0]);
}

fn string(text: &[u8], block: &mut Vec<u8>) {
    integer(0, 7, text.len(), block);
    block.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
    }

    #[test]
    fn huffmans_code_is_that_of_the_standard() {
        let read = |hex: &str| {
            let mut text = Vec::new();
            HUFFMAN.decode(&bytes(hex), &mut text).map(|()| String::from_utf8(text).unwrap())
        };
        // RFC 7541, appendix C.4 and C.6
        assert_eq!(read("f1e3 c2e5 f23a 6ba0 ab90 f4ff").unwrap(), "www.example.com");
        assert_eq!(read("a8eb 1064 9cbf").unwrap(), "no-cache");
        assert_eq!(read("9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3").unwrap(), "https://www.example.com");
        assert_eq!(read("6402").unwrap(), "302");
        assert!(read("ffff ffff").is_err(), "the end of a string stands in no string");
        assert!(read("f1e3 c2e5 f23a 6ba0 ab90 f4ff ff").is_err(), "a whole byte is no padding");
    }

    #[test]
    fn the_fields_that_matter_are_found() {
        // RFC 7541, appendix C.6.1, with the fields kept out of the table
        let block = bytes("0882 6402 0f09 85ae c377 1a4b 0f1f 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3");
        let seen = read(&block, true).unwrap();
        assert_eq!((seen.status, seen.location.as_deref()), (Some(302), Some("https://www.example.com")));
        assert_eq!(read(&[0x88], false).unwrap().status, Some(200));
        let mut trailer = vec![0x20];
        write(Keeping::Nowhere, b"grpc-status", b"14", &mut trailer);
        assert_eq!(read(&trailer, false).unwrap().grpc, Some(14));
    }

    #[test]
    fn damaged_blocks_are_refused() {
        for block in
            [&[0x80][..], &[0xbe], &[0x3f, 0xe1, 0x1f], &[0x08, 0x05, b'2'], &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff]]
        {
            assert_eq!(read(block, false), Err(Cause::Protocol), "{block:?}");
        }
    }

    #[test]
    fn long_values_have_long_lengths() {
        let mut block = Vec::new();
        write(Keeping::Never, b"location", &[b'x'; 1000], &mut block);
        assert_eq!(read(&block, true).unwrap().location.unwrap().len(), 1000);
    }

    #[test]
    fn references_and_sizes_are_integers_of_the_standard() {
        let text = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut block = Vec::new();
            write(&mut block);
            block
        };
        // RFC 7541, appendix C.4.3: the field that was added before the last one
        assert_eq!(text(&|block| refer(1, block)), [0xbf]);
        assert_eq!(text(&|block| refer(64, block)), [0xfe]);
        assert_eq!(text(&|block| refer(65, block)), [0xff, 0]);
        assert_eq!(text(&|block| resize(0, block)), [0x20]);
        // appendix C.1.2: 1337 behind a prefix of five bits
        assert_eq!(text(&|block| resize(1337, block)), [0x3f, 0x9a, 0x0a]);
    }
}
