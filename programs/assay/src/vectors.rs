//! Test vectors for other languages: what the pure rules give. The files in `app/vectors` are compared with what this code
//! computes and written anew by `ASSAY_WRITE_VECTORS=1 cargo test -p assay vectors`.
//!
//! Those of reputation and of sortition are made beside their rules.

mod accounts;

use crate::audit::Epoch;
use crate::error::AssayError;
use crate::fairness::commission::Commission;
use crate::fairness::filter::JobFilter;
use crate::fairness::lateness::{cost_units, expected_slots, lateness};
use crate::fairness::loss::DelegationLoss;
use crate::fairness::maintenance::Maintenance;
use crate::fairness::reputation::Score;
use crate::fairness::sortition::{OpeningRules, SeedRecord, Sortition};
use crate::fairness::standing::{Miss, NodeStanding};
use crate::fairness::weight::{weight_of, Checkpoint, StakeSnapshot};
use crate::market::{minimum_bond, BondRate, PriceRamp};
use crate::seeded::check_vectors;
use crate::state::{Job, Network, Node, NodeDelegation, Profile, SchedulingParameters};
use crate::state_machine::{JobEvent, JobState};
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};
use anchor_lang::prelude::Pubkey;
use anchor_lang::AccountSerialize;

/// Numbers of many lengths, the same in every run.
struct Draw(u64);

impl Draw {
    /// A number below `2^bits`, of at most 48 bits; all bits set once in eight times.
    fn bits(&mut self, bits: u32) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mask = (1u64 << bits) - 1;
        match self.0 >> 61 {
            0 => mask,
            _ => (self.0 >> 12) & mask,
        }
    }

    /// Any number of 64 bits; small ones as often as large ones.
    fn amount(&mut self) -> u64 {
        let bits = self.bits(6) as u32;
        ((self.bits(32) << 32) | self.bits(32)) >> bits
    }
}

