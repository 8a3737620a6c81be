//! `GET /v1/identity/{nonce}`: the node's own signature over a number that somebody chose, so that whoever asks at an address
//! knows which node answers there.
//!
//! The message begins with a byte that no transaction begins with, and names cluster, program and node: what is signed here
//! counts nowhere else. A signature costs about as much as the request that asks for it.

use crate::driver::Shared;
use crate::market::Market;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::{Keypair, Signature};
use solana_sdk::signer::Signer;
use std::sync::Arc;

/// Starts every message.
const MESSAGE_PREFIX: &[u8; 16] = b"\xffassay/address/1";
/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 32;
/// What an answer may be long at most: an address and a signature in text.
pub const MOST_ANSWER_BYTES: usize = 1_024;

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Tells one cluster from another.
    pub genesis_hash: [u8; 32],
    /// The node that answers.
    pub node: Pubkey,
    /// What the asker chose.
    pub nonce: [u8; NONCE_BYTES],
}

impl Statement {
    /// The bytes that the operator signs.
    pub fn message(&self) -> Vec<u8> {
        [&MESSAGE_PREFIX[..], &self.genesis_hash, assay::ID.as_ref(), self.node.as_ref(), &self.nonce].concat()
    }

    /// The operator's answer.
    pub fn answer(&self, operator: &Keypair) -> Answer {
        self.answer_of(operator.sign_message(&self.message()).into())
    }

    fn answer_of(&self, signature: [u8; 64]) -> Answer {
        Answer { node: self.node.to_string(), signature: hex::encode(signature) }
    }

    /// Whether `answer` is this node's, by the key that the chain names as its operator.
    pub fn is_answered_by(&self, answer: &Answer, operator: &Pubkey) -> bool {
        let mut bytes = [0; 64];
        let is_signature = hex::decode_to_slice(&answer.signature, &mut bytes).is_ok();
        is_signature
            && answer.node == self.node.to_string()
            && Signature::from(bytes).verify(operator.as_ref(), &self.message())
    }
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Address of the node, base58.
    pub node: String,
    /// The operator's signature over the statement, in hex.
    pub signature: String,
}

/// Where `base` answers for a nonce.
pub fn url_of(base: &str, nonce: &[u8; NONCE_BYTES]) -> String {
    format!("{}/v1/identity/{}", base.trim_end_matches('/'), hex::encode(nonce))
}

/// The route of a running node.
pub(crate) fn routes<M: Market>(shared: Arc<Shared<M>>) -> Router {
    Router::new().route("/v1/identity/{nonce}", get(identity::<M>)).with_state(shared)
}

async fn identity<M: Market>(State(shared): State<Arc<Shared<M>>>, Path(nonce): Path<String>) -> Response {
    respond(&nonce, |nonce| {
        let statement = Statement { genesis_hash: shared.market.genesis_hash(), node: shared.node, nonce };
        statement.answer_of(shared.market.sign_identity(&statement))
    })
}

/// The same route for a node that does not run yet: whoever starts it wants to know whether it could be reached.
pub(crate) fn stand_in(genesis_hash: [u8; 32], node: Pubkey, operator: Keypair) -> Router {
    let operator = Arc::new(operator);
    let answer = move |Path(nonce): Path<String>| {
        let operator = Arc::clone(&operator);
        async move { respond(&nonce, |nonce| Statement { genesis_hash, node, nonce }.answer(&operator)) }
    };
    Router::new().route("/v1/identity/{nonce}", get(answer))
}

fn respond(nonce: &str, answer: impl FnOnce([u8; NONCE_BYTES]) -> Answer) -> Response {
    let mut bytes = [0; NONCE_BYTES];
    if hex::decode_to_slice(nonce, &mut bytes).is_err() {
        let refusal = "N0710 the path is /v1/identity/{32 bytes in hex}";
        return (StatusCode::BAD_REQUEST, refusal).into_response();
    }
    (StatusCode::OK, [(CACHE_CONTROL, "no-store")], Json(answer(bytes))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operator_of_that_node_on_that_cluster_answers_for_that_nonce() {
        let operator = Keypair::new();
        let statement = Statement { genesis_hash: [1; 32], node: Pubkey::new_unique(), nonce: [2; 32] };
        let answer = statement.answer(&operator);
        assert!(statement.is_answered_by(&answer, &operator.pubkey()));
        assert!(!statement.is_answered_by(&answer, &Pubkey::new_unique()), "another operator");
        for other in [
            Statement { nonce: [3; 32], ..statement },
            Statement { genesis_hash: [4; 32], ..statement },
            Statement { node: Pubkey::new_unique(), ..statement },
        ] {
            assert!(!other.is_answered_by(&answer, &operator.pubkey()));
            let renamed = Answer { node: other.node.to_string(), ..answer.clone() };
            assert!(!other.is_answered_by(&renamed, &operator.pubkey()));
        }
        let damaged = Answer { signature: "00".to_owned(), ..answer };
        assert!(!statement.is_answered_by(&damaged, &operator.pubkey()));
    }

    #[test]
    fn what_is_signed_can_be_no_transaction_and_no_other_promise() {
        let message = Statement { genesis_hash: [0; 32], node: Pubkey::default(), nonce: [0; 32] }.message();
        assert_eq!(message[0], 0xff, "a transaction of a version begins with 0x80, others with how many sign");
        let others = [
            &assay::session::message::RECEIPT_MESSAGE_PREFIX[..],
            &assay::session::message::VOUCHER_MESSAGE_PREFIX[..],
            &assay::dispute::signature::SEGMENT_MESSAGE_PREFIX[..],
        ];
        assert!(others.into_iter().all(|prefix| !message.starts_with(prefix)));
    }
}
