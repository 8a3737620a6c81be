use super::*;
use proptest::prelude::*;

const NODE: JobNode = JobNode {
    node: Pubkey::new_from_array([1; 32]),
    operator: Pubkey::new_from_array([2; 32]),
    payee: Pubkey::new_from_array([3; 32]),
};

const RESULT: CommittedResult =
    CommittedResult { commitment: [5; 32], boundary_root: [6; 32], output_root: [7; 32], result_manifest: [8; 32] };

fn posted() -> Job {
    Job {
        version: Job::VERSION,
        client: Pubkey::new_from_array([4; 32]),
        price_min: 100,
        price_max: 1_000,
        ramp_hold_slots: 10,
        ramp_slots: 10,
        claim_slots: 50,
        run_slots: 40,
        window_slots: 30,
        bond: 500,
        protocol_fee_bps: 250,
        miss_charge_bps: 1_000,
        posted_slot: 1_000,
        ..Job::default()
    }
}

#[test]
fn a_claim_fixes_the_price_and_pins_the_node() {
    let mut job = posted();
    job.claim(NODE, Slot(1_015)).unwrap();
    assert_eq!((job.price, job.claimed_slot, job.state), (550, 1_015, JobState::Claimed));
    assert_eq!((job.node, job.operator, job.payee), (NODE.node, NODE.operator, NODE.payee));
    job.invariant().unwrap();
    assert_eq!(job.claim(NODE, Slot(1_016)), Err(AssayError::IllegalTransition), "twice");
}

#[test]
fn deadlines_follow_each_other() {
    let mut job = posted();
    assert_eq!(job.claim_deadline().unwrap().last(), Slot(1_050));
    job.claim(NODE, Slot(1_050)).unwrap();
    assert_eq!(job.run_deadline().unwrap().last(), Slot(1_090));
    assert_eq!(job.last_obligation(), Ok(Slot(1_120)));
    job.commit(RESULT, Slot(1_060)).unwrap();
    assert_eq!(job.challenge_deadline().unwrap().last(), Slot(1_090));
    assert!(job.challenge_deadline().unwrap().last() <= job.last_obligation().unwrap());
}

#[test]
fn settlement_shares_out_the_escrow() {
    let mut job = posted();
    job.claim(NODE, Slot(1_015)).unwrap();
    assert_eq!(job.finalise(), Err(AssayError::IllegalTransition), "nothing committed");
    job.commit(RESULT, Slot(1_016)).unwrap();
    assert_eq!((job.commitment, job.boundary_root), (RESULT.commitment, RESULT.boundary_root));
    assert_eq!((job.output_root, job.result_manifest), (RESULT.output_root, RESULT.result_manifest));
    job.finalise().unwrap();
    assert_eq!(job.credits, Credits { node: 537, client: 450, fee: 13 });
    job.invariant().unwrap();
    assert_eq!(job.finalise(), Err(AssayError::IllegalTransition), "twice");
}

#[test]
fn refunds_owe_the_whole_escrow_to_the_client() {
    for (event, claimed) in [(JobEvent::Cancel, false), (JobEvent::Expire, false), (JobEvent::Miss, true)] {
        let mut job = posted();
        if claimed {
            job.claim(NODE, Slot(1_000)).unwrap();
        }
        job.refund(event).unwrap();
        assert_eq!(job.credits, Credits { client: 1_000, ..Credits::default() });
        job.invariant().unwrap();
        assert_eq!(job.refund(event), Err(AssayError::IllegalTransition), "twice");
    }
    let mut job = posted();
    assert_eq!(job.refund(JobEvent::Miss), Err(AssayError::IllegalTransition), "not claimed");
    assert_eq!(job.refund(JobEvent::Claim), Err(AssayError::IllegalTransition), "a claim is no refund");
}