fn key(name: &str, number: u32) -> Pubkey {
    Pubkey::new_from_array(referee::commit::sha256(&[name.as_bytes(), &number.to_le_bytes()]))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The data of an account.
fn data_of(account: &impl AccountSerialize) -> String {
    let mut data = Vec::new();
    account.try_serialize(&mut data).unwrap();
    hexadecimal(&data)
}

/// A JSON string of the error's name, or null where the rule allows.
fn name_or_null<E: Into<AssayError>>(checked: Result<(), E>) -> String {
    checked.map_or_else(|error| format!("\"{:?}\"", error.into()), |()| "null".to_owned())
}

/// A JSON string of the number, or null where the rule refuses.
fn value_or_null(value: crate::error::Checked<TokenAmount>) -> String {
    value.map_or("null".to_owned(), |amount| format!("\"{}\"", amount.0))
}

#[test]
fn vectors_of_prices_are_up_to_date() {
    let mut draw = Draw(1);
    let mut lines = Vec::new();
    for _ in 0..64 {
        let (a, b) = (draw.amount(), draw.amount());
        let (hold, rise) = (draw.amount() >> 1, draw.amount() >> 1);
        let ramp = PriceRamp {
            minimum: TokenAmount(a.min(b)),
            maximum: TokenAmount(a.max(b)),
            hold: Slots(hold),
            rise: Slots(rise),
        };
        let middle = hold + ((u128::from(rise) * u128::from(draw.bits(16))) >> 16) as u64;
        let posted = draw.bits(40);
        for elapsed in [0, hold, middle, hold + rise, u64::MAX - posted] {
            let price = ramp.price_after(Slot(posted + elapsed.min(u64::MAX - posted)).since(Slot(posted))).unwrap();
            lines.push(format!(
                "{{\"minimum\":\"{}\",\"maximum\":\"{}\",\"hold\":\"{hold}\",\"rise\":\"{rise}\",\"posted\":\"{posted}\",\
                 \"slot\":\"{}\",\"price\":\"{}\"}}",
                ramp.minimum.0,
                ramp.maximum.0,
                posted + elapsed.min(u64::MAX - posted),
                price.0,
            ));
        }
    }
    check_vectors("prices", &lines);
}

#[test]
fn vectors_of_settlements_are_up_to_date() {
    let mut draw = Draw(2);
    let mut lines = Vec::new();
    for case in 0..64 {
        // Price and pot together stay below 2^64, as for every job that was posted.
        let price_max = draw.amount() >> 1;
        let price = ((u128::from(price_max) * u128::from(draw.bits(16))) >> 16) as u64;
        let pot = if case % 2 == 0 { 0 } else { draw.amount() >> 1 };
        let mut posted = Job { state: JobState::Posted, price_max, price, bond: draw.amount(), ..Job::default() };
        posted.protocol_fee_bps = draw.bits(13).min(1_000) as u16;
        posted.miss_charge_bps = draw.bits(14).min(2_000) as u16;
        posted.late_price_bps = draw.bits(14).min(10_000) as u16;
        posted.late_bps = if case % 3 == 0 { draw.bits(14).min(10_000) as u32 } else { 0 };
        posted.delegators_bps = if case % 5 == 0 { draw.bits(14).min(10_000) as u16 } else { 0 };
        (posted.audit.pot, posted.audit.cap) = (pot, if pot == 0 { 0 } else { draw.amount() });
        posted.audit.attestations = if pot == 0 { 0 } else { draw.bits(3) as u16 };
        posted.audit.open_attestations = posted.audit.attestations;
        let refund = {
            let mut job = posted.clone();
            job.refund(JobEvent::Cancel).unwrap();
            job.credits.client
        };
        let mut committed = Job { state: JobState::Committed, ..posted.clone() };
        committed.finalise().unwrap();
        let mut accepted = Job { state: JobState::Committed, ..posted.clone() };
        accepted.accept().unwrap();
        let miss = Miss {
            claimed: Slot(1),
            last: Slot(2),
            bond: TokenAmount(posted.bond),
            charge: BasisPoints(u32::from(posted.miss_charge_bps)),
            observations: 0,
        };
        let rules = SchedulingParameters::default().standing;
        let charge = NodeStanding::default().record_miss(&miss, Slot(3), &rules).unwrap().charge;
        let credits = |job: &Job| {
            format!(
                "{{\"node\":\"{}\",\"client\":\"{}\",\"fee\":\"{}\",\"audits\":\"{}\",\"delegators\":\"{}\"}}",
                job.credits.node, job.credits.client, job.credits.fee, job.credits.audits, job.credits.delegators
            )
        };
        lines.push(format!(
            "{{\"price_max\":\"{price_max}\",\"price\":\"{price}\",\"fee_bps\":{},\"bond\":\"{}\",\"miss_charge_bps\":{},\
             \"late_price_bps\":{},\"late_bps\":{},\"delegators_bps\":{},\"audit_pot\":\"{pot}\",\"audit_cap\":\"{}\",\"attestations\":{},\"escrow\":\"{}\",\"settled\":{},\"accepted\":{},\
             \"refund\":\"{refund}\",\"miss_charge\":\"{}\"}}",
            posted.protocol_fee_bps,
            posted.bond,
            posted.miss_charge_bps,
            posted.late_price_bps,
            posted.late_bps,
            posted.delegators_bps,
            posted.audit.cap,
            posted.audit.attestations,
            posted.escrow().unwrap().0,
            credits(&committed),
            credits(&accepted),
            charge.0,
        ));
    }
    check_vectors("settlements", &lines);
}

#[test]
fn vectors_of_bonds_are_up_to_date() {
    let mut draw = Draw(3);
    let mut lines = Vec::new();
    for _ in 0..64 {
        let price_max = draw.amount();
        let rate = BondRate { numerator: draw.bits(36) + 1, denominator: draw.bits(20) + 1 };
        let multiple = draw.bits(17).min(100_000) as u32;
        let bond = minimum_bond(TokenAmount(price_max), rate, BasisPoints(multiple));
        lines.push(format!(
            "{{\"price_max\":\"{price_max}\",\"numerator\":\"{}\",\"denominator\":\"{}\",\"multiple_bps\":{multiple},\"bond\":{}}}",
            rate.numerator,
            rate.denominator,
            value_or_null(bond),
        ));
    }
    check_vectors("bonds", &lines);
}

#[test]
fn vectors_of_weights_are_up_to_date() {
    let mut draw = Draw(4);
    let mut lines = Vec::new();
    for _ in 0..48 {
        let (stake, minimum, score) = (draw.amount(), draw.amount(), Score(draw.bits(16) as u16));
        lines.push(format!(
            "{{\"stake\":\"{stake}\",\"minimum\":\"{minimum}\",\"score\":{},\"weight\":\"{}\"}}",
            score.0,
            weight_of(TokenAmount(stake), TokenAmount(minimum), score).unwrap(),
        ));
    }
    check_vectors("weights", &lines);
}

#[test]
fn vectors_of_lateness_are_up_to_date() {
    let mut draw = Draw(5);
    let mut lines = Vec::new();
    for _ in 0..64 {
        let (cost, speed, allowed) = (draw.amount(), draw.amount().max(1), draw.bits(20));
        let expected = expected_slots(cost, speed, Slots(allowed)).unwrap();
        let claimed = draw.bits(40);
        let committed = claimed + draw.bits(21).min(allowed);
        let late = lateness(Slot(claimed), expected, Slot(claimed + allowed), Slot(committed)).unwrap();
        lines.push(format!(
            "{{\"cost_units\":\"{cost}\",\"units_per_slot\":\"{speed}\",\"run_slots\":\"{allowed}\",\
             \"expected_slots\":\"{}\",\"claimed\":\"{claimed}\",\"committed\":\"{committed}\",\"late_bps\":{}}}",
            expected.0, late.0,
        ));
    }
    check_vectors("lateness", &lines);
}

/// What the graphs of `graphs.json`, which the referee's tests write, cost at their symbol values.
#[test]
fn vectors_of_costs_are_up_to_date() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../app/vectors/graphs.json");
    let text = std::fs::read_to_string(path).unwrap();
    let between = |line: &str, from: &str, to: &str| {
        let (_, rest) = line.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let digits = between(line, "\"graph\":\"", "\"");
        let bytes: Vec<u8> =
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
        let symbols = between(line, "\"symbols\":[", "]");
        let symbols: Vec<u32> =
            symbols.split(',').filter(|text| !text.is_empty()).map(|text| text.trim().parse().unwrap()).collect();
        let resolved = referee::graph::Graph::decode(&bytes).unwrap().resolve(&symbols).unwrap();
        lines.push(format!(
            "{{\"root\":\"{}\",\"cost_units\":\"{}\"}}",
            hexadecimal(&resolved.root),
            cost_units(&resolved)
        ));
    }
    check_vectors("costs", &lines);
}

