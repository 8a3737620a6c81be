//! Content-addressed artifacts: graphs, weights, inputs, outputs and traces.
//!
//! An artifact is a run of bytes whose name is its SHA-256 hash ([`ArtifactId`]). It therefore never changes, may be
//! cached for ever, and may be taken from anybody: whoever receives it checks the hash.
//!
//! | part | what it does |
//! |---|---|
//! | [`LocalStore`] | a folder; writes are atomic and durable, several processes may share it |
//! | [`serve`] | serves a folder over HTTP/1.1, with ranges, and takes uploads where that is enabled |
//! | [`Fetcher`] | brings an artifact from a URI into a folder: streamed, resumed, bounded, hash-checked as it arrives |
//! | [`Uploader`] | sends an artifact from a folder to a server |
//! | [`RemoteStore`] | an S3-compatible bucket, or a folder of an HTTP server that takes `PUT` |
//! | [`ArtifactUri`] | the form in which a job names an artifact: `<base>/v1/artifacts/<hex>` |
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (folder, other_folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
//! use assay_store::{ArtifactUri, FetchOptions, Fetcher, LocalStore, ServerOptions, serve};
//!
//! let served = LocalStore::open(&folder)?;
//! let id = served.put_bytes("weights").await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let uri = ArtifactUri::new(&format!("http://{}", listener.local_addr()?), id)?;
//! let shutdown = tokio_util::sync::CancellationToken::new();
//! let server = tokio::spawn(serve(served, listener, ServerOptions::default(), shutdown.clone()));
//!
//! let store = LocalStore::open(&other_folder)?;
//! let fetcher = Fetcher::new(FetchOptions { allow_private: true, ..FetchOptions::default() })?;
//! fetcher.fetch(uri.as_str(), uri.id(), 1_000_000, &store).await?;
//! assert_eq!(store.read(&id, 1_000_000).await?, "weights");
//!
//! shutdown.cancel();
//! server.await??;
//! # Ok(())
//! # }
//! ```
//!
//! # URIs that strangers wrote
//!
//! A node fetches URIs that anybody may post in a job. Without care that lets a stranger make the node's machine send
//! requests into its own network (*server-side request forgery*): to a cloud's metadata service, a database without a
//! password, a router. [`FetchOptions`] therefore refuses, unless told otherwise, every address that is not public,
//! and refuses link-local and metadata addresses always. The check is made on the address that the connection is made
//! to: names are resolved by the fetcher itself, so a name that first resolves to a public address and then to a
//! private one gains nothing. It is made again for each redirect, and proxies from the environment are not used.
//! Local paths and `file://` are refused unless allowed.
//!
//! # Errors
//!
//! Every failure is a [`StoreError`] with a stable code: `S01xx` the folder, `S02xx` names and URIs, `S03xx` fetching
//! and uploading, `S04xx` serving, `S05xx` remote stores.

mod client;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod id;
mod local;
mod pace;
mod range;
mod remote;
mod server;
mod token;
mod uri;
mod wire;

pub use client::{
    Document, FetchOptions, FetchSource, Fetched, Fetcher, Progress, UploadOptions, UploadOutcome, Uploader,
};
pub use error::{Result, StoreError};
pub use id::{ARTIFACT_ID_BYTES, ArtifactHasher, ArtifactId};
pub use local::{ArtifactReader, LocalStore, StoredArtifact};
pub use remote::{RemoteAddress, RemoteOptions, RemoteStore, Variables};
pub use server::{
    AddressPlace, AddressPlaces, PageOrigin, ServerOptions, Uploads, counted_as, serve, serve_router, serve_with,
};
pub use token::UploadToken;
pub use uri::{ArtifactUri, MAX_ARTIFACT_URI_BYTES};
