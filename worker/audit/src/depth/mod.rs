//! How deep an audit looks.
//!
//! | depth | replays | finds |
//! |---|---|---|
//! | [`output`] | the whole job | the first boundary tensor that is wrong |
//! | [`segment`] | one segment, from the boundary tensors that it reads | any wrong tensor of that segment's trace |
//! | [`Freivalds`] | all of a segment but its contractions | the same, but for one chance in 2^71 a contraction |

mod freivalds;
mod output;
mod segment;

pub use freivalds::{Freivalds, FreivaldsSegment, Suspicion, Verdict};
pub use output::{OutputAudit, output};
pub use segment::{AuditError, SegmentAudit, segment};
