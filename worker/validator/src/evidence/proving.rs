//! From a finding to the bytes that prove it, and from a withheld trace to the next opening that has to be forced.

use super::{Comparison, OwnTrace, Replay, ServedTrace};
use crate::docket::Docket;
use crate::journal::SignedRoot;
use crate::rules::Move;
use assay::DemandOpeningArgs;
use assay::dispute::TargetKind;
use assay::state::{DemandKey, DemandTree, SegmentClaim};
use assay_audit::descent::{self, Known, TreeKey, next_move};
use assay_audit::{BoundaryDifference, ClaimedBoundary, Finding, Proof, ProofError, Prover, Source, Subject};
use assay_chain::instructions::Binding;
use assay_kernels::TensorSet;
use assay_kernels::commit::Hasher;
use referee::commit::Hash;
use referee::graph::Slot;
use referee::opening::Place;
use solana_sdk::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The bytes that prove a finding from what was served, judged as the program will judge them.
///
/// # Errors
/// What is missing, or why the judge does not convict.
pub fn build(
    replay: &Replay,
    boundary: &ClaimedBoundary,
    own_trace: Option<&OwnTrace>,
    trace: Option<&ServedTrace>,
    finding: &Finding,
) -> Result<Proof, ProofError> {
    let (subject, hasher) = (subject(replay), Hasher::default());
    let own = own_trace.map_or(&replay.own.tensors, |own| &own.tensors);
    Prover::new(&subject, &hasher)?.prove(finding, boundary, trace.map(|trace| &trace.claimed), own)
}

/// A witness of a tensor: its descriptor under the graph's root.
///
/// # Errors
/// The graph has no such tensor.
pub fn witness(replay: &Replay, slot: Slot) -> Result<Vec<u8>, ProofError> {
    let (subject, hasher) = (subject(replay), Hasher::default());
    Prover::new(&subject, &hasher)?.tensor_witness(slot)
}

fn subject(replay: &Replay) -> Subject {
    Subject {
        graph: Arc::clone(&replay.work.graph),
        resolved: Arc::clone(&replay.work.resolved),
        params: Arc::clone(&replay.work.params),
        inputs: replay.work.inputs.clone(),
    }
}

/// What to do about a trace that is withheld.
#[derive(Clone, Debug)]
pub enum Next {
    /// All that a proof needs is open.
    Proof {
        /// The proof.
        proof: Vec<u8>,
        /// The root that it reads, if it reads one.
        segment: Option<SignedRoot>,
        /// What was found.
        finding: Box<Finding>,
    },
    /// Compute the own trace of this segment first.
    Replay(BoundaryDifference),
    /// Demand this; with the witness of a tensor in the own buffer, where one is named.
    Demand {
        /// The demand; its witness is left out.
        wanted: Move,
        /// The tensor whose descriptor must be in the own buffer.
        witness: Option<Slot>,
    },
    /// Nothing can be demanded.
    Nothing {
        /// Why.
        reason: String,
    },
}

