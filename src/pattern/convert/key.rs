//! Service keys that people can read: the object's name, on collision with its kind, then its namespace.

use std::collections::HashSet;

use super::{Found, Identity};

/// One key for each object, all different. The key an object brings is kept when no other brings the same.
pub fn keys(objects: &[Found]) -> Vec<String> {
    let identities: Vec<Identity> = objects.iter().map(Found::identity).collect();
    let mut keys: Vec<Option<String>> = vec![None; objects.len()];
    let mut taken = HashSet::new();
    let wished: Vec<String> = objects.iter().map(|found| found.key.clone().unwrap_or_default()).collect();
    let forms: [Vec<String>; 4] = [
        wished,
        identities.iter().map(|one| one.name.clone()).collect(),
        identities.iter().map(|one| format!("{}-{}", one.name, one.kind.to_lowercase())).collect(),
        identities
            .iter()
            .map(|one| format!("{}-{}-{}", one.name, one.kind.to_lowercase(), one.namespace))
            .map(|key| key.trim_end_matches('-').to_owned())
            .collect(),
    ];
    for form in &forms {
        // Objects that would collide in this form all go on to the next, so that no key depends on the order.
        let open: Vec<usize> = (0..keys.len()).filter(|index| keys[*index].is_none()).collect();
        let alone = |key: &String| open.iter().filter(|other| form[**other] == *key).count() == 1;
        for index in &open {
            let key = &form[*index];
            if !key.is_empty() && alone(key) && !taken.contains(key) {
                taken.insert(key.clone());
                keys[*index] = Some(key.clone());
            }
        }
    }
    keys.into_iter().zip(&forms[3]).map(|(key, last)| key.unwrap_or_else(|| numbered(last, &mut taken))).collect()
}

fn numbered(base: &str, taken: &mut HashSet<String>) -> String {
    let mut number = 1;
    loop {
        let key = format!("{}-{number}", base.trim_end_matches('-'));
        if taken.insert(key.clone()) {
            return key;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Place;
    use serde_json::{Value, json};

    fn found(api_version: &str, kind: &str, namespace: &str, name: &str) -> Found {
        let Value::Object(body) =
            json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}})
        else {
            panic!()
        };
        Found::new(body, Place { file: "m".into(), line: None, column: None })
    }

    #[test]
    fn names_first_then_kinds_then_namespaces_then_numbers() {
        let objects = [
            found("v1", "Service", "a", "web"),
            found("apps/v1", "Deployment", "a", "web"),
            found("apps/v1", "Deployment", "b", "web"),
            found("v1", "ConfigMap", "a", "settings"),
            found("v1", "ConfigMap", "a", "web-service"),
            found("x.io/v1", "Thing", "a", "t"),
            found("y.io/v1", "Thing", "a", "t"),
            Found { key: Some("mine".into()), ..found("v1", "Secret", "a", "s") },
        ];
        assert_eq!(
            keys(&objects),
            [
                "web-service-a",
                "web-deployment-a",
                "web-deployment-b",
                "settings",
                "web-service",
                "t-thing-a-1",
                "t-thing-a-2",
                "mine"
            ]
        );
    }
}
