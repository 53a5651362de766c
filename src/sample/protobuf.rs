//! Reads request bodies in Kubernetes' protocol buffers form, which kubectl's own commands (`create namespace`) send.
//!
//! Answers are always JSON: every client that sends this form reads that one too.

use serde_json::{Map, Value, json};

use super::builtin;
use super::decode::base64;
use super::kind::Kind;
use super::shape::{Ref, Scalar, Shape};
use super::status::{Answer, Failure};
use crate::base::clock::Timestamp;

/// What every body of this form begins with.
const MAGIC: &[u8] = b"k8s\0";

/// How deep messages may stand in each other.
const DEEPEST: usize = 64;

/// Numbers that mean something when they are 0; other zeros stand for absent ones.
const MEANT_ZERO: &[&str] = &[
    "backoffLimit",
    "completions",
    "failedJobsHistoryLimit",
    "gracePeriodSeconds",
    "maxUnavailable",
    "minAvailable",
    "minReplicas",
    "parallelism",
    "partition",
    "replicas",
    "revisionHistoryLimit",
    "successfulJobsHistoryLimit",
    "terminationGracePeriodSeconds",
    "ttlSecondsAfterFinished",
    "value",
];

/// Truths that mean something when they are false; others stand for absent ones.
const MEANT_FALSE: &[&str] = &[
    "allocateLoadBalancerNodePorts",
    "allowPrivilegeEscalation",
    "automountServiceAccountToken",
    "blockOwnerDeletion",
    "controller",
    "enableServiceLinks",
    "optional",
    "readOnlyRootFilesystem",
    "runAsNonRoot",
    "suspend",
];

/// One field on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

struct Fault;

/// Reads a body of this kind.
pub fn read(bytes: &[u8], kind: &Kind) -> Answer<Value> {
    let refuse = |_: Fault| Failure::bad_request(format!("the body is no {} in protocol buffers form", kind.kind));
    let Ref::Named(name) = kind.shape else {
        return Err(Failure::new(415, "UnsupportedMediaType", "custom resources have no protocol buffers form"));
    };
    envelope(bytes, name).map_err(refuse)
}

/// Reads the options of a deletion.
pub fn read_options(bytes: &[u8]) -> Answer<Value> {
    options(bytes).map_err(|_| Failure::bad_request("the body is no DeleteOptions in protocol buffers form"))
}

fn options(bytes: &[u8]) -> Result<Value, Fault> {
    let mut body = bytes.strip_prefix(MAGIC).ok_or(Fault)?;
    let mut out = json!({"preconditions": {}, "dryRun": []});
    while let Some((number, wire)) = next(&mut body)? {
        let (2, Wire::Bytes(mut inner)) = (number, wire) else { continue };
        while let Some((number, wire)) = next(&mut inner)? {
            match (number, &wire) {
                (2, Wire::Bytes(conditions)) => {
                    let mut conditions = *conditions;
                    while let Some((number, wire)) = next(&mut conditions)? {
                        let key = if number == 1 { "uid" } else { "resourceVersion" };
                        out["preconditions"][key] = json!(text(&wire)?);
                    }
                }
                (3, Wire::Number(orphan)) => out["orphanDependents"] = json!(*orphan != 0),
                (4, _) => out["propagationPolicy"] = json!(text(&wire)?),
                (5, _) => out["dryRun"] = json!([text(&wire)?]),
                _ => {}
            }
        }
    }
    Ok(out)
}

/// The envelope says version and kind (field 1) and holds the object (field 2).
fn envelope(bytes: &[u8], name: &'static str) -> Result<Value, Fault> {
    let mut body = bytes.strip_prefix(MAGIC).ok_or(Fault)?;
    let (mut meta, mut object) = (Map::new(), Map::new());
    while let Some((number, wire)) = next(&mut body)? {
        match (number, wire) {
            (1, Wire::Bytes(mut inner)) => {
                while let Some((number, wire)) = next(&mut inner)? {
                    let key = if number == 1 { "apiVersion" } else { "kind" };
                    meta.insert(key.to_owned(), json!(text(&wire)?));
                }
            }
            (2, Wire::Bytes(inner)) => message(name, builtin::types().get(name).ok_or(Fault)?, inner, &mut object, 0)?,
            _ => {}
        }
    }
    meta.extend(object);
    Ok(Value::Object(meta))
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Fault> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Fault)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Fault)
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], Fault> {
    let (head, rest) = bytes.split_at_checked(count).ok_or(Fault)?;
    *bytes = rest;
    Ok(head)
}

