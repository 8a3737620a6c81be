//! The market in slots.

use crate::population::{Kind, MINIMUM_STAKE, Node, Owner, job_key, parts, populate, slot_hash};
use crate::random::Random;
use anchor_lang::prelude::Pubkey;
use assay::audit::Epoch;
use assay::fairness::lateness::{late_price, lateness};
use assay::fairness::maintenance::MaintenanceRules;
use assay::fairness::reputation::{Act, ReputationRules};
use assay::fairness::sortition::{Opening, OpeningRules, SeedRecord, Sortition, Ticket};
use assay::fairness::standing::{Miss, NodeStanding, StandingRules};
use assay::fairness::weight::{StakeSnapshot, open_jobs_allowed, reweigh, weight_of};
use assay::fairness::{FairnessError, Ruled};
use assay::units::{BasisPoints, Slot, Slots, TokenAmount};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// How claims open: four nodes at first, twice as many every four slots.
pub(crate) const OPENING: OpeningRules = OpeningRules { delay_slots: 2, step_slots: 4, first_expected: 4, steps: 9 };
/// Epochs in which jobs are posted.
pub(crate) const EPOCHS: u64 = 40;
/// The first of them: weights of the one before count.
const FIRST_EPOCH: u64 = 2;
/// Nodes for each job that is posted in a slot.
const NODES_PER_RATE: u64 = 2_500;
/// Of a price: to the protocol, and of that burned.
const FEE: BasisPoints = BasisPoints(200);
const BURNED: BasisPoints = BasisPoints(5_000);
/// A job may run for so many times what it takes.
const RUN_TIMES: u64 = 4;
/// What lateness takes off at most.
const LATE: BasisPoints = BasisPoints(5_000);
/// A claim that crashes; a node that is away for an epoch.
const CRASH: f64 = 0.005;
const AWAY: f64 = 0.03;
/// Identities that try their luck at once where a job is open to all.
const OPEN_CLAIMS: usize = 8;

/// The rules of standing, shortened to the length of a simulation.
fn standing_rules() -> StandingRules {
    StandingRules {
        recovery_slots: 2_000,
        jail_slots: 500,
        maximum_jail_slots: 8_000,
        silence_slots: 1_000,
        repeat_bps: 100,
        lates_per_tier: 3,
        maintenance: MaintenanceRules { notice_slots: 100, maximum_slots: 1_000, gap_slots: 3_000 },
    }
}

/// What became of one owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Jobs claimed.
    pub(crate) won: u64,
    /// Claims that came too late.
    pub(crate) lost: u64,
    /// Claims that ended without a result.
    pub(crate) missed: u64,
    /// Pay less charges, in base units.
    pub(crate) income: i128,
}

/// What one epoch gave to newcomers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct NewcomerEpoch {
    /// Jobs that newcomers claimed, and all that were claimed.
    pub(crate) won: u64,
    pub(crate) all: u64,
    /// Stake of the newcomers, and all stake that takes part.
    pub(crate) stake: u64,
    pub(crate) all_stake: u64,
}

/// What a simulation gives.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) owners: Vec<Owner>,
    pub(crate) tallies: Vec<Tally>,
    /// Slots from post to claim, of every job.
    pub(crate) waits: Vec<u64>,
    /// Claims that the program took although all might claim.
    pub(crate) claimed_by_anybody: u64,
    /// Every epoch since newcomers are members.
    pub(crate) newcomers: Vec<NewcomerEpoch>,
    /// The length of an epoch.
    pub(crate) epoch_slots: u64,
    /// Results that stood.
    pub(crate) completed: u64,
    /// Identities of an owner that divides its stake.
    pub(crate) parts: usize,
}

/// A job and where it is.
struct Job {
    key: Pubkey,
    seed: SeedRecord,
    terms: Sortition,
    posted: Slot,
    price: TokenAmount,
    duration: Slots,
    /// First slot and node of those that are drawn, in order.
    turns: Vec<(u64, u32)>,
    claim: Option<Claim>,
    ended: bool,
}

