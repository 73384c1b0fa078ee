//! What there is of a cluster at a moment, for programs. Rule 10.6.

use std::{collections::BTreeMap, time::SystemTime};

use crate::manifest::Violation;

/// What is known of a cluster at a moment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ClusterStatus {
    /// Whether every kind was listed once, so that its objects serve.
    pub is_synced: bool,
    /// How many objects there are, by kind.
    pub objects: BTreeMap<String, usize>,
    /// How many tables have served since the first sync.
    pub swaps: u64,
    /// When the table was last swapped.
    pub last_swap: Option<SystemTime>,
    /// A number for what the table is made of: two replicas with the same objects and the same build have the same.
    pub digest: u64,
    /// What is wrong with which object.
    pub violations: Vec<Violation>,
    /// The collections that can't be read, such as `httproutes.gateway.networking.k8s.io`, each with what the server says.
    pub unavailable: BTreeMap<String, String>,
}
