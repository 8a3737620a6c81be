//! Answers challenges of one job, ends those whose challengers gave up, and closes afterwards what was opened for it.
//!
//! | module | what it is |
//! |---|---|
//! | `opening` | the bytes that open what is demanded |
//! | `upload` | bringing them on-chain, piece by piece |
//! | `cleaning` | closing everything when the dispute is over |
//! | `tally` | what was done in a round |
//!
//! Every round begins with the accounts as they are now and does what is still missing. So it makes no difference whether
//! the node was killed in the middle of an upload, or whether somebody else answered first.

mod cleaning;
mod opening;
mod tally;
mod upload;

use super::{DriveError, Driver};
use crate::defence::cost::rent_lamports;
use crate::defence::duties::{Dispute, Due, Duty, duties, next_look};
use crate::defence::exposure::Exposure;
use crate::failpoint;
use crate::market::{CarriedOut, Market, Move};
use crate::steps::JobView;
use assay::address;
use assay::state::{Demand, DemandTree, Job, SegmentClaim};
use futures_util::{StreamExt, stream};
pub(super) use opening::Disputed;
use solana_sdk::pubkey::Pubkey;
use std::time::Duration;
use tally::Tally;
use tokio_util::sync::CancellationToken;
use upload::buffer_id;

/// Demands that are answered at a time; each is an upload of up to ten transactions.
const ANSWERS_AT_A_TIME: usize = 4;
/// Slots between two looks at a dispute in which nothing is due: demands do not ring.
const LOOK_SLOTS: u64 = 4;
/// The shortest and the longest pause between two looks.
const LOOK_PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

impl<M: Market> Driver<M> {
    /// One round: looks, does what is due, or waits until something may be.
    pub(in crate::driver) async fn defend(&mut self, job: &Job, cancel: &CancellationToken) -> Result<(), DriveError> {
        let (slot, dispute) = self.shared.market.dispute(&self.address, self.looked).await?;
        self.looked = self.looked.max(slot);
        let due = duties(job, &dispute, slot);
        #[cfg(debug_assertions)]
        let due = self.without_withheld(&dispute, due);
        let until_slot = due.first().map(|due| due.until_slot).filter(|until| *until != u64::MAX);
        self.shared.alarm.set(&self.address, until_slot);
        self.note(job, &dispute, &due, until_slot)?;
        self.note_need(job, &dispute, slot)?;
        if due.is_empty() {
            self.look_later(next_look(job, &dispute), cancel).await;
            return Ok(());
        }
        let (done, failure) = self.do_all(&dispute, &due).await;
        self.looked = self.looked.max(done.slot);
        let mut record = self.record()?;
        done.write_to(record.dispute.get_or_insert_default());
        self.save(record)?;
        failure.map_or(Ok(()), Err)
    }

    /// Leaves out what this node was told to withhold.
    #[cfg(debug_assertions)]
    fn without_withheld(&self, dispute: &Dispute, due: Vec<Due>) -> Vec<Due> {
        let Some(fault) = self.shared.fault else { return due };
        let is_withheld = |duty: &Duty| match duty {
            Duty::RecordRoot { segment } => fault.withholds_segment(*segment),
            Duty::Answer { demand } => dispute.demand(demand).is_some_and(|demand| match demand.key.tree {
                DemandTree::Segment => fault.withholds_segment(demand.key.slot),
                // Hashes above the data are opened: it is the leaf that is missing.
                DemandTree::Tensor => {
                    fault.withheld_tensor() == Some(demand.key.slot)
                        && demand.key.height <= referee::opening::DATA_HEIGHT
                }
                DemandTree::Boundary | DemandTree::SegmentRoot => false,
            }),
            Duty::TimeOut { .. } => false,
        };
        due.into_iter().filter(|due| !fault.is_silent() && !is_withheld(&due.duty)).collect()
    }

    /// Writes down what is known and what is about to be opened, and tells people of every challenge once.
    fn note(&mut self, job: &Job, dispute: &Dispute, due: &[Due], until_slot: Option<u64>) -> Result<(), DriveError> {
        let mut record = self.record()?;
        let before = record.dispute.clone();
        let log = record.dispute.get_or_insert_default();
        log.open = dispute.open_challenges().count() as u32;
        log.until_slot = until_slot;
        log.bond = job.bond;
        log.slash_bps = job.dispute.slash_bps;
        log.cleaned = false;
        for (address, challenge) in &dispute.challenges {
            let text = address.to_string();
            if !log.challenges.contains(&text) {
                let challenger = challenge.challenger;
                tracing::error!(job = %self.address, challenge = text, %challenger, "a result of this node is challenged");
                log.challenges.push(text);
            }
        }
        // What a node that was killed did not come to write down is on the chain.
        let operator = self.shared.market.operator();
        let own: Vec<Pubkey> = log.buffers.iter().map(|id| address::buffer(&operator, *id)).collect();
        let answers = dispute.demands.iter().filter(|(_, demand)| own.contains(&demand.answer)).count() as u32;
        let roots = dispute.demands.iter().filter(|(_, demand)| demand.signed).count() as u32;
        log.answers = log.answers.max(answers);
        log.roots = log.roots.max(roots);
        let earned = u64::from(answers + roots).saturating_mul(job.dispute.opening_fee_lamports);
        log.earned_lamports = log.earned_lamports.max(earned);
        for due in due {
            let Duty::Answer { demand } = &due.duty else { continue };
            let id = buffer_id(demand);
            if !log.buffers.contains(&id) {
                log.buffers.push(id);
            }
        }
        if before.as_ref() == record.dispute.as_ref() {
            return Ok(());
        }
        self.save(record)
    }

