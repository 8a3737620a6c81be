//! The demo in words and tables, for a terminal of 100 columns.

use super::jobs::Entry;
use crate::local_market::{NodeInfo, ValidatorInfo};
use crate::output::Table;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_localnet::market::TOKEN;
use assay_node::status::Status;
use console::{style, truncate_str};
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;

/// What somebody has, in base units and lamports.
#[derive(Clone, Debug)]
pub(super) struct Balance {
    pub(super) name: String,
    pub(super) tokens: u64,
    pub(super) stake: Option<u64>,
    pub(super) lamports: Option<u64>,
}

/// Base units as tokens.
pub(super) fn tokens(amount: u64) -> String {
    format!("{}.{:02}", amount / TOKEN, amount % TOKEN / (TOKEN / 100))
}

/// One line of what happens in the market.
pub(super) fn happening(job: u64, slot: u64, words: &str) -> String {
    format!("{}  job {job:>2}  {words}", style(format!("  slot {slot:>4}")).dim())
}

/// What just happened to a job.
pub(super) fn state_words(job: &Job, node: &str) -> String {
    match job.state {
        JobState::Posted => "posted".to_owned(),
        JobState::Claimed => format!("{} by {node} for {}", style("claimed").yellow(), tokens(job.price)),
        JobState::Committed => {
            format!("{node} {} its result: {}", style("committed").blue(), hex::encode(&job.commitment[..8]))
        }
        JobState::Settled => {
            let rest = tokens(job.price_max.saturating_sub(job.price));
            format!("{}: {} for {node}, {rest} back to the client", style("settled").green(), tokens(job.price))
        }
        JobState::Expired => {
            format!("{}: nobody took it at that price, everything goes back", style("expired").magenta())
        }
        JobState::Cancelled => format!("{} by the client: everything goes back", style("cancelled").magenta()),
        JobState::Accepted => format!("{} by the client: {node} is paid at once", style("accepted").green()),
        JobState::Convicted => {
            format!(
                "{}: {node} is {}, everything goes back to the client",
                style("proved wrong").red(),
                style("slashed").red()
            )
        }
        JobState::Missed => {
            format!("{} by {node}: everything goes back, and a charge from its bond", style("missed").red())
        }
    }
}

/// Every job in one line.
pub(super) fn job_table(
    entries: &[Entry],
    ended: &HashMap<Pubkey, Job>,
    nodes: &[NodeInfo],
    statuses: &[Status],
) -> Table {
    let mut table = Table::new(&[
        "job",
        "images",
        "price",
        "paid",
        "node",
        "backend",
        "kernel ms",
        "hash ms",
        "slots",
        "commitment",
        "ended",
    ]);
    for entry in entries {
        let Some(job) = ended.get(&entry.posted.address) else { continue };
        let address = entry.posted.address.to_string();
        let record = statuses
            .iter()
            .flat_map(|status| &status.jobs)
            .find(|record| record.job == address && record.computed.is_some());
        let computed = record.and_then(|record| record.computed.as_ref());
        let none = || "-".to_owned();
        let claimed = |cell: String| if job.claimed_slot == 0 { none() } else { cell };
        let node = nodes.iter().find(|node| node.address == job.node).map_or("-", |node| node.name);
        table.row([
            entry.posted.job_id.to_string(),
            entry.images.len().to_string(),
            format!("{}–{}", tokens(job.price_min), tokens(job.price_max)),
            claimed(tokens(job.price)),
            node.to_owned(),
            computed.map_or_else(none, |computed| computed.backend.clone()),
            computed.map_or_else(none, |computed| milliseconds(computed.kernel_micros)),
            computed.map_or_else(none, |computed| milliseconds(computed.commit_micros)),
            claimed(last_slot(job).saturating_sub(job.posted_slot).to_string()),
            claimed(hex::encode(&job.commitment[..4])),
            format!("{:?}", job.state).to_lowercase(),
        ]);
    }
    table
}

