//! What happens while a cluster is followed, as it happens: one line each for people. Rule 10.6.

use std::fmt;

use crate::{
    escape::{Escaped, ForeignMessage},
    finding::Kind,
    manifest::{Change, Violation},
};

/// Something that happened. Its `Display` is one line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClusterEvent {
    /// Every kind was listed once, and the first table serves.
    Synced {
        /// How many objects there are, by kind.
        objects: Vec<(String, usize)>,
    },
    /// A route or a policy is another one in the new table.
    Changed(Change),
    /// A new table serves, with this many changes.
    Reloaded {
        /// How many changes there are.
        changes: usize,
    },
    /// Something is wrong with an object that is new or has changed.
    Refused(Violation),
    /// A kind can't be read; the last table serves on.
    Unavailable {
        /// The collection, such as `httproutes.gateway.networking.k8s.io`.
        resource: String,
        /// What the server or the connection says.
        message: String,
    },
    /// A kind can be read again.
    Available {
        /// The collection.
        resource: String,
    },
    /// The status of an object can't be written.
    StatusNotWritten {
        /// The object, such as `HTTPRoute web/api`.
        object: String,
        /// What the server or the connection says.
        message: String,
    },
}

impl fmt::Display for ClusterEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        match self {
            Self::Synced { objects } if objects.is_empty() => f.write_str("synced: no objects"),
            Self::Synced { objects } => {
                f.write_str("synced: ")?;
                for (at, (kind, number)) in objects.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    // TrafficPolicy, TrafficPolicies; Gateway, Gateways; GatewayClass, GatewayClasses.
                    let (stem, end) = match kind.strip_suffix("cy") {
                        Some(stem) if *number != 1 => (stem, "cies"),
                        _ if kind.ends_with('s') && *number != 1 => (kind.as_str(), "es"),
                        _ => (kind.as_str(), plural(*number)),
                    };
                    write!(f, "{comma}{number} {}{end}", Escaped(stem))?;
                }
                Ok(())
            }
            Self::Changed(change) => change.fmt(f),
            Self::Reloaded { changes } => write!(f, "reloaded, {changes} change{}", plural(*changes)),
            Self::Refused(violation) => write!(f, "refused: {violation} [{}]", violation.kind().code()),
            Self::Unavailable { resource, message } => write!(f, "API server: {resource}: {}", ForeignMessage(message)),
            Self::Available { resource } => write!(f, "API server: {resource}: read again"),
            Self::StatusNotWritten { object, message } => {
                write!(f, "status of {}: {}", Escaped(object), ForeignMessage(message))
            }
        }
    }
}
