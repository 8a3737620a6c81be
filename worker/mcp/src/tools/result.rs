//! `result` and `save_result`: a job's output, checked against what its node committed to.

use super::verify::{fetched, no_result};
use super::{Call, Effect, tool};
use crate::context::blocking;
use crate::error::Refusal;
use crate::offer::address;
use crate::view::state;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_client::Work;
use referee::graph::Dtype;
use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;

/// Most elements that one call returns.
const MOST_ELEMENTS: u32 = 1_024;

/// What is to be returned.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Address of the job
    job: String,
    /// The first element to return, counted in row-major order [default: 0]
    #[serde(default)]
    first_element: u32,
    /// How many elements to return, at most 1024 [default: 256]
    #[serde(default)]
    max_elements: Option<u32>,
}

/// What is to be saved.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SaveArguments {
    /// Address of the job
    job: String,
    /// Name of the new file, relative to the server's folder; nothing is overwritten
    file: String,
}

/// An output.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Output {
    /// Address of the job
    job: String,
    /// Its state on-chain
    state: String,
    /// Whether the job is settled: nobody proved the result wrong in the window. Before that, `verify` says whether it is right
    is_settled: bool,
    /// Root of the output that the node committed to; the bytes were checked against it
    output_root: String,
    /// Element type
    dtype: &'static str,
    /// Length of each axis, outermost first
    dims: Vec<u32>,
    /// Number of elements in all
    element_count: u32,
    /// The first element that is returned
    first_element: u32,
    /// Elements in row-major order
    elements: Vec<i32>,
}

/// A file with an output.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Saved {
    /// Address of the job
    job: String,
    /// Its state on-chain
    state: String,
    /// Whether the job is settled: nobody proved the result wrong in the window
    is_settled: bool,
    /// Name of the file, relative to the server's folder
    file: String,
    /// Its length: the elements in row-major order, little endian
    bytes: u64,
    /// Element type
    dtype: &'static str,
    /// Length of each axis, outermost first
    dims: Vec<u32>,
    /// Root of the output that the node committed to; the bytes were checked against it
    output_root: String,
}

pub(super) fn definition() -> Tool {
    tool::<Arguments, Output>(
        "result",
        "Fetch a result",
        Effect::Reads,
        "The elements of a job's output, from whoever serves it, checked against the root that the node committed to. That is not a \
         check of the computation: see `verify`. A result that was proved wrong is not returned.",
    )
}

pub(super) fn saving_definition() -> Tool {
    tool::<SaveArguments, Saved>(
        "save_result",
        "Save a result",
        Effect::Adds,
        "As `result`, into a new file of the server's folder: the output's bytes, row-major and little endian. Nothing is overwritten.",
    )
}

pub(super) async fn result(call: &Call, arguments: Arguments) -> Result<Output, Refusal> {
    let most = arguments.max_elements.unwrap_or(256);
    if most == 0 || most > MOST_ELEMENTS {
        return Err(Refusal::new(
            "Y0404",
            format!("`max_elements` is from 1 to {MOST_ELEMENTS}; page on with `first_element`"),
        ));
    }
    let fetched = Fetched::of(call, &arguments.job).await?;
    let (dtype, dims, count) = fetched.shape();
    let first = arguments.first_element;
    if first >= count {
        return Err(Refusal::new(
            "Y0404",
            format!("the output has {count} elements, counted from 0; there is no element {first}"),
        ));
    }
    Ok(Output {
        job: fetched.address.to_string(),
        state: state(&fetched.job),
        is_settled: fetched.job.state == JobState::Settled,
        output_root: hex::encode(fetched.job.output_root),
        dtype: dtype.name(),
        dims,
        element_count: count,
        first_element: first,
        elements: elements(&fetched.bytes, dtype, first, most),
    })
}

pub(super) async fn save(call: &Call, arguments: SaveArguments) -> Result<Saved, Refusal> {
    call.context.folder()?;
    let fetched = Fetched::of(call, &arguments.job).await?;
    let (dtype, dims, _) = fetched.shape();
    let saved = Saved {
        job: fetched.address.to_string(),
        state: state(&fetched.job),
        is_settled: fetched.job.state == JobState::Settled,
        bytes: fetched.bytes.len() as u64,
        file: arguments.file.clone(),
        dtype: dtype.name(),
        dims,
        output_root: hex::encode(fetched.job.output_root),
    };
    let context = Arc::clone(&call.context);
    blocking(move || context.folder()?.write_new(&arguments.file, &fetched.bytes)).await?;
    Ok(saved)
}

/// An output with the job that it is of.
struct Fetched {
    address: Pubkey,
    job: Job,
    work: Work,
    bytes: Vec<u8>,
}

impl Fetched {
    async fn of(call: &Call, job: &str) -> Result<Self, Refusal> {
        let context = &call.context;
        let address = address("job", job)?;
        let job = context.job(&address).await?;
        if job.state == JobState::Convicted {
            return Err(Refusal::new(
                "Y0403",
                "the result was proved wrong, and its node convicted; run the work again",
            ));
        }
        if job.committed_slot == 0 {
            return Err(no_result(&job));
        }
        let scratch = context.scratch()?;
        let work = fetched(context, &job, &scratch).await?;
        let bytes = assay_client::result(&context.chain, &context.fetcher, &scratch, &address, &work, &job).await?;
        Ok(Self { address, job, work, bytes })
    }

    /// Element type, axes and number of elements.
    fn shape(&self) -> (Dtype, Vec<u32>, u32) {
        let tensor = self.work.resolved.tensors.get(usize::from(self.work.output_slot));
        tensor.map_or((Dtype::U8, Vec::new(), 0), |tensor| (tensor.dtype, tensor.dims.clone(), tensor.elements()))
    }
}

/// At most so many elements from the first one on.
fn elements(bytes: &[u8], dtype: Dtype, first: u32, most: u32) -> Vec<i32> {
    let value = |element: &[u8]| match (dtype, element) {
        (Dtype::I8, [byte]) => i32::from(i8::from_le_bytes([*byte])),
        (Dtype::U8, [byte]) => i32::from(*byte),
        (Dtype::I16, [low, high]) => i32::from(i16::from_le_bytes([*low, *high])),
        (_, element) => element.try_into().map_or(0, i32::from_le_bytes),
    };
    bytes.chunks_exact(dtype.bytes() as usize).skip(first as usize).take(most as usize).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_in_every_type_and_from_anywhere() {
        assert_eq!(elements(&[255, 1, 128], Dtype::I8, 0, 9), [-1, 1, -128]);
        assert_eq!(elements(&[255, 1, 128], Dtype::U8, 1, 1), [1]);
        assert_eq!(elements(&[0xfe, 0xff, 0, 0x80], Dtype::I16, 0, 9), [-2, -32_768]);
        assert_eq!(elements(&[1, 0, 0, 0, 0, 0, 0, 0x80], Dtype::I32, 0, 9), [1, i32::MIN]);
        assert_eq!(elements(&[1, 2], Dtype::U8, 2, 9), Vec::<i32>::new());
    }
}
