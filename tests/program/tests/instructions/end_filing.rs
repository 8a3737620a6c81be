use assay::AssayError;
use assay::accounts::EndFiling;
use assay::address;
use program_tests::{Case, Trial};
use solana_sdk::pubkey::Pubkey;

/// A filing whose demand is answered.
fn answered() -> (Trial, Pubkey) {
    let (mut trial, _) = Trial::audited(Case::honest());
    let filer = trial.file();
    let demand = trial.demand_output(filer);
    let owner = trial.world.node.owner;
    trial.answer(owner, demand, false);
    (trial, filer)
}

#[test]
fn not_before_everything_is_answered() {
    let (mut trial, _) = Trial::audited(Case::honest());
    let job = trial.job;
    let filer = trial.file();
    // Nothing was demanded: there is no demand to pass, and another is refused.
    let stranger = trial.world.node.address;
    let call = trial.world.end_filing(&job, filer).with(|accounts| accounts.waiting = stranger);
    assert!(trial.world.transact(&[call.instruction()]).is_err());
    let demand = trial.demand_output(filer);
    trial.world.refuses(&trial.world.end_filing(&job, filer), AssayError::DemandPending);
    let owner = trial.world.node.owner;
    trial.answer(owner, demand, false);
    let next = trial.output_demand(filer, 4, 0);
    trial.world.accepts(&next);
    trial.world.refuses(&trial.world.end_filing(&job, filer), AssayError::DemandPending);
    let first = trial.world.end_filing(&job, filer).with(|accounts| accounts.waiting = demand);
    trial.world.refuses(&first, AssayError::WrongDemand);
    trial.answer(owner, next.accounts.demand, false);
    trial.world.accepts(&trial.world.end_filing(&job, filer));
    trial.world.refuses(&trial.world.end_filing(&job, filer), AssayError::IllegalChallengeTransition);
}

/// An ordinary challenge cannot save its bond by demanding something and leaving.
#[test]
fn only_a_filing_can_end_so() {
    let mut trial = Trial::new(Case::wrong_in(program_tests::trial::B, 3));
    let job = trial.job;
    let challenger = trial.challenge();
    let call = trial.tensor_demand(challenger, program_tests::trial::B, None);
    trial.world.accepts(&call);
    let owner = trial.world.node.owner;
    trial.answer(owner, call.accounts.demand, false);
    trial.world.refuses(&trial.world.end_filing(&job, challenger), AssayError::NotAFiling);
}

#[test]
fn refuses_wrong_accounts() {
    let (mut trial, filer) = answered();
    let (job, other) = (trial.job, trial.world.posted());
    let call = trial.world.end_filing(&job, filer);
    let right = call.accounts;
    let table = [
        ("a stranger", EndFiling { challenger: trial.world.mallory, ..right }, AssayError::NotChallenger.into()),
        ("another job", EndFiling { job: other.address, ..right }, AssayError::WrongJob.into()),
        (
            "an account that is no challenge",
            EndFiling { challenge: job.address, ..right },
            anchor_lang::error::ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
        (
            "an account that is no demand",
            EndFiling { waiting: address::challenge(&job.address, &filer), ..right },
            anchor_lang::error::ErrorCode::AccountDiscriminatorMismatch.into(),
        ),
    ];
    trial.world.refuses_accounts(&call, table);
}
