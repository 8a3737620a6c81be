//! From scores to a type of content.

use super::config::Config;
use crate::error::PretrainedError;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Why the answer is not the class with the highest score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overwrite {
    /// It is.
    None,
    /// The score is below the threshold of the class.
    LowConfidence,
    /// The class stands for another type.
    OverwriteMap,
}

/// What type of content a file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The type.
    pub label: String,
    /// The class with the highest score; none where the network was not asked.
    pub class: Option<String>,
    /// The score of that class; 1 where the network was not asked.
    pub score: f32,
    /// Why `label` is not `class`.
    pub overwrite: Overwrite,
}

impl Answer {
    /// The answer of a rule.
    pub(super) fn known(label: &str) -> Self {
        Self { label: label.to_owned(), class: None, score: 1.0, overwrite: Overwrite::None }
    }
}

pub(super) fn from_scores(
    config: &Config,
    is_text: &HashMap<String, bool>,
    scores: &[f32],
) -> Result<Answer, PretrainedError> {
    let classes = &config.target_labels_space;
    if scores.len() != classes.len() {
        return Err(PretrainedError::Length { what: "scores", expected: classes.len(), given: scores.len() });
    }
    // The first of equal ones.
    let best = scores.iter().enumerate().fold(0, |best, (at, score)| if *score > scores[best] { at } else { best });
    let (class, score) = (&classes[best], scores[best]);
    let mut label = config.overwrite_map.get(class).unwrap_or(class).clone();
    let mut overwrite = if label == *class { Overwrite::None } else { Overwrite::OverwriteMap };
    let threshold = config.thresholds.get(class).copied().unwrap_or(config.medium_confidence_threshold);
    if f64::from(score) < threshold {
        // Whether it is text at all, at least, is taken to be right.
        label = if is_text.get(&label).copied().unwrap_or(false) { "txt" } else { "unknown" }.to_owned();
        overwrite = if label == *class { Overwrite::None } else { Overwrite::LowConfidence };
    }
    Ok(Answer { label, class: Some(class.clone()), score, overwrite })
}

pub(super) fn softmax(logits: &[f32]) -> Vec<f32> {
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - greatest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::super::config::tests::small;
    use super::*;

    fn answer(scores: &[f32]) -> (String, Overwrite) {
        let is_text = [("elf", false), ("markdown", true), ("rust", true), ("unknown", false), ("txt", true)];
        let is_text = is_text.map(|(label, text)| (label.to_owned(), text)).into();
        let answer = from_scores(&small(), &is_text, scores).unwrap();
        (answer.label, answer.overwrite)
    }

    #[test]
    fn sure_scores_give_their_class() {
        assert_eq!(answer(&[0.9, 0.1, 0.0, 0.0, 0.0]), ("elf".into(), Overwrite::None));
        assert_eq!(answer(&[0.5, 0.5, 0.0, 0.0, 0.0]), ("elf".into(), Overwrite::None), "the first of equal ones");
    }

    #[test]
    fn unsure_scores_give_text_or_unknown() {
        assert_eq!(answer(&[0.4, 0.3, 0.0, 0.0, 0.3]), ("unknown".into(), Overwrite::LowConfidence));
        assert_eq!(answer(&[0.3, 0.0, 0.0, 0.3, 0.4]), ("txt".into(), Overwrite::LowConfidence));
        // A class with a threshold of its own.
        assert_eq!(answer(&[0.0, 0.74, 0.0, 0.0, 0.26]), ("txt".into(), Overwrite::LowConfidence));
        assert_eq!(answer(&[0.0, 0.76, 0.0, 0.0, 0.24]), ("markdown".into(), Overwrite::None));
    }

    #[test]
    fn classes_that_stand_for_others_say_so() {
        assert_eq!(answer(&[0.0, 0.0, 0.9, 0.1, 0.0]), ("unknown".into(), Overwrite::OverwriteMap));
        assert_eq!(answer(&[0.0, 0.0, 0.0, 0.9, 0.1]), ("txt".into(), Overwrite::OverwriteMap));
        assert_eq!(answer(&[0.3, 0.0, 0.0, 0.4, 0.3]), ("txt".into(), Overwrite::LowConfidence));
    }

    #[test]
    fn another_number_of_scores_is_refused() {
        assert!(from_scores(&small(), &HashMap::new(), &[1.0]).unwrap_err().to_string().starts_with("W0110"));
    }

    #[test]
    fn softmax_survives_large_scores() {
        let scores = softmax(&[1_000.0, 1_000.0, -1_000.0]);
        assert_eq!(scores, [0.5, 0.5, 0.0]);
    }
}
