//! Chess clocks: whose move it is, and how much of each side's time is used up.
//!
//! Every challenge has its own pair of clocks. While it waits for an answer that it demanded, the defending side's clock
//! runs; otherwise its own. One demand can be waited for by several challenges, so what a challenge knows of it is read from
//! the demand ([`Progress`]) whenever the challenge moves. What somebody posts for a silent node has a clock of its own
//! ([`RunningClock`]).

use crate::error::{AssayError, Checked};
use crate::units::{Slot, Slots};
use anchor_lang::prelude::*;

/// Demands that one challenge can make about the inside of a result: two wide moves through the boundary tree, a segment
/// root, two moves through the segment's tree and five through the largest tensor, with room for false posts in between.
/// Bounded so that nobody can use a defender's clock up by asking on and on.
pub const MAXIMUM_DEMANDS: u16 = 24;

/// Demands that one challenge can make for an output that cannot be had.
pub const MAXIMUM_OUTPUT_DEMANDS: u16 = 64;

/// How far a demand is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// When what had answered it was refuted last; 0 if that never happened.
    pub reopened_slot: u64,
    /// When it was answered; 0 while it is not.
    pub answered_slot: u64,
}

/// Whose clock runs, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The challenger has to move.
    Challenger(Slot),
    /// The demand that the challenge waits for has to be answered.
    Defender(Slot),
}

/// What a challenge begins to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The demand.
    pub demand: Pubkey,
    /// Whether the poster of an unsigned root has to answer, and not the node.
    pub poster_answers: bool,
    /// Demands that the challenge can make in all.
    pub most: u16,
}

/// The two clocks of one challenge.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// The demand that the challenge waits for; the zero key if it waits for none.
    pub demand: Pubkey,
    /// Since when the present turn lasts: the last move, or the demand.
    pub since_slot: u64,
    /// Time the challenger used in earlier turns.
    pub challenger_used_slots: u64,
    /// Time the defending side used for earlier demands.
    pub defender_used_slots: u64,
    /// Demands made so far.
    pub demands: u16,
    /// Whether the poster of an unsigned root has to answer, on a clock of its own, and not the node.
    pub poster_answers: bool,
    /// Whether the challenger's time was extended because the chain skipped slots.
    pub challenger_extended: bool,
    /// Whether the defending side's time was extended because the chain skipped slots.
    pub defender_extended: bool,
}

/// What a clock allows: its length, and half as much again once it was extended.
pub fn allowance(clock_slots: u32, extended: bool) -> Slots {
    let length = u64::from(clock_slots);
    Slots(if extended { length.saturating_add(length >> 1) } else { length })
}

impl Clocks {
    /// Clocks of a challenge revealed at `now`: the challenger moves.
    pub fn started(now: Slot, challenger_extended: bool) -> Self {
        Self { since_slot: now.0, challenger_extended, ..Self::default() }
    }

    /// Whether the challenge waits for a demand.
    pub fn is_waiting(&self) -> bool {
        self.demand != Pubkey::default()
    }

    /// Whose turn it is. `progress` is that of the demand that the challenge waits for; without one it is ignored.
    pub fn turn(&self, progress: Progress) -> Turn {
        if !self.is_waiting() {
            Turn::Challenger(Slot(self.since_slot))
        } else if progress.answered_slot == 0 {
            Turn::Defender(Slot(self.since_slot.max(progress.reopened_slot)))
        } else {
            Turn::Challenger(Slot(self.since_slot.max(progress.answered_slot)))
        }
    }

    /// What the challenger has used until `now`.
    pub fn challenger_time(&self, progress: Progress, now: Slot) -> Checked<Slots> {
        match self.turn(progress) {
            Turn::Challenger(since) => Slots(self.challenger_used_slots).plus(now.since(since)),
            Turn::Defender(_) => Ok(Slots(self.challenger_used_slots)),
        }
    }

