//! Graphs of a few kilobytes that declare terabytes, or hours of operations, are refused by what they declare.

use crate::rig::{Rig, Source, config, until, world};
use crate::world::TestMarket;
use assay::state::Job;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use assay_models::mlp::{self, Shape};
use assay_node::journal::{Outcome, Stage};
use assay_node::prepare::Prepared;
use referee::graph::{
    Dim, Dtype, Graph, Instruction, Op, OpKind, OutOfBounds, Program, Tensor, TensorKind, Term, View,
};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A chain of ops over so many elements, which begins with a single number and turns so often for each element.
fn chain(elements: u32, ops: u16, turns: u16) -> Graph {
    let shape = |length| vec![Dim::Const(length)];
    let tensor = |kind, length| Tensor { dtype: Dtype::I8, kind, shape: shape(length) };
    let view = |slot: u16| View {
        slot,
        as_shape: shape(if slot == 0 { 1 } else { elements }),
        offsets: vec![0],
        // The first op reads the one number everywhere.
        terms: (slot > 0).then_some(Term { source_axis: 0, iteration_axis: 0, coefficient: 1 }).into_iter().collect(),
        out_of_bounds: OutOfBounds::Clamp,
        indirect: None,
    };
    let op = |slot: u16| Op {
        kind: OpKind::Map,
        outputs: vec![slot],
        output_axes: shape(elements),
        reduction_axes: vec![],
        operands: vec![view(slot - 1)],
        prologue: None,
        program: 0,
    };
    let code = vec![
        Instruction::Load { d: 0, operand: 0 },
        Instruction::Loop { turns },
        Instruction::Add { d: 0, a: 0, b: 0 },
        Instruction::End,
        Instruction::Store { output: 0, a: 0 },
    ];
    let temps = (0..ops).map(|_| tensor(TensorKind::Temp, elements));
    Graph {
        symbols: vec![],
        tensors: std::iter::once(tensor(TensorKind::Input, 1)).chain(temps).collect(),
        programs: vec![Program { constants: vec![], code }],
        ops: (1..=ops).map(op).collect(),
        cuts: vec![],
        outputs: vec![ops],
    }
}

/// Why the node leaves the job; nothing is loaded, run or promised on the way.
async fn refusal(rig: &Rig, market: &TestMarket, address: &Pubkey) -> (String, String) {
    let worked = || (rig.loads(), rig.runs.load(Ordering::SeqCst));
    let before = worked();
    let record = rig.drive(address).await.expect("a record says why");
    assert_eq!(worked(), before, "nothing of it was loaded or run");
    market.with(|world| assert_eq!((world.signed.len(), world.sent.len()), (0, 0), "nothing is signed"));
    match record.stage {
        Stage::Finished(Outcome::Skipped(refusal)) => (refusal.code.clone(), refusal.to_string()),
        other => panic!("{other:?}"),
    }
}

async fn refused(source: &Source, change: impl FnOnce(&mut Job)) -> (String, String) {
    let mut job = source.job().await;
    // Nobody listens there: fetching more than the graph would end otherwise.
    job.params_uri = job.params_uri.replace(&source.base, "http://127.0.0.1:1");
    change(&mut job);
    let (folder, address) = (tempfile::tempdir().unwrap(), Pubkey::new_unique());
    let market = TestMarket::new(world(&address, &job));
    let rig = Rig::new(folder.path(), &market, config());
    refusal(&rig, &market, &address).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terabytes_are_refused_before_anything_but_the_graph_is_fetched() {
    let source = Source::start().await;
    let graph = chain(1 << 30, 4_000, 1).encode();
    assert!(graph.len() < 400_000, "{} bytes", graph.len());
    let uri = source.put(graph).await;
    let (code, words) = refused(&source, |job| (job.graph_uri, job.symbols) = (uri, [0; 4])).await;
    assert!(code == "N0205" && words.contains(&((4_000u64 << 30) + 1).to_string()), "{words}");

    // The same by the value of a symbol: the graph has a few kilobytes.
    let shape = Shape { hidden: vec![32; 6], max_batch: 1 << 25, ..Shape::tiny() };
    let tall = mlp::model(&shape, 1).unwrap().graph.encode();
    assert!(tall.len() < 8_000, "{} bytes", tall.len());
    let uri = source.put(tall).await;
    let (code, words) = refused(&source, |job| (job.graph_uri, job.symbols) = (uri, [1 << 25, 0, 0, 0])).await;
    assert_eq!(code, "N0205", "{words}");
}

/// What the node measures its speed with.
fn measured() -> Prepared {
    let shape = Shape { inputs: 256, hidden: vec![256], outputs: 256, max_batch: 64 };
    let model = mlp::model(&shape, 1).unwrap();
    let graph = model.resolve(&[64]).unwrap();
    let params_root = Hasher::default().params_root(&graph, &model.params).unwrap();
    Prepared {
        definition: Arc::new(model.graph),
        graph: Arc::new(graph),
        params: Arc::new(model.params),
        inputs: Arc::new(mlp::inputs(&shape, 64, 1)),
        params_root,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hours_of_operations_are_refused_before_the_model_is_loaded() {
    let graph = chain(1 << 22, 256, 2_500);
    let (bytes, resolved) = (graph.encode().len(), graph.resolve(&[]).unwrap());
    assert!(bytes < 30_000, "{bytes} bytes");
    let inputs = TensorSet::from([(0, Arc::from([1u8]))]);
    let source = Source::of(graph, resolved, TensorSet::new(), inputs).await;
    let job = Job { run_slots: 200, ..source.job().await };
    let (folder, address) = (tempfile::tempdir().unwrap(), Pubkey::new_unique());
    let market = TestMarket::new(world(&address, &job));
    let rig = Rig::new(folder.path(), &market, config());
    rig.shared.engine.calibrate(&measured()).unwrap();
    until("slots are measured", || rig.shared.board.slot_time() <= Duration::from_millis(45)).await;
    let (code, words) = refusal(&rig, &market, &address).await;
    assert_eq!(code, "N0207", "{words}");
}
