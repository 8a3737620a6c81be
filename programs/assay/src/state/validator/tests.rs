use super::*;
use proptest::prelude::*;

fn validator(stake: u64) -> Validator {
    Validator { version: Validator::VERSION, stake, ..Validator::default() }
}

#[test]
fn the_zero_key_is_no_auditor() {
    let mut validator = validator(0);
    assert_eq!(validator.set_auditor(Pubkey::default()), Err(AssayError::AuditorInvalid));
    validator.set_auditor(Pubkey::new_from_array([1; 32])).unwrap();
    assert_eq!(validator.auditor, Pubkey::new_from_array([1; 32]));
}

#[test]
fn stake_counts_only_for_jobs_posted_after_it_was_added() {
    let mut validator = validator(100);
    validator.add_stake(TokenAmount(50), Slot(10)).unwrap();
    let weight = |validator: &Validator, posted| validator.weight_for(Slot(posted)).unwrap().0;
    assert_eq!([9, 10, 11].map(|posted| weight(&validator, posted)), [100, 100, 150]);
    // Adding again cannot make what was added earlier count for jobs posted before it.
    validator.add_stake(TokenAmount(1), Slot(20)).unwrap();
    assert_eq!([9, 10, 11, 20, 21].map(|posted| weight(&validator, posted)), [100, 100, 100, 100, 151]);
    assert_eq!(validator.add_stake(TokenAmount(0), Slot(30)), Err(AssayError::AmountZero));
    assert_eq!(validator.recent_slot, 20);
}

#[test]
fn the_most_recent_stake_leaves_first() {
    let mut validator = validator(100);
    validator.add_stake(TokenAmount(50), Slot(10)).unwrap();
    validator.request_withdrawal(TokenAmount(30), Slot(10), Slots(5)).unwrap();
    assert_eq!((validator.stake, validator.recent_stake), (120, 20));
    assert_eq!(validator.weight_for(Slot(5)), Ok(TokenAmount(100)));
    validator.withdraw_released(Slot(10_000)).unwrap();
    validator.request_withdrawal(TokenAmount(70), Slot(10), Slots(5)).unwrap();
    assert_eq!((validator.stake, validator.recent_stake), (50, 0));
    validator.invariant().unwrap();
}

#[test]
fn only_free_stake_can_be_locked_or_withdrawn() {
    let mut validator = validator(100);
    validator.lock_bond(TokenAmount(60), Slot(7)).unwrap();
    assert_eq!(validator.lock_bond(TokenAmount(41), Slot(7)), Err(AssayError::InsufficientFreeStake));
    let request =
        |validator: &mut Validator, amount| validator.request_withdrawal(TokenAmount(amount), Slot(5), Slots(1_000));
    assert_eq!(request(&mut validator, 41), Err(AssayError::InsufficientFreeStake));
    assert_eq!(request(&mut validator, 0), Err(AssayError::AmountZero));
    assert_eq!(request(&mut validator, 30), Ok(Slot(1_005)));
    assert_eq!(request(&mut validator, 1), Err(AssayError::WithdrawalQueueFull), "one place");
    assert_eq!(validator.lock_bond(TokenAmount(11), Slot(7)), Err(AssayError::InsufficientFreeStake));
    validator.invariant().unwrap();
}

#[test]
fn a_withdrawal_is_released_in_its_slot_once_and_after_every_window_that_was_attested() {
    let mut validator = validator(100);
    validator.lock_bond(TokenAmount(10), Slot(900)).unwrap();
    validator.lock_bond(TokenAmount(10), Slot(700)).unwrap();
    let release = Slot(900 + limits::UNBONDING_MARGIN_SLOTS);
    assert_eq!(validator.request_withdrawal(TokenAmount(50), Slot(70), Slots(10)), Ok(release));
    assert_eq!(validator.withdraw_released(Slot(release.0 - 1)), Err(AssayError::NothingReleased));
    assert_eq!(validator.withdraw_released(release), Ok(TokenAmount(50)));
    assert_eq!(validator.withdraw_released(release), Err(AssayError::NothingReleased), "twice");
    assert_eq!(validator.request_withdrawal(TokenAmount(30), Slot(70), Slots(10_000)), Ok(Slot(10_070)));
}

#[test]
fn a_bond_is_freed_or_lost_whole() {
    let mut validator = validator(100);
    for _ in 0..2 {
        validator.lock_bond(TokenAmount(30), Slot(1)).unwrap();
    }
    validator.release_bond(TokenAmount(30)).unwrap();
    assert_eq!((validator.stake, validator.locked, validator.open_attestations), (100, 30, 1));
    validator.slash_bond(TokenAmount(30)).unwrap();
    assert_eq!((validator.stake, validator.locked, validator.open_attestations), (70, 0, 0));
    assert_eq!((validator.upheld, validator.slashed), (1, 1));
    assert_eq!(validator.slash_bond(TokenAmount(0)), Err(AssayError::InvariantBroken), "none is open");
}

