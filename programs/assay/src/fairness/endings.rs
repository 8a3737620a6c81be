//! Every ending of a job: its reason, whose fault it was, and what follows for money, reputation and stake. One table.
//!
//! A client's fault after a claim does not exist: a node fetches, hashes and checks all artifacts before it claims.

use super::reputation::Act;
use crate::state::Fault;
use crate::units::BasisPoints;
use anchor_lang::prelude::*;

/// Why a job ended as it did. The byte is the position in this list; positions never change.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It has not ended.
    #[default]
    Open,
    /// The client took it back before a claim.
    Cancelled,
    /// Nobody claimed it in time.
    Unclaimed,
    /// The result stood and came in time.
    Completed,
    /// The result stood and came later than the node's declared speed promised.
    CompletedLate,
    /// The result stood although it was challenged.
    CompletedDisputed,
    /// No result, in a maintenance that was declared before the claim.
    MissedInMaintenance,
    /// No result, and no sign of life for long: only the node's next sign of life says so.
    MissedInOutage,
    /// No result.
    NoShow,
    /// A wrong element, or a boundary other than the signed one, was proved.
    WrongResult,
    /// Two roots of one segment were signed.
    Equivocated,
    /// What had to be opened was not opened.
    Withheld,
}

/// Whose fault an ending is.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FaultSide {
    /// Nobody's.
    #[default]
    None,
    /// The node's.
    Provider,
    /// Of those who challenged what was right.
    Challenger,
    /// The node's, and the client's, who accepted before anybody had looked.
    Shared,
}

/// What the node is paid out of the escrow; the rest is the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// Nothing: the whole escrow returns.
    Nothing,
    /// The price.
    Price,
    /// The price less what lateness takes off.
    LatePrice,
    /// What the client paid when it accepted stays paid.
    AsAccepted,
}

/// What the node's stake loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StakeLoss {
    /// Nothing.
    Nothing,
    /// The client's charge, out of the bond.
    Charge,
    /// The charge, and from the second miss on at most one percent of the bond.
    ChargeAndRepeat,
    /// The whole bond, the base slash, and half a window later the charge for correlation.
    BondAndSlash,
}

/// What an ending means for the node's reputation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    None,
    /// One of the acts that reputation knows.
    Act(Act),
    /// By how late the result was.
    Late,
}

/// What follows from an ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// Whose fault it was.
    pub fault: FaultSide,
    /// What the node is paid.
    pub payment: Payment,
    /// What its stake loses.
    pub stake: StakeLoss,
    /// What its reputation records.
    pub mark: Mark,
    /// Whether it is a step on the ladder that leads to jail.
    pub ladder: bool,
    /// Whether the node, and its withdraw authority, never claim again.
    pub tombstone: bool,
}

impl Consequence {
    /// The act that reputation records where the result was late by `late`; `None` where nothing is recorded.
    pub fn act(&self, late: BasisPoints) -> Option<Act> {
        match self.mark {
            Mark::None => None,
            Mark::Act(act) => Some(act),
            Mark::Late => Some(Act::Late(late)),
        }
    }
}

impl Reason {
    /// All reasons, in the order of their bytes.
    pub const ALL: [Self; 12] = [
        Self::Open,
        Self::Cancelled,
        Self::Unclaimed,
        Self::Completed,
        Self::CompletedLate,
        Self::CompletedDisputed,
        Self::MissedInMaintenance,
        Self::MissedInOutage,
        Self::NoShow,
        Self::WrongResult,
        Self::Equivocated,
        Self::Withheld,
    ];

    /// The reason of a conviction for `fault`; `None` where nothing was proved.
    pub fn of_fault(fault: Fault) -> Option<Self> {
        match fault {
            Fault::None => None,
            Fault::WrongElement | Fault::BoundaryMismatch => Some(Self::WrongResult),
            Fault::Equivocation => Some(Self::Equivocated),
            Fault::Withheld => Some(Self::Withheld),
        }
    }