/// When the result was proved wrong, or else stood.
fn last_slot(job: &Job) -> u64 {
    match job.state {
        JobState::Convicted => job.record.convicted_slot,
        _ => job.committed_slot + job.window_slots,
    }
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{:02}", micros / 1000, micros % 1000 / 10)
}

/// What a node offers, in two lines of a terminal.
pub(super) fn node_words(node: &NodeInfo) -> String {
    const COLUMNS: usize = 96;
    let device = format!("{}: {}", node.backend, node.device);
    let lies = if node.lies { style(", lies about one element").red().to_string() } else { String::new() };
    format!(
        "  {}  takes jobs from {} tokens on, {} at stake{lies}\n          {}",
        style(node.name).bold(),
        tokens(node.price_floor),
        tokens(node.stake),
        truncate_str(&device, COLUMNS - 10, "…")
    )
}

/// What the validator does, in one line.
pub(super) fn validator_words(validator: &ValidatorInfo) -> String {
    let key = validator.key.to_string();
    format!("  {}  replays every result and challenges what is wrong; key {}…", style("validator").bold(), &key[..8])
}

/// Who has what, before and after.
pub(super) fn balance_table(before: &[Balance], after: &[Balance]) -> Table {
    let mut table = Table::new(&["who", "before", "after", "change", "stake", "lamports spent"]);
    for (before, after) in before.iter().zip(after) {
        let sign = if after.tokens < before.tokens { '-' } else { '+' };
        let spent = before.lamports.zip(after.lamports).map(|(before, after)| before.saturating_sub(after));
        table.row([
            after.name.clone(),
            tokens(before.tokens),
            tokens(after.tokens),
            format!("{sign}{}", tokens(after.tokens.abs_diff(before.tokens))),
            after.stake.map_or("-".to_owned(), tokens),
            spent.map_or("-".to_owned(), |lamports| lamports.to_string()),
        ]);
    }
    table
}

/// How jobs were claimed: after how many slots, and how many claims another node won.
pub(super) fn claim_words(ended: &HashMap<Pubkey, Job>, statuses: &[Status]) -> String {
    let mut slots: Vec<u64> = ended
        .values()
        .filter(|job| job.claimed_slot > 0)
        .map(|job| job.claimed_slot.saturating_sub(job.posted_slot))
        .collect();
    slots.sort_unstable();
    let median = slots.get(slots.len().saturating_sub(1) / 2).copied().unwrap_or(0);
    let most = slots.last().copied().unwrap_or(0);
    let lost: u64 = statuses.iter().map(|status| status.totals.lost).sum();
    format!(
        "  claimed after {median} slots (median), {most} at most, the rise of the price included; {lost} claims lost to another node"
    )
}

/// Names of the backends that computed results.
pub(super) fn backends_used(statuses: &[Status]) -> Vec<String> {
    let computed = statuses.iter().flat_map(|status| &status.jobs).filter_map(|record| record.computed.as_ref());
    let mut backends: Vec<String> = computed.map(|computed| computed.backend.clone()).collect();
    backends.sort();
    backends.dedup();
    backends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_cut_to_cents_never_rounded_up() {
        assert_eq!(
            (tokens(0), tokens(1_999_999), tokens(1_000_050_000)),
            ("0.00".into(), "1.99".into(), "1000.05".into())
        );
        assert_eq!((milliseconds(12_345), milliseconds(999)), ("12.34".into(), "0.99".into()));
    }

    #[test]
    fn a_change_has_its_sign() {
        let balance = |tokens| Balance { name: "client".into(), tokens, stake: None, lamports: Some(5_000) };
        let lost = balance_table(&[balance(10 * TOKEN)], &[balance(8 * TOKEN)]).render();
        assert!(lost.contains("-2.00"), "{lost}");
        let won = balance_table(&[balance(0)], &[balance(TOKEN)]).render();
        assert!(won.contains("+1.00"), "{won}");
    }
}
