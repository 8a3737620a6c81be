//! `demand_segment_root`, `demand_opening`, `answer_opening`, `close_demand`.

use anchor_lang::error::ErrorCode;
use assay::AssayError;
use assay::accounts::{AnswerOpening, CloseDemand, DemandOpening, DemandSegmentRoot};
use assay::address;
use assay::events::{OpeningAnswered, OpeningDemanded};
use assay::instructions::DemandOpeningArgs;
use assay::state::{Demand, DemandKey, DemandState, DemandTree};
use program_tests::trial::{A, B, C, Case, Trial, Y};
use program_tests::{Call, Why};
use solana_sdk::pubkey::Pubkey;

fn challenged() -> (Trial, Pubkey) {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let challenger = trial.challenge();
    (trial, challenger)
}

fn refuses(trial: &mut Trial, what: &str, call: &Call<DemandOpening>, args: DemandOpeningArgs, why: AssayError) {
    let mut call = call.with(|a| a.demand = address::demand(&a.job, &args.key));
    call.data = anchor_lang::InstructionData::data(&assay::instruction::DemandOpening { args });
    let refusal = trial.world.transact(&[call.instruction()]).expect_err(what);
    assert_eq!(refusal.why, Why::from(why), "{what}: {:#?}", refusal.logs);
}

/// The tree of a tensor is opened from its top to its leaves; each answer is paid for, and frozen.
#[test]
fn opens_a_tensor_from_its_top_to_its_leaves() {
    let (mut trial, challenger) = challenged();
    let node = trial.party("the node's purse");
    let call = trial.tensor_demand(challenger, B, None);
    let event: OpeningDemanded = trial.world.accepts(&call).event();
    let top = call.accounts.demand;
    let challenge = trial.challenge_of(challenger);
    assert_eq!((event.job, event.challenge, event.demand), (trial.job.address, challenge, top));
    assert_eq!((event.key.height, event.claim), (7, Pubkey::default()));
    let state: Demand = trial.world.read(top);
    assert_eq!((state.state, state.payer, state.fee_lamports), (DemandState::Open, challenger, 7_000));
    let bytes = trial.world.svm.get_account(&top).unwrap().data.len();
    assert_eq!(trial.world.lamports(top), trial.world.svm.minimum_balance_for_rent_exemption(bytes) + 7_000);

    trial.world.advance(30);
    let hashes = trial.case.answer(B, 7, 0, false);
    let buffer = trial.world.upload(node, 1, &hashes);
    let answer = trial.world.answer_opening(node, top, buffer);
    let event: OpeningAnswered = trial.world.accepts(&answer).event();
    assert_eq!(event, OpeningAnswered { job: trial.job.address, demand: top, answer: buffer, fee_lamports: 7_000 });
    trial.world.refuses(&answer, AssayError::DemandAnswered);

    // The buffer can no longer be changed, nor serve twice.
    let held = AssayError::BufferHeld;
    trial.world.refuses(&trial.world.write_buffer(node, 1, 0, &[0]), held);
    trial.world.refuses(&trial.world.grow_buffer(node, 1, 300), held);
    trial.world.refuses(&trial.world.close_buffer(node, 1), held);

    // Below: sixteen leaves, whose hash the answer showed.
    let key = DemandKey { height: 4, index: 3, ..state.key };
    let bound: [u8; 32] = hashes[96..128].try_into().unwrap();
    let leaves: Vec<[u8; 32]> = hashes.chunks(32).map(|hash| hash.try_into().unwrap()).collect();
    let path = referee::commit::merkle_path(&leaves, 3).unwrap();
    let args = DemandOpeningArgs { key, witness_slot: 0, bound, path };
    let below = trial.world.demand_opening(challenger, &trial.job, args.clone(), None, None, Some(top));
    let mut wrong = args.clone();
    wrong.bound[0] ^= 1;
    refuses(&mut trial, "another hash", &below, wrong, AssayError::PlaceNotBound);
    let wrong = DemandOpeningArgs { key: DemandKey { index: 2, ..key }, ..args.clone() };
    refuses(&mut trial, "another place", &below, wrong, AssayError::PlaceNotBound);
    let wrong = DemandOpeningArgs { key: DemandKey { index: 8, ..key }, ..args.clone() };
    refuses(&mut trial, "a place outside", &below, wrong, AssayError::PlaceNotBound);
    let wrong = DemandOpeningArgs { key: DemandKey { height: 3, ..key }, ..args.clone() };
    refuses(&mut trial, "a step that no answer makes", &below, wrong, AssayError::PlaceNotBound);
    let wrong = DemandOpeningArgs { key: DemandKey { slot: C, ..key }, ..args.clone() };
    refuses(&mut trial, "another tensor", &below, wrong, AssayError::PlaceNotBound);
    trial.world.accepts(&below);
    let used = trial.world.read_challenge(&trial.job, challenger).clocks;
    assert_eq!((used.defender_used_slots, used.demands), (30, 2));
    trial.answer(node, below.accounts.demand, false);
    let data: Demand = trial.world.read(below.accounts.demand);
    assert_eq!(data.state, DemandState::Answered);
    let again = trial.world.demand_opening(challenger, &trial.job, args, None, None, Some(top));
    trial.world.refuses(&again, AssayError::DemandAnswered);
}

