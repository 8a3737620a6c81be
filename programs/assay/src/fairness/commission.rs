//! What a node keeps of its delegators' share, and when a raise takes effect.

use crate::units::{BasisPoints, Slot};
use anchor_lang::prelude::*;

/// A commission. A fall holds at once; a raise is announced ahead, so that whoever does not like it can leave before.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commission {
    /// What the node keeps of its delegators' share, until `next_slot`.
    pub present_bps: u16,
    /// What it keeps from then on.
    pub next_bps: u16,
    /// The first slot of the announced one; 0 if none is announced.
    pub next_slot: u64,
}

impl Commission {
    /// A commission that holds from the beginning.
    pub fn of(share_bps: u16) -> Self {
        Self { present_bps: share_bps, ..Self::default() }
    }

    /// What the node keeps at `now`.
    pub fn at(&self, now: Slot) -> BasisPoints {
        let announced = self.next_slot != 0 && now.0 >= self.next_slot;
        BasisPoints(u32::from(if announced { self.next_bps } else { self.present_bps }))
    }

    /// Decides another one at `now`; a raise takes effect at `raised`. What was announced before and has not begun is replaced.
    pub fn decide(&mut self, share_bps: u16, now: Slot, raised: Slot) {
        let present_bps = match self.next_slot != 0 && now.0 >= self.next_slot {
            true => self.next_bps,
            false => self.present_bps,
        };
        *self = match share_bps > present_bps {
            true => Self { present_bps, next_bps: share_bps, next_slot: raised.0 },
            false => Self::of(share_bps),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raise_waits_and_a_fall_does_not() {
        let mut commission = Commission::of(500);
        commission.decide(900, Slot(100), Slot(150));
        assert_eq!([99, 149, 150, 999].map(|slot| commission.at(Slot(slot)).0), [500, 500, 900, 900]);
        let mut raised = commission;
        raised.decide(1_000, Slot(150), Slot(200));
        assert_eq!([199, 200].map(|slot| raised.at(Slot(slot)).0), [900, 1_000], "on top of what has begun");
        let mut replaced = commission;
        replaced.decide(800, Slot(149), Slot(199));
        assert_eq!([150, 198, 199].map(|slot| replaced.at(Slot(slot)).0), [500, 500, 800], "it waits anew");
        commission.decide(500, Slot(120), Slot(170));
        assert_eq!(commission, Commission::of(500), "what was announced is taken back");
        commission.decide(0, Slot(121), Slot(171));
        assert_eq!(commission.at(Slot(121)).0, 0);
    }
}
