//! Sessions: a model kept warm on one node, requests answered off-chain, one settlement for all of them.
//!
//! ```text
//! let model = Model::new(graph, params)?;                                            // roots, no network
//! let uris = model.store(&store, "http://host:port").await?;                         // where the node can fetch it
//! let opened = client.open_session(&model, &uris, &terms, &voucher_key).await?;      // escrows the balance
//! client.await_acceptance(&opened.address, |_| ()).await?;                           // the node has loaded the model
//! let session = client.session(&opened.address, voucher_key, Ledger::in_memory()).await?;
//! let answer = session.ask(&model.work(inputs, symbols)?).await?;                    // checked; the receipt binds the node
//! answer.receipt.verify(&work, backend)?;                                           // replayed, if one likes to
//! client.call_in(&answer.receipt, &hints).await?;                                    // wrong? anybody convicts it now
//! client.end_session(&opened.address).await?;
//! client.reclaim_session(&opened.address).await?;                                    // what was not spent, and the rent
//! ```
//!
//! Where a node offers a model for payment by `402` (x402), the first request opens the session:
//!
//! ```text
//! let limits = PayLimits::new(mint, most_price, most_balance);                       // nothing is signed beyond these
//! let paid = client.pay(endpoint, &work, None, &limits, voucher_key, |_, _| Ok(Ledger::in_memory())).await?;
//! paid.session.ask(&work).await?;                                                    // from here on as above
//! ```
//!
//! What the client risks is the price of one request: it promises to pay with the request, and stops when a reply is missing or
//! is not what was asked for. What it has a receipt for it can prove.

mod answer;
mod asking;
mod call_in;
#[cfg(test)]
mod heard;
mod ledger;
mod model;
mod offer;
mod open;
mod pay;
mod receipt;
mod reclaim;
mod terms;

pub use answer::Answer;
pub use asking::Session;
pub use ledger::Ledger;
pub use model::{Model, ModelUris};
pub use offer::{Offer, PayLimits};
pub use open::OpenedSession;
pub use pay::Paid;
pub use receipt::{KeptReceipt, SignedReceipt};
pub use reclaim::ReclaimedSession;
pub use terms::SessionTerms;
