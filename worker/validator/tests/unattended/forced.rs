//! A node that serves nothing off-chain and answers every demand on-chain: the openings lead to the lie.

use crate::liar::{Liar, Withholds, flipped, honest};
use crate::market::{Customer, Shared, Validator, alone, config, shared};
use crate::stories::recomputed_after;
use assay::state::{DemandState, DemandTree, Fault};
use assay::state_machine::JobState;
use assay_audit::answer::{Content, answer, boundary_tree, segment_tree, tensor_tree};
use assay_audit::descent::most_demands;
use assay_chain::accounts::DemandFilter;
use assay_chain::instructions;
use assay_client::Work;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use assay_models::builder::{GraphBuilder, Operand, TensorHandle, axis, fixed};
use assay_validator::journal::{Audit, Ending, Record};
use futures_util::future::join_all;
use referee::graph::{Dim, Dtype, ResolvedGraph, Slot};
use referee::opening::{Place, Tree};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Answers every open demand of the job once, out of the lying tensors; which ones they were.
async fn answer_all(
    shared: &Shared,
    liar: &Liar,
    job: &Pubkey,
    customer: &Customer,
    tensors: &TensorSet,
) -> Vec<Pubkey> {
    let mut answered = Vec::new();
    let (sender, hasher, graph) = (shared.sender(), Hasher::default(), &customer.work.resolved);
    let (chain, me) = (sender.chain().clone(), liar.owner.pubkey());
    let open = DemandFilter { job: Some(*job), state: Some(DemandState::Open) };
    for (address, demand) in chain.demands(open).await.unwrap() {
        answered.push(address);
        let segment_hashes = |segment| hasher.hashes(graph, tensors, &graph.segment_slots(segment)).unwrap();
        if demand.key.tree == DemandTree::SegmentRoot {
            let account = chain.job(job).await.unwrap();
            let genesis = chain.network().await.unwrap().genesis_hash;
            let root = ResolvedGraph::segment_root(demand.key.slot, &segment_hashes(demand.key.slot));
            let statement = instructions::segment_statement(genesis, job, &account, demand.key.slot, root);
            let signature = liar.owner.sign_message(&statement.message());
            let signature = signature.as_ref().try_into().unwrap();
            let record = instructions::record_segment_root(&me, &me, &statement, signature);
            sender.execute(&record, &[&liar.owner]).await.unwrap();
            continue;
        }
        let boundary = hasher.boundary(graph, tensors).unwrap().hashes;
        let hashes = match demand.key.tree {
            DemandTree::Segment => segment_hashes(demand.key.slot),
            _ => boundary,
        };
        let (tree, content) = match demand.key.tree {
            DemandTree::Boundary => (boundary_tree(graph), Content::Hashes(&hashes)),
            DemandTree::Segment => (segment_tree(graph, demand.key.slot), Content::Hashes(&hashes)),
            _ => (tensor_tree(graph, demand.key.slot).unwrap(), Content::Bytes(&tensors[&demand.key.slot])),
        };
        let place = Place { height: demand.key.height, index: demand.key.index };
        let bytes = answer(&tree, place, &demand.bound, content, &hasher).unwrap();
        let id = u64::from_le_bytes(address.to_bytes()[..8].try_into().unwrap());
        let steps = instructions::create_buffer(&me, id, bytes.len() as u32);
        for step in steps {
            sender.execute(&[step], &[&liar.owner]).await.unwrap();
        }
        // The clock runs: all pieces at once.
        let pieces = bytes.chunks(800).enumerate();
        let writes = pieces.map(|(at, piece)| [instructions::write_buffer(&me, id, 800 * at as u32, piece)]);
        let writes: Vec<_> = writes.collect();
        join_all(writes.iter().map(|write| async { sender.execute(write, &[&liar.owner]).await.unwrap() })).await;
        let give = instructions::answer_opening(&me, &address, &demand, &assay::address::buffer(&me, id));
        sender.execute(&[give], &[&liar.owner]).await.unwrap();
    }
    answered
}