/// The parts of the check that `claim_job` makes, over whole accounts.
#[test]
fn vectors_of_claims_are_up_to_date() {
    let mut draw = Draw(6);
    let mut lines = Vec::new();
    for case in 0..128u32 {
        let (network, node, job, now) =
            (network(&mut draw), node(&mut draw), job(&mut draw), Slot(1_000 + draw.bits(6)));
        let (node_address, job_address) = (key("node", case), key("job", case));
        let parameters = &network.parameters;
        let slash = BasisPoints(u32::from(job.dispute.slash_bps));
        let profile = node.shown_profile(now, &parameters.scheduling);
        let weight = node.claimable_weight(Epoch(job.sortition.epoch), parameters).unwrap();
        lines.push(format!(
            "{{\"network\":\"{}\",\"node\":\"{}\",\"job\":\"{}\",\"node_address\":\"{node_address}\",\
             \"job_address\":\"{job_address}\",\"slot\":\"{}\",\"tier\":{},\"weight\":\"{weight}\",\"delegators_bps\":{},\"may_take\":{},\
             \"filter\":{},\"sortition\":{},\"bond\":{}}}",
            data_of(&network),
            data_of(&node),
            data_of(&job),
            now.0,
            profile.tier,
            node.delegators_share(now, parameters).unwrap().0,
            name_or_null(node.check_may_take(now, parameters)),
            name_or_null(job.filter.check(&profile)),
            name_or_null(job.sortition.check(&job.seed, &job_address, &node_address, weight, now)),
            name_or_null(node.clone().lock_bond(TokenAmount(job.bond), slash, now, now)),
        ));
    }
    check_vectors("claims", &lines);
}

