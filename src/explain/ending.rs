//! How a script's request ends, in one word: what a case expects, and what a program compares. In: an explanation.

use std::fmt;

use super::{Behind, Explanation};
use crate::decision::{Outcome, Reason};

/// How a script's request ends. Its `Display` is a stable text: `readable`, `blocked: preflight-method`, `refused (403)`,
/// `not-served`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The script can read the response.
    Readable,
    /// The browser keeps the response from the script, or does not send the request.
    Blocked {
        /// The [code](crate::browser::Blocked::code) of the browser's check that failed.
        code: &'static str,
        /// Why the last request was decided as it was.
        reason: Reason,
    },
    /// The layer answers the request with 403, so that the backend does not get it (5.8, 8.3).
    Refused,
    /// No route takes the request, or the one that does delegates to nothing (8.5, 8.8).
    NotServed,
}

impl Ending {
    /// Whether the request ends so for `reason`: the code of the browser's check, or that of the decision.
    pub fn is_blocked_for(&self, reason: &str) -> bool {
        matches!(self, Self::Blocked { code, reason: decided } if *code == reason || decided.code() == reason)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Readable => f.write_str("readable"),
            Self::Blocked { code, .. } => write!(f, "blocked: {code}"),
            Self::Refused => f.write_str("refused (403)"),
            Self::NotServed => f.write_str("not-served"),
        }
    }
}

impl Explanation {
    /// How the request ends.
    pub fn ending(&self) -> Ending {
        let last = self.actual.as_ref().or(self.preflight.as_ref());
        let Some(last) = last.filter(|last| last.behind == Behind::Backend) else { return Ending::NotServed };
        match &self.verdict {
            // A 403 of the layer has no CORS headers, so the browser blocks it, too.
            _ if last.outcome == Outcome::Refused => Ending::Refused,
            Ok(_) => Ending::Readable,
            Err(blocked) => Ending::Blocked { code: blocked.code(), reason: last.reason },
        }
    }
}
