//! What a dispute takes: nodes that lie about one element of a product, a validator that proves it over RPC.
//!
//! Everything is counted from the blocks. The products are the first of two layers in one segment, so that the lie is inside the segment and
//! its signed root has to be recorded: the dearer of the two ways in which a served lie is proved.

use super::Arguments;
use super::market::clients;
use crate::commands::localnet::Ready;
use crate::error::CliError;
use crate::local_market::{Launch, Processes, ValidatorInfo, settled, start_localnet, start_node, start_validator};
use crate::output::{Output, Table};
use assay::state_machine::JobState;
use assay_chain::{Chain, Endpoint, Receipt};
use assay_client::{Client, Terms, Work};
use assay_models::TensorSet;
use assay_models::builder::{BuildError, GraphBuilder, Requantization, Weights};
use assay_store::{LocalStore, ServerOptions, serve};
use referee::commit::TensorLayout;
use referee::graph::{Dim, Dtype, TensorKind};
use referee::opening::{Form, Place, Tree};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Lengths of the disputed sums: MiniLM's two, a usual hidden size, and about the longest that the check of graphs admits.
const LENGTHS: [u32; 4] = [384, 1_536, 4_096, 7_024];
/// One liar for each length: a convicted node never claims again.
const LIARS: [&str; LENGTHS.len()] = ["liar-1", "liar-2", "liar-3", "liar-4"];
/// The lie: one element of the first product.
const LIE: &str = "element:op=0,element=100,bit=7";
const STAKE: u64 = 1_000_000_000;
const PRICE: u64 = 100_000;
const BOND: u64 = 10_000_000;
const WINDOW_SLOTS: u64 = 300;
/// Rows of the products, and widths of the layers.
const ROWS: u32 = 8;
const WIDTH: u32 = 64;
const OUTPUTS: u32 = 8;
/// Bytes of a leaf.
const LEAF_BYTES: u32 = 512;
/// Depths of the tensors whose forced openings are counted.
const DEPTHS: [u8; 6] = [4, 8, 12, 16, 20, 22];

/// What one dispute took.
struct Measured {
    length: u32,
    proof_bytes: u64,
    receipts: Vec<Receipt>,
    slots: u64,
    seconds: f64,
}

/// Runs one dispute for each length and prints what it took.
pub(super) async fn measure(processes: &Processes, arguments: &Arguments, output: Output) -> Result<(), CliError> {
    let progress = output.progress("starting a local chain and a validator", 0);
    let ready = start_localnet(processes, arguments.slot_ms, LIARS.len()).await?;
    let chain = Chain::new(Endpoint::parse_with_websocket(&ready.rpc_url, &ready.ws_url)?);
    let validator = start_validator(processes, &ready, "validator").await?;
    progress.done();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let store = LocalStore::open(processes.folder().join("client-store"))?;
    let stop = CancellationToken::new();
    tokio::spawn(serve(store.clone(), listener, ServerOptions::default(), stop.clone()));
    let clients = clients(&ready, 1, &store).await?;
    let progress = output.progress("disputes", LENGTHS.len() as u64);
    let mut all = Vec::new();
    for (owner, (length, name)) in LENGTHS.into_iter().zip(LIARS).enumerate() {
        let launch =
            Launch { name, owner, backend: "cpu", stake: STAKE, price_floor: 1, concurrent_jobs: 1, fault: Some(LIE) };
        start_node(processes, &ready, launch).await?;
        for client in &clients {
            all.push(one(length, client, &chain, &validator, &ready, &store, &url).await?);
        }
        progress.set(all.len() as u64);
    }
    progress.done();
    stop.cancel();
    let openings: Vec<(u8, u32)> = DEPTHS.into_iter().map(|depth| (depth, openings(depth))).collect();
    let value = json!({ "disputes": {
        "served": all.iter().map(Measured::json).collect::<Vec<_>>(),
        "withheld": openings.iter().map(|(depth, openings)| json!({
            "depth": depth,
            "openings_of_the_tensor": openings,
            "moves": moves(*openings),
        })).collect::<Vec<_>>(),
        "slot_ms": arguments.slot_ms,
    }});
    output.result(&value, || words(&all, &openings))
}

/// Posts one job, whose node lies, and waits until its dispute is closed.
async fn one(
    length: u32,
    client: &Client,
    chain: &Chain,
    validator: &ValidatorInfo,
    ready: &Ready,
    store: &LocalStore,
    url: &str,
) -> Result<Measured, CliError> {
    let work = work(length)?;
    let artifacts = work.store(store, url).await?;
    let terms = Terms {
        ramp_hold_slots: 0,
        ramp_slots: 0,
        claim_slots: 400,
        bond: Some(BOND),
        window_slots: Some(WINDOW_SLOTS),
        ..Terms::new(ready.payment_mint.parse()?, PRICE, PRICE)
    };
    let first_slot = chain.slot().await?;
    let posted = client.post(&work, &artifacts, &terms).await?;
    let mut committed = None;
    let ended = client
        .wait(&posted.address, |seen| {
            if seen.job.state == JobState::Committed {
                committed.get_or_insert_with(Instant::now);
            }
        })
        .await?;
    let seconds = committed.map_or(0.0, |since| since.elapsed().as_secs_f64());
    if ended.job.state != JobState::Convicted {
        let state = ended.job.state;
        return Err(CliError::new("A0310", format!("a job whose node lies ended as {state:?}; see the logs")));
    }
    let record = settled(validator, &posted.address).await?;
    Ok(Measured {
        length,
        proof_bytes: record["proof"]["bytes"].as_u64().unwrap_or(0),
        receipts: chain.receipts(&validator.key, first_slot).await?,
        slots: ended.job.record.convicted_slot.saturating_sub(ended.job.committed_slot),
        seconds,
    })
}

