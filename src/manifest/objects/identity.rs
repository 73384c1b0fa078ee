//! Which object a value is. In: an object as an API server writes it. Out: its kind, namespace and name.

use serde_json::Value;

/// An object by kind, namespace and name. The kind comes first, so that objects stand in the order of a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identity {
    pub(crate) kind: Box<str>,
    /// Empty for what is in none.
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
}

impl Identity {
    /// None for what has no kind or no name.
    pub(crate) fn of(object: &Value) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        let namespace = text("/metadata/namespace").unwrap_or_default().into();
        Some(Self { kind: text("/kind")?.into(), namespace, name: text("/metadata/name")?.into() })
    }

    /// As messages call it, such as `HTTPRoute web/api`.
    pub(crate) fn describe(&self) -> String {
        let Self { kind, namespace, name } = self;
        if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
    }
}