    /// What the defending side has used until `now`.
    pub fn defender_time(&self, progress: Progress, now: Slot) -> Checked<Slots> {
        let running = match self.turn(progress) {
            _ if self.poster_answers || !self.is_waiting() => Slots(0),
            Turn::Defender(since) => now.since(since),
            Turn::Challenger(_) => self.waited(progress),
        };
        Slots(self.defender_used_slots).plus(running)
    }

    /// `ChallengerOutOfTime` if the challenger has used more than `clock_slots` at `now`.
    pub fn check_challenger(&self, progress: Progress, now: Slot, clock_slots: u32) -> Checked {
        if self.challenger_time(progress, now)? > allowance(clock_slots, self.challenger_extended) {
            Err(AssayError::ChallengerOutOfTime)
        } else {
            Ok(())
        }
    }

    /// `DefenderHasTime` unless the challenge waits for an answer and the defending side has used more than `clock_slots`.
    pub fn check_defender_is_out(&self, progress: Progress, now: Slot, clock_slots: u32) -> Checked {
        let waiting = matches!(self.turn(progress), Turn::Defender(_)) && !self.poster_answers;
        if waiting && self.defender_time(progress, now)? > allowance(clock_slots, self.defender_extended) {
            Ok(())
        } else {
            Err(AssayError::DefenderHasTime)
        }
    }

    /// The challenger demands `wait.demand` at `now` and waits for it. `progress` is that of the demand it waited for before.
    ///
    /// `DemandPending` while that one is unanswered, `ChallengerOutOfTime`, `TooManyDemands` beyond `wait.most`.
    pub fn wait_for(&mut self, wait: Wait, progress: Progress, now: Slot, clock_slots: u32) -> Checked {
        let Turn::Challenger(since) = self.turn(progress) else { return Err(AssayError::DemandPending) };
        self.check_challenger(progress, now, clock_slots)?;
        if self.demands >= wait.most {
            return Err(AssayError::TooManyDemands);
        }
        self.defender_used_slots = self.defender_time(progress, now)?.0;
        self.challenger_used_slots = Slots(self.challenger_used_slots).plus(now.since(since))?.0;
        self.demand = wait.demand;
        self.poster_answers = wait.poster_answers;
        self.since_slot = now.0;
        self.demands = self.demands.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// Gives the turn back to the challenger at `now`, because what the demand was about was refuted: the defending side is
    /// not charged, since its time under a post is that post's own.
    pub fn resume(&mut self, now: Slot) {
        self.demand = Pubkey::default();
        self.poster_answers = false;
        self.since_slot = now.0;
    }

    /// How long an answered demand was waited for.
    fn waited(&self, progress: Progress) -> Slots {
        Slot(progress.answered_slot).since(Slot(self.since_slot.max(progress.reopened_slot)))
    }
}

/// A clock that runs while at least one demand is open: that of a segment root posted for a silent node.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunningClock {
    /// Demands that are open now.
    pub open_demands: u32,
    /// Since when at least one is; means something while one is.
    pub since_slot: u64,
    /// Time used before that.
    pub used_slots: u64,
    /// Whether the time was extended because the chain skipped slots.
    pub extended: bool,
}

impl RunningClock {
    /// A demand opens at `now`.
    pub fn start(&mut self, now: Slot) -> Checked {
        if self.open_demands == 0 {
            self.since_slot = now.0;
        }
        self.open_demands = self.open_demands.checked_add(1).ok_or(AssayError::ArithmeticOverflow)?;
        Ok(())
    }

    /// A demand is answered at `now`.
    pub fn stop(&mut self, now: Slot) -> Checked {
        self.open_demands = self.open_demands.checked_sub(1).ok_or(AssayError::InvariantBroken)?;
        if self.open_demands == 0 {
            self.used_slots = Slots(self.used_slots).plus(now.since(Slot(self.since_slot)))?.0;
        }
        Ok(())
    }