#[test]
fn other_data_answer_nothing() {
    let (mut trial, challenger) = challenged();
    let node = trial.party("the node's purse");
    let call = trial.tensor_demand(challenger, B, None);
    trial.world.accepts(&call);
    let right = trial.case.answer(B, 7, 0, false);
    let mut swapped = right.clone();
    swapped.rotate_left(32);
    let mut flipped = right.clone();
    flipped[17] ^= 1;
    let longer = [&right[..], &[0; 32]].concat();
    let table = [
        ("swapped", swapped),
        ("flipped", flipped),
        ("longer", longer),
        ("shorter", right[..224].to_vec()),
        ("torn", right[..255].to_vec()),
        ("the data themselves", trial.case.answer(B, 4, 0, false)),
        ("nothing", vec![]),
    ];
    for (id, (what, bytes)) in (0..).zip(table) {
        let buffer = trial.world.upload(node, id, &bytes);
        let answer = trial.world.answer_opening(node, call.accounts.demand, buffer);
        let refusal = trial.world.transact(&[answer.instruction()]).expect_err(what);
        assert_eq!(refusal.why, AssayError::AnswerRejected.into(), "{what}: {:#?}", refusal.logs);
    }
}

/// What nobody could answer cannot be demanded.
#[test]
fn only_what_exists_can_be_demanded() {
    let (mut trial, challenger) = challenged();
    let call = trial.tensor_demand(challenger, B, None);
    let witness = call.accounts.witness.unwrap();
    let root = |trial: &Trial, segment, slot, witness| {
        trial.world.demand_segment_root(challenger, &trial.job, segment, slot, witness)
    };
    let rejected = AssayError::WitnessRejected;
    trial.world.refuses(&root(&trial, 0, B, None), AssayError::WitnessMissing);
    trial.world.refuses(&root(&trial, 2, B, Some(witness)), rejected);
    trial.world.refuses(&root(&trial, 1, B, Some(witness)), rejected);
    trial.world.refuses(&root(&trial, u16::MAX, B, Some(witness)), rejected);
    trial.world.refuses(&root(&trial, 0, A, Some(witness)), rejected);
    let garbage = trial.world.upload(challenger, 5, &[0xff; 200]);
    trial.world.refuses(&root(&trial, 0, B, Some(garbage)), rejected);

    let bound = trial.case.hash(B);
    let key = DemandKey { origin: bound, tree: DemandTree::Tensor, slot: B, height: 7, index: 0 };
    let path = vec![trial.case.hash(Y)];
    let args = DemandOpeningArgs { key, witness_slot: 0, bound, path };
    let cases = [
        (
            "another tensor's hash",
            DemandOpeningArgs { bound: trial.case.hash(Y), ..args.clone() },
            AssayError::PlaceNotBound,
        ),
        ("no path", DemandOpeningArgs { path: vec![], ..args.clone() }, AssayError::PlaceNotBound),
        ("a longer path", DemandOpeningArgs { path: vec![[1; 32]; 2], ..args.clone() }, AssayError::PlaceNotBound),
        ("the longest path", DemandOpeningArgs { path: vec![[1; 32]; 8], ..args.clone() }, AssayError::PlaceNotBound),
        (
            "below the top",
            DemandOpeningArgs { key: DemandKey { height: 4, ..key }, ..args.clone() },
            AssayError::PlaceNotBound,
        ),
        (
            "beside the top",
            DemandOpeningArgs { key: DemandKey { index: 1, ..key }, ..args.clone() },
            AssayError::PlaceNotBound,
        ),
        (
            "another origin",
            DemandOpeningArgs { key: DemandKey { origin: [9; 32], ..key }, ..args.clone() },
            AssayError::PlaceNotBound,
        ),
        ("another slot", DemandOpeningArgs { key: DemandKey { slot: Y, ..key }, ..args.clone() }, rejected),
        (
            "a segment root",
            DemandOpeningArgs { key: DemandKey { tree: DemandTree::SegmentRoot, ..key }, ..args.clone() },
            AssayError::PlaceNotBound,
        ),
        (
            "a segment's tree without its root",
            DemandOpeningArgs { key: DemandKey { tree: DemandTree::Segment, ..key }, ..args.clone() },
            AssayError::PlaceNotBound,
        ),
        (
            "the boundary's tree by another number",
            DemandOpeningArgs { key: DemandKey { tree: DemandTree::Boundary, ..key }, ..args.clone() },
            AssayError::PlaceNotBound,
        ),
    ];
    for (what, args, why) in cases {
        refuses(&mut trial, what, &call, args, why);
    }
    trial.world.accepts(&call);
}

