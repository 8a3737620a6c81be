//! Stake on its way out: a queue of at most four withdrawals, each with the slot that releases it.
//!
//! Until it is withdrawn, unbonding stake is the node's and can still be slashed.

use crate::error::{AssayError, Checked};
use crate::units::{Slot, TokenAmount};
use anchor_lang::prelude::*;

/// Withdrawals that can be under way at once.
pub const WITHDRAWAL_PLACES: usize = 4;

/// One place in the queue; an amount of zero says that the place is empty.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unbonding {
    /// Base units of the stake mint.
    pub amount: u64,
    /// First slot at which it can be withdrawn.
    pub release_slot: u64,
}

/// The queue of one node.
pub type WithdrawalQueue = [Unbonding; WITHDRAWAL_PLACES];

/// Puts `amount` in the first empty place. `AmountZero` or `WithdrawalQueueFull`.
pub fn enqueue(queue: &mut WithdrawalQueue, amount: TokenAmount, release: Slot) -> Checked {
    if amount == TokenAmount::ZERO {
        return Err(AssayError::AmountZero);
    }
    let place = queue.iter_mut().find(|place| place.amount == 0).ok_or(AssayError::WithdrawalQueueFull)?;
    *place = Unbonding { amount: amount.0, release_slot: release.0 };
    Ok(())
}

/// Empties the place at `index`, released or not, and returns its amount. `NoSuchWithdrawal` if there is none.
pub fn remove(queue: &mut WithdrawalQueue, index: u8) -> Checked<TokenAmount> {
    let place =
        queue.get_mut(usize::from(index)).filter(|place| place.amount != 0).ok_or(AssayError::NoSuchWithdrawal)?;
    Ok(TokenAmount(core::mem::take(place).amount))
}

/// Empties every place that is released at `now` and returns the sum. `NothingReleased` if there is none.
pub fn take_released(queue: &mut WithdrawalQueue, now: Slot) -> Checked<TokenAmount> {
    let mut sum = TokenAmount::ZERO;
    for place in queue.iter_mut().filter(|place| place.amount != 0 && place.release_slot <= now.0) {
        sum = sum.plus(TokenAmount(core::mem::take(place).amount))?;
    }
    if sum == TokenAmount::ZERO {
        return Err(AssayError::NothingReleased);
    }
    Ok(sum)
}

/// Everything in the queue.
pub fn total(queue: &WithdrawalQueue) -> Checked<TokenAmount> {
    queue.iter().try_fold(TokenAmount::ZERO, |sum, place| sum.plus(TokenAmount(place.amount)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn full() -> WithdrawalQueue {
        let mut queue = WithdrawalQueue::default();
        for (amount, release) in [(1, 10), (2, 20), (4, 10), (8, 30)] {
            enqueue(&mut queue, TokenAmount(amount), Slot(release)).unwrap();
        }
        queue
    }

    #[test]
    fn a_full_queue_takes_no_more_until_a_place_is_empty() {
        let mut queue = full();
        let one_more = |queue: &mut _| enqueue(queue, TokenAmount(1), Slot(1));
        assert_eq!(one_more(&mut queue), Err(AssayError::WithdrawalQueueFull));
        assert_eq!(remove(&mut queue, 1), Ok(TokenAmount(2)));
        assert_eq!(one_more(&mut queue), Ok(()));
    }

    #[test]
    fn zero_is_not_a_withdrawal() {
        let mut queue = WithdrawalQueue::default();
        assert_eq!(enqueue(&mut queue, TokenAmount::ZERO, Slot(1)), Err(AssayError::AmountZero));
        assert_eq!(take_released(&mut queue, Slot(u64::MAX)), Err(AssayError::NothingReleased));
    }

    #[test]
    fn releases_exactly_what_is_due() {
        let mut queue = full();
        assert_eq!(take_released(&mut queue, Slot(9)), Err(AssayError::NothingReleased));
        assert_eq!(take_released(&mut queue, Slot(10)), Ok(TokenAmount(5)));
        assert_eq!(take_released(&mut queue, Slot(10)), Err(AssayError::NothingReleased), "twice");
        assert_eq!(take_released(&mut queue, Slot(30)), Ok(TokenAmount(10)));
        assert_eq!(total(&queue), Ok(TokenAmount::ZERO));
    }

    #[test]
    fn removes_each_place_once_and_no_other_place() {
        let mut queue = full();
        assert_eq!(remove(&mut queue, 3), Ok(TokenAmount(8)));
        assert_eq!(remove(&mut queue, 3), Err(AssayError::NoSuchWithdrawal));
        assert_eq!(remove(&mut queue, 4), Err(AssayError::NoSuchWithdrawal));
        assert_eq!(remove(&mut queue, u8::MAX), Err(AssayError::NoSuchWithdrawal));
    }

    proptest! {
        #![proptest_config(crate::seeded::cases())]

        #[test]
        fn nothing_is_made_or_lost(steps in prop::collection::vec((0u8..3, 1u64..1_000, 0u64..50), 0..60)) {
            let mut queue = WithdrawalQueue::default();
            let (mut entered, mut left) = (0, 0);
            for (kind, amount, slot) in steps {
                match kind {
                    0 => entered += enqueue(&mut queue, TokenAmount(amount), Slot(slot)).map_or(0, |()| amount),
                    1 => left += remove(&mut queue, (slot % 5) as u8).map_or(0, |amount| amount.0),
                    _ => left += take_released(&mut queue, Slot(slot)).map_or(0, |amount| amount.0),
                }
                prop_assert_eq!(total(&queue).unwrap().0, entered - left);
            }
        }
    }
}
