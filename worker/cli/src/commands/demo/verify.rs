//! The check at the end: every output against the scalar reference, bit for bit.

use super::jobs::Entry;
use crate::error::CliError;
use assay::state::Job;
use assay::state_machine::JobState;
use assay_client::{Client, Work};
use assay_models::digits::{self, Image, Prediction};
use referee::semantics;
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;

/// What the outputs say.
#[derive(Debug)]
pub(super) struct Checked {
    /// Whether there were outputs and every one equals the reference's.
    pub(super) bit_exact: bool,
    /// Every image with what the network made of it.
    pub(super) predictions: Vec<(Image, Prediction)>,
}

impl Checked {
    /// Share of images whose digit was recognised.
    pub(super) fn accuracy(&self) -> f64 {
        let right = self.predictions.iter().filter(|(image, prediction)| image.label == prediction.class).count();
        right as f64 / self.predictions.len().max(1) as f64
    }
}

/// Fetches every output from its node, where it is checked against the committed root, and compares it with the
/// reference.
pub(super) async fn check(
    client: &Client,
    entries: &mut [Entry],
    ended: &HashMap<Pubkey, Job>,
) -> Result<Checked, CliError> {
    let mut checked = Checked { bit_exact: true, predictions: Vec::new() };
    for entry in entries {
        let Some(job) = ended.get(&entry.posted.address).filter(|job| job.state == JobState::Settled) else {
            continue;
        };
        let bytes = client.result(&entry.posted.address, &entry.work, job).await?;
        let reference = (&mut entry.reference).await??;
        checked.bit_exact &= bytes == reference;
        checked.predictions.extend(entry.images.iter().copied().zip(digits::decode(&bytes)?));
    }
    checked.bit_exact &= !checked.predictions.is_empty();
    Ok(checked)
}

/// The output that the scalar reference gives. It is slow, and right by definition.
pub(super) fn reference_output(work: &Work) -> Result<Vec<u8>, CliError> {
    let empty: &[u8] = &[];
    let given: Vec<&[u8]> = (0..work.resolved.tensors.len())
        .map(|slot| {
            let slot = slot as u16;
            work.params.get(&slot).or_else(|| work.inputs.get(&slot)).map_or(empty, |bytes| bytes)
        })
        .collect();
    let trace = semantics::run(&work.resolved, &given)?;
    Ok(trace.tensors.get(usize::from(work.output_slot)).cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_counts_right_answers_and_nothing_is_not_right() {
        let image = |label| Image { pixels: [0; 64], label };
        let prediction = |class| Prediction { class, scores: [0; 10] };
        let predictions = vec![(image(1), prediction(1)), (image(2), prediction(7))];
        assert_eq!(Checked { bit_exact: true, predictions }.accuracy(), 0.5);
        assert_eq!(Checked { bit_exact: true, predictions: Vec::new() }.accuracy(), 0.0);
    }
}
