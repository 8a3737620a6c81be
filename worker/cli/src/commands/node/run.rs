//! `assay node run`: the service until Ctrl-C.

use super::{Backend, Folder};
use crate::commands::{cancelled_by_signals, parent_exits};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_chain::read_keypair;
use assay_node::start::{Identity, start};
use serde_json::json;

pub(super) async fn run_node(
    context: &Context,
    folder: &Folder,
    backend: Option<Backend>,
    until_parent_exits: bool,
    output: Output,
) -> Result<(), CliError> {
    let node = folder.node()?;
    let mut config = folder.config()?;
    if let Some(backend) = backend {
        config.backend = backend.into();
    }
    let identity =
        Identity { node, operator: read_keypair(&folder.operator_path())?, data_folder: folder.data.clone() };
    let cancel = cancelled_by_signals()?;
    let started = start(config, identity, context.sender.clone()).await?;
    let value = json!({
        "node": node.to_string(),
        "artifacts": format!("http://{}", started.artifacts),
        "status": format!("http://{}", started.status),
        "backends": started.backends,
    });
    output.result(&value, || {
        let mut rows = vec![
            ("node", node.to_string()),
            ("artifacts", format!("http://{}", started.artifacts)),
            ("status", format!("http://{}/v1/status", started.status)),
        ];
        rows.extend(started.backends.iter().map(|(name, device)| ("backend", format!("{name}: {device}"))));
        format!("{}\n\ntakes jobs; Ctrl-C finishes what is claimed and ends", fields(rows))
    })?;
    tokio::select! {
        ended = started.run(cancel) => Ok(ended?),
        () = parent_exits(), if until_parent_exits => Ok(()),
    }
}
