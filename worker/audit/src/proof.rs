//! From a finding to the bytes that convict. Whatever is built is judged here as the chain will judge it, before anybody
//! pays a fee for it.

use crate::claim::{ClaimedBoundary, ClaimedSegment};
use crate::descent::Proved;
use crate::finding::{Evidence, Finding, Source};
use crate::subject::Subject;
use assay_kernels::commit::{Hasher, TensorTree};
use assay_kernels::{KernelError, TensorSet};
use referee::commit::{Hash, ListRole, TensorLayout};
use referee::graph::{IR_VERSION, ResolvedGraph, Slot, TensorKind};
use referee::proof::build::{
    self, BuildError, GraphTree, HashTree, Leaves, Nodes, Unknown, element_proof, mismatch_proof,
};
use referee::proof::{self, Fault, Pinned, PinnedSegment, Rejection, judge};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// Bytes that one transaction writes into a buffer beside signature, accounts and instruction.
pub const WRITE_BYTES: usize = 900;

/// Why there is no proof. None of these says that the result is right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Something has to be learnt first.
    #[error("F0401 a proof needs {0} of the other side; have it served or demand its opening")]
    Unknown(Unknown),
    /// The proof cannot be built.
    #[error("F0402 the proof cannot be built: {0}; audit the job again")]
    Build(BuildError),
    /// The referee does not convict.
    #[error("F0403 the referee rejects the proof: {0}; nothing was sent, audit the job again")]
    Rejected(Rejection),
    /// The referee finds something else than was found.
    #[error("F0404 the referee finds {0:?}, which is not what was found; nothing was sent, audit the job again")]
    Differs(proof::Finding),
    /// The proof needs the root of a segment that is not given.
    #[error("F0405 the proof needs the root of segment {segment}; have it signed or demand it")]
    Root {
        /// The segment.
        segment: u16,
    },
    /// A tensor is missing or has the wrong size.
    #[error("F0406 the proof cannot be built: {0}; give params, inputs and one's own tensors of the segment")]
    Tensor(#[from] KernelError),
}

impl From<BuildError> for ProofError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Unknown(unknown) => Self::Unknown(unknown),
            other => Self::Build(other),
        }
    }
}

/// Bytes that convict, and what they cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What goes into a buffer.
    pub bytes: Vec<u8>,
    /// What the referee finds in them.
    pub finding: proof::Finding,
    /// What it was judged under.
    pub pinned: Pinned,
}

impl Proof {
    /// Transactions that bring it on-chain: one that creates the buffer in as many steps as it takes, those that write it,
    /// and one that records the segment's root, if the proof needs it, and proves.
    pub fn transactions(&self) -> usize {
        2 + self.bytes.len().div_ceil(WRITE_BYTES)
    }
}

/// Makes proofs about the results of one job.
#[derive(Debug)]
pub struct Prover<'a> {
    subject: &'a Subject,
    hasher: &'a Hasher,
    graph: GraphTree,
    params: HashTree,
    inputs: HashTree,
    params_root: Hash,
    inputs_root: Hash,
}

/// A tensor all of whose bytes are known.
struct Whole {
    layout: TensorLayout,
    bytes: Arc<[u8]>,
    tree: TensorTree,
}

impl Nodes for Whole {
    fn node(&self, level: u8, index: u32) -> Option<Hash> {
        self.tree.levels().get(usize::from(level))?.get(index as usize).copied()
    }
}

impl Leaves for Whole {
    fn leaf(&self, position: u32) -> Option<&[u8]> {
        let range = self.layout.leaf_range(position)?;
        self.bytes.get(range.start as usize..range.end as usize)
    }
}

