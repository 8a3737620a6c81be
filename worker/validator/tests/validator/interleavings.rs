//! Every decision, against the model of the program: whatever happens in between, no move is illegal, no second bond is put
//! in, and everything that was put in comes to an end.

use crate::case::{BOND, Case, case};
use crate::world::{World, challenge_address};
use assay::dispute::{ChallengeState, Target};
use assay::state::Fault;
use assay::state_machine::JobState;
use assay_validator::docket::BufferView;
use assay_validator::journal::{
    Audit, Costs, Dispute, Ending, PreparedProof, Record, SeenRoot, SignedRoot, TargetRecord, Verdict, Wrong,
};
use assay_validator::rules::{self, Move};
use assay_validator::steps::{Step, Terms, next_step};
use proptest::prelude::*;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;

const ME: Pubkey = Pubkey::new_from_array([1; 32]);
const OTHER: Pubkey = Pubkey::new_from_array([2; 32]);
const BUFFER: u64 = 9;

/// Our validator, as the driver is: it reads, decides, and does, and may die between any two of these.
struct Ours {
    record: Record,
    proof: Option<Vec<u8>>,
    /// Moves that the program refused although every rule allowed them.
    refused: Vec<String>,
    /// Without one, the proof is withheld and openings have to be forced.
    served: bool,
}

/// A root that the node signs besides the one that it serves.
const OTHER_ROOT: [u8; 32] = [0xee; 32];

fn seen(segment: u16, root: [u8; 32]) -> SeenRoot {
    let signature = Signature::from([root[0]; 64]).to_string();
    SeenRoot { segment, root, signature, commitment: case().job.commitment }
}

fn terms() -> Terms {
    Terms { me: ME, window_margin_slots: 1 }
}

impl Ours {
    fn new(case: &Case, served: bool) -> Self {
        let mut record = Record::new(&Pubkey::new_from_array([7; 32]), 1_000);
        record.audit = Audit::Wrong(Wrong {
            target: case.target,
            own_hash: case.own_hash,
            words: String::new(),
            finding: None,
            micros: 1,
        });
        let mut ours = Self { record, proof: None, refused: Vec::new(), served };
        if served {
            ours.find_proof(case);
        }
        ours
    }

    fn find_proof(&mut self, case: &Case) {
        self.proof = Some(case.proof.clone());
        self.record.proof = Some(PreparedProof {
            artifact: String::new(),
            bytes: case.proof.len() as u32,
            segment: case.segment.map(|segment| SignedRoot {
                segment: segment.segment,
                root: segment.root,
                signature: Some(String::new()),
            }),
            words: String::new(),
        });
    }

    /// One turn of the driver; `lands` says whether a transaction gets through. Whether anything was left to do.
    fn turn(&mut self, world: &mut World, case: &Case, lands: bool) -> bool {
        let docket = world.docket.clone();
        if let (Some(dispute), Some((_, challenge))) = (&mut self.record.dispute, docket.challenge_of(&ME)) {
            dispute.committed = true;
            dispute.result = match challenge.state {
                ChallengeState::Won => Some(Verdict::Won),
                ChallengeState::Lost => Some(Verdict::Lost),
                ChallengeState::Moot => Some(Verdict::Moot),
                _ => None,
            };
            dispute.received = challenge.bond + challenge.earned;
        }
        match next_step(&docket, &self.record, self.proof.as_deref(), &terms()) {
            Step::Seal => {
                self.record.dispute = Some(Dispute {
                    challenger: ME.to_string(),
                    salt: [5; 32],
                    sealed: [0; 32],
                    bond: BOND,
                    buffer: BUFFER,
                    artifacts: Vec::new(),
                    sealed_slot: docket.slot,
                    sealed_at: 0,
                    last_at: 0,
                    committed: false,
                    result: None,
                    received: 0,
                    costs: Costs::default(),
                });
            }
            Step::Make(wanted) => self.make(world, &wanted, lands),
            Step::Upload => {
                let bytes = self.proof.clone().unwrap();
                let view = BufferView { id: BUFFER, owner: ME, held_by: Pubkey::default(), bytes };
                world.docket.buffers.insert(Pubkey::new_from_array([3; 32]), view);
            }
            Step::CloseBuffer => world.docket.buffers.clear(),
            Step::Prepare if self.served || docket.demands.values().any(|demand| demand.answered_slot != 0) => {
                self.find_proof(case);
            }
            Step::Prepare => self.make(world, &Move::DemandRoot { segment: 0, slot: 0, witness: None }, lands),
            Step::Accuse(equivocation) => {
                self.record.audit = Audit::Wrong(Wrong {
                    target: TargetRecord::Segment(equivocation.segment),
                    own_hash: [0xcc; 32],
                    words: equivocation.to_string(),
                    finding: None,
                    micros: 1,
                });
            }
            Step::AskAgain => self.record.asked_again = true,
            Step::Finish(ending) => self.record.ending = Some(ending),
            Step::Wait { .. } => return false,
            Step::Done => return false,
            other => panic!("{other:?} needs no turn here"),
        }
        true
    }

