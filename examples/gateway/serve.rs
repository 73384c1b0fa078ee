//! Connections: how many there may be, how long each may take to say something, and on which listener it arrived. In:
//! listening sockets and the service for their requests. Out: nothing, once the process is told to stop.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::Semaphore,
    time::sleep,
};
use tower::Service;
use tower_cors::{manifest::LoadedRoutes, resolver::ReloadHandle, route};

use crate::{
    arguments::{Limits, Listen},
    proxy::{Body, answer},
    target,
    workers::Workers,
};

/// How long requests under way may take once the gateway is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A socket that listens, and the listener of the manifests that it is, where it is one.
pub(crate) struct Socket {
    listener: TcpListener,
    name: Option<route::Listener>,
}

/// Opens the sockets, and says where each listens.
pub(crate) async fn listen(addresses: &[Listen]) -> io::Result<Vec<(Socket, SocketAddr)>> {
    let mut sockets = Vec::with_capacity(addresses.len());
    for Listen { address, listener: name } in addresses {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
        let listener = TcpListener::bind(address).await.map_err(named)?;
        let address = listener.local_addr()?;
        sockets.push((Socket { listener, name: name.clone() }, address));
    }
    Ok(sockets)
}

/// Serves the connections of all sockets until the process is told to stop.
pub(crate) async fn serve<S>(
    sockets: Vec<Socket>,
    workers: Workers<S>,
    routes: ReloadHandle<LoadedRoutes>,
    limits: Limits,
) where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(limits.head);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.keep_alive)
        .keep_alive_timeout(limits.head)
        .max_concurrent_streams(200)
        .max_header_list_size(64 << 10);
    let (server, connections) = (Arc::new(server), Arc::new(Semaphore::new(limits.connections)));
    let (graceful, workers) = (Arc::new(GracefulShutdown::new()), Arc::new(workers));
    let accepting: Vec<_> = sockets
        .into_iter()
        .map(|socket| {
            let (server, connections, graceful) =
                (Arc::clone(&server), Arc::clone(&connections), Arc::clone(&graceful));
            let (workers, routes) = (Arc::clone(&workers), routes.clone());
            tokio::spawn(async move {
                loop {
                    // Whoever comes when all places are taken waits in the backlog of the socket.
                    let Ok(place) = Arc::clone(&connections).acquire_owned().await else { return };
                    let stream = accept(&socket.listener).await;
                    let worker = workers.next();
                    let Ok(stream) = move_to(&worker.runtime, stream) else { continue };
                    let has_asked = Arc::new(AtomicBool::new(false));
                    let first = First {
                        inner: worker.service.clone(),
                        routes: routes.clone(),
                        listener: socket.name.clone(),
                        has_asked: Arc::clone(&has_asked),
                    };
                    let io = TokioIo::new(stream);
                    let connection =
                        server.serve_connection_with_upgrades(io, TowerToHyperService::new(first)).into_owned();
                    let connection = graceful.watch(connection);
                    worker.runtime.spawn(async move {
                        let _place = place;
                        let mut connection = pin!(connection);
                        // hyper's own limits begin when it knows the version, so half of a preface would stay for ever.
                        let served = tokio::select! {
                            served = connection.as_mut() => Some(served),
                            () = sleep(limits.head) => None,
                        };
                        let served = match served {
                            None if has_asked.load(Ordering::Relaxed) => connection.await,
                            None => return,
                            Some(served) => served,
                        };
                        if let Err(error) = served {
                            eprintln!("connection: {error}");
                        }
                    });
                }
            })
        })
        .collect();
    stop_signal().await;
    accepting.iter().for_each(tokio::task::JoinHandle::abort);
    for task in accepting {
        let _ = task.await;
    }
    eprintln!("stopping: requests under way have {} s; once more ends at once", GRACE.as_secs());
    let Some(graceful) = Arc::into_inner(graceful) else { return };
    // Whoever has not finished by then is cut off.
    tokio::select! {
        () = graceful.shutdown() => {}
        () = sleep(GRACE) => {}
        () = stop_signal() => {}
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A stream's small chunks wait for no acknowledgement. A socket that can't have it is closed already.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                // Out of file descriptors, for instance: others have to close theirs first.
                eprintln!("accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// The same stream, whose events another runtime waits for.
fn move_to(runtime: &Handle, stream: TcpStream) -> io::Result<TcpStream> {
    let stream = stream.into_std()?;
    let _entered = runtime.enter();
    TcpStream::from_std(stream)
}

/// The first to see a request: it settles whom the request is for, where it arrived, and by which table it is decided.
#[derive(Clone)]
struct First<S> {
    inner: S,
    routes: ReloadHandle<LoadedRoutes>,
    listener: Option<route::Listener>,
    has_asked: Arc<AtomicBool>,
}

impl<S> Service<Request<Incoming>> for First<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        self.has_asked.store(true, Ordering::Relaxed);
        if target::settle(&mut request).is_none() {
            let refused = answer(StatusCode::BAD_REQUEST, "the request needs one valid Host\n");
            return Box::pin(std::future::ready(Ok(refused)));
        }
        if let Some(listener) = &self.listener {
            request.extensions_mut().insert(listener.clone());
        }
        self.routes.pin(request.extensions_mut());
        Box::pin(self.inner.call(request))
    }
}

/// Waits until the process is told to stop: Ctrl-C, or SIGTERM.
async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
