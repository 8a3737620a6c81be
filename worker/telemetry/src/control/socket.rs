//! The door as a socket of Unix.

use super::{Answer, ControlError, Request, path_of};
use crate::readiness::Reason;
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Bytes of the longest request.
const MOST_BYTES: u64 = 4_096;
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(5);

/// An open door.
#[derive(Debug)]
pub struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Door {
    /// Opens the door of a data folder. Whatever an earlier process left there is taken away: that no other one works on the
    /// folder has to be certain before.
    ///
    /// # Errors
    /// The folder is not writable, or the path is longer than sockets allow.
    pub fn open(data_folder: &Path) -> Result<Self, ControlError> {
        let path = path_of(data_folder);
        let opened = (|| {
            let folder = data_folder.join("control");
            std::fs::create_dir_all(&folder)?;
            only_for_its_owner(&folder)?;
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            UnixListener::bind(&path)
        })();
        match opened {
            Ok(listener) => Ok(Self { listener, path }),
            Err(source) => Err(ControlError::Open { path, source }),
        }
    }

    /// Does what is asked until `stop`.
    pub async fn serve<H>(self, handle: H, stop: CancellationToken)
    where
        H: Fn(Request) -> Result<Value, Reason> + Clone + Send + Sync + 'static,
    {
        let mut talks = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Ok((stream, _)) = self.listener.accept() => {
                    let handle = handle.clone();
                    talks.spawn(async move {
                        if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, talk(stream, handle)).await {
                            tracing::debug!(%error, "somebody at the control socket went away");
                        }
                    });
                }
                Some(_) = talks.join_next() => {}
            }
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

fn only_for_its_owner(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

async fn talk(stream: UnixStream, handle: impl Fn(Request) -> Result<Value, Reason>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(MOST_BYTES)).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line) {
        Ok(request) => handle(request).map_or_else(Answer::Refused, Answer::Done),
        Err(error) => Answer::Refused(Reason::new("T0114", format!("the request is unreadable: {error}"))),
    };
    let mut text = serde_json::to_string(&answer)?;
    text.push('\n');
    writer.write_all(text.as_bytes()).await
}

/// Asks the service of a data folder.
///
/// # Errors
/// Nobody is there, or it does not do it.
pub async fn ask(data_folder: &Path, request: &Request) -> Result<Value, ControlError> {
    let path = path_of(data_folder);
    let exchange = async {
        let mut stream = UnixStream::connect(&path).await?;
        let mut text = serde_json::to_string(request)?;
        text.push('\n');
        stream.write_all(text.as_bytes()).await?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await?;
        Ok(line)
    };
    let line = tokio::time::timeout(PATIENCE, exchange)
        .await
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))
        .map_err(|source| ControlError::Closed { path: path.clone(), source })?;
    match serde_json::from_str(&line) {
        Ok(Answer::Done(value)) => Ok(value),
        Ok(Answer::Refused(reason)) => Err(ControlError::Refused(reason)),
        Err(error) => Err(ControlError::Unreadable { path, reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn echo(request: Request) -> Result<Value, Reason> {
        match request {
            Request::Log { filter: Some(filter) } => Ok(Value::String(filter)),
            _ => Err(Reason::new("N0541", "not now")),
        }
    }

    #[tokio::test]
    async fn what_is_asked_is_done_or_refused_with_its_code() {
        let folder = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(Door::open(folder.path()).unwrap().serve(echo, stop.clone()));
        let asked = ask(folder.path(), &Request::Log { filter: Some("debug".to_owned()) }).await.unwrap();
        assert_eq!(asked, "debug");
        let refused = ask(folder.path(), &Request::Leave).await.unwrap_err();
        assert_eq!(refused.to_string(), "N0541 not now");
        stop.cancel();
        serving.await.unwrap();
        let gone = ask(folder.path(), &Request::Leave).await.unwrap_err();
        assert!(matches!(gone, ControlError::Closed { .. }), "{gone}");
        assert!(!path_of(folder.path()).exists(), "the socket was taken away");
    }

    #[tokio::test]
    async fn only_its_owner_can_enter_and_what_a_crash_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        drop(Door::open(folder.path()).unwrap());
        assert!(path_of(folder.path()).exists(), "as after a crash");
        let wide = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path().join("control"), wide).unwrap();
        let _door = Door::open(folder.path()).unwrap();
        let mode = std::fs::metadata(folder.path().join("control")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[tokio::test]
    async fn nonsense_is_refused_and_the_door_stays_open() {
        let folder = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(Door::open(folder.path()).unwrap().serve(echo, stop.clone()));
        for nonsense in ["\n".to_owned(), "{\"ask\":\"steal\"}\n".to_owned(), "x".repeat(10_000)] {
            let mut stream = UnixStream::connect(path_of(folder.path())).await.unwrap();
            // It may have answered and gone before it has read all of it.
            let _ = stream.write_all(nonsense.as_bytes()).await;
            let mut line = String::new();
            if BufReader::new(stream).read_line(&mut line).await.is_ok() && !line.is_empty() {
                assert!(line.contains("T0114"), "{line}");
            }
        }
        assert!(ask(folder.path(), &Request::Log { filter: Some("info".to_owned()) }).await.is_ok());
        stop.cancel();
        serving.await.unwrap();
    }

    #[test]
    fn a_path_that_is_too_long_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let long = folder.path().join("x".repeat(120));
        std::fs::create_dir_all(&long).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let _inside = runtime.enter();
        let error = Door::open(&long).unwrap_err();
        assert!(matches!(error, ControlError::Open { .. }) && error.to_string().starts_with("T0111"), "{error}");
    }
}
