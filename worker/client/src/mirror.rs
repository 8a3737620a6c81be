//! Where nodes keep their results once more, for when they are away: what a node says of that while it is there is remembered in a file
//! beside the artifacts, and asked for results after the node itself.
//!
//! A node may say anything: what is remembered is one http(s) address for each node, reached under the same guard as every address of a
//! stranger's, and what comes from it is compared with the committed root like everything else.

use crate::client::Client;
use assay_chain::Chain;
use assay_store::{ArtifactId, ArtifactUri, Fetcher, LocalStore, RemoteAddress};
use solana_sdk::pubkey::Pubkey;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// Beside the artifacts.
const FOLDER: &str = "mirrors";
/// Within which a node has to say where its mirror is.
const REPLY_TIME: Duration = Duration::from_secs(5);
/// Most bytes of that.
const MAX_REPLY_BYTES: u64 = 1 << 10;

fn path(store: &LocalStore, node: &Pubkey) -> PathBuf {
    store.root().join(FOLDER).join(node.to_string())
}

/// Whether artifacts can have addresses there that are fetched.
fn is_base(text: &str) -> bool {
    let is_http = matches!(RemoteAddress::parse(text), Ok(RemoteAddress::Http(_)));
    is_http && ArtifactUri::new(text, ArtifactId([0; 32])).is_ok()
}

/// Remembers that the node's results are also at this base URL.
///
/// # Errors
/// It is no http(s) address, has a user name, password or query, or is too long for addresses of artifacts; or the disk failed.
pub fn remember(store: &LocalStore, node: &Pubkey, base: &str) -> io::Result<()> {
    if !is_base(base) {
        let reason = "a mirror is an http(s) address without user name, password and query, of at most 50 bytes";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    let path = path(store, node);
    std::fs::create_dir_all(store.root().join(FOLDER))?;
    // Whole or not at all: another process may read it.
    let new = path.with_extension(std::process::id().to_string());
    std::fs::write(&new, base)?;
    std::fs::rename(&new, &path)
}

/// What is remembered of a node's mirror.
pub fn remembered(store: &LocalStore, node: &Pubkey) -> Option<String> {
    std::fs::read_to_string(path(store, node)).ok().filter(|base| is_base(base))
}

/// Asks a node where its mirror is, and remembers it. A node that has none, or does not answer, changes nothing.
pub async fn learn(chain: &Chain, fetcher: &Fetcher, store: &LocalStore, node: &Pubkey) {
    #[derive(serde::Deserialize)]
    struct Reply {
        public_url: String,
    }
    let Ok(Some(account)) = chain.find_node(node).await else { return };
    if account.endpoint.is_empty() {
        return;
    }
    let uri = format!("{}/v1/mirror", account.endpoint.trim_end_matches('/'));
    let reply = match fetcher.document(&uri, MAX_REPLY_BYTES, REPLY_TIME).await {
        Ok(reply) if reply.is_ok() => reply,
        Ok(_) => return,
        Err(error) => return tracing::debug!(%node, %error, "the node does not say where its mirror is"),
    };
    let Ok(Reply { public_url }) = serde_json::from_slice(&reply.body) else { return };
    if remembered(store, node).as_deref() == Some(&*public_url) {
        return;
    }
    if let Err(error) = remember(store, node, &public_url) {
        tracing::debug!(%node, %error, "the node's mirror is not remembered");
    }
}

impl Client {
    /// Asks a node where its results are once more, beside what the caller does; dropping this ends it.
    pub(crate) fn learn_mirror(&self, node: Pubkey) -> AbortOnDropHandle<()> {
        let (chain, fetcher, store) = (self.chain().clone(), self.fetcher.clone(), self.store.clone());
        AbortOnDropHandle::new(tokio::spawn(async move { learn(&chain, &fetcher, &store, &node).await }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_of_each_node_is_remembered_and_only_such_as_artifacts_can_have() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        let (one, other) = (Pubkey::new_unique(), Pubkey::new_unique());
        assert_eq!(remembered(&store, &one), None);
        remember(&store, &one, "https://first.example").unwrap();
        remember(&store, &one, "https://second.example/results").unwrap();
        assert_eq!(remembered(&store, &one).as_deref(), Some("https://second.example/results"));
        assert_eq!(remembered(&store, &other), None);
        let long = format!("https://{}.example", "a".repeat(60));
        for bad in ["", "s3://bucket", "file:///etc", "https://user:pass@host", "https://host/?a", "/etc", &long] {
            assert!(remember(&store, &other, bad).is_err(), "{bad:?}");
            std::fs::write(path(&store, &other), bad).unwrap();
            assert_eq!(remembered(&store, &other), None, "{bad:?} was written by somebody else");
        }
        assert_eq!(std::fs::read_dir(folder.path().join(FOLDER)).unwrap().count(), 2, "nothing is left over");
    }
}
