//! Serving a store over HTTP/1.1.
//!
//! | request | answer |
//! |---|---|
//! | `GET`, `HEAD /v1/artifacts/{id}` | the artifact, or a range of it; immutable, with a strong `ETag` |
//! | `PUT /v1/artifacts/{id}` | takes an upload where [`Uploads`] allows; 201 if new, 200 if it was there |
//! | `OPTIONS /v1/artifacts/{id}` | what a browser asks before a page's request: reading is for all pages, uploading as allowed |
//! | `GET`, `HEAD /v1/health` | `{"status":"ok"}` |
//!
//! A refusal is a JSON object `{"code","message"}` with the codes of [`StoreError`](crate::StoreError).
//!
//! Nobody can hold a connection without moving bytes: the time for a header, the silence within a body and the average
//! rate in each direction are bounded, as are connections and requests at work, in all and of one address. When all requests that may be
//! at work are, the slowest body makes room for the next one if it moves less than [`ServerOptions::full_min_bytes_per_second`].
//!
//! Behind a reverse proxy all clients have the proxy's address: what is bounded for each address is then bounded for the proxy, which
//! has to bound its clients itself, and is to be set as high as what is bounded in all.

mod admission;
mod connections;
mod download;
mod pages;
mod places;
mod reply;
mod stall;
mod upload;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::ConnectInfo;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Json, Router};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper::{Method, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::{Result, StoreError};
use crate::local::LocalStore;
use crate::pace::Pace;
use crate::token::UploadToken;
use crate::wire::HealthReply;

use admission::{Admission, Admitted, Cut};
use connections::ConnectionLimits;
pub use pages::PageOrigin;
pub use places::{AddressPlace, AddressPlaces, counted_as};
use reply::Refusal;
use stall::StallGuard;
#[cfg(fuzzing)]
pub(crate) use upload::is_loopback_host;

/// How long accepting pauses when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// From whom the server takes artifacts.
#[derive(Clone, Debug, Default)]
pub enum Uploads {
    /// From nobody.
    #[default]
    Refused,
    /// From whoever sends the token, from any address.
    Token(UploadToken),
    /// From programs of this machine, without a token: requests from a loopback address, addressed to a loopback
    /// host (so that no web page can send them under a name of its own) and not forwarded by a proxy. From web pages only as
    /// [`ServerOptions::upload_origins`] says.
    Loopback,
}

/// How a store is served.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// From whom artifacts are taken.
    pub uploads: Uploads,
    /// Of which origins web pages may upload, with whatever `uploads` asks for. Where none is named: pages of this machine with
    /// [`Uploads::Loopback`], pages of anywhere with [`Uploads::Token`]. Programs, which say no origin, are not concerned.
    pub upload_origins: Vec<PageOrigin>,
    /// The largest upload.
    pub max_artifact_bytes: u64,
    /// Artifact requests at work at a time; one more is answered 503.
    pub max_requests: usize,
    /// Artifact requests of one IPv4 address or IPv6 /64 network at work at a time; one more is answered 503.
    pub max_requests_per_address: usize,
    /// The slowest average rate, after [`ServerOptions::full_grace`], at which a body keeps its place while all are taken: of those
    /// that are slower, the slowest is cut off for the next request.
    pub full_min_bytes_per_second: u64,
    /// How long a body may be slower than [`ServerOptions::full_min_bytes_per_second`].
    pub full_grace: Duration,
    /// Connections at a time; one more waits to be accepted.
    pub max_connections: usize,
    /// Connections of one IPv4 address or IPv6 /64 network at a time; one more is closed.
    pub max_connections_per_address: usize,
    /// How long a client may take to send a request's header, and how long an idle connection is kept.
    pub header_timeout: Duration,
    /// How long a client may leave a body without moving a byte.
    pub idle_timeout: Duration,
    /// The slowest average rate, after [`ServerOptions::grace`], at which a body may move.
    pub min_bytes_per_second: u64,
    /// How long a body may be slower than [`ServerOptions::min_bytes_per_second`].
    pub grace: Duration,
    /// How long requests at work may go on after shutdown has begun.
    pub drain_timeout: Duration,
}

