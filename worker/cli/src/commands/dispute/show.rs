//! `assay dispute list` and `show`.

use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, Table, fields};
use assay::dispute::TargetKind;
use assay::state::{Challenge, DemandTree, Job};
use assay_chain::accounts::ChallengeFilter;
use assay_validator::docket::Docket;
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;

pub(super) async fn list(
    context: &Context,
    job: Option<Pubkey>,
    challenger: Option<Pubkey>,
    output: Output,
) -> Result<(), CliError> {
    let filter = ChallengeFilter { job, challenger, state: None };
    let mut challenges = context.chain().challenges(filter).await?;
    challenges.sort_by_key(|(_, challenge)| std::cmp::Reverse(challenge.committed_slot));
    let value: Vec<Value> = challenges.iter().map(|(address, challenge)| describe(address, challenge)).collect();
    output.result(&value, || {
        if challenges.is_empty() {
            return "no challenges".to_owned();
        }
        let mut table = Table::new(&["challenge", "job", "challenger", "state", "target", "bond", "slot"]);
        for (address, challenge) in &challenges {
            table.row([
                address.to_string(),
                challenge.job.to_string(),
                challenge.challenger.to_string(),
                state(challenge),
                target(challenge),
                challenge.bond.to_string(),
                challenge.committed_slot.to_string(),
            ]);
        }
        table.render()
    })
}

pub(super) async fn show(context: &Context, job: &Pubkey, output: Output) -> Result<(), CliError> {
    let docket = Docket::read(context.chain(), job, None, 0).await?;
    let Some(account) = docket.job.clone() else {
        return Err(CliError::new("A0501", format!("there is no job {job}; it was closed, or the address is wrong")));
    };
    output.result(&of_docket(&docket, &account), || words(&docket, &account))
}

/// A challenge as JSON.
fn describe(address: &Pubkey, challenge: &Challenge) -> Value {
    let revealed = challenge.revealed_slot != 0;
    json!({
        "challenge": address.to_string(),
        "job": challenge.job.to_string(),
        "challenger": challenge.challenger.to_string(),
        "state": state(challenge),
        "target": revealed.then(|| target(challenge)),
        "own_hash": revealed.then(|| hex::encode(challenge.own_hash)),
        "bond": challenge.bond,
        "earned": challenge.earned,
        "committed_slot": challenge.committed_slot,
        "revealed_slot": revealed.then_some(challenge.revealed_slot),
        "demands": challenge.clocks.demands,
    })
}

/// A whole dispute as JSON.
pub(super) fn of_docket(docket: &Docket, job: &Job) -> Value {
    let challenge = |(address, challenge): (&Pubkey, &Challenge)| {
        let mut value = describe(address, challenge);
        if let Some(fields) = value.as_object_mut() {
            let running = !challenge.state.is_end() && challenge.revealed_slot != 0;
            fields.insert("turn".into(), json!(running.then(|| turn(docket, challenge))));
            fields.insert("challenger_slots_left".into(), json!(docket.challenger_slots_left(challenge, job)));
            fields.insert("defender_slots_left".into(), json!(docket.defender_slots_left(challenge, job)));
        }
        value
    };
    let challenges: Vec<Value> = docket.challenges.iter().map(challenge).collect();
    let claims = docket.claims.iter().map(|(address, claim)| {
        json!({
            "claim": address.to_string(),
            "segment": claim.segment,
            "root": hex::encode(claim.root),
            "signed": claim.signed,
            "author": claim.author.to_string(),
            "stands": claim.refuted_slot == 0,
            "bond": claim.bond,
        })
    });
    let demands = docket.demands.iter().map(|(address, demand)| {
        json!({
            "demand": address.to_string(),
            "what": what(&demand.key.tree),
            "slot": demand.key.slot,
            "height": demand.key.height,
            "index": demand.key.index,
            "answered": demand.answered_slot != 0,
            "fee_lamports": demand.fee_lamports,
            "payer": demand.payer.to_string(),
        })
    });
    json!({
        "job": docket.address.to_string(),
        "slot": docket.slot,
        "state": format!("{:?}", job.state).to_lowercase(),
        "challenge_until_slot": job.committed_slot.saturating_add(job.window_slots),
        "challenge_bond": job.dispute.challenge_bond,
        "bounty_bps": job.dispute.bounty_bps,
        "challenges_open": job.record.challenges_open,
        "valid_claims": job.record.valid_claims,
        "fault": format!("{:?}", job.record.fault),
        "convicted_slot": (job.record.convicted_slot != 0).then_some(job.record.convicted_slot),
        "bounty": job.record.bounty,
        "burn_credit": job.record.burn_credit,
        "settled": job.record.settled,
        "challenges": challenges,
        "segment_roots": claims.collect::<Vec<Value>>(),
        "demands": demands.collect::<Vec<Value>>(),
    })
}

