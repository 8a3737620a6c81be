//! MiniLM: tokens as its authors' tokenizer gives them.

use crate::had::had;
use assay_pretrained::minilm::MiniLm;
use assay_pretrained::sentences;

#[test]
fn texts_become_the_tokens_that_the_model_was_trained_on() {
    let Some(model) = had("MiniLM", MiniLm::fetch) else { return };
    let batch = model.tokens(&["Hello, world!", "A much longer sentence about embeddings."]).unwrap();
    // [CLS] hello , world ! [SEP], then padding.
    assert_eq!(batch.row(0).0[..6], [101, 7592, 1010, 2088, 999, 102]);
    assert_eq!(batch.length(0), 6);
    assert!(batch.row(0).0[6..].iter().chain(&batch.row(0).1[6..]).all(|token| *token == 0));
    assert_eq!(batch.columns, batch.length(1));
    let long = model.tokens(&["word ".repeat(1_000).as_str()]).unwrap();
    assert_eq!(long.columns, 256, "cut at the model's length, not at the tokenizer's");
    assert_eq!(long.ids.last(), Some(&102), "the mark of the end stays");
    let lengths: Vec<usize> =
        model.tokens(&sentences::held_out()).map(|batch| (0..1_000).map(|row| batch.length(row)).collect()).unwrap();
    println!("tokens a sentence: {} to {}", lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
}