#[test]
fn only_an_ended_job_without_debts_can_be_closed() {
    let mut job = posted();
    assert_eq!(job.check_closable(), Err(AssayError::JobNotEnded));
    job.refund(JobEvent::Cancel).unwrap();
    assert_eq!(job.check_closable(), Err(AssayError::CreditsOutstanding));
    for credits in [
        Credits { node: 1, ..Credits::default() },
        Credits { client: 1, ..Credits::default() },
        Credits { fee: 1, ..Credits::default() },
    ] {
        job.credits = credits;
        assert_eq!(job.check_closable(), Err(AssayError::CreditsOutstanding));
    }
    job.credits = Credits::default();
    job.charge_credit = 1;
    assert_eq!(job.check_closable(), Err(AssayError::CreditsOutstanding));
    job.charge_credit = 0;
    assert_eq!(job.check_closable(), Ok(()));
}

#[test]
fn broken_books_are_noticed() {
    let mut missed = posted();
    missed.claim(NODE, Slot(1_000)).unwrap();
    missed.refund(JobEvent::Miss).unwrap();
    for broken in [
        Job { node: NODE.node, ..posted() },
        Job { credits: Credits { client: 1, ..Credits::default() }, ..posted() },
        Job { state: JobState::Claimed, ..posted() },
        Job { state: JobState::Cancelled, credits: Credits { node: 1, ..Credits::default() }, ..posted() },
        Job { charge_credit: 501, ..missed },
        Job { price: 1_001, ..posted() },
        Job {
            credits: Credits { node: 500, client: 500, fee: 1 },
            state: JobState::Settled,
            node: NODE.node,
            ..posted()
        },
    ] {
        assert_eq!(broken.invariant(), Err(AssayError::InvariantBroken), "{broken:?}");
    }
    assert_eq!(Job { version: 0, ..posted() }.invariant(), Err(AssayError::UnsupportedAccountVersion));
}

#[test]
fn fields_lie_where_filters_look_and_the_size_is_exact() {
    let mut job = posted();
    job.payment_mint = Pubkey::new_from_array([5; 32]);
    job.claim(NODE, Slot(1_000)).unwrap();
    for uris in [["", "", "", ""], ["http://a", "b", "ipfs://cc", "store"]] {
        [job.graph_uri, job.params_uri, job.inputs_uri, job.store_uri] = uris.map(String::from);
        let mut data = Vec::new();
        job.try_serialize(&mut data).unwrap();
        assert_eq!(data.len(), Job::space(uris.iter().map(|uri| uri.len()).sum()));
        assert_eq!(data[Job::STATE_OFFSET], 1);
        for (offset, key) in [
            (Job::CLIENT_OFFSET, job.client),
            (Job::PAYMENT_MINT_OFFSET, job.payment_mint),
            (Job::NODE_OFFSET, job.node),
        ] {
            assert_eq!(data[offset..offset + 32], key.to_bytes());
        }
    }
}

proptest! {
    #![proptest_config(crate::seeded::cases())]

    /// Whatever the terms and whatever happens, an ended job owes exactly its escrow.
    #[test]
    fn every_end_owes_exactly_the_escrow(
        low: u64, high in 1u64.., fee_bps in 0u16..=1_000, delay in 0u64..100, path in 0usize..4,
    ) {
        let mut job = Job {
            price_min: low.min(high),
            price_max: high,
            protocol_fee_bps: fee_bps,
            ..posted()
        };
        let now = Slot(1_000 + delay);
        match path {
            0 => job.refund(JobEvent::Cancel).unwrap(),
            1 => job.refund(JobEvent::Expire).unwrap(),
            2 => {
                job.claim(NODE, now).unwrap();
                job.refund(JobEvent::Miss).unwrap();
            }
            _ => {
                job.claim(NODE, now).unwrap();
                job.commit(RESULT, now).unwrap();
                job.finalise().unwrap();
            }
        }
        prop_assert_eq!(job.credits.total(), Ok(TokenAmount(high)));
        job.invariant().unwrap();
    }
}
