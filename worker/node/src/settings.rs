//! The settings of a running node: read at every use, and taken up anew when their file changes or SIGHUP comes.

use crate::config::change::{Change, Revision, revise};
use crate::config::{ConfigError, Layers, NodeConfig};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

/// Between two looks at the file. Its time and size are looked at, which works for every kind of disk and every editor.
const LOOK_PAUSE: Duration = Duration::from_secs(2);

/// What became of the last changes, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsReport {
    /// How often a change was taken up.
    pub taken_up: u64,
    /// Why the file as it is now cannot be used; the settings before it stay.
    pub error: Option<String>,
    /// Changes in the file that need a restart.
    pub needs_restart: Vec<Change>,
}

/// Settings that can change; cheap to clone, and all clones change together.
#[derive(Clone, Debug)]
pub struct Settings {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    now: RwLock<Arc<NodeConfig>>,
    report: Mutex<SettingsReport>,
}

impl From<NodeConfig> for Settings {
    fn from(config: NodeConfig) -> Self {
        let shared = Shared { now: RwLock::new(Arc::new(config)), report: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }
}

impl Settings {
    /// The settings as they are now. Whoever decides by several of them holds on to what this gives.
    pub fn now(&self) -> Arc<NodeConfig> {
        Arc::clone(&self.shared.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What became of the last changes.
    pub fn report(&self) -> SettingsReport {
        self.shared.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes up what can be taken up, and says in the log what changed, what needs a restart, and what is wrong.
    pub fn take_up(&self, wanted: Result<NodeConfig, ConfigError>) {
        let revised = wanted.and_then(|wanted| revise(&self.now(), &wanted));
        let mut report = self.shared.report.lock().unwrap_or_else(PoisonError::into_inner);
        let Revision { config, taken_up, needs_restart } = match revised {
            Ok(revision) => revision,
            Err(error) => {
                tracing::error!(code = error.code(), "the settings before stay: {error}");
                report.error = Some(error.to_string());
                return;
            }
        };
        for Change { key, before, after, .. } in &taken_up {
            tracing::info!(key, before, after, "setting changed");
        }
        for Change { key, before, after, .. } in &needs_restart {
            tracing::warn!(
                code = "N0006",
                key,
                before,
                after,
                "{key} changes after a restart only: {before} stays until then"
            );
        }
        report.taken_up = report.taken_up.saturating_add(u64::from(!taken_up.is_empty()));
        report.error = None;
        report.needs_restart = needs_restart;
        if !taken_up.is_empty() {
            *self.shared.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        }
    }
}

/// Takes up changes until `stop`: whenever the file is another, and at each SIGHUP.
pub async fn follow(settings: Settings, layers: Layers, stop: CancellationToken) {
    let following = async {
        let mut bell = Bell::new();
        let mut seen = stamp(&layers.path);
        loop {
            let asked = tokio::select! {
                () = bell.rung() => true,
                () = tokio::time::sleep(LOOK_PAUSE) => false,
            };
            let now = stamp(&layers.path);
            if asked || now != seen {
                // What is being written is read again when it is whole: its time or size will be others.
                seen = now;
                settings.take_up(layers.load().map(|loaded| loaded.config));
            }
        }
    };
    stop.run_until_cancelled(following).await;
}

/// Tells one state of a file from another; nothing while there is none.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// SIGHUP, where there is such a thing.
struct Bell {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Bell {
    #[cfg(unix)]
    fn new() -> Self {
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        if let Err(error) = &signal {
            tracing::warn!(%error, "SIGHUP is not heard: only changes of the file are taken up");
        }
        Self { signal: signal.ok() }
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    async fn rung(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn until(what: &str, holds: impl Fn() -> bool) {
        for _ in 0..2_400 {
            if holds() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what}");
    }

    #[test]
    fn an_invalid_file_changes_nothing_and_is_told_until_it_is_valid() {
        let settings = Settings::from(NodeConfig::default());
        let other = settings.clone();
        settings.take_up(Ok(NodeConfig { price_floor: 7, threads: 3, ..NodeConfig::default() }));
        assert_eq!((other.now().price_floor, other.now().threads), (7, 0));
        let report = other.report();
        assert_eq!((report.taken_up, report.error, report.needs_restart.len()), (1, None, 1));
        assert_eq!(report.needs_restart[0].key, "threads");
        let error = NodeConfig { concurrent_jobs: 0, ..NodeConfig::default() }.validate().unwrap_err();
        settings.take_up(Err(error));
        assert_eq!(settings.now().price_floor, 7);
        assert!(settings.report().error.is_some_and(|error| error.starts_with("N0003")));
        settings.take_up(Ok((*settings.now()).clone()));
        let report = settings.report();
        assert_eq!((report.taken_up, report.error, report.needs_restart), (1, None, Vec::new()));
    }

    #[tokio::test]
    async fn a_file_is_followed_as_it_changes_breaks_and_heals() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        std::fs::write(&path, "price_floor = 1\n").unwrap();
        let settings = Settings::from(NodeConfig::default());
        let stop = CancellationToken::new();
        let layers = Layers::of_file(&path).with_flags(["retention.unused_seconds=5"]).unwrap();
        let following = tokio::spawn(follow(settings.clone(), layers, stop.clone()));
        tokio::time::sleep(Duration::from_millis(100)).await;
        std::fs::write(&path, "price_floor = 12\n").unwrap();
        until("the new price", || settings.now().price_floor == 12).await;
        assert_eq!(settings.now().retention.unused_seconds, 5, "flags stay above the file");
        std::fs::write(&path, "price_flor = 13 \n").unwrap();
        until("the error", || settings.report().error.is_some_and(|error| error.contains("price_floor?"))).await;
        assert_eq!(settings.now().price_floor, 12);
        std::fs::write(&path, "price_floor = 14  \n").unwrap();
        until("it healed", || settings.now().price_floor == 14 && settings.report().error.is_none()).await;
        stop.cancel();
        following.await.unwrap();
    }
}
