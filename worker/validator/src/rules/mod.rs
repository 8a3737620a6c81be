//! Which moves are legal: a pure function over the accounts of a dispute, asked before any fee is paid.
//!
//! The program decides for itself; what is refused here would be refused there too, or would be legal and lose money.
//! Each rule has a name and a code that people and tests see.
//!
//! | module | what it is |
//! |---|---|
//! | `moves` | what can be done |
//! | `broken` | the rules by name |
//! | `sealing` | committing to a challenge and revealing it |
//! | `proof` | proofs, and what our own judge says to them |
//! | `turns` | demands, and clocks that ran out |
//! | `ending` | deciding, settling and closing |

mod broken;
mod ending;
mod moves;
mod proof;
mod sealing;
mod turns;

pub use broken::Broken;
pub use moves::{Move, ProofSegment, SignedSegment};
pub use proof::{check_prove, judged, pinned};

use crate::docket::Docket;
use assay::state::{Challenge, Job};
use solana_sdk::pubkey::Pubkey;

/// The named rules of a move. `margin_slots` must be left of every deadline, because a move lands later than it is decided.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(docket: &Docket, me: &Pubkey, wanted: &Move, margin_slots: u64) -> Result<(), Broken> {
    match wanted {
        Move::Commit { target, own_hash, .. } => sealing::check_commit(docket, me, *target, own_hash, margin_slots),
        Move::Reveal { target, own_hash, salt } => sealing::check_reveal(docket, me, *target, own_hash, salt),
        Move::Prove { proof, segment } => check_prove(docket, me, proof, segment.as_ref()).map(|_| ()),
        Move::RecordRoot(signed) => proof::check_record(docket, me, signed),
        Move::ProveEquivocation(signed) => proof::check_equivocation(docket, me, signed),
        Move::DemandRoot { segment, .. } => turns::check_demand_root(docket, me, *segment),
        Move::DemandOpening { demand, .. } => turns::check_demand_opening(docket, me, demand),
        Move::Withdraw => ending::check_withdraw(docket, me),
        Move::TimeOutChallenger { challenge } => turns::check_challenger_is_out(docket, challenge),
        Move::TimeOutDefender { challenge } => turns::check_defender_is_out(docket, challenge),
        Move::Resolve { challenge } => ending::check_resolve(docket, challenge),
        Move::Settle => ending::check_settle(docket),
        Move::CloseChallenge { challenge } => ending::check_close_challenge(docket, challenge),
        Move::BurnSlash => ending::check_burn(docket),
        Move::CloseDemand { demand } => {
            docket.demands.get(demand).ok_or(Broken::NoAccount)?;
            ending::check_over(docket)
        }
        Move::CloseClaim { claim } => {
            docket.claims.get(claim).ok_or(Broken::NoAccount)?;
            ending::check_over(docket)
        }
    }
}

fn job(docket: &Docket) -> Result<&Job, Broken> {
    docket.job.as_ref().ok_or(Broken::JobGone)
}

fn known<'a>(docket: &'a Docket, challenge: &Pubkey) -> Result<(&'a Job, &'a Challenge), Broken> {
    Ok((job(docket)?, docket.challenges.get(challenge).ok_or(Broken::NoChallenge)?))
}

fn open_challenge<'a>(docket: &'a Docket, me: &Pubkey) -> Result<(&'a Job, &'a Challenge), Broken> {
    Ok((job(docket)?, docket.challenge_of(me).ok_or(Broken::NoChallenge)?.1))
}

fn wrong_state(challenge: &Challenge, needed: &'static str) -> Broken {
    Broken::WrongState { state: format!("{:?}", challenge.state), needed }
}
