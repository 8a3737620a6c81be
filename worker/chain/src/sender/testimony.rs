//! What endpoints say of a signature, and what of it is believed: pure rules.
//!
//! One endpoint alone is believed. Of several, none can make a promise pass for landed or for expired by itself:
//!
//! | an endpoint says | though | what protects |
//! |---|---|---|
//! | it landed | it did not | another one must know it too. Until then, and while it can land, the same bytes go to all of them |
//! | nobody knows it | it landed | it expires only when all that answer are past its last block, by more than a fork is long, and none knows it |
//! | its blockhash is too old | it is not | the same: what an endpoint says of the height counts only together with another one's |
//!
//! Where two contradict one another until it can land no more, it counts as landed: that costs a look at the accounts, while to sign
//! anew would be a second promise.

use crate::chain::Tip;
use solana_sdk::transaction::TransactionError;

/// Blocks past its last one after which a transaction is given up: more than a confirmed chain was ever taken back by, so that the copy
/// in a block that was dropped cannot land any more in another one.
pub(super) const LATE_BLOCKS: u64 = 32;

/// What one endpoint says of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Testimony {
    /// Nothing: it does not answer.
    Silent,
    /// It is in a confirmed block.
    Confirmed {
        /// The block's slot.
        slot: u64,
        /// Why it changed nothing, if so.
        error: Option<TransactionError>,
    },
    /// In a block that may still be dropped.
    Processed,
    /// Not in any block that the endpoint knew at this slot.
    Unknown {
        /// The slot.
        as_of_slot: u64,
    },
}

/// What is believed of a transaction that may be under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is in a confirmed block.
    Landed {
        /// The block's slot.
        slot: u64,
        /// Why it changed nothing, if so.
        error: Option<TransactionError>,
    },
    /// It is in a block that may still be dropped.
    Processed,
    /// An endpoint says that it landed, and another one does not.
    Contradicted,
    /// Nobody knows it.
    Unknown,
}

/// What is believed while it can land.
pub(super) fn verdict(said: &[Testimony]) -> Verdict {
    let confirmed = said.iter().enumerate().filter_map(|(at, one)| match one {
        Testimony::Confirmed { slot, error } => Some((at, *slot, error)),
        _ => None,
    });
    let mut is_contradicted = false;
    for (at, slot, error) in confirmed {
        let others = || said.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, one)| one);
        let agrees = |one: &Testimony| match one {
            Testimony::Confirmed { error: other, .. } => other == error,
            Testimony::Processed => true,
            Testimony::Silent | Testimony::Unknown { .. } => false,
        };
        if others().any(agrees) || others().all(|one| *one == Testimony::Silent) {
            return Verdict::Landed { slot, error: error.clone() };
        }
        is_contradicted = true;
    }
    match said.contains(&Testimony::Processed) {
        _ if is_contradicted => Verdict::Contradicted,
        true => Verdict::Processed,
        false => Verdict::Unknown,
    }
}

/// What one endpoint says of a transaction whose last block may be past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LateTestimony {
    /// How far it says that the chain has come; nothing where it does not answer.
    pub(super) tip: Option<Tip>,
    /// What it says of the signature, its whole history searched.
    pub(super) said: Testimony,
}

/// What is believed of a transaction whose last block may be past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is in a confirmed block.
    Landed {
        /// The block's slot.
        slot: u64,
        /// Why it changed nothing, if so.
        error: Option<TransactionError>,
    },
    /// So many endpoints say that it can land no more and does not stand in any block, and none that answers says otherwise.
    Expired {
        /// How many.
        witnesses: usize,
    },
    /// Some endpoint says that its last block is past, and another one that it is not.
    Disputed,
    /// It can still land, as far as anybody says.
    Open,
}

