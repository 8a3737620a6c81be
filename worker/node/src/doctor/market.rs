//! The program, the network, the node's account and what its operator key holds.

use super::endpoints::{Said, within};
use super::finding::{Finding, Grade};
use crate::config::NodeConfig;
use crate::defence::reserve::Reserve;
use assay::state::{Job, Network, Node};
use assay::state_machine::JobState;
use assay::units::Slot;
use assay_chain::Chain;
use assay_chain::accounts::JobFilter;
use referee::graph::IR_VERSION;
use solana_sdk::pubkey::Pubkey;
use std::net::SocketAddr;

/// Slots of a day as Solana aims at them.
const SLOTS_OF_A_DAY: u64 = 216_000;
/// The share of the stake that is slashed beside a bond where no open job says so: what the network's parameters say is pinned
/// with each job.
const WHOLE_BPS: u64 = 10_000;

/// What the chain says; an answer that did not come has its code and text.
#[derive(Debug)]
pub(super) struct MarketFacts {
    pub(super) slot: Result<u64, Said>,
    pub(super) has_program: Result<bool, Said>,
    pub(super) network: Result<Option<Network>, Said>,
    pub(super) node: Result<Option<Node>, Said>,
    /// Lamports of the key at hand.
    pub(super) balance_lamports: Result<u64, Said>,
    /// IR versions of the jobs that wait to be claimed.
    pub(super) posted_versions: Result<Vec<u16>, Said>,
}

impl MarketFacts {
    pub(super) async fn of(chain: &Chain, node: &Pubkey, operator: Option<&Pubkey>) -> Self {
        let balance = async {
            match operator {
                Some(operator) => within(chain.balance_lamports(operator)).await,
                None => Err(Said { code: "C0103".to_owned(), text: "the key is not known".to_owned() }),
            }
        };
        let posted = JobFilter { state: Some(JobState::Posted), ..JobFilter::default() };
        let (slot, has_program, network, node, balance_lamports, posted) = tokio::join!(
            within(chain.slot()),
            within(chain.has_program()),
            within(chain.find_network()),
            within(chain.find_node(node)),
            balance,
            within(chain.jobs(posted)),
        );
        let versions = |jobs: Vec<(Pubkey, Job)>| jobs.into_iter().map(|(_, job)| job.ir_version).collect();
        Self { slot, has_program, network, node, balance_lamports, posted_versions: posted.map(versions) }
    }

    /// Whether nothing on the network is worth anything; a network that is not known may be worth a lot.
    pub(super) fn is_development(&self) -> bool {
        matches!(&self.network, Ok(Some(network)) if network.development)
    }
}

/// Grades program and network.
pub(super) fn grade_network(facts: &MarketFacts) -> Vec<Finding> {
    let mut findings = vec![match &facts.has_program {
        Ok(true) => Finding::well("program", assay::ID.to_string()),
        Ok(false) => Finding::ill(
            Grade::Error,
            "program",
            "N0920",
            format!("the program {} is not deployed on this cluster", assay::ID),
            "use an endpoint of the cluster that is meant (--url)",
        ),
        Err(said) => unknown("program", said),
    }];
    let network = match &facts.network {
        Ok(Some(network)) => network,
        Ok(None) => {
            findings.push(Finding::ill(
                Grade::Error,
                "network",
                "N0921",
                "there is no network on this cluster",
                "use an endpoint of the cluster that is meant (--url), or make a network with `assay network apply`",
            ));
            return findings;
        }
        Err(said) => {
            findings.push(unknown("network", said));
            return findings;
        }
    };
    let kind = if network.development { "a development network" } else { "a network whose tokens may have value" };
    findings.push(Finding::well("network", format!("{kind}, layout {}", network.version)));
    if let Ok(slot) = facts.slot
        && slot < network.paused_until_slot
    {
        findings.push(Finding::ill(
            Grade::Warning,
            "pause",
            "N0922",
            format!("the guardian paused new work until slot {}, it is slot {slot}", network.paused_until_slot),
            "nothing has to be done: the node claims again when the pause is over",
        ));
    }
    if let Ok(versions) = &facts.posted_versions {
        let (all, other) = (versions.len(), versions.iter().filter(|version| **version != IR_VERSION).count());
        findings.push(match other {
            0 => Finding::well("graph language", format!("version {IR_VERSION}, as that of all {all} posted jobs")),
            other => Finding::ill(
                Grade::Warning,
                "graph language",
                "N0923",
                format!("{other} of {all} posted jobs are not of version {IR_VERSION}, which this node speaks"),
                "use the release of this program that speaks it",
            ),
        });
    }
    findings
}