    /// Notes what this dispute, and those that can still come, can cost from now on.
    fn note_need(&self, job: &Job, dispute: &Dispute, slot: u64) -> Result<(), DriveError> {
        let record = self.record()?;
        let lent_lamports = record.dispute.as_ref().map_or(0, |log| log.rent_lamports);
        let is_challengeable = slot < JobView::of(job, &self.shared.node).final_from;
        self.need(Some(&record), &Exposure::of(dispute, is_challengeable, lent_lamports));
        Ok(())
    }

    /// Everything at once, as far as that is wise: the clocks of several challenges run at the same time.
    async fn do_all(&mut self, dispute: &Dispute, due: &[Due]) -> (Tally, Option<DriveError>) {
        let mut all = Tally::default();
        if due.iter().any(|due| matches!(due.duty, Duty::Answer { .. })) && self.progress.disputed.is_none() {
            match self.load_disputed().await {
                Ok(disputed) => self.progress.disputed = Some(disputed),
                // What needs no result is done all the same.
                Err(error) => tracing::error!(job = %self.address, %error, "the disputed result is not at hand"),
            }
        }
        let this = &*self;
        let mut doing = stream::iter(due.to_vec())
            .map(|due| async move {
                let done = this.fulfil(dispute, &due.duty).await;
                (due, done)
            })
            .buffer_unordered(ANSWERS_AT_A_TIME);
        let mut failure = None;
        while let Some((due, (tally, result))) = doing.next().await {
            all.add(&tally);
            if let Err(error) = result {
                tracing::warn!(job = %this.address, ?due, %error, "a duty failed; it will be tried again");
                failure = Some(error);
            }
        }
        (all, failure)
    }

    async fn fulfil(&self, dispute: &Dispute, duty: &Duty) -> (Tally, Result<(), DriveError>) {
        let mut tally = Tally::default();
        let result = match duty {
            Duty::RecordRoot { segment } => self.record_root(dispute, *segment, &mut tally).await,
            Duty::Answer { demand } => match dispute.demand(demand) {
                Some(account) => self.open(demand, account, &mut tally).await,
                None => Ok(()),
            },
            Duty::TimeOut { challenge: address } => match dispute.challenge(address) {
                Some(challenge) => {
                    tracing::info!(job = %self.address, challenge = %address, "the challenger is out of time");
                    let time_out = Move::TimeOut { challenge: Box::new(challenge.clone()) };
                    self.carry_out(&[time_out], &mut tally).await.map(|()| tally.timed_out += 1)
                }
                None => Ok(()),
            },
        };
        (tally, result)
    }

    async fn record_root(&self, dispute: &Dispute, segment: u16, tally: &mut Tally) -> Result<(), DriveError> {
        let trace = self.shared.segment(self.address, segment).await;
        let trace = trace.map_err(|error| DriveError::Defence(error.to_string()))?;
        failpoint::reach("before_root_recorded");
        let root = trace.root;
        #[cfg(debug_assertions)]
        let root = match self.shared.fault {
            Some(fault) if fault.signs_twice(segment) => crate::segments::second_root(&root),
            _ => root,
        };
        self.carry_out(&[Move::RecordRoot { segment, root }], tally).await?;
        tally.roots += 1;
        tally.rent_lamports += rent_lamports(SegmentClaim::SPACE);
        let demanded =
            |demand: &&(Pubkey, Demand)| demand.1.key.tree == DemandTree::SegmentRoot && demand.1.key.slot == segment;
        tally.earned_lamports += dispute.demands.iter().find(demanded).map_or(0, |(_, demand)| demand.fee_lamports);
        failpoint::reach("after_root_recorded");
        Ok(())
    }

    async fn carry_out(&self, moves: &[Move], tally: &mut Tally) -> Result<(), DriveError> {
        let due_slot = self.shared.alarm.due(&self.address);
        match self.shared.market.carry_out(&self.address, moves, due_slot).await? {
            CarriedOut::Landed { slot, fee_lamports } => {
                tally.landed(slot, fee_lamports);
                Ok(())
            }
            CarriedOut::Refused { code, reason } => Err(DriveError::Refused { code, reason }),
        }
    }

    /// Waits until the job changes, until a challenger may be out of time, or for a few slots: demands do not ring.
    async fn look_later(&mut self, next_look: Option<u64>, cancel: &CancellationToken) {
        let soon = self.looked.saturating_add(LOOK_SLOTS);
        let slot = next_look.map_or(soon, |next| next.min(soon)).max(self.looked.saturating_add(1));
        let pause = self.shared.board.slot_time().saturating_mul(LOOK_SLOTS as u32);
        tokio::select! {
            () = self.ears.job_or_slot(slot) => {}
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(pause.clamp(LOOK_PAUSE.0, LOOK_PAUSE.1)) => {}
        }
    }
}
