//! Looks at files when there is a reason to, and has them reloaded when their content has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::{Reloader, directory};

/// Asks for a look at the files.
#[derive(Clone)]
pub(crate) struct Watcher {
    reasons: mpsc::Sender<Reason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// Something happened in a directory with one of the files.
    Notified,
    /// The operator asks, whether or not something has changed.
    Asked,
}

impl Watcher {
    /// Starts looking for differences from what has been `seen`. `replaced` is called after each replacement.
    pub(crate) fn start(reloader: Arc<Reloader>, seen: Seen, replaced: impl Fn() + Send + 'static) -> Self {
        // One waiting reason is as good as many.
        let (reasons, received) = mpsc::channel(1);
        let looking =
            Looking { reloader, reasons: reasons.downgrade(), watcher: None, directories: BTreeSet::new() };
        tokio::spawn(looking.run(seen, received, replaced));
        Watcher { reasons }
    }

    /// Reloads, whether or not something has changed.
    pub(crate) async fn ask(&self) {
        let _ = self.reasons.send(Reason::Asked).await;
    }
}

struct Looking {
    reloader: Arc<Reloader>,
    reasons: mpsc::WeakSender<Reason>,
    watcher: Option<RecommendedWatcher>,
    directories: BTreeSet<PathBuf>,
}

impl Looking {
    /// Ends when the last [`Watcher`] is dropped.
    async fn run(mut self, mut seen: Seen, mut reasons: mpsc::Receiver<Reason>, replaced: impl Fn()) {
        self.follow();
        // Whatever changed before somebody listened is looked for at once.
        let mut asked = false;
        loop {
            let now = Seen::look(self.reloader.watched()).await;
            let reload = asked || now.differs_from(&seen);
            seen = now;
            if reload {
                let reloader = self.reloader.clone();
                let reloaded = tokio::task::spawn_blocking(move || reloader.reload()).await;
                if matches!(reloaded, Ok(true)) {
                    replaced();
                }
                // What changes while it is read, and while nobody listens, is seen by looking once more.
                self.follow();
                let quiet = self.reloader.current.load().config.reload.debounce;
                asked = settle(&mut reasons, quiet).await;
            } else {
                asked = match self.reason(&mut reasons).await {
                    Some(asked) => asked,
                    None => return,
                };
            }
        }
    }

    /// Waits for a reason to look. Whether the operator has asked; none when nobody can give a reason any more.
    async fn reason(&self, reasons: &mut mpsc::Receiver<Reason>) -> Option<bool> {
        let settings = self.reloader.current.load().config.reload.clone();
        let polling = async {
            match settings.poll {
                Duration::ZERO => std::future::pending().await,
                poll => tokio::time::sleep(poll).await,
            }
        };
        tokio::select! {
            reason = reasons.recv() => Some(match reason? {
                Reason::Asked => true,
                Reason::Notified => settle(reasons, settings.debounce).await,
            }),
            () = polling => Some(false),
        }
    }

    /// Listens to the directories of the files that count now, where the operator has not turned that off.
    fn follow(&mut self) {
        if !self.reloader.current.load().config.reload.watch {
            self.watcher = None;
            self.directories.clear();
            return;
        }
        if self.watcher.is_none() {
            self.watcher = self.listen();
        }
        let Some(watcher) = &mut self.watcher else { return };
        let wanted: BTreeSet<PathBuf> =
            self.reloader.watched().iter().flat_map(|path| directories(path)).collect();
        for gone in self.directories.difference(&wanted) {
            let _ = watcher.unwatch(gone);
        }
        let mut followed = BTreeSet::new();
        for directory in wanted {
            if self.directories.contains(&directory) {
                // A directory that has been replaced is another one under the same name.
                let _ = watcher.unwatch(&directory);
            }
            match watcher.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => drop(followed.insert(directory)),
                Err(error) => {
                    tracing::warn!(directory = %directory.display(), %error, "cannot watch; polling instead")
                }
            }
        }
        self.directories = followed;
    }

    fn listen(&self) -> Option<RecommendedWatcher> {
        let reasons = self.reasons.clone();
        let notified = move |event: notify::Result<notify::Event>| {
            let access = matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)));
            if let (false, Some(reasons)) = (access, reasons.upgrade()) {
                // If there is no room, a reason is waiting already.
                let _ = reasons.try_send(Reason::Notified);
            }
        };
        match notify::recommended_watcher(notified) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::warn!(%error, "the file system notifies of nothing; polling instead");
                None
            }
        }
    }
}

/// Waits until it has been quiet for a while, so that files are whole. Whether the operator has asked meanwhile.
async fn settle(reasons: &mut mpsc::Receiver<Reason>, quiet: Duration) -> bool {
    let mut asked = false;
    // Files that never stop changing are looked at all the same.
    let patience = tokio::time::Instant::now() + quiet * 10;
    while tokio::time::Instant::now() < patience {
        match tokio::time::timeout(quiet, reasons.recv()).await {
            Ok(Some(reason)) => asked |= reason == Reason::Asked,
            Ok(None) | Err(_) => break,
        }
    }
    asked
}

/// Where a change to a file can show: beside it, and beside what it links to.
fn directories(path: &Path) -> Vec<PathBuf> {
    let mut directories = vec![if path.is_dir() { path.to_owned() } else { directory(path).to_owned() }];
    if let Ok(target) = path.canonicalize() {
        directories.push(directory(&target).to_owned());
    }
    directories.retain(|directory| directory.is_dir());
    directories
}

/// What has been found at some paths: a digest of the content, or why there is none.
#[derive(Default)]
pub(crate) struct Seen(BTreeMap<PathBuf, Vec<u8>>);

impl Seen {
    /// What is there now. Blocks.
    pub(crate) fn of(paths: Vec<PathBuf>) -> Self {
        let found = |path: &PathBuf| match contents(path) {
            Ok(found) => found,
            Err(error) => error.kind().to_string().into_bytes(),
        };
        Seen(paths.into_iter().map(|path| (path.clone(), found(&path))).collect())
    }

    async fn look(paths: Vec<PathBuf>) -> Self {
        tokio::task::spawn_blocking(move || Seen::of(paths)).await.unwrap_or_default()
    }

    /// Whether there is something else at a path than there was before. A path that was not looked at says nothing.
    fn differs_from(&self, before: &Seen) -> bool {
        self.0.iter().any(|(path, found)| before.0.get(path).is_some_and(|before| before != found))
    }
}

/// A digest of a file's bytes, however many, without holding all of them.
fn digest_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let (mut context, mut file) = (Context::new(&SHA256), std::fs::File::open(path)?);
    let mut bytes = vec![0; 64 * 1024];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(context.finish().as_ref().to_vec()),
            read => context.update(&bytes[..read]),
        }
    }
}

/// What tells a file's content from another one, or a directory's names.
fn contents(path: &Path) -> std::io::Result<Vec<u8>> {
    if !path.is_dir() {
        // A pipe would keep everybody waiting, and a device never end.
        let kind = std::fs::metadata(path)?;
        return if kind.is_file() { digest_of(path) } else { Ok(b"not a file".to_vec()) };
    }
    let mut names: Vec<Vec<u8>> = std::fs::read_dir(path)?
        .filter_map(|entry| Some(entry.ok()?.file_name().as_encoded_bytes().to_vec()))
        .collect();
    names.sort();
    Ok(names.join(&0))
}
