//! Test vectors of accounts: where they are, how they begin, and what delegations are worth.

use super::{data_of, hexadecimal, key, Draw};
use crate::address;
use crate::fairness::delegation::{DelegatedShares, DelegatedStake, SharePool};
use crate::fairness::loss::{DelegationLoss, WHOLE};
use crate::fairness::reward_share::{RewardClaim, RewardSum};
use crate::seeded::check_vectors;
use crate::state::{Delegation, DelegationPool, DemandKey, DemandTree, Node, RewardPlace};
use anchor_lang::Discriminator;

/// What a delegation is worth and has earned, over whole accounts, once its pool knows of what slashes took.
#[test]
fn vectors_of_delegations_are_up_to_date() {
    let mut draw = Draw(7);
    let mut lines = Vec::new();
    for case in 0..48u32 {
        let (active, unbonding) = (share_pool(&mut draw), share_pool(&mut draw));
        let held = DelegatedShares {
            shares: active.shares >> draw.bits(5),
            unbonding_shares: unbonding.shares >> draw.bits(5),
            release_slot: 1_000,
        };
        let taken = WHOLE / 100 * draw.bits(6);
        let mut node = Node { version: Node::VERSION, ..Node::default() };
        node.delegation.loss = DelegationLoss { taken, taken_before: 0 };
        let mut pool = DelegationPool { version: DelegationPool::VERSION, ..DelegationPool::default() };
        (pool.stake, pool.delegations) = (DelegatedStake { active, unbonding }, 1);
        pool.applied_loss = if draw.bits(1) == 0 { taken } else { taken / 2 };
        let mut delegation = Delegation { version: Delegation::VERSION, held, ..Delegation::default() };
        let seen = (u128::from(draw.amount()) << 64) | u128::from(draw.amount());
        let sum = RewardSum { per_share: seen.wrapping_add(u128::from(draw.amount())), owed: u64::MAX };
        pool.rewards[1] = RewardPlace { mint: key("mint", case), vault: key("vault", case), sum };
        delegation.rewards[1] = RewardClaim { seen, owed: draw.bits(20) };
        let before = (data_of(&pool), data_of(&delegation));
        if pool.applied_loss != taken {
            pool.settle_slash(&mut node).unwrap();
        }
        delegation.settle_rewards(&pool);
        let value = |pool: &SharePool, shares| if shares == 0 { 0 } else { pool.value(shares).unwrap().0 };
        lines.push(format!(
            "{{\"pool\":\"{}\",\"delegation\":\"{}\",\"mint\":\"{}\",\"lost\":\"{taken}\",\"active\":\"{}\",\
             \"unbonding\":\"{}\",\"earned\":\"{}\"}}",
            before.0,
            before.1,
            key("mint", case),
            value(&pool.stake.active, held.shares),
            value(&pool.stake.unbonding, held.unbonding_shares),
            delegation.rewards[1].owed,
        ));
    }
    check_vectors("delegations", &lines);
}

/// A pool of at least 2^20 shares, of which slashes have taken up to a quarter of the tokens.
fn share_pool(draw: &mut Draw) -> SharePool {
    let shares = (draw.amount() >> 4) | (1 << 20);
    SharePool { tokens: shares - (shares >> 10) * draw.bits(8), shares }
}

/// How the accounts of each kind begin: the discriminator and the version of the layout.
#[test]
fn vectors_of_layouts_are_up_to_date() {
    macro_rules! layouts {
        ($($kind:ident),*) => {
            [$((stringify!($kind), crate::state::$kind::DISCRIMINATOR, crate::state::$kind::VERSION)),*]
        };
    }
    let layouts = layouts![
        Attestation,
        Budget,
        Buffer,
        Challenge,
        Client,
        Delegation,
        DelegationPool,
        Demand,
        Job,
        Network,
        Node,
        PaymentMint,
        Proposal,
        RewardPool,
        SegmentClaim,
        Session,
        StakeRegister,
        Validator
    ];
    let lines = layouts.map(|(kind, discriminator, version)| {
        format!("{{\"kind\":\"{kind}\",\"discriminator\":\"{}\",\"version\":{version}}}", hexadecimal(discriminator))
    });
    check_vectors("layouts", &lines);
}

/// What is derived of two keys, a number and an index.
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
            ("stake_register", address::STAKE_REGISTER),
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
            ("delegation_pool", address::delegation_pool(&one)),
            ("delegation", address::delegation(&one, &other)),
            ("delegation_rewards", address::delegation_rewards(&one, &other)),
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
