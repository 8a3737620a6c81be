use super::*;

const OWNER: Pubkey = Pubkey::new_from_array([1; 32]);
const AGENT: Pubkey = Pubkey::new_from_array([2; 32]);

fn limits() -> BudgetLimits {
    BudgetLimits {
        maximum_job_escrow: 120,
        maximum_period_escrow: 300,
        period_slots: 50,
        maximum_price: 100,
        maximum_open_jobs: 9,
        last_slot: 1_200,
        any_graph: true,
        graphs: vec![],
        any_node: true,
        nodes: vec![],
    }
}

fn budget() -> Budget {
    Budget {
        version: Budget::VERSION,
        owner: OWNER,
        agent: AGENT,
        payment_mint: Pubkey::new_from_array([3; 32]),
        period_start_slot: 1_000,
        limits: limits(),
        ..Budget::default()
    }
}

fn request(escrow: u64) -> Request {
    Request {
        price_max: TokenAmount(escrow.min(100)),
        escrow: TokenAmount(escrow),
        graph_root: [0; 32],
        invited_node: None,
        open_jobs: 0,
    }
}

#[test]
fn the_agent_acts_until_its_last_slot_and_the_owner_always() {
    let budget = budget();
    for now in [0, 1_200] {
        assert_eq!(budget.check_actor(&AGENT, Slot(now)), Ok(()));
    }
    assert_eq!(budget.check_actor(&AGENT, Slot(1_201)), Err(AssayError::BudgetExpired));
    assert_eq!(budget.check_actor(&OWNER, Slot(u64::MAX)), Ok(()));
    assert_eq!(budget.check_actor(&Pubkey::new_from_array([9; 32]), Slot(0)), Err(AssayError::NotBudgetAgent));
}

#[test]
fn a_revoked_agent_is_nobody_and_so_is_the_zero_key() {
    let mut budget = budget();
    budget.set(Some(Pubkey::default()), None, Slot(1_010)).unwrap();
    assert_eq!(budget.limits, limits(), "the limits stay");
    for key in [AGENT, Pubkey::default()] {
        assert_eq!(budget.check_actor(&key, Slot(1_010)), Err(AssayError::NotBudgetAgent));
    }
    assert_eq!(budget.check_actor(&OWNER, Slot(1_010)), Ok(()));
}

#[test]
fn what_breaks_a_limit_is_not_counted() {
    let mut budget = budget();
    budget.book(&request(120), Slot(1_000)).unwrap();
    budget.book(&request(120), Slot(1_001)).unwrap();
    assert_eq!(budget.allowance(Slot(1_002)), Ok(TokenAmount(60)));
    assert_eq!(budget.book(&request(61), Slot(1_002)), Err(AssayError::BudgetPeriodExhausted));
    assert_eq!(budget.book(&request(121), Slot(1_050)), Err(AssayError::BudgetJobTooLarge));
    assert_eq!((budget.period_start_slot, budget.period_escrowed), (1_000, 240));
    budget.book(&request(60), Slot(1_049)).unwrap();
    assert_eq!(budget.allowance(Slot(1_049)), Ok(TokenAmount::ZERO));
    assert_eq!(budget.allowance(Slot(1_050)), Ok(TokenAmount(300)), "the next period");
}

/// Raising a limit in the middle of a period does not give what was escrowed back; only a new length begins anew.
#[test]
fn new_limits_keep_what_was_escrowed_unless_the_length_changes() {
    let mut budget = budget();
    budget.book(&request(120), Slot(1_000)).unwrap();
    let smaller = BudgetLimits { maximum_period_escrow: 100, ..limits() };
    budget.set(None, Some(smaller), Slot(1_005)).unwrap();
    assert_eq!((budget.period_start_slot, budget.period_escrowed), (1_000, 120));
    assert_eq!(budget.allowance(Slot(1_005)), Ok(TokenAmount::ZERO), "more was escrowed than may be now");
    budget.invariant().unwrap();
    let longer = BudgetLimits { period_slots: 60, ..limits() };
    budget.set(None, Some(longer), Slot(1_010)).unwrap();
    assert_eq!((budget.period_start_slot, budget.period_escrowed), (1_010, 0));
    assert_eq!(budget.agent, AGENT, "the agent stays");
    let wrong = BudgetLimits { period_slots: 0, ..limits() };
    assert_eq!(budget.set(None, Some(wrong), Slot(1_010)), Err(AssayError::BudgetPeriodInvalid));
}

#[test]
fn broken_books_are_noticed() {
    budget().invariant().unwrap();
    for broken in [
        Budget { owner: Pubkey::default(), ..budget() },
        Budget { payment_mint: Pubkey::default(), ..budget() },
        Budget { limits: BudgetLimits { period_slots: 0, ..limits() }, ..budget() },
    ] {
        assert_eq!(broken.invariant(), Err(AssayError::InvariantBroken));
    }
    assert_eq!(Budget { version: 2, ..budget() }.invariant(), Err(AssayError::UnsupportedAccountVersion));
}

#[test]
fn filters_look_where_the_fields_are() {
    let bytes = anchor_lang::prelude::borsh::to_vec(&budget()).unwrap();
    let field = |offset: usize| &bytes[offset - 8..offset + 24];
    assert_eq!(field(Budget::OWNER_OFFSET), OWNER.as_ref());
    assert_eq!(field(Budget::AGENT_OFFSET), AGENT.as_ref());
}
