//! Everything before the claim. Nothing here is promised; whatever waits here can be dropped at any moment.

use super::places::{result_bytes, run_deadline, too_slow};
use super::{DriveError, Driver, LONGEST_WAIT};
use crate::breaker::Stopped;
use crate::defence::cost::DefenceCost;
#[cfg(debug_assertions)]
use crate::engine::EngineError;
use crate::engine::{NotBooked, Wanted};
use crate::estimate;
use crate::failpoint;
use crate::journal::Stage;
use crate::market::{Action, Market};
use crate::meter::JobStage;
use crate::prepare::NotWhole;
use crate::price::{Asked, least_price, refuse_graph};
use crate::refusal::Refusal;
use crate::turn::{Claim, Turn};
use assay::fairness::sortition::{Opening, SeedRecord};
use assay::state::{Job, Node};
use assay::units::{BasisPoints, Slot, TokenAmount};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

impl<M: Market> Driver<M> {
    /// Comes one step closer to the claim, cheapest first: terms, price, stake, artifacts on disk, a place, artifacts in
    /// memory; then claims. Between steps the job is looked at again: it may be gone.
    pub(super) async fn approach(&mut self, job: &Job, cancel: &CancellationToken) -> Result<(), DriveError> {
        if let Some(refusal) = self.refuse_terms(job) {
            return self.skip(refusal);
        }
        if let Some(stopped) = self.shared.stopped(&self.address, self.looked)? {
            self.wait_for_breaker(stopped, cancel).await;
            return Ok(());
        }
        if self.progress.trouble.as_ref().is_some_and(Stopped::explains) {
            self.progress.trouble = None;
        }
        let floor_slot = slot_of_price(job, self.asked(job).price);
        if self.looked < floor_slot {
            self.let_go();
            self.wait_for(floor_slot, cancel).await;
            return Ok(());
        }
        match self.stake_for(job).await? {
            Stake::Enough => {}
            Stake::TooLittle(refusal) => return self.skip(refusal),
            Stake::Locked => {
                self.wait_for_place(cancel).await;
                return Ok(());
            }
        }
        // What was held back before is not read into memory again until it can be taken.
        if self.progress.is_held_back
            && let Some(shortage) = self.shortage(false).await?
        {
            self.hold_back(&shortage);
            self.wait_for_lamports(cancel).await?;
            return Ok(());
        }
        if !self.progress.fetched {
            if let Some(refusal) = self.shared.full_store(1, self.looked).await? {
                self.wait_for_room(refusal, None, cancel).await;
                return Ok(());
            }
            return self.fetch(job, cancel).await;
        }
        let seal = match self.turn(job).await? {
            Turn::Now { seal } => seal,
            Turn::At(slot) => {
                self.wait_for_turn(slot, cancel).await;
                return Ok(());
            }
            Turn::AfterChange => {
                self.wait_for_place(cancel).await;
                return Ok(());
            }
            Turn::Never(refusal) => return self.skip(refusal),
        };
        if self.progress.permit.is_none() {
            let too_late = self.time_to_claim(job);
            tokio::select! {
                permit = Arc::clone(&self.shared.capacity).acquire_owned() => self.progress.permit = permit.ok(),
                () = cancel.cancelled() => {}
                () = self.ears.job() => {}
                () = tokio::time::sleep(too_late) => {}
            }
            return Ok(());
        }
        if self.progress.prepared.is_none() {
            return self.prepare(job, cancel).await;
        }
        let low_slots = self.shared.config.now().disputes.low_clock_slots;
        if let Some((disputed, until_slot)) = self.shared.alarm.low(self.looked, low_slots) {
            tracing::warn!(job = %self.address, %disputed, until_slot, "an answer is due: no new job is claimed until it is given");
            self.let_go();
            tokio::select! {
                () = self.shared.alarm.relieved() => {}
                () = self.ears.job() => {}
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(LONGEST_WAIT) => {}
            }
            return Ok(());
        }
        if let Some(shortage) = self.shortage(true).await? {
            self.hold_back(&shortage);
            self.wait_for_lamports(cancel).await?;
            return Ok(());
        }
        if let Some(stopped) = self.shared.stopped_at_claim(&self.address, self.looked)? {
            self.wait_for_breaker(stopped, cancel).await;
            return Ok(());
        }
        let claimed = self.promise(job, &Action::Claim { seal }).await;
        if !self.is_bound()? {
            self.shared.gives_trial_back(&self.address)?;
        }
        claimed
    }

