//! A second root of a segment, signed on purpose. Development builds alone.

use super::{SegmentError, Trace};
use crate::driver::Shared;
use crate::market::Market;
use assay_models::manifest::SegmentManifest;
use referee::commit::sha256;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Signature;
use std::sync::PoisonError;

/// The root that stands for another trace, which nobody has.
pub(crate) fn second_root(root: &[u8; 32]) -> [u8; 32] {
    sha256(&[b"assay/fault/second-root", root])
}

impl<M: Market> Shared<M> {
    /// What a node that signs two roots serves in place of a right trace: the first time that one, later another root.
    pub(crate) async fn second_trace(&self, job: &Pubkey, segment: u16, right: Trace) -> Result<Trace, SegmentError> {
        let is_honest = self.fault.is_none_or(|fault| !fault.signs_twice(segment));
        if is_honest || self.is_served_first(job, segment) {
            return Ok(right);
        }
        let seen = self.market.job(job, 0).await?;
        let account = seen.account.ok_or_else(|| SegmentError::Unknown(format!("there is no job {job}")))?;
        let root = second_root(&right.root);
        let signature = self.market.sign_segment(job, &account, segment, &root);
        let signature = signature.ok_or_else(|| SegmentError::Unavailable("the operator has changed".to_owned()))?;
        tracing::error!(%job, segment, "a second root was signed on purpose");
        let text = Signature::from(signature).to_string();
        let manifest = SegmentManifest { root: hex::encode(root), signature: text, ..right.manifest };
        Ok(Trace { manifest, root, signature })
    }

    fn is_served_first(&self, job: &Pubkey, segment: u16) -> bool {
        self.segments.served.lock().unwrap_or_else(PoisonError::into_inner).insert((*job, segment))
    }
}