/// A claim that won.
#[derive(Clone, Copy)]
struct Claim {
    node: usize,
    slot: Slot,
    crashes: bool,
    started: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Finish,
    Deadline,
}

struct Market {
    owners: Vec<Owner>,
    nodes: Vec<Node>,
    network: StakeSnapshot,
    busy: Vec<u32>,
    queues: Vec<VecDeque<usize>>,
    tallies: Vec<Tally>,
    jobs: Vec<Job>,
    open: Vec<usize>,
    events: BinaryHeap<Reverse<(u64, Event, usize)>>,
    random: Random,
    reputation: ReputationRules,
    standing: StandingRules,
    epoch_slots: u32,
    waits: Vec<u64>,
    claimed_by_anybody: u64,
    newcomers: Vec<NewcomerEpoch>,
    completed: u64,
}

/// Runs a market of so many nodes until so many jobs have ended.
pub(crate) fn run(nodes: usize, jobs: usize, seed: u64) -> Ruled<Outcome> {
    let parts = parts(nodes);
    let (owners, nodes) = populate(nodes, seed);
    let rate = nodes.len() as u64;
    let epoch_slots = (jobs as u64 * NODES_PER_RATE / rate / EPOCHS).max(64);
    let mut market = Market {
        busy: vec![0; owners.len()],
        queues: vec![VecDeque::new(); owners.len()],
        tallies: vec![Tally::default(); owners.len()],
        owners,
        nodes,
        network: StakeSnapshot::default(),
        jobs: Vec::with_capacity(jobs),
        open: Vec::new(),
        events: BinaryHeap::new(),
        random: Random::new(seed, 2),
        reputation: ReputationRules::default(),
        standing: standing_rules(),
        epoch_slots: u32::try_from(epoch_slots).map_err(|_| FairnessError::ArithmeticOverflow)?,
        waits: Vec::with_capacity(jobs),
        claimed_by_anybody: 0,
        newcomers: Vec::new(),
        completed: 0,
    };
    OPENING.validate(false)?;
    market.reputation.validate()?;
    market.standing.validate(Slots(8 * market.standing.recovery_slots))?;
    market.begin_epoch(FIRST_EPOCH - 1)?;
    for epoch in FIRST_EPOCH..FIRST_EPOCH + EPOCHS {
        let posted = market.jobs.len();
        let until = jobs as u64 * (epoch + 1 - FIRST_EPOCH) / EPOCHS;
        market.begin_epoch(epoch)?;
        market.prepare_jobs(epoch, posted..until as usize, seed)?;
        let mut next = posted;
        for slot in epoch * epoch_slots..(epoch + 1) * epoch_slots {
            while market.jobs.get(next).is_some_and(|job| job.posted.0 <= slot) {
                market.open.push(next);
                next += 1;
            }
            market.slot(Slot(slot))?;
        }
    }
    let mut slot = (FIRST_EPOCH + EPOCHS) * epoch_slots;
    while !market.open.is_empty() || !market.events.is_empty() {
        market.slot(Slot(slot))?;
        slot += 1;
    }
    Ok(Outcome {
        owners: market.owners,
        tallies: market.tallies,
        waits: market.waits,
        claimed_by_anybody: market.claimed_by_anybody,
        newcomers: market.newcomers,
        epoch_slots,
        completed: market.completed,
        parts,
    })
}