/// What is believed when its last block may be past.
pub(super) fn end(said: &[LateTestimony], last_valid_block_height: u64) -> End {
    let late = last_valid_block_height.saturating_add(LATE_BLOCKS);
    let is_past = |one: &LateTestimony| {
        one.tip.is_some_and(|tip| {
            // What an endpoint knew before the tip that it told decides nothing: behind one address can be several servers.
            let knew = matches!(one.said, Testimony::Unknown { as_of_slot } if as_of_slot >= tip.slot);
            tip.block_height > late && knew
        })
    };
    let past = said.iter().filter(|one| is_past(one)).count();
    let answering = said.iter().filter(|one| one.tip.is_some() || one.said != Testimony::Silent).count();
    // As long as somebody is not past it, it can land, and one alone that says that it did is not enough.
    if past > 0 || said.iter().all(|one| one.tip.is_none_or(|tip| tip.block_height > late)) {
        for one in said {
            if let Testimony::Confirmed { slot, error } = &one.said {
                return End::Landed { slot: *slot, error: error.clone() };
            }
        }
    }
    match past {
        0 => End::Open,
        _ if past < answering => End::Disputed,
        witnesses => End::Expired { witnesses },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Testimony = Testimony::Confirmed { slot: 9, error: None };
    const BAD: Testimony = Testimony::Confirmed { slot: 9, error: Some(TransactionError::AccountNotFound) };
    const NOBODY: Testimony = Testimony::Unknown { as_of_slot: 500 };

    fn landed() -> Verdict {
        Verdict::Landed { slot: 9, error: None }
    }

    #[test]
    fn one_endpoint_alone_is_believed() {
        assert_eq!(verdict(&[GOOD]), landed());
        assert_eq!(verdict(&[GOOD, Testimony::Silent]), landed(), "the other one is down");
        assert_eq!(verdict(&[NOBODY]), Verdict::Unknown);
        assert_eq!(verdict(&[Testimony::Processed]), Verdict::Processed);
    }

    #[test]
    fn what_one_of_several_says_needs_a_witness() {
        assert_eq!(verdict(&[GOOD, NOBODY]), Verdict::Contradicted);
        assert_eq!(verdict(&[NOBODY, GOOD]), Verdict::Contradicted);
        assert_eq!(verdict(&[GOOD, BAD]), Verdict::Contradicted, "landed, or landed and failed?");
        assert_eq!(verdict(&[GOOD, Testimony::Processed]), landed());
        assert_eq!(verdict(&[NOBODY, GOOD, GOOD]), landed());
        assert_eq!(
            verdict(&[GOOD, BAD, BAD]),
            Verdict::Landed { slot: 9, error: Some(TransactionError::AccountNotFound) }
        );
        assert_eq!(verdict(&[NOBODY, Testimony::Processed]), Verdict::Processed);
    }

    fn late(block_height: u64, said: Testimony) -> LateTestimony {
        LateTestimony { tip: Some(Tip { slot: 500, block_height }), said }
    }

    fn silent() -> LateTestimony {
        LateTestimony { tip: None, said: Testimony::Silent }
    }

    #[test]
    fn nothing_expires_before_its_last_block_is_past_by_more_than_a_fork() {
        assert_eq!(end(&[late(100 + LATE_BLOCKS, NOBODY)], 100), End::Open);
        assert_eq!(end(&[late(101 + LATE_BLOCKS, NOBODY)], 100), End::Expired { witnesses: 1 });
        assert_eq!(end(&[late(101 + LATE_BLOCKS, Testimony::Processed)], 100), End::Open);
        let stale = Testimony::Unknown { as_of_slot: 499 };
        assert_eq!(end(&[late(101 + LATE_BLOCKS, stale)], 100), End::Open, "the answer is from before the tip");
    }

    #[test]
    fn an_endpoint_cannot_make_it_expire_by_itself() {
        let liar = late(u64::MAX, NOBODY);
        assert_eq!(end(&[liar.clone(), late(90, NOBODY)], 100), End::Disputed);
        assert_eq!(end(&[late(90, NOBODY), liar.clone()], 100), End::Disputed);
        assert_eq!(end(&[liar.clone(), late(u64::MAX, GOOD)], 100), End::Landed { slot: 9, error: None });
        assert_eq!(end(&[liar.clone(), late(200, NOBODY)], 100), End::Expired { witnesses: 2 });
        assert_eq!(end(&[liar, silent()], 100), End::Expired { witnesses: 1 }, "who calls weighs that it is one alone");
        assert_eq!(end(&[silent(), silent()], 100), End::Open);
    }

    #[test]
    fn whoever_knows_it_when_it_can_land_no_more_is_believed() {
        assert_eq!(end(&[late(200, GOOD), late(200, NOBODY)], 100), End::Landed { slot: 9, error: None });
        assert_eq!(end(&[late(90, GOOD), late(90, NOBODY)], 100), End::Open, "it can land: the bytes go on");
    }
}