/// The top of the boundary's tree needs nothing; its only level are hashes of tensors.
#[test]
fn the_boundarys_own_tree_can_be_opened() {
    let (mut trial, challenger) = challenged();
    let node = trial.party("the node's purse");
    let root = trial.world.read_job(&trial.job).boundary_root;
    let key = DemandKey { origin: root, tree: DemandTree::Boundary, slot: 0, height: 1, index: 0 };
    let args = DemandOpeningArgs { key, witness_slot: 0, bound: root, path: vec![] };
    let call = trial.world.demand_opening(challenger, &trial.job, args.clone(), None, None, None);
    trial.world.accepts(&call);
    let hashes = [trial.case.hash(B), trial.case.hash(Y)].concat();
    let buffer = trial.world.upload(node, 0, &hashes);
    trial.world.accepts(&trial.world.answer_opening(node, call.accounts.demand, buffer));
    // A leaf of a list has nothing below it.
    let leaf = DemandOpeningArgs {
        key: DemandKey { height: 0, index: 0, ..key },
        bound: trial.case.hash(B),
        path: vec![trial.case.hash(Y)],
        ..args
    };
    let top = call.accounts.demand;
    let call = trial.world.demand_opening(challenger, &trial.job, leaf, None, None, Some(top));
    trial.world.refuses(&call, AssayError::PlaceNotBound);
}

/// A segment's tree is entered through a signed root, with a witness for the number of its tensors.
#[test]
fn a_signed_segments_tree_and_its_tensors_can_be_opened() {
    let (mut trial, challenger) = challenged();
    let node = trial.party("the node's purse");
    let claim = trial.record(0);
    let witness_bytes = trial.case.witness(A);
    let witness = trial.world.upload(challenger, 3, &witness_bytes);
    let root = trial.case.segment_root(0);
    let key = DemandKey { origin: root, tree: DemandTree::Segment, slot: 0, height: 1, index: 0 };
    let args = DemandOpeningArgs { key, witness_slot: A, bound: root, path: vec![] };
    let call = trial.world.demand_opening(challenger, &trial.job, args.clone(), Some(claim), Some(witness), None);
    let other = trial.record(1);
    trial.world.refuses(&call.with(|a| a.claim = Some(other)), AssayError::WrongSegmentClaim);
    trial.world.refuses(&call.with(|a| a.witness = None), AssayError::WitnessMissing);
    let wrong = DemandOpeningArgs { bound: [4; 32], ..args };
    refuses(&mut trial, "another root", &call, wrong, AssayError::PlaceNotBound);
    trial.world.accepts(&call);
    let hashes = trial.case.segment_hashes(0).concat();
    let buffer = trial.world.upload(node, 0, &hashes);
    trial.world.accepts(&trial.world.answer_opening(node, call.accounts.demand, buffer));
    let tensor = trial.tensor_demand(challenger, A, Some((claim, true)));
    trial.world.accepts(&tensor);
    trial.answer(node, tensor.accounts.demand, true);
}