/// The next move of a challenger whose node withholds, from what was served and what was opened on-chain.
///
/// # Errors
/// The own trace lacks what the move needs, or the judge does not convict.
pub fn next_demand(
    docket: &Docket,
    me: &Pubkey,
    replay: &Replay,
    comparison: &Comparison,
    own_trace: Option<&OwnTrace>,
) -> Result<Next, ProofError> {
    let nothing = |reason: &str| Ok(Next::Nothing { reason: reason.to_owned() });
    let (Some((_, challenge)), Some(job)) = (docket.challenge_of(me), &docket.job) else {
        return nothing("there is no challenge of ours");
    };
    let claims = Claims::of(docket);
    let known = known(docket, &claims, comparison, job.boundary_root);
    let own = descent::OwnTrace {
        boundary: &replay.own.boundary.hashes,
        segment: own_trace.map(|own| &own.trace),
        tensors: own_trace.map_or(&replay.own.tensors, |own| &own.tensors),
    };
    let target = (challenge.target.kind == TargetKind::Segment).then_some(challenge.target.index);
    let (subject, hasher) = (subject(replay), Hasher::default());
    let Ok(next) = next_move(&subject.resolved, &hasher, own, target, &known) else {
        return nothing("the own trace does not hold what the next opening would be compared with");
    };
    match next {
        descent::Move::Replay { difference } => Ok(Next::Replay(difference)),
        descent::Move::DemandRoot { segment, difference } => Ok(Next::Demand {
            wanted: Move::DemandRoot { segment, slot: difference.slot, witness: None },
            witness: is_new(docket, &DemandKey::segment_root(segment)).then_some(difference.slot),
        }),
        descent::Move::Demand(demand) => demand_of(docket, &claims, &known, replay, demand),
        descent::Move::Prove(proved) => {
            let claim = claims.get(proved.finding.segment);
            let root = claim.map(|(_, claim)| (claim.segment, claim.root));
            let own_tensors: &TensorSet = own.tensors;
            let proof = Prover::new(&subject, &hasher)?.prove_opened(&proved, &job.boundary_root, root, own_tensors)?;
            let segment = claim.filter(|_| proof.finding.uses_segment).map(|(_, claim)| SignedRoot {
                segment: claim.segment,
                root: claim.root,
                signature: None,
            });
            Ok(Next::Proof { proof: proof.bytes, segment, finding: Box::new(proved.finding) })
        }
        descent::Move::NoDivergentChild { tree, place } => nothing(&format!(
            "below height {}, index {} of {tree:?} everything is as it should be",
            place.height, place.index
        )),
    }
}

/// The segment roots that stand, one a segment: the signed one where there is one, else the first that was posted.
struct Claims<'a>(BTreeMap<u16, (&'a Pubkey, &'a SegmentClaim)>);

impl<'a> Claims<'a> {
    fn of(docket: &'a Docket) -> Self {
        let mut claims: BTreeMap<u16, (&Pubkey, &SegmentClaim)> = BTreeMap::new();
        for (address, claim) in docket.claims.iter().filter(|(_, claim)| claim.refuted_slot == 0) {
            let better = claims.get(&claim.segment).is_none_or(|(_, known)| {
                (claim.signed, std::cmp::Reverse(claim.posted_slot))
                    > (known.signed, std::cmp::Reverse(known.posted_slot))
            });
            if better {
                claims.insert(claim.segment, (address, claim));
            }
        }
        Self(claims)
    }

    fn get(&self, segment: u16) -> Option<(&'a Pubkey, &'a SegmentClaim)> {
        self.0.get(&segment).copied()
    }

    /// What names the trees below a bound hash: the hash, and the post where somebody else than the node answers for it.
    fn origin(&self, top: &Hash, segment: Option<u16>) -> Hash {
        let posted = segment.and_then(|segment| self.get(segment)).filter(|(_, claim)| !claim.signed);
        DemandKey::origin(top, posted.map(|(address, _)| address))
    }
}

/// Everything that is bound or was opened.
fn known(docket: &Docket, claims: &Claims<'_>, comparison: &Comparison, boundary_root: Hash) -> Known {
    let mut known = Known { boundary_root, ..Known::default() };
    let served = match comparison {
        Comparison::Found { boundary, .. } => Some(boundary),
        Comparison::Withheld { boundary, .. } => boundary.as_ref(),
        Comparison::Agrees => None,
    };
    known.boundary = served.map(|boundary| boundary.hashes().to_vec());
    known.segments = claims.0.values().map(|(_, claim)| (claim.segment, claim.root)).collect();
    for demand in docket.demands.values() {
        let Some(buffer) = docket.buffers.get(&demand.answer) else { continue };
        let tree = match demand.key.tree {
            DemandTree::Boundary => TreeKey::Boundary,
            DemandTree::Segment => TreeKey::Segment(demand.key.slot),
            DemandTree::Tensor => {
                // Which of the two trees a tensor was entered through, its top says: equal tops are one tensor.
                let of_segment = demand.claim != Pubkey::default() || !is_in_boundary(docket, demand.key.origin);
                TreeKey::Tensor(if of_segment { Source::Segment } else { Source::Boundary }, demand.key.slot)
            }
            DemandTree::SegmentRoot => continue,
        };
        let place = Place { height: demand.key.height, index: demand.key.index };
        known.answers.entry(tree).or_default().insert(place, buffer.bytes.clone());
    }
    // A tensor may have been opened through either tree; where the hash is the same, one answer serves both.
    let tensors: Vec<_> = known
        .answers
        .iter()
        .filter_map(|(key, answers)| match key {
            TreeKey::Tensor(source, slot) => Some((*source, *slot, answers.clone())),
            _ => None,
        })
        .collect();
    for (source, slot, answers) in tensors {
        let other = if source == Source::Segment { Source::Boundary } else { Source::Segment };
        known.answers.entry(TreeKey::Tensor(other, slot)).or_insert(answers);
    }
    known
}

