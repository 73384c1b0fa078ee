//! What is no YAML, in plain words. In: an error of the YAML crate. Out: the place, and a sentence that needs no knowledge
//! of how YAML is parsed.

use std::borrow::Cow;

use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter, budget::BudgetBreach};

use super::place::Place;

/// How deep values may stand in one another. Schemas in custom resource definitions go deepest, to about 40. Without
/// optimisation a level takes up to 64 KiB of stack, and a thread of a server has 2 MiB or less.
pub(crate) const MAX_DEPTH: usize = 64;

/// The first thing in a text that is no YAML.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub(crate) place: Place,
    pub(crate) sentence: Cow<'static, str>,
}

/// What the parser says, in part, and what that means to the author of the file.
const SENTENCES: [(&str, &str); 19] = [
    ("unclosed bracket '['", "this [ has no ]"),
    ("unclosed bracket '{'", "this { has no }"),
    ("mismatched bracket", "this bracket closes one of the other kind"),
    ("misplaced bracket", "this bracket closes nothing"),
    ("unclosed quote", "this quote is never closed"),
    ("invalid trailing content after", "something follows the closing quote"),
    ("unknown escape", "YAML has no such escape; between single quotes a backslash is just a backslash"),
    ("tab", "a tab stands where YAML requires spaces"),
    ("mapping values are not allowed", "no field can begin here; correct the indentation, or put the value in quotes"),
    ("block mapping, did not find expected key", "no field begins here; correct the indentation"),
    ("block collection, did not find", "this is no item of the list above; correct the indentation"),
    ("illegal placement of ':'", "no field can begin within [ ]; a ] is missing before this"),
    ("expected ',' or '}'", "a comma or a } is missing before this"),
    ("expected ',' or ']'", "a comma or a ] is missing before this"),
    ("anchor or alias", "a * or & means something of its own to YAML; put the value in quotes"),
    ("node content", "a value is missing here, or needs quotes"),
    ("unexpected character", "no value begins with this character; put the value in quotes"),
    ("invalid indentation", "the indentation fits nothing above"),
    ("simple key expected ':'", "this line has no colon after the name of the field"),
];

/// What a file has too many of.
pub(crate) const TOO_MANY_VALUES: &str =
    "the file holds more values than one of its size may, which is one for 4 bytes";
pub(crate) const TOO_MANY_ALIASES: &str = "values that * repeats make the file too large";
pub(crate) const TOO_MANY_MERGED: &str = "<< gives a map more fields than are accepted";
pub(crate) const TOO_MUCH: &str = "the file holds more than is accepted";

/// What a line of Helm is, which YAML finds one thing or another wrong with.
const TEMPLATE: &str =
    "this is a template that nobody has filled in; apply what it renders, as `helm template` prints it";

impl SyntaxError {
    /// A text that could not be read at all.
    pub(crate) fn unreadable() -> Self {
        Self::at_start("the file can't be read")
    }

    /// What is wrong with a text as a whole.
    pub(crate) fn at_start(sentence: &'static str) -> Self {
        Self { place: Place { line: 1, column: 1 }, sentence: sentence.into() }
    }

    /// The same, where the line of the text tells more than the parser.
    pub(crate) fn of_line(self, line: Option<&str>) -> Self {
        let is_template = line.is_some_and(|line| line.contains("{{"));
        let sentence = if is_template { TEMPLATE.into() } else { self.sentence };
        Self { sentence, ..self }
    }

    /// The same with more lines before it.
    pub(crate) fn moved_down(self, lines: u64) -> Self {
        let line = u32::try_from(lines).ok().and_then(|lines| self.place.line.checked_add(lines));
        let place = Place { line: line.unwrap_or(u32::MAX), ..self.place };
        Self { place, ..self }
    }
}

impl From<Error> for SyntaxError {
    fn from(error: Error) -> Self {
        let error = error.without_snippet();
        let place = error.location().map_or(Place { line: 1, column: 1 }, Place::from);
        Self { place, sentence: sentence(error) }
    }
}

fn sentence(error: &Error) -> Cow<'static, str> {
    match error {
        Error::UnknownAnchor { .. } => {
            "to YAML a * before a name stands for a value with that name, and there is none; put the value in quotes"
                .into()
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => "this * stands inside of what it refers to".into(),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => TOO_MANY_ALIASES.into(),
        Error::InvalidScalar { .. } => "the value is not what the !! before it says".into(),
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            format!("values stand in one another more than {MAX_DEPTH} levels deep").into()
        }
        Error::Budget { breach: BudgetBreach::Nodes { .. }, .. } => TOO_MANY_VALUES.into(),
        Error::Budget {
            breach:
                BudgetBreach::Aliases { .. }
                | BudgetBreach::Anchors { .. }
                | BudgetBreach::AliasAnchorRatio { .. }
                | BudgetBreach::RecordedAnchorBytes { .. }
                | BudgetBreach::RecordedAnchorEvents { .. },
            ..
        } => TOO_MANY_ALIASES.into(),
        Error::Budget { .. } => TOO_MUCH.into(),
        Error::AliasError { error, .. } => sentence(error),
        error => {
            let said = DefaultMessageFormatter.format_message(error);
            let known = SENTENCES.iter().find(|(part, _)| said.contains(part));
            known.map_or_else(|| said.into_owned().into(), |(_, sentence)| (*sentence).into())
        }
    }
}