    /// What follows; `accepted` says that the client had accepted the result before. `None` for a job that has not ended.
    pub fn consequence(self, accepted: bool) -> Option<Consequence> {
        let innocent = Consequence {
            fault: FaultSide::None,
            payment: Payment::Nothing,
            stake: StakeLoss::Nothing,
            mark: Mark::None,
            ladder: false,
            tombstone: false,
        };
        let paid = Consequence { payment: Payment::Price, mark: Mark::Act(Act::OnTime), ..innocent };
        let provider = Consequence { fault: FaultSide::Provider, ..innocent };
        let missed = Consequence { stake: StakeLoss::Charge, ..provider };
        match self {
            Self::Open => None,
            Self::Cancelled | Self::Unclaimed => Some(innocent),
            Self::Completed => Some(paid),
            Self::CompletedLate => Some(Consequence { payment: Payment::LatePrice, mark: Mark::Late, ..provider }),
            Self::CompletedDisputed => Some(Consequence { fault: FaultSide::Challenger, ..paid }),
            Self::MissedInMaintenance => Some(Consequence { mark: Mark::Act(Act::MissInMaintenance), ..missed }),
            // Which of the two it was is known after the money has moved: so they cost the same.
            Self::MissedInOutage => {
                Some(Consequence { stake: StakeLoss::ChargeAndRepeat, mark: Mark::Act(Act::MissInOutage), ..missed })
            }
            Self::NoShow => Some(Consequence {
                stake: StakeLoss::ChargeAndRepeat,
                mark: Mark::Act(Act::NoShow),
                ladder: true,
                ..missed
            }),
            Self::WrongResult | Self::Equivocated | Self::Withheld => Some(Consequence {
                fault: if accepted { FaultSide::Shared } else { FaultSide::Provider },
                payment: if accepted { Payment::AsAccepted } else { Payment::Nothing },
                stake: StakeLoss::BondAndSlash,
                mark: Mark::Act(Act::Fraud),
                ladder: false,
                tombstone: true,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_exactly_this() {
        use {FaultSide::*, Reason::*, StakeLoss::*};
        type Row = (Reason, FaultSide, Payment, StakeLoss, Option<Act>, bool, bool);
        let late = BasisPoints(300);
        let table: [Row; 11] = [
            (Cancelled, None, Payment::Nothing, Nothing, Option::None, false, false),
            (Unclaimed, None, Payment::Nothing, Nothing, Option::None, false, false),
            (Completed, None, Payment::Price, Nothing, Some(Act::OnTime), false, false),
            (CompletedLate, Provider, Payment::LatePrice, Nothing, Some(Act::Late(late)), false, false),
            (CompletedDisputed, Challenger, Payment::Price, Nothing, Some(Act::OnTime), false, false),
            (MissedInMaintenance, Provider, Payment::Nothing, Charge, Some(Act::MissInMaintenance), false, false),
            (MissedInOutage, Provider, Payment::Nothing, ChargeAndRepeat, Some(Act::MissInOutage), false, false),
            (NoShow, Provider, Payment::Nothing, ChargeAndRepeat, Some(Act::NoShow), true, false),
            (WrongResult, Provider, Payment::Nothing, BondAndSlash, Some(Act::Fraud), false, true),
            (Equivocated, Provider, Payment::Nothing, BondAndSlash, Some(Act::Fraud), false, true),
            (Withheld, Provider, Payment::Nothing, BondAndSlash, Some(Act::Fraud), false, true),
        ];
        for (reason, fault, payment, stake, act, ladder, tombstone) in table {
            let row = reason.consequence(false).unwrap();
            assert_eq!((row.fault, row.payment, row.stake, row.act(late)), (fault, payment, stake, act), "{reason:?}");
            assert_eq!((row.ladder, row.tombstone), (ladder, tombstone), "{reason:?}");
        }
        assert_eq!(Open.consequence(false), Option::None);
        assert_eq!(table.len() + 1, Reason::ALL.len());
    }

    /// Acceptance changes who bears the loss of a conviction, and nothing about what the node loses.
    #[test]
    fn an_accepted_lie_is_as_dear_to_the_node() {
        for reason in Reason::ALL.into_iter().filter(|reason| *reason != Reason::Open) {
            let (open, accepted) = (reason.consequence(false).unwrap(), reason.consequence(true).unwrap());
            assert_eq!((open.stake, open.mark, open.tombstone), (accepted.stake, accepted.mark, accepted.tombstone));
            let shared = accepted.fault == FaultSide::Shared && accepted.payment == Payment::AsAccepted;
            assert_eq!(shared, open.tombstone, "{reason:?}");
            assert!(shared || open == accepted);
        }
    }

    /// What no node did costs no node anything; every missed claim pays the client; only what was proved takes a bond.
    #[test]
    fn faults_and_costs_agree() {
        for reason in Reason::ALL {
            let Some(row) = reason.consequence(false) else { continue };
            if row.fault != FaultSide::Provider {
                assert!(row.stake == StakeLoss::Nothing && !row.ladder && !row.tombstone, "{reason:?}");
                assert!(matches!(row.mark, Mark::None | Mark::Act(Act::OnTime)), "{reason:?}");
            }
            let missed = matches!(reason, Reason::MissedInMaintenance | Reason::MissedInOutage | Reason::NoShow);
            assert_eq!(missed, matches!(row.stake, StakeLoss::Charge | StakeLoss::ChargeAndRepeat), "{reason:?}");
            let proved = matches!(reason, Reason::WrongResult | Reason::Equivocated | Reason::Withheld);
            assert_eq!((proved, proved), (row.stake == StakeLoss::BondAndSlash, row.tombstone), "{reason:?}");
        }
        let outage = Reason::MissedInOutage.consequence(false).unwrap();
        let no_show = Reason::NoShow.consequence(false).unwrap();
        assert_eq!((outage.stake, outage.payment), (no_show.stake, no_show.payment), "a disguise saves no money");
    }

    #[test]
    fn every_provable_fault_has_a_reason() {
        assert_eq!(Reason::of_fault(Fault::None), None);
        for (fault, reason) in [
            (Fault::WrongElement, Reason::WrongResult),
            (Fault::BoundaryMismatch, Reason::WrongResult),
            (Fault::Equivocation, Reason::Equivocated),
            (Fault::Withheld, Reason::Withheld),
        ] {
            assert_eq!(Reason::of_fault(fault), Some(reason));
        }
    }

    #[test]
    fn the_byte_of_a_reason_is_its_position() {
        for (position, reason) in Reason::ALL.into_iter().enumerate() {
            let mut bytes = Vec::new();
            reason.serialize(&mut bytes).unwrap();
            assert_eq!(bytes, [position as u8]);
        }
        assert!(Reason::try_from_slice(&[Reason::ALL.len() as u8]).is_err());
    }
}
