//! Requests as blocks of fields, written once for a whole run.

use std::sync::Arc;

use url::Url;

use super::super::hpack::{self, Keeping};
use super::super::{Message, grpc};
use crate::model::performance::plan::Plan;
use crate::perf::engine::site;

/// The table that a far side keeps without being asked (RFC 9113, section 6.5.2), in bytes.
pub const TABLE: usize = 4096;
/// Fields of HTTP/1.1 that speak of one connection, and have no place in HTTP/2.
const OF_ONE_CONNECTION: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te"];
/// Fields that nobody keeps in a table (RFC 7541, section 7.1.3).
const SECRET: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// Writes a request.
pub fn prepare(plan: &Plan, url: &Url, method: &str, body: &[u8]) -> Message {
    let call = grpc::Call::of(plan.protocol, url, body);
    let (head, again) = blocks(&fields(plan, url, method, (call.as_ref(), !body.is_empty())));
    let body: Arc<[u8]> = call.map_or_else(|| body.into(), |call| call.message.into());
    Message { head, again, body }
}

fn fields(
    plan: &Plan,
    url: &Url,
    method: &str,
    (call, has_body): (Option<&grpc::Call>, bool),
) -> Vec<(String, String)> {
    let is_secure = matches!(url.scheme(), "https" | "grpcs");
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let of_plan = site::fields(plan, url, call.is_none() && has_body);
    let mut fields = Vec::new();
    let mut add = |name: &str, value: &str| fields.push((name.to_owned(), value.to_owned()));
    add(":method", if call.is_some() { "POST" } else { method });
    add(":scheme", if is_secure { "https" } else { "http" });
    add(":authority", &of_plan.authority);
    add(":path", call.map_or(target, |call| call.path.as_str()));
    for (name, value) in &of_plan.others {
        let name = name.to_ascii_lowercase();
        let is_of_call = call.is_some() && name == "content-type";
        if !OF_ONE_CONNECTION.contains(&name.as_str()) && !is_of_call {
            add(&name, value);
        }
    }
    if call.is_some() {
        add("te", "trailers");
        add("content-type", "application/grpc");
    }
    fields
}

/// The block that tells a far side the fields, and the block that refers to what it has been told. The second one holds as
/// long as nothing else has been told since, whatever was told before.
fn blocks(fields: &[(String, String)]) -> (Vec<u8>, Vec<u8>) {
    let parts: Vec<_> = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let is_told = |(name, value): (&[u8], &[u8])| hpack::whole(name, value).is_none() && !is_secret(name);
    let told: Vec<_> = parts.iter().copied().filter(|field| is_told(*field)).collect();
    let fits = told.iter().map(|(name, value)| hpack::size(name, value)).sum::<usize>() <= TABLE;
    let (mut head, mut again) = (Vec::new(), Vec::new());
    let mut left = told.len();
    for (name, value) in parts {
        if let Some(byte) = hpack::whole(name, value) {
            head.push(byte);
            again.push(byte);
        } else if fits && is_told((name, value)) {
            left -= 1;
            hpack::write(Keeping::InTable, name, value, &mut head);
            hpack::refer(left, &mut again);
        } else {
            let keeping = if is_secret(name) { Keeping::Never } else { Keeping::Nowhere };
            hpack::write(keeping, name, value, &mut head);
            hpack::write(keeping, name, value, &mut again);
        }
    }
    (head, again)
}

fn is_secret(name: &[u8]) -> bool {
    SECRET.iter().any(|secret| secret.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_was_told_is_referred_to_from_the_last_field_backwards() {
        let (head, again) = blocks(&owned(&[(":method", "GET"), (":authority", "h"), (":path", "/a"), ("x", "y")]));
        assert_eq!(head, b"\x82\x41\x01h\x44\x02/a\x40\x01x\x01y");
        assert_eq!(again, [0x82, 0xc0, 0xbf, 0xbe]);
    }

    #[test]
    fn secrets_are_told_each_time() {
        let (head, again) = blocks(&owned(&[("authorization", "t"), ("x", "y")]));
        assert_eq!(head, b"\x10\x0dauthorization\x01t\x40\x01x\x01y");
        assert_eq!(again, b"\x10\x0dauthorization\x01t\xbe");
    }

    #[test]
    fn fields_that_no_table_holds_are_told_each_time() {
        let long = "x".repeat(TABLE);
        let (head, again) = blocks(&owned(&[("a", &long), ("x", "y")]));
        assert_eq!(head, again);
        assert_eq!(head[0], 0);
    }
}