/// Grades the node's account for the key at hand.
pub(super) fn grade_account(facts: &MarketFacts, node: &Pubkey, operator: Option<&Pubkey>) -> Vec<Finding> {
    let account = match &facts.node {
        Ok(Some(account)) => account,
        Ok(None) => {
            return vec![Finding::ill(
                Grade::Error,
                "registration",
                "N0601",
                format!("there is no node {node} on this network"),
                "register it with `assay node init`, or check --url",
            )];
        }
        Err(said) => return vec![unknown("registration", said)],
    };
    let mut findings = vec![Finding::well("registration", node.to_string())];
    if let Some(operator) = operator {
        findings.push(if account.operator == *operator {
            Finding::well("operator", operator.to_string())
        } else {
            Finding::ill(
                Grade::Error,
                "operator",
                "N0602",
                format!("the chain names {}, the folder holds {operator}", account.operator),
                "use that key, or name this one with `assay node init`, signed by the withdraw authority",
            )
        });
    }
    findings.push(match account.fraud_convictions {
        0 => Finding::well("convictions", "none"),
        _ => Finding::ill(
            Grade::Error,
            "convictions",
            "N0503",
            "it was convicted and claims no more",
            "find the cause, withdraw what is left, and register another node",
        ),
    });
    if let Ok(Some(network)) = &facts.network {
        findings.extend(grade_stake(account, network));
        if let Ok(slot) = facts.slot {
            findings.push(grade_standing(account, network, slot));
        }
    }
    findings
}

fn grade_stake(account: &Node, network: &Network) -> Vec<Finding> {
    let minimum = network.parameters.minimum_stake;
    if account.stake < minimum {
        return vec![Finding::ill(
            Grade::Warning,
            "stake",
            "N0924",
            format!("the stake is {}, the network asks for {minimum}: the node claims nothing", account.stake),
            format!("assay node stake {}", minimum.saturating_sub(account.stake)),
        )];
    }
    let mut findings = vec![Finding::well("stake", format!("{}, of which {} locked", account.stake, account.locked))];
    // Beside all bonds stays what a conviction would slash.
    let share = u64::from(account.slash_reserve_bps.max(network.parameters.dispute.slash_bps));
    let reserve = u128::from(account.stake).saturating_mul(share.into()) / u128::from(WHOLE_BPS);
    let reserve = u64::try_from(reserve).unwrap_or(u64::MAX);
    let free = account.stake.saturating_sub(account.locked).saturating_sub(reserve);
    findings.push(match free {
        0 => Finding::ill(
            if account.open_jobs > 0 { Grade::Note } else { Grade::Warning },
            "free bond",
            "N0925",
            format!("no stake is free for another bond: {} locked, {reserve} kept for a slash", account.locked),
            "it comes free as jobs end; stake more to take more at a time",
        ),
        free => Finding::well("free bond", format!("{free} for bonds of further jobs")),
    });
    findings
}

