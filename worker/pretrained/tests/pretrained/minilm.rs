//! MiniLM: tokens as its authors' tokenizer gives them, embeddings near those of the float network.

use crate::compute::Computer;
use crate::had::had;
use assay_import::calibrate::Reference;
use assay_import::float::Tensor;
use assay_pretrained::agreement::{cosine, rank_correlation};
use assay_pretrained::minilm::{DIMENSIONS, MiniLm, tensors};
use assay_pretrained::sentences;

/// Sentences at once, neighbours in length.
const BATCH: usize = 32;
/// Least mean of the cosines between the integer network's embeddings and the float one's.
const LEAST_COSINE: f64 = 0.99;
/// Least rank correlation of the similarities of all pairs of sentences.
const LEAST_CORRELATION: f64 = 0.98;

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

/// The embeddings of the float network.
fn float_embeddings(model: &MiniLm, batches: &[Vec<&str>]) -> Vec<Vec<f32>> {
    let reference = Reference::load(&model.float_model().expect("the float network")).expect("it loads");
    let mut embeddings = Vec::new();
    for texts in batches {
        let inputs = tensors(&model.tokens(texts).expect("tokens"));
        let outputs = reference.run(&inputs).expect("it runs");
        let values = outputs.first().and_then(Tensor::as_floats).expect("one output of floats");
        embeddings.extend(values.chunks(DIMENSIONS).map(<[f32]>::to_vec));
    }
    embeddings
}

#[test]
fn the_float_network_is_that_of_its_authors() {
    let Some(model) = had("MiniLM", MiniLm::fetch) else { return };
    // Computed from the package's weights in 64-bit numbers by an implementation of its own.
    let expected = [-0.03818, 0.03291, -0.00546, 0.01437, -0.04029, -0.11653, 0.03169, 0.00191];
    let embeddings =
        float_embeddings(&model, &[vec!["Hello, world!", "A longer sentence, so that the first one is padded."]]);
    for (found, expected) in embeddings[0].iter().zip(expected) {
        assert!((found - expected).abs() < 2e-5, "{found} is not {expected}");
    }
}

#[test]
fn the_integer_network_is_near_the_float_one() {
    let Some(model) = had("MiniLM", MiniLm::fetch) else { return };
    let network = had("MiniLM in integers", |cache, say| model.network(cache, say)).expect("it is made here");
    let mut texts = sentences::held_out();
    texts.sort_by_key(|text| text.len());
    let batches: Vec<Vec<&str>> = texts.chunks(BATCH).map(<[&str]>::to_vec).collect();
    let float = float_embeddings(&model, &batches);
    let mut computer = Computer::new(&network);
    let started = std::time::Instant::now();
    let mut integer = Vec::new();
    for texts in &batches {
        let job = model.job(&network, texts).expect("inputs of a job");
        let output = computer.output(&job);
        integer.extend(model.embeddings(&network, &job.symbols, &output).expect("embeddings"));
    }
    let seconds = started.elapsed().as_secs_f64();
    let cosines: Vec<f64> = integer.iter().zip(&float).map(|(a, b)| cosine(a, b)).collect();
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    let least = cosines.iter().copied().fold(1.0, f64::min);
    let correlation = rank_correlation(&similarities(&integer), &similarities(&float));
    println!(
        "{} sentences: mean cosine to the float network {mean:.5}, least {least:.4}; rank correlation of {} pairs {correlation:.5}; {seconds:.1} s",
        cosines.len(),
        cosines.len() * (cosines.len() - 1) / 2
    );
    assert_eq!(cosines.len(), 1_000);
    assert!(mean >= LEAST_COSINE, "{mean}");
    assert!(correlation >= LEAST_CORRELATION, "{correlation}");
}

/// The cosines of all pairs.
fn similarities(embeddings: &[Vec<f32>]) -> Vec<f64> {
    let pairs = (0..embeddings.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
    pairs.map(|(one, other)| cosine(&embeddings[one], &embeddings[other])).collect()
}
