//! Random sequences of everything that anybody can try, against a model.
//!
//! The model predicts of each action whether the program accepts it and, if not, for which rules it may be refused. After
//! each step every account and every balance is compared with the model, and what must always be true is checked from the
//! accounts alone: no token is made or lost, stake vault and the vaults of jobs and sessions hold what they owe, bonds and counters add up. Each
//! sequence ends by draining the market: strangers bring every job and session to its end, and everything that entered comes out.
//!
//! `ASSAY_MODEL_SEQUENCES` sets how many sequences run; the seed of a sequence is its number.

mod action;
mod check;
mod delegation;
mod delegation_market;
mod market;
mod rules;
mod session_market;
mod sessions;
mod state;

use market::Market;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const SEQUENCES: u64 = 2_000;
const STEPS: usize = 60;

/// How often each kind of action was accepted and refused, and how many jobs and sessions were brought to an end by draining.
#[derive(Default)]
struct Counts {
    actions: BTreeMap<String, (u64, u64)>,
    drained: u64,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        for (kind, (accepted, refused)) in &other.actions {
            let count = self.actions.entry(kind.clone()).or_default();
            *count = (count.0 + accepted, count.1 + refused);
        }
        self.drained += other.drained;
    }

    fn steps(&self) -> (u64, u64) {
        self.actions.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "says how much was tried")]
fn the_program_follows_the_model_and_every_job_can_be_brought_to_an_end() {
    let sequences = std::env::var("ASSAY_MODEL_SEQUENCES")
        .map_or(SEQUENCES, |text| text.parse().expect("ASSAY_MODEL_SEQUENCES is a number"));
    let begin = Market::open();
    let (next, total) = (AtomicU64::new(0), Mutex::new(Counts::default()));
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= sequences {
                        break;
                    }
                    let counts = run(begin.clone(), seed);
                    total.lock().expect("no thread has failed").add(&counts);
                }
            });
        }
    });
    let total = total.into_inner().expect("no thread has failed");
    let (accepted, refused) = total.steps();
    println!(
        "\n{sequences} sequences, {accepted} steps accepted, {refused} refused, {} jobs and sessions drained",
        total.drained
    );
    for (kind, (accepted, refused)) in &total.actions {
        println!("{kind}: {accepted} accepted, {refused} refused");
    }
    // The generator would prove little if some instruction never got through.
    let steps = accepted + refused;
    assert!(accepted > steps / 3 && refused > steps / 10, "{accepted} of {steps} steps accepted");
    if sequences >= SEQUENCES {
        for (kind, (accepted, _)) in &total.actions {
            assert!(*accepted > 10, "{kind} was hardly ever accepted");
        }
    }
}

fn run(mut market: Market, seed: u64) -> Counts {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut history = Vec::new();
    let mut counts = Counts::default();
    let result = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..STEPS {
            let action = action::choose(&market.model, &mut rng);
            history.push(action.clone());
            let count = counts.actions.entry(action.kind()).or_default();
            match market.step(&action) {
                true => count.0 += 1,
                false => count.1 += 1,
            }
            market.check();
        }
        counts.drained = market.drain();
    }));
    assert!(result.is_ok(), "sequence {seed} failed after {history:#?}");
    counts
}
