//! The life of a challenge as a table: which event leads from which state to which.
//!
//! ```text
//!            reveal              win
//!   Sealed ─────────▶ Revealed ─────────▶ Won
//!     │ │                │ │
//!     │ └─ lapse ─▶ Lost ◀─┘ time out, withdraw
//!     └── excuse ─▶ Moot ◀── excuse
//! ```
//!
//! Won, Lost and Moot are ends. Moot is the end of a challenge that another one's success left without a purpose, or a filing
//! whose demands were answered: its bond goes back.

use crate::error::{AssayError, Checked};
use anchor_lang::prelude::*;

/// Where a challenge is in its life. The byte in the account is the position in this list; positions never change.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChallengeState {
    /// Committed to, with what it claims still hidden.
    #[default]
    Sealed,
    /// What it claims is known; it has to be proved, or the node's side has to answer.
    Revealed,
    /// It was right.
    Won,
    /// It was wrong or given up: the bond is lost.
    Lost,
    /// The job was convicted through another challenge: the bond goes back.
    Moot,
}

/// What can happen to a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChallengeEvent {
    /// The challenger opens the seal.
    Reveal,
    /// It proves its claim, the node's side runs out of time, or its key is the one that was proved.
    Win,
    /// It was not revealed in time.
    Lapse,
    /// The challenger's clock is used up.
    TimeOut,
    /// The challenger gives up.
    Withdraw,
    /// The job was convicted without it; or it filed that the output is unavailable, and everything demanded was answered.
    Excuse,
}

impl ChallengeState {
    /// All states, in the order of their bytes.
    pub const ALL: [Self; 5] = [Self::Sealed, Self::Revealed, Self::Won, Self::Lost, Self::Moot];

    /// The state after `event`, or `IllegalChallengeTransition`.
    pub fn after(self, event: ChallengeEvent) -> Checked<Self> {
        match (self, event) {
            (Self::Sealed, ChallengeEvent::Reveal) => Ok(Self::Revealed),
            (Self::Sealed, ChallengeEvent::Lapse) => Ok(Self::Lost),
            (Self::Revealed, ChallengeEvent::Win) => Ok(Self::Won),
            (Self::Revealed, ChallengeEvent::TimeOut) => Ok(Self::Lost),
            (Self::Sealed | Self::Revealed, ChallengeEvent::Withdraw) => Ok(Self::Lost),
            (Self::Sealed | Self::Revealed, ChallengeEvent::Excuse) => Ok(Self::Moot),
            _ => Err(AssayError::IllegalChallengeTransition),
        }
    }

    /// Whether nothing can happen any more but paying out and closing.
    pub fn is_end(self) -> bool {
        match self {
            Self::Sealed | Self::Revealed => false,
            Self::Won | Self::Lost | Self::Moot => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [ChallengeEvent; 6] = [
        ChallengeEvent::Reveal,
        ChallengeEvent::Win,
        ChallengeEvent::Lapse,
        ChallengeEvent::TimeOut,
        ChallengeEvent::Withdraw,
        ChallengeEvent::Excuse,
    ];

    #[test]
    fn the_table_is_exactly_this() {
        use {ChallengeEvent::*, ChallengeState::*};
        let legal = [
            (Sealed, Reveal, Revealed),
            (Sealed, Lapse, Lost),
            (Sealed, Withdraw, Lost),
            (Sealed, Excuse, Moot),
            (Revealed, Win, Won),
            (Revealed, TimeOut, Lost),
            (Revealed, Withdraw, Lost),
            (Revealed, Excuse, Moot),
        ];
        for state in ChallengeState::ALL {
            for event in EVENTS {
                let expected = legal.iter().find(|row| row.0 == state && row.1 == event).map(|row| row.2);
                let expected = expected.ok_or(AssayError::IllegalChallengeTransition);
                assert_eq!(state.after(event), expected, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn ends_have_no_way_on_and_every_other_state_ends_without_the_challenger() {
        for state in ChallengeState::ALL {
            let next: Vec<_> = EVENTS.iter().filter_map(|event| state.after(*event).ok()).collect();
            assert_eq!(state.is_end(), next.is_empty(), "{state:?}");
            let alone =
                [ChallengeEvent::Lapse, ChallengeEvent::TimeOut].iter().any(|event| state.after(*event).is_ok());
            assert_eq!(alone, !state.is_end(), "{state:?}");
        }
    }

    #[test]
    fn the_byte_of_a_state_is_its_position() {
        for (position, state) in ChallengeState::ALL.into_iter().enumerate() {
            let mut bytes = Vec::new();
            state.serialize(&mut bytes).unwrap();
            assert_eq!(bytes, [position as u8]);
        }
        assert!(ChallengeState::try_from_slice(&[ChallengeState::ALL.len() as u8]).is_err());
    }
}
