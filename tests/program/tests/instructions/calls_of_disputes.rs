//! One call of every instruction of disputes, each in a world in which it goes through, but for the two that need a signature
//! right before them, which `segment_roots` tries.

use program_tests::trial::A;
use program_tests::{Case, Trial, World};
use referee::proof::Source;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

type Calls = Vec<(&'static str, World, Instruction)>;

/// A result with a fault inside, several challengers, a posted root; and what is left when it is over.
pub(crate) fn dispute_calls() -> Calls {
    let mut calls = Calls::new();
    while_it_lasts(&mut calls);
    when_it_is_over(&mut calls);
    calls
}

fn add(calls: &mut Calls, name: &'static str, trial: &Trial, instruction: Instruction) {
    calls.push((name, trial.world.clone(), instruction));
}

/// A trial with revealed challenges of the first challenger and of others.
fn revealed<const N: usize>(others: [&str; N]) -> (Trial, Pubkey, [Pubkey; N]) {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    let challenger = trial.challenger;
    let others = others.map(|name| trial.party(name));
    for party in std::iter::once(challenger).chain(others) {
        trial.commit(party);
    }
    trial.world.advance(1);
    for party in std::iter::once(challenger).chain(others) {
        let call = trial.reveal_call(party);
        trial.world.accepts(&call);
    }
    (trial, challenger, others)
}

fn while_it_lasts(calls: &mut Calls) {
    let mut trial = Trial::new(Case::wrong_in(A, 7));
    add(calls, "commit_challenge", &trial, trial.commit_call(trial.challenger).instruction());
    trial.commit(trial.challenger);
    trial.world.advance(1);
    add(calls, "reveal_challenge", &trial, trial.reveal_call(trial.challenger).instruction());

    let (mut trial, challenger, [second]) = revealed(["second"]);
    add(calls, "withdraw_challenge", &trial, trial.world.withdraw_challenge(&trial.job, second).instruction());
    add(calls, "open_buffer", &trial, trial.world.open_buffer(challenger, 50, 10).instruction());
    trial.world.upload(challenger, 50, &[1; 10]);
    add(calls, "grow_buffer", &trial, trial.world.grow_buffer(challenger, 50, 20).instruction());
    add(calls, "write_buffer", &trial, trial.world.write_buffer(challenger, 50, 0, &[2; 10]).instruction());
    add(calls, "close_buffer", &trial, trial.world.close_buffer(challenger, 50).instruction());
    let witness = trial.world.upload(challenger, 900, &trial.case.witness(A));
    let demand = trial.world.demand_segment_root(challenger, &trial.job, 0, A, Some(witness));
    add(calls, "demand_segment_root", &trial, demand.instruction());
    trial.world.accepts(&demand);
    let poster = trial.party("poster");
    let post = trial.world.post_segment_root(poster, &trial.job, 0, trial.case.segment_root(0));
    add(calls, "post_segment_root", &trial, post.instruction());
    trial.world.accepts(&post);
    let claim = post.accounts.claim;
    let below = trial.tensor_demand(challenger, A, Some((claim, false)));
    add(calls, "demand_opening", &trial, below.instruction());
    trial.world.accepts(&below);
    let answer = trial.world.upload(poster, 1, &trial.case.answer(A, 7, 0, true));
    let answer = trial.world.answer_opening(poster, below.accounts.demand, answer);
    add(calls, "answer_opening", &trial, answer.instruction());
    let proof = trial.case.element_proof(0, A, 7, Source::Segment);
    let buffer = trial.upload_proof(challenger, &proof);
    add(calls, "prove", &trial, trial.world.prove(challenger, &trial.job, buffer, Some(claim)).instruction());
    trial.world.advance(201);
    add(calls, "time_out_challenger", &trial, trial.world.time_out_challenger(&trial.job, second).instruction());
}

fn when_it_is_over(calls: &mut Calls) {
    let (mut trial, challenger, [second]) = revealed(["second"]);
    let demand = trial.demand_root(challenger, 0);
    trial.world.advance(151);
    let call = trial.world.time_out_defender(&trial.job, challenger);
    add(calls, "time_out_defender", &trial, call.instruction());
    trial.world.accepts(&call);
    let call = trial.world.resolve_challenge(&trial.job, second);
    add(calls, "resolve_challenge", &trial, call.instruction());
    trial.world.accepts(&call);
    let mut won = [trial.challenge_of(challenger), trial.challenge_of(second)];
    won.sort();
    add(calls, "settle_dispute", &trial, trial.world.settle_dispute(&trial.job, &won));
    let claim = trial.record(1);
    trial.settle(&[challenger, second]);
    let call = trial.world.close_challenge(challenger, &trial.job, challenger);
    add(calls, "close_challenge", &trial, call.instruction());
    add(calls, "burn_slash", &trial, trial.world.burn_slash(&trial.job).instruction());
    add(calls, "close_demand", &trial, trial.world.close_demand(demand).instruction());
    add(calls, "close_segment_claim", &trial, trial.world.close_segment_claim(challenger, claim).instruction());
}
