//! What binds a demand: its job, its tree, the root below which it lies and who answers for that root.

use anchor_lang::InstructionData;
use assay::AssayError;
use assay::dispute::Target;
use assay::dispute::sealing::seal;
use assay::instructions::DemandOpeningArgs;
use assay::state::{Demand, DemandKey, DemandTree};
use assay::{accounts, address};
use program_tests::Call;
use program_tests::trial::{A, B, C, Case, Trial};
use referee::proof::Source;
use solana_sdk::pubkey::Pubkey;

fn challenged() -> (Trial, Pubkey) {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let challenger = trial.challenge();
    (trial, challenger)
}

/// The call with other arguments, at the address that these give.
fn with_arguments(call: &Call<accounts::DemandOpening>, args: DemandOpeningArgs) -> Call<accounts::DemandOpening> {
    let mut call = call.with(|a| a.demand = address::demand(&a.job, &args.key));
    call.data = assay::instruction::DemandOpening { args }.data();
    call
}

/// The top of the boundary's tree.
fn boundary_top(trial: &Trial) -> DemandOpeningArgs {
    let root = trial.world.read_job(&trial.job).boundary_root;
    let key = DemandKey { origin: root, tree: DemandTree::Boundary, slot: 0, height: 1, index: 0 };
    DemandOpeningArgs { key, witness_slot: 0, bound: root, path: vec![] }
}

/// The top of the first segment's tree, entered with the witness of a tensor.
fn segment_top(root: [u8; 32], poster: Option<&Pubkey>, witness_slot: u16) -> DemandOpeningArgs {
    let origin = DemandKey::origin(&root, poster);
    let key = DemandKey { origin, tree: DemandTree::Segment, slot: 0, height: 1, index: 0 };
    DemandOpeningArgs { key, witness_slot, bound: root, path: vec![] }
}

/// A challenge of one job starts no clock over another job's trees.
#[test]
fn a_challenge_demands_of_its_own_job_only() {
    let (mut trial, challenger) = challenged();
    let other = trial.world.committed();
    let root = trial.world.read_job(&other).boundary_root;
    let own = boundary_top(&trial);
    let key = DemandKey { origin: root, ..own.key };
    let args = DemandOpeningArgs { key, bound: root, ..own };
    let mut call = trial.world.demand_opening(challenger, &trial.job, args.clone(), None, None, None);
    call.accounts.job = other.address;
    call.accounts.demand = address::demand(&other.address, &args.key);
    trial.world.refuses(&call, AssayError::WrongJob);

    let operator = trial.world.read_job(&other).operator;
    let mut call = trial.world.demand_segment_root(challenger, &trial.job, 0, A, None);
    call.accounts.job = other.address;
    call.accounts.demand = address::demand(&other.address, &DemandKey::segment_root(0));
    call.accounts.signed_claim = address::segment_claim(&other.address, 0, &operator);
    trial.world.refuses(&call, AssayError::WrongJob);
}

/// After a conviction there is nothing left to ask for.
#[test]
fn a_convicted_job_is_asked_for_nothing() {
    let (mut trial, first) = challenged();
    let second = trial.party("second");
    trial.commit(second);
    trial.reveal(second);
    trial.demand_root(second, 1);
    let proof = trial.case.element_proof(0, A, 7, Source::Segment);
    let claim = trial.record(0);
    trial.prove(first, &proof, Some(claim));
    let args = boundary_top(&trial);
    let call = trial.world.demand_opening(second, &trial.job, args, None, None, None);
    trial.world.refuses(&call, AssayError::JobNotChallengeable);
    let bytes = trial.case.witness(C);
    let witness = trial.world.upload(second, 4, &bytes);
    let call = trial.world.demand_segment_root(second, &trial.job, 1, C, Some(witness));
    trial.world.refuses(&call, AssayError::JobNotChallengeable);
    let poster = trial.party("poster");
    let root = trial.case.segment_root(1);
    trial.world.refuses(&trial.world.post_segment_root(poster, &trial.job, 1, root), AssayError::JobNotChallengeable);
}

/// Where the boundary is one tensor, its tree is that tensor: another hash binds nobody, with or without a path.
#[test]
fn a_list_of_one_binds_its_only_tensor() {
    let mut trial = Trial::new(Case::wrong_product(384));
    let challenger = trial.challenge();
    let output = trial.case.output();
    let call = trial.tensor_demand(challenger, output, None);
    let right = trial.case.hash(output);
    let wrong = |bound: [u8; 32], path: Vec<[u8; 32]>| {
        let height = trial.case.resolved.tensors[usize::from(output)].layout.depth();
        let key = DemandKey { origin: bound, tree: DemandTree::Tensor, slot: output, height, index: 0 };
        with_arguments(&call, DemandOpeningArgs { key, witness_slot: 0, bound, path })
    };
    let (another, with_path) = (wrong([7; 32], vec![]), wrong(right, vec![[7; 32]]));
    trial.world.refuses(&another, AssayError::PlaceNotBound);
    trial.world.refuses(&with_path, AssayError::PlaceNotBound);
    trial.world.accepts(&call);
}

