//! Bytes of protobuf messages, for modules that know messages and not the framework.

use prost::Message;

/// A message as bytes.
pub fn encode(message: &impl Message) -> Vec<u8> {
    message.encode_to_vec()
}

/// Reads a message. Unknown fields are skipped, as protobuf wants it.
///
/// # Errors
/// The bytes are no such message.
pub fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, String> {
    M::decode(bytes).map_err(|problem| problem.to_string())
}