/// Two layers in one segment; the first sums up `length` products an element.
fn work(length: u32) -> Result<Work, CliError> {
    let model = model(length)?;
    let inputs: Vec<u8> = (0..ROWS * length).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let inputs = TensorSet::from([(0, inputs.into())]);
    Ok(Work::new(Arc::new(model.graph), Arc::new(model.params), inputs, &[])?)
}

fn model(length: u32) -> Result<assay_models::builder::Model, BuildError> {
    let mut graph = GraphBuilder::new();
    let mut values = graph.input("input", Dtype::U8, &[Dim::Const(ROWS), Dim::Const(length)])?;
    for (name, inputs, outputs, dtype) in [("first", length, WIDTH, Dtype::U8), ("second", WIDTH, OUTPUTS, Dtype::I8)] {
        let weights: Vec<i8> =
            (0..outputs * inputs).map(|index| (index.wrapping_mul(2_246_822_519) >> 24) as i8).collect();
        let (bias, multiplier) = (vec![0; outputs as usize], vec![1_024; outputs as usize]);
        let requantization =
            Requantization { bias: &bias, multiplier: &multiplier, shift: 22, clamp: None, output: dtype };
        values = graph.linear(name, &values, &Weights { outputs, inputs, values: &weights }, &requantization)?;
    }
    graph.output(&values);
    graph.build()
}

/// Openings from the top of a tensor's tree of this depth down to the data of a leaf.
fn openings(depth: u8) -> u32 {
    let layout = TensorLayout::new(0, Dtype::U8, TensorKind::Temp, &[1 << depth, LEAF_BYTES]);
    let tree = Tree::Tensor { layout };
    let mut place = tree.top();
    let mut count = 1;
    while let Ok(Form::Hashes { height }) = tree.form(place) {
        place = Place { height, index: 0 };
        count += 1;
    }
    count
}

/// Moves of a challenger to whom nothing at all is served, up to 256 tensors a list: the boundary's hashes, the segment's root, its
/// hashes, the way down in the tensor.
fn moves(openings: u32) -> u32 {
    openings + 3
}

impl Measured {
    fn sum(&self, of: fn(&Receipt) -> u64) -> u64 {
        self.receipts.iter().map(of).sum()
    }

    /// Compute units of the transaction that convicts.
    fn proving(&self) -> u64 {
        let proves = |receipt: &&Receipt| receipt.instructions.iter().any(|name| name == "Prove");
        self.receipts.iter().find(proves).map_or(0, |receipt| receipt.compute_units)
    }

    fn json(&self) -> Value {
        json!({
            "k": self.length,
            "transactions": self.receipts.len(),
            "compute_units": self.sum(|receipt| receipt.compute_units),
            "prove_compute_units": self.proving(),
            "proof_bytes": self.proof_bytes,
            "transaction_bytes": self.sum(|receipt| receipt.bytes),
            "fees_lamports": self.sum(|receipt| receipt.fee_lamports),
            "slots": self.slots,
            "seconds": (self.seconds * 10.0).round() / 10.0,
        })
    }
}

fn words(all: &[Measured], openings: &[(u8, u32)]) -> String {
    let mut served = Table::new(&[
        "K",
        "transactions",
        "compute units",
        "of these prove",
        "proof bytes",
        "bytes sent",
        "lamports",
        "slots",
        "seconds",
    ]);
    for one in all {
        served.row([
            one.length.to_string(),
            one.receipts.len().to_string(),
            one.sum(|receipt| receipt.compute_units).to_string(),
            one.proving().to_string(),
            one.proof_bytes.to_string(),
            one.sum(|receipt| receipt.bytes).to_string(),
            one.sum(|receipt| receipt.fee_lamports).to_string(),
            one.slots.to_string(),
            format!("{:.1}", one.seconds),
        ]);
    }
    let mut withheld = Table::new(&["depth of the tensor", "openings of it", "moves in all"]);
    for (depth, openings) in openings {
        withheld.row([depth.to_string(), openings.to_string(), moves(*openings).to_string()]);
    }
    format!(
        "a served lie, from the commitment of the result to the conviction; closing everything is counted too\n{}\n\
         nothing served: openings of the boundary, the segment's root, its tensors, and the way down\n{}\n\
         for comparison, as their authors give them: tickproof 12 to 20 transactions; veritas 25 rounds and 38 transactions",
        served.render(),
        withheld.render()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_down_takes_one_opening_for_eight_levels() {
        assert_eq!(DEPTHS.map(openings), [1, 2, 2, 3, 3, 4]);
        assert!(DEPTHS.map(openings).into_iter().all(|openings| moves(openings) <= 7));
    }

    #[test]
    fn the_graphs_pass_the_check_at_every_length() {
        for length in LENGTHS {
            let model = model(length).unwrap();
            let resolved = model.resolve(&[]).unwrap();
            assert_eq!((resolved.segments.len(), resolved.ops.len()), (1, 2), "the lie is inside the segment");
        }
    }
}
