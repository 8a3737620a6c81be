//! What a dApp uses: post a job, wait for it, get a result that was checked, take refunds.
//!
//! ```text
//! let work = Work::new(&model.graph, params, inputs, symbols)?;      // roots and descriptors, no network
//! let artifacts = work.store(&store, "http://host:port").await?;      // graph, params, inputs where nodes can fetch them
//! let posted = client.post(&work, &artifacts, &terms).await?;         // escrows the maximum price
//! let ended = client.wait(&posted.address, |progress| ..).await?;     // settled, expired or missed
//! let output = client.result(&ended.address, &work, &ended.job).await?; // bytes whose root is the committed one
//! client.accept(&posted.address).await?;                              // pay early, before the window is over
//! client.open_output(&posted.address, &work, |_| ()).await?;          // if nobody serves the output: on-chain, or convict
//! client.reclaim(&posted.address).await?;                             // what was not spent, and the rent
//! let client = client.out_of(budget);                                 // the same for a budget, within its limits
//! ```
//!
//! Many requests of one model on one node go through a [`session`]. Why things went as they did says [`explain`].

mod client;
mod delivery;
mod error;
pub mod explain;
mod fetch;
pub mod mirror;
mod own;
mod reclaim;
mod result;
pub mod session;
mod shelf;
pub mod split;
mod terms;
mod work;

pub use client::{Client, Ended, Posted, Progress};
pub use delivery::Opened;
pub use error::ClientError;
pub use fetch::{FetchLimits, committed_boundary, sources};
pub use reclaim::Reclaimed;
pub use result::{Source, result};
pub use shelf::Shelf;
pub use terms::Terms;
pub use work::{ArtifactUris, Work};
