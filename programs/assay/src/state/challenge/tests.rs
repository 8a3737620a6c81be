use super::*;
use crate::error::AssayError;

const JOB: Pubkey = Pubkey::new_from_array([1; 32]);
const CHALLENGER: Pubkey = Pubkey::new_from_array([2; 32]);
const HASH: [u8; 32] = [3; 32];
const SALT: [u8; 32] = [4; 32];
const TARGET: Target = Target::boundary(5);

fn terms() -> DisputeTerms {
    DisputeTerms { reveal_slots: 10, challenger_clock_slots: 40, ..DisputeTerms::default() }
}

fn sealed() -> Challenge {
    Challenge {
        version: 1,
        job: JOB,
        challenger: CHALLENGER,
        sealed: seal(&CHALLENGER, &JOB, TARGET, &HASH, &SALT),
        bond: 7,
        committed_slot: 100,
        ..Challenge::default()
    }
}

#[test]
fn a_seal_opens_after_its_slot_and_within_its_time() {
    let reveal = |at: u64| sealed().reveal(TARGET, HASH, &SALT, &terms(), Slot(at));
    assert_eq!(reveal(100), Err(AssayError::RevealTooEarly));
    assert_eq!((reveal(101), reveal(110)), (Ok(()), Ok(())));
    assert_eq!(reveal(111), Err(AssayError::RevealTooLate));
    let mut extended = Challenge { reveal_extended: true, ..sealed() };
    assert_eq!(extended.reveal(TARGET, HASH, &SALT, &terms(), Slot(115)), Ok(()));
}

#[test]
fn only_what_was_sealed_by_this_key_for_this_job_opens() {
    let mismatch = Err(AssayError::SealMismatch);
    let reveal = |challenge: &mut Challenge, target, hash, salt: [u8; 32]| {
        challenge.reveal(target, hash, &salt, &terms(), Slot(101))
    };
    assert_eq!(reveal(&mut sealed(), Target::boundary(6), HASH, SALT), mismatch);
    assert_eq!(reveal(&mut sealed(), TARGET, SALT, SALT), mismatch);
    assert_eq!(reveal(&mut sealed(), TARGET, HASH, HASH), mismatch);
    let mut copied = Challenge { challenger: JOB, ..sealed() };
    assert_eq!(reveal(&mut copied, TARGET, HASH, SALT), mismatch, "a copied seal");
    let mut elsewhere = Challenge { job: CHALLENGER, ..sealed() };
    assert_eq!(reveal(&mut elsewhere, TARGET, HASH, SALT), mismatch);
    let mut challenge = sealed();
    assert_eq!(reveal(&mut challenge, TARGET, HASH, SALT), Ok(()));
    assert_eq!(reveal(&mut challenge, TARGET, HASH, SALT), Err(AssayError::IllegalChallengeTransition), "twice");
    challenge.invariant().unwrap();
}

#[test]
fn a_bond_is_lost_or_kept_once() {
    let mut challenge = sealed();
    assert_eq!(challenge.lose(ChallengeEvent::TimeOut), Err(AssayError::IllegalChallengeTransition));
    assert_eq!(challenge.lose(ChallengeEvent::Lapse), Ok(TokenAmount(7)));
    assert_eq!(challenge.owed(), Ok(TokenAmount::ZERO));
    assert_eq!(challenge.lose(ChallengeEvent::Lapse), Err(AssayError::IllegalChallengeTransition));
    challenge.invariant().unwrap();
    challenge.check_payable().unwrap();

    let mut challenge = sealed();
    assert_eq!(challenge.check_payable(), Err(AssayError::ChallengeNotPayable));
    challenge.reveal(TARGET, HASH, &SALT, &terms(), Slot(101)).unwrap();
    assert_eq!(challenge.keep(ChallengeEvent::TimeOut), Err(AssayError::IllegalChallengeTransition));
    challenge.keep(ChallengeEvent::Win).unwrap();
    assert_eq!(challenge.check_payable(), Err(AssayError::ChallengeNotPayable), "its share is not known");
    challenge.settled = true;
    challenge.earn(TokenAmount(3)).unwrap();
    assert_eq!(challenge.owed(), Ok(TokenAmount(10)));
    challenge.check_payable().unwrap();
    challenge.invariant().unwrap();
}

#[test]
fn broken_books_are_noticed() {
    for challenge in [
        Challenge { bond: 0, ..sealed() },
        Challenge { state: ChallengeState::Lost, ..sealed() },
        Challenge { revealed_slot: 5, ..sealed() },
        Challenge { state: ChallengeState::Revealed, ..sealed() },
        Challenge { settled: true, ..sealed() },
    ] {
        assert_eq!(challenge.invariant(), Err(AssayError::InvariantBroken), "{challenge:?}");
    }
}

#[test]
fn a_filing_shares_in_no_bounty_and_takes_nobodys() {
    use crate::dispute::penalty::BountyShares;
    let challenge = Challenge { committed_slot: 100, revealed_slot: 110, ..sealed() };
    let filing = Challenge { target: Target::OUTPUT, committed_slot: 50, revealed_slot: 50, ..sealed() };
    let both = [challenge.times(), filing.times()];
    let shares = BountyShares::new(TokenAmount(100), both.into_iter()).unwrap();
    assert_eq!(both.map(|times| shares.of(times)), [100, 0]);
    let alone = BountyShares::new(TokenAmount(100), [filing.times()].into_iter()).unwrap();
    assert_eq!((alone.of(filing.times()), alone.rest), (0, 100));
}
