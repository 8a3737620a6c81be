//! A model of the program's disputes: the accounts' own methods, in the order of the instructions.

use crate::case::{BOND, Case};
use assay::AssayError;
use assay::dispute::clocks::{MAXIMUM_DEMANDS, Wait};
use assay::dispute::penalty::{BountyShares, halves};
use assay::dispute::{ChallengeEvent, ChallengeState, seal};
use assay::state::{Challenge, Demand, DemandKey, DemandState, Fault, SegmentClaim};
use assay::state_machine::JobState;
use assay::units::{Slot, TokenAmount};
use assay_validator::docket::Docket;
use assay_validator::rules::{Move, ProofSegment, judged};
use solana_sdk::pubkey::Pubkey;

/// The chain, as far as one job's dispute goes.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) docket: Docket,
    /// Bonds that a key has put in, by how many challenges.
    pub(crate) committed: Vec<Pubkey>,
    /// What the key took out.
    pub(crate) paid: Vec<(Pubkey, u64)>,
}

pub(crate) fn challenge_address(challenger: &Pubkey) -> Pubkey {
    let mut bytes = challenger.to_bytes();
    bytes[31] ^= 0xff;
    Pubkey::new_from_array(bytes)
}

impl World {
    pub(crate) fn new(case: &Case) -> Self {
        let docket = Docket {
            slot: case.job.committed_slot + 1,
            address: Pubkey::new_from_array([7; 32]),
            job: Some(case.job.clone()),
            ..Docket::default()
        };
        Self { docket, committed: Vec::new(), paid: Vec::new() }
    }

    /// Makes a move as the program would; an error changes nothing.
    pub(crate) fn apply(&mut self, me: &Pubkey, wanted: &Move) -> Result<(), AssayError> {
        let mut next = self.clone();
        next.run(me, wanted)?;
        if let Some(job) = &next.docket.job {
            job.invariant()?;
        }
        for challenge in next.docket.challenges.values() {
            challenge.invariant()?;
        }
        *self = next;
        Ok(())
    }

    fn own(&mut self, me: &Pubkey) -> Result<&mut Challenge, AssayError> {
        let address = challenge_address(me);
        self.docket.challenges.get_mut(&address).ok_or(AssayError::NotChallenger)
    }