/// An answer serves every dispute of the job: a second challenger joins what is open and reads what is answered.
#[test]
fn demands_are_shared() {
    let (mut trial, first) = challenged();
    let second = trial.party("second");
    trial.commit(second);
    trial.reveal(second);
    let call = trial.tensor_demand(first, B, None);
    trial.world.accepts(&call);
    let demand = call.accounts.demand;
    let lamports = trial.world.lamports(demand);
    trial.world.advance(5);
    let join = trial.tensor_demand(second, B, None);
    trial.world.accepts(&join);
    assert_eq!(trial.world.lamports(demand), lamports, "joining costs nothing");
    assert_eq!(trial.world.read::<Demand>(demand).requested_slot, trial.world.slot());
    let again = trial.tensor_demand(second, Y, None);
    trial.world.refuses(&again, AssayError::DemandPending);
    let node = trial.party("the node's purse");
    trial.world.advance(5);
    trial.answer(node, demand, false);
    for (challenger, waited) in [(first, 10), (second, 5)] {
        let next = trial.demand_root(challenger, 0);
        let clocks = trial.world.read_challenge(&trial.job, challenger).clocks;
        assert_eq!((clocks.demand, clocks.defender_used_slots), (next, waited));
    }
}

/// A challenger cannot use a defender's clock up by asking on and on.
#[test]
fn demands_are_counted() {
    let (mut trial, challenger) = challenged();
    let node = trial.party("the node's purse");
    let address = trial.challenge_of(challenger);
    let mut state = trial.world.read_challenge(&trial.job, challenger);
    state.clocks.demands = assay::dispute::clocks::MAXIMUM_DEMANDS - 1;
    let mut account = trial.world.svm.get_account(&address).unwrap();
    let mut bytes = Vec::new();
    anchor_lang::AccountSerialize::try_serialize(&state, &mut bytes).unwrap();
    account.data[..bytes.len()].copy_from_slice(&bytes);
    trial.world.svm.set_account(address, account).unwrap();
    let last = trial.tensor_demand(challenger, B, None);
    trial.world.accepts(&last);
    trial.answer(node, last.accounts.demand, false);
    let one_more = trial.tensor_demand(challenger, Y, None);
    trial.world.refuses(&one_more, AssayError::TooManyDemands);
}