/// A demand for a segment's root goes its own way: there, a signature that exists already is looked for.
#[test]
fn the_demand_for_a_root_cannot_be_joined_as_an_opening() {
    let (mut trial, first) = challenged();
    let second = trial.party("second");
    trial.commit(second);
    trial.reveal(second);
    let demand = trial.demand_root(first, 0);
    let key = trial.world.read::<Demand>(demand).key;
    let args = DemandOpeningArgs { key, witness_slot: A, bound: [0; 32], path: vec![] };
    let call = trial.world.demand_opening(second, &trial.job, args, None, None, None);
    assert_eq!(call.accounts.demand, demand);
    trial.world.refuses(&call, AssayError::PlaceNotBound);
    // Nor is it answered like one.
    let node = trial.party("the node's purse");
    let buffer = trial.world.upload(node, 1, &trial.case.segment_hashes(0).concat());
    trial.world.refuses(&trial.world.answer_opening(node, demand, buffer), AssayError::WrongDemand);
}

/// The boundary has one tree, under one number and no segment's root.
#[test]
fn the_boundarys_tree_has_one_name() {
    let (mut trial, challenger) = challenged();
    let args = boundary_top(&trial);
    let call = trial.world.demand_opening(challenger, &trial.job, args.clone(), None, None, None);
    let renumbered = DemandOpeningArgs { key: DemandKey { slot: 1, ..args.key }, ..args.clone() };
    trial.world.refuses(&with_arguments(&call, renumbered), AssayError::PlaceNotBound);
    let claim = trial.record(0);
    trial.world.refuses(&call.with(|a| a.claim = Some(claim)), AssayError::PlaceNotBound);
    trial.world.accepts(&call);
}

/// The number of a segment's tensors comes from one of its own: another segment's would give a tree that nobody can open.
#[test]
fn a_segments_tree_is_entered_by_one_of_its_tensors() {
    let (mut trial, challenger) = challenged();
    let claim = trial.record(0);
    let root = trial.case.segment_root(0);
    let bytes = trial.case.witness(C);
    let foreign = trial.world.upload(challenger, 4, &bytes);
    let args = segment_top(root, None, C);
    let call = trial.world.demand_opening(challenger, &trial.job, args, Some(claim), Some(foreign), None);
    trial.world.refuses(&call, AssayError::WitnessRejected);
    let bytes = trial.case.witness(A);
    let own = trial.world.upload(challenger, 3, &bytes);
    let args = segment_top(root, None, A);
    trial.world.accepts(&trial.world.demand_opening(challenger, &trial.job, args, Some(claim), Some(own), None));
}

/// What lies below a posted root is its poster's to answer, in every demand: nobody can turn it into a demand on the node.
#[test]
fn a_demand_below_a_posted_root_stays_its_posters() {
    let (mut trial, challenger) = challenged();
    let second = trial.party("second");
    trial.commit(second);
    trial.reveal(second);
    trial.demand_root(challenger, 0);
    let poster = trial.party("poster");
    let root = trial.case.segment_root(0);
    let post = trial.world.post_segment_root(poster, &trial.job, 0, root);
    trial.world.accepts(&post);
    let claim = post.accounts.claim;

    let tensor = trial.tensor_demand(challenger, A, Some((claim, false)));
    let event: assay::events::OpeningDemanded = trial.world.accepts(&tensor).event();
    assert_eq!(event.claim, claim);
    let top = tensor.accounts.demand;
    let key = trial.world.read::<Demand>(top).key;

    // Joining it without naming the root: the second challenger would wait for the node.
    let args = DemandOpeningArgs { key, witness_slot: 0, bound: [0; 32], path: vec![] };
    let join = trial.world.demand_opening(second, &trial.job, args, None, None, None);
    assert_eq!(join.accounts.demand, top);
    trial.world.refuses(&join, AssayError::WrongSegmentClaim);

    // Going on below it without naming the root.
    let hashes = trial.case.answer(A, key.height, 0, true);
    let buffer = trial.world.upload(poster, 1, &hashes);
    trial.world.accepts(&trial.world.answer_opening(poster, top, buffer));
    let leaves: Vec<[u8; 32]> = hashes.chunks(32).map(|hash| hash.try_into().unwrap()).collect();
    let below = DemandOpeningArgs {
        key: DemandKey { height: key.height - 3, index: 1, ..key },
        witness_slot: 0,
        bound: leaves[1],
        path: referee::commit::merkle_path(&leaves, 1).unwrap(),
    };
    let call = trial.world.demand_opening(challenger, &trial.job, below, None, None, Some(top));
    trial.world.refuses(&call, AssayError::WrongSegmentClaim);
    let right = call.with(|a| a.claim = Some(claim));
    let event: assay::events::OpeningDemanded = trial.world.accepts(&right).event();
    assert_eq!(event.claim, claim, "the poster's clock runs");
}

