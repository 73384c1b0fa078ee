//! What a program says of the objects as a whole: which of them are its own. Rules 7.12, 10.5.

/// Which objects count, beyond what they say themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// 7.12: the namespace whose policies select in every namespace.
    pub(crate) global_policy_namespace: Option<String>,
    /// 10.5: the controller whose Gateways count.
    pub(crate) controller: Option<String>,
}
