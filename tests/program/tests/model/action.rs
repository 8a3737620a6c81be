//! What can be tried, and how it is chosen.

use crate::delegation::{self, DelegationAction};
use crate::sessions::{self, SessionAction};
use crate::state::{
    CLIENTS, FIRST_VALIDATOR, JobModel, Model, NODES, NodeModel, PAYMENT_MINTS, STAKE_MINT, State, Terms, VALIDATORS,
};
use assay::instructions::CreditRole;
use assay::state::{AuditParameters, Parameters};
use program_tests::terms::parameters;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// Who asks for a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Payee,
    Stranger,
}

/// Where a payment should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Canonical,
    Vault,
    /// The associated token account of the stranger.
    Strangers,
}

/// One thing that somebody tries. Clients, nodes, mints and jobs are numbers.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Advance(u64),
    SetParameters(Parameters),
    SetPaymentMint { mint: usize, enabled: bool, numerator: u64, denominator: u64 },
    WithdrawFees { mint: usize, amount: u64 },
    Pause { slots: u64 },
    Register { node: usize },
    Deregister { node: usize },
    Heartbeat { node: usize },
    Burn { job: usize },
    SwitchOperator { node: usize },
    Stake { node: usize, amount: u64 },
    RequestWithdrawal { node: usize, amount: u64 },
    CancelWithdrawal { node: usize, place: u8 },
    WithdrawStake { node: usize },
    Post { client: usize, mint: usize, id: u64, terms: Terms },
    Claim { node: usize, operator: usize, job: usize },
    Commit { node: usize, operator: usize, job: usize, honest: bool },
    Finalise { node: usize, job: usize },
    Cancel { client: usize, job: usize },
    ExpireJob { job: usize },
    ExpireClaim { node: usize, job: usize },
    WithdrawCredit { job: usize, role: CreditRole, caller: Caller, destination: Destination },
    WithdrawCharge { job: usize, caller: Caller, destination: Destination },
    SweepFee { job: usize },
    Close { job: usize },
    Accept { client: usize, job: usize },
    StakeValidator { validator: usize, amount: u64 },
    RequestValidatorWithdrawal { validator: usize, amount: u64 },
    WithdrawValidatorStake { validator: usize },
    Attest { validator: usize, job: usize },
    SettleAttestation { validator: usize, job: usize },
    CollectAttestation { validator: usize, job: usize, caller: Caller, destination: Destination },
    DonateToJob { job: usize, amount: u64 },
    DonateToStake { amount: u64 },
    Session(SessionAction),
    Delegation(DelegationAction),
}

impl Action {
    /// The name of the kind of action.
    pub(crate) fn kind(&self) -> String {
        let text = match self {
            Self::Session(action) => format!("{action:?}"),
            Self::Delegation(action) => format!("{action:?}"),
            action => format!("{action:?}"),
        };
        text.split([' ', '(']).next().unwrap_or_default().to_owned()
    }
}

