//! The tools: one file each, with its arguments, its result, and what it does.

mod accounts;
mod explain;
mod files;
mod post;
mod quote;
mod refund;
mod result;
mod verify;
mod watch;

use crate::context::Context;
use crate::error::Refusal;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use rmcp::service::{RequestContext, RoleServer};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// One call: what it may use beside its arguments.
pub(crate) struct Call {
    pub(crate) context: Arc<Context>,
    /// The request, for notifications of progress.
    pub(crate) request: RequestContext<RoleServer>,
}

impl Call {
    /// Cancelled when the client no longer waits.
    pub(crate) fn cancelled(&self) -> &CancellationToken {
        &self.request.ct
    }
}

/// What a tool does to the world, as hosts are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It reads.
    Reads,
    /// It adds something, once, however often it is called with the same arguments.
    Adds,
    /// It spends or ends something.
    Spends,
}

/// What a server must have been given for a tool to be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    Folder,
    Budget,
}

/// Every tool, in the order in which an agent needs them.
const ALL: [(&str, Needs); 12] = [
    ("quote", Needs::Nothing),
    ("post", Needs::Budget),
    ("watch", Needs::Nothing),
    ("verify", Needs::Nothing),
    ("explain", Needs::Nothing),
    ("result", Needs::Nothing),
    ("save_result", Needs::Folder),
    ("budget", Needs::Nothing),
    ("jobs", Needs::Nothing),
    ("files", Needs::Folder),
    ("cancel", Needs::Budget),
    ("reclaim", Needs::Budget),
];

/// The tools that a server offers.
pub(crate) fn offered(context: &Context) -> Vec<Tool> {
    ALL.iter().filter(|(_, needs)| is_met(*needs, context)).filter_map(|(name, _)| definition(name)).collect()
}

fn is_met(needs: Needs, context: &Context) -> bool {
    match needs {
        Needs::Nothing => true,
        Needs::Folder => context.folder.is_some(),
        Needs::Budget => context.purse.is_some(),
    }
}

/// How a tool is described. Every word of it is ours: nothing from the chain or from files is in it.
fn definition(name: &str) -> Option<Tool> {
    Some(match name {
        "quote" => quote::definition(),
        "post" => post::definition(),
        "watch" => watch::definition(),
        "verify" => verify::definition(),
        "explain" => explain::definition(),
        "result" => result::definition(),
        "save_result" => result::saving_definition(),
        "budget" => accounts::budget_definition(),
        "jobs" => accounts::jobs_definition(),
        "files" => files::definition(),
        "cancel" => refund::cancel_definition(),
        "reclaim" => refund::reclaim_definition(),
        _ => return None,
    })
}

/// Calls a tool.
///
/// # Errors
/// `Y0101` for a tool that is not offered, `Y0102` for other arguments than its own, `Y0104` for a reading one that was cancelled, and
/// whatever it refuses itself.
pub(crate) async fn call(name: &str, arguments: JsonObject, call: &Call) -> Result<Value, Refusal> {
    let Some((_, needs)) = ALL.iter().find(|(known, _)| *known == name) else {
        return Err(Refusal::new("Y0101", "there is no tool of this name; list the tools"));
    };
    match needs {
        Needs::Folder => {
            call.context.folder()?;
        }
        Needs::Budget => {
            call.context.purse()?;
        }
        Needs::Nothing => {}
    }
    match name {
        "quote" => reading(call, quote::quote(call, parsed(arguments)?)).await,
        "watch" => reading(call, watch::watch(call, parsed(arguments)?)).await,
        "verify" => reading(call, verify::verify(call, parsed(arguments)?)).await,
        "explain" => reading(call, explain::explain(call, parsed(arguments)?)).await,
        "result" => reading(call, result::result(call, parsed(arguments)?)).await,
        "save_result" => reading(call, result::save(call, parsed(arguments)?)).await,
        "budget" => reading(call, accounts::budget(call, parsed(arguments)?)).await,
        "jobs" => reading(call, accounts::jobs(call, parsed(arguments)?)).await,
        "files" => reading(call, files::files(call, parsed(arguments)?)).await,
        "post" => spending(call, post::post(call, parsed(arguments)?)).await,
        "cancel" => spending(call, refund::cancel(call, parsed(arguments)?)).await,
        "reclaim" => spending(call, refund::reclaim(call, parsed(arguments)?)).await,
        _ => Err(Refusal::new("Y0101", "there is no tool of this name; list the tools")),
    }
}

/// A call that can be left at any point.
async fn reading<T: Serialize>(
    call: &Call,
    answer: impl Future<Output = Result<T, Refusal>>,
) -> Result<Value, Refusal> {
    tokio::select! {
        biased;
        () = call.cancelled().cancelled() => Err(cancelled()),
        answer = answer => to_value(answer?),
    }
}

/// A call that is not begun once it was cancelled, and once begun is brought to its end: a transaction cannot be called back.
async fn spending<T: Serialize>(
    call: &Call,
    answer: impl Future<Output = Result<T, Refusal>>,
) -> Result<Value, Refusal> {
    if call.cancelled().is_cancelled() {
        return Err(cancelled());
    }
    to_value(answer.await?)
}

fn cancelled() -> Refusal {
    Refusal::new("Y0104", "the call was cancelled")
}

fn to_value(answer: impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(answer)
        .map_err(|error| Refusal::new("Y0503", "the answer cannot be written as JSON").with_detail(error.to_string()))
}

fn parsed<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| {
        Refusal::new("Y0102", "the arguments are not those of this tool's schema; the detail names what is wrong")
            .with_detail(error.to_string())
    })
}

/// A tool with the schemas of its arguments and its result.
fn tool<A: JsonSchema + 'static, R: JsonSchema + 'static>(
    name: &'static str,
    title: &str,
    effect: Effect,
    description: &'static str,
) -> Tool {
    let annotations = match effect {
        Effect::Reads => ToolAnnotations::with_title(title).read_only(true).destructive(false).idempotent(true),
        Effect::Adds => ToolAnnotations::with_title(title).read_only(false).destructive(false).idempotent(true),
        Effect::Spends => ToolAnnotations::with_title(title).read_only(false).destructive(true).idempotent(true),
    };
    Tool::new(name, description, JsonObject::new())
        .with_title(title)
        .with_input_schema::<A>()
        .with_output_schema::<R>()
        // Other people's accounts, servers and jobs are read or met.
        .with_annotations(annotations.open_world(true))
}
