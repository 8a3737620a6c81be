//! Proposals in words and as JSON.

use super::parameters::{SETTINGS, parameter_values};
use assay::state::{Change, Network, Proposal};
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;

/// What Solana aims at.
const NOMINAL_SLOT_MS: u64 = 400;

/// A change in words; of parameters those that differ from `now`.
pub(super) fn words(change: &Change, now: &Network) -> String {
    match change {
        Change::Parameters { parameters } => {
            let changes: Vec<String> = SETTINGS
                .iter()
                .map(|setting| (setting.name, setting.value(&now.parameters), setting.value(parameters)))
                .filter(|(_, from, to)| from != to)
                .map(|(name, from, to)| format!("{name} from {from} to {to}"))
                .collect();
            if changes.is_empty() { "parameters as they are".to_owned() } else { changes.join(", ") }
        }
        Change::AllowPaymentMint { mint, bond_numerator, bond_denominator } => {
            format!("allow payments in {mint} at {bond_numerator}/{bond_denominator}")
        }
        Change::SetPaymentMint { mint, enabled, bond_numerator, bond_denominator } => {
            let what = if *enabled { "enable" } else { "disable" };
            format!("{what} payments in {mint} at {bond_numerator}/{bond_denominator}")
        }
        Change::WithdrawFees { mint, destination, amount } => format!("pay {amount} of {mint} to {destination}"),
        Change::Guardian { guardian } if *guardian == Pubkey::default() => "no guardian".to_owned(),
        Change::Guardian { guardian } => format!("guardian {guardian}"),
        Change::Timelock { timelock_slots } => format!("timelock of {timelock_slots} slots"),
        Change::FeeBurn { fee_burn_bps } => format!("burn {fee_burn_bps} bps of fees in the stake mint"),
    }
}

pub(super) fn change_value(change: &Change) -> Value {
    match change {
        Change::Parameters { parameters } => {
            json!({ "kind": "parameters", "parameters": parameter_values(parameters) })
        }
        Change::AllowPaymentMint { mint, bond_numerator, bond_denominator } => {
            json!({ "kind": "allow_payment_mint", "mint": mint.to_string(), "bond_rate": [bond_numerator, bond_denominator] })
        }
        Change::SetPaymentMint { mint, enabled, bond_numerator, bond_denominator } => json!({
            "kind": "set_payment_mint",
            "mint": mint.to_string(),
            "enabled": enabled,
            "bond_rate": [bond_numerator, bond_denominator],
        }),
        Change::WithdrawFees { mint, destination, amount } => json!({
            "kind": "withdraw_fees",
            "mint": mint.to_string(),
            "destination": destination.to_string(),
            "amount": amount,
        }),
        Change::Guardian { guardian } => json!({ "kind": "guardian", "guardian": guardian.to_string() }),
        Change::Timelock { timelock_slots } => json!({ "kind": "timelock", "timelock_slots": timelock_slots }),
        Change::FeeBurn { fee_burn_bps } => json!({ "kind": "fee_burn", "fee_burn_bps": fee_burn_bps }),
    }
}

/// What can be done with a proposal in a slot.
fn state(proposal: &Proposal, slot: u64) -> &'static str {
    match slot {
        slot if slot < proposal.eta_slot => "waiting",
        slot if slot <= proposal.last_slot => "executable",
        _ => "expired",
    }
}

pub(super) fn proposal_value(proposal: &Proposal, slot: u64) -> Value {
    json!({
        "number": proposal.number,
        "state": state(proposal, slot),
        "proposer": proposal.proposer.to_string(),
        "proposed_slot": proposal.proposed_slot,
        "eta_slot": proposal.eta_slot,
        "last_slot": proposal.last_slot,
        "change": change_value(&proposal.change),
    })
}

/// About how long it is from one slot to a later one.
pub(super) fn about(slots: u64) -> String {
    let minutes = slots.saturating_mul(NOMINAL_SLOT_MS) / 60_000;
    match minutes {
        0..120 => format!("{minutes} min"),
        120..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

pub(super) fn proposal_row(proposal: &Proposal, network: &Network, slot: u64) -> [String; 4] {
    let when = match state(proposal, slot) {
        "waiting" => format!("waits until slot {} ({})", proposal.eta_slot, about(proposal.eta_slot - slot)),
        "executable" => format!("until slot {}", proposal.last_slot),
        _ => "can be closed".to_owned(),
    };
    [proposal.number.to_string(), state(proposal, slot).to_owned(), when, words(&proposal.change, network)]
}

pub(super) const PROPOSAL_COLUMNS: [&str; 4] = ["proposal", "state", "when", "change"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::network::tests::parameters;

    #[test]
    fn a_proposal_is_waiting_then_executable_then_expired() {
        let proposal = Proposal {
            version: 1,
            bump: 0,
            number: 4,
            proposer: assay::ID,
            proposed_slot: 10,
            eta_slot: 20,
            last_slot: 30,
            change: Change::FeeBurn { fee_burn_bps: 7 },
        };
        let states = [19, 20, 30, 31].map(|slot| state(&proposal, slot));
        assert_eq!(states, ["waiting", "executable", "executable", "expired"]);
        let value = proposal_value(&proposal, 19);
        assert_eq!((&value["number"], &value["change"]["fee_burn_bps"]), (&json!(4), &json!(7)));
    }

    #[test]
    fn of_parameters_only_those_that_change_are_said() {
        let network = Network { parameters: parameters(), ..Network::default() };
        let mut changed = network.parameters;
        changed.protocol_fee_bps += 50;
        let (from, to) = (network.parameters.protocol_fee_bps, changed.protocol_fee_bps);
        let said = words(&Change::Parameters { parameters: changed }, &network);
        assert_eq!(said, format!("protocol_fee_bps from {from} to {to}"));
    }
}
