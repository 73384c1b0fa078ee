//! Rules 8.2 and 8.3 for the rules of a table: which of them can be candidates for one preflight, so that a request is
//! sent with the consent of the rule that it reaches. [`announced`] reads what a preflight announces, once; [`group`] keeps, at each path, the matches that a preflight does
//! not tell apart; [`candidates`] finds the groups that one request may reach; [`ambiguity`] finds, once for the whole
//! table, the rules that are candidates beside others.
//!
//! The invariant: whatever a preflight can have for a candidate, a walk over the groups of the same host, path, method
//! and query finds. Both walks are the one of [`Paths`](super::path::Paths), so neither can take another order.

pub(super) mod ambiguity;
pub(super) mod announced;
pub(super) mod candidates;
pub(super) mod group;
