//! Sessions: a model kept warm for one client, whose requests are answered off-chain.
//!
//! | module | what it is |
//! |---|---|
//! | `steps` | what to do next for a session: a pure function |
//! | `driver` | one session from first sight to its end |
//! | `terms` | what is refused before anything is fetched |
//! | `material` | graph and params, checked; the graph at the values of a request's symbols |
//! | `warm` | models that are loaded and stay, with the memory that is held for them |
//! | `served` | what is served at present, and how many requests there may be at a time |
//! | `http` | a request, from its first byte to its inputs |
//! | `payment`, `ledger` | vouchers, and what they have to cover |
//! | `payments` | strangers that open a session with their first request: x402 |
//! | `run` | from the inputs to the reply |
//! | `writer` | receipts on their way to the disk |
//! | `refused` | why a request has no reply |
//!
//! The order in which a receipt comes into being is what keeps the node from ever signing two of one sequence: compute, write
//! receipt, inputs and voucher to the journal together, sign, reply. A node that dies anywhere in between computes again
//! when it is asked again, and signs the receipt that the journal has, or none.
//!
//! A voucher is the client's promise, and the chain hears of it once: when the session ends, when the node ends, or after
//! a long time. Receipts stay in the journal until none can be called in any more; one that is called in is a job like
//! any other from then on, whose result this node has committed to.

pub(crate) mod driver;
mod http;
mod ledger;
mod material;
mod payment;
mod payments;
mod refused;
mod run;
mod served;
pub mod steps;
mod terms;
mod warm;
mod writer;

pub(crate) use http::routes;
#[cfg(fuzzing)]
pub(crate) use payments::fuzzing;
pub(crate) use payments::keep::keep_offers;
pub use served::Sessions;