fn network(draw: &mut Draw) -> Network {
    let mut network = Network { version: Network::VERSION, ..Network::default() };
    network.parameters.minimum_stake = 100 + draw.bits(7);
    network.parameters.maximum_open_jobs_per_node = 7;
    network.parameters.scheduling = SchedulingParameters { stake_per_job: 50, ..SchedulingParameters::default() };
    network
}

fn node(draw: &mut Draw) -> Node {
    let mut node = Node { version: Node::VERSION, index: draw.bits(16) as u16, ..Node::default() };
    node.stake = 60 + draw.bits(10);
    node.locked = draw.bits(8).min(node.stake);
    node.slash_reserve_bps = [0, 1_000, 4_000][draw.bits(4) as usize % 3];
    node.open_jobs = draw.bits(3) as u32;
    node.fraud_convictions = u32::from(draw.bits(3) == 5);
    node.score = Score(draw.bits(16) as u16);
    node.profile = Profile {
        capabilities: draw.bits(3) | 8,
        units_per_slot: draw.bits(4),
        price_floor: draw.amount(),
        region: draw.bits(2) as u8 + 60,
    };
    let weights = [(3, draw.bits(9)), (8, draw.bits(9)), (9, draw.bits(9))];
    node.weights = StakeSnapshot { checkpoints: weights.map(|(epoch, weight)| Checkpoint { epoch, weight }) };
    node.standing.unresolved = u16::from(draw.bits(3) == 5);
    node.standing.jailed_until_slot = if draw.bits(3) == 5 { 1_000 + draw.bits(6) } else { 0 };
    node.standing.lates.climb(draw.bits(2) as u16, Slot(900), Slots(1_000));
    if draw.bits(3) == 5 {
        let (start_slot, end_slot) = (1_000, 1_000 + draw.bits(6));
        node.standing.maintenance = Maintenance { announced_slot: 10, start_slot, end_slot, previous_end_slot: 0 };
    }
    if draw.bits(1) == 0 {
        let commission = Commission { present_bps: 500, next_bps: draw.bits(13) as u16, next_slot: 1_020 };
        node.delegation =
            NodeDelegation { open: true, commission, stake: draw.bits(11), loss: DelegationLoss::default() };
    }
    node.endpoint = "http://node".to_owned();
    node
}

fn job(draw: &mut Draw) -> Job {
    let rules = OpeningRules { delay_slots: 2, step_slots: 8, first_expected: 2, steps: 8 };
    let mut job = Job { version: Job::VERSION, state: JobState::Posted, posted_slot: 1_000, ..Job::default() };
    (job.bond, job.dispute.slash_bps) = (draw.bits(8), 2_500);
    job.filter = JobFilter {
        capabilities: draw.bits(4) & draw.bits(4) & draw.bits(4),
        regions: if draw.bits(1) == 0 { 0 } else { draw.bits(4) << 60 },
        minimum_score: Score(draw.bits(16) as u16 / 3),
        minimum_tier: draw.bits(1) as u8,
    };
    job.sortition = Sortition { rules, seed_slot: 1_002, epoch: draw.bits(2) + 6, total_weight: 2_000 + draw.bits(13) };
    job.seed = match draw.bits(2) {
        0 => SeedRecord::Open,
        1 => SeedRecord::Forgotten,
        _ => SeedRecord::Sealed(key("seed", draw.bits(8) as u32).to_bytes()),
    };
    job.store_uri = "http://store".to_owned();
    job
}
