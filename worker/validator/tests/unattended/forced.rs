//! A node that serves nothing off-chain and answers every demand on-chain: the openings lead to the lie.

use crate::liar::{Liar, Withholds, flipped};
use crate::market::{Customer, Shared, Validator, alone, config, shared};
use assay::state::{DemandState, DemandTree, Fault};
use assay::state_machine::JobState;
use assay_audit::answer::{Content, answer, boundary_tree, segment_tree, tensor_tree};
use assay_chain::accounts::DemandFilter;
use assay_chain::instructions;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use assay_validator::journal::Ending;
use referee::graph::ResolvedGraph;
use referee::opening::Place;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use std::time::Duration;

/// Answers every open demand of the job once, out of the lying tensors.
async fn answer_all(shared: &Shared, liar: &Liar, job: &Pubkey, customer: &Customer, tensors: &TensorSet) {
    let (sender, hasher, graph) = (shared.sender(), Hasher::default(), &customer.work.resolved);
    let (chain, me) = (sender.chain().clone(), liar.owner.pubkey());
    let open = DemandFilter { job: Some(*job), state: Some(DemandState::Open) };
    for (address, demand) in chain.demands(open).await.unwrap() {
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
        let mut steps = instructions::create_buffer(&me, id, bytes.len() as u32);
        steps.extend(
            bytes
                .chunks(800)
                .enumerate()
                .map(|(at, piece)| instructions::write_buffer(&me, id, 800 * at as u32, piece)),
        );
        let buffer = assay::address::buffer(&me, id);
        steps.push(instructions::answer_opening(&me, &address, &demand, &buffer));
        for step in steps {
            sender.execute(&[step], &[&liar.owner]).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_opened_on_chain_convicts_by_proof() {
    let (shared, _alone) = (shared().await, alone().await);
    let (customer, liar) = (Customer::new(shared, 40).await, Liar::new(shared).await);
    let key = shared.key_with_stake(1_000_000_000).await;
    let folder = tempfile::tempdir().unwrap();
    let validator = Validator::start(shared, folder.path(), &key, config()).await;
    let job = customer.post(shared).await.address;
    let tensors = flipped(&customer.work, customer.work.output_slot);
    liar.commit(shared, &job, &customer.work, &tensors, Withholds::Everything).await;
    let record = tokio::select! {
        record = validator.ends(&job) => record,
        () = async {
            loop {
                answer_all(shared, &liar, &job, &customer, &tensors).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        } => unreachable!("it answers for ever"),
    };
    let account = shared.sender().chain().job(&job).await.unwrap();
    assert_eq!((account.state, account.record.fault), (JobState::Convicted, Fault::WrongElement), "{record:?}");
    let dispute = record.dispute.clone().unwrap();
    assert_eq!(record.ending, Some(Ending::Won { received: dispute.bond + account.bond / 2 }));
    assert!(
        dispute.costs.opening_lamports >= 3 * account.dispute.opening_fee_lamports,
        "boundary, root, inside, tensor"
    );
    validator.stop().await;
}