/// Chooses what is tried next: mostly what the rules allow or nearly allow, sometimes anything.
pub(crate) fn choose(model: &Model, rng: &mut StdRng) -> Action {
    let node = rng.random_range(0..NODES);
    // Rare enough that a job of which something burns would hardly ever be met by chance.
    if let Some(job) = model.jobs.iter().position(|job| job.burn > 0)
        && rng.random_ratio(1, 4)
    {
        return Action::Burn { job };
    }
    if let Some(action) = delegation::pressing(model)
        && rng.random_ratio(1, 4)
    {
        return Action::Delegation(action);
    }
    if model.jobs.is_empty() || rng.random_ratio(1, 7) {
        return post(model, rng);
    }
    if rng.random_ratio(1, 8) {
        return Action::Delegation(delegation::choose(model, rng));
    }
    match rng.random_range(0..100) {
        0..14 => Action::Advance(some_time(model, rng)),
        14..16 => Action::SetParameters(some_parameters(rng)),
        16..18 => Action::SetPaymentMint {
            mint: rng.random_range(0..PAYMENT_MINTS),
            enabled: rng.random_ratio(3, 4),
            numerator: *[0, 1, 2, 1_000_000_000_000].choose(rng).expect("a choice"),
            denominator: *[1, 3].choose(rng).expect("a choice"),
        },
        18..20 => {
            let mint = rng.random_range(0..PAYMENT_MINTS);
            let held = model.mints[mint].fee_vault;
            Action::WithdrawFees { mint, amount: *[0, 1, held, held + 1].choose(rng).expect("a choice") }
        }
        20..21 => Action::Register { node: some_node(model, rng, |node| !node.registered) },
        21..22 => Action::Deregister {
            node: some_node(model, rng, |node| node.registered && node.stake == 0 && node.unbonding() == 0),
        },
        22..23 if rng.random_ratio(2, 3) => {
            Action::Heartbeat { node: some_node(model, rng, |node| node.record.standing.unresolved > 0) }
        }
        22..23 => Action::SwitchOperator { node },
        23..27 => {
            let held = model.wallets[CLIENTS + node][crate::state::STAKE_MINT];
            Action::Stake { node, amount: *[0, 1, 5_000, 20_000, held, held + 1].choose(rng).expect("a choice") }
        }
        27..31 => {
            let free = model.nodes[node].free();
            let amounts = [0, 1, free / 2, free, free + 1, u64::MAX];
            Action::RequestWithdrawal { node, amount: *amounts.choose(rng).expect("a choice") }
        }
        31..33 => {
            let taken = model.nodes[node].queue.iter().position(|place| place.0 > 0);
            let place = taken.filter(|_| rng.random_bool(0.5)).unwrap_or(rng.random_range(0..5));
            Action::CancelWithdrawal { node, place: place as u8 }
        }
        33..36 => Action::WithdrawStake { node },
        36..37 if rng.random_ratio(1, 2) => Action::Pause { slots: *[0, 1, 10, 40].choose(rng).expect("a choice") },
        36..37 => Action::DonateToStake { amount: rng.random_range(1..1_000) },
        37..41 => of_a_validator(model, rng),
        41..56 => Action::Session(sessions::choose(model, rng)),
        _ => on_a_job(model, rng),
    }
}

/// What a validator does with its stake.
fn of_a_validator(model: &Model, rng: &mut StdRng) -> Action {
    let validator = rng.random_range(0..VALIDATORS);
    let free = model.validators[validator].free();
    match rng.random_range(0..5) {
        0 => {
            let held = model.wallets[FIRST_VALIDATOR + validator][STAKE_MINT];
            Action::StakeValidator { validator, amount: *[0, 1, 5_000, held, held + 1].choose(rng).expect("a choice") }
        }
        1..3 => {
            let amounts = [0, 1, free / 2, free - free / 20, free, free + 1];
            Action::RequestValidatorWithdrawal { validator, amount: *amounts.choose(rng).expect("a choice") }
        }
        _ => Action::WithdrawValidatorStake { validator },
    }
}

/// Mostly a node that fits.
fn some_node(model: &Model, rng: &mut StdRng, fits: impl Fn(&NodeModel) -> bool) -> usize {
    let fitting: Vec<usize> = (0..NODES).filter(|node| fits(&model.nodes[*node])).collect();
    match fitting.choose(rng) {
        Some(node) if rng.random_ratio(3, 4) => *node,
        _ => rng.random_range(0..NODES),
    }
}

/// Mostly to the last slot of some deadline, or the first after it.
fn some_time(model: &Model, rng: &mut StdRng) -> u64 {
    let deadlines = model.jobs.iter().filter_map(|job| match job.state {
        State::Posted => Some(job.posted + job.terms.claim_slots),
        State::Claimed => Some(job.claimed + job.terms.run_slots),
        // Or into the epoch in which the result can be attested.
        State::Committed if job.terms.pot > 0 && job.attestations == 0 => Some(job.committed + 20),
        State::Committed | State::Accepted => Some(job.committed + job.terms.window_slots),
        _ => None,
    });
    // A withdrawal is released in its slot, not after it.
    let releases = model.nodes.iter().flat_map(|node| node.queue).filter(|place| place.0 > 0).map(|place| place.1 - 1);
    let of_validators = model.validators.iter().map(|validator| validator.unbonding).filter(|place| place.0 > 0);
    let releases = releases.chain(of_validators.map(|place| place.1 - 1));
    let deadlines = deadlines.chain(model.session_deadlines());
    let pools = model.nodes.iter().filter_map(|node| node.pool.as_ref());
    let delegated = pools.flat_map(|pool| pool.delegations.iter().flatten()).filter(|held| held.unbonding.0 > 0);
    let releases = releases.chain(delegated.map(|held| held.unbonding.1 - 1));
    let ahead: Vec<u64> = deadlines.chain(releases).filter(|slot| *slot >= model.slot).collect();
    match ahead.choose(rng) {
        Some(slot) if rng.random_ratio(2, 3) => slot - model.slot + rng.random_range(0..2),
        _ => *[1, 3, 10, 30].choose(rng).expect("a choice"),
    }
}

