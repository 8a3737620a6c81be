//! A receipt with its signature: what binds the node, and the file in which it is kept.

use crate::error::ClientError;
use crate::work::Work;
use assay::session::Receipt;
use assay_kernels::Backend;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;

/// Version of the file.
const KEPT_VERSION: u32 = 1;

/// A receipt that an operator signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedReceipt {
    /// What is signed.
    pub receipt: Receipt,
    /// By the session's operator, ed25519.
    pub signature: [u8; 64],
}

impl SignedReceipt {
    /// Whether `operator` signed it.
    pub fn is_signed_by(&self, operator: &Pubkey) -> bool {
        Signature::from(self.signature).verify(operator.as_ref(), &self.receipt.message())
    }

    /// Computes the request again on `backend` and compares every boundary tensor with what is signed, bit for bit.
    ///
    /// # Errors
    /// [`ClientError::OtherRequest`] if `work` is not what the receipt is about; [`ClientError::Refuted`] if the answer is wrong:
    /// then call the receipt in.
    pub fn verify(&self, work: &Work, backend: &dyn Backend) -> Result<(), ClientError> {
        work.check_is_asked_by(&self.receipt)?;
        let computed = work.boundary_root(backend)?;
        if computed == self.receipt.boundary_root {
            return Ok(());
        }
        let committed = hex::encode(self.receipt.boundary_root);
        Err(ClientError::Refuted { computed: hex::encode(computed), committed })
    }
}

/// A receipt as it is kept in a file: everything with which anybody can check it, call it in and have it replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptReceipt {
    /// Version of this file.
    pub version: u32,
    /// The session, base58; in the receipt as well.
    pub session: String,
    /// The client's number for the request; in the receipt as well.
    pub sequence: u64,
    /// The message that was signed, in hex.
    pub receipt: String,
    /// The operator's signature over it, in hex.
    pub signature: String,
    /// SHA-256 of the bundle of inputs, in hex: the artifact to serve to validators when the receipt is called in.
    pub inputs: String,
}

impl KeptReceipt {
    /// To be kept, with the artifact that the inputs are.
    pub fn new(signed: &SignedReceipt, inputs: &assay_store::ArtifactId) -> Self {
        Self {
            version: KEPT_VERSION,
            session: signed.receipt.session.to_string(),
            sequence: signed.receipt.sequence,
            receipt: hex::encode(signed.receipt.message()),
            signature: hex::encode(signed.signature),
            inputs: inputs.to_string(),
        }
    }

    /// The receipt. Whether the session's operator signed it is not checked here.
    ///
    /// # Errors
    /// [`ClientError::ReceiptFile`] names what is wrong.
    pub fn signed(&self) -> Result<SignedReceipt, ClientError> {
        let wrong = |reason: String| ClientError::ReceiptFile { reason };
        if self.version != KEPT_VERSION {
            return Err(wrong(format!("it has version {}, known is {KEPT_VERSION}", self.version)));
        }
        let message = hex::decode(&self.receipt).map_err(|error| wrong(format!("the receipt: {error}")))?;
        let receipt = Receipt::parse(&message).map_err(|error| wrong(error.to_string()))?;
        let mut signature = [0; 64];
        hex::decode_to_slice(&self.signature, &mut signature)
            .map_err(|error| wrong(format!("the signature: {error}")))?;
        if receipt.session.to_string() != self.session || receipt.sequence != self.sequence {
            return Err(wrong("session or sequence beside the receipt are not those in it".to_owned()));
        }
        Ok(SignedReceipt { receipt, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::answer::tests::Scene;

    #[test]
    fn a_kept_receipt_is_read_back_and_a_damaged_one_refused() {
        let scene = Scene::new();
        let signed = scene.signed();
        let kept = KeptReceipt::new(&signed, &assay_store::ArtifactId([5; 32]));
        let text = serde_json::to_string(&kept).unwrap();
        let read: KeptReceipt = serde_json::from_str(&text).unwrap();
        assert_eq!((&read, read.signed().unwrap()), (&kept, signed));
        assert!(signed.is_signed_by(&scene.operator()));
        assert!(!signed.is_signed_by(&Pubkey::new_unique()));
        let wrong = [
            KeptReceipt { version: 2, ..kept.clone() },
            KeptReceipt { sequence: 8, ..kept.clone() },
            KeptReceipt { session: Pubkey::new_unique().to_string(), ..kept.clone() },
            KeptReceipt { receipt: kept.receipt[2..].to_owned(), ..kept.clone() },
            KeptReceipt { receipt: "zz".to_owned(), ..kept.clone() },
            KeptReceipt { signature: kept.signature[2..].to_owned(), ..kept.clone() },
        ];
        for kept in wrong {
            assert!(kept.signed().unwrap_err().to_string().starts_with("J0209"), "{kept:?}");
        }
    }

    #[test]
    fn a_replay_confirms_a_right_answer_and_refutes_a_wrong_one() {
        let scene = Scene::new();
        let (signed, backend) = (scene.signed(), Scene::backend());
        signed.verify(&scene.work, &backend).unwrap();
        let mut lie = signed;
        lie.receipt.boundary_root[0] ^= 1;
        assert!(lie.verify(&scene.work, &backend).unwrap_err().to_string().starts_with("J0109"));
        let mut other = signed;
        other.receipt.inputs_root[0] ^= 1;
        assert!(other.verify(&scene.work, &backend).unwrap_err().to_string().starts_with("J0205"));
    }
}
