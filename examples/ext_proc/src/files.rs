//! Manifests in files: read at the start, and again when one changes. What is not valid is refused, and the old policies
//! serve on; stderr says either.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{sync::mpsc, time::timeout};
use tower_cors::{
    manifest::{LoadedRoutes, ManifestErrors, Manifests},
    resolver::{ReloadHandle, Reloadable},
};

/// Editors write in several steps; after so long without another one, the files are read.
const SETTLE: Duration = Duration::from_millis(50);

/// The manifests, and where they are.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) global_policy_namespace: Option<String>,
}

impl Files {
    pub(crate) fn load(&self) -> Result<LoadedRoutes, ManifestErrors> {
        let mut manifests = Manifests::new();
        if let Some(namespace) = &self.global_policy_namespace {
            manifests = manifests.global_policy_namespace(namespace);
        }
        self.paths.iter().fold(manifests, |manifests, path| manifests.load(path)).build()
    }

    /// The policies, kept up to date for as long as the watcher lives.
    pub(crate) fn follow(self) -> Result<(Reloadable<LoadedRoutes>, RecommendedWatcher), Box<dyn std::error::Error>> {
        let routes = self.load()?;
        for lint in routes.lints() {
            eprintln!("{}: {lint} [{}]", lint.severity(), lint.code());
        }
        let routes = Reloadable::new(routes);
        // One place: many events before the next reload are one reason for it.
        let (sender, events) = mpsc::channel(1);
        let watcher = self.watch(sender)?;
        tokio::spawn(self.reload_on(events, routes.handle()));
        Ok((routes, watcher))
    }

    fn watch(&self, sender: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
        let mut names: HashSet<_> =
            self.paths.iter().filter_map(|path| path.file_name()).map(ToOwned::to_owned).collect();
        // Kubernetes swaps the folder of a ConfigMap behind a link of this name.
        names.insert("..data".into());
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
            Ok(event) if event.kind.is_access() => {}
            Ok(event) => {
                if event.paths.iter().filter_map(|path| path.file_name()).any(|name| names.contains(name)) {
                    let _ = sender.try_send(());
                }
            }
            Err(error) => eprintln!("watch: {error}"),
        })?;
        // The folders, since editors put a new file in the place of the old one.
        let folders: HashSet<_> = self.paths.iter().filter_map(|path| path.parent()).collect();
        for folder in folders {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
        Ok(watcher)
    }

    async fn reload_on(self, mut events: mpsc::Receiver<()>, handle: ReloadHandle<LoadedRoutes>) {
        while events.recv().await.is_some() {
            while let Ok(Some(())) = timeout(SETTLE, events.recv()).await {}
            let files = self.clone();
            // Reading takes its time, and no request waits for it.
            match tokio::task::spawn_blocking(move || files.load()).await {
                Ok(Ok(routes)) => {
                    handle.reload(routes);
                    eprintln!("reloaded");
                }
                Ok(Err(errors)) => eprintln!("{errors:#}\nreload refused: the old policies serve on"),
                Err(error) => eprintln!("reload: {error}"),
            }
        }
    }
}