/// What moves a job on, or pretends to.
fn on_a_job(model: &Model, rng: &mut StdRng) -> Action {
    let alive: Vec<usize> = (0..model.jobs.len()).filter(|at| model.jobs[*at].state != State::Closed).collect();
    let job = match alive.choose(rng) {
        Some(job) if rng.random_ratio(19, 20) => *job,
        _ => rng.random_range(0..model.jobs.len()),
    };
    let JobModel { state, claimer, client, credit_node, credit_client, credit_fee, charge, burn, .. } = model.jobs[job];
    let honest = rng.random_ratio(7, 8);
    let (claimer, key) = claimer.filter(|_| honest).unwrap_or((rng.random_range(0..NODES), rng.random_range(0..2)));
    let client = if honest { client } else { rng.random_range(0..CLIENTS) };
    if state != State::Closed && rng.random_ratio(1, 12) {
        return Action::DonateToJob { job, amount: rng.random_range(1..100) };
    }
    // Mostly what fits the state; sometimes anything.
    let fitting = if rng.random_ratio(4, 5) { state } else { *ALL_STATES.choose(rng).expect("a state") };
    match fitting {
        State::Posted => match rng.random_range(0..10) {
            0..7 => {
                let node = some_node(model, rng, |node| node.record.standing.unresolved == 0);
                let operator = if honest { model.nodes[node].operator } else { rng.random_range(0..2) };
                Action::Claim { node, operator, job }
            }
            7..8 => Action::Cancel { client, job },
            _ => Action::ExpireJob { job },
        },
        State::Claimed => match rng.random_range(0..10) {
            0..6 => Action::Commit { node: claimer, operator: key, job, honest },
            _ => Action::ExpireClaim { node: claimer, job },
        },
        State::Committed | State::Accepted => match rng.random_range(0..10) {
            0..6 if model.jobs[job].terms.pot > 0 => attest(model, rng, job),
            0..1 => attest(model, rng, job),
            1..6 if state == State::Committed => Action::Accept { client, job },
            6..8 if credit_node > 0 => payment(rng, job, CreditRole::Node),
            _ => Action::Finalise { node: claimer, job },
        },
        // Mostly what is owed; sometimes anything.
        _ if rng.random_ratio(1, 3) && model.jobs[job].attestations > 0 => {
            let open = (0..VALIDATORS).find(|validator| model.jobs[job].attested[*validator].is_some());
            let validator = open.unwrap_or(0);
            match model.jobs[job].attested[validator] {
                Some(true) => {
                    let (caller, destination) = caller_and_destination(rng);
                    Action::CollectAttestation { validator, job, caller, destination }
                }
                _ => Action::SettleAttestation { validator, job },
            }
        }
        _ => match rng.random_range(0..12) {
            0..5 if credit_node > 0 => payment(rng, job, CreditRole::Node),
            0..7 if credit_client > 0 => payment(rng, job, CreditRole::Client),
            0..8 if credit_fee > 0 => Action::SweepFee { job },
            0..8 if charge > 0 => charge_payment(rng, job),
            0..8 if burn > 0 => Action::Burn { job },
            0..8 => Action::Close { job },
            8 => payment(rng, job, CreditRole::Node),
            9 => payment(rng, job, CreditRole::Client),
            10 => charge_payment(rng, job),
            11 if rng.random_bool(0.5) => Action::Burn { job },
            _ => Action::SweepFee { job },
        },
    }
}

/// Attests, mostly once the epoch of the commit is over.
fn attest(model: &Model, rng: &mut StdRng, job: usize) -> Action {
    let first_slot = (model.epoch(model.jobs[job].committed) + 1) * u64::from(model.parameters.audit.epoch_slots);
    if first_slot > model.slot && rng.random_ratio(5, 6) {
        return Action::Advance(first_slot - model.slot);
    }
    let open = (0..VALIDATORS).find(|validator| model.jobs[job].attested[*validator].is_none());
    let validator = open.filter(|_| rng.random_ratio(4, 5)).unwrap_or(rng.random_range(0..VALIDATORS));
    Action::Attest { validator, job }
}

