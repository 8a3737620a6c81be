//! The life of a session as a table: which event leads from which state to which.
//!
//! ```text
//!             accept               finalise
//!   Offered ─────────▶ Active ──────────────────▶ Settled
//!     │ │                └───── convict ─▶ Convicted
//!     │ └─ cancel ─▶ Cancelled
//!     └── expire ─▶ Expired
//! ```
//!
//! Settled, Cancelled, Expired and Convicted are ends: the escrow is shared out in credits, and the session can be closed once
//! they are withdrawn and no receipt that was called in is open.

use crate::error::{AssayError, Checked};
use anchor_lang::prelude::*;

/// Where a session is in its life. The byte in the account is the position in this list; positions never change.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// Escrowed and offered to the node that it names.
    #[default]
    Offered,
    /// The node has locked its bond and serves.
    Active,
    /// Every receipt stood, or was never called in: the greatest voucher is paid.
    Settled,
    /// The client took the offer back.
    Cancelled,
    /// The node did not accept in time.
    Expired,
    /// A receipt was proved wrong, or withheld: the client is refunded and the node slashed.
    Convicted,
}

/// What can happen to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionEvent {
    /// The node accepts.
    Accept,
    /// The time of vouchers and receipts is over.
    Finalise,
    /// The client takes the offer back.
    Cancel,
    /// The time to accept passes.
    Expire,
    /// A receipt is convicted.
    Convict,
}

impl SessionState {
    /// All states, in the order of their bytes.
    pub const ALL: [Self; 6] =
        [Self::Offered, Self::Active, Self::Settled, Self::Cancelled, Self::Expired, Self::Convicted];

    /// The state after `event`, or `IllegalSessionTransition`.
    pub fn after(self, event: SessionEvent) -> Checked<Self> {
        match (self, event) {
            (Self::Offered, SessionEvent::Accept) => Ok(Self::Active),
            (Self::Offered, SessionEvent::Cancel) => Ok(Self::Cancelled),
            (Self::Offered, SessionEvent::Expire) => Ok(Self::Expired),
            (Self::Active, SessionEvent::Finalise) => Ok(Self::Settled),
            (Self::Active, SessionEvent::Convict) => Ok(Self::Convicted),
            _ => Err(AssayError::IllegalSessionTransition),
        }
    }

    /// Whether nothing can happen any more but the end of receipts that are called in, paying out and closing.
    pub fn is_end(self) -> bool {
        match self {
            Self::Offered | Self::Active => false,
            Self::Settled | Self::Cancelled | Self::Expired | Self::Convicted => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [SessionEvent; 5] = [
        SessionEvent::Accept,
        SessionEvent::Finalise,
        SessionEvent::Cancel,
        SessionEvent::Expire,
        SessionEvent::Convict,
    ];

    #[test]
    fn the_table_is_exactly_this() {
        use {SessionEvent::*, SessionState::*};
        let legal = [
            (Offered, Accept, Active),
            (Offered, Cancel, Cancelled),
            (Offered, Expire, Expired),
            (Active, Finalise, Settled),
            (Active, Convict, Convicted),
        ];
        for state in SessionState::ALL {
            for event in EVENTS {
                let expected = legal.iter().find(|row| row.0 == state && row.1 == event).map(|row| row.2);
                assert_eq!(
                    state.after(event),
                    expected.ok_or(AssayError::IllegalSessionTransition),
                    "{state:?} {event:?}"
                );
            }
        }
    }

    #[test]
    fn ends_have_no_way_on_and_every_other_state_ends_without_the_client() {
        for state in SessionState::ALL {
            assert_eq!(state.is_end(), EVENTS.iter().all(|event| state.after(*event).is_err()), "{state:?}");
            let alone = [SessionEvent::Expire, SessionEvent::Finalise].iter().any(|event| state.after(*event).is_ok());
            assert!(state.is_end() || alone, "{state:?} is stuck");
        }
    }

    #[test]
    fn the_byte_of_a_state_is_its_position() {
        for (position, state) in SessionState::ALL.into_iter().enumerate() {
            let mut bytes = Vec::new();
            state.serialize(&mut bytes).unwrap();
            assert_eq!(bytes, [position as u8]);
        }
        assert!(SessionState::try_from_slice(&[SessionState::ALL.len() as u8]).is_err());
    }
}
