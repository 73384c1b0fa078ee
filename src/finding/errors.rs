//! Everything that is wrong, as one error. In: errors, at least one. Out: a text for people, in `Display` and in `Debug`.

use std::{error::Error, fmt};

use crate::escape::write_lines;

/// Everything that is wrong, at least one thing, in the order in which it was found.
///
/// Its `Display` has a line for each error, up to 4 KiB in all; then it says how many more there are. So has its `Debug`:
/// a program that ends by `unwrap` or by an error from `main` says what to write as well. With `{:#}` each error is
/// printed in its longer form, where it has one.
#[derive(Clone, PartialEq, Eq)]
pub struct Errors<E>(Vec<E>);

impl<E> Errors<E> {
    /// `Ok` where there is nothing wrong.
    pub(crate) fn check(errors: Vec<E>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }

    /// The errors, one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, E> {
        self.0.iter()
    }
}

/// A single one.
impl<E> From<E> for Errors<E> {
    fn from(error: E) -> Self {
        Self(vec![error])
    }
}

impl<'a, E> IntoIterator for &'a Errors<E> {
    type Item = &'a E;
    type IntoIter = std::slice::Iter<'a, E>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<E> IntoIterator for Errors<E> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<E: fmt::Display> fmt::Display for Errors<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lines(f, &self.0)
    }
}

/// For people, like `Display`: the text of a panic is what many of them see.
impl<E: fmt::Display> fmt::Debug for Errors<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<E: fmt::Display> Error for Errors<E> {}
