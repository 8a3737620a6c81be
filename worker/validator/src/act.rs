//! Moves as instructions, as few transactions as they fit into.

use crate::docket::Docket;
use crate::driver::upload::{PIECE_BYTES, first_step};
use crate::journal::{Purpose, Record};
use crate::rules::{Move, SignedSegment};
use assay::address;
use assay::dispute::signature::SegmentStatement;
use assay::state::{Challenge, Job, SegmentClaim};
use assay_chain::instructions::{self as dispute, TokenMint};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;

pub use assay::dispute::signature::ED25519_PROGRAM;

/// What instructions are built from.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The accounts.
    pub docket: &'a Docket,
    /// Who signs and pays.
    pub me: Pubkey,
    /// What bonds are paid in.
    pub stake_mint: TokenMint,
    /// Genesis hash of the chain.
    pub genesis_hash: [u8; 32],
    /// The record of the job, where it is the service that moves.
    pub record: Option<&'a Record>,
    /// The bytes of the prepared proof.
    pub proof: Option<&'a [u8]>,
}

/// One way to make a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// What the transaction holds.
    pub instructions: Vec<Instruction>,
    /// What it prepays besides its fee and rent.
    pub lamports: u64,
}

impl Form {
    fn of(instructions: Vec<Instruction>) -> Self {
        Self { instructions, lamports: 0 }
    }
}

/// Bytes of the proof that travel with the reveal.
const PIECE_WITH_REVEAL_BYTES: usize = 560;

/// What the journal calls a move.
pub fn purpose(wanted: &Move) -> Purpose {
    match wanted {
        Move::Commit { .. } => Purpose::Commit,
        Move::Reveal { .. } => Purpose::Reveal,
        Move::Prove { .. } | Move::ProveEquivocation(_) => Purpose::Prove,
        Move::RecordRoot(_) => Purpose::RecordRoot,
        Move::DemandRoot { .. } | Move::DemandOpening { .. } => Purpose::Demand,
        Move::Withdraw => Purpose::Withdraw,
        Move::TimeOutChallenger { .. } | Move::TimeOutDefender { .. } => Purpose::TimeOut,
        Move::Resolve { .. } => Purpose::Resolve,
        Move::Settle => Purpose::Settle,
        Move::CloseChallenge { .. } | Move::BurnSlash | Move::CloseDemand { .. } | Move::CloseClaim { .. } => {
            Purpose::Close
        }
    }
}

/// The ways to make a move, the one that does the most first. Nothing if an account that it needs is not there.
pub fn forms(context: &Context<'_>, wanted: &Move) -> Vec<Form> {
    let Some(plain) = plain(context, wanted) else { return Vec::new() };
    let mut forms = match wanted {
        Move::Reveal { .. } => revealing(context, &plain),
        Move::Settle => settling(context, &plain),
        Move::CloseChallenge { challenge } => vec![Form::of(closing(context, &plain, Some(challenge)))],
        _ => Vec::new(),
    };
    forms.push(plain);
    forms.dedup();
    forms
}

/// The move alone.
fn plain(context: &Context<'_>, wanted: &Move) -> Option<Form> {
    let Context { docket, me, stake_mint, .. } = context;
    let job_address = &docket.address;
    let known = |challenge: &Pubkey| docket.challenges.get(challenge);
    Some(match wanted {
        Move::Commit { target, own_hash, salt } => {
            let sealed = assay::dispute::seal(me, job_address, *target, own_hash, salt);
            let source = stake_mint.associated_account(me);
            Form::of(vec![dispute::commit_challenge(me, job_address, *stake_mint, &source, sealed)])
        }
        Move::Reveal { target, own_hash, salt } => {
            Form::of(vec![dispute::reveal_challenge(me, job_address, *target, *own_hash, *salt)])
        }
        Move::Prove { .. } => Form::of(proving(context, wanted)?),
        Move::RecordRoot(signed) => {
            let (operator, statement) = statement(context, signed)?;
            Form::of(dispute::record_segment_root(me, &operator, &statement, &signed.signature).to_vec())
        }
        Move::ProveEquivocation(signed) => {
            let (_, challenge) = docket.challenge_of(me)?;
            let (job, (_, statement)) = (docket.job.as_ref()?, statement(context, signed)?);
            let prove = dispute::prove_equivocation(challenge, job, &statement, &signed.signature);
            Form::of(prove.to_vec())
        }
        Move::DemandRoot { segment, slot, witness } => {
            let (_, challenge) = docket.challenge_of(me)?;
            let job = docket.job.as_ref()?;
            let demand = dispute::demand_segment_root(challenge, &job.operator, *segment, *slot, *witness);
            Form { instructions: vec![demand], lamports: job.dispute.opening_fee_lamports }
        }
        Move::DemandOpening { binding, args, .. } => {
            let (_, challenge) = docket.challenge_of(me)?;
            let fee = docket.job.as_ref()?.dispute.opening_fee_lamports;
            Form { instructions: vec![dispute::demand_opening(challenge, *binding, args.clone())], lamports: fee }
        }
        Move::Withdraw => Form::of(vec![dispute::withdraw_challenge(me, job_address, &docket.job.as_ref()?.node)]),
        Move::TimeOutChallenger { challenge } => {
            Form::of(vec![dispute::time_out_challenger(known(challenge)?, &docket.job.as_ref()?.node)])
        }
        Move::TimeOutDefender { challenge } => {
            let challenge = known(challenge)?;
            let claim = docket.demands.get(&challenge.clocks.demand).map(|demand| demand.claim);
            let claim = claim.and_then(|claim| docket.claims.get_key_value(&claim));
            Form::of(vec![dispute::time_out_defender(challenge, docket.job.as_ref()?, claim)])
        }
        Move::Resolve { challenge } => {
            Form::of(vec![dispute::resolve_challenge(job_address, &known(challenge)?.challenger)])
        }
        Move::Settle => Form::of(vec![dispute::settle_dispute(job_address, &docket.won())]),
        Move::CloseChallenge { challenge } => Form::of(vec![close_challenge(context, known(challenge)?)]),
        Move::BurnSlash => Form::of(vec![dispute::burn_slash(job_address, *stake_mint)]),
        Move::CloseDemand { demand } => Form::of(vec![dispute::close_demand(demand, docket.demands.get(demand)?)]),
        Move::CloseClaim { claim } => {
            Form::of(vec![dispute::close_segment_claim(me, claim, docket.claims.get(claim)?, *stake_mint)])
        }
    })
}