fn words(docket: &Docket, job: &Job) -> String {
    let convicted = match job.record.convicted_slot {
        0 => "no".to_owned(),
        slot => format!("{:?} in slot {slot}", job.record.fault),
    };
    let mut parts = vec![fields([
        ("job", docket.address.to_string()),
        ("state", format!("{:?}", job.state).to_lowercase()),
        ("slot", docket.slot.to_string()),
        ("challengeable until", job.committed_slot.saturating_add(job.window_slots).to_string()),
        ("challenge bond", job.dispute.challenge_bond.to_string()),
        ("convicted", convicted),
        ("open challenges", job.record.challenges_open.to_string()),
        ("bounty", format!("{}, settled: {}", job.record.bounty, job.record.settled)),
        ("to be burned", job.record.burn_credit.to_string()),
    ])];
    if !docket.challenges.is_empty() {
        let mut table = Table::new(&["challenger", "state", "target", "turn", "its slots left", "defender's left"]);
        for challenge in docket.challenges.values() {
            table.row([
                challenge.challenger.to_string(),
                state(challenge),
                target(challenge),
                if challenge.state.is_end() { "-" } else { turn(docket, challenge) }.to_owned(),
                docket.challenger_slots_left(challenge, job).to_string(),
                docket.defender_slots_left(challenge, job).to_string(),
            ]);
        }
        parts.push(table.render());
    }
    if !docket.claims.is_empty() {
        let mut table = Table::new(&["segment", "root", "by", "stands"]);
        for claim in docket.claims.values() {
            let by = if claim.signed { "the node's signature".to_owned() } else { claim.author.to_string() };
            let stands = if claim.refuted_slot == 0 { "yes" } else { "refuted" };
            table.row([claim.segment.to_string(), hex::encode(claim.root), by, stands.to_owned()]);
        }
        parts.push(table.render());
    }
    if !docket.demands.is_empty() {
        let mut table = Table::new(&["demand", "slot", "height", "index", "answered", "fee"]);
        for demand in docket.demands.values() {
            table.row([
                what(&demand.key.tree).to_owned(),
                demand.key.slot.to_string(),
                demand.key.height.to_string(),
                demand.key.index.to_string(),
                if demand.answered_slot != 0 { "yes" } else { "no" }.to_owned(),
                demand.fee_lamports.to_string(),
            ]);
        }
        parts.push(table.render());
    }
    parts.join("\n\n")
}

fn turn(docket: &Docket, challenge: &Challenge) -> &'static str {
    if docket.is_challengers_turn(challenge) { "challenger" } else { "defender" }
}

fn what(tree: &DemandTree) -> &'static str {
    match tree {
        DemandTree::Boundary => "boundary",
        DemandTree::Segment => "segment",
        DemandTree::Tensor => "tensor",
        DemandTree::SegmentRoot => "segment root",
    }
}

fn state(challenge: &Challenge) -> String {
    format!("{:?}", challenge.state).to_lowercase()
}

fn target(challenge: &Challenge) -> String {
    match challenge.target.kind {
        TargetKind::Output => "output".to_owned(),
        _ if challenge.revealed_slot == 0 => "sealed".to_owned(),
        TargetKind::Boundary => format!("boundary {}", challenge.target.index),
        TargetKind::Segment => format!("segment {}", challenge.target.index),
    }
}
