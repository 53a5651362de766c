//! Reads server-sent events, however the bytes are cut.

/// One event of the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The `id:` field.
    pub id: Option<String>,
    /// The `event:` field.
    pub event: Option<String>,
    /// The `data:` lines, joined by line breaks.
    pub data: String,
}

/// Collects bytes and gives out whole frames.
#[derive(Debug, Default)]
pub struct Parser {
    rest: Vec<u8>,
    frame: Frame,
    has_data: bool,
}

impl Parser {
    /// Takes the next bytes and returns the frames that became complete. Comments give none.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Frame> {
        self.rest.extend_from_slice(bytes);
        let mut frames = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            frames.extend(self.line(line.trim_end_matches(['\r', '\n'])));
        }
        frames
    }

    fn line(&mut self, line: &str) -> Option<Frame> {
        if line.is_empty() {
            let frame = std::mem::take(&mut self.frame);
            return std::mem::take(&mut self.has_data).then_some(frame);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.has_data {
                    self.frame.data.push('\n');
                }
                self.frame.data.push_str(value);
                self.has_data = true;
            }
            "id" => self.frame.id = Some(value.to_owned()),
            "event" => self.frame.event = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_the_same_however_the_bytes_are_cut() {
        let text = ": keepalive\n\nid: 7\nevent: x\ndata: {\"a\":\ndata: \"ü\"}\n\r\ndata:two\r\n\r\nid: 9\n\n";
        let whole = Parser::default().push(text.as_bytes());
        assert_eq!(whole.len(), 2, "a comment and a frame without data are none: {whole:?}");
        assert_eq!(whole[0], Frame { id: Some("7".into()), event: Some("x".into()), data: "{\"a\":\n\"ü\"}".into() });
        assert_eq!(whole[1].data, "two");
        let mut parser = Parser::default();
        let cut: Vec<Frame> = text.as_bytes().chunks(1).flat_map(|chunk| parser.push(chunk)).collect();
        assert_eq!(cut, whole);
    }
}
