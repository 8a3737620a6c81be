//! A folder over HTTP: writable by WebDAV for who knows a password, or readable by everybody.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use dav_server::body::Body;
use dav_server::fakels::FakeLs;
use dav_server::localfs::LocalFs;
use dav_server::{DavHandler, DavMethodSet};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A server of one folder on a free port of loopback.
#[derive(Debug)]
pub struct FileServer {
    address: SocketAddr,
}

impl FileServer {
    /// Serves `folder` to everybody, for reading alone: what a bucket's public address is.
    pub async fn public(folder: &Path) -> Self {
        Self::start(folder, DavMethodSet::HTTP_RO, None).await
    }

    /// Serves `folder` by WebDAV to who has this user name and password.
    pub async fn dav(folder: &Path, user: &str, password: &str) -> Self {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        Self::start(folder, DavMethodSet::WEBDAV_RW, Some(format!("Basic {pair}"))).await
    }

    async fn start(folder: &Path, methods: DavMethodSet, authorization: Option<String>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let files = DavHandler::builder()
            .filesystem(LocalFs::new(folder, false, false, false))
            .locksystem(FakeLs::new())
            .methods(methods)
            .build_handler();
        let authorization = Arc::new(authorization);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (files, authorization) = (files.clone(), Arc::clone(&authorization));
                let answer = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let (files, authorization) = (files.clone(), Arc::clone(&authorization));
                    async move {
                        let given = request.headers().get("authorization").map(|value| value.as_bytes());
                        let admitted = authorization.as_deref().is_none_or(|wanted| given == Some(wanted.as_bytes()));
                        Ok::<_, Infallible>(match admitted {
                            true => files.handle(request).await,
                            false => {
                                let mut refusal = http::Response::new(Body::empty());
                                *refusal.status_mut() = http::StatusCode::UNAUTHORIZED;
                                refusal
                            }
                        })
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self { address }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
