//! Stores of other people: S3-compatible buckets, and HTTP servers that take `PUT`.
//!
//! Artifacts lie in them under the path that [`ArtifactUri`](crate::ArtifactUri)s have, `v1/artifacts/<hex>` below the
//! store's prefix, so that what serves the bucket to everybody serves artifacts. A store is believed nothing: what comes
//! from it is hashed, and what goes to it is hashed on the way.

mod address;
mod connector;
mod credentials;
mod crypto;
mod failure;
mod publish;
mod transfer;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::time::timeout;

use crate::client::UploadOutcome;
use crate::error::{Result, StoreError};
use crate::id::ArtifactId;
use crate::local::{LocalStore, StoredArtifact};
use crate::uri::ARTIFACTS_PATH;

pub use address::RemoteAddress;
use connector::Connector;
use credentials::CredentialSource;
pub use credentials::Variables;
use crypto::Crypto;

/// The region where nobody names one. Stores that are not AWS's mostly take any.
const DEFAULT_REGION: &str = "us-east-1";

/// How a [`RemoteStore`] is reached, and with how much patience.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    /// The address of an S3-compatible service; by default what `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` say, else AWS's.
    pub endpoint: Option<String>,
    /// The bucket's region; by default what `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile say, else `us-east-1`.
    pub region: Option<String>,
    /// Whether the bucket's name goes before the host's, and not into the path.
    pub virtual_hosted: bool,
    /// Whether what is sent to another machine may go unencrypted.
    pub allow_unencrypted: bool,
    /// After how many failed attempts in a row an operation gives up.
    pub max_attempts: u32,
    /// The wait after the first failed attempt; it grows with each, and is varied at random.
    pub first_wait: Duration,
    /// The longest wait between attempts.
    pub max_wait: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long the store may be silent.
    pub stall_timeout: Duration,
    /// How long an operation may take in all, waits included.
    pub deadline: Duration,
}

impl Default for RemoteOptions {
    /// Encrypted only; 6 attempts with waits from 250 ms to 10 s; 15 minutes in all.
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            virtual_hosted: false,
            allow_unencrypted: false,
            max_attempts: 6,
            first_wait: Duration::from_millis(250),
            max_wait: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(15 * 60),
        }
    }
}

/// A store of somebody else's. Cloning is cheap; clones share their connections.
#[derive(Clone)]
pub struct RemoteStore {
    store: Arc<dyn ObjectStore>,
    /// Below which artifacts lie; empty, or without slashes at its ends.
    prefix: String,
    shown: Arc<str>,
    takes_parts: bool,
    options: RemoteOptions,
}

