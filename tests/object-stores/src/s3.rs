//! The S3-compatible server, as a process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use assay_store::{RemoteAddress, RemoteOptions, RemoteStore, Result, Variables};
use std::time::Duration;
use tempfile::TempDir;

/// Names the program.
const PROGRAM: &str = "ASSAY_S3_SERVER";
/// Set where the program was made before, so that its absence is an error.
const REQUIRED: &str = "ASSAY_REQUIRE_S3";
/// Where `cargo xtask` puts it, below the cache folder.
const IN_CACHE: &str = "tools/bin/s3s-fs";

/// A server with one bucket. It ends with this.
#[derive(Debug)]
pub struct S3Server {
    folder: TempDir,
    address: SocketAddr,
    child: Child,
}

impl S3Server {
    /// The bucket that there is.
    pub const BUCKET: &str = "artifacts";
    /// The key that may do everything.
    pub const KEY: &str = "AKIDOFTHESETESTS";
    /// Its secret.
    pub const SECRET: &str = "the/secret+of\\these tests";

    /// Starts the server on a free port; nothing where the program is not there.
    ///
    /// # Panics
    /// It is there and does not start, or it is required and not there.
    pub fn start() -> Option<Self> {
        let Some(program) = program() else {
            assert!(std::env::var_os(REQUIRED).is_none(), "there is no s3s-fs, and {REQUIRED} is set");
            eprintln!("SKIPPED: there is no s3s-fs; `cargo xtask test` makes it, or name it with {PROGRAM}");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(Self::BUCKET)).expect("a bucket");
        let mut child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", "0", "--access-key", Self::KEY, "--secret-key", Self::SECRET])
            .arg(folder.path())
            .env("RUST_LOG", "info")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let said = child.stdout.take().expect("what it says");
        let mut lines = BufReader::new(said).lines().map_while(std::io::Result::ok);
        let running = lines.find_map(|line| line.split_once("running at http://").map(|(_, rest)| rest.to_owned()));
        let address = running.as_deref().and_then(|text| text.split(',').next()?.trim().parse().ok());
        let address = address.expect("the server says where it listens");
        // It would block once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { folder, address, child })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder of the bucket: objects are files.
    pub fn bucket(&self) -> PathBuf {
        self.folder.path().join(Self::BUCKET)
    }

    /// The file of the object with this key.
    pub fn object(&self, key: &str) -> PathBuf {
        self.bucket().join(key)
    }

    /// The environment of a program that may use it through `endpoint`.
    pub fn environment(endpoint: SocketAddr) -> [(&'static str, String); 4] {
        [
            ("AWS_ACCESS_KEY_ID", Self::KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", Self::SECRET.to_owned()),
            ("AWS_ENDPOINT_URL_S3", format!("http://{endpoint}")),
            ("AWS_REGION", "eu-central-1".to_owned()),
        ]
    }

    /// The store at `address` through `endpoint`, with the server's key.
    ///
    /// # Errors
    /// Those of [`RemoteStore::open`].
    pub fn open(endpoint: SocketAddr, address: &str) -> Result<RemoteStore> {
        Self::open_with(address, &Self::environment(endpoint))
    }

    /// The store at `address` with these variables; three attempts close to one another.
    ///
    /// # Errors
    /// Those of [`RemoteStore::open`].
    pub fn open_with(address: &str, variables: &[(&str, String)]) -> Result<RemoteStore> {
        Self::open_within(Duration::from_secs(10), address, variables)
    }

    /// The same, which bears the store's silence for so long.
    ///
    /// # Errors
    /// Those of [`RemoteStore::open`].
    pub fn open_within(silence: Duration, address: &str, variables: &[(&str, String)]) -> Result<RemoteStore> {
        let variables: Variables = variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let options = RemoteOptions {
            max_attempts: 3,
            first_wait: Duration::from_millis(5),
            max_wait: Duration::from_millis(20),
            stall_timeout: silence,
            deadline: Duration::from_secs(120),
            ..RemoteOptions::default()
        };
        RemoteStore::open(&RemoteAddress::parse(address)?, options, &variables)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(PROGRAM).filter(|name| !name.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("ASSAY_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("assay")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/assay")))?;
    Some(cache.join(Path::new(IN_CACHE))).filter(|program| program.is_file())
}