#[test]
fn only_an_empty_validator_can_be_removed() {
    let mut open = validator(1);
    open.lock_bond(TokenAmount(1), Slot(1)).unwrap();
    assert_eq!(open.check_empty(), Err(AssayError::ValidatorHasAttestations));
    let mut staked = validator(1);
    assert_eq!(staked.check_empty(), Err(AssayError::ValidatorHasStake));
    staked.request_withdrawal(TokenAmount(1), Slot(0), Slots(0)).unwrap();
    assert_eq!(staked.check_empty(), Err(AssayError::ValidatorHasUnbonding));
    assert_eq!(validator(0).check_empty(), Ok(()));
}

#[test]
fn broken_books_are_noticed() {
    for broken in [
        Validator { locked: 1, ..validator(1) },
        Validator { open_attestations: 2, locked: 1, ..validator(1) },
        Validator { open_attestations: 1, locked: 2, ..validator(1) },
        Validator { recent_stake: 2, ..validator(1) },
    ] {
        assert_eq!(broken.invariant(), Err(AssayError::InvariantBroken), "{broken:?}");
    }
    assert_eq!(Validator { version: 0, ..validator(1) }.invariant(), Err(AssayError::UnsupportedAccountVersion));
}

#[test]
fn fields_lie_where_filters_look() {
    let validator = Validator {
        authority: Pubkey::new_from_array([1; 32]),
        auditor: Pubkey::new_from_array([2; 32]),
        ..validator(0)
    };
    let mut data = Vec::new();
    validator.try_serialize(&mut data).unwrap();
    assert_eq!(data.len(), Validator::SPACE);
    for (offset, key) in
        [(Validator::AUTHORITY_OFFSET, validator.authority), (Validator::AUDITOR_OFFSET, validator.auditor)]
    {
        assert_eq!(data[offset..offset + 32], key.to_bytes());
    }
}

proptest! {
    #![proptest_config(crate::seeded::cases())]

    /// Whatever happens in whatever order, stake is neither made nor lost, and weight never exceeds it.
    #[test]
    fn stake_is_conserved(steps in prop::collection::vec((0u8..6, 1u64..500, 0u64..100), 0..80)) {
        let mut validator = validator(0);
        let (mut entered, mut left, mut slot) = (0u64, 0u64, 0u64);
        let mut bonds: Vec<u64> = Vec::new();
        for (kind, amount, time) in steps {
            slot += time;
            match kind {
                0 => {
                    validator.add_stake(TokenAmount(amount), Slot(slot)).unwrap();
                    entered += amount;
                }
                1 => {
                    let _ = validator.request_withdrawal(TokenAmount(amount), Slot(slot), Slots(50));
                }
                2 => left += validator.withdraw_released(Slot(slot)).map_or(0, |amount| amount.0),
                3 => bonds.extend(validator.lock_bond(TokenAmount(amount), Slot(slot + 20)).map(|()| amount)),
                4 => {
                    if let Some(bond) = bonds.pop() {
                        validator.release_bond(TokenAmount(bond)).unwrap();
                    }
                }
                _ => {
                    if let Some(bond) = bonds.pop() {
                        validator.slash_bond(TokenAmount(bond)).unwrap();
                        left += bond;
                    }
                }
            }
            prop_assert_eq!(validator.stake + validator.unbonding.amount, entered - left);
            prop_assert_eq!(validator.locked, bonds.iter().sum::<u64>());
            for posted in [0, slot, slot + 1] {
                prop_assert!(validator.weight_for(Slot(posted)).unwrap().0 <= validator.stake);
            }
            validator.invariant().unwrap();
        }
    }

    /// Stake that was not there when a job was posted never counts for it.
    #[test]
    fn no_weight_appears_afterwards(before in prop::collection::vec((1u64..500, 0u64..50), 0..5), after in prop::collection::vec((1u64..500, 0u64..50, any::<bool>()), 0..10)) {
        let mut validator = validator(0);
        let mut slot = 1;
        for (amount, time) in before {
            slot += time;
            validator.add_stake(TokenAmount(amount), Slot(slot)).unwrap();
        }
        let posted = slot + 1;
        let then = validator.stake;
        prop_assert_eq!(validator.weight_for(Slot(posted)).unwrap().0, then);
        slot = posted;
        for (amount, time, withdraw) in after {
            slot += time;
            if withdraw {
                let _ = validator.request_withdrawal(TokenAmount(amount), Slot(slot), Slots(0));
                let _ = validator.withdraw_released(Slot(slot + 1_000));
            } else {
                validator.add_stake(TokenAmount(amount), Slot(slot)).unwrap();
            }
            prop_assert!(validator.weight_for(Slot(posted)).unwrap().0 <= then);
        }
    }
}