/// The end of a dispute whose node serves nothing and answers everything, with the number of demands that it took.
async fn forced(
    shared: &Shared,
    validator: &Validator,
    liar: &Liar,
    job: &Pubkey,
    customer: &Customer,
    tensors: &TensorSet,
) -> (Record, usize) {
    let mut demands = BTreeSet::new();
    let record = tokio::select! {
        record = validator.ends(job) => record,
        () = async {
            loop {
                demands.extend(answer_all(shared, liar, job, customer, tensors).await);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        } => unreachable!("it answers for ever"),
    };
    let account = shared.sender().chain().job(job).await.unwrap();
    assert_eq!((account.state, account.record.fault), (JobState::Convicted, Fault::WrongElement), "{record:?}");
    let dispute = record.dispute.clone().unwrap();
    assert_eq!(record.ending, Some(Ending::Won { received: dispute.bond + account.bond / 2 }));
    let paid = dispute.costs.opening_lamports / account.dispute.opening_fee_lamports;
    assert!(paid >= demands.len() as u64, "each demand is prepaid: {paid} fees for {} demands", demands.len());
    (record, demands.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_opened_on_chain_convicts_by_proof() {
    let (shared, _alone) = (shared().await, alone().await);
    let (customer, liar) = (Customer::new(shared, 40).await, Liar::new(shared).await);
    let key = shared.key_with_stake(1_000_000_000).await;
    let folder = tempfile::tempdir().unwrap();
    let validator = Validator::start(shared, folder.path(), &key, config()).await;
    let job = customer.post_long(shared).await.address;
    let tensors = flipped(&customer.work, customer.work.output_slot);
    liar.commit(shared, &job, &customer.work, &tensors, Withholds::Everything).await;
    let (_, demands) = forced(shared, &validator, &liar, &job, &customer, &tensors).await;
    // Boundary, root, inside, and the single leaf of the tensor.
    assert_eq!(demands, 4);
    validator.stop().await;
}

/// Tensors inside the first segment of the wide graph, and as many that leave it.
const WIDE: usize = 300;
/// Of these, the one that is not tiny, and the one that is wrong: it lies in the second half of both lists.
const DEEP: usize = 290;
/// Rows of the wide graph's tensors.
const ROWS: u32 = 512;
const COLUMNS: u32 = 64;

/// A graph whose first segment makes 600 tensors, of which 300 are read by the second one, and the slot of the deep one.
fn wide() -> (Work, Slot) {
    let mut graph = GraphBuilder::new();
    let rows = graph.symbol("rows", 1, ROWS).unwrap();
    let input = graph.input("input", Dtype::U8, &[rows, Dim::Const(COLUMNS)]).unwrap();
    let (mut leaving, mut deep) = (Vec::new(), None);
    for index in 0..WIDE {
        let (axes, operand) = if index == DEEP {
            (vec![rows, Dim::Const(COLUMNS)], Operand::elementwise(&input))
        } else {
            (vec![Dim::Const(1)], Operand::new(&input, [fixed(0), fixed((index as i64) % i64::from(COLUMNS))]))
        };
        let inner = graph.map(&format!("inner-{index}"), Dtype::I32, &axes, &[operand], |program| {
            let (value, more) = (program.load(0), program.constant(index as i64));
            program.add(value, more)
        });
        let inner = inner.unwrap();
        let first = match index {
            DEEP => Operand::new(&inner, [fixed(0), axis(0)]),
            _ => Operand::elementwise(&inner),
        };
        let outer = graph.map(&format!("outer-{index}"), Dtype::I32, &[Dim::Const(1)], &[first], |program| {
            let (value, twice) = (program.load(0), program.constant(2));
            program.multiply(value, twice)
        });
        leaving.push(outer.unwrap());
        if index == DEEP {
            deep = Some(inner);
        }
    }
    graph.cut();
    let mut sum: Option<TensorHandle> = None;
    for (index, five) in leaving.chunks(5).enumerate() {
        let operands: Vec<Operand> = sum.iter().chain(five).map(Operand::elementwise).collect();
        let name = format!("sum-{index}");
        let added = graph.map(&name, Dtype::I32, &[Dim::Const(1)], &operands, |program| {
            let first = program.load(0);
            (1..operands.len() as u8).fold(first, |sum, operand| {
                let value = program.load(operand);
                program.add(sum, value)
            })
        });
        sum = Some(added.unwrap());
    }
    graph.output(&sum.unwrap());
    let model = graph.build().unwrap();
    let bytes: Vec<u8> = (0..ROWS * COLUMNS).map(|index| (index % 200) as u8).collect();
    let work = Work::new(Arc::new(model.graph), Arc::new(model.params), TensorSet::from([(0, bytes.into())]), &[ROWS]);
    (work.unwrap(), deep.unwrap().slot())
}

/// Both lists, of the boundary and of the segment, are too long for one answer: the wrong tensor is found through two of each.
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_more_than_256_tensors_are_forced_open() {
    let (work, deep) = wide();
    let (graph, answers_of) =
        (work.resolved.clone(), |count: usize| most_demands(&Tree::Boundary { count: count as u16 }));
    assert_eq!((graph.boundary.len(), graph.segment_slots(0).len()), (WIDE + 1, 2 * WIDE));
    assert_eq!((answers_of(WIDE + 1), answers_of(2 * WIDE)), (2, 2));
    let (shared, _alone) = (shared().await, alone().await);
    let (customer, liar) = (Customer::with_work(shared, work).await, Liar::new(shared).await);
    let key = shared.key_with_stake(1_000_000_000).await;
    let folder = tempfile::tempdir().unwrap();
    let validator = Validator::start(shared, folder.path(), &key, config()).await;
    let job = customer.post_long(shared).await.address;
    // What follows from the lie is computed on, so that only the tensor inside the segment is wrong.
    let tensors = recomputed_after(&customer, &flipped_at_first(&customer.work, deep), deep);
    liar.commit(shared, &job, &customer.work, &tensors, Withholds::Everything).await;
    let (record, demands) = forced(shared, &validator, &liar, &job, &customer, &tensors).await;
    let finding = match &record.audit {
        Audit::Wrong(wrong) => wrong.finding.clone().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!((finding.tensor, finding.element), (deep, Some(0)), "{finding:?}");
    // Two for each list, one for the root, two for a tensor of 256 leaves: four would be for one of 23 levels.
    let tensor = most_demands(&tensor_tree(&graph, deep).unwrap());
    assert_eq!((demands, tensor), (7, 2));
    validator.stop().await;
}

/// The honest tensors with one bit of the first element of one of them flipped.
fn flipped_at_first(work: &Work, slot: Slot) -> TensorSet {
    let mut tensors = honest(work);
    let mut bytes = tensors[&slot].to_vec();
    bytes[0] ^= 1;
    tensors.insert(slot, bytes.into());
    tensors
}
