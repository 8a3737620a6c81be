use super::*;
use proptest::prelude::*;

const OWN: TokenAmount = TokenAmount(1_000);
const TWICE: BasisPoints = BasisPoints(20_000);

fn tokens(amount: u64) -> TokenAmount {
    TokenAmount(amount)
}

#[test]
fn delegated_stake_is_capped_by_the_nodes_own() {
    let (mut pools, mut delegation) = (DelegatedStake::default(), DelegatedShares::default());
    pools.delegate(&mut delegation, tokens(2_000), OWN, TWICE).unwrap();
    let full = Err(FairnessError::DelegationCapReached);
    assert_eq!(pools.delegate(&mut delegation, tokens(1), OWN, TWICE), full);
    assert_eq!(pools.delegate(&mut delegation, tokens(1), tokens(999), TWICE), full);
    assert_eq!(counted(OWN, tokens(2_000), TWICE), tokens(2_000));
    assert_eq!(counted(tokens(100), tokens(2_000), TWICE), tokens(200), "the node's own stake left");
    assert_eq!(counted(tokens(u64::MAX), tokens(9), TWICE), tokens(9), "no stake is too much");
    pools.undelegate(&mut delegation, 500, Slot(9)).unwrap();
    assert_eq!(pools.delegate(&mut delegation, tokens(500), OWN, TWICE), Ok(()));
}

#[test]
fn slashes_reach_everybody_alike_and_what_is_on_its_way_out() {
    let mut pools = DelegatedStake::default();
    let (mut a, mut b) = (DelegatedShares::default(), DelegatedShares::default());
    pools.delegate(&mut a, tokens(300), OWN, TWICE).unwrap();
    pools.delegate(&mut b, tokens(600), OWN, TWICE).unwrap();
    pools.undelegate(&mut b, 200, Slot(50)).unwrap();
    assert_eq!(pools.take_loss(0, WHOLE / 4), Ok(tokens(175 + 50)));
    assert_eq!(pools.take_loss(WHOLE / 4, WHOLE / 4), Ok(tokens(0)), "once");
    assert_eq!(pools.take_loss(WHOLE / 4, 0), Err(FairnessError::InvariantBroken), "nothing comes back");
    assert_eq!(pools.take_loss(WHOLE + 1, WHOLE + 1), Err(FairnessError::InvariantBroken));
    assert_eq!((pools.active.value(a.shares), pools.active.value(b.shares)), (Ok(tokens(225)), Ok(tokens(300))));
    assert_eq!(pools.withdraw(&mut b, Slot(49)), Err(FairnessError::NotReleased));
    assert_eq!(pools.withdraw(&mut b, Slot(50)), Ok(tokens(150)));
    assert_eq!(pools.withdraw(&mut b, Slot(50)), Err(FairnessError::NotEnoughShares));
}

#[test]
fn a_later_request_keeps_an_earlier_one_waiting() {
    let (mut pools, mut a) = (DelegatedStake::default(), DelegatedShares::default());
    pools.delegate(&mut a, tokens(100), OWN, TWICE).unwrap();
    pools.undelegate(&mut a, 50, Slot(50)).unwrap();
    pools.undelegate(&mut a, 20, Slot(70)).unwrap();
    assert_eq!(pools.withdraw(&mut a, Slot(69)), Err(FairnessError::NotReleased));
    assert_eq!(pools.undelegate(&mut a, 31, Slot(70)), Err(FairnessError::NotEnoughShares));
    assert_eq!(pools.undelegate(&mut a, 0, Slot(70)), Err(FairnessError::NotEnoughShares));
    assert_eq!(pools.withdraw(&mut a, Slot(70)), Ok(tokens(70)));
}

#[test]
fn a_pool_slashed_to_nothing_can_be_left() {
    let (mut pools, mut a, mut b) = (DelegatedStake::default(), DelegatedShares::default(), DelegatedShares::default());
    pools.delegate(&mut a, tokens(100), OWN, TWICE).unwrap();
    pools.undelegate(&mut a, 40, Slot(5)).unwrap();
    assert_eq!(pools.take_loss(0, WHOLE), Ok(tokens(100)));
    assert_eq!(pools.take_loss(WHOLE, WHOLE), Ok(tokens(0)));
    assert_eq!(pools.delegate(&mut b, tokens(100), OWN, TWICE), Err(FairnessError::PoolWiped));
    assert_eq!(pools.undelegate(&mut a, 60, Slot(9)), Ok(tokens(0)), "dropped");
    assert_eq!(pools.withdraw(&mut a, Slot(5)), Ok(tokens(0)), "what was dropped keeps nothing waiting");
    assert_eq!((a, pools), (DelegatedShares::default(), DelegatedStake::default()));
}

/// Who leaves a unit in the unbonding pool cannot make a slash wipe it, which would keep everybody else in.
#[test]
fn a_slash_of_a_part_leaves_both_pools_usable() {
    let (mut pools, mut a, mut b) = (DelegatedStake::default(), DelegatedShares::default(), DelegatedShares::default());
    pools.delegate(&mut a, tokens(100), OWN, TWICE).unwrap();
    pools.delegate(&mut b, tokens(1), OWN, TWICE).unwrap();
    pools.undelegate(&mut b, 1, Slot(5)).unwrap();
    assert_eq!(pools.take_loss(0, WHOLE - 1), Ok(tokens(99)));
    assert_eq!((pools.active.tokens, pools.unbonding.tokens), (1, 1));
    assert_eq!(pools.undelegate(&mut a, 99, Slot(5)), Ok(tokens(0)), "too few shares for a token");
    assert_eq!(pools.undelegate(&mut a, 1, Slot(5)), Ok(tokens(1)));
    assert_eq!(pools.withdraw(&mut a, Slot(5)), Ok(tokens(1)));
    assert_eq!(pools.withdraw(&mut b, Slot(5)), Ok(tokens(1)));
}

