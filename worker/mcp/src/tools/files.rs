//! `files`: what is in the server's folder.

use super::{Call, Effect, tool};
use crate::context::blocking;
use crate::error::Refusal;
use crate::folder::Listing;
use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Nothing is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {}

pub(super) fn definition() -> Tool {
    tool::<Arguments, Listing>(
        "files",
        "List files",
        Effect::Reads,
        "The files of the server's folder, by the names that other tools take: graphs, params, inputs, and results that were saved.",
    )
}

pub(super) async fn files(call: &Call, _: Arguments) -> Result<Listing, Refusal> {
    let context = Arc::clone(&call.context);
    blocking(move || context.folder()?.list()).await
}
