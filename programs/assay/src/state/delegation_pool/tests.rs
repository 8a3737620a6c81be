use super::*;
use crate::fairness::loss::WHOLE;
use crate::state::node::NodeDelegation;

const TWICE: BasisPoints = BasisPoints(20_000);

fn pool() -> (DelegationPool, Node) {
    let delegation = NodeDelegation { open: true, ..NodeDelegation::default() };
    let node = Node { version: Node::VERSION, stake: 1_000, delegation, ..Node::default() };
    (DelegationPool { version: 1, ..DelegationPool::default() }, node)
}

fn delegation() -> Delegation {
    Delegation { version: 1, ..Delegation::default() }
}

fn mint(number: u8) -> Pubkey {
    Pubkey::from([number; 32])
}

#[test]
fn rewards_are_settled_before_shares_change() {
    let (mut pool, mut node) = pool();
    let (mut a, mut b) = (delegation(), delegation());
    pool.add_mint(mint(1), mint(11)).unwrap();
    let amount = TokenAmount(100);
    pool.delegate(&mut a, &mut node, amount, TWICE).unwrap();
    pool.reward(0, TokenAmount(50)).unwrap();
    pool.delegate(&mut b, &mut node, amount, TWICE).unwrap();
    pool.reward(0, TokenAmount(50)).unwrap();
    pool.undelegate(&mut a, &mut node, 100, Slot(5)).unwrap();
    pool.reward(0, TokenAmount(50)).unwrap();
    assert_eq!(pool.pay_reward(&mut a, &mint(1)), Ok(TokenAmount(75)));
    assert_eq!(pool.pay_reward(&mut a, &mint(1)), Err(AssayError::NothingOwed));
    assert_eq!(pool.pay_reward(&mut b, &mint(1)), Ok(TokenAmount(75)));
    assert_eq!(pool.pay_reward(&mut b, &mint(2)), Err(AssayError::RewardMintMissing));
    assert_eq!(pool.rewards[0].sum.owed, 0);
}

#[test]
fn each_reward_has_a_place_to_go() {
    let (mut pool, mut node) = pool();
    assert_eq!(pool.target(&mint(1)), Ok(RewardTarget::Node), "nobody delegates");
    pool.delegate(&mut delegation(), &mut node, TokenAmount(1), TWICE).unwrap();
    assert_eq!(pool.target(&mint(1)), Err(AssayError::RewardMintMissing));
    for number in 1..=4 {
        pool.add_mint(mint(number), mint(10 + number)).unwrap();
    }
    assert_eq!((pool.target(&mint(2)), pool.vault_of(&mint(2))), (Ok(RewardTarget::Place(1)), Ok(mint(12))));
    assert_eq!(pool.target(&mint(5)), Ok(RewardTarget::Fee), "not the node, which could have filled the places");
    assert_eq!(pool.add_mint(mint(5), mint(15)), Err(AssayError::RewardPlacesFull));
    assert_eq!(pool.add_mint(mint(2), mint(15)), Err(AssayError::RewardMintKnown));
    assert_eq!(pool.vault_of(&mint(5)), Err(AssayError::RewardMintMissing));
    assert_eq!(pool.target(&Pubkey::default()), Ok(RewardTarget::Fee), "the zero key is no mint");
    pool.delegations = 1;
    assert_eq!(pool.remove_mint(&mint(2)), Err(AssayError::DelegationsOpen));
    assert_eq!(pool.check_empty(), Err(AssayError::DelegationsOpen));
    pool.delegations = 0;
    assert_eq!(pool.check_empty(), Err(AssayError::RewardMintsLeft));
    assert_eq!(pool.remove_mint(&mint(5)), Err(AssayError::RewardMintMissing));
    for number in 1..=4 {
        pool.remove_mint(&mint(number)).unwrap();
    }
    assert_eq!(pool.check_empty(), Ok(()));
}

#[test]
fn nothing_moves_before_a_slash_has_arrived() {
    let (mut pool, mut node) = pool();
    let mut a = delegation();
    pool.delegate(&mut a, &mut node, TokenAmount(100), TWICE).unwrap();
    pool.undelegate(&mut a, &mut node, 40, Slot(5)).unwrap();
    assert_eq!(pool.settle_slash(&mut node), Err(AssayError::NoDelegationSlash));
    node.delegation.loss.taken = WHOLE / 4;
    let outstanding = AssayError::DelegationSlashOutstanding;
    assert_eq!(pool.delegate(&mut a, &mut node, TokenAmount(1), TWICE), Err(outstanding));
    assert_eq!(pool.undelegate(&mut a, &mut node, 1, Slot(5)), Err(outstanding));
    assert_eq!(pool.withdraw(&mut a, &node, Slot(5)), Err(outstanding));
    assert_eq!(pool.settle_slash(&mut node), Ok(TokenAmount(25)));
    assert_eq!((node.delegation.stake, pool.applied_loss), (45, WHOLE / 4));
    node.frozen_until_slot = 9;
    assert_eq!(pool.withdraw(&mut a, &node, Slot(8)), Err(AssayError::StakeFrozen));
    assert_eq!(pool.withdraw(&mut a, &node, Slot(9)), Ok(TokenAmount(30)));
}

#[test]
fn who_may_delegate_how_much() {
    let (mut pool, mut node) = pool();
    let mut a = delegation();
    assert_eq!(pool.delegate(&mut a, &mut node, TokenAmount(0), TWICE), Err(AssayError::AmountZero));
    assert_eq!(pool.delegate(&mut a, &mut node, TokenAmount(2_001), TWICE), Err(AssayError::DelegationCapReached));
    pool.delegate(&mut a, &mut node, TokenAmount(2_000), TWICE).unwrap();
    assert_eq!((node.delegation.stake, a.held.shares), (2_000, 2_000));
    node.fraud_convictions = 1;
    assert_eq!(pool.delegate(&mut a, &mut node, TokenAmount(1), TWICE), Err(AssayError::NodeConvicted));
}

#[test]
fn states_that_must_not_exist() {
    let (pool, _) = pool();
    assert_eq!(pool.invariant(), Ok(()));
    let mut held = DelegationPool { version: 1, delegations: 1, ..DelegationPool::default() };
    (held.stake.active.tokens, held.stake.active.shares) = (5, 5);
    assert_eq!(held.invariant(), Ok(()));
    held.delegations = 0;
    assert_eq!(held.invariant(), Err(AssayError::InvariantBroken), "shares of nobody");
    (held.delegations, held.stake.active.tokens) = (1, 6);
    assert_eq!(held.invariant(), Err(AssayError::InvariantBroken), "shares worth more than was paid for them");
    let mut stray = DelegationPool { version: 1, ..DelegationPool::default() };
    stray.rewards[0].sum.owed = 1;
    assert_eq!(stray.invariant(), Err(AssayError::InvariantBroken), "owed in no mint");
    let mut waiting = delegation();
    waiting.held.unbonding_shares = 1;
    assert_eq!(waiting.invariant(), Err(AssayError::InvariantBroken));
    waiting.held.release_slot = 9;
    assert_eq!((waiting.invariant(), waiting.check_empty()), (Ok(()), Err(AssayError::DelegationNotEmpty)));
    let mut owed = delegation();
    owed.rewards[3].owed = 1;
    assert_eq!(owed.check_empty(), Err(AssayError::DelegationNotEmpty));
    assert_eq!(delegation().check_empty(), Ok(()));
}