impl Market {
    /// Newcomers join at half time, some nodes go away, all others send a heartbeat, which sets their weight.
    fn begin_epoch(&mut self, epoch: u64) -> Ruled {
        let now = Slot(epoch * u64::from(self.epoch_slots));
        let half = FIRST_EPOCH + EPOCHS / 2;
        for node in &mut self.nodes {
            if epoch == FIRST_EPOCH - 1 || (epoch == half && !node.joined) {
                node.joined |= epoch == half;
                node.standing = NodeStanding::new(now, self.epoch_slots)?;
            }
            if !node.joined {
                continue;
            }
            node.away = self.owners[node.owner].kind == Kind::Ordinary && self.random.happens(AWAY);
            if node.away {
                continue;
            }
            if let Some(resolution) = node.standing.sign_of_life(now, &self.standing) {
                let act = if resolution.outage { Act::MissInOutage } else { Act::NoShow };
                node.evidence.record(act, resolution.observations, Epoch(epoch), &self.reputation)?;
            }
            let missed = node.standing.heartbeat(now, self.epoch_slots)?;
            node.evidence.record_missed_heartbeats(missed, Epoch(epoch), &self.reputation)?;
            let weight = weight_of(TokenAmount(node.stake), TokenAmount(MINIMUM_STAKE), node.evidence.score())?;
            reweigh(&mut node.snapshot, &mut self.network, Epoch(epoch), weight)?;
        }
        if epoch > half {
            let stake = |newcomers: bool| {
                let counted =
                    |node: &&Node| node.joined && (!newcomers || self.owners[node.owner].kind == Kind::Newcomer);
                self.nodes.iter().filter(counted).map(|node| node.stake).sum()
            };
            self.newcomers.push(NewcomerEpoch { stake: stake(true), all_stake: stake(false), won: 0, all: 0 });
        }
        Ok(())
    }

    /// Makes the jobs of an epoch and finds out whose turn comes when, as every worker does for itself.
    fn prepare_jobs(&mut self, epoch: u64, numbers: std::ops::Range<usize>, seed: u64) -> Ruled {
        let (first, count) = (numbers.start, numbers.len() as u64);
        let start = epoch * u64::from(self.epoch_slots);
        let drawn: Vec<(u64, u64)> = numbers
            .clone()
            .map(|_| (50_000_000 + self.random.below(100_000_001), 500 + self.random.below(1_501)))
            .collect();
        let before = Epoch(epoch - 1);
        let weights: Vec<u64> = self.nodes.iter().map(|node| node.snapshot.at_end_of(before)).collect();
        let (nodes, network, epoch_slots) = (&self.nodes, &self.network, self.epoch_slots);
        let make = |(number, (price, duration)): (usize, (u64, u64))| -> Ruled<Job> {
            let posted = Slot(start + (number - first) as u64 * u64::from(epoch_slots) / count);
            let terms = Sortition::new(OPENING, posted, epoch_slots, |epoch| network.at_end_of(epoch))?;
            let (key, hash) = (job_key(number as u64), slot_hash(seed, number as u64));
            let most = u32::from(OPENING.first_expected) << (OPENING.steps - 1);
            let mut turns = Vec::new();
            for (index, (node, weight)) in nodes.iter().zip(&weights).enumerate() {
                let ticket = Ticket::new(&hash, &key, &node.key);
                if ticket.is_drawn(*weight, terms.total_weight, most) {
                    turns.push((terms.first_slot(ticket, *weight)?.0, index as u32));
                }
            }
            turns.sort_unstable();
            Ok(Job {
                key,
                seed: SeedRecord::Sealed(hash),
                terms,
                posted,
                price: TokenAmount(price),
                duration: Slots(duration),
                turns,
                claim: None,
                ended: false,
            })
        };
        let made: Ruled<Vec<Job>> = numbers.zip(drawn).collect::<Vec<_>>().into_par_iter().map(make).collect();
        self.jobs.extend(made?);
        Ok(())
    }

    fn slot(&mut self, now: Slot) -> Ruled {
        while let Some(Reverse((slot, event, job))) = self.events.peek().copied() {
            if slot > now.0 {
                break;
            }
            self.events.pop();
            match event {
                Event::Finish => self.finish(job, now)?,
                Event::Deadline => self.miss(job, now)?,
            }
        }
        for job in std::mem::take(&mut self.open) {
            if !self.offer(job, now)? {
                self.open.push(job);
            }
        }
        Ok(())
    }

