//! What the stories are told with: a localnet, nodes and validators as processes of their own, a client, servers that misbehave.
//!
//! All stories of one run share a localnet, and those that wait for clocks to run out share a second one where clocks are short. Each has its own payment mint, which is the only one that its nodes accept,
//! so that stories told at the same time do not take each other's jobs.

mod binary;
mod census;
mod challenger;
mod clock;
mod command;
mod faulty_rpc;
mod index;
mod model;
mod node;
mod process;
mod proxy;
mod server;
mod story;
mod validator;

pub use binary::assay;
pub use census::Leftover;
pub use challenger::Challenger;
pub use clock::{FakeClock, Faked};
pub use faulty_rpc::{FaultyRpc, RpcFault};
pub use index::IndexProcess;
pub use model::{everything, everything_rows, everything_work, honest_boundary, honest_output, honest_segment};
pub use node::{NodeProcess, Placement};
pub use proxy::Proxy;
pub use server::{MisbehavingServer, Misbehaviour};
pub use story::{Accounts, Pace, Story};
pub use validator::ValidatorProcess;