    /// When the node may claim, by the program's own rules.
    async fn turn(&mut self, job: &Job) -> Result<Turn, DriveError> {
        let heard = self.ears.hear_node();
        let market = &self.shared.market;
        let seen = market.node(self.looked.max(heard)).await?;
        let parameters = market.parameters(self.looked).await?;
        let is_open =
            job.seed == SeedRecord::Open && matches!(job.sortition.opening(Slot(self.looked)), Opening::Expected(_));
        let remembered = if is_open { market.remembered(job.sortition.seed_slot).await? } else { None };
        let Some(node) = &seen.account else {
            return Ok(Turn::Never(not_registered()));
        };
        let claim = Claim {
            job_address: &self.address,
            job,
            node_address: &self.shared.node,
            node,
            parameters: &parameters,
            remembered,
        };
        Ok(claim.turn(self.looked))
    }

    /// About how long it is until nobody can claim any more.
    fn time_to_claim(&self, job: &Job) -> Duration {
        let end = job.posted_slot.saturating_add(job.claim_slots).saturating_add(1);
        let slots = u32::try_from(end.saturating_sub(self.looked)).unwrap_or(u32::MAX);
        self.shared.board.slot_time().saturating_mul(slots)
    }

    /// What the job has to pay, by the measured speed and the operations that it says it has, or, as soon as that is known, that
    /// its graph has.
    fn asked(&self, job: &Job) -> Asked {
        let operations = job.cost_units.max(self.progress.operations);
        least_price(&self.shared.config.now(), operations, self.shared.engine.run_time(operations))
    }

    fn refuse_terms(&self, job: &Job) -> Option<Refusal> {
        let config = self.shared.config.now();
        if !job.invites(&self.shared.node) {
            return Some(Refusal::new(
                "N0231",
                format!("the job invites {}, this node is {}", job.invited_node, self.shared.node),
                "invite this node, or no node",
            ));
        }
        let mint = job.payment_mint.to_string();
        if !config.accepted_mints.is_empty() && !config.accepted_mints.contains(&mint) {
            return Some(Refusal::new(
                "N0212",
                format!("the job pays in {mint}"),
                "add it to accepted_mints to take such jobs",
            ));
        }
        if let Some(refusal) = refuse_graph(&config.prices, &job.graph_root) {
            return Some(refusal);
        }
        if let Some(refusal) = self.asked(job).refuse(job) {
            return Some(refusal);
        }
        let (terms, disputes) = (&job.dispute, &config.disputes);
        if terms.defender_clock_slots < disputes.least_clock_slots {
            let (given, least) = (terms.defender_clock_slots, disputes.least_clock_slots);
            return Some(Refusal::new(
                "N0215",
                format!("the job leaves {given} slots to answer challenges, this node wants {least}"),
                "it follows from the network's parameters; lower disputes.least_clock_slots to take such jobs",
            ));
        }
        if terms.opening_fee_lamports < disputes.least_opening_fee_lamports {
            let (given, least) = (terms.opening_fee_lamports, disputes.least_opening_fee_lamports);
            return Some(Refusal::new(
                "N0216",
                format!("challengers prepay {given} lamports for an opening, this node wants {least}"),
                "it follows from the network's parameters; lower disputes.least_opening_fee_lamports to take such jobs",
            ));
        }
        refuse_run_time(job.run_slots, config.limits.margin_slots)
    }

    async fn stake_for(&mut self, job: &Job) -> Result<Stake, DriveError> {
        let heard = self.ears.hear_node();
        let seen = self.shared.market.node(self.looked.max(heard)).await?;
        let slash = BasisPoints(u32::from(job.dispute.slash_bps));
        Ok(Stake::of(seen.account.as_ref(), job.bond, slash, job.minimum_stake))
    }

    async fn fetch(&mut self, job: &Job, cancel: &CancellationToken) -> Result<(), DriveError> {
        let shared = Arc::clone(&self.shared);
        let fetched = tokio::select! {
            fetched = async {
                let _place = Arc::clone(&shared.fetching).acquire_owned().await;
                let started = Instant::now();
                let fetched = shared.artifacts.fetch(job).await;
                if fetched.is_ok() {
                    shared.meter.note_stage(JobStage::Fetch, started.elapsed());
                }
                fetched
            } => fetched,
            () = cancel.cancelled() => return Ok(()),
            // Somebody else claimed it, or the client took it back: what arrived so far is kept.
            () = self.ears.job() => return Ok(()),
        };
        match fetched {
            Ok(()) => {
                self.progress.fetched = true;
                self.shared.publisher.keeper.note_change();
                Ok(())
            }
            Err(NotWhole::Refused(refusal)) => self.skip(refusal),
            Err(NotWhole::Passing(refusal)) => {
                self.progress.trouble = Some(refusal.clone());
                Err(DriveError::Artifacts(refusal))
            }
        }
    }