fn grade_standing(account: &Node, network: &Network, slot: u64) -> Finding {
    const CHECK: &str = "standing";
    let standing = &account.standing;
    if slot < standing.jailed_until_slot {
        return Finding::ill(
            Grade::Warning,
            CHECK,
            "N0926",
            format!("in jail for repeated misses until slot {}, it is slot {slot}", standing.jailed_until_slot),
            "find out why results came late or not at all (`assay node explain`); the jail ends by itself",
        );
    }
    if standing.maintenance.covers(Slot(slot)) {
        let end = standing.maintenance.end_slot;
        let found = format!("in declared maintenance until slot {end}, it is slot {slot}");
        return Finding::ill(Grade::Note, CHECK, "N0926", found, "nothing has to be done");
    }
    if standing.unresolved > 0 {
        return Finding::ill(
            Grade::Note,
            CHECK,
            "N0926",
            format!("{} misses are not accounted for: no claims before a heartbeat", standing.unresolved),
            "nothing has to be done: a running node sends it",
        );
    }
    match account.check_may_take(Slot(slot), &network.parameters) {
        Ok(()) => Finding::well(CHECK, "the network lets it take another job"),
        Err(error) => Finding::ill(
            Grade::Note,
            CHECK,
            &format!("P{}", u32::from(error)),
            format!("the network would not let it take another job now: {error:?}"),
            "see `assay node explain`",
        ),
    }
}

/// For how long the operator key is to pay, and for how much work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// Days.
    pub days: u32,
    /// Jobs of a day.
    pub jobs_per_day: u32,
}

impl Default for Horizon {
    /// A week of a job every quarter of an hour.
    fn default() -> Self {
        Self { days: 7, jobs_per_day: 96 }
    }
}

impl Horizon {
    /// Lamports of fees for heartbeats and jobs: claims, commitments, settlements and withdrawals.
    fn fees_lamports(self, epoch_slots: u64, fee_lamports: u64) -> u64 {
        let heartbeats = SLOTS_OF_A_DAY.div_ceil(epoch_slots.max(1));
        let jobs = Reserve::upkeep_lamports(fee_lamports).saturating_mul(self.jobs_per_day.into());
        heartbeats.saturating_mul(fee_lamports).saturating_add(jobs).saturating_mul(self.days.into())
    }
}

/// Grades what the operator key holds. `needed_lamports` is what the defence of the open jobs can take.
pub(super) fn grade_funds(
    facts: &MarketFacts,
    needed_lamports: u64,
    horizon: Horizon,
    fee_lamports: u64,
    operator: Option<&Pubkey>,
) -> Vec<Finding> {
    const CHECK: &str = "lamports";
    let balance = match &facts.balance_lamports {
        Ok(balance) => *balance,
        Err(said) => return vec![unknown(CHECK, said)],
    };
    let to = operator.map_or_else(|| "the operator key".to_owned(), Pubkey::to_string);
    if balance < needed_lamports {
        let lacking = needed_lamports.saturating_sub(balance);
        return vec![Finding::ill(
            Grade::Error,
            CHECK,
            "N0406",
            format!("{balance} lamports, {needed_lamports} needed for the defence of the open jobs"),
            format!("send {lacking} or more to {to}"),
        )];
    }
    let epoch = match &facts.network {
        Ok(Some(network)) => u64::from(network.parameters.scheduling.epoch_slots),
        _ => SLOTS_OF_A_DAY,
    };
    let fees = horizon.fees_lamports(epoch, fee_lamports);
    let whole = needed_lamports.saturating_add(fees);
    let Horizon { days, jobs_per_day } = horizon;
    if balance < whole {
        let lacking = whole.saturating_sub(balance);
        return vec![Finding::ill(
            Grade::Warning,
            CHECK,
            "N0927",
            format!(
                "{balance} lamports: {needed_lamports} for the defence of the open jobs and {fees} of fees for {days} days of \
                 {jobs_per_day} jobs are {whole}"
            ),
            format!("send {lacking} or more to {to}"),
        )];
    }
    vec![Finding::well(CHECK, format!("{balance}, of which {whole} last for {days} days of {jobs_per_day} jobs"))]
}