    fn make(&mut self, world: &mut World, wanted: &Move, lands: bool) {
        if rules::check(&world.docket, &ME, wanted, 0).is_err() {
            // The driver does not pay for what a rule forbids.
            return;
        }
        if lands && let Err(error) = world.apply(&ME, wanted) {
            self.refused.push(format!("{wanted:?}: {error:?}"));
        }
    }
}

/// Another challenger of the same job: right or wrong, quick or slow.
fn other_acts(world: &mut World, case: &Case, act: u8, honest: bool) {
    let (target, own_hash) = if honest { (case.target(), case.own_hash) } else { (Target::boundary(0), [9; 32]) };
    let salt = [6; 32];
    let wanted = match act {
        0 => Move::Commit { target, own_hash, salt },
        1 => Move::Reveal { target, own_hash, salt },
        2 if honest => Move::Prove { proof: case.proof.clone(), segment: case.segment },
        3 => Move::Withdraw,
        _ => Move::Resolve { challenge: challenge_address(&OTHER) },
    };
    let _ = world.apply(&OTHER, &wanted);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn nothing_illegal_nothing_twice_and_always_an_end(
        acts in prop::collection::vec((0u8..13, any::<bool>(), 0u64..14), 0..60),
        served in any::<bool>(),
        other_is_honest in any::<bool>(),
        two_roots in any::<bool>(),
    ) {
        let case = case();
        let mut world = World::new(case);
        let mut ours = Ours::new(case, served);
        if let Some(segment) = case.segment.filter(|_| served) {
            ours.record.note_roots(vec![seen(segment.segment, segment.root)]);
        }
        for (act, lands, slots) in acts {
            match act {
                0..=4 => other_acts(&mut world, case, act, other_is_honest),
                5 => world.answer(),
                6 => {
                    // Somebody settles, times out, burns.
                    for wanted in [
                        Move::TimeOutChallenger { challenge: challenge_address(&OTHER) },
                        Move::TimeOutChallenger { challenge: challenge_address(&ME) },
                        Move::TimeOutDefender { challenge: challenge_address(&ME) },
                        Move::Settle,
                        Move::BurnSlash,
                    ] {
                        let _ = world.apply(&OTHER, &wanted);
                    }
                }
                7 => world.docket.slot += slots,
                8 if two_roots && served => {
                    // The node records another root than the served one, perhaps to keep that off the chain.
                    let _ = world.record(case.segment.map_or(0, |segment| segment.segment), OTHER_ROOT, OTHER);
                }
                _ => {
                    ours.turn(&mut world, case, lands);
                }
            }
        }
        // From wherever that led, it ends within the time that the terms allow.
        let longest = case.job.dispute.longest_slots().0 + case.job.window_slots;
        let mut idle = 0;
        for _ in 0..(4 * longest + 200) {
            if !ours.turn(&mut world, case, true) {
                world.docket.slot += 1;
                idle += 1;
            }
            if ours.record.ending.is_some() || idle > 2 * longest {
                break;
            }
        }
        prop_assert!(ours.refused.is_empty(), "{:?}", ours.refused.first());
        prop_assert!(ours.record.ending.is_some(), "stuck: {:?} {:?}", world.docket.challenges, ours.record);
        let commits = world.committed.iter().filter(|key| **key == ME).count();
        prop_assert!(commits <= 1, "{commits} bonds");
        let received: u64 = world.paid.iter().filter(|(key, _)| *key == ME).map(|(_, amount)| amount).sum();
        match ours.record.ending.unwrap() {
            Ending::Won { received: noted } => {
                prop_assert_eq!(noted, received);
                prop_assert!(received >= BOND, "a right challenge gets its bond back");
                prop_assert_eq!(world.docket.job.as_ref().unwrap().state, JobState::Convicted);
            }
            Ending::Moot { received: noted } => prop_assert_eq!((noted, received), (BOND, BOND)),
            Ending::Lost { .. } => prop_assert!(commits == 1 && received == 0),
            Ending::NotChallenged { .. } | Ending::Nothing => prop_assert_eq!((commits, received), (0, 0)),
        }
        prop_assert!(world.docket.challenge_of(&ME).is_none(), "the challenge is closed");
        prop_assert!(world.docket.buffers.is_empty(), "the buffer is closed");
    }
}

/// Without interference, a served lie is won with bounty and bond within a few slots.
#[test]
fn a_served_lie_is_won_whole() {
    let case = case();
    let mut world = World::new(case);
    let mut ours = Ours::new(case, true);
    let begun = world.docket.slot;
    while ours.record.ending.is_none() {
        if !ours.turn(&mut world, case, true) {
            world.docket.slot += 1;
        }
        assert!(world.docket.slot < begun + 10, "too slow");
    }
    let bounty = case.job.bond / 2;
    assert_eq!(ours.record.ending, Some(Ending::Won { received: BOND + bounty }));
    assert_eq!(world.docket.job.as_ref().unwrap().record.burn_credit, 0, "burned");
}

