//! Manifests while they are collected. In: texts and files. Out: [`LoadedRoutes`], or everything that is wrong.
//! Rule 2.2.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde::Serialize;

use super::{
    attachment::{self, LoadedRoutes, Outcomes, Scope},
    error::{ManifestError, ManifestErrors},
    finding::{Lint, Position, Violation},
    objects::{self, Resources},
    reader::{self, Excerpts, MAX_VIOLATIONS, Report},
    value::{Object, ReadObject},
};
use crate::compile::{Compiler, Profile};

/// Manifests while they are collected.
///
/// Each text may hold many documents, in any order, with empty ones between them. Of the Gateway API's resources
/// `Gateway`, `ListenerSet`, `HTTPRoute` and `GRPCRoute` are read, of kgateway's `TrafficPolicy`, of Gloo's
/// `GlooTrafficPolicy`, and the labels of `Namespace`; other kinds, other filters and `status` are passed over. Where two objects have one kind, namespace and name, the last one counts.
#[derive(Debug)]
pub struct Manifests {
    compiler: Compiler,
    resources: Resources,
    lints: Vec<Lint>,
    errors: Vec<ManifestError>,
    global_policy_namespace: Option<String>,
}

impl Manifests {
    /// No manifests yet.
    pub fn new() -> Self {
        Self {
            compiler: compiler(),
            resources: Resources::default(),
            lints: Vec::new(),
            errors: Vec::new(),
            global_policy_namespace: None,
        }
    }

    /// Looks for wildcards directly under a public suffix in what is read from here on, as [`Compiler::public_suffixes`]
    /// says. Behind the feature `psl`.
    #[cfg(feature = "psl")]
    #[must_use]
    pub fn public_suffixes(mut self) -> Self {
        self.compiler = self.compiler.public_suffixes();
        self
    }

    /// Names the namespace whose policies select in every namespace by their `targetSelectors` (7.12); kgateway's
    /// `KGW_GLOBAL_POLICY_NAMESPACE`.
    #[must_use]
    pub fn global_policy_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.global_policy_namespace = Some(namespace.into());
        self
    }

    /// Reads a text; `name` is what messages call it. What is wrong with it is kept for [`build`](Self::build).
    ///
    /// This waits for threads that it starts, one for a short text and up to four for a long one. Where there are none, as
    /// in a browser, values may stand in one another 16 levels deep in place of 64.
    #[must_use]
    pub fn read(mut self, name: &str, text: &str) -> Self {
        if text.len() > reader::MAX_FILE {
            self.errors.push(ManifestError::TooLarge { file: name.to_owned() });
            return self;
        }
        let file: Arc<str> = name.into();
        let kept = AtomicUsize::new(0);
        let begin = || MAX_VIOLATIONS.saturating_sub(kept.load(Ordering::Relaxed));
        let take = |room, documents: Vec<reader::Node<'_>>| {
            let (mut resources, mut report) = (Resources::default(), Report::with_room(room, &file, &self.compiler));
            documents.iter().for_each(|document| objects::read(document, &mut resources, &mut report));
            kept.fetch_add(report.violations().len(), Ordering::Relaxed);
            (resources, report.into_found())
        };
        let parts = match reader::read(text, begin, take) {
            Ok(parts) => parts,
            Err(error) => {
                self.errors.push(syntax_error(&file, text, error));
                return self;
            }
        };
        let (mut violations, mut more) = (Vec::new(), 0);
        for (resources, (of_part, more_of_part, lints)) in parts {
            self.resources.append(resources);
            self.lints.extend(lints);
            violations.extend(of_part);
            more += more_of_part;
        }
        self.errors.extend(with_excerpts(violations, more, name, text));
        self
    }

    /// Reads a file, or of a folder the files in it whose names end in `.yaml`, `.yml` or `.json`, in the order of their
    /// names and as `kubectl apply --filename` does without folders in it. What is wrong with them, and that they can't be
    /// read, is kept for [`build`](Self::build).
    #[must_use]
    pub fn load(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        if !path.is_dir() {
            return self.load_file(path);
        }
        match manifests_in(path) {
            Ok(files) => files.iter().fold(self, |manifests, file| manifests.load_file(file)),
            Err(source) => {
                self.errors.push(ManifestError::Read { file: path.display().to_string(), source });
                self
            }
        }
    }

    fn load_file(mut self, path: &Path) -> Self {
        let name = path.display().to_string();
        match read_file(path) {
            Ok(text) => self.read(&name, &text),
            Err(source) => {
                self.errors.push(ManifestError::Read { file: name, source });
                self
            }
        }
    }

    /// Reads an object that the program has, as the API server writes it: a `serde_json::Value`, a `DynamicObject` of the
    /// crate `kube`, a type of the crate `gateway-api`. What is wrong with it is kept for [`build`](Self::build), and named by
    /// the object. An [`ObjectStore`](super::ObjectStore) is for objects that change.
    #[must_use]
    pub fn read_object(mut self, object: &impl Serialize) -> Self {
        match Object::new(object).and_then(|object| object.read(&self.compiler)) {
            Ok(ReadObject { object, lints, violations, more }) => {
                object.iter().for_each(|object| self.resources.push(object));
                self.lints.extend(lints);
                let file = violations.first().map(|violation| violation.position().file().to_owned());
                self.errors.extend(violations.into_iter().map(ManifestError::Violation));
                let more = file.filter(|_| more > 0).map(|file| ManifestError::More { file, number: more });
                self.errors.extend(more);
            }
            Err(error) => self.errors.push(error.into()),
        }
        self
    }

    /// Attaches policies to routes and arranges these for look-up.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with any of the texts and files, at once.
    pub fn build(mut self) -> Result<LoadedRoutes, ManifestErrors> {
        ManifestErrors::check(self.errors)?;
        attachment::keep_latest(&mut self.resources, &mut self.lints);
        let scope = Scope { global_policy_namespace: self.global_policy_namespace, controller: None };
        Ok(attachment::build(self.resources, self.lints, &self.compiler, scope, &mut Outcomes::default()))
    }
}