    /// Books memory and a place in the queue of the adapter on which the run ends first, reads and checks the artifacts, and loads the
    /// model there.
    async fn prepare(&mut self, job: &Job, cancel: &CancellationToken) -> Result<(), DriveError> {
        let started = Instant::now();
        let (definition, graph) = tokio::select! {
            graph = self.shared.artifacts.graph(job) => match graph {
                Ok(graph) => graph,
                Err(error) => return self.not_whole(error),
            },
            () = cancel.cancelled() => return Ok(()),
        };
        if let Some(refusal) = self.shared.full_store(result_bytes(&graph), self.looked).await? {
            self.wait_for_room(refusal, None, cancel).await;
            return Ok(());
        }
        let mut freed = self.shared.engine.freed();
        freed.borrow_and_update();
        let margin_slots = self.shared.config.now().limits.margin_slots;
        let terms = self.shared.terms(run_deadline(job, self.looked, margin_slots), self.looked);
        let wanted = Wanted { graph: &graph, params_root: job.params_root };
        let booking = match self.shared.engine.book(wanted, &terms) {
            Ok(booking) => Arc::new(booking),
            Err(error) => return self.not_booked(job, error, Some(freed), cancel).await,
        };
        let prepared = tokio::select! {
            prepared = self.shared.artifacts.whole(job, definition, graph) => prepared,
            () = cancel.cancelled() => return Ok(()),
        };
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return self.not_whole(error),
        };
        let (shared, whole, held) = (Arc::clone(&self.shared), prepared.clone(), Arc::clone(&booking));
        let load = move || {
            shared.engine.load_booked(&whole, &held, &terms)?;
            #[cfg(debug_assertions)]
            shared.engine.rehearse(&whole)?;
            Ok(())
        };
        match tokio::task::spawn_blocking(load).await {
            Ok(Ok(())) => {}
            #[cfg(debug_assertions)]
            Ok(Err(NotBooked::Engine(EngineError::Fault(error)))) => {
                return self.skip(Refusal::new("N0230", error.to_string(), "start the node with another fault"));
            }
            Ok(Err(error)) => {
                drop(booking);
                return self.not_booked(job, error, None, cancel).await;
            }
            Err(error) => return self.skip(Refusal::new("N0210", error.to_string(), "report this graph")),
        }
        self.shared.meter.note_stage(JobStage::Prepare, started.elapsed());
        self.progress.booking = Some(booking);
        let cost = DefenceCost::of(&prepared.graph, self.shared.market.most_fee_lamports());
        self.progress.defence = Some(cost);
        if !self.progress.is_held_back {
            self.progress.trouble = None;
        }
        self.progress.operations = estimate::operations(&prepared.graph);
        self.progress.prepared = Some(prepared);
        self.hold(job, &[])?;
        let mut record = self.record()?;
        record.stage = Stage::Admitted;
        record.defence = Some(cost);
        self.save(record)?;
        failpoint::reach("after_admit");
        Ok(())
    }
}

/// Whether this node's stake covers a job or a session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stake {
    Enough,
    /// Enough in all, but other bonds lock it at present.
    Locked,
    TooLittle(Refusal),
}

impl Stake {
    pub(crate) fn of(node: Option<&Node>, bond: u64, slash: BasisPoints, minimum_stake: u64) -> Self {
        let Some(node) = node else {
            return Self::TooLittle(not_registered());
        };
        if node.fraud_convictions > 0 {
            return Self::TooLittle(Refusal::new("N0217", "the node was convicted", "register another node"));
        }
        // The program's own rule: besides the bond, what a conviction would slash stays free.
        let locks = |node: &mut Node| node.lock_bond(TokenAmount(bond), slash, Slot(0), Slot(0)).is_ok();
        let covers = |locked| locks(&mut Node { locked, ..node.clone() });
        if node.stake < minimum_stake || !covers(0) {
            let share = slash.0.max(u32::from(node.slash_reserve_bps));
            return Self::TooLittle(Refusal::new(
                "N0208",
                format!(
                    "the bond is {bond}, {share} of 10,000 parts of the stake stay free, the least stake is {minimum_stake}, this node's {}",
                    node.stake
                ),
                "stake more with `assay node stake`",
            ));
        }
        if covers(node.locked) { Self::Enough } else { Self::Locked }
    }
}

