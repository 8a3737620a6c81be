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
fn an_invitation_is_for_one_node() {
    let open = posted();
    assert!(open.invites(&NODE.node) && open.invites(&NODE.payee));
    let invitation = Job { invited_node: NODE.node, ..posted() };
    assert!(invitation.invites(&NODE.node));
    assert!(!invitation.invites(&NODE.operator) && !invitation.invites(&Pubkey::default()));
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
    assert_eq!(job.credits, Credits { node: 537, client: 450, fee: 13, audits: 0, delegators: 0 });
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
        Credits { audits: 1, ..Credits::default() },
        Credits { delegators: 1, ..Credits::default() },
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
            credits: Credits { node: 500, client: 500, fee: 1, audits: 0, delegators: 0 },
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
    // The longest that the account gets: there is room for the seed from the post on.
    job.seed = SeedRecord::Sealed([7; 32]);
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

/// A job with a pot of 100, of which an attestation earns 40 at most, with a result and `attestations` of it.
fn audited(attestations: u16) -> Job {
    let audit = JobAudit { pot: 100, cap: 40, attestation_bond: 7, ..JobAudit::default() };
    let mut job = Job { audit, ..posted() };
    job.claim(NODE, Slot(1_015)).unwrap();
    job.commit(RESULT, Slot(1_016)).unwrap();
    for _ in 0..attestations {
        job.audit.open().unwrap();
    }
    job.invariant().unwrap();
    job
}

#[test]
fn the_pot_goes_to_attestations_and_back_to_the_client() {
    for (attestations, audits, client) in [(0, 0, 550), (1, 40, 510), (2, 80, 470), (3, 99, 451)] {
        let mut job = audited(attestations);
        assert_eq!(job.liabilities(), Ok(TokenAmount(1_100)));
        job.finalise().unwrap();
        assert_eq!(job.credits, Credits { node: 537, client, fee: 13, audits, delegators: 0 });
        job.invariant().unwrap();
        job.credits = Credits { audits, ..Credits::default() };
        for left in (0..attestations).rev() {
            assert_eq!(job.check_closable(), Err(AssayError::AttestationsOpen));
            assert_eq!(job.collect_audit_fee(), Ok(TokenAmount(audits / u64::from(attestations))));
            assert_eq!(job.audit.open_attestations, left);
            job.invariant().unwrap();
        }
        assert_eq!(job.check_closable(), Ok(()));
        assert!(job.collect_audit_fee().is_err(), "once more than there are");
    }
    assert_eq!(audited(1).collect_audit_fee(), Err(AssayError::NothingOwed), "before the end");
}

#[test]
fn acceptance_pays_the_node_and_leaves_the_pot_and_the_bond() {
    let mut job = audited(1);
    job.unavailable_open = 1;
    assert_eq!(job.accept(), Err(AssayError::OutputUnavailable));
    job.unavailable_open = 0;
    job.accept().unwrap();
    assert_eq!(job.credits, Credits { node: 537, client: 450, fee: 13, audits: 0, delegators: 0 });
    assert!(job.state.locks_bond() && !job.state.is_end());
    assert_eq!(job.accept(), Err(AssayError::IllegalTransition), "twice");
    assert_eq!(job.check_closable(), Err(AssayError::JobNotEnded));
    // What was withdrawn in between does not come back.
    job.credits.node = 0;
    assert_eq!(job.liabilities(), Ok(TokenAmount(450 + 13 + 100)));
    job.finalise().unwrap();
    assert_eq!(job.credits, Credits { node: 0, client: 510, fee: 13, audits: 40, delegators: 0 });
    job.invariant().unwrap();
}

#[test]
fn a_conviction_returns_the_pot_and_pays_no_attestation() {
    let convict = |job: &mut Job| {
        job.record.valid_claims = 1;
        job.convict(Fault::Withheld, [1; 32], TokenAmount(5), Slot(1_020)).unwrap();
        job.invariant().unwrap();
    };
    let mut job = audited(2);
    convict(&mut job);
    assert_eq!(job.credits, Credits { client: 1_100, ..Credits::default() });
    assert_eq!(job.collect_audit_fee(), Err(AssayError::NothingOwed));
    let mut accepted = audited(2);
    accepted.accept().unwrap();
    convict(&mut accepted);
    assert_eq!(accepted.credits, Credits { node: 537, client: 550, fee: 13, audits: 0, delegators: 0 });
}

#[test]
fn broken_audits_are_noticed() {
    let settled = || {
        let mut job = audited(2);
        job.finalise().unwrap();
        job
    };
    let with = |job: Job, change: fn(&mut Job)| {
        let mut job = job;
        change(&mut job);
        job.invariant()
    };
    let broken = Err(AssayError::InvariantBroken);
    assert_eq!(with(settled(), |_| ()), Ok(()));
    assert_eq!(with(settled(), |job| job.credits.audits += 1), broken, "owed to nobody");
    assert_eq!(with(settled(), |job| job.audit.open_attestations = 1), broken, "one went without its fee");
    assert_eq!(with(audited(2), |job| job.audit.open_attestations = 3), broken);
    assert_eq!(with(audited(2), |job| job.audit.fee = 1), broken, "a fee before the end");
    assert_eq!(with(audited(2), |job| job.audit.pot = 0), broken);
    assert_eq!(with(audited(2), |job| job.unavailable_open = 1), broken, "a filing that is no challenge");
    assert_eq!(with(audited(0), |job| job.audit.cap = 101), broken);
}

proptest! {
    #![proptest_config(crate::seeded::cases())]

    /// Whatever the terms and whatever happens, an ended job owes exactly its escrow, pot included.
    #[test]
    fn every_end_owes_exactly_the_escrow(
        low: u64, high in 1u64.., fee_bps in 0u16..=1_000, delay in 0u64..100, path in 0usize..7,
        pot: u64, cap: u64, attestations in 0u16..9,
    ) {
        let pot = pot.min(u64::MAX - high);
        let mut job = Job {
            audit: JobAudit { pot, cap: cap.min(pot), ..JobAudit::default() },
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
                for _ in 0..attestations.min(u16::from(pot > 0) * 9) {
                    job.audit.open().unwrap();
                }
                if path % 2 == 0 {
                    job.accept().unwrap();
                    prop_assert_eq!(job.liabilities(), Ok(TokenAmount(high + pot)));
                    job.invariant().unwrap();
                }
                if path < 5 {
                    job.finalise().unwrap();
                } else {
                    job.record.valid_claims = 1;
                    job.convict(Fault::WrongElement, [1; 32], TokenAmount(0), Slot(2_000)).unwrap();
                }
            }
        }
        prop_assert_eq!(job.credits.total(), Ok(TokenAmount(high + pot)));
        prop_assert_eq!(job.liabilities(), job.escrow());
        job.invariant().unwrap();
    }
}

/// The claim fixes how long the node should take; who promises nothing, or asks for nothing, has the whole run.
#[test]
fn a_claim_pins_the_speed_that_was_promised() {
    let expected = |cost_units, units_per_slot| {
        let mut job = Job { cost_units, run_slots: 50, ..posted() };
        job.expect_by(units_per_slot).unwrap();
        job.expected_slots
    };
    assert_eq!(expected(1_000, 100), 10);
    assert_eq!(expected(1_001, 100), 11);
    assert_eq!(expected(1_000_000, 100), 50, "never longer than the run");
    assert_eq!((expected(0, 100), expected(1_000, 0)), (50, 50));
}