/// 2.12, 2.13: the limits and the profile of manifests.
pub(super) fn compiler() -> Compiler {
    Compiler::new().profile(Profile::GatewayApi).crd_limits()
}

/// The files of a folder that hold manifests, by their names.
fn manifests_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_named = path.extension().is_some_and(|end| ["yaml", "yml", "json"].iter().any(|known| end == *known));
        if is_named && path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no .yaml, .yml or .json file is in this folder"));
    }
    files.sort_unstable();
    Ok(files)
}

/// Reads a text that is no manifest, with one document, as manifests are read: what `take` finds wrong comes at once, each
/// with its place.
pub(crate) fn read_other<T: Send>(
    name: &str,
    text: &str,
    take: impl Fn(&[reader::Node<'_>], &mut Report<'_>) -> Option<T> + Sync,
) -> Result<T, ManifestErrors> {
    let (file, compiler): (Arc<str>, _) = (name.into(), compiler());
    if text.len() > reader::MAX_FILE {
        return Err(ManifestError::TooLarge { file: name.to_owned() }.into());
    }
    let read = reader::read_whole(text, |documents| {
        let mut report = Report::new(&file, &compiler);
        let taken = take(&documents, &mut report);
        (taken, report.into_found())
    });
    let (taken, (violations, more, _)) = read.map_err(|error| syntax_error(&file, text, error))?;
    ManifestErrors::check(with_excerpts(violations, more, name, text))?;
    taken.ok_or_else(|| syntax_error(&file, text, reader::SyntaxError::unreadable()).into())
}

/// The text of a file.
pub(crate) fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    // A pipe would block for ever. One byte over the limit is enough to see that the file is too large.
    open_file(path)?.take(reader::MAX_FILE as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

fn syntax_error(file: &Arc<str>, text: &str, error: reader::SyntaxError) -> ManifestError {
    let reader::Place { line, column } = error.place;
    let position = Position::new(Arc::clone(file), line.into(), column.into());
    let excerpt = Excerpts::of(text).at(&position);
    ManifestError::Syntax { position, message: error.sentence.into_owned(), excerpt }
}

/// The first violations in the order of the text, with its lines, and the number of the others and of `more`.
fn with_excerpts(mut violations: Vec<Violation>, mut more: usize, name: &str, text: &str) -> Vec<ManifestError> {
    // A policy's own violations come after those of its types, whatever their places are.
    violations.sort_by(|one, other| Ord::cmp(one.position(), other.position()));
    more += violations.len().saturating_sub(MAX_VIOLATIONS);
    violations.truncate(MAX_VIOLATIONS);
    let mut excerpts = Excerpts::of(text);
    let violations = violations.into_iter().map(|violation| {
        let excerpt = excerpts.at(violation.position());
        ManifestError::Violation(violation.with_excerpt(excerpt))
    });
    let more = (more > 0).then(|| ManifestError::More { file: name.to_owned(), number: more });
    violations.chain(more).collect()
}

/// Opens what must be a file, and neither a pipe nor a device.
fn open_file(path: &Path) -> io::Result<File> {
    match std::fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file")),
    }
}

impl Default for Manifests {
    fn default() -> Self {
        Self::new()
    }
}
