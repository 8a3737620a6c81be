//! `assay index`: the history of the market, until Ctrl-C.

use super::{cancelled_by_signals, parent_exits};
use crate::context::ChainArguments;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_chain::FollowerOptions;
use assay_index::{Index, IndexOptions};
use clap::Args;
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8920")]
    listen: SocketAddr,
    /// Where the history is kept; created if it is missing
    #[arg(long, alias = "data", default_value = "assay-index")]
    folder: PathBuf,
    /// Read all accounts so often although nothing seems to be lost: also how long a closed one stays unnoticed
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    resync_seconds: u64,
    /// Followers of events at one address, of 256 in all; behind a reverse proxy, which is one address, as many as in all
    #[arg(long, default_value_t = IndexOptions::FOLLOWERS_PER_ADDRESS)]
    followers_per_address: usize,
    /// End at once when the process that started this one has ended
    #[arg(long)]
    until_parent_exits: bool,
}

pub(crate) async fn run(arguments: Arguments, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    let context = chain.connected().await?;
    let cancel = cancelled_by_signals()?;
    let follower = FollowerOptions {
        resync_interval: Duration::from_secs(arguments.resync_seconds),
        ..FollowerOptions::default()
    };
    let options = IndexOptions {
        folder: arguments.folder.clone(),
        listen: arguments.listen,
        follower,
        followers_per_address: arguments.followers_per_address,
    };
    let index = Index::open(context.chain().clone(), options).await?;
    let url = format!("http://{}", index.address()?);
    output.result(&json!({ "url": url, "folder": arguments.folder }), || {
        let about = fields([("history", format!("{url}/v1/snapshot")), ("health", format!("{url}/health"))]);
        format!("{about}\n\nfollows the market; Ctrl-C ends it, and it goes on where it was at the next start")
    })?;
    tokio::select! {
        ended = index.run(cancel) => Ok(ended?),
        () = parent_exits(), if arguments.until_parent_exits => Ok(()),
    }
}