#[test]
fn closes_once_the_dispute_is_over_and_frees_the_buffer() {
    let (mut trial, challenger) = challenged();
    let node = trial.party("the node's purse");
    let purse = trial.world.lamports(node);
    let answered = trial.tensor_demand(challenger, B, None);
    trial.world.accepts(&answered);
    let answered = answered.accounts.demand;
    let id = trial.answer(node, answered, false);
    let open = trial.demand_root(challenger, 0);
    let close = trial.world.close_demand(answered);
    trial.world.refuses(&close, AssayError::DisputeNotOver);
    trial.world.accepts(&trial.world.withdraw_challenge(&trial.job, challenger));
    trial.world.refuses(&close, AssayError::DisputeNotOver);
    trial.world.advance(31);
    trial.world.accepts(&trial.world.finalise_job(&trial.world.node, &trial.job));

    let other_buffer = trial.world.upload(node, 77, &[1]);
    let world = &mut trial.world;
    let right = close.accounts;
    let table = [
        ("another job", CloseDemand { job: world.node.address, ..right }, AssayError::WrongJob.into()),
        ("another payer", CloseDemand { payer: node, ..right }, AssayError::WrongDemand.into()),
        ("no buffer", CloseDemand { answer: None, ..right }, AssayError::WrongBuffer.into()),
        ("another buffer", CloseDemand { answer: Some(other_buffer), ..right }, AssayError::WrongBuffer.into()),
        (
            "a job as demand",
            CloseDemand { demand: trial.job.address, ..right },
            ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    world.refuses_accounts(&close, table);
    world.accepts(&world.close_buffer(node, id));
    world.accepts(&world.close_buffer(node, 77));
    assert_eq!(world.lamports(node), purse + 7_000, "the fee, and nothing lost");
    // Even after the job itself is gone.
    world.pay_out(&trial.job);
    world.accepts(&world.burn_slash(&trial.job));
    world.accepts(&world.close_job(&trial.job));
    let (before, held) = (world.lamports(challenger), world.lamports(open));
    world.accepts(&world.close_demand(open));
    assert_eq!(world.lamports(challenger), before + held, "with the fee that nobody earned");
    assert!(!world.exists(answered) && !world.exists(open));
}

#[test]
fn demands_refuse_wrong_accounts() {
    let (mut trial, challenger) = challenged();
    let other = trial.party("other");
    let claim = trial.record(1);
    let call = trial.tensor_demand(challenger, B, None);
    let right = call.accounts;
    let others_job = trial.world.committed();
    let mismatch = || ErrorCode::AccountDiscriminatorMismatch.into();
    let seeds = || ErrorCode::ConstraintSeeds.into();
    let table = [
        ("another signer", DemandOpening { challenger: other, ..right }, AssayError::NotChallenger.into()),
        ("another job", DemandOpening { job: others_job.address, ..right }, seeds()),
        ("a job as challenge", DemandOpening { challenge: right.job, ..right }, mismatch()),
        ("another place", DemandOpening { demand: address::buffer(&other, 1), ..right }, seeds()),
        (
            "a claim that binds something else",
            DemandOpening { claim: Some(claim), ..right },
            AssayError::WitnessRejected.into(),
        ),
        ("a job as parent", DemandOpening { parent: Some(right.job), ..right }, mismatch()),
        ("a job as what is waited for", DemandOpening { waiting: Some(right.job), ..right }, mismatch()),
        ("no witness", DemandOpening { witness: None, ..right }, AssayError::WitnessMissing.into()),
    ];
    trial.world.refuses_accounts(&call, table);
    let node = trial.party("the node's purse");
    let bytes = trial.case.answer(B, 7, 0, false);
    let buffer = trial.world.upload(node, 1, &bytes);
    let others = trial.world.upload(other, 1, &bytes);
    let answer = trial.world.answer_opening(node, right.demand, buffer);
    let right = answer.accounts;
    let table = [
        ("another signer", AnswerOpening { owner: other, ..right }, AssayError::NotBufferOwner.into()),
        ("another's buffer", AnswerOpening { buffer: others, ..right }, AssayError::NotBufferOwner.into()),
        ("a buffer as demand", AnswerOpening { demand: buffer, ..right }, mismatch()),
        (
            "a claim that it does not lie below",
            AnswerOpening { claim: Some(claim), ..right },
            AssayError::WrongSegmentClaim.into(),
        ),
    ];
    trial.world.refuses_accounts(&answer, table);
    trial.case = Case::wrong_in(A, 7);
    let witness = address::buffer(&challenger, 952);
    let root = trial.world.demand_segment_root(challenger, &trial.job, 0, B, Some(witness));
    let right = root.accounts;
    let table = [
        ("another signer", DemandSegmentRoot { challenger: other, ..right }, AssayError::NotChallenger.into()),
        ("another job", DemandSegmentRoot { job: others_job.address, ..right }, seeds()),
        ("a job as challenge", DemandSegmentRoot { challenge: right.job, ..right }, mismatch()),
        ("another place", DemandSegmentRoot { demand: claim, ..right }, seeds()),
        ("another claim", DemandSegmentRoot { signed_claim: claim, ..right }, seeds()),
        ("no witness", DemandSegmentRoot { witness: None, ..right }, AssayError::WitnessMissing.into()),
        ("not what is waited for", DemandSegmentRoot { waiting: None, ..right }, AssayError::WrongDemand.into()),
    ];
    trial.world.refuses_accounts(&root, table);
}