impl RemoteStore {
    /// The store at `address`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`StoreError::RemoteMalformed`], [`StoreError::RemoteUnencrypted`], [`StoreError::NoCredentials`].
    pub fn open(address: &RemoteAddress, options: RemoteOptions, variables: &Variables) -> Result<Self> {
        let retry = RetryConfig {
            backoff: BackoffConfig { init_backoff: options.first_wait, max_backoff: options.max_wait, base: 2.0 },
            max_retries: usize::try_from(options.max_attempts.saturating_sub(1)).unwrap_or(usize::MAX),
            // Signatures and credentials do not stay valid for ever.
            retry_timeout: options.deadline.min(Duration::from_secs(4 * 60)),
        };
        let connector = |authorization| Connector {
            connect_timeout: options.connect_timeout,
            stall_timeout: options.stall_timeout,
            authorization,
        };
        let shown: Arc<str> = address.to_string().into();
        let failed = |error: &object_store::Error| failure::explained(&shown, None, 1, error);
        let (store, prefix, takes_parts): (Arc<dyn ObjectStore>, _, _) = match address {
            RemoteAddress::Bucket { bucket, prefix } => {
                let source = CredentialSource::choose(variables)?;
                tracing::debug!(store = %shown, credentials = ?source, "opening a bucket");
                let region = options.region.clone().or_else(|| variables.region());
                let mut builder = AmazonS3Builder::new()
                    .with_bucket_name(bucket)
                    .with_region(region.unwrap_or_else(|| DEFAULT_REGION.to_owned()))
                    .with_virtual_hosted_style_request(options.virtual_hosted)
                    .with_disable_tagging(true)
                    .with_retry(retry)
                    .with_crypto_provider(Arc::new(Crypto))
                    .with_http_connector(connector(None));
                if let Some(endpoint) = options.endpoint.as_deref().or_else(|| variables.endpoint()) {
                    let mut url = address::endpoint(endpoint, options.allow_unencrypted)?;
                    if options.virtual_hosted {
                        let host = format!("{bucket}.{}", url.host_str().unwrap_or_default());
                        url.set_host(Some(&host)).map_err(|error| StoreError::RemoteMalformed {
                            reason: format!("the bucket's name cannot go before the endpoint's host: {error}"),
                        })?;
                    }
                    builder = builder.with_endpoint(url.as_str().trim_end_matches('/'));
                }
                let built = source.apply(builder, variables).build().map_err(|error| failed(&error))?;
                (Arc::new(built), prefix.clone(), true)
            }
            RemoteAddress::Http(url) => {
                address::endpoint(url.as_str(), options.allow_unencrypted)?;
                let built = HttpBuilder::new()
                    .with_url(url.as_str().trim_end_matches('/'))
                    .with_retry(retry)
                    .with_http_connector(connector(variables.http_authorization()?))
                    .build()
                    .map_err(|error| failed(&error))?;
                (Arc::new(built), String::new(), false)
            }
        };
        Ok(Self { store, prefix, shown, takes_parts, options })
    }

    /// The store's address, without anything secret.
    pub fn address(&self) -> &str {
        &self.shown
    }

    /// Sends artifact `id` from `local`, unless the store has one of its name and length. What is sent is hashed on the way,
    /// and nothing appears in the store unless it is the artifact.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::Corrupt`] of `local`; [`StoreError::TooLarge`] for more than 256 MiB and a store
    /// without multipart uploads; what the store refuses; [`StoreError::Unreachable`], [`StoreError::DeadlinePassed`].
    pub async fn put(&self, id: &ArtifactId, local: &LocalStore) -> Result<UploadOutcome> {
        self.bounded(id, self.send(id, local)).await
    }

    /// Brings artifact `id`, of at most `max_bytes`, into `local`, unless it is there undamaged. It is streamed to the disk
    /// and hashed as it arrives.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::WrongHash`] and [`StoreError::TooLarge`], after which nothing is kept; what the
    /// store refuses; [`StoreError::Unreachable`], [`StoreError::DeadlinePassed`]; the disk's.
    pub async fn fetch(&self, id: &ArtifactId, max_bytes: u64, local: &LocalStore) -> Result<StoredArtifact> {
        self.bounded(id, self.receive(id, max_bytes, local)).await
    }

