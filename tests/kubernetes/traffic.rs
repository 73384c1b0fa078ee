//! Requests that go on while something happens elsewhere: none may fail, and each gets one of the answers that are right.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use crate::{
    gateway::{Gateway, ORIGIN},
    load::Connection,
};

/// Clients that send preflights for a host until this is finished.
pub(crate) struct Traffic {
    is_over: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<BTreeMap<String, usize>>>,
}

impl Traffic {
    /// Starts clients, each with a connection that it keeps.
    pub(crate) fn start(gateway: &Gateway, clients: usize, host: &str) -> Self {
        let (is_over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let client = |_| {
            let (is_over, sent, host, address) =
                (Arc::clone(&is_over), Arc::clone(&sent), host.to_owned(), gateway.address);
            thread::spawn(move || send(address, &host, &is_over, &sent))
        };
        let clients = (0..clients).map(client).collect();
        Self { is_over, sent, clients }
    }

    /// How many were answered so far.
    pub(crate) fn answered(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// Ends it. How often each answer came: the max-age, or `none`, or what failed.
    pub(crate) fn finish(self) -> BTreeMap<String, usize> {
        self.is_over.store(true, Ordering::Relaxed);
        let mut answers = BTreeMap::<_, usize>::new();
        for client in self.clients {
            for (answer, count) in client.join().expect("a client") {
                *answers.entry(answer).or_default() += count;
            }
        }
        answers
    }

    /// Ends it. Panics where an answer came that is none of these.
    #[track_caller]
    pub(crate) fn finish_with(self, right: &[&str]) -> usize {
        let answers = self.finish();
        let is_right = answers.keys().all(|answer| right.contains(&answer.as_str()));
        assert!(is_right && !answers.is_empty(), "{answers:?}, not all of {right:?}");
        answers.values().sum()
    }
}

fn send(address: SocketAddr, host: &str, is_over: &AtomicBool, sent: &AtomicUsize) -> BTreeMap<String, usize> {
    let mut answers = BTreeMap::<_, usize>::new();
    let headers = [("host", host), ("origin", ORIGIN), ("access-control-request-method", "PUT")];
    let mut connection = Connection::open(address).expect("a connection");
    while !is_over.load(Ordering::Relaxed) {
        let answer = match connection.exchange("OPTIONS", "/", &headers) {
            Ok(head) if head.status == 200 => head.header("access-control-max-age").unwrap_or("none").to_owned(),
            Ok(head) => head.status.to_string(),
            Err(error) => {
                *answers.entry(format!("{error}")).or_default() += 1;
                break;
            }
        };
        *answers.entry(answer).or_default() += 1;
        sent.fetch_add(1, Ordering::Relaxed);
        // What else runs here needs the processor as well.
        thread::sleep(std::time::Duration::from_micros(500));
    }
    answers
}