fn next<'a>(bytes: &mut &'a [u8]) -> Result<Option<(u64, Wire<'a>)>, Fault> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let tag = varint(bytes)?;
    let wire = match tag & 7 {
        0 => Wire::Number(varint(bytes)?),
        1 => Wire::Number(u64::from_le_bytes(take(bytes, 8)?.try_into().map_err(|_| Fault)?)),
        2 => {
            let count = usize::try_from(varint(bytes)?).map_err(|_| Fault)?;
            Wire::Bytes(take(bytes, count)?)
        }
        5 => Wire::Number(u64::from(u32::from_le_bytes(take(bytes, 4)?.try_into().map_err(|_| Fault)?))),
        _ => return Err(Fault),
    };
    Ok(Some((tag >> 3, wire)))
}

fn text(wire: &Wire<'_>) -> Result<String, Fault> {
    match wire {
        Wire::Bytes(bytes) => String::from_utf8(bytes.to_vec()).map_err(|_| Fault),
        Wire::Number(_) => Err(Fault),
    }
}

fn bytes_of<'a>(wire: &Wire<'a>) -> Result<&'a [u8], Fault> {
    match wire {
        Wire::Bytes(bytes) => Ok(bytes),
        Wire::Number(_) => Err(Fault),
    }
}

/// Reads a message's fields into `out`; those of an embedded message stand in JSON among those of its holder.
fn message(
    name: &str,
    shape: &Shape,
    mut bytes: &[u8],
    out: &mut Map<String, Value>,
    depth: usize,
) -> Result<(), Fault> {
    if depth > DEEPEST {
        return Err(Fault);
    }
    let numbers = builtin::numbers(name);
    while let Some((number, wire)) = next(&mut bytes)? {
        let Some((_, field)) = numbers.iter().find(|(one, _)| *one == number) else { continue };
        if let Some(embedded) = field.strip_prefix('+') {
            message(embedded, shape, bytes_of(&wire)?, out, depth + 1)?;
            continue;
        }
        let Some(declared) = shape.field(field) else { continue };
        match declared.shape.get() {
            Shape::List { item, .. } => {
                let one = value(item, &wire, depth)?;
                let list = out.entry((*field).to_owned()).or_insert_with(|| json!([]));
                list.as_array_mut().ok_or(Fault)?.push(one);
            }
            Shape::Map { value: inner, .. } => {
                let (key, one) = entry(inner, bytes_of(&wire)?, depth)?;
                let map = out.entry((*field).to_owned()).or_insert_with(|| json!({}));
                map.as_object_mut().ok_or(Fault)?.insert(key, one);
            }
            _ => {
                let one = value(&declared.shape, &wire, depth)?;
                if is_meant(field, &one) {
                    out.insert((*field).to_owned(), one);
                }
            }
        }
    }
    Ok(())
}

/// This form writes every field that is no pointer, set or not.
fn is_meant(field: &str, value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Bool(false) => MEANT_FALSE.contains(&field),
        Value::Number(number) if number.as_f64() == Some(0.0) => MEANT_ZERO.contains(&field),
        _ => true,
    }
}

fn entry(inner: &Ref, mut bytes: &[u8], depth: usize) -> Result<(String, Value), Fault> {
    let (mut key, mut found) = (String::new(), json!(""));
    while let Some((number, wire)) = next(&mut bytes)? {
        if number == 1 {
            key = text(&wire)?;
        } else {
            found = value(inner, &wire, depth)?;
        }
    }
    Ok((key, found))
}

fn value(reference: &Ref, wire: &Wire<'_>, depth: usize) -> Result<Value, Fault> {
    if let Ref::Named(name) = reference {
        let mut out = Map::new();
        message(name, reference.get(), bytes_of(wire)?, &mut out, depth + 1)?;
        return Ok(Value::Object(out));
    }
    match reference.get() {
        Shape::Scalar(kind) => scalar(*kind, wire),
        // Lists inside maps are wrapped into a message of one repeated field.
        Shape::List { item, .. } => {
            let (mut bytes, mut items) = (bytes_of(wire)?, Vec::new());
            while let Some((_, wire)) = next(&mut bytes)? {
                items.push(value(item, &wire, depth + 1)?);
            }
            Ok(Value::Array(items))
        }
        // Raw JSON in the first field.
        _ => {
            let mut bytes = bytes_of(wire)?;
            match next(&mut bytes)? {
                Some((1, Wire::Bytes(raw))) => Ok(serde_json::from_slice(raw).unwrap_or_default()),
                _ => Ok(Value::Null),
            }
        }
    }
}