/// A node that never answers is convicted by the clock, without any proof.
#[test]
fn a_withheld_trace_convicts_by_the_clock() {
    let case = case();
    let mut world = World::new(case);
    let mut ours = Ours::new(case, false);
    for _ in 0..1_000 {
        if ours.record.ending.is_some() {
            break;
        }
        if !ours.turn(&mut world, case, true) {
            world.docket.slot += 1;
        }
    }
    assert!(matches!(ours.record.ending, Some(Ending::Won { .. })), "{:?}", ours.record.ending);
}

/// A claim that somebody else has revealed is not challenged again: it would only lie in a bond.
#[test]
fn who_comes_after_the_reveal_stays_out() {
    let case = case();
    let mut world = World::new(case);
    for act in [0, 1] {
        other_acts(&mut world, case, act, true);
        world.docket.slot += 1;
    }
    let mut ours = Ours::new(case, true);
    while ours.turn(&mut world, case, true) {}
    assert!(matches!(&ours.record.ending, Some(Ending::NotChallenged { code, .. }) if code == "V0405"));
    assert!(!world.committed.contains(&ME));
}

/// Who committed before the first reveal shares, though the other one proved first.
#[test]
fn who_committed_before_the_reveal_shares_the_bounty() {
    let case = case();
    let mut world = World::new(case);
    let mut ours = Ours::new(case, true);
    other_acts(&mut world, case, 0, true);
    while world.docket.challenge_of(&ME).is_none() {
        ours.turn(&mut world, case, true);
    }
    world.docket.slot += 1;
    other_acts(&mut world, case, 1, true);
    world.docket.slot += 1;
    other_acts(&mut world, case, 2, true);
    assert_eq!(world.docket.job.as_ref().unwrap().state, JobState::Convicted);
    while ours.record.ending.is_none() {
        if !ours.turn(&mut world, case, true) {
            world.docket.slot += 1;
        }
    }
    let half = case.job.bond / 2 / 2;
    assert_eq!(ours.record.ending, Some(Ending::Won { received: BOND + half }));
}

/// The result is right, and two roots of a segment were signed: challenged, proved and won, whichever of them is recorded.
#[test]
fn two_signed_roots_are_challenged_and_proved() {
    for recorded in [None, Some([3; 32]), Some([4; 32]), Some([5; 32])] {
        let case = case();
        let mut world = World::new(case);
        let mut ours = Ours::new(case, false);
        ours.record.audit = Audit::Agreed { micros: 1 };
        ours.record.note_roots(vec![seen(0, [3; 32]), seen(1, [1; 32])]);
        // Nothing is said while there is one of each.
        while ours.turn(&mut world, case, true) {}
        assert_eq!((world.committed.len(), &ours.record.ending), (0, &None));
        match recorded {
            Some(root) => world.record(0, root, OTHER).unwrap(),
            None => assert!(ours.record.note_roots(vec![seen(0, [4; 32])])),
        }
        if recorded == Some([3; 32]) {
            ours.record.note_roots(vec![seen(0, [4; 32])]);
        }
        for _ in 0..100 {
            if !ours.turn(&mut world, case, true) {
                world.docket.slot += 1;
            }
        }
        let ended = ours.record.ending.clone();
        assert_eq!(ended, Some(Ending::Won { received: BOND + case.job.bond / 2 }), "{recorded:?} {:?}", ours.record);
        let job = world.docket.job.as_ref().unwrap();
        assert_eq!(job.record.fault, Fault::Equivocation);
        assert!(ours.refused.is_empty(), "{:?}", ours.refused);
        assert!(world.docket.claims.values().all(|claim| claim.payer == OTHER), "what we recorded is closed");
    }
}

/// One root of each segment, served twice and recorded: the window passes, and nothing was at risk.
#[test]
fn one_signed_root_of_each_segment_is_left_alone() {
    let case = case();
    let mut world = World::new(case);
    let mut ours = Ours::new(case, false);
    ours.record.audit = Audit::Agreed { micros: 1 };
    ours.record.note_roots(vec![seen(0, [3; 32])]);
    world.record(0, [3; 32], OTHER).unwrap();
    while ours.record.ending.is_none() {
        if !ours.turn(&mut world, case, true) {
            world.docket.slot += 1;
        }
        assert!(world.docket.slot <= case.job.committed_slot + case.job.window_slots, "it ends with the window");
    }
    assert_eq!((&ours.record.ending, ours.record.asked_again), (&Some(Ending::Nothing), true));
    assert!(world.committed.is_empty());
}
