//! The rules by name: what a move breaks, with a stable code.

use solana_sdk::pubkey::Pubkey;

/// A rule that a move breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The job is closed.
    #[error("V0401 the job is closed; nothing about it can change any more")]
    JobGone,
    /// The job has no result that can be challenged.
    #[error("V0402 the job is {state}; only a committed or accepted result can be challenged")]
    NotChallengeable {
        /// Its state.
        state: String,
    },
    /// The window is over, or too nearly so.
    #[error(
        "V0403 the window ends with slot {last}, it is slot {slot} and {margin} must be left; too late for a challenge"
    )]
    WindowOver {
        /// Last slot of the window.
        last: u64,
        /// Now.
        slot: u64,
        /// What must be left.
        margin: u64,
    },
    /// There is a challenge of this key already.
    #[error("V0404 {challenger} challenges this job already; one bond is enough")]
    AlreadyChallenged {
        /// The key.
        challenger: Pubkey,
    },
    /// The same claim was revealed: a new challenge of it earns nothing.
    #[error("V0405 another challenge of the same claim was revealed before; a later one shares no bounty")]
    RevealedElsewhere,
    /// The job does not have this target.
    #[error("V0406 the target is not one of this job")]
    NoSuchTarget,
    /// There is no such challenge.
    #[error("V0407 there is no such challenge on this job")]
    NoChallenge,
    /// The challenge is in another state.
    #[error("V0408 the challenge is {state}, this needs {needed}")]
    WrongState {
        /// Its state.
        state: String,
        /// What the move needs.
        needed: &'static str,
    },
    /// The reveal must come in a later slot than the commit.
    #[error("V0409 the challenge was committed in slot {committed} and it is slot {slot}; reveal it in a later one")]
    TooEarlyToReveal {
        /// Slot of the commit.
        committed: u64,
        /// Now.
        slot: u64,
    },
    /// The time to reveal is over.
    #[error("V0410 the last slot to reveal was {last} and it is slot {slot}; the bond is lost")]
    RevealOver {
        /// The last slot.
        last: u64,
        /// Now.
        slot: u64,
    },
    /// What would be revealed is not what was sealed.
    #[error("V0411 the seal does not open with this target, hash and salt")]
    SealDiffers,
    /// The challenger's clock is used up.
    #[error("V0412 the challenger's clock is used up")]
    ClockOver,
    /// The defending side has to move.
    #[error("V0413 the challenge waits for an answer; the defending side has {left} slots left")]
    NotOurTurn {
        /// Slots that the defending side has left.
        left: u64,
    },
    /// Our own judge does not convict.
    #[error("V0414 this machine's own judge rejects the proof (rule {code}: {reason}); it would lose the bond")]
    NotProved {
        /// Code of the rule.
        code: u8,
        /// In words.
        reason: String,
    },
    /// The proof needs a segment root that is not there.
    #[error("V0415 the proof needs the root of segment {segment}, and no such root stands")]
    NoSegmentRoot {
        /// The segment.
        segment: u16,
    },
    /// The clock still runs.
    #[error("V0416 {left} slots are left on that clock")]
    TimeLeft {
        /// How many.
        left: u64,
    },
    /// The job was not convicted.
    #[error("V0417 the job was not convicted")]
    NotConvicted,
    /// Challenges are open.
    #[error("V0418 {open} challenges are still open")]
    ChallengesOpen {
        /// How many.
        open: u32,
    },
    /// It was done before.
    #[error("V0419 that is done already")]
    Done,
    /// The dispute is not over.
    #[error("V0420 the job has not ended; its accounts stay until it has")]
    NotOver,
    /// A demand like this is there.
    #[error("V0421 that is answered already; read the answer")]
    Answered,
    /// There is no such account.
    #[error("V0422 there is no such account on this job")]
    NoAccount,
    /// The two roots are one.
    #[error("V0423 this is the recorded root of segment {segment}; only another one proves that two were signed")]
    RootsEqual {
        /// The segment.
        segment: u16,
    },
}