/// The other side's lists and the claimed tensor, whole or in part.
struct Claimed<'a> {
    boundary: &'a dyn Nodes,
    segment: Option<(u16, &'a dyn Nodes)>,
    /// The tensor that is disputed.
    disputed: Option<(proof::Source, Slot, &'a dyn Leaves)>,
}

impl<'a> Prover<'a> {
    /// Hashes what the job pins.
    ///
    /// # Errors
    /// A param or input that is missing or has the wrong size.
    pub fn new(subject: &'a Subject, hasher: &'a Hasher) -> Result<Self, KernelError> {
        let graph = &subject.resolved;
        let params = hasher.hashes(graph, &subject.params, &graph.slots_of(TensorKind::Param))?;
        let inputs = hasher.hashes(graph, &subject.inputs, &graph.slots_of(TensorKind::Input))?;
        Ok(Self {
            subject,
            hasher,
            graph: GraphTree::new(&subject.graph),
            params_root: ResolvedGraph::tensors_root(ListRole::Params, &params),
            inputs_root: ResolvedGraph::tensors_root(ListRole::Inputs, &inputs),
            params: HashTree::new(&params),
            inputs: HashTree::new(&inputs),
        })
    }

    /// What the job, its commitment and a segment root pin.
    pub fn pinned(&self, boundary_root: &Hash, segment: Option<(u16, Hash)>) -> Pinned {
        let graph = &self.subject.resolved;
        let mut symbols = [0; 4];
        symbols.iter_mut().zip(&graph.symbols).for_each(|(target, value)| *target = *value);
        Pinned {
            graph_root: graph.root,
            params_root: self.params_root,
            inputs_root: self.inputs_root,
            boundary_root: *boundary_root,
            boundary_count: graph.boundary.len() as u16,
            ir_version: IR_VERSION,
            symbols,
            segment: segment.map(|(index, root)| PinnedSegment { index, root }),
        }
    }

    /// The bytes that show what a demand for a tensor's tree has to show: the tensor's descriptor.
    ///
    /// # Errors
    /// The graph has no such tensor.
    pub fn tensor_witness(&self, slot: Slot) -> Result<Vec<u8>, ProofError> {
        Ok(self.graph.tensor_witness(slot)?)
    }

    /// Proves what was found in a result that is served: `own` holds the challenger's own tensors, at least those that
    /// the finding's op reads.
    ///
    /// # Errors
    /// Something that the proof needs is not at hand, or the referee does not convict.
    pub fn prove(
        &self,
        finding: &Finding,
        boundary: &ClaimedBoundary,
        segment: Option<&ClaimedSegment>,
        own: &TensorSet,
    ) -> Result<Proof, ProofError> {
        let graph = &self.subject.resolved;
        let segment = segment.filter(|segment| finding.needs_segment_root && segment.segment() == finding.segment);
        if finding.needs_segment_root && segment.is_none() {
            return Err(ProofError::Root { segment: finding.segment });
        }
        let boundary_list = HashTree::new(boundary.hashes());
        let segment_list = segment.map(|segment| HashTree::new(segment.hashes()));
        let source = source_of(finding);
        let disputed = match source {
            None => None,
            Some(source) => {
                let unknown = ProofError::Unknown(Unknown::Tensor { slot: finding.slot });
                let of_boundary = || boundary.tensor(graph, self.hasher, finding.slot);
                let of_segment = || segment.and_then(|segment| segment.tensor(graph, self.hasher, finding.slot));
                // Where both trees have it, they have one hash for it, or it would be a mismatch.
                let bytes = match source {
                    proof::Source::Boundary => of_boundary().or_else(of_segment),
                    _ => of_segment(),
                };
                Some((source, self.whole(finding.slot, bytes.ok_or(unknown)?)?))
            }
        };
        let claimed = Claimed {
            boundary: &boundary_list,
            segment: segment.zip(segment_list.as_ref()).map(|(segment, list)| (segment.segment(), list as &dyn Nodes)),
            disputed: disputed.as_ref().map(|(source, whole)| (*source, finding.slot, whole as &dyn Leaves)),
        };
        let boundary_root = ResolvedGraph::tensors_root(ListRole::Boundary, boundary.hashes());
        let root = segment.map(|segment| (segment.segment(), *segment.root()));
        self.assemble(finding, claimed, own, self.pinned(&boundary_root, root))
    }

    /// Proves what a descent ended at, from what the openings showed. `segment` is the root that is bound.
    ///
    /// # Errors
    /// As [`prove`](Self::prove). [`ProofError::Unknown`] may name a leaf beside those that were opened.
    pub fn prove_opened(
        &self,
        proved: &Proved,
        boundary_root: &Hash,
        segment: Option<(u16, Hash)>,
        own: &TensorSet,
    ) -> Result<Proof, ProofError> {
        let finding = &proved.finding;
        let segment = segment.filter(|(index, _)| finding.needs_segment_root && *index == finding.segment);
        if finding.needs_segment_root && segment.is_none() {
            return Err(ProofError::Root { segment: finding.segment });
        }
        let list = proved.segment.as_ref().map(|tree| tree as &dyn Nodes);
        let disputed = source_of(finding).zip(proved.tensor.as_ref());
        let claimed = Claimed {
            boundary: &proved.boundary,
            segment: segment.zip(list).map(|((index, _), list)| (index, list)),
            disputed: disputed.map(|(source, tree)| (source, finding.slot, tree as &dyn Leaves)),
        };
        self.assemble(finding, claimed, own, self.pinned(boundary_root, segment))
    }

    fn whole(&self, slot: Slot, bytes: &Arc<[u8]>) -> Result<Whole, KernelError> {
        let tensor = self.subject.resolved.tensors.get(usize::from(slot)).ok_or(KernelError::Missing { slot })?;
        let tree = self.hasher.tree(slot, &tensor.layout, bytes)?;
        Ok(Whole { layout: tensor.layout.clone(), bytes: Arc::clone(bytes), tree })
    }

    fn assemble(
        &self,
        finding: &Finding,
        claimed: Claimed<'_>,
        own: &TensorSet,
        pinned: Pinned,
    ) -> Result<Proof, ProofError> {
        let graph: &ResolvedGraph = &self.subject.resolved;
        let op = graph.ops.get(usize::from(finding.op)).ok_or(ProofError::Build(BuildError::Malformed))?;
        // Both sides agree on all operands, so that one's own bytes open them.
        let mut operands: BTreeMap<Slot, Whole> = BTreeMap::new();
        if claimed.disputed.is_some() {
            for slot in op.operands.iter().map(|view| view.slot) {
                if let Entry::Vacant(place) = operands.entry(slot) {
                    let bytes = match own.get(&slot) {
                        Some(bytes) => bytes,
                        None => self.subject.given(slot)?,
                    };
                    place.insert(self.whole(slot, bytes)?);
                }
            }
        }
        let tensor = |source: proof::Source, slot: Slot| match claimed.disputed {
            Some((disputed, at, leaves)) if disputed == source && at == slot => Some(leaves),
            _ => operands.get(&slot).map(|whole| whole as &dyn Leaves),
        };
        let evidence = build::Evidence {
            graph: &self.graph,
            resolved: graph,
            lists: [
                Some(&self.params),
                Some(&self.inputs),
                Some(claimed.boundary),
                claimed.segment.map(|(_, list)| list),
            ],
            segment: claimed.segment.map(|(index, _)| index),
            tensor: &tensor,
        };
        let bytes = match (&finding.evidence, source_of(finding)) {
            (Evidence::Element { element, .. }, Some(source)) => {
                element_proof(&evidence, finding.slot, *element, source)?
            }
            _ => mismatch_proof(&evidence, finding.slot)?,
        };
        let found = judge(&bytes, &pinned).map_err(ProofError::Rejected)?;
        if !is_the_same(finding, &found) {
            return Err(ProofError::Differs(found));
        }
        Ok(Proof { bytes, finding: found, pinned })
    }
}

/// The source under which the claimed element stands; none for a mismatch.
fn source_of(finding: &Finding) -> Option<proof::Source> {
    match finding.evidence {
        Evidence::Element { source: Source::Boundary, .. } => Some(proof::Source::Boundary),
        Evidence::Element { source: Source::Segment, .. } => Some(proof::Source::Segment),
        Evidence::Mismatch { .. } => None,
    }
}

/// Whether the referee finds what was found here, with the same values and under no other root.
fn is_the_same(finding: &Finding, found: &proof::Finding) -> bool {
    let same = match (&finding.evidence, found.fault) {
        (
            Evidence::Element { element, claimed, computed, .. },
            Fault::Element { op, slot, element: at, claimed: stated, computed: gives },
        ) => (finding.op, finding.slot, *element, *claimed, *computed) == (op, slot, at, stated, gives),
        (Evidence::Mismatch { boundary, segment }, Fault::Mismatch { slot, boundary: one, segment: other }) => {
            (finding.slot, boundary, segment) == (slot, &one, &other)
        }
        _ => false,
    };
    // An operand that stands in the segment's tree alone need not be read by every element.
    same && (finding.needs_segment_root || !found.uses_segment)
}