/// Grades settings that are good on a network of one's own only.
pub(super) fn grade_settings(config: &NodeConfig, is_development: bool, is_debug_build: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let grade = if is_development { Grade::Note } else { Grade::Warning };
    if config.allow_private_addresses {
        findings.push(Finding::ill(
            grade,
            "settings",
            "N0928",
            "allow_private_addresses = true: strangers can make the node send requests inside its own network",
            "set it to false on a network that others use",
        ));
    }
    if !is_private(config.status_listen) {
        findings.push(Finding::ill(
            grade,
            "settings",
            "N0928",
            format!("status_listen = \"{}\": everybody can read what the node does and earns", config.status_listen),
            "listen on 127.0.0.1 and read it through a tunnel",
        ));
    }
    if is_debug_build {
        findings.push(Finding::ill(
            grade,
            "build",
            "N0929",
            "this is a development build: slow, and it can be told to make faults",
            "build with `cargo build --profile fast --bin assay`",
        ));
    }
    findings
}

fn is_private(address: SocketAddr) -> bool {
    address.ip().is_loopback()
}

/// What could not be read, because an endpoint failed or an account has another layout.
fn unknown(check: &'static str, said: &Said) -> Finding {
    let remedy =
        "see what is said of the RPC endpoints; where these are well, use the command of the network's version";
    Finding::of_error(Grade::Error, check, &said.code, &said.text, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::state::{Parameters, SchedulingParameters};

    const FEE: u64 = 10_000;

    fn network() -> Network {
        let scheduling =
            SchedulingParameters { epoch_slots: 21_600, stake_per_job: 1, ..SchedulingParameters::default() };
        let parameters =
            Parameters { minimum_stake: 100, maximum_open_jobs_per_node: 10, scheduling, ..Parameters::default() };
        Network { parameters, ..Network::default() }
    }

    fn operator() -> Pubkey {
        Pubkey::new_from_array([5; 32])
    }

    fn account() -> Node {
        Node { operator: operator(), stake: 1_000, ..Node::default() }
    }

    fn facts() -> MarketFacts {
        MarketFacts {
            slot: Ok(500),
            has_program: Ok(true),
            network: Ok(Some(network())),
            node: Ok(Some(account())),
            balance_lamports: Ok(u64::MAX),
            posted_versions: Ok(vec![IR_VERSION]),
        }
    }

    fn down() -> Said {
        Said { code: "C0133".to_owned(), text: "another layout".to_owned() }
    }

    fn ill(findings: Vec<Finding>) -> Vec<(Grade, String)> {
        findings.into_iter().filter_map(|finding| finding.code.map(|code| (finding.grade, code))).collect()
    }

    fn one(grade: Grade, code: &str) -> Vec<(Grade, String)> {
        vec![(grade, code.to_owned())]
    }

    fn of_account(facts: &MarketFacts) -> Vec<(Grade, String)> {
        ill(grade_account(facts, &Pubkey::default(), Some(&operator())))
    }

    #[test]
    fn a_program_or_network_that_is_missing_or_of_another_layout_is_an_error() {
        assert_eq!(ill(grade_network(&facts())), []);
        let none = MarketFacts { has_program: Ok(false), network: Ok(None), ..facts() };
        assert_eq!(ill(grade_network(&none)), [one(Grade::Error, "N0920"), one(Grade::Error, "N0921")].concat());
        let outdated = MarketFacts { network: Err(down()), ..facts() };
        assert_eq!(ill(grade_network(&outdated)), one(Grade::Error, "C0133"));
    }

    #[test]
    fn a_pause_and_jobs_of_another_version_are_warnings() {
        let paused = Network { paused_until_slot: 501, ..network() };
        assert_eq!(
            ill(grade_network(&MarketFacts { network: Ok(Some(paused.clone())), ..facts() })),
            one(Grade::Warning, "N0922")
        );
        let over = MarketFacts { network: Ok(Some(paused)), slot: Ok(501), ..facts() };
        assert_eq!(ill(grade_network(&over)), []);
        let newer = MarketFacts { posted_versions: Ok(vec![IR_VERSION, IR_VERSION + 1]), ..facts() };
        assert_eq!(ill(grade_network(&newer)), one(Grade::Warning, "N0923"));
    }

    #[test]
    fn an_account_that_is_missing_of_another_key_or_convicted_is_an_error() {
        assert_eq!(of_account(&facts()), []);
        assert_eq!(of_account(&MarketFacts { node: Ok(None), ..facts() }), one(Grade::Error, "N0601"));
        assert_eq!(of_account(&MarketFacts { node: Err(down()), ..facts() }), one(Grade::Error, "C0133"));
        let other = Node { operator: Pubkey::default(), ..account() };
        assert_eq!(of_account(&MarketFacts { node: Ok(Some(other)), ..facts() }), one(Grade::Error, "N0602"));
        let convicted = Node { fraud_convictions: 1, ..account() };
        let found = of_account(&MarketFacts { node: Ok(Some(convicted)), ..facts() });
        assert_eq!(found[..1], one(Grade::Error, "N0503"));
    }

    #[test]
    fn too_little_or_locked_stake_and_a_bad_standing_are_told() {
        let with = |node: Node| of_account(&MarketFacts { node: Ok(Some(node)), ..facts() });
        let poor = with(Node { stake: 99, ..account() });
        assert_eq!(poor[..1], one(Grade::Warning, "N0924"));
        let reserved = Node { locked: 750, slash_reserve_bps: 2_500, open_jobs: 1, ..account() };
        assert_eq!(with(reserved.clone()), one(Grade::Note, "N0925"));
        assert_eq!(with(Node { locked: 749, ..reserved }), []);
        let mut jailed = account();
        jailed.standing.jailed_until_slot = 501;
        assert_eq!(with(jailed), one(Grade::Warning, "N0926"));
        let mut away = account();
        (away.standing.maintenance.start_slot, away.standing.maintenance.end_slot) = (400, 600);
        assert_eq!(with(away), one(Grade::Note, "N0926"));
        let mut missed = account();
        missed.standing.unresolved = 1;
        assert_eq!(with(missed), one(Grade::Note, "N0926"));
    }

    #[test]
    fn lamports_have_to_last_for_defence_and_then_for_days() {
        let horizon = Horizon { days: 2, jobs_per_day: 3 };
        // Ten heartbeats and three jobs of five transactions a day.
        assert_eq!(horizon.fees_lamports(21_600, FEE), 2 * (10 + 15) * FEE);
        let at = |balance| {
            let facts = MarketFacts { balance_lamports: Ok(balance), ..facts() };
            ill(grade_funds(&facts, 1_000, horizon, FEE, Some(&operator())))
        };
        assert_eq!(at(999), one(Grade::Error, "N0406"));
        assert_eq!(at(1_000), one(Grade::Warning, "N0927"));
        assert_eq!(at(1_000 + 2 * 25 * FEE), []);
        let unknown = MarketFacts { balance_lamports: Err(down()), ..facts() };
        assert_eq!(ill(grade_funds(&unknown, 0, horizon, FEE, None)), one(Grade::Error, "C0133"));
        assert!(Horizon { days: u32::MAX, jobs_per_day: u32::MAX }.fees_lamports(0, u64::MAX) > 0);
    }

    #[test]
    fn settings_of_ones_own_network_are_warned_of_on_others() {
        let open = NodeConfig {
            allow_private_addresses: true,
            status_listen: ([0, 0, 0, 0], 1).into(),
            ..NodeConfig::default()
        };
        let codes = |grade: Grade| [one(grade, "N0928"), one(grade, "N0928"), one(grade, "N0929")].concat();
        assert_eq!(ill(grade_settings(&open, false, true)), codes(Grade::Warning));
        assert_eq!(ill(grade_settings(&open, true, true)), codes(Grade::Note));
        assert_eq!(ill(grade_settings(&NodeConfig::default(), false, false)), []);
    }
}
