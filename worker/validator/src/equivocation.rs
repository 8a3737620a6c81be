//! Two signed roots of one segment: every root that an operator signed is kept, and a second one convicts it.
//!
//! Where the roots come from does not matter: served with a trace, served again later, perhaps at another address of the
//! node, or recorded on the chain by whoever was asked for it there. A node that signs one root for those who look and
//! another one for the chain could block the proof of what it served, so that this comes before every other proof.

use crate::docket::Docket;
use crate::evidence::claims::JobRef;
use crate::journal::{Record, SeenRoot};
use crate::rules::{Move, SignedSegment};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Signed roots that were seen and are not in the journal yet, by job. Noted the moment a signature was verified, whatever
/// becomes of the trace that came with it; clones share one list.
#[derive(Clone, Debug, Default)]
pub struct SeenRoots(Arc<Mutex<BTreeMap<Pubkey, Vec<SeenRoot>>>>);

impl SeenRoots {
    /// Keeps a root whose signature by the job's operator was verified.
    pub fn note(&self, job: &JobRef, segment: u16, root: [u8; 32], signature: &Signature) {
        let seen = SeenRoot { segment, root, signature: signature.to_string(), commitment: job.account.commitment };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(job.address).or_default();
        if !known.contains(&seen) {
            known.push(seen);
        }
    }

    /// Takes what was seen of a job.
    pub fn take(&self, job: &Pubkey) -> Vec<SeenRoot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(job).unwrap_or_default()
    }
}

/// Two different roots of one segment, both signed by the job's operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// The segment.
    pub segment: u16,
    /// The one that is recorded on the chain, or is to be.
    pub first: [u8; 32],
    /// What records it, where it is not recorded yet.
    pub record: Option<SignedSegment>,
    /// The other one.
    pub second: SignedSegment,
}

impl Equivocation {
    /// What is to be done next about it, by a challenger that has revealed.
    pub fn next_move(&self) -> Move {
        match self.record {
            Some(first) => Move::RecordRoot(first),
            None => Move::ProveEquivocation(self.second),
        }
    }
}

impl std::fmt::Display for Equivocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (first, second) = (hex::encode(self.first), hex::encode(self.second.root));
        write!(f, "segment {}: the operator signed two roots, {first} and {second}", self.segment)
    }
}

/// Two signed roots of one segment, among those that were seen and those that are recorded.
pub fn find(docket: &Docket, record: &Record) -> Option<Equivocation> {
    let job = docket.job.as_ref()?;
    // What was signed about another commitment says nothing about this one.
    let roots = || record.roots.iter().filter(|seen| seen.commitment == job.commitment);
    roots().find_map(|seen| {
        let segment = seen.segment;
        if let Some((_, claim)) = docket.signed_claim(segment) {
            let second = seen.signed().filter(|second| second.root != claim.root)?;
            return Some(Equivocation { segment, first: claim.root, record: None, second });
        }
        let first = seen.signed()?;
        let of_segment = roots().filter(|other| other.segment == segment && other.root != first.root);
        let second = of_segment.filter_map(SeenRoot::signed).next()?;
        Some(Equivocation { segment, first: first.root, record: Some(first), second })
    })
}