/// What the operator signed about a segment, and the operator.
fn statement(context: &Context<'_>, signed: &SignedSegment) -> Option<(Pubkey, SegmentStatement)> {
    let (docket, job) = (context.docket, context.docket.job.as_ref()?);
    let SignedSegment { segment, root, .. } = *signed;
    Some((job.operator, dispute::segment_statement(context.genesis_hash, &docket.address, job, segment, root)))
}

fn close_challenge(context: &Context<'_>, challenge: &Challenge) -> Instruction {
    dispute::close_challenge(&context.me, &context.docket.address, &challenge.challenger, context.stake_mint)
}

/// The reveal together with the opening of the buffer and the first piece of the proof.
fn revealing(context: &Context<'_>, plain: &Form) -> Vec<Form> {
    let (Some(proof), Some(dispute)) = (context.proof, context.record.and_then(|record| record.dispute.as_ref()))
    else {
        return Vec::new();
    };
    let id = dispute.buffer;
    if context.docket.buffers.contains_key(&address::buffer(&context.me, id)) {
        return Vec::new();
    }
    let mut opened = plain.instructions.clone();
    opened.push(dispute::open_buffer(&context.me, id, first_step(proof.len())));
    let mut written = opened.clone();
    let first = proof.get(..PIECE_WITH_REVEAL_BYTES.min(proof.len()).min(PIECE_BYTES)).unwrap_or_default();
    written.push(dispute::write_buffer(&context.me, id, 0, first));
    vec![Form::of(written), Form::of(opened)]
}

/// The proof, with the recording of the signed root that it reads where that is not on the chain yet.
fn proving(context: &Context<'_>, wanted: &Move) -> Option<Vec<Instruction>> {
    let Move::Prove { segment, .. } = wanted else { return None };
    let Context { docket, me, .. } = context;
    let job = docket.job.as_ref()?;
    let (_, challenge) = docket.challenge_of(me)?;
    let buffer = address::buffer(me, context.record?.dispute.as_ref()?.buffer);
    let Some(segment) = segment else {
        return Some(vec![dispute::prove(challenge, job, &buffer, None)]);
    };
    if let Some(known) = segment.claim.and_then(|claim| docket.claims.get_key_value(&claim)) {
        return Some(vec![dispute::prove(challenge, job, &buffer, Some(known))]);
    }
    let signature = context.record?.proof.as_ref()?.segment.as_ref()?.signature.as_deref()?;
    let signature: Signature = signature.parse().ok()?;
    let statement =
        dispute::segment_statement(context.genesis_hash, &docket.address, job, segment.segment, segment.root);
    let address = address::segment_claim(&docket.address, segment.segment, &job.operator);
    let claim = SegmentClaim { signed: true, segment: segment.segment, root: segment.root, ..SegmentClaim::default() };
    let signature = signature.as_ref().try_into().ok()?;
    let [verify, record] = dispute::record_segment_root(me, &job.operator, &statement, signature);
    Some(vec![verify, record, dispute::prove(challenge, job, &buffer, Some((&address, &claim)))])
}

/// The settlement together with everything that can be closed once it is settled.
fn settling(context: &Context<'_>, plain: &Form) -> Vec<Form> {
    let Some((address, _)) = context.docket.challenge_of(&context.me) else { return Vec::new() };
    let mut instructions = plain.instructions.clone();
    if let Some(challenge) = context.docket.challenges.get(address) {
        instructions.push(close_challenge(context, challenge));
    }
    let short = Form::of(instructions.clone());
    let long = Form::of(closing(context, &short, None));
    vec![long, short]
}

/// `plain` with the closing of everything else of ours: buffer, demands, segment roots; and the burning of what is left.
fn closing(context: &Context<'_>, plain: &Form, challenge: Option<&Pubkey>) -> Vec<Instruction> {
    let Context { docket, me, stake_mint, .. } = context;
    let mut instructions = plain.instructions.clone();
    let dispute_record = context.record.and_then(|record| record.dispute.as_ref());
    if let Some(buffer) = dispute_record.map(|dispute| dispute.buffer)
        && docket.buffers.get(&address::buffer(me, buffer)).is_some_and(|view| view.held_by == Pubkey::default())
    {
        instructions.push(dispute::close_buffer(me, buffer));
    }
    // Closing a challenge alone says nothing about the job: it may not have ended.
    let over = |job: &Job| challenge.is_none() || job.is_over();
    if !docket.job.as_ref().is_none_or(over) {
        return instructions;
    }
    for (address, demand) in docket.demands.iter().filter(|(_, demand)| demand.payer == *me) {
        instructions.push(dispute::close_demand(address, demand));
    }
    for (address, claim) in docket.claims.iter().filter(|(_, claim)| claim.payer == *me) {
        instructions.push(dispute::close_segment_claim(me, address, claim, *stake_mint));
    }
    if docket.job.is_some() && challenge.is_none() {
        instructions.push(dispute::burn_slash(&docket.address, *stake_mint));
    }
    instructions
}
