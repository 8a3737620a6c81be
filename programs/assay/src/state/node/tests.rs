use super::*;
use crate::market::unbonding::total;
use proptest::prelude::*;

fn node(stake: u64) -> Node {
    Node { version: Node::VERSION, stake, ..Node::default() }
}

fn lock(node: &mut Node, bond: u64) -> Checked {
    node.lock_bond(TokenAmount(bond), BasisPoints(0), Slot(1), Slot(2))
}

fn rules() -> SchedulingParameters {
    crate::state::scheduling_parameters::tests::valid()
}

#[test]
fn only_free_stake_can_be_locked_or_withdrawn() {
    let mut node = node(100);
    lock(&mut node, 60).unwrap();
    assert_eq!(node.free_stake(), Ok(TokenAmount(40)));
    assert_eq!(lock(&mut node, 41), Err(AssayError::InsufficientFreeStake));
    let request = |node: &mut Node, amount| node.request_withdrawal(TokenAmount(amount), Slot(5), Slots(1_000));
    assert_eq!(request(&mut node, 41), Err(AssayError::InsufficientFreeStake));
    assert_eq!(request(&mut node, 0), Err(AssayError::AmountZero));
    assert_eq!(request(&mut node, 40), Ok(Slot(1_005)));
    assert_eq!((node.stake, node.locked), (60, 60));
    node.invariant().unwrap();
}

#[test]
fn what_unbonds_can_neither_back_a_bond_nor_be_requested_again() {
    let mut node = node(100);
    node.request_withdrawal(TokenAmount(100), Slot(0), Slots(10)).unwrap();
    assert_eq!(lock(&mut node, 1), Err(AssayError::InsufficientFreeStake));
    assert_eq!(node.request_withdrawal(TokenAmount(1), Slot(0), Slots(10)), Err(AssayError::InsufficientFreeStake));
    assert_eq!(node.cancel_withdrawal(0), Ok(TokenAmount(100)));
    assert_eq!(node.cancel_withdrawal(0), Err(AssayError::NoSuchWithdrawal));
    lock(&mut node, 100).unwrap();
}

#[test]
fn stake_is_not_released_while_a_claimed_job_can_be_challenged() {
    let mut node = node(100);
    node.lock_bond(TokenAmount(10), BasisPoints(0), Slot(50), Slot(900)).unwrap();
    node.lock_bond(TokenAmount(10), BasisPoints(0), Slot(60), Slot(700)).unwrap();
    let after_all_jobs = Slot(900 + limits::UNBONDING_MARGIN_SLOTS);
    assert_eq!(node.request_withdrawal(TokenAmount(1), Slot(70), Slots(10)), Ok(after_all_jobs));
    assert_eq!(node.request_withdrawal(TokenAmount(1), Slot(70), Slots(10_000)), Ok(Slot(10_070)));
}

#[test]
fn a_miss_costs_the_charge_and_nothing_else() {
    let mut node = node(100);
    lock(&mut node, 60).unwrap();
    node.miss_job(TokenAmount(60), TokenAmount(6)).unwrap();
    assert_eq!((node.stake, node.locked, node.open_jobs), (94, 0, 0));
    assert_eq!((node.jobs_settled, node.jobs_missed), (0, 1));
}

#[test]
fn a_settled_job_frees_the_bond() {
    let mut node = node(100);
    lock(&mut node, 60).unwrap();
    node.settle_job(TokenAmount(60)).unwrap();
    assert_eq!((node.stake, node.locked, node.open_jobs), (100, 0, 0));
    assert_eq!((node.jobs_settled, node.jobs_missed), (1, 0));
    assert_eq!(node.settle_job(TokenAmount(0)), Err(AssayError::InvariantBroken), "no open job");
}

#[test]
fn only_an_empty_node_can_be_removed() {
    let mut node = node(0);
    assert_eq!(node.check_empty(Slot(0), &rules()), Ok(()));
    node.add_stake(TokenAmount(1)).unwrap();
    assert_eq!(node.check_empty(Slot(0), &rules()), Err(AssayError::NodeHasStake));
    lock(&mut node, 1).unwrap();
    assert_eq!(node.check_empty(Slot(0), &rules()), Err(AssayError::NodeHasOpenJobs));
    node.settle_job(TokenAmount(1)).unwrap();
    node.request_withdrawal(TokenAmount(1), Slot(0), Slots(5)).unwrap();
    assert_eq!(node.check_empty(Slot(0), &rules()), Err(AssayError::NodeHasUnbonding));
    assert_eq!(node.withdraw_released(Slot(66)), Ok(TokenAmount(1)), "last obligation, margin");
    assert_eq!(node.check_empty(Slot(0), &rules()), Ok(()));
}

#[test]
fn contact_is_checked() {
    let operator = Pubkey::new_from_array([9; 32]);
    let mut node = node(0);
    assert_eq!(node.set_contact(Pubkey::default(), String::new()), Err(AssayError::OperatorInvalid));
    assert_eq!(node.set_contact(operator, "a b".into()), Err(AssayError::EndpointInvalid));
    assert_eq!(node.set_contact(operator, "http://node:1".into()), Ok(()));
}