    /// Reads artifact `id` whole, without keeping it, and checks its hash; its length in bytes.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub async fn check(&self, id: &ArtifactId) -> Result<u64> {
        self.bounded(id, self.read_through(id, u64::MAX, |_| {})).await
    }

    /// Reads artifact `id`, of at most `max_bytes`, into memory, and checks its hash.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub async fn read(&self, id: &ArtifactId, max_bytes: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.bounded(id, self.read_through(id, max_bytes, |chunk| bytes.extend_from_slice(chunk))).await?;
        Ok(bytes)
    }

    /// Sends a few bytes, which are then an artifact like any other.
    ///
    /// # Errors
    /// What the store refuses; [`StoreError::Unreachable`], [`StoreError::DeadlinePassed`].
    pub async fn put_bytes(&self, bytes: Bytes) -> Result<ArtifactId> {
        let id = ArtifactId::of(&bytes);
        let sent = async {
            let sent = self.store.put(&self.path(&id), bytes.into()).await;
            sent.map_err(|error| self.about_put(&id, &error))
        };
        self.bounded(&id, sent).await?;
        Ok(id)
    }

    /// Length and age of artifact `id` as the store says, or `None` where it does not hold it.
    ///
    /// # Errors
    /// What the store refuses; [`StoreError::Unreachable`], [`StoreError::DeadlinePassed`].
    pub async fn stored(&self, id: &ArtifactId) -> Result<Option<StoredArtifact>> {
        self.bounded(id, async {
            match self.store.head(&self.path(id)).await {
                Ok(meta) => Ok(Some(described(*id, &meta))),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(self.explained(Some(id), &error)),
            }
        })
        .await
    }

    /// All artifacts that the store lists below its prefix, in order of their ids. Other objects are left out.
    ///
    /// # Errors
    /// What the store refuses; [`StoreError::NoListing`] for an HTTP server that knows no WebDAV; [`StoreError::Unreachable`],
    /// [`StoreError::DeadlinePassed`].
    pub async fn list(&self) -> Result<Vec<StoredArtifact>> {
        let folder = Path::from(format!("{}{ARTIFACTS_PATH}", self.prefix));
        let listing = async {
            // One level: WebDAV servers list all levels at once only where they are told to.
            let listed =
                self.store.list_with_delimiter(Some(&folder)).await.map_err(|error| self.about_list(&error))?;
            let mut artifacts: Vec<_> = listed.objects.iter().filter_map(|meta| self.artifact(meta)).collect();
            artifacts.sort_by_key(|artifact| artifact.id);
            Ok(artifacts)
        };
        let passed = |_| StoreError::DeadlinePassed { uri: self.shown.to_string(), limit: self.options.deadline };
        timeout(self.options.deadline, listing).await.map_err(passed)?
    }

    /// Removes artifact `id`. One that is not there is no error: S3 does not tell.
    ///
    /// # Errors
    /// What the store refuses; [`StoreError::Unreachable`], [`StoreError::DeadlinePassed`].
    pub async fn remove(&self, id: &ArtifactId) -> Result<()> {
        self.bounded(id, async {
            match self.store.delete(&self.path(id)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(self.explained(Some(id), &error)),
            }
        })
        .await
    }

    /// The artifact that a listed object is, if it is one.
    fn artifact(&self, meta: &ObjectMeta) -> Option<StoredArtifact> {
        let id = meta.location.filename()?.parse::<ArtifactId>().ok()?;
        // WebDAV's locations begin with the path of the server's address.
        let is_ours = meta.location.as_ref().ends_with(self.path(&id).as_ref());
        is_ours.then(|| described(id, meta))
    }

    fn about_list(&self, error: &object_store::Error) -> StoreError {
        match self.explained(None, error) {
            explained @ (StoreError::HttpStatus { status: 400 | 404 | 405 | 501, .. }
            | StoreError::RemoteFailed { .. })
                if !self.takes_parts =>
            {
                tracing::debug!(error = %explained, "the store does not list");
                StoreError::NoListing { store: self.shown.to_string() }
            }
            other => other,
        }
    }

    fn path(&self, id: &ArtifactId) -> Path {
        Path::from(format!("{}{ARTIFACTS_PATH}{id}", self.prefix))
    }

    fn explained(&self, id: Option<&ArtifactId>, error: &object_store::Error) -> StoreError {
        failure::explained(&self.shown, id, self.options.max_attempts, error)
    }

    async fn bounded<T>(&self, id: &ArtifactId, work: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = self.options.deadline;
        let passed = |_| StoreError::DeadlinePassed { uri: format!("{}{ARTIFACTS_PATH}{id}", self.shown), limit };
        timeout(limit, work).await.map_err(passed)?
    }
}

impl fmt::Debug for RemoteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteStore").field("address", &self.shown).finish_non_exhaustive()
    }
}

fn described(id: ArtifactId, meta: &ObjectMeta) -> StoredArtifact {
    StoredArtifact { id, bytes: meta.size, modified: SystemTime::from(meta.last_modified) }
}