fn not_registered() -> Refusal {
    Refusal::new("N0208", "the node is not registered", "run `assay node init`")
}

fn refuse_run_time(run_slots: u64, margin_slots: u64) -> Option<Refusal> {
    (run_slots < margin_slots).then(|| too_slow(run_slots, margin_slots, 0))
}

/// The first slot at which a claim would fix a price of at least `floor`; the last of the ramp if none does.
fn slot_of_price(job: &Job, floor: u64) -> u64 {
    let rises_from = job.posted_slot.saturating_add(job.ramp_hold_slots);
    let (mut low, mut high) = (job.posted_slot, rises_from.saturating_add(job.ramp_slots));
    // The price never falls, so that the first slot can be searched for by halves.
    while low < high {
        let middle = low + (high - low) / 2;
        let price = job.price_at(assay::units::Slot(middle)).map_or(job.price_max, |price| price.0);
        if price >= floor {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::state::DisputeTerms;
    use proptest::prelude::*;

    fn ramp(min: u64, max: u64, hold: u64, rise: u64) -> Job {
        Job {
            price_min: min,
            price_max: max,
            ramp_hold_slots: hold,
            ramp_slots: rise,
            posted_slot: 1_000,
            ..Job::default()
        }
    }

    #[test]
    fn a_price_is_waited_for_exactly_as_long_as_needed() {
        let job = ramp(100, 200, 10, 20);
        assert_eq!(slot_of_price(&job, 0), 1_000);
        assert_eq!(slot_of_price(&job, 100), 1_000);
        assert_eq!(slot_of_price(&job, 101), 1_011);
        assert_eq!(slot_of_price(&job, 105), 1_011);
        assert_eq!(slot_of_price(&job, 200), 1_030);
    }

    proptest! {
        #[test]
        fn one_slot_earlier_is_too_early(min in 0u64..1_000, more in 0u64..1_000, hold in 0u64..100, rise in 0u64..100, floor in 0u64..2_000) {
            let job = ramp(min, min + more, hold, rise);
            let floor = floor.min(job.price_max);
            let slot = slot_of_price(&job, floor);
            let price = |slot| job.price_at(assay::units::Slot(slot)).unwrap().0;
            prop_assert!(price(slot) >= floor);
            prop_assert!(slot == 1_000 || price(slot - 1) < floor);
        }
    }

    #[test]
    fn stake_is_too_little_or_only_locked() {
        let job = Job { bond: 50, minimum_stake: 80, ..Job::default() };
        let of = |node: Option<&Node>, job: &Job| {
            Stake::of(node, job.bond, BasisPoints(u32::from(job.dispute.slash_bps)), job.minimum_stake)
        };
        let stake = |stake, locked| of(Some(&Node { stake, locked, ..Node::default() }), &job);
        assert_eq!(stake(80, 30), Stake::Enough);
        let slashed = Job { dispute: DisputeTerms { slash_bps: 2_500, ..DisputeTerms::default() }, ..job.clone() };
        let reserved = |stake, locked| of(Some(&Node { stake, locked, ..Node::default() }), &slashed);
        assert_eq!(reserved(80, 10), Stake::Enough);
        assert_eq!(reserved(80, 11), Stake::Locked);
        let large = Job { bond: 61, ..slashed.clone() };
        let too_large = of(Some(&Node { stake: 80, ..Node::default() }), &large);
        assert!(matches!(too_large, Stake::TooLittle(refusal) if refusal.code == "N0208"));
        let convicted = Node { stake: 1_000, fraud_convictions: 1, ..Node::default() };
        assert!(matches!(of(Some(&convicted), &job), Stake::TooLittle(refusal) if refusal.code == "N0217"));
        assert_eq!(stake(80, 31), Stake::Locked);
        assert!(matches!(stake(79, 0), Stake::TooLittle(refusal) if refusal.code == "N0208"));
        assert!(matches!(of(None, &job), Stake::TooLittle(refusal) if refusal.code == "N0208"));
    }

    #[test]
    fn a_job_that_allows_less_than_the_margin_is_refused() {
        assert_eq!(refuse_run_time(5, 5), None);
        assert_eq!(refuse_run_time(4, 5).map(|refusal| refusal.code), Some("N0207".to_owned()));
    }
}