    fn run(&mut self, me: &Pubkey, wanted: &Move) -> Result<(), AssayError> {
        let now = Slot(self.docket.slot);
        let address = self.docket.address;
        match wanted {
            Move::Commit { target, own_hash, salt } => {
                let job = self.docket.job.as_mut().ok_or(AssayError::JobNotChallengeable)?;
                job.open_challenge(now)?;
                if self.docket.challenges.contains_key(&challenge_address(me)) {
                    return Err(AssayError::IllegalChallengeTransition);
                }
                let challenge = Challenge {
                    version: Challenge::VERSION,
                    job: address,
                    challenger: *me,
                    sealed: seal(me, &address, *target, own_hash, salt),
                    bond: BOND,
                    committed_slot: now.0,
                    ..Challenge::default()
                };
                self.docket.challenges.insert(challenge_address(me), challenge);
                self.committed.push(*me);
                Ok(())
            }
            Move::Reveal { target, own_hash, salt } => {
                let terms = self.docket.job.as_ref().ok_or(AssayError::WrongJob)?.dispute;
                self.own(me)?.reveal(*target, *own_hash, salt, &terms, now)
            }
            Move::Prove { proof, segment } => self.prove(me, proof, segment.as_ref(), now),
            Move::RecordRoot(signed) => self.record(signed.segment, signed.root, *me),
            Move::ProveEquivocation(signed) => {
                self.has_time_to_prove(me, now)?;
                let (_, claim) = self.docket.signed_claim(signed.segment).ok_or(AssayError::WrongSegmentClaim)?;
                if claim.root == signed.root {
                    return Err(AssayError::RootsEqual);
                }
                self.succeed(challenge_address(me), Fault::Equivocation, now)
            }
            Move::DemandRoot { segment, .. } => self.demand(me, *segment, now),
            Move::Withdraw => {
                let convicted = self.docket.job.as_ref().is_some_and(|job| job.state == JobState::Convicted);
                if convicted {
                    let challenge = self.own(me)?;
                    challenge.keep(ChallengeEvent::Excuse)?;
                    let target = challenge.target;
                    self.docket.job.as_mut().ok_or(AssayError::WrongJob)?.end_challenge(target)
                } else {
                    self.lose(&challenge_address(me), ChallengeEvent::Withdraw)
                }
            }
            Move::TimeOutChallenger { challenge } => {
                let job = self.docket.job.as_ref().ok_or(AssayError::WrongJob)?;
                let known = self.docket.challenges.get(challenge).ok_or(AssayError::NotChallenger)?;
                let event = if known.state == ChallengeState::Sealed {
                    if !known.reveal_deadline(&job.dispute)?.has_passed(now) {
                        return Err(AssayError::RevealTimeLeft);
                    }
                    ChallengeEvent::Lapse
                } else {
                    known.state.after(ChallengeEvent::TimeOut)?;
                    if job.state == JobState::Convicted {
                        return Err(AssayError::JobAlreadyConvicted);
                    }
                    let clocks = job.dispute.challenger_clock_slots;
                    if known.clocks.check_challenger(self.docket.progress(known), now, clocks).is_ok() {
                        return Err(AssayError::ChallengerHasTime);
                    }
                    ChallengeEvent::TimeOut
                };
                self.lose(challenge, event)
            }
            Move::TimeOutDefender { challenge } => {
                let job = self.docket.job.as_ref().ok_or(AssayError::WrongJob)?;
                let known = self.docket.challenges.get(challenge).ok_or(AssayError::NotChallenger)?;
                if known.state != ChallengeState::Revealed || !job.state.can_be_challenged() {
                    return Err(AssayError::IllegalChallengeTransition);
                }
                let clocks = job.dispute.defender_clock_slots;
                known.clocks.check_defender_is_out(self.docket.progress(known), now, clocks)?;
                self.succeed(*challenge, Fault::Withheld, now)
            }
            Move::Resolve { challenge } => {
                let job = self.docket.job.as_mut().ok_or(AssayError::WrongJob)?;
                let known = self.docket.challenges.get_mut(challenge).ok_or(AssayError::NotChallenger)?;
                if job.state != JobState::Convicted {
                    return Err(AssayError::JobNotConvicted);
                }
                if known.state != ChallengeState::Revealed {
                    return Err(AssayError::IllegalChallengeTransition);
                }
                if known.claim_key() == job.record.proven_key {
                    job.count_valid_claim();
                    known.keep(ChallengeEvent::Win)?;
                } else if known.proof_deadline(&job.dispute, Slot(job.record.convicted_slot))?.has_passed(now) {
                    known.keep(ChallengeEvent::Excuse)?;
                } else {
                    return Err(AssayError::ProofTimeLeft);
                }
                job.end_challenge(known.target)
            }
            Move::Settle => {
                let job = self.docket.job.as_mut().ok_or(AssayError::WrongJob)?;
                if job.state != JobState::Convicted {
                    return Err(AssayError::JobNotConvicted);
                }
                if job.record.settled {
                    return Err(AssayError::DisputeAlreadySettled);
                }
                if job.record.challenges_open != 0 {
                    return Err(AssayError::ChallengesOpen);
                }
                let won = |challenge: &&mut Challenge| challenge.state == ChallengeState::Won;
                let claims: Vec<&mut Challenge> = self.docket.challenges.values_mut().filter(won).collect();
                let bounty = TokenAmount(std::mem::take(&mut job.record.bounty));
                let times: Vec<_> = claims.iter().map(|claim| claim.times()).collect();
                let shares = BountyShares::new(bounty, times.iter().copied())?;
                for claim in claims {
                    claim.earn(TokenAmount(shares.of(claim.times())))?;
                    claim.settled = true;
                }
                job.burn(TokenAmount(shares.rest))?;
                job.record.settled = true;
                Ok(())
            }
            Move::CloseChallenge { challenge } => {
                let known = self.docket.challenges.get(challenge).ok_or(AssayError::NotChallenger)?;
                known.check_payable()?;
                self.paid.push((known.challenger, known.owed()?.0));
                self.docket.challenges.remove(challenge);
                Ok(())
            }
            Move::BurnSlash => {
                let job = self.docket.job.as_mut().ok_or(AssayError::WrongJob)?;
                if std::mem::take(&mut job.record.burn_credit) == 0 {
                    return Err(AssayError::NothingToBurn);
                }
                Ok(())
            }
            Move::CloseDemand { demand } => {
                if self.docket.job.as_ref().is_some_and(|job| !job.is_over()) {
                    return Err(AssayError::DisputeNotOver);
                }
                self.docket.demands.remove(demand).map(|_| ()).ok_or(AssayError::WrongDemand)
            }
            Move::CloseClaim { claim } => {
                if self.docket.job.as_ref().is_some_and(|job| !job.is_over()) {
                    return Err(AssayError::DisputeNotOver);
                }
                self.docket.claims.remove(claim).map(|_| ()).ok_or(AssayError::WrongSegmentClaim)
            }
            other => panic!("the model does not know {other:?}"),
        }
    }

