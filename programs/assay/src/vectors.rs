//! Test vectors for other languages: what the pure rules give. The files in `app/vectors` are compared with what this code
//! computes and written anew by `ASSAY_WRITE_VECTORS=1 cargo test -p assay vectors`.
//!
//! Those of reputation and of sortition are made beside their rules.

use crate::address;
use crate::fairness::filter::{JobFilter, NodeProfile};
use crate::fairness::reputation::Score;
use crate::fairness::weight::weight_of;
use crate::market::{minimum_bond, miss_charge, BondRate, PriceRamp};
use crate::seeded::check_vectors;
use crate::state::{DemandKey, DemandTree, Job};
use crate::state_machine::{JobEvent, JobState};
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};
use anchor_lang::prelude::Pubkey;

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
        let charge = miss_charge(TokenAmount(posted.bond), BasisPoints(u32::from(posted.miss_charge_bps))).unwrap();
        let credits = |job: &Job| {
            format!(
                "{{\"node\":\"{}\",\"client\":\"{}\",\"fee\":\"{}\",\"audits\":\"{}\"}}",
                job.credits.node, job.credits.client, job.credits.fee, job.credits.audits
            )
        };
        lines.push(format!(
            "{{\"price_max\":\"{price_max}\",\"price\":\"{price}\",\"fee_bps\":{},\"bond\":\"{}\",\"miss_charge_bps\":{},\
             \"audit_pot\":\"{pot}\",\"audit_cap\":\"{}\",\"attestations\":{},\"escrow\":\"{}\",\"settled\":{},\"accepted\":{},\
             \"refund\":\"{refund}\",\"miss_charge\":\"{}\"}}",
            posted.protocol_fee_bps,
            posted.bond,
            posted.miss_charge_bps,
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
fn vectors_of_weights_and_filters_are_up_to_date() {
    let mut draw = Draw(4);
    let mut lines = Vec::new();
    for case in 0..64u32 {
        let (stake, score) = (draw.amount(), Score(draw.bits(16) as u16));
        let minimum = draw.amount();
        let profile = NodeProfile {
            capabilities: draw.bits(4),
            tier: draw.bits(2) as u8,
            region: draw.bits(2) as u8 + 61,
            score,
            stake,
        };
        let node = key("node", case);
        let filter = JobFilter {
            invited: [Pubkey::default(), node, key("other", case)][draw.bits(6) as usize % 8 % 3],
            capabilities: draw.bits(4) & draw.bits(4),
            regions: if case % 2 == 0 { 0 } else { draw.bits(4) << 60 },
            minimum_stake: if case % 3 == 0 { 0 } else { minimum },
            minimum_score: Score(draw.bits(16) as u16 / 2),
            minimum_tier: draw.bits(1) as u8,
        };
        let refusal =
            filter.check(&node, &profile).map_or_else(|error| format!("\"{error:?}\""), |()| "null".to_owned());
        lines.push(format!(
            "{{\"node\":\"{node}\",\"stake\":\"{stake}\",\"minimum\":\"{minimum}\",\"score\":{},\"weight\":\"{}\",\
             \"capabilities\":\"{}\",\"tier\":{},\"region\":{},\"filter\":{{\"invited\":\"{}\",\"capabilities\":\"{}\",\
             \"regions\":\"{}\",\"minimum_stake\":\"{}\",\"minimum_score\":{},\"minimum_tier\":{}}},\"refusal\":{refusal}}}",
            score.0,
            weight_of(TokenAmount(stake), TokenAmount(minimum), score).unwrap(),
            profile.capabilities,
            profile.tier,
            profile.region,
            filter.invited,
            filter.capabilities,
            filter.regions,
            filter.minimum_stake,
            filter.minimum_score.0,
            filter.minimum_tier,
        ));
    }
    check_vectors("filters", &lines);
}

#[test]
fn vectors_of_addresses_are_up_to_date() {
    let mut lines = Vec::new();
    for case in 0..4u32 {
        let (one, other) = (key("one", case), key("other", case));
        let (number, index) = ((u64::from(case) << 40) | 5, case as u16 * 300);
        let hash = other.to_bytes();
        let demand = DemandKey {
            origin: hash,
            tree: [DemandTree::Boundary, DemandTree::Segment, DemandTree::Tensor, DemandTree::SegmentRoot]
                [case as usize],
            slot: index,
            height: case as u8,
            index: case * 70_000,
        };
        let derived = [
            ("network", address::network()),
            ("stake_vault", address::stake_vault()),
            ("reward_pool", address::reward_pool()),
            ("reward_vault", address::reward_vault()),
            ("event_authority", address::EVENT_AUTHORITY),
            ("payment_mint", address::payment_mint(&one)),
            ("fee_vault", address::fee_vault(&one)),
            ("client", address::client(&one)),
            ("node", address::node(&one, index)),
            ("job", address::job(&one, number)),
            ("vault", address::vault(&one)),
            ("challenge", address::challenge(&one, &other)),
            ("buffer", address::buffer(&one, number)),
            ("segment_claim", address::segment_claim(&one, index, &other)),
            ("demand", address::demand(&one, &demand)),
            ("validator", address::validator(&one)),
            ("attestation", address::attestation(&one, &other)),
            ("session", address::session(&one, number)),
            ("receipt", address::receipt(&one, &hash)),
            ("budget", address::budget(&one, index)),
            ("proposal", address::proposal(number)),
        ];
        let fields: Vec<String> = derived.iter().map(|(name, address)| format!("\"{name}\":\"{address}\"")).collect();
        lines.push(format!(
            "{{\"one\":\"{one}\",\"other\":\"{other}\",\"number\":\"{number}\",\"index\":{index},\"demand\":{{\"tree\":{},\
             \"slot\":{},\"height\":{},\"index\":{}}},\"derived\":{{{}}}}}",
            demand.tree as u8,
            demand.slot,
            demand.height,
            demand.index,
            fields.join(","),
        ));
    }
    check_vectors("addresses", &lines);
}
