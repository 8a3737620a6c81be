//! Answers challenges of one job, ends those whose challengers gave up, and closes afterwards what was opened for it.
//!
//! Every round begins with the accounts as they are now and does what is still missing. So it makes no difference whether
//! the node was killed in the middle of an upload, or whether somebody else answered first.

use super::{DriveError, Driver};
use crate::defence::duties::{Dispute, Due, Duty, duties, next_look};
use crate::failpoint;
use crate::journal::{DisputeLog, Record};
use crate::market::{CarriedOut, Market, Move};
use crate::prepare::Prepared;
use assay::address;
use assay::state::{Buffer, Demand, DemandTree, Job, SegmentClaim};
use assay_audit::answer::{AnswerError, Content, answer, boundary_tree, segment_tree, tensor_tree};
use assay_audit::segment_trace;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use futures_util::{StreamExt, stream};
use referee::commit::{Hash, sha256};
use referee::graph::Slot;
use referee::opening::{Place, Tree};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::rent::Rent;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Demands that are answered at a time; each is an upload of up to ten transactions.
const ANSWERS_AT_A_TIME: usize = 4;
/// Writes of one upload that are under way at a time.
const WRITES_AT_A_TIME: usize = 8;
/// Bytes of one write: with its transaction they fill a packet.
const WRITE_BYTES: usize = 880;
/// Slots between two looks at a dispute in which nothing is due: demands do not ring.
const LOOK_SLOTS: u64 = 4;
/// The shortest and the longest pause between two looks.
const LOOK_PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// Refusals after which accounts that cannot be closed are left.
const MOST_REFUSED_CLEANINGS: u32 = 10;

/// The result of a job under dispute, in memory while the dispute lasts.
#[derive(Clone, Debug)]
pub(super) struct Disputed {
    prepared: Prepared,
    boundary: Arc<TensorSet>,
    hashes: Arc<[Hash]>,
}

/// What was done in a round, for the log.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    answers: u32,
    roots: u32,
    timed_out: u32,
    transactions: u32,
    fees_lamports: u64,
    earned_lamports: u64,
    /// What the accounts that were opened hold.
    rent_lamports: u64,
    slot: u64,
}

impl Tally {
    fn landed(&mut self, slot: u64, fee_lamports: u64) {
        self.transactions += 1;
        self.fees_lamports = self.fees_lamports.saturating_add(fee_lamports);
        self.slot = self.slot.max(slot);
    }

    fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.roots += other.roots;
        self.timed_out += other.timed_out;
        self.transactions += other.transactions;
        self.fees_lamports = self.fees_lamports.saturating_add(other.fees_lamports);
        self.earned_lamports = self.earned_lamports.saturating_add(other.earned_lamports);
        self.rent_lamports = self.rent_lamports.saturating_add(other.rent_lamports);
        self.slot = self.slot.max(other.slot);
    }

    fn write_to(&self, log: &mut DisputeLog) {
        log.answers += self.answers;
        log.roots += self.roots;
        log.timed_out += self.timed_out;
        log.transactions += self.transactions;
        log.fees_lamports = log.fees_lamports.saturating_add(self.fees_lamports);
        log.earned_lamports = log.earned_lamports.saturating_add(self.earned_lamports);
        log.rent_lamports = log.rent_lamports.saturating_add(self.rent_lamports);
    }
}

