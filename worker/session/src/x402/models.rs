//! What a node offers to strangers, and what they ask of it.

use super::message::PaymentRequirements;
use serde::{Deserialize, Serialize};

/// Where a node lists what it offers, below its endpoint.
pub const MODELS_PATH: &str = "/v1/models";

/// Where requests of a model go, below the node's endpoint.
pub fn model_path(graph_root: &[u8; 32], params_root: &[u8; 32]) -> String {
    format!("{MODELS_PATH}/{}/{}/requests", hex::encode(graph_root), hex::encode(params_root))
}

/// The models that a node offers at present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelList {
    /// One entry a model; it may be paid for in several mints.
    pub models: Vec<ListedModel>,
}

/// One model, as a list has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedModel {
    /// What the operator calls it, for people.
    pub name: String,
    /// Root of the graph, in hex.
    pub graph_root: String,
    /// Root of the params, in hex.
    pub params_root: String,
    /// Where its requests go, below the node's endpoint.
    pub path: String,
    /// Ways to pay; those of the 402 that a request without payment is answered with.
    pub accepts: Vec<PaymentRequirements>,
}

/// The header of a request whose payment stands in [`PAYMENT_SIGNATURE`](super::PAYMENT_SIGNATURE); the body of the frame is the bundle
/// of all inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkHeader {
    /// Values of the graph's symbols; unused ones are 0.
    pub symbols: [u32; 4],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_by_both_roots() {
        let path = model_path(&[0xab; 32], &[1; 32]);
        assert_eq!(path, format!("/v1/models/{}/{}/requests", "ab".repeat(32), "01".repeat(32)));
        let header = WorkHeader { symbols: [3, 0, 0, 0] };
        assert_eq!(serde_json::to_string(&header).unwrap(), r#"{"symbols":[3,0,0,0]}"#);
        assert!(serde_json::from_str::<WorkHeader>(r#"{"symbols":[3,0,0,0],"sequence":1}"#).is_err());
    }
}
