//! What a node answers.

use serde::{Deserialize, Serialize};

/// The header of a reply; the body is the output tensor: row-major little-endian values, without padding.
///
/// Only receipt and signature bind the node. Everything else is checked against the receipt, or is for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyHeader {
    /// The receipt: the message that was signed, in hex.
    #[serde(with = "hex::serde")]
    pub receipt: Vec<u8>,
    /// Ed25519 signature of the session's operator over it, in hex.
    #[serde(with = "hex::serde")]
    pub signature: [u8; 64],
    /// Path of the output in the boundary tree, from the leaf up, each hash in hex.
    #[serde(with = "hashes")]
    pub output_path: Vec<[u8; 32]>,
    /// Name of the backend that computed.
    pub backend: String,
    /// From the request's last byte to the signature, in microseconds.
    pub micros: u64,
}

mod hashes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Hash(#[serde(with = "hex::serde")] [u8; 32]);

    pub(super) fn serialize<S: Serializer>(hashes: &[[u8; 32]], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hashes.iter().map(|hash| Hash(*hash)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 32]>, D::Error> {
        Ok(Vec::<Hash>::deserialize(deserializer)?.into_iter().map(|hash| hash.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{encode_frame, split_frame};

    #[test]
    fn a_reply_travels_in_a_frame_with_the_longest_path_there_can_be() {
        // A boundary of 65,535 tensors has a tree of 16 levels.
        let header = ReplyHeader {
            receipt: vec![1; 300],
            signature: [2; 64],
            output_path: (0..16).map(|level| [level; 32]).collect(),
            backend: "wgpu".to_owned(),
            micros: 1_250,
        };
        let frame = encode_frame(&header, b"output").unwrap();
        assert_eq!(split_frame(&frame).unwrap(), (header.clone(), b"output".as_slice()));
        let text = serde_json::to_string(&header).unwrap();
        assert!(text.contains(&format!("\"{}\"", "03".repeat(32))), "{text}");
        let short = text.replace(&"03".repeat(32), &"03".repeat(31));
        assert!(serde_json::from_str::<ReplyHeader>(&short).is_err());
    }
}
