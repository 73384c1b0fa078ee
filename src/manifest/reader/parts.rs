//! A long text in parts that are read side by side. In: a text, and what reads a part. Out: what that made of each part,
//! in the order of the text.

use std::{
    iter,
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// How many parts are read at the same time. Each may grow into a large tree.
const MAX_AT_ONCE: usize = 4;

/// The stack of a thread, in bytes.
const STACK: usize = 8 << 20;

/// Whole documents of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) text: &'a str,
    pub(crate) lines_before: u64,
}

/// What stack there is to read with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stack {
    /// 8 MiB.
    Own,
    /// What the caller has left.
    Callers,
}

/// Cuts a text where documents begin, into parts of at least `min` bytes. What YAML says in one document reaches no other
/// one, but for directives, which stand before theirs: a text with lines like these stays whole.
pub(crate) fn cut(min: usize, text: &str) -> Vec<Part<'_>> {
    const MARKER: &str = "---";
    // Nearly no text has a percent sign, and looking for one is cheaper than looking at each line.
    let has_directives = text.contains('%') && lines(text).any(|line| line.starts_with('%'));
    let is_marker = |at: &usize| text[at + MARKER.len()..].starts_with([' ', '\t', '\r', '\n']);
    let mut parts = Vec::new();
    let (mut start, mut lines_before) = (0, 0);
    for end in text.match_indices("\n---").map(|(at, _)| at + 1).filter(is_marker) {
        if end - start >= min && !has_directives {
            // With the marker after it, a part ends as it does in the whole.
            parts.push(Part { text: &text[start..end + MARKER.len()], lines_before });
            lines_before += line_ends(&text[start..end]);
            start = end;
        }
    }
    parts.push(Part { text: &text[start..], lines_before });
    parts
}

/// The lines of a text, told apart as YAML does.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// How many lines end in a text.
fn line_ends(text: &str) -> u64 {
    let ends = match text.contains('\r') {
        false => text.bytes().filter(|&byte| byte == b'\n').count(),
        true => lines(text).count() - 1,
    };
    ends as u64
}

/// Reads parts, each on a thread that has the stack for it. None where a thread has panicked.
pub(crate) fn read<'a, T: Send>(parts: &[Part<'a>], read: impl Fn(Part<'a>, Stack) -> T + Sync) -> Option<Vec<T>> {
    let next = AtomicUsize::new(0);
    let work = |stack| -> Vec<_> {
        let next = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            parts.get(at).map(|part| (at, read(*part, stack)))
        };
        iter::from_fn(next).collect()
    };
    let at_once = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_AT_ONCE).min(parts.len());
    let read = thread::scope(|scope| {
        let start = |_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || work(Stack::Own)).ok();
        let workers: Vec<_> = (0..at_once).map_while(start).collect();
        if workers.is_empty() {
            // There are no threads, as in a browser.
            return Some(vec![work(Stack::Callers)]);
        }
        workers.into_iter().map(|worker| worker.join().ok()).collect::<Option<Vec<_>>>()
    });
    let mut read: Vec<_> = read?.into_iter().flatten().collect();
    read.sort_by_key(|(at, _)| *at);
    Some(read.into_iter().map(|(_, read)| read).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_text_is_cut_where_documents_begin() {
        let cut =
            |min, text| super::cut(min, text).iter().map(|part| (part.text, part.lines_before)).collect::<Vec<_>>();
        let text = "a: 1\n--- # one\nb: ---\n----\n---\r\nc: 3\r---\n\t\n---";
        let last = "---\r\nc: 3\r---\n\t\n---";
        assert_eq!(cut(usize::MAX, text), [(text, 0)]);
        assert_eq!(cut(1, text), [("a: 1\n---", 0), ("--- # one\nb: ---\n----\n---", 1), (last, 4)]);
        assert_eq!(cut(5, text).len(), 3);
        assert_eq!(cut(6, text), [("a: 1\n--- # one\nb: ---\n----\n---", 0), (last, 4)]);
        assert_eq!(cut(1, "a: 1\r\r\n--- \nb: 2"), [("a: 1\r\r\n---", 0), ("--- \nb: 2", 2)]);
        let four = "a: 1\n---\nb: 2\n---\nc: 3\n---\nd: 4\n";
        assert_eq!(cut(10, four), [("a: 1\n---\nb: 2\n---", 0), ("---\nc: 3\n---\nd: 4\n", 3)]);
        // The directive belongs to the document after it.
        for text in ["%YAML 1.2\n---\na: 1", "a: 1\n...\n%YAML 1.2\n---\nb: 2"] {
            assert_eq!(cut(1, text), [(text, 0)]);
        }
    }
}
