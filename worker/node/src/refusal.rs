//! Why a job or a session is not taken, by stable codes. The artifacts and terms of sessions are refused by the same codes as
//! those of jobs.
//!
//! | code | meaning |
//! |---|---|
//! | N0201 | an artifact cannot be fetched: unreachable, too large, cut short, or not the bytes that its address names |
//! | N0202 | the graph is malformed or breaks a static check |
//! | N0203 | graph, params or inputs are not those that the job pins |
//! | N0204 | the job's output descriptor is not the one that the graph gives |
//! | N0205 | the run needs more memory than the node allows |
//! | N0206 | the price is below the node's floor |
//! | N0207 | the job cannot be finished before its deadline |
//! | N0208 | too little stake for the bond and for what a conviction would slash |
//! | N0209 | the IR version is not this node's |
//! | N0210 | the backend cannot load the graph |
//! | N0211 | the first run differs from the scalar reference |
//! | N0212 | the payment mint is not one that the node accepts |
//! | N0215 | the job leaves too little time to answer challenges |
//! | N0216 | the job makes challengers pay too little for openings |
//! | N0217 | the node was convicted and claims no more |
//! | N0218 | the operator key has too few lamports to defend the job beside those that are open |
//! | N0230 | the fault that the node is to make on purpose changes nothing in the job (development builds) |
//! | N0231 | the job invites another node |
//! | N0232 | the job says that it costs less than its graph does |
//! | N0233 | the price is below what the node asks for so many operations |
//! | N0234 | the price is below what the run would cost on this machine, with the margin |
//! | N0235 | the graph is none of those that the node takes |
//! | N0236 | the graph is one that the node does not take |
//! | N0241 | the breaker is open: promises failed one after the other |
//! | N0242 | the breaker is open: a backend differed from the scalar reference |
//! | N0243 | the breaker is open: runs are much slower than they were |
//! | N0244 | the breaker is open: the operator key holds few lamports |
//! | N0245 | the breaker is open: the RPC endpoints contradict each other |
//! | N0246 | there is no memory for it beside what is promised |
//! | N0247 | it, or a promised run, would end too late behind what is promised |
//! | N0248 | the node's store is full of what is needed |
//! | P6244, P6510 to P6513 | the program would refuse the claim: the node was convicted, or is not one that the client wants |

use serde::{Deserialize, Serialize};
use std::fmt;

/// A job that this node leaves to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable code.
    pub code: String,
    /// What was wrong, with the numbers.
    pub reason: String,
    /// What would change it.
    pub remedy: String,
}

impl Refusal {
    /// A refusal with one of the codes of this module.
    pub fn new(code: &str, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code: code.to_owned(), reason: reason.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}; {}", self.code, self.reason, self.remedy)
    }
}
