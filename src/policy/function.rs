//! Origins by a function of the application's own. In: the bytes of an `Origin` header. Out: yes, no, or a failure, which
//! is a no. A function is data of a policy that is compared by identity, and is asked once a request. Rule 2.19.

use std::{
    any::Any,
    cell::{OnceCell, RefCell},
    fmt, iter,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a function says of an origin. A `bool` converts into one, and a `Result` of a `bool`.
///
/// # Examples
///
/// ```
/// use tower_cors::policy::OriginAnswer;
///
/// assert_eq!(OriginAnswer::from(true), OriginAnswer::Yes);
/// assert_eq!(
///     OriginAnswer::from(Err::<bool, _>("no database")),
///     OriginAnswer::Failed("no database".into())
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginAnswer {
    /// The origin is allowed.
    Yes,
    /// It is not.
    No,
    /// The function could not tell, with the text of its error. It counts as a no.
    Failed(Arc<str>),
}

impl OriginAnswer {
    /// The answer of a function that may panic, which is a failure and ends there.
    pub(crate) fn of(ask: impl FnOnce() -> Self) -> Self {
        catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|panic| Self::panicked(&*panic))
    }

    /// The answer of a function that has panicked.
    #[cold]
    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Failed(format!("it panicked: {}", text.unwrap_or("without a message")).into())
    }
}

impl From<bool> for OriginAnswer {
    fn from(is_allowed: bool) -> Self {
        if is_allowed { Self::Yes } else { Self::No }
    }
}

impl<E: fmt::Display> From<Result<bool, E>> for OriginAnswer {
    fn from(answer: Result<bool, E>) -> Self {
        answer.map_or_else(|error| Self::Failed(error.to_string().into()), Self::from)
    }
}

/// A function that allows origins beside those that a policy lists; see
/// [`CorsPolicy::allow_origin_if`](crate::CorsPolicy::allow_origin_if).
///
/// Two are equal where they are clones of one.
#[derive(Clone)]
pub struct OriginFunction(Arc<dyn AskAboutOrigin>);

/// What can be asked about an origin. Policies hold a trait object, so that only programs with a function carry its code
/// (`benches/size.rs`).
trait AskAboutOrigin: Send + Sync {
    fn ask(&self, origin: &[u8], answers: &OriginAnswers) -> OriginAnswer;
}

/// A function of the application, which is asked once a request.
struct Function<F> {
    id: u64,
    ask: F,
}

/// A list, which costs nothing to be asked again.
struct List<F>(F);

/// Yes where one says yes.
struct OneOf(Vec<OriginFunction>);

/// Yes where both say yes.
struct Both(OriginFunction, OriginFunction);

impl<F: Fn(&[u8]) -> OriginAnswer + Send + Sync> AskAboutOrigin for Function<F> {
    fn ask(&self, origin: &[u8], answers: &OriginAnswers) -> OriginAnswer {
        answers.get_or_ask(self.id, || OriginAnswer::of(|| (self.ask)(origin)))
    }
}

impl<F: Fn(&[u8]) -> bool + Send + Sync> AskAboutOrigin for List<F> {
    fn ask(&self, origin: &[u8], _: &OriginAnswers) -> OriginAnswer {
        (self.0)(origin).into()
    }
}

impl AskAboutOrigin for OneOf {
    fn ask(&self, origin: &[u8], answers: &OriginAnswers) -> OriginAnswer {
        let mut answer = OriginAnswer::No;
        for function in &self.0 {
            match function.ask(origin, answers) {
                OriginAnswer::Yes => return OriginAnswer::Yes,
                OriginAnswer::No => {}
                failed => answer = failed,
            }
        }
        answer
    }
}

impl AskAboutOrigin for Both {
    fn ask(&self, origin: &[u8], answers: &OriginAnswers) -> OriginAnswer {
        match self.0.ask(origin, answers) {
            OriginAnswer::Yes => self.1.ask(origin, answers),
            refusal => refusal,
        }
    }
}

impl OriginFunction {
    /// A function over the bytes of an `Origin` header.
    pub(crate) fn new(ask: impl Fn(&[u8]) -> OriginAnswer + Send + Sync + 'static) -> Self {
        // A number and not an address: what is remembered of a request may outlive the policy.
        static FUNCTIONS: AtomicU64 = AtomicU64::new(0);
        let id = FUNCTIONS.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Function { id, ask }))
    }

    /// What a list allows.
    pub(crate) fn list(allows: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(List(allows)))
    }

    /// What one of `functions` allows, asked in their order; none where there are none.
    pub(crate) fn any(functions: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut different = Vec::<Self>::new();
        for function in functions {
            if !different.contains(&function) {
                different.push(function);
            }
        }
        match different.len() {
            0 | 1 => different.pop(),
            _ => Some(Self(Arc::new(OneOf(different)))),
        }
    }

    /// What both allow, `first` asked first.
    pub(crate) fn all(first: Self, second: Self) -> Self {
        Self(Arc::new(Both(first, second)))
    }

    /// What the function says of `origin`, the bytes of the header.
    pub(crate) fn ask(&self, origin: &[u8], answers: &OriginAnswers) -> OriginAnswer {
        self.0.ask(origin, answers)
    }

    /// What tells this function from others as long as it lives. Clones are the same.
    fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl PartialEq for OriginFunction {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for OriginFunction {}

impl std::hash::Hash for OriginFunction {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

impl fmt::Debug for OriginFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OriginFunction")
    }
}

/// A function, and what it has said.
type Given = (u64, OriginAnswer);

/// What functions have said of the origin of one request, so that none is asked twice.
#[derive(Clone, Debug, Default)]
pub(crate) struct OriginAnswers(OnceCell<Answers>);

#[derive(Clone, Debug)]
struct Answers {
    // Most policies have one function, which then needs no allocation.
    first: Given,
    more: RefCell<Vec<Given>>,
}

impl OriginAnswers {
    fn get_or_ask(&self, id: u64, ask: impl FnOnce() -> OriginAnswer) -> OriginAnswer {
        if let Some(answer) = self.get(id) {
            return answer;
        }
        let answer = ask();
        self.remember(id, answer.clone());
        answer
    }

    fn get(&self, id: u64) -> Option<OriginAnswer> {
        self.find(|(of, answer)| (*of == id).then(|| answer.clone()))
    }

    fn find<T>(&self, look: impl Fn(&Given) -> Option<T>) -> Option<T> {
        let Answers { first, more } = self.0.get()?;
        look(first).or_else(|| more.borrow().iter().find_map(look))
    }

    fn remember(&self, id: u64, answer: OriginAnswer) {
        match self.0.get() {
            Some(answers) => answers.more.borrow_mut().push((id, answer)),
            None => {
                let _ = self.0.set(Answers { first: (id, answer), more: RefCell::default() });
            }
        }
    }

    /// The error of a function that failed, if one did.
    pub(crate) fn failure(&self) -> Option<Arc<str>> {
        self.find(|(_, answer)| match answer {
            OriginAnswer::Failed(error) => Some(Arc::clone(error)),
            _ => None,
        })
    }

    /// What was remembered, for a request that is read a second time.
    pub(crate) fn into_list(self) -> Vec<Given> {
        let answers = self.0.into_inner();
        answers.into_iter().flat_map(|Answers { first, more }| iter::once(first).chain(more.into_inner())).collect()
    }

    /// Answers that were given before.
    pub(crate) fn of_list(list: Vec<Given>) -> Self {
        let answers = Self::default();
        for (id, answer) in list {
            answers.remember(id, answer);
        }
        answers
    }
}
