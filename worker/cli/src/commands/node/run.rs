//! `assay node run`: the service until Ctrl-C.

use super::doctor::{examine_before_start, patient};
use super::{Backend, Folder};
use crate::commands::{cancelled_by_signals, parent_exits};
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_chain::read_keypair;
use assay_node::settings::follow;
use assay_node::start::{Identity, start};
use serde_json::json;

/// What the command line says beside the settings.
pub(super) struct How {
    pub(super) backend: Option<Backend>,
    pub(super) despite_errors: bool,
    pub(super) until_parent_exits: bool,
}

pub(super) async fn run_node(context: &Context, folder: &Folder, how: How, output: Output) -> Result<(), CliError> {
    let How { backend, despite_errors, until_parent_exits } = how;
    // A folder of no node is told before its settings are missed.
    let node = folder.node()?;
    let mut layers = folder.layers()?;
    layers.flags.extend(backend.map(|backend| ("backend".to_owned(), backend.word().to_owned())));
    let config = layers.load()?.config;
    let patient = patient(context, folder, config.clone())?;
    examine_before_start(&patient, despite_errors).await?;
    let identity =
        Identity { node, operator: read_keypair(&folder.operator_path())?, data_folder: folder.data.clone() };
    let cancel = cancelled_by_signals()?;
    let started = start(config, identity, context.sender.clone()).await?;
    let following = follow(started.settings(), layers, cancel.clone());
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
        // It ends when the node is told to end, which then drains.
        never = async { following.await; std::future::pending().await } => never,
        () = parent_exits(), if until_parent_exits => Ok(()),
    }
}