    /// `DefenderHasTime` unless a demand is open and more than `clock_slots` are used at `now`.
    pub fn check_out(&self, now: Slot, clock_slots: u32) -> Checked {
        let used = Slots(self.used_slots).plus(now.since(Slot(self.since_slot)))?;
        if self.open_demands > 0 && used > allowance(clock_slots, self.extended) {
            Ok(())
        } else {
            Err(AssayError::DefenderHasTime)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CLOCK: u32 = 100;
    const D: Pubkey = Pubkey::new_from_array([1; 32]);
    const OPEN: Progress = Progress { reopened_slot: 0, answered_slot: 0 };

    fn wait(most: u16) -> Wait {
        Wait { demand: D, poster_answers: false, most }
    }

    fn answered(answered_slot: u64) -> Progress {
        Progress { answered_slot, ..OPEN }
    }

    #[test]
    fn time_between_request_and_answer_is_the_defenders() {
        let mut clocks = Clocks::started(Slot(1_000), false);
        clocks.wait_for(wait(9), OPEN, Slot(1_030), CLOCK).unwrap();
        assert_eq!(clocks.turn(OPEN), Turn::Defender(Slot(1_030)));
        assert_eq!(clocks.challenger_time(OPEN, Slot(5_000)), Ok(Slots(30)));
        assert_eq!(clocks.defender_time(OPEN, Slot(1_050)), Ok(Slots(20)));
        let after = answered(1_050);
        assert_eq!(clocks.turn(after), Turn::Challenger(Slot(1_050)));
        assert_eq!(clocks.defender_time(after, Slot(9_000)), Ok(Slots(20)), "stopped");
        assert_eq!(clocks.challenger_time(after, Slot(1_060)), Ok(Slots(40)));
        clocks.wait_for(wait(9), after, Slot(1_060), CLOCK).unwrap();
        assert_eq!((clocks.challenger_used_slots, clocks.defender_used_slots, clocks.demands), (40, 20, 2));
    }

    #[test]
    fn an_answer_that_was_there_before_costs_the_defender_nothing() {
        let mut clocks = Clocks::started(Slot(1_000), false);
        clocks.wait_for(wait(9), OPEN, Slot(1_010), CLOCK).unwrap();
        assert_eq!(clocks.defender_time(answered(900), Slot(2_000)), Ok(Slots(0)));
        assert_eq!(clocks.turn(answered(900)), Turn::Challenger(Slot(1_010)));
        let reopened = Progress { reopened_slot: 1_500, answered_slot: 0 };
        assert_eq!(clocks.defender_time(reopened, Slot(1_510)), Ok(Slots(10)), "counted from when it was open again");
    }

    #[test]
    fn each_side_has_exactly_its_time() {
        let mut clocks = Clocks::started(Slot(1_000), false);
        assert_eq!(clocks.check_challenger(OPEN, Slot(1_100), CLOCK), Ok(()));
        assert_eq!(clocks.check_challenger(OPEN, Slot(1_101), CLOCK), Err(AssayError::ChallengerOutOfTime));
        assert_eq!(clocks.check_defender_is_out(OPEN, Slot(9_000), CLOCK), Err(AssayError::DefenderHasTime));
        clocks.wait_for(wait(9), OPEN, Slot(1_000), CLOCK).unwrap();
        assert_eq!(clocks.check_defender_is_out(OPEN, Slot(1_100), CLOCK), Err(AssayError::DefenderHasTime));
        assert_eq!(clocks.check_defender_is_out(OPEN, Slot(1_101), CLOCK), Ok(()));
        assert_eq!(clocks.check_defender_is_out(answered(1_100), Slot(9_999), CLOCK), Err(AssayError::DefenderHasTime));
        clocks.defender_extended = true;
        assert_eq!(clocks.check_defender_is_out(OPEN, Slot(1_150), CLOCK), Err(AssayError::DefenderHasTime));
        assert_eq!(clocks.check_defender_is_out(OPEN, Slot(1_151), CLOCK), Ok(()));
    }

    #[test]
    fn one_demand_at_a_time_and_not_for_ever() {
        let mut clocks = Clocks::started(Slot(0), false);
        clocks.wait_for(wait(2), OPEN, Slot(1), CLOCK).unwrap();
        assert_eq!(clocks.wait_for(wait(2), OPEN, Slot(2), CLOCK), Err(AssayError::DemandPending));
        clocks.wait_for(wait(2), answered(2), Slot(3), CLOCK).unwrap();
        assert_eq!(clocks.wait_for(wait(2), answered(4), Slot(5), CLOCK), Err(AssayError::TooManyDemands));
        assert_eq!(clocks.wait_for(wait(9), answered(4), Slot(500), CLOCK), Err(AssayError::ChallengerOutOfTime));
        clocks.resume(Slot(6));
        assert_eq!((clocks.turn(OPEN), clocks.defender_used_slots), (Turn::Challenger(Slot(6)), 1));
    }

    #[test]
    fn the_node_is_not_charged_for_a_posters_time() {
        let mut clocks = Clocks::started(Slot(1_000), false);
        clocks.wait_for(Wait { poster_answers: true, ..wait(9) }, OPEN, Slot(1_010), CLOCK).unwrap();
        assert_eq!(clocks.turn(OPEN), Turn::Defender(Slot(1_010)));
        assert_eq!(clocks.check_defender_is_out(OPEN, Slot(9_999), CLOCK), Err(AssayError::DefenderHasTime));
        clocks.wait_for(wait(9), answered(1_500), Slot(1_510), CLOCK).unwrap();
        assert_eq!((clocks.challenger_used_slots, clocks.defender_used_slots), (20, 0));
        assert_eq!(clocks.check_defender_is_out(OPEN, Slot(1_611), CLOCK), Ok(()));
    }

    #[test]
    fn a_running_clock_counts_overlapping_demands_once() {
        let mut clock = RunningClock::default();
        assert_eq!(clock.stop(Slot(1)), Err(AssayError::InvariantBroken));
        clock.start(Slot(10)).unwrap();
        clock.start(Slot(20)).unwrap();
        clock.stop(Slot(30)).unwrap();
        clock.stop(Slot(40)).unwrap();
        assert_eq!((clock.used_slots, clock.open_demands), (30, 0));
        assert_eq!(clock.check_out(Slot(9_999), 10), Err(AssayError::DefenderHasTime), "nothing is asked");
        clock.start(Slot(100)).unwrap();
        assert_eq!(clock.check_out(Slot(170), CLOCK), Err(AssayError::DefenderHasTime));
        assert_eq!(clock.check_out(Slot(171), CLOCK), Ok(()));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        /// Bounded time: after any sequence of moves, somebody without any part in the challenge can end it once both clocks
        /// have run, and at no slot has each side time while both are past theirs.
        #[test]
        fn somebody_can_always_end_it(moves in prop::collection::vec((0u8..2, 0u64..40), 0..40)) {
            let mut clocks = Clocks::started(Slot(1_000), false);
            let (mut now, mut progress) = (1_000, OPEN);
            for (kind, pause) in moves {
                now += pause;
                if kind == 0 {
                    if clocks.wait_for(wait(30), progress, Slot(now), CLOCK).is_ok() {
                        progress = OPEN;
                    }
                } else if clocks.is_waiting() && progress == OPEN
                    && clocks.check_defender_is_out(progress, Slot(now), CLOCK).is_err() {
                    progress = answered(now);
                }
                let ended = |at: u64| clocks.check_challenger(progress, Slot(at), CLOCK).is_err()
                    || clocks.check_defender_is_out(progress, Slot(at), CLOCK).is_ok();
                prop_assert!(ended(now + u64::from(CLOCK) + 1));
                prop_assert!(now <= 1_000 + 2 * u64::from(CLOCK) || ended(now), "both have had their time");
            }
        }
    }
}
