//! Who takes part: owners with their stakes, machines and strategies, and their nodes.

use crate::random::Random;
use anchor_lang::prelude::Pubkey;
use assay::fairness::reputation::Evidence;
use assay::fairness::sortition::Ticket;
use assay::fairness::standing::NodeStanding;
use assay::fairness::weight::StakeSnapshot;
use referee::commit::{Hash, sha256};

/// The least stake of a node, in base units.
pub(crate) const MINIMUM_STAKE: u64 = 1_000_000_000;
/// Owners of each compared kind.
pub(crate) const OWNERS_OF_A_KIND: usize = 5;
/// Identities of an owner that divides its stake, in a market of ten thousand nodes or more.
const PARTS: usize = 100;
/// Keys that a grinder tries.
const GROUND_KEYS: u64 = 1_000;
/// Jobs for which it tries them.
const GROUND_JOBS: u64 = 40;

/// What an owner does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// One node.
    Ordinary,
    /// One node, from half of the time on.
    Newcomer,
    /// One node with a hundredth of all stake.
    Whole,
    /// The same stake and machines, in many nodes.
    Parts,
    /// The same stake, under the best of many keys.
    Ground,
    /// The same stake with few machines.
    Modest,
    /// The same, and it claims all that it may.
    Hoarder,
}

impl Kind {
    /// The kinds that are compared, each owner with a hundredth of all stake.
    pub(crate) const COMPARED: [Self; 5] = [Self::Whole, Self::Parts, Self::Ground, Self::Modest, Self::Hoarder];
}

/// One owner.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) kind: Kind,
    /// Stake of all its nodes.
    pub(crate) stake: u64,
    /// Jobs that its machines compute at once.
    pub(crate) lanes: u32,
}

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) key: Pubkey,
    pub(crate) owner: usize,
    pub(crate) stake: u64,
    pub(crate) snapshot: StakeSnapshot,
    pub(crate) evidence: Evidence,
    pub(crate) standing: NodeStanding,
    /// Jobs claimed and not ended.
    pub(crate) open: u32,
    /// Whether it takes part yet.
    pub(crate) joined: bool,
    /// Whether it is away in this epoch.
    pub(crate) away: bool,
}

/// The address of the job with this number: known ahead, as addresses on the chain are.
pub(crate) fn job_key(number: u64) -> Pubkey {
    Pubkey::new_from_array(sha256(&[b"job", &number.to_le_bytes()]))
}

/// The slot hash that decides about the job: known when its slot is over.
pub(crate) fn slot_hash(seed: u64, number: u64) -> Hash {
    sha256(&[b"slot", &seed.to_le_bytes(), &number.to_le_bytes()])
}

/// Identities of an owner that divides its stake in a market of so many nodes: fewer in a small one, where the stake would
/// not make the minimum of a hundred.
pub(crate) fn parts(nodes: usize) -> usize {
    (nodes / 100).clamp(2, PARTS)
}

/// All owners and nodes of a market of so many nodes.
pub(crate) fn populate(nodes: usize, seed: u64) -> (Vec<Owner>, Vec<Node>) {
    let mut random = Random::new(seed, 1);
    let parts = parts(nodes);
    let compared = OWNERS_OF_A_KIND * (parts + Kind::COMPARED.len() - 1);
    let ordinary = nodes.saturating_sub(compared).max(1);
    let stakes: Vec<u64> = (0..ordinary).map(|_| pareto(&mut random)).collect();
    // The compared owners hold a hundredth each of everything, so the rest hold what that leaves.
    let rest = 100 - (OWNERS_OF_A_KIND * Kind::COMPARED.len()) as u64;
    let share = stakes.iter().sum::<u64>() / rest / parts as u64 * parts as u64;

    let mut population = (Vec::new(), Vec::new());
    for (index, stake) in stakes.into_iter().enumerate() {
        let kind = if index % 20 == 19 { Kind::Newcomer } else { Kind::Ordinary };
        add(&mut population, &mut random, kind, stake, 1);
    }
    for kind in Kind::COMPARED {
        for _ in 0..OWNERS_OF_A_KIND {
            add(&mut population, &mut random, kind, share, if kind == Kind::Parts { parts } else { 1 });
        }
    }
    population
}

fn add((owners, nodes): &mut (Vec<Owner>, Vec<Node>), random: &mut Random, kind: Kind, stake: u64, count: usize) {
    let machines = 1 + stake / MINIMUM_STAKE / 4;
    let lanes = match kind {
        Kind::Modest | Kind::Hoarder => (machines / 3).max(1),
        _ => machines,
    };
    let owner = owners.len();
    for _ in 0..count {
        let key = if kind == Kind::Ground { ground_key(random) } else { key(random.next()) };
        nodes.push(Node {
            key,
            owner,
            stake: stake / count as u64,
            snapshot: StakeSnapshot::default(),
            evidence: Evidence::default(),
            standing: NodeStanding::default(),
            open: 0,
            joined: kind != Kind::Newcomer,
            away: false,
        });
    }
    owners.push(Owner { kind, stake, lanes: lanes as u32 });
}

fn key(number: u64) -> Pubkey {
    Pubkey::new_from_array(sha256(&[b"node", &number.to_le_bytes()]))
}

/// The key with the lowest tickets for the first jobs, under a guess of their seeds.
fn ground_key(random: &mut Random) -> Pubkey {
    let guess = slot_hash(random.next(), 0);
    let hopes = |node: &Pubkey| {
        (0..GROUND_JOBS).map(|job| u128::from(Ticket::new(&guess, &job_key(job), node).0)).sum::<u128>()
    };
    let keys = (0..GROUND_KEYS).map(|_| key(random.next()));
    keys.min_by_key(hopes).unwrap_or_default()
}

/// A stake with a long tail: the minimum and up to two hundred times as much, exponent 1.5.
fn pareto(random: &mut Random) -> u64 {
    let times = (1.0 - random.unit()).powf(-1.0 / 1.5).min(200.0);
    (MINIMUM_STAKE as f64 * times) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compared_owners_hold_a_hundredth_each() {
        let (owners, nodes) = populate(2_000, 1);
        assert_eq!(nodes.len(), 2_000);
        let all: u64 = nodes.iter().map(|node| node.stake).sum();
        for kind in Kind::COMPARED {
            let of_kind: Vec<&Owner> = owners.iter().filter(|owner| owner.kind == kind).collect();
            assert_eq!(of_kind.len(), OWNERS_OF_A_KIND);
            assert!(of_kind.iter().all(|owner| (owner.stake as f64 / all as f64 - 0.01).abs() < 0.002), "{of_kind:?}");
        }
        let mut sums = vec![0; owners.len()];
        for node in &nodes {
            assert!(node.stake >= MINIMUM_STAKE);
            sums[node.owner] += node.stake;
        }
        assert!(owners.iter().zip(sums).all(|(owner, sum)| owner.stake == sum));
    }
}
