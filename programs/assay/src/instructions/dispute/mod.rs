//! The instructions of disputes, one a file, in the order in which a dispute meets them:
//!
//! `commit_challenge`, `reveal_challenge`; `record_segment_root`; `open_buffer`, `grow_buffer`, `write_buffer`,
//! `close_buffer`; `prove`, `prove_equivocation`; where the node is silent `demand_segment_root`, `post_segment_root`,
//! `demand_opening`, `answer_opening`, `time_out_defender`, `time_out_challenger`; then `withdraw_challenge`,
//! `resolve_challenge`, `settle_dispute`, `close_challenge`, `burn_slash`, `close_demand`, `close_segment_claim`.

mod answer_opening;
mod burn_slash;
mod close_buffer;
mod close_challenge;
mod close_demand;
mod close_segment_claim;
mod commit_challenge;
mod demand_opening;
mod demand_segment_root;
mod grow_buffer;
mod open_buffer;
mod post_segment_root;
mod prove;
mod prove_equivocation;
mod record_segment_root;
mod resolve_challenge;
mod reveal_challenge;
mod settle_dispute;
mod support;
mod time_out_challenger;
mod time_out_defender;
mod withdraw_challenge;
mod write_buffer;

pub use answer_opening::*;
pub use burn_slash::*;
pub use close_buffer::*;
pub use close_challenge::*;
pub use close_demand::*;
pub use close_segment_claim::*;
pub use commit_challenge::*;
pub use demand_opening::*;
pub use demand_segment_root::*;
pub use grow_buffer::*;
pub use open_buffer::*;
pub use post_segment_root::*;
pub use prove::*;
pub use prove_equivocation::*;
pub use record_segment_root::*;
pub use resolve_challenge::*;
pub use reveal_challenge::*;
pub use settle_dispute::*;
pub use time_out_challenger::*;
pub use time_out_defender::*;
pub use withdraw_challenge::*;
pub use write_buffer::*;
