//! The matches at one hostname and one path, in the order of 8.1. Where there are many, those that want a header to have
//! one value are found by that value, so that ten thousand tenants told apart by a header cost one look-up.

use std::{collections::HashMap, ops::ControlFlow};

use http::HeaderName;

use super::{
    order::{Conditions, Target},
    preflight::group::{Group, Grouping},
    reach::{self, Sought},
};
use crate::headers::is_sent_unannounced;

/// Fewer matches are compared one by one as fast as they are looked up.
const MIN_INDEXED: usize = 16;
/// The most header names that matches are looked up by; those with others are compared one by one.
const MAX_NAMES: usize = 4;

/// Matches, as their ranks in the order of 8.1, which ascend.
#[derive(Clone, Debug, Default)]
pub(super) struct Bucket {
    ranks: Vec<usize>,
    index: Option<Box<Index>>,
    groups: Vec<Group>,
}

#[derive(Clone, Debug, Default)]
struct Index {
    names: Vec<Indexed>,
    /// The matches that no header was found for to look them up by.
    rest: Vec<usize>,
}

/// A header that matches are looked up by.
#[derive(Clone, Debug)]
struct Indexed {
    name: HeaderName,
    is_sent_unannounced: bool,
    values: ByValue,
}

/// The matches that require a header to have a value, by this value.
type ByValue = HashMap<Box<str>, Vec<usize>>;

impl Bucket {
    pub(super) fn push(&mut self, rank: usize) {
        self.ranks.push(rank);
    }

    pub(super) fn ranks(&self) -> &[usize] {
        &self.ranks
    }

    /// The matches in groups of those that a preflight does not tell apart; none where no match has header conditions.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Prepares the groups, once every match is added.
    pub(super) fn group(&mut self, grouping: &mut Grouping, conditions: &[Conditions], targets: &[Target]) {
        self.groups = grouping.groups(&self.ranks, conditions, targets);
    }

    /// Prepares the look-up, once every match is added.
    pub(super) fn seal(&mut self, conditions: &[Conditions]) {
        self.ranks.shrink_to_fit();
        if self.ranks.len() < MIN_INDEXED {
            return;
        }
        let mut index = Index::default();
        for &rank in &self.ranks {
            let headers = conditions.get(rank).map_or(&[][..], |conditions| &conditions.headers);
            let exact = headers.iter().find_map(|condition| Some((&condition.name, condition.value.as_exact()?)));
            match exact.and_then(|(name, value)| Some((index.values_of(name)?, value))) {
                Some((values, value)) => values.entry(value.into()).or_default().push(rank),
                None => index.rest.push(rank),
            }
        }
        self.index = Some(Box::new(index));
    }

    /// Visits the matches that the request may meet, and perhaps others that it does not, in their order.
    #[inline]
    pub(super) fn visit<B>(
        &self,
        sought: &Sought<'_>,
        visit: &mut impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match &self.index {
            // 8.2: a header that the preflight only announces may have any value.
            Some(index) if !index.is_unknown(sought) => index.visit(sought, visit),
            _ => self.ranks.iter().copied().try_for_each(visit),
        }
    }
}

impl Index {
    fn values_of(&mut self, name: &HeaderName) -> Option<&mut ByValue> {
        let known = self.names.iter().position(|known| known.name == *name);
        if known.is_none() && self.names.len() < MAX_NAMES {
            let is_sent_unannounced = is_sent_unannounced(name);
            self.names.push(Indexed { name: name.clone(), is_sent_unannounced, values: HashMap::new() });
        }
        let at = known.unwrap_or(self.names.len().saturating_sub(1));
        self.names.get_mut(at).filter(|known| known.name == *name).map(|known| &mut known.values)
    }

    fn is_unknown(&self, sought: &Sought<'_>) -> bool {
        self.names.iter().any(|known| sought.is_unknown(&known.name, known.is_sent_unannounced))
    }

    fn visit<B>(&self, sought: &Sought<'_>, visit: &mut impl FnMut(usize) -> ControlFlow<B>) -> ControlFlow<B> {
        let mut lists: [&[usize]; MAX_NAMES + 1] = [&[]; MAX_NAMES + 1];
        let by_value = self.names.iter().map(|known| {
            let value = reach::header_value(sought.request.headers(), &known.name);
            let value = value.as_deref().and_then(|value| std::str::from_utf8(value).ok());
            value.and_then(|value| known.values.get(value)).map_or(&[][..], Vec::as_slice)
        });
        for (list, found) in lists.iter_mut().zip(by_value.chain([&*self.rest])) {
            *list = found;
        }
        // Each list ascends, so the least of their first ranks comes next.
        while let Some(list) = lists.iter_mut().filter(|list| !list.is_empty()).min_by_key(|list| list.first().copied())
        {
            let Some((&rank, rest)) = list.split_first() else { break };
            *list = rest;
            visit(rank)?;
        }
        ControlFlow::Continue(())
    }
}
