//! Judging results off-chain: what the node, the validator and tests share.
//!
//! No chain, no IO: everything here is a function of tensors, hashes and what a job pins.
//!
//! * [`claim`]: what the other side says, checked against the roots that it committed to or signed;
//! * [`depth`]: three ways to audit a result: replay it, replay one segment, or check a segment's contractions by
//!   random vectors;
//! * [`mod@locate`]: from two traces to the one element, or the one pair of hashes, that proves which of them is wrong;
//! * [`proof`]: from a finding to the bytes that convict, judged here before anybody pays a fee for them;
//! * [`answer`]: what opens a place of a tree, and [`descent`]: which place to have opened next when a trace is withheld;
//! * [`guard`]: what a node checks before it signs the trace of a segment;
//! * `fault`: wrong results on purpose, in development builds alone.
//!
//! A *tensor source* is one of the two trees in which a tensor of a result may stand: the boundary tree, which every
//! commitment binds, and the tree of one segment, which binds only once its root is signed or posted.

pub mod answer;
pub mod claim;
pub mod depth;
pub mod descent;
#[cfg(any(debug_assertions, feature = "fault-injection"))]
pub mod fault;
pub mod finding;
pub mod guard;
pub mod locate;
pub mod proof;
pub mod subject;
pub mod trace;

pub use claim::{ClaimError, ClaimedBoundary, ClaimedSegment};
pub use finding::{Evidence, Finding, Source, Target};
pub use locate::{BoundaryDifference, Outcome, Own, locate, locate_boundary};
pub use proof::{Proof, ProofError, Prover};
pub use subject::Subject;
pub use trace::{SegmentTrace, segment_reads, segment_trace};
