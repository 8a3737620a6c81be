//! `assay node explain NODE --job JOB`: why the node may claim a job or not, and what became of it.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table};
use assay_client::explain::explain_node;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;

pub(super) async fn explain(
    context: &Context,
    node_address: &Pubkey,
    job_address: &Pubkey,
    output: Output,
) -> Result<(), CliError> {
    let explained = explain_node(context.chain(), node_address, job_address).await?;
    let value = json!({
        "node": node_address.to_string(),
        "job": job_address.to_string(),
        "slot": explained.slot,
        "findings": explained.findings.iter().map(|one| json!({ "code": one.code, "text": one.text })).collect::<Vec<_>>(),
    });
    output.result(&value, || {
        let mut table = Table::new(&["code", "what it says"]);
        for finding in &explained.findings {
            table.row([finding.code.clone(), finding.text.clone()]);
        }
        table.render()
    })
}
