//! Reloading the manifests: on SIGHUP, and when a file changes. What is not valid is refused, and the old configuration
//! keeps serving; stderr says either.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{sync::mpsc, task::JoinHandle};
use tower_cors::{manifest::LoadedRoutes, resolver::ReloadHandle};

use crate::{
    arguments::Sources,
    messages::{self, count},
};

/// Editors write in several steps; this long after the first, the file is read.
const SETTLE: Duration = Duration::from_millis(50);

/// Ends the watch when it is dropped.
pub(crate) struct Watch {
    task: JoinHandle<()>,
    _watcher: Option<RecommendedWatcher>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Watches the files and the signal. Without a file there is nothing to read again.
pub(crate) fn watch(sources: Sources, handle: ReloadHandle<LoadedRoutes>) -> Watch {
    // One place: many events before the next reload are one reason for it.
    let (sender, mut events) = mpsc::channel(1);
    let watcher = watch_files(&sources.files, sender.clone());
    // Before anybody is told that the gateway listens: by default the signal ends the process.
    let hangups = on_hangup(sender);
    let task = tokio::spawn(async move {
        let _hangups = hangups;
        while let Some(settle) = events.recv().await {
            settled(settle, &mut events).await;
            let (sources, handle) = (sources.clone(), handle.clone());
            // Reading takes its time, and no request waits for it.
            let _ = tokio::task::spawn_blocking(move || reload(&sources, &handle)).await;
        }
    });
    Watch { task, _watcher: watcher }
}

/// Waits until nothing has happened for this long, but no longer than ten times of it.
async fn settled(settle: Duration, events: &mut mpsc::Receiver<Duration>) {
    let quiet = async { while let Ok(Some(_)) = tokio::time::timeout(settle, events.recv()).await {} };
    let _ = tokio::time::timeout(10 * settle, quiet).await;
}

fn watch_files(files: &[PathBuf], sender: mpsc::Sender<Duration>) -> Option<RecommendedWatcher> {
    let (whole, files): (Vec<_>, Vec<_>) = files.iter().cloned().partition(|file| file.is_dir());
    let names: HashSet<_> = files.iter().filter_map(|file| file.file_name().map(ToOwned::to_owned)).collect();
    let watched: Vec<_> = whole.iter().filter_map(|folder| folder.canonicalize().ok()).collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
        Ok(event) if event.kind.is_access() => {}
        // Kubernetes swaps a folder behind a link, so what has `..data` for a name counts as well.
        Ok(event) => {
            let is_ours = |path: &PathBuf| {
                let is_named = path.file_name().is_some_and(|name| names.contains(name) || name == "..data");
                let is_manifest = path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
                let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
                is_named || (is_manifest && folder.is_some_and(|folder| watched.contains(&folder)))
            };
            if event.paths.iter().any(is_ours) {
                let _ = sender.try_send(SETTLE);
            }
        }
        Err(error) => eprintln!("watch: {error}"),
    });
    // The folders, since editors put a new file in the place of the old one.
    let folders = files.iter().filter_map(|file| file.parent()).chain(whole.iter().map(PathBuf::as_path));
    let folders: HashSet<_> = folders.collect();
    for folder in folders {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let watched = watcher.as_mut().map(|watcher| watcher.watch(folder, RecursiveMode::NonRecursive));
        if let Ok(Err(error)) = watched {
            eprintln!("watch {}: {error}", folder.display());
        }
    }
    watcher.inspect_err(|error| eprintln!("watch: {error}")).ok()
}

#[cfg(unix)]
fn on_hangup(sender: mpsc::Sender<Duration>) -> Option<JoinHandle<()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup()).inspect_err(|error| eprintln!("SIGHUP: {error}")).ok()?;
    Some(tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            let _ = sender.try_send(Duration::ZERO);
        }
    }))
}

#[cfg(not(unix))]
fn on_hangup(sender: mpsc::Sender<Duration>) -> mpsc::Sender<Duration> {
    sender
}

fn reload(sources: &Sources, handle: &ReloadHandle<LoadedRoutes>) {
    let routes = match crate::load(sources) {
        Ok(routes) => routes,
        Err(errors) => {
            for error in &errors {
                eprintln!("error: {error}");
            }
            eprintln!("reload refused: the old configuration keeps serving");
            return;
        }
    };
    let earlier = handle.current();
    let new: Vec<_> = messages::new_lints(&routes, &earlier).into_iter().map(messages::lint_line).collect();
    let changes = routes.changes_since(&earlier);
    let changes: Vec<_> = changes.iter().map(|change| messages::change_line(change, &earlier, &routes)).collect();
    // Nothing is said before it is served.
    handle.reload(routes);
    for line in new.iter().chain(&changes) {
        eprintln!("{line}");
    }
    let told = if new.is_empty() { String::new() } else { format!(", {}", count(new.len(), "new lint")) };
    eprintln!("reloaded, {}{told}", count(changes.len(), "change"));
}
