//! How deep an audit looks.
//!
//! | depth | replays | finds |
//! |---|---|---|
//! | [`output`] | the whole job | the first boundary tensor that is wrong |
//! | [`segment`] | one segment, from the boundary tensors that it reads | any wrong tensor of that segment's trace |
//! | `freivalds` | no contraction of a segment, and all else of it | the same, but for one chance in 2^64 a contraction |

mod output;
mod segment;

pub use output::{OutputAudit, output};
pub use segment::{AuditError, SegmentAudit, segment};