#[test]
fn broken_books_are_noticed() {
    for broken in [
        Node { locked: 1, stake: 5, ..node(5) },
        Node { locked: 6, open_jobs: 1, ..node(5) },
        Node { locked: 1, open_jobs: 2, ..node(5) },
        {
            let mut heavy = Node { counted_stake: 4, ..node(5) };
            heavy.weights.set(Epoch(1), 5).unwrap();
            heavy
        },
    ] {
        assert_eq!(broken.invariant(), Err(AssayError::InvariantBroken), "{broken:?}");
    }
    assert_eq!(Node { version: 1, ..node(5) }.invariant(), Err(AssayError::UnsupportedAccountVersion));
}

#[test]
fn fields_lie_where_filters_look() {
    let keys = [1, 2].map(|byte| Pubkey::new_from_array([byte; 32]));
    let node = Node { withdraw_authority: keys[0], operator: keys[1], ..node(0) };
    let mut data = Vec::new();
    node.try_serialize(&mut data).unwrap();
    for (offset, key) in [(Node::WITHDRAW_AUTHORITY_OFFSET, keys[0]), (Node::OPERATOR_OFFSET, keys[1])] {
        assert_eq!(data[offset..offset + 32], key.to_bytes());
    }
}

proptest! {
    #![proptest_config(crate::seeded::cases())]

    /// Random lives of a node: after each step the books balance with a ledger kept outside.
    #[test]
    fn stake_is_conserved(steps in prop::collection::vec((0u8..7, 0u64..500, 0u64..100), 0..120)) {
        let mut node = node(0);
        let mut bonds: Vec<u64> = Vec::new();
        let (mut deposited, mut paid_out, mut charged) = (0u64, 0u64, 0u64);
        for (kind, amount, slot) in steps {
            match kind {
                0 => if node.add_stake(TokenAmount(amount)).is_ok() { deposited += amount },
                1 => if amount > 0 && lock(&mut node, amount).is_ok() { bonds.push(amount) },
                2 => if let Some(bond) = bonds.pop() { node.settle_job(TokenAmount(bond)).unwrap() },
                3 => if let Some(bond) = bonds.pop() {
                    let charge = bond / 5;
                    node.miss_job(TokenAmount(bond), TokenAmount(charge)).unwrap();
                    charged += charge;
                },
                4 => { let _ = node.request_withdrawal(TokenAmount(amount), Slot(slot), Slots(10)); }
                5 => { let _ = node.cancel_withdrawal((amount % 6) as u8); }
                _ => if let Ok(released) = node.withdraw_released(Slot(slot)) { paid_out += released.0 },
            }
            node.invariant().unwrap();
            prop_assert_eq!(node.locked, bonds.iter().sum::<u64>());
            prop_assert_eq!(node.open_jobs as usize, bonds.len());
            prop_assert_eq!(node.stake + total(&node.unbonding).unwrap().0, deposited - paid_out - charged);
        }
    }
}

/// Whatever a new account would not have on record keeps the old one open, each thing by itself; all but a conviction fades.
#[test]
fn marks_keep_an_account_open_until_they_fade() {
    type Mark = fn(&mut Node);
    let marks: [Mark; 6] = [
        |node| node.fraud_convictions = 1,
        |node| node.standing.unresolved = 1,
        |node| _ = node.standing.misses.climb(1, Slot(500), Slots(100)),
        |node| _ = node.standing.lates.climb(1, Slot(500), Slots(100)),
        |node| node.standing.jailed_until_slot = 600,
        |node| (node.evidence.bad, node.evidence.epoch) = (crate::fairness::reputation::OBSERVATION, 11),
    ];
    for (at, mark) in marks.into_iter().enumerate() {
        let mut marked = node(0);
        marked.evidence.epoch = 10;
        assert_eq!(marked.check_empty(Slot(599), &rules()), Ok(()));
        mark(&mut marked);
        assert_eq!(marked.check_empty(Slot(599), &rules()), Err(AssayError::NodeHasMarks), "mark {at}");
        let fades = at > 1;
        assert_eq!(marked.check_empty(Slot(100_000), &rules()).is_ok(), fades, "mark {at}");
    }
}

/// A conviction is charged for its company before stake leaves or the account closes.
#[test]
fn a_pending_charge_keeps_everything_where_it_is() {
    let mut node = node(0);
    node.pending_charge.convicted_slot = 5;
    assert_eq!(node.check_empty(Slot(0), &rules()), Err(AssayError::CorrelationOutstanding));
    assert_eq!(node.withdraw_released(Slot(u64::MAX)), Err(AssayError::CorrelationOutstanding));
}

/// The charge takes free stake first, then what unbonds, and never a bond.
#[test]
fn the_charge_for_company_spares_bonds() {
    let mut node = node(100);
    lock(&mut node, 60).unwrap();
    node.request_withdrawal(TokenAmount(30), Slot(0), Slots(10)).unwrap();
    let mut register = crate::state::StakeRegister { stake: 100, ..Default::default() };
    let window = Slots(rules().correlation_window_slots);
    node.pending_charge
        .convict(&mut register.convicted, TokenAmount(50), TokenAmount(100), TokenAmount(100), Slot(1_000), window)
        .unwrap();
    let early = node.charge_correlation(&register, Slot(1_159), &rules());
    assert_eq!(early, Err(AssayError::CorrelationNotDue));
    assert_eq!(node.charge_correlation(&register, Slot(1_160), &rules()), Ok(TokenAmount(40)));
    assert_eq!((node.stake, node.locked, total(&node.unbonding)), (60, 60, Ok(TokenAmount(0))));
}