    /// Whether a node would send a claim: the program's conditions, and whether it can compute the job.
    fn is_available(&self, node: &Node, now: Slot) -> bool {
        let owner = &self.owners[node.owner];
        let allowed = open_jobs_allowed(TokenAmount(node.stake), TokenAmount(MINIMUM_STAKE), 1_024);
        let has_machine = self.busy[node.owner] < owner.lanes || owner.kind == Kind::Hoarder;
        node.joined && !node.away && node.open < allowed && has_machine && node.standing.check_may_claim(now).is_ok()
    }

    /// Lets all claim whose turn it is; whether one of them won.
    fn offer(&mut self, index: usize, now: Slot) -> Ruled<bool> {
        let job = &self.jobs[index];
        let opening = job.terms.opening(now);
        let mut senders: Vec<usize> = Vec::new();
        match opening {
            Opening::Closed => return Ok(false),
            Opening::Expected(_) => {
                let turns = job.turns.iter().take_while(|(slot, _)| *slot <= now.0).map(|(_, node)| *node as usize);
                senders.extend(turns.filter(|node| self.is_available(&self.nodes[*node], now)));
            }
            Opening::All => {
                for _ in 0..OPEN_CLAIMS * 8 {
                    let node = self.random.below(self.nodes.len() as u64) as usize;
                    let new = !senders.contains(&node) && self.is_available(&self.nodes[node], now);
                    if new && senders.len() < OPEN_CLAIMS {
                        senders.push(node);
                    }
                }
            }
        }
        // Each claim lands in the next slot or the one after; the first wins, ties by lot.
        let landing: Vec<(u64, u64, usize)> =
            senders.iter().map(|node| (self.random.below(2), self.random.next(), *node)).collect();
        let Some((_, _, winner)) = landing.into_iter().min() else { return Ok(false) };
        for node in senders {
            self.tallies[self.nodes[node].owner].lost += u64::from(node != winner);
        }
        self.claimed_by_anybody += u64::from(opening == Opening::All);
        self.claim(index, winner, now)?;
        Ok(true)
    }

    fn claim(&mut self, index: usize, winner: usize, now: Slot) -> Ruled {
        let crashes = self.random.happens(CRASH);
        let (job, node) = (&mut self.jobs[index], &mut self.nodes[winner]);
        // What the program checks.
        let weight = node.snapshot.at_end_of(Epoch(job.terms.epoch));
        job.terms.check(&job.seed, &job.key, &node.key, weight, now)?;
        node.standing.check_may_claim(now)?;
        node.standing.sign_of_life(now, &self.standing);
        node.open += 1;
        job.claim = Some(Claim { node: winner, slot: now, crashes, started: false });
        self.waits.push(now.since(job.posted).0);
        self.tallies[node.owner].won += 1;
        if let Some(epoch) = self.newcomers.last_mut() {
            epoch.all += 1;
            epoch.won += u64::from(self.owners[node.owner].kind == Kind::Newcomer);
        }
        let last = now.0 + RUN_TIMES * job.duration.0;
        self.events.push(Reverse((last + 1, Event::Deadline, index)));
        let owner = node.owner;
        if self.busy[owner] < self.owners[owner].lanes {
            self.start(index, owner, now);
        } else {
            self.queues[owner].push_back(index);
        }
        Ok(())
    }

    fn start(&mut self, index: usize, owner: usize, now: Slot) {
        let job = &mut self.jobs[index];
        if let Some(claim) = &mut job.claim {
            claim.started = true;
            self.busy[owner] += 1;
            if !claim.crashes {
                self.events.push(Reverse((now.0 + job.duration.0, Event::Finish, index)));
            }
        }
    }