/// Another tensor's demand is no parent.
#[test]
fn a_parent_is_of_the_same_tree() {
    let (mut trial, challenger) = challenged();
    let call = trial.tensor_demand(challenger, B, None);
    trial.world.accepts(&call);
    trial.answer(trial.challenger, call.accounts.demand, false);
    let args = boundary_top(&trial);
    let below_another =
        trial.world.demand_opening(challenger, &trial.job, args, None, None, Some(call.accounts.demand));
    trial.world.refuses(&below_another, AssayError::PlaceNotBound);
}

/// A root is posted for the demand of a root. Posted for a tensor's, it would answer for a node that withholds the tensor.
#[test]
fn a_posted_root_answers_no_other_demand() {
    let (mut trial, challenger) = challenged();
    let tensor = trial.tensor_demand(challenger, B, None);
    trial.world.accepts(&tensor);
    let poster = trial.party("poster");
    let mut call = trial.world.post_segment_root(poster, &trial.job, 0, [1; 32]);
    call.accounts.demand = tensor.accounts.demand;
    call.accounts.claim = address::segment_claim(&trial.job.address, B, &poster);
    trial.world.refuses(&call, AssayError::WrongDemand);

    // Nor one of another job, for which the root says nothing.
    let node = trial.party("the node's purse");
    trial.answer(node, tensor.accounts.demand, false);
    let demand = trial.demand_root(challenger, 0);
    let other = trial.world.committed();
    let mut call = trial.world.post_segment_root(poster, &other, 0, [1; 32]);
    call.accounts.demand = demand;
    trial.world.refuses(&call, AssayError::WrongJob);
}

/// A challenge of another job neither wins by what is wrong in this one, nor takes its bounty.
#[test]
fn a_challenge_proves_of_its_own_job_only() {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let challenger = trial.challenger;
    let other = trial.world.committed();
    let (target, hash, salt) = (Target::boundary(0), [9; 32], [1; 32]);
    let sealed = seal(&challenger, &other.address, target, &hash, &salt);
    trial.world.accepts(&trial.world.commit_challenge(&other, challenger, sealed));
    trial.world.advance(1);
    trial.world.accepts(&trial.world.reveal_challenge(&other, challenger, target, hash, salt));
    let claim = trial.record(0);
    let proof = trial.case.element_proof(0, A, 7, Source::Segment);
    let buffer = trial.upload_proof(challenger, &proof);
    let elsewhere = address::challenge(&other.address, &challenger);
    let prove = trial.world.prove(challenger, &trial.job, buffer, Some(claim)).with(|a| a.challenge = elsewhere);
    trial.world.refuses(&prove, AssayError::WrongJob);
    let equivocation = trial.world.prove_equivocation(challenger, &trial.job, 0, [8; 32]);
    let equivocation = equivocation.with(|a| a.challenge = elsewhere);
    trial.world.refuses(&equivocation, AssayError::WrongJob);
    trial.challenge();
    trial.world.accepts(&trial.world.prove(challenger, &trial.job, buffer, Some(claim)));
}

/// Two roots convict if the node signed both. What a stranger posted beside the node's one signature convicts nobody.
#[test]
fn a_posted_root_and_a_signed_one_are_no_equivocation() {
    let (mut trial, challenger) = challenged();
    trial.demand_root(challenger, 0);
    let poster = trial.party("poster");
    let post = trial.world.post_segment_root(poster, &trial.job, 0, [1; 32]);
    trial.world.accepts(&post);
    let root = trial.case.segment_root(0);
    let check = trial.signed(&trial.statement(0, root));
    let call = trial.world.prove_equivocation(challenger, &trial.job, 0, root);
    let call = call.with(|a| a.claim = post.accounts.claim);
    let refusal = trial.world.transact(&[check, call.instruction()]).expect_err("one signature");
    assert_eq!(refusal.why, AssayError::WrongSegmentClaim.into(), "{:#?}", refusal.logs);
}