#[test]
fn delegators_share_by_counted_stake_less_the_commission() {
    let share =
        |own, counted, commission| delegators_share(tokens(own), tokens(counted), BasisPoints(commission)).unwrap().0;
    assert_eq!((share(1_000, 2_000, 0), share(1_000, 2_000, 1_000), share(1_000, 2_000, 10_000)), (6_666, 5_999, 0));
    assert_eq!((share(1_000, 0, 0), share(0, 0, 0), share(0, 5, 100), share(1_000, 2_000, 20_000)), (0, 0, 9_900, 0));
    assert_eq!(
        delegators_share(tokens(u64::MAX), tokens(1), BasisPoints(0)),
        Err(FairnessError::ArithmeticOverflow),
        "more than there can be of a mint"
    );
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Delegate(usize, u64),
    Undelegate(usize, u64),
    Withdraw(usize),
    Slash(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0usize..4;
    prop_oneof![
        (who.clone(), 0u64..1_000).prop_map(|(who, amount)| Step::Delegate(who, amount)),
        (who.clone(), 0u64..1_000).prop_map(|(who, shares)| Step::Undelegate(who, shares)),
        who.prop_map(Step::Withdraw),
        prop_oneof![0..WHOLE / 3, Just(WHOLE)].prop_map(Step::Slash),
    ]
}

proptest! {
    #![proptest_config(crate::seeded::cases())]

    /// Whatever happens: what entered has left, was slashed, or is in a pool; everybody's shares add up to the pool's; what
    /// everybody could take is in the pool; and in the end all of it comes out, to the last unit.
    #[test]
    fn rounding_never_creates_tokens_and_all_of_them_come_out(steps in prop::collection::vec(step(), 0..80)) {
        let (mut pools, mut people) = (DelegatedStake::default(), [DelegatedShares::default(); 4]);
        let (mut entered, mut left) = (0, 0);
        for step in steps {
            let before = (pools, people);
            let result = match step {
                Step::Delegate(who, amount) => pools.delegate(&mut people[who], tokens(amount), tokens(1_000), BasisPoints(30_000)).map(|()| entered += amount),
                Step::Undelegate(who, shares) => pools.undelegate(&mut people[who], shares, Slot(5)).map(|_| ()),
                Step::Withdraw(who) => pools.withdraw(&mut people[who], Slot(5)).map(|amount| left += amount.0),
                Step::Slash(share) => pools.take_loss(0, share).map(|amount| left += amount.0),
            };
            if result.is_err() {
                prop_assert_eq!((pools, people), before, "a refusal changes nothing");
            }
            prop_assert_eq!(pools.active.tokens + pools.unbonding.tokens + left, entered);
            prop_assert!(pools.is_sound());
            prop_assert_eq!(people.iter().map(|person| person.shares).sum::<u64>(), pools.active.shares);
            prop_assert_eq!(people.iter().map(|person| person.unbonding_shares).sum::<u64>(), pools.unbonding.shares);
            let worth = |pool: &SharePool, shares: u64| if shares == 0 { 0 } else { pool.value(shares).unwrap().0 };
            prop_assert!(people.iter().map(|person| worth(&pools.active, person.shares)).sum::<u64>() <= pools.active.tokens);
        }
        for person in &mut people {
            if person.shares > 0 && pools.active.tokens > 0 {
                left += pools.active.withdraw(person.shares).unwrap().0;
                person.shares = 0;
            }
            if person.unbonding_shares > 0 {
                left += pools.withdraw(person, Slot(5)).unwrap().0;
            }
        }
        prop_assert_eq!(pools.active.tokens + pools.unbonding.tokens, if pools.active.shares == 0 && pools.unbonding.shares == 0 { entered - left } else { 0 });
        prop_assert!(left == entered || pools.active.shares == 0, "{} of {}", left, entered);
    }

    /// Nobody gains by delegating and leaving at once, nor costs those who stay anything; and a slash takes the same share
    /// from all, to a unit.
    #[test]
    fn coming_and_going_gains_nothing(stayed in 1u64..1 << 40, slash in 0..WHOLE, amount in 1u64..1 << 40) {
        let mut pool = SharePool::default();
        let first = pool.deposit(tokens(stayed)).unwrap();
        pool.keep(WHOLE - slash, WHOLE).unwrap();
        prop_assert!(pool.tokens > 0);
        let before = pool.value(first).unwrap();
        if let Ok(shares) = pool.deposit(tokens(amount)) {
            prop_assert!(pool.value(first).unwrap() >= before);
            prop_assert!(pool.value(shares).unwrap() <= tokens(amount));
            let both = (pool.value(first).unwrap().0, pool.value(shares).unwrap().0);
            let mut slashed = pool;
            slashed.keep(3, 4).unwrap();
            for (one, shares) in [(both.0, first), (both.1, shares)] {
                let exact = one - one / 4;
                prop_assert!(slashed.value(shares).unwrap().0.abs_diff(exact) <= 2);
            }
            pool.withdraw(shares).unwrap();
            prop_assert!(pool.value(first).unwrap() >= before);
        }
    }

    #[test]
    fn delegators_never_share_more_than_is_fair(own in 0u64..u64::MAX / 2, delegated in 0u64..u64::MAX / 2, commission in 0u32..=10_000) {
        let share = delegators_share(tokens(own), tokens(delegated), BasisPoints(commission)).unwrap();
        let fair = (10_000 * u128::from(delegated)).checked_div(u128::from(own) + u128::from(delegated)).unwrap_or(0);
        prop_assert!(u128::from(share.0) <= fair && share.0 <= 10_000 - commission);
    }
}