    fn finish(&mut self, index: usize, now: Slot) -> Ruled {
        let job = &self.jobs[index];
        let Some(claim) = job.claim.filter(|_| !job.ended) else { return Ok(()) };
        let last = Slot(claim.slot.0 + RUN_TIMES * job.duration.0);
        let late = lateness(claim.slot, job.duration, last, now)?;
        let price = late_price(job.price, late, LATE)?;
        let fee = price.portion(FEE)?;
        let observations = self.reputation.observations(fee.portion(BURNED)?.0, false)?;
        let act = if late == BasisPoints(0) { Act::OnTime } else { Act::Late(late) };
        let node = &mut self.nodes[claim.node];
        let epoch = Epoch::of(now, self.epoch_slots)?;
        node.evidence.record(act, observations, epoch, &self.reputation)?;
        node.standing.sign_of_life(now, &self.standing);
        self.tallies[node.owner].income += i128::from(price.minus(fee)?.0);
        self.completed += 1;
        self.end(index, claim, now)
    }

    /// The deadline of a job: if it has not ended, the node pays for it and comes back in the next slot.
    fn miss(&mut self, index: usize, now: Slot) -> Ruled {
        let job = &self.jobs[index];
        let Some(claim) = job.claim.filter(|_| !job.ended) else { return Ok(()) };
        let burned = job.price.portion(FEE)?.portion(BURNED)?;
        let miss = Miss {
            claimed: claim.slot,
            last: Slot(now.0 - 1),
            bond: TokenAmount(2 * job.price.0),
            charge: BasisPoints(500),
            observations: self.reputation.observations(burned.0, false)?,
        };
        let node = &mut self.nodes[claim.node];
        let cost = node.standing.record_miss(&miss, now, &self.standing)?;
        if let Some(resolution) = node.standing.sign_of_life(Slot(now.0 + 1), &self.standing) {
            let epoch = Epoch::of(now, self.epoch_slots)?;
            node.evidence.record(Act::NoShow, resolution.observations, epoch, &self.reputation)?;
        }
        let tally = &mut self.tallies[node.owner];
        tally.missed += 1;
        tally.income -= i128::from(cost.charge.0) + i128::from(cost.burned.0);
        self.end(index, claim, now)
    }

    /// Frees what a job held and starts what waits.
    fn end(&mut self, index: usize, claim: Claim, now: Slot) -> Ruled {
        self.jobs[index].ended = true;
        self.jobs[index].turns = Vec::new();
        let node = &mut self.nodes[claim.node];
        node.open = node.open.checked_sub(1).ok_or(FairnessError::InvariantBroken)?;
        let owner = node.owner;
        let started = self.jobs[index].claim.is_some_and(|claim| claim.started);
        if started {
            self.busy[owner] = self.busy[owner].checked_sub(1).ok_or(FairnessError::InvariantBroken)?;
        }
        while self.busy[owner] < self.owners[owner].lanes {
            let Some(next) = self.queues[owner].pop_front() else { break };
            if !self.jobs[next].ended {
                self.start(next, owner, now);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_claimed_once_and_ends_and_all_follows_from_the_seed() {
        let outcome = run(1_000, 1_000, 3).unwrap();
        let sum = |of: fn(&Tally) -> u64| outcome.tallies.iter().map(of).sum::<u64>();
        assert_eq!((sum(|tally| tally.won), outcome.waits.len()), (1_000, 1_000));
        assert_eq!(outcome.completed + sum(|tally| tally.missed), 1_000);
        assert!(outcome.completed > 900);
        assert!(
            outcome.waits.iter().all(|wait| *wait > u64::from(OPENING.delay_slots)),
            "nobody claims before the seed"
        );
        let again = run(1_000, 1_000, 3).unwrap();
        assert_eq!((&again.tallies, &again.waits), (&outcome.tallies, &outcome.waits));
        assert_ne!(run(1_000, 1_000, 4).unwrap().waits, outcome.waits);
    }
}
