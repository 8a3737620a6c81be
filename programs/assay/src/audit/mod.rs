//! The rules of paid audits as pure functions: no accounts, no clock, no IO.
//!
//! A client may add a pot to a job. Validators that are *drawn* for the job replay it and attest, each under a bond; the
//! pot is shared among them when the result stood, and their bonds burn when it was proved wrong.
//!
//! Who is drawn nobody can choose:
//!
//! * A validator commits to the end of a hash chain ([`SeedChain`]), which counts for jobs posted two epochs later and gives
//!   it exactly one seed an epoch. Until the validator shows it, nobody else knows a seed.
//! * The seed that decides is that of the epoch in which the result was committed, and it may be shown only when that epoch
//!   is over: no result can be committed once anybody but the validator knows whether it will be audited.
//! * The draw ([`Draw`]) hashes the seed, the job's address, and a *beacon*: the newest slot hash when the job was posted. The
//!   chain is older than the beacon, so it could not be chosen for jobs whose addresses were known ahead.
//! * Nothing that the worker chooses is hashed. Stake added since the job was posted does not count.
//!
//! None of this proves that an auditor worked: one that attests blindly earns until the day on which a job that it attested
//! is proved wrong, and then loses many times what it was paid.

mod chain;
mod draw;
mod epoch;
mod pot;

pub use chain::{seed_after, SeedChain, MATURITY_EPOCHS, MAXIMUM_STEPS};
pub use draw::Draw;
pub use epoch::Epoch;
pub use pot::{split_pot, PotSplit};