/// Whether no posted root stands between a tensor's tree and the node.
fn is_in_boundary(docket: &Docket, origin: Hash) -> bool {
    docket.demands.values().any(|demand| demand.key.origin == origin && demand.claim == Pubkey::default())
}

fn is_new(docket: &Docket, key: &DemandKey) -> bool {
    !docket.demands.contains_key(&assay::address::demand(&docket.address, key))
}

/// A demand of the descent as the program takes it.
fn demand_of(
    docket: &Docket,
    claims: &Claims<'_>,
    known: &Known,
    replay: &Replay,
    demand: descent::Demand,
) -> Result<Next, ProofError> {
    let graph = &replay.work.resolved;
    let segment_of = |slot: Slot| graph.tensors.get(usize::from(slot)).map(|tensor| tensor.placement.segment);
    let (tree, slot, segment) = match demand.tree {
        TreeKey::Boundary => (DemandTree::Boundary, 0, None),
        TreeKey::Segment(segment) => (DemandTree::Segment, segment, Some(segment)),
        TreeKey::Tensor(Source::Boundary, slot) => (DemandTree::Tensor, slot, None),
        TreeKey::Tensor(Source::Segment, slot) => (DemandTree::Tensor, slot, segment_of(slot)),
    };
    let top = match (demand.tree, segment.and_then(|segment| claims.get(segment))) {
        (TreeKey::Boundary, _) => known.boundary_root,
        (TreeKey::Segment(_), Some((_, claim))) => claim.root,
        (TreeKey::Segment(_), None) => return Ok(Next::Nothing { reason: "no root of the segment stands".into() }),
        (TreeKey::Tensor(..), _) if demand.parent.is_none() => demand.bound,
        // Below its top a tensor's demand has the origin of the demand above it.
        (TreeKey::Tensor(..), _) => match top_of(docket, slot, &demand) {
            Some(top) => top,
            None => return Ok(Next::Nothing { reason: "the demand above is not on the chain".into() }),
        },
    };
    let origin = claims.origin(&top, segment);
    let key = DemandKey { origin, tree, slot, height: demand.place.height, index: demand.place.index };
    let parent = demand.parent.map(|place| {
        assay::address::demand(&docket.address, &DemandKey { height: place.height, index: place.index, ..key })
    });
    let entered = demand.parent.is_none() && tree != DemandTree::Boundary;
    let witness_slot = match demand.tree {
        TreeKey::Segment(segment) => graph.segment_slots(segment).first().copied(),
        TreeKey::Tensor(_, slot) => Some(slot),
        TreeKey::Boundary => None,
    };
    let args = DemandOpeningArgs {
        key,
        bound: demand.bound,
        path: demand.path,
        witness_slot: witness_slot.unwrap_or_default(),
    };
    let claim = segment.and_then(|segment| claims.get(segment)).map(|(address, _)| *address);
    let wanted = Move::DemandOpening {
        demand: assay::address::demand(&docket.address, &key),
        binding: Binding { parent, claim, witness: None },
        args,
    };
    Ok(Next::Demand { wanted, witness: witness_slot.filter(|_| entered && is_new(docket, &key)) })
}

/// The outer hash of the tensor that a demand lies below, from the demand at its top.
fn top_of(docket: &Docket, slot: Slot, demand: &descent::Demand) -> Option<Hash> {
    let above = demand.parent?;
    let of_tensor = |known: &&assay::state::Demand| known.key.tree == DemandTree::Tensor && known.key.slot == slot;
    let mut highest = docket.demands.values().filter(of_tensor).max_by_key(|known| known.key.height)?;
    if highest.key.height < above.height {
        highest = docket.demands.values().filter(of_tensor).find(|known| known.key.height >= above.height)?;
    }
    Some(highest.bound)
}