const ALL_STATES: [State; 9] = [
    State::Posted,
    State::Claimed,
    State::Committed,
    State::Accepted,
    State::Settled,
    State::Cancelled,
    State::Expired,
    State::Missed,
    State::Closed,
];

fn payment(rng: &mut StdRng, job: usize, role: CreditRole) -> Action {
    let (caller, destination) = caller_and_destination(rng);
    Action::WithdrawCredit { job, role, caller, destination }
}

fn charge_payment(rng: &mut StdRng, job: usize) -> Action {
    let (caller, destination) = caller_and_destination(rng);
    Action::WithdrawCharge { job, caller, destination }
}

pub(crate) fn caller_and_destination(rng: &mut StdRng) -> (Caller, Destination) {
    let caller = if rng.random_bool(0.5) { Caller::Payee } else { Caller::Stranger };
    let destination = match rng.random_range(0..6) {
        0 => Destination::Vault,
        1 => Destination::Strangers,
        _ => Destination::Canonical,
    };
    (caller, destination)
}

fn post(model: &Model, rng: &mut StdRng) -> Action {
    let (client, mint) = (rng.random_range(0..CLIENTS), rng.random_range(0..PAYMENT_MINTS));
    let wallet = model.wallets[client][mint];
    let price_max = match rng.random_range(0..40) {
        0 => 0,
        1 => u64::MAX,
        2 => wallet,
        3 => wallet + 1,
        _ => rng.random_range(1..3_000),
    };
    let price_min = if rng.random_ratio(1, 30) { price_max.saturating_add(1) } else { rng.random_range(0..=price_max) };
    let least = model.least_bond(mint, price_max).unwrap_or(u64::MAX);
    let bond = match rng.random_range(0..12) {
        0 => least - 1,
        1 => least.saturating_mul(5),
        _ => least,
    };
    let (pot, cap) = match rng.random_range(0..12) {
        0..6 => (rng.random_range(2..200), 0),
        6 => (5, 6),
        7 => (u64::MAX, 1),
        _ => (0, 0),
    };
    let cap = if pot > 6 && cap == 0 { rng.random_range(1..=pot) } else { cap };
    let terms = Terms {
        price_min,
        price_max,
        hold: rng.random_range(0..20),
        ramp: rng.random_range(0..30),
        claim_slots: mostly(rng, &[50, 60, 100, 500], &[0, 1, 40, 501]),
        run_slots: mostly(rng, &[1, 20, 50, 100, 400], &[0, 401]),
        window_slots: if pot > 0 && rng.random_ratio(9, 10) {
            *[40, 60, 300].choose(rng).expect("a choice")
        } else {
            mostly(rng, &[10, 11, 30, 60, 300], &[9, 301])
        },
        minimum_stake: mostly(rng, &[0, 1, 20_000], &[100_001]),
        bond,
        pot,
        cap,
    };
    let next = model.next_id[client];
    let id = match rng.random_range(0..20) {
        0 => next + 1,
        1 => next.saturating_sub(1),
        _ => next,
    };
    Action::Post { client, mint, id, terms }
}

/// Nearly always one of `valid`.
pub(crate) fn mostly(rng: &mut StdRng, valid: &[u64], edge: &[u64]) -> u64 {
    *if rng.random_ratio(29, 30) { valid } else { edge }.choose(rng).expect("a choice")
}

fn some_parameters(rng: &mut StdRng) -> Parameters {
    Parameters {
        minimum_stake: *[1, 10_000, 50_000].choose(rng).expect("a choice"),
        unbonding_slots: *[1_382, 1_383, 1_400].choose(rng).expect("a choice"),
        protocol_fee_bps: *[0, 250, 1_000, 1_001].choose(rng).expect("a choice"),
        miss_charge_bps: *[0, 500, 2_000].choose(rng).expect("a choice"),
        minimum_bond_bps: *[0, 10_000, 15_000].choose(rng).expect("a choice"),
        maximum_open_jobs_per_node: *[1, 3, 5].choose(rng).expect("a choice"),
        ..model_parameters()
    }
}

/// Those of all tests, but with so many auditors that who has a sixteenth of the stake is always drawn.
pub(crate) fn model_parameters() -> Parameters {
    let audit = AuditParameters { audits_per_job: 16, ..parameters().audit };
    Parameters { audit, ..parameters() }
}