fn scalar(kind: Scalar, wire: &Wire<'_>) -> Result<Value, Fault> {
    match (kind, wire) {
        (Scalar::String, _) => Ok(json!(text(wire)?)),
        (Scalar::Bytes, Wire::Bytes(bytes)) => Ok(json!(base64(bytes))),
        (Scalar::Bool, Wire::Number(number)) => Ok(json!(*number != 0)),
        (Scalar::Int32 | Scalar::Int64, Wire::Number(number)) => Ok(json!(number.cast_signed())),
        (Scalar::Number, Wire::Number(number)) => Ok(json!(f64::from_bits(*number))),
        (Scalar::Quantity, Wire::Bytes(bytes)) => match next(&mut &**bytes)? {
            Some((1, wire)) => Ok(json!(text(&wire)?)),
            _ => Ok(Value::Null),
        },
        (Scalar::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes),
        (Scalar::Time, Wire::Bytes(bytes)) => moment(bytes),
        _ => Err(Fault),
    }
}

fn int_or_string(mut bytes: &[u8]) -> Result<Value, Fault> {
    let (mut is_text, mut number, mut string) = (false, 0i64, String::new());
    while let Some((field, wire)) = next(&mut bytes)? {
        match (field, &wire) {
            (1, Wire::Number(kind)) => is_text = *kind == 1,
            (2, Wire::Number(value)) => number = value.cast_signed(),
            (3, _) => string = text(&wire)?,
            _ => {}
        }
    }
    Ok(if is_text { json!(string) } else { json!(number) })
}

/// Seconds and nanoseconds; an empty message is no moment at all.
fn moment(mut bytes: &[u8]) -> Result<Value, Fault> {
    let (mut seconds, mut nanos) = (0i64, 0i64);
    while let Some((field, wire)) = next(&mut bytes)? {
        match (field, wire) {
            (1, Wire::Number(value)) => seconds = value.cast_signed(),
            (2, Wire::Number(value)) => nanos = value.cast_signed(),
            _ => {}
        }
    }
    if seconds == 0 && nanos == 0 {
        return Ok(Value::Null);
    }
    let nanos = i32::try_from(nanos).map_err(|_| Fault)?;
    Timestamp::new(seconds, nanos).map(|moment| json!(moment.to_string())).map_err(|_| Fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend(bytes);
        out
    }

    fn body(kind: &str, object: &[u8]) -> Vec<u8> {
        let meta = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, object)].concat()
    }

    fn kind(plural: &str) -> &'static Kind {
        builtin::kinds().iter().find(|kind| kind.plural == plural).unwrap()
    }

    #[test]
    fn a_namespace_as_kubectl_sends_it() {
        // metadata { name: "t", generateName: "", creationTimestamp {} }, spec {}, status { phase: "" }
        let metadata = [field(1, b"t"), field(2, b""), field(8, b"")].concat();
        let object = [field(1, &metadata), field(2, b""), field(3, &field(1, b""))].concat();
        let value = read(&body("Namespace", &object), kind("namespaces")).unwrap();
        assert_eq!(
            value,
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "t"}, "spec": {}, "status": {}})
        );
    }

    #[test]
    fn maps_bytes_and_embedded_messages() {
        let data = [field(1, b"a"), field(2, b"b")].concat();
        let value = read(&body("Secret", &field(2, &data)), kind("secrets")).unwrap();
        assert_eq!(value["data"], json!({"a": "Yg=="}));
        // volumes { name: "v", volumeSource { configMap { localObjectReference { name: "c" } } } }
        let source = field(19, &field(1, &field(1, b"c")));
        let source = [vec![0x9a, 0x01], source[1..].to_vec()].concat();
        let volume = [field(1, b"v"), field(2, &source)].concat();
        let value = read(&body("Pod", &field(2, &field(1, &volume))), kind("pods")).unwrap();
        assert_eq!(value["spec"]["volumes"], json!([{"name": "v", "configMap": {"name": "c"}}]));
    }

    #[test]
    fn options_of_a_deletion() {
        let object = [field(2, &field(1, b"u")), vec![3 << 3, 1], field(4, b"Orphan"), field(5, b"All")].concat();
        let value = read_options(&body("DeleteOptions", &object)).unwrap();
        assert_eq!(
            value,
            json!({"preconditions": {"uid": "u"}, "dryRun": ["All"], "orphanDependents": true, "propagationPolicy": "Orphan"})
        );
    }

    #[test]
    fn broken_bodies_are_refused() {
        for bytes in [
            &b""[..],
            b"k8s\0\x12",
            b"k8s\0\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"{}",
            b"k8s\0\x12\x05\x0a",
        ] {
            assert_eq!(read(bytes, kind("pods")).unwrap_err().code, 400);
        }
    }
}