    fn prove(
        &mut self,
        me: &Pubkey,
        proof: &[u8],
        segment: Option<&ProofSegment>,
        now: Slot,
    ) -> Result<(), AssayError> {
        self.has_time_to_prove(me, now)?;
        let job = self.docket.job.as_ref().ok_or(AssayError::WrongJob)?.clone();
        // A root that is not on the chain yet is recorded by the same transaction, which fails if another one is.
        if let Some(ProofSegment { segment, root, claim: None }) = segment {
            self.record(*segment, *root, *me)?;
        }
        judged(&job, proof, segment).map_err(|_| AssayError::ProofRejected)?;
        self.succeed(challenge_address(me), Fault::WrongElement, now)
    }

    fn has_time_to_prove(&self, me: &Pubkey, now: Slot) -> Result<(), AssayError> {
        let job = self.docket.job.as_ref().ok_or(AssayError::WrongJob)?;
        let known = self.docket.challenges.get(&challenge_address(me)).ok_or(AssayError::NotChallenger)?;
        if known.state != ChallengeState::Revealed {
            return Err(AssayError::IllegalChallengeTransition);
        }
        if job.state == JobState::Convicted {
            if known.proof_deadline(&job.dispute, Slot(job.record.convicted_slot))?.has_passed(now) {
                return Err(AssayError::ChallengerOutOfTime);
            }
            return Ok(());
        }
        let clocks = job.dispute.challenger_clock_slots;
        known.clocks.check_challenger(self.docket.progress(known), now, clocks)
    }

    /// Records a signed root of a segment, once; `payer` gets the rent back.
    pub(crate) fn record(&mut self, segment: u16, root: [u8; 32], payer: Pubkey) -> Result<(), AssayError> {
        if self.docket.job.is_none() || self.docket.signed_claim(segment).is_some() {
            return Err(AssayError::WrongSegmentClaim);
        }
        let claim = SegmentClaim { signed: true, segment, root, payer, ..SegmentClaim::default() };
        let mut address = [0xab; 32];
        address[..2].copy_from_slice(&segment.to_le_bytes());
        self.docket.claims.insert(Pubkey::new_from_array(address), claim);
        Ok(())
    }

    fn succeed(&mut self, address: Pubkey, fault: Fault, now: Slot) -> Result<(), AssayError> {
        let job = self.docket.job.as_mut().ok_or(AssayError::WrongJob)?;
        let challenge = self.docket.challenges.get_mut(&address).ok_or(AssayError::NotChallenger)?;
        if job.state != JobState::Convicted {
            job.convict(fault, challenge.claim_key(), TokenAmount(100), now)?;
        }
        job.count_valid_claim();
        challenge.keep(ChallengeEvent::Win)?;
        job.end_challenge(challenge.target)
    }

    fn lose(&mut self, address: &Pubkey, event: ChallengeEvent) -> Result<(), AssayError> {
        let job = self.docket.job.as_mut().ok_or(AssayError::WrongJob)?;
        let challenge = self.docket.challenges.get_mut(address).ok_or(AssayError::NotChallenger)?;
        let bond = challenge.lose(event)?;
        job.burn(halves(bond).1)?;
        job.end_challenge(challenge.target)
    }

    fn demand(&mut self, me: &Pubkey, segment: u16, now: Slot) -> Result<(), AssayError> {
        let job = self.docket.job.as_ref().ok_or(AssayError::WrongJob)?.clone();
        if !job.state.can_be_challenged() {
            return Err(AssayError::JobNotChallengeable);
        }
        let known = self.own(me)?.clone();
        if known.state != ChallengeState::Revealed {
            return Err(AssayError::IllegalChallengeTransition);
        }
        let progress = self.docket.progress(&known);
        let address = Pubkey::new_from_array([8; 32]);
        let demand = self.docket.demands.entry(address).or_insert_with(|| Demand {
            version: Demand::VERSION,
            job: self.docket.address,
            key: DemandKey::segment_root(segment),
            payer: *me,
            opened_slot: now.0,
            ..Demand::default()
        });
        demand.check_open()?;
        demand.requested_slot = now.0;
        let clocks = job.dispute.challenger_clock_slots;
        let wait = Wait { demand: address, poster_answers: false, most: MAXIMUM_DEMANDS };
        self.own(me)?.clocks.wait_for(wait, progress, now, clocks)
    }

    /// The node signs the demanded root.
    pub(crate) fn answer(&mut self) {
        let now = self.docket.slot;
        for demand in self.docket.demands.values_mut().filter(|demand| demand.state == DemandState::Open) {
            demand.sign(Slot(now));
        }
    }
}