impl Default for ServerOptions {
    /// No uploads; 4 GiB; 256 requests, 32 an address, 1 MiB/s after 5 s while all are taken; 1,024 connections, 64 an address; 10 s
    /// for a header; 30 s idle; 16 KiB/s after 30 s; 10 s to drain.
    fn default() -> Self {
        Self {
            uploads: Uploads::Refused,
            upload_origins: Vec::new(),
            max_artifact_bytes: 4 << 30,
            max_requests: 256,
            max_requests_per_address: 32,
            full_min_bytes_per_second: 1 << 20,
            full_grace: Duration::from_secs(5),
            max_connections: 1_024,
            max_connections_per_address: 64,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            min_bytes_per_second: 16 * 1024,
            grace: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

impl ServerOptions {
    /// For an address at which a service says how it is: few ask, briefly, and a health check must find a place among whoever holds one.
    pub fn of_status() -> Self {
        Self {
            max_connections: 64,
            max_connections_per_address: 32,
            header_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(10),
            ..Self::default()
        }
    }
}

/// What all requests share.
struct Shared {
    store: LocalStore,
    options: ServerOptions,
    admission: Admission,
}

impl Shared {
    /// A place among the requests at work, held until it is dropped.
    fn admit(&self, peer: SocketAddr, cut: &Cut) -> Result<Admitted> {
        self.admission.admit(peer.ip(), cut, &self.options)
    }

    /// The pace that a body beginning now must keep.
    fn pace(&self) -> Pace {
        Pace::begin(self.options.idle_timeout, self.options.grace, self.options.min_bytes_per_second)
    }
}

/// Serves `store` on `listener` until `shutdown`, then finishes the requests at work and returns.
///
/// # Errors
/// [`StoreError::ListenerFailed`] where the listener's socket is unusable, and [`StoreError::BadOption`].
pub async fn serve(
    store: LocalStore,
    listener: TcpListener,
    options: ServerOptions,
    shutdown: CancellationToken,
) -> Result<()> {
    serve_with(store, listener, options, Router::new(), shutdown).await
}

/// As [`serve`], with `more` routes under the same limits of connections, headers and silence.
///
/// Their handlers find the peer's address as `ConnectInfo<SocketAddr>`. A path that neither side has is answered as
/// [`serve`] answers it, as are methods that a path does not take.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with(
    store: LocalStore,
    listener: TcpListener,
    options: ServerOptions,
    more: Router,
    shutdown: CancellationToken,
) -> Result<()> {
    check(&options)?;
    tracing::info!(store = %store.root().display(), "serving artifacts");
    let shared = Arc::new(Shared { store, options: options.clone(), admission: Admission::new() });
    serve_router(listener, options, router(shared, more), shutdown).await
}

/// Serves `router` on `listener` under the limits of connections, headers and silence of a store, without a store: uploads,
/// artifacts and requests at work of `options` mean nothing here.
///
/// # Errors
/// As [`serve`].
pub async fn serve_router(
    listener: TcpListener,
    options: ServerOptions,
    router: Router,
    shutdown: CancellationToken,
) -> Result<()> {
    check(&options)?;
    let address = listener.local_addr().map_err(|source| StoreError::ListenerFailed { source })?;
    tracing::info!(%address, "serving HTTP");
    let limits = ConnectionLimits::new(options.max_connections, options.max_connections_per_address);
    let connections = TaskTracker::new();
    // Cancelled when the drain time is over; dropping it with this future ends the connections as well.
    let abort = CancellationToken::new();
    let _abort_on_drop = abort.clone().drop_guard();
    while let Some((stream, peer, place)) = next_connection(&listener, &limits, &shutdown).await {
        let service = TowerToHyperService::new(router.clone());
        let connection = serve_connection(stream, peer, service, options.clone(), shutdown.clone());
        let abort = abort.clone();
        connections.spawn(async move {
            abort.run_until_cancelled(connection).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(options.drain_timeout, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "cutting off requests that did not end in time");
        abort.cancel();
        connections.wait().await;
    }
    Ok(())
}

/// [`StoreError::BadOption`] where a limit would let nobody in.
fn check(options: &ServerOptions) -> Result<()> {
    let limits = [
        options.max_requests,
        options.max_requests_per_address,
        options.max_connections,
        options.max_connections_per_address,
    ];
    if limits.contains(&0) {
        return Err(StoreError::BadOption { reason: "a limit of the server is zero", fix: "at least 1" });
    }
    Ok(())
}

fn router(shared: Arc<Shared>, more: Router) -> Router {
    Router::new()
        .route("/v1/health", get(|| async { Json(HealthReply { status: "ok" }) }))
        .route("/v1/artifacts/{id}", get(download::download).put(upload::upload).options(pages::preflight))
        .layer(from_fn_with_state(Arc::clone(&shared), pages::answer_pages))
        .with_state(shared)
        .merge(more)
        .fallback(|method: Method| async move {
            Refusal(match method {
                Method::GET | Method::HEAD | Method::PUT => StoreError::NoSuchRoute,
                // Whoever lists by WebDAV is to learn that this is no such server, and not that it holds nothing.
                _ => StoreError::MethodNotAllowed,
            })
        })
        .method_not_allowed_fallback(|| async { Refusal(StoreError::MethodNotAllowed) })
}

/// The next connection within the limits, with its place; `None` at shutdown.
async fn next_connection(
    listener: &TcpListener,
    limits: &ConnectionLimits,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, connections::Place)> {
    let next = async {
        loop {
            let slot = limits.slot().await;
            match listener.accept().await {
                Ok((stream, peer)) => match limits.place(slot, peer.ip()) {
                    Some(place) => return (stream, peer, place),
                    None => tracing::debug!(%peer, "closed: too many connections of this address"),
                },
                // A connection that was lost while it waited, or no more file handles: neither ends the server.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    shutdown.run_until_cancelled(next).await
}

/// Serves one connection until either side closes it, or `shutdown` and the request at work is done.
async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    service: TowerToHyperService<Router>,
    options: ServerOptions,
    shutdown: CancellationToken,
) {
    // Without it small answers wait for the client's acknowledgement; a socket that refuses still works.
    let _ = stream.set_nodelay(true);
    let stream = StallGuard::new(stream, options.idle_timeout);
    let cut = Cut(CancellationToken::new());
    let cut_off = cut.0.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(cut.clone());
        service.call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = cut_off.run_until_cancelled(connection.as_mut()) => outcome,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            cut_off.run_until_cancelled(connection).await
        }
    };
    if let Some(Err(error)) = outcome {
        tracing::debug!(%peer, %error, "connection ended");
    }
}