impl<M: Market> Driver<M> {
    /// One round: looks, does what is due, or waits until something may be.
    pub(super) async fn defend(&mut self, job: &Job, cancel: &CancellationToken) -> Result<(), DriveError> {
        let (slot, dispute) = self.shared.market.dispute(&self.address, self.looked).await?;
        self.looked = self.looked.max(slot);
        let due = duties(job, &dispute, slot);
        #[cfg(debug_assertions)]
        let due = self.without_withheld(&dispute, due);
        let until_slot = due.first().map(|due| due.until_slot).filter(|until| *until != u64::MAX);
        self.shared.alarm.set(&self.address, until_slot);
        self.note(job, &dispute, &due, until_slot)?;
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

    /// Uploads the answer to a demand, as far as it is not there yet, and gives it.
    async fn open(&self, address: &Pubkey, demand: &Demand, tally: &mut Tally) -> Result<(), DriveError> {
        let bytes = self.answer_to(demand).await?;
        let id = buffer_id(address);
        let length = u32::try_from(bytes.len()).map_err(|error| DriveError::Defence(error.to_string()))?;
        let mut present = self.shared.market.buffer(id, self.looked).await?;
        if present.as_ref().is_some_and(|buffer| buffer.held_by.is_some()) {
            // It was given already; the demand will be seen as answered.
            return Ok(());
        }
        if present.as_ref().is_some_and(|buffer| buffer.bytes.len() != bytes.len()) {
            self.carry_out(&[Move::CloseBuffer { id }], tally).await?;
            present = None;
        }
        let mut missing = missing_pieces(&bytes, present.as_ref().map(|buffer| buffer.bytes.as_slice()));
        if present.is_none() {
            let first = missing.first().map(|piece| write(id, &bytes, piece.clone()));
            let opening = Move::OpenBuffer { id, bytes: length };
            self.carry_out(&[Some(opening), first].into_iter().flatten().collect::<Vec<_>>(), tally).await?;
            tally.rent_lamports += rent_lamports(Buffer::space(length));
            missing = missing.split_off(missing.len().min(1));
            failpoint::reach("after_buffer_opened");
        }
        let bytes = &bytes;
        let mut writing = stream::iter(missing)
            .map(|piece| async move {
                let mut own = Tally::default();
                let result = self.carry_out(&[write(id, bytes, piece)], &mut own).await;
                (own, result)
            })
            .buffer_unordered(WRITES_AT_A_TIME);
        while let Some((own, result)) = writing.next().await {
            tally.add(&own);
            result?;
            failpoint::reach("after_buffer_written");
        }
        let giving = Move::Answer { address: *address, demand: Box::new(demand.clone()), id };
        self.carry_out(&[giving], tally).await?;
        tally.answers += 1;
        tally.earned_lamports += demand.fee_lamports;
        failpoint::reach("after_answer");
        tracing::info!(job = %self.address, demand = %address, bytes = bytes.len(), "answered");
        Ok(())
    }

    async fn carry_out(&self, moves: &[Move], tally: &mut Tally) -> Result<(), DriveError> {
        match self.shared.market.carry_out(&self.address, moves).await? {
            CarriedOut::Landed { slot, fee_lamports } => {
                tally.landed(slot, fee_lamports);
                Ok(())
            }
            CarriedOut::Refused { code, reason } => Err(DriveError::Refused { code, reason }),
        }
    }

    /// The bytes that open what is demanded.
    async fn answer_to(&self, demand: &Demand) -> Result<Vec<u8>, DriveError> {
        let failed = |reason: String| DriveError::Defence(reason);
        let disputed = self.progress.disputed.clone();
        let disputed = disputed.ok_or_else(|| failed("the disputed result is not at hand".to_owned()))?;
        let (key, graph) = (demand.key, Arc::clone(&disputed.prepared.graph));
        let place = Place { height: key.height, index: key.index };
        let bound = demand.bound;
        match key.tree {
            DemandTree::SegmentRoot => Err(failed("a root is not opened but signed".to_owned())),
            DemandTree::Boundary => {
                let hashes = Arc::clone(&disputed.hashes);
                built(move || opened(&boundary_tree(&graph), place, &bound, Content::Hashes(&hashes))).await
            }
            DemandTree::Segment => {
                let tensors = self.segment_tensors(key.slot, &graph.segment_slots(key.slot)).await?;
                built(move || {
                    let trace = segment_trace(&graph, key.slot, &tensors, &Hasher::default())?;
                    opened(&segment_tree(&graph, key.slot), place, &bound, Content::Hashes(&trace.hashes))
                })
                .await
            }
            DemandTree::Tensor => {
                let slot: Slot = key.slot;
                let known = tensor_tree(&graph, slot).zip(graph.tensors.get(usize::from(slot)));
                let Some((tree, tensor)) = known else {
                    return Err(failed(format!("the graph has no tensor {slot}")));
                };
                let bytes = match (disputed.boundary.get(&slot), tensor.producer) {
                    (Some(bytes), _) => Arc::clone(bytes),
                    (None, Some((op, _))) => {
                        let tensors = self.segment_tensors(graph.segment_of(op), &[slot]).await?;
                        let bytes = tensors.get(&slot).cloned();
                        bytes.ok_or_else(|| failed(format!("tensor {slot} is not in its segment")))?
                    }
                    (None, None) => return Err(failed(format!("no op produces tensor {slot}"))),
                };
                built(move || opened(&tree, place, &bound, Content::Bytes(&bytes))).await
            }
        }
    }

    /// Tensors of a segment, computed again if they are not in the store yet.
    async fn segment_tensors(&self, segment: u16, slots: &[Slot]) -> Result<TensorSet, DriveError> {
        let trace = self.shared.segment(self.address, segment).await;
        let trace = trace.map_err(|error| DriveError::Defence(error.to_string()))?;
        let wanted = trace.manifest.tensors.into_iter().filter(|entry| slots.contains(&entry.slot));
        Ok(self.shared.publisher.tensors(&wanted.collect::<Vec<_>>()).await?)
    }

    async fn load_disputed(&self) -> Result<Disputed, DriveError> {
        let seen = self.shared.market.job(&self.address, 0).await?;
        let job = seen.account.ok_or_else(|| DriveError::Defence("the job is gone".to_owned()))?;
        let prepared = self.shared.artifacts.prepare(&job).await;
        let prepared = prepared.map_err(|error| DriveError::Artifacts(error.refusal().clone()))?;
        let boundary = self.shared.publisher.result(&job.result_manifest, &prepared.graph).await?;
        let graph = Arc::clone(&prepared.graph);
        let (boundary, hashes) = tokio::task::spawn_blocking(move || {
            let hashed = Hasher::default().boundary(&graph, &boundary);
            hashed.map(|hashed| (boundary, hashed.hashes))
        })
        .await
        .map_err(|error| DriveError::Defence(error.to_string()))?
        .map_err(|error| DriveError::Defence(error.to_string()))?;
        Ok(Disputed { prepared, boundary: Arc::new(boundary), hashes: hashes.into() })
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

    /// Closes what this node opened in disputes over the job, which is over or gone.
    pub(super) async fn clean_up(&mut self) -> Result<(), DriveError> {
        self.shared.alarm.set(&self.address, None);
        self.progress.disputed = None;
        let record = self.record()?;
        let Some(log) = record.dispute.clone() else { return Ok(()) };
        let mut tally = Tally::default();
        let cleaned = self.close_all(&log, &mut tally).await;
        self.looked = self.looked.max(tally.slot);
        let is_given_up = match &cleaned {
            Err(DriveError::Refused { .. }) => {
                self.progress.refused_cleanings = self.progress.refused_cleanings.saturating_add(1);
                self.progress.refused_cleanings >= MOST_REFUSED_CLEANINGS
            }
            _ => false,
        };
        if is_given_up {
            tracing::error!(job = %self.address, "accounts of a dispute cannot be closed: their rent stays in them");
        }
        let mut log = log;
        tally.write_to(&mut log);
        log.open = 0;
        log.until_slot = None;
        log.cleaned = cleaned.is_ok() || is_given_up;
        if cleaned.is_ok() {
            log.rent_lamports = 0;
        }
        self.save(Record { dispute: Some(log), ..record })?;
        if is_given_up { Ok(()) } else { cleaned }
    }

    async fn close_all(&self, log: &DisputeLog, tally: &mut Tally) -> Result<(), DriveError> {
        let market = &self.shared.market;
        for (address, claim) in market.segment_claims(&self.address, self.looked).await? {
            if claim.payer == market.operator() && claim.signed {
                self.carry_out(&[Move::CloseClaim { address, claim: Box::new(claim) }], tally).await?;
            }
        }
        for id in &log.buffers {
            let Some(buffer) = market.buffer(*id, self.looked.max(tally.slot)).await? else { continue };
            let mut moves = Vec::new();
            if let Some(address) = buffer.held_by
                && let Some(demand) = market.demand(&address, self.looked).await?
            {
                moves.push(Move::CloseDemand { address, demand: Box::new(demand) });
            }
            moves.push(Move::CloseBuffer { id: *id });
            self.carry_out(&moves, tally).await?;
            failpoint::reach("after_buffer_closed");
        }
        Ok(())
    }
}

/// The number of the buffer that answers a demand: whoever knows the demand finds the buffer again.
fn buffer_id(demand: &Pubkey) -> u64 {
    let hash = sha256(&[b"assay/answer/1", demand.as_ref()]);
    hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Ranges of an answer that the buffer does not have yet.
fn missing_pieces(bytes: &[u8], present: Option<&[u8]>) -> Vec<std::ops::Range<usize>> {
    let starts = (0..bytes.len()).step_by(WRITE_BYTES);
    let pieces = starts.map(|start| start..(start + WRITE_BYTES).min(bytes.len()));
    pieces
        .filter(|piece| present.is_none_or(|present| present.get(piece.clone()) != bytes.get(piece.clone())))
        .collect()
}

/// What an account of so many bytes holds, on clusters with the usual rent.
fn rent_lamports(bytes: usize) -> u64 {
    Rent::default().minimum_balance(bytes)
}

fn write(id: u64, bytes: &[u8], piece: std::ops::Range<usize>) -> Move {
    Move::WriteBuffer { id, offset: piece.start as u32, bytes: bytes.get(piece).unwrap_or_default().to_vec() }
}

fn opened(tree: &Tree, place: Place, bound: &Hash, content: Content<'_>) -> Result<Vec<u8>, AnswerError> {
    answer(tree, place, bound, content, &Hasher::default())
}

/// Hashing a large tensor would stall the asynchronous threads.
async fn built(build: impl FnOnce() -> Result<Vec<u8>, AnswerError> + Send + 'static) -> Result<Vec<u8>, DriveError> {
    match tokio::task::spawn_blocking(build).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(DriveError::Defence(error.to_string())),
        Err(error) => Err(DriveError::Defence(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_written() {
        let bytes: Vec<u8> = (0..2_000).map(|byte| (byte % 250) as u8 + 1).collect();
        let all = missing_pieces(&bytes, None);
        assert_eq!(all, [0..880, 880..1_760, 1_760..2_000]);
        let mut present = vec![0; 2_000];
        assert_eq!(missing_pieces(&bytes, Some(&present)), all);
        present[880..1_760].copy_from_slice(&bytes[880..1_760]);
        assert_eq!(missing_pieces(&bytes, Some(&present)), [0..880, 1_760..2_000]);
        assert!(missing_pieces(&bytes, Some(&bytes)).is_empty());
    }

    #[test]
    fn each_demand_has_a_buffer_of_its_own_that_is_found_again() {
        let (one, other) = (Pubkey::new_unique(), Pubkey::new_unique());
        assert_eq!(buffer_id(&one), buffer_id(&one));
        assert_ne!(buffer_id(&one), buffer_id(&other));
    }
}
