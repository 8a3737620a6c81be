//! The rules of disputes as pure functions: no accounts, no clock, no IO.
//!
//! * [`table`]: the life of a challenge as a table of states and events;
//! * [`clocks`]: whose move it is, and how much of each side's time is used up;
//! * [`sealing`]: what a challenge commits to before it is revealed, and the key that compares claims;
//! * [`signature`]: the one place where signatures are looked at, and what a signed segment root is;
//! * [`gaps`]: whether the chain itself was too slow for a time-out to be fair;
//! * [`openings`]: which hash a demand may ask to open, and what an answer is;
//! * [`penalty`]: what a conviction takes, and how what was taken or lost is shared out.

pub mod clocks;
pub mod gaps;
pub mod openings;
pub mod penalty;
pub mod sealing;
pub mod signature;
pub mod table;

pub use clocks::{Clocks, Progress, RunningClock, Turn, Wait};
pub use sealing::{claim_key, seal, Target, TargetKind};
pub use table::{ChallengeEvent, ChallengeState};
