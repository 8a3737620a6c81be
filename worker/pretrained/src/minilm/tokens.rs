//! Texts as WordPiece tokens.

use crate::error::PretrainedError;
use tokenizers::{Tokenizer, TruncationParams};

/// Texts as the network reads them: a row a text, all rows of equal length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Texts.
    pub rows: usize,
    /// Tokens a row.
    pub columns: usize,
    /// Number of each token in the vocabulary; 0 is padding.
    pub ids: Vec<i32>,
    /// 1 for a token of the text, 0 for padding.
    pub mask: Vec<i32>,
}

impl Batch {
    /// Numbers and mask of one text.
    pub fn row(&self, row: usize) -> (&[i32], &[i32]) {
        let range = row * self.columns..(row + 1) * self.columns;
        (&self.ids[range.clone()], &self.mask[range])
    }

    /// Tokens of one text without padding.
    pub fn length(&self, row: usize) -> usize {
        self.row(row).1.iter().filter(|mask| **mask != 0).count()
    }

    /// The same texts with longer rows.
    #[must_use]
    pub fn widened(&self, columns: usize) -> Self {
        if columns <= self.columns {
            return self.clone();
        }
        let widen = |values: &[i32]| -> Vec<i32> {
            let rows = values.chunks(self.columns.max(1));
            rows.flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0, columns - row.len()))).collect()
        };
        Self { rows: self.rows, columns, ids: widen(&self.ids), mask: widen(&self.mask) }
    }
}

/// The package's tokenizer, with the length that the model was made for instead of the tokenizer's own, and without its fixed padding.
pub(super) fn tokenizer(json: &[u8], max_tokens: usize) -> Result<Tokenizer, PretrainedError> {
    let unclear = |error: tokenizers::Error| PretrainedError::content("tokenizer.json", error);
    let mut tokenizer = Tokenizer::from_bytes(json).map_err(unclear)?;
    if max_tokens <= 2 {
        return Err(PretrainedError::content("sentence_bert_config.json", "no room for a token between the marks"));
    }
    let truncation = TruncationParams { max_length: max_tokens, ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation)).map_err(unclear)?;
    tokenizer.with_padding(None);
    Ok(tokenizer)
}

pub(super) fn batch(tokenizer: &Tokenizer, texts: &[&str]) -> Result<Batch, PretrainedError> {
    let encode = |text: &&str| {
        tokenizer.encode(*text, true).map_err(|error| PretrainedError::Text { reason: error.to_string() })
    };
    let encoded = texts.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
    let columns = encoded.iter().map(|encoding| encoding.get_ids().len()).max().unwrap_or(0);
    let mut batch = Batch { rows: texts.len(), columns, ids: Vec::new(), mask: Vec::new() };
    for encoding in &encoded {
        let length = encoding.get_ids().len();
        // Vocabularies are far smaller than what an i32 holds.
        batch.ids.extend(encoding.get_ids().iter().map(|id| *id as i32));
        batch.mask.extend(std::iter::repeat_n(1, length));
        let padding = std::iter::repeat_n(0, columns - length);
        batch.ids.extend(padding.clone());
        batch.mask.extend(padding);
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_and_widened() {
        let batch = Batch { rows: 2, columns: 3, ids: vec![1, 2, 3, 4, 5, 0], mask: vec![1, 1, 1, 1, 1, 0] };
        assert_eq!(batch.row(1), (&[4, 5, 0][..], &[1, 1, 0][..]));
        assert_eq!((batch.length(0), batch.length(1)), (3, 2));
        let wide = batch.widened(4);
        assert_eq!(wide.ids, [1, 2, 3, 0, 4, 5, 0, 0]);
        assert_eq!(wide.mask, [1, 1, 1, 0, 1, 1, 0, 0]);
        assert_eq!(wide.widened(2), wide, "rows are never cut");
    }
}
