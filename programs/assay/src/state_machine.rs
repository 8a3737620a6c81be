//! The life of a job as a table: which event leads from which state to which.
//!
//! ```text
//!              claim                commit                finalise
//!   Posted ─────────────▶ Claimed ─────────────▶ Committed ─────────────▶ Settled
//!     │ │                    │                    │     │                    ▲
//!     │ └─ cancel ─▶ Cancelled └─ miss ─▶ Missed  │     └─ accept ─▶ Accepted ─ finalise
//!     └── expire ─▶ Expired                       └─ convict ─▶ Convicted ◀─ convict
//! ```
//!
//! Settled, Cancelled, Expired, Missed and Convicted are ends: the escrow is shared out in credits and the job can be closed
//! once they are withdrawn. Accepted shares it out as well, but the bond stays locked and the result open to challenges until
//! the window is over.

use crate::error::{AssayError, Checked};
use anchor_lang::prelude::*;

/// Where a job is in its life. The byte in the account is the position in this list; positions never change.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Escrowed and open to claims.
    #[default]
    Posted,
    /// A node has locked its bond and runs it.
    Claimed,
    /// The node has committed to a result; the challenge window is open.
    Committed,
    /// The result stood: the node is paid.
    Settled,
    /// The client took the job back before a claim.
    Cancelled,
    /// Nobody claimed in time.
    Expired,
    /// The node that claimed did not commit in time.
    Missed,
    /// The client accepted the result before the window was over: the node is paid, its bond stays locked.
    Accepted,
    /// The result was proved wrong, or withheld: the client is refunded and the node slashed.
    Convicted,
}

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobEvent {
    /// A node claims.
    Claim,
    /// The node commits to a result.
    Commit,
    /// The window closes over an unchallenged result.
    Finalise,
    /// The client takes the job back.
    Cancel,
    /// The claim window closes over an unclaimed job.
    Expire,
    /// The run deadline passes without a result.
    Miss,
    /// The client accepts the result early.
    Accept,
    /// A challenge succeeds.
    Convict,
}

impl JobState {
    /// All states, in the order of their bytes.
    pub const ALL: [Self; 9] = [
        Self::Posted,
        Self::Claimed,
        Self::Committed,
        Self::Settled,
        Self::Cancelled,
        Self::Expired,
        Self::Missed,
        Self::Accepted,
        Self::Convicted,
    ];

    /// The state after `event`, or `IllegalTransition`.
    pub fn after(self, event: JobEvent) -> Checked<Self> {
        match (self, event) {
            (Self::Posted, JobEvent::Claim) => Ok(Self::Claimed),
            (Self::Posted, JobEvent::Cancel) => Ok(Self::Cancelled),
            (Self::Posted, JobEvent::Expire) => Ok(Self::Expired),
            (Self::Claimed, JobEvent::Commit) => Ok(Self::Committed),
            (Self::Claimed, JobEvent::Miss) => Ok(Self::Missed),
            (Self::Committed, JobEvent::Accept) => Ok(Self::Accepted),
            (Self::Committed | Self::Accepted, JobEvent::Finalise) => Ok(Self::Settled),
            (Self::Committed | Self::Accepted, JobEvent::Convict) => Ok(Self::Convicted),
            _ => Err(AssayError::IllegalTransition),
        }
    }

    /// Whether nothing can happen any more but paying out and closing.
    pub fn is_end(self) -> bool {
        match self {
            Self::Posted | Self::Claimed | Self::Committed | Self::Accepted => false,
            Self::Settled | Self::Cancelled | Self::Expired | Self::Missed | Self::Convicted => true,
        }
    }

    /// Whether a node's bond is locked for the job.
    pub fn locks_bond(self) -> bool {
        matches!(self, Self::Claimed | Self::Committed | Self::Accepted)
    }

    /// Whether there is a result that can be challenged while the window lasts.
    pub fn can_be_challenged(self) -> bool {
        matches!(self, Self::Committed | Self::Accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const EVENTS: [JobEvent; 8] = [
        JobEvent::Claim,
        JobEvent::Commit,
        JobEvent::Finalise,
        JobEvent::Cancel,
        JobEvent::Expire,
        JobEvent::Miss,
        JobEvent::Accept,
        JobEvent::Convict,
    ];

    #[test]
    fn the_table_is_exactly_this() {
        use {JobEvent::*, JobState::*};
        let legal = [
            (Posted, Claim, Claimed),
            (Posted, Cancel, Cancelled),
            (Posted, Expire, Expired),
            (Claimed, Commit, Committed),
            (Claimed, Miss, Missed),
            (Committed, Finalise, Settled),
            (Committed, Accept, Accepted),
            (Committed, Convict, Convicted),
            (Accepted, Finalise, Settled),
            (Accepted, Convict, Convicted),
        ];
        for state in JobState::ALL {
            for event in EVENTS {
                let expected = legal.iter().find(|row| row.0 == state && row.1 == event).map(|row| row.2);
                assert_eq!(state.after(event), expected.ok_or(AssayError::IllegalTransition), "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn ends_have_no_way_on_and_every_other_state_reaches_an_end_without_the_client() {
        for state in JobState::ALL {
            let next: Vec<_> = EVENTS.iter().filter_map(|event| state.after(*event).ok()).collect();
            assert_eq!(state.is_end(), next.is_empty(), "{state:?}");
            let mut reached = HashSet::from([state]);
            for _ in JobState::ALL {
                for from in reached.clone() {
                    for event in [JobEvent::Finalise, JobEvent::Expire, JobEvent::Miss] {
                        reached.extend(from.after(event));
                    }
                }
            }
            assert!(reached.iter().any(|state| state.is_end()), "{state:?} is stuck");
        }
    }

    #[test]
    fn the_byte_of_a_state_is_its_position() {
        for (position, state) in JobState::ALL.into_iter().enumerate() {
            let mut bytes = Vec::new();
            state.serialize(&mut bytes).unwrap();
            assert_eq!(bytes, [position as u8]);
        }
        assert!(JobState::try_from_slice(&[JobState::ALL.len() as u8]).is_err());
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn any_sequence_locks_a_bond_at_most_once_and_frees_it(events in prop::collection::vec(0usize..8, 0..40)) {
            let (mut state, mut locked, mut freed) = (JobState::Posted, 0, 0);
            for index in events {
                let Ok(next) = state.after(EVENTS[index]) else { continue };
                locked += u32::from(!state.locks_bond() && next.locks_bond());
                freed += u32::from(state.locks_bond() && !next.locks_bond());
                prop_assert!(!state.is_end());
                state = next;
            }
            prop_assert!(locked <= 1 && freed <= locked);
            prop_assert_eq!(state.locks_bond(), locked > freed);
        }
    }
}
