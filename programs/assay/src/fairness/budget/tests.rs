use super::*;
use proptest::prelude::*;

fn key(byte: u8) -> Pubkey {
    Pubkey::new_from_array([byte; 32])
}

fn limits() -> BudgetLimits {
    BudgetLimits {
        agent: key(1),
        per_job: 120,
        maximum_price: 100,
        per_period: 300,
        period_slots: 80,
        last_slot: 10_000,
        ..Default::default()
    }
}

fn request() -> BudgetRequest {
    BudgetRequest {
        agent: key(1),
        price_max: TokenAmount(100),
        audit_pot: TokenAmount(0),
        model: [7; 32],
        invited: Pubkey::default(),
    }
}

const RICH: TokenAmount = TokenAmount(u64::MAX);

#[test]
fn each_limit_is_refused_by_its_own_name() {
    type Limit = fn(&mut BudgetLimits);
    type Change = fn(&mut BudgetRequest);
    let cases: [(Limit, Change, FairnessError); 10] = [
        (|_| (), |r| r.agent = key(2), FairnessError::NotAgent),
        (|l| l.revoked = true, |_| (), FairnessError::BudgetRevoked),
        (|l| l.last_slot = 99, |_| (), FairnessError::BudgetExpired),
        (|_| (), |r| r.price_max = TokenAmount(101), FairnessError::PriceLimitExceeded),
        (|_| (), |r| r.audit_pot = TokenAmount(21), FairnessError::JobLimitExceeded),
        (|_| (), |r| r.audit_pot = TokenAmount(u64::MAX), FairnessError::ArithmeticOverflow),
        (|l| l.models[5] = [8; 32], |_| (), FairnessError::ModelNotAllowed),
        (|l| l.models[5] = [8; 32], |r| r.model = [0; 32], FairnessError::ModelNotAllowed),
        (|l| l.nodes[3] = key(9), |r| r.invited = key(8), FairnessError::NodeNotAllowed),
        (|l| l.nodes[3] = key(9), |_| (), FairnessError::NodeNotAllowed),
    ];
    for (limit, change, error) in cases {
        let (mut limits, mut request, mut spent) = (limits(), request(), BudgetUse::default());
        assert_eq!(spent.spend(&limits, &request, RICH, Slot(100)), Ok(TokenAmount(100)), "{error:?}");
        let before = spent;
        limit(&mut limits);
        change(&mut request);
        assert_eq!(spent.spend(&limits, &request, RICH, Slot(100)), Err(error));
        assert_eq!(spent, before, "a refusal spends nothing");
    }
}

#[test]
fn what_the_lists_name_is_allowed_to_the_last_slot() {
    let (mut limits, mut request, mut spent) = (limits(), request(), BudgetUse::default());
    (limits.models[7], limits.nodes[0]) = (request.model, key(9));
    (request.invited, request.audit_pot) = (key(9), TokenAmount(20));
    assert_eq!(spent.spend(&limits, &request, TokenAmount(120), Slot(10_000)), Ok(TokenAmount(120)));
    assert_eq!(spent.spend(&limits, &request, TokenAmount(119), Slot(10_000)), Err(FairnessError::VaultTooSmall));
    assert_eq!(spent.spend(&limits, &request, RICH, Slot(10_001)), Err(FairnessError::BudgetExpired));
}

/// An agent without limits set, or with the key of nobody, spends nothing.
#[test]
fn empty_limits_allow_nothing() {
    let (mut spent, nobody) = (BudgetUse::default(), BudgetRequest { agent: Pubkey::default(), ..request() });
    let refused = Err(FairnessError::RuleOutOfBounds);
    assert_eq!(spent.spend(&BudgetLimits::default(), &nobody, RICH, Slot(0)), refused);
    assert_eq!(spent.spend(&BudgetLimits { period_slots: 7, ..limits() }, &request(), RICH, Slot(0)), refused);
    assert_eq!(BudgetLimits { agent: Pubkey::default(), ..limits() }.validate(), Err(FairnessError::RuleOutOfBounds));
}

/// Neither the turn of a period nor posting and cancelling gives an allowance twice.
#[test]
fn a_period_has_no_edge() {
    let (limits, request, mut spent) = (limits(), request(), BudgetUse::default());
    for slot in [79, 79, 79] {
        spent.spend(&limits, &request, RICH, Slot(slot)).unwrap();
    }
    for slot in [79, 80, 100, 158] {
        assert_eq!(spent.spend(&limits, &request, RICH, Slot(slot)), Err(FairnessError::PeriodLimitExceeded), "{slot}");
    }
    assert_eq!(spent.left(&limits, Slot(159)), Ok(TokenAmount(0)), "until the part is out of reach");
    assert_eq!(spent.left(&limits, Slot(160)), Ok(TokenAmount(300)));
    assert_eq!(spent.spend(&limits, &request, RICH, Slot(160)), Ok(TokenAmount(100)));
    assert_eq!(spent.left(&limits, Slot(50)), Ok(TokenAmount(200)), "time does not go back");
}

proptest! {
    #![proptest_config(crate::seeded::cases())]

    /// In no stretch of a period, wherever it starts, more is spent than its limit; no job escrows more than its own; and
    /// after nine parts of silence everything may be spent again.
    #[test]
    fn no_stretch_of_a_period_exceeds_its_limit(
        jobs in prop::collection::vec((0u64..60, 0u64..150, 0u64..50), 1..100), period in 8u64..200,
    ) {
        let (limits, mut spent, mut now) = (BudgetLimits { period_slots: period, ..limits() }, BudgetUse::default(), 0);
        let mut paid: Vec<(u64, u64)> = Vec::new();
        for (wait, price, pot) in jobs {
            now += wait;
            let request = BudgetRequest { price_max: TokenAmount(price), audit_pot: TokenAmount(pot), ..request() };
            let left = spent.left(&limits, Slot(now)).unwrap();
            match spent.spend(&limits, &request, RICH, Slot(now)) {
                Ok(escrow) => {
                    prop_assert!(escrow.0 == price + pot && escrow.0 <= 120 && price <= 100 && escrow <= left);
                    paid.push((now, escrow.0));
                }
                Err(FairnessError::PeriodLimitExceeded) => prop_assert!(price + pot > left.0),
                Err(_) => prop_assert!(price > 100 || price + pot > 120),
            }
        }
        for (start, _) in &paid {
            let within = paid.iter().filter(|(slot, _)| (*start..start + period).contains(slot));
            prop_assert!(within.map(|(_, escrow)| escrow).sum::<u64>() <= limits.per_period);
        }
        prop_assert_eq!(spent.left(&limits, Slot(now + period.div_ceil(8) * 9)), Ok(TokenAmount(300)));
    }
}
