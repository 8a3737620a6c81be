//! `assay store serve`.

use crate::commands::cancelled_by_signals;
use crate::error::CliError;
use crate::output::Output;
use assay_store::{LocalStore, PageOrigin, ServerOptions, Uploads, serve as serve_store};
use clap::Args;
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::TcpListener;

#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// The folder; created if it is missing
    #[arg(long, default_value = "assay-store")]
    folder: PathBuf,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Take uploads from programs and web pages on this machine
    #[arg(long)]
    accept_local_uploads: bool,
    /// Take a page's uploads only if it is of this origin, such as https://app.example; may be given several times
    #[arg(long, value_name = "ORIGIN", requires = "accept_local_uploads")]
    upload_origin: Vec<PageOrigin>,
    /// Artifact requests of one address at a time; behind a reverse proxy, which is one address, as many as in all: 256
    #[arg(long, default_value_t = ServerOptions::default().max_requests_per_address)]
    max_requests_per_address: usize,
    /// Connections of one address at a time; behind a reverse proxy as many as in all: 1024
    #[arg(long, default_value_t = ServerOptions::default().max_connections_per_address)]
    max_connections_per_address: usize,
}

pub(super) async fn serve(arguments: Serve, output: Output) -> Result<(), CliError> {
    let Serve { folder, listen, accept_local_uploads, upload_origin: upload_origins, .. } = arguments;
    let Serve { max_requests_per_address, max_connections_per_address, .. } = arguments;
    let cancel = cancelled_by_signals()?;
    let store = LocalStore::open(&folder)?;
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        CliError::new("A0401", format!("cannot listen on {listen}: {error}; choose another --listen"))
    })?;
    let address = listener.local_addr()?;
    let uploads = if accept_local_uploads { Uploads::Loopback } else { Uploads::Refused };
    output.result(&json!({ "url": format!("http://{address}"), "folder": folder }), || {
        format!("serving {} at http://{address}; Ctrl-C ends it", folder.display())
    })?;
    let options = ServerOptions {
        uploads,
        upload_origins,
        max_requests_per_address,
        max_connections_per_address,
        ..ServerOptions::default()
    };
    serve_store(store, listener, options, cancel).await?;
    Ok(())
}
