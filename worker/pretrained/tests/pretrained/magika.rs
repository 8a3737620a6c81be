//! Magika: rules, features and answers are the official package's.

use crate::compute::Computer;
use crate::corpus::{self, Corpus};
use crate::had::had;
use assay_pretrained::magika::{Answer, Magika, OfficialAnswer, Reading, official_answers};
use assay_pretrained::python::Peers;
use rten_tensor::prelude::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

/// Files that the network is asked about at once.
const BATCH: usize = 32;

/// Everything that a comparison needs.
pub(crate) struct Scene {
    pub(crate) magika: Magika,
    pub(crate) corpus: Corpus,
    pub(crate) official: Vec<OfficialAnswer>,
    /// What is to be done about each file.
    pub(crate) readings: Vec<Reading>,
}

impl Scene {
    /// Nothing where the packages cannot be had.
    pub(crate) fn open() -> Option<Self> {
        let magika = had("Magika", Magika::fetch)?;
        let peers = had("Magika's official package", Peers::ready)?;
        let corpus = corpus::held_out();
        let official = official_answers(&peers, &corpus.files).expect("the official package answers");
        let read = |path: &PathBuf| magika.read(&mut File::open(path).expect("a file")).expect("it can be read");
        let readings = corpus.files.iter().map(read).collect();
        Some(Self { magika, corpus, official, readings })
    }

    /// Answers to all files: of the rules, and of the network, whose scores for a batch of tokens `scores` gives.
    pub(crate) fn answers(&self, scores: impl FnMut(&[Vec<i32>]) -> Vec<Vec<f32>>) -> Vec<Answer> {
        let asked: Vec<Vec<i32>> = self.readings.iter().filter_map(tokens).cloned().collect();
        let mut scored = asked.chunks(BATCH).flat_map(scores);
        let answer = |reading: &Reading| match reading {
            Reading::Known(answer) => answer.clone(),
            Reading::Ask(_) => self.magika.answer(&scored.next().expect("scores of each file")).expect("an answer"),
        };
        self.readings.iter().map(answer).collect()
    }
}

fn tokens(reading: &Reading) -> Option<&Vec<i32>> {
    match reading {
        Reading::Ask(tokens) => Some(tokens),
        Reading::Known(_) => None,
    }
}

#[test]
fn the_float_network_with_our_features_and_rules_answers_as_the_official_package() {
    let Some(scene) = Scene::open() else { return };
    let model = rten::Model::load_file(scene.magika.onnx()).expect("the network loads");
    let answers = scene.answers(|batch| {
        let width = scene.magika.tokens();
        let input = rten_tensor::NdTensor::from_data([batch.len(), width], batch.concat());
        let output = model.run_one(input.view().into(), None).expect("the network runs");
        let scores: rten_tensor::NdTensor<f32, 2> = output.try_into().expect("scores are floats");
        scores.to_vec().chunks(scene.magika.labels().len()).map(<[f32]>::to_vec).collect()
    });
    let asked = scene.readings.iter().filter_map(tokens).count();
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut worst, mut at_threshold) = (0.0_f32, 0);
    for (path, (answer, official)) in scene.corpus.files.iter().zip(answers.iter().zip(&scene.official)) {
        let place = format!("{}: {answer:?}, {official:?}", path.display());
        assert_eq!(answer.class.as_deref().unwrap_or("undefined"), official.class, "{place}");
        // Two float executors round differently.
        worst = worst.max((answer.score - official.score).abs());
        if answer.label != official.label {
            at_threshold += 1;
        }
        *types.entry(&official.label).or_default() += 1;
    }
    assert!(worst < 0.02, "scores differ by {worst}");
    assert!(at_threshold <= 1, "{at_threshold} labels differ, though the classes do not");
    let Corpus { made, found, .. } = scene.corpus;
    println!("{made} made files and {found} found ones, {asked} for the network, {} types: {types:?}", types.len());
    assert!(asked >= 500 && types.len() >= 60, "enough files of many types");
}

/// Least share of files for which the integer network has the official package's class.
const LEAST_AGREEMENT: f64 = 0.97;
/// Above this score of the official package every class is the same.
const SURE: f32 = 0.95;

#[test]
fn the_integer_network_agrees_with_the_official_package() {
    let Some(scene) = Scene::open() else { return };
    let network = had("Magika in integers", |cache, say| scene.magika.network(cache, say)).expect("it is made here");
    let mut computer = Computer::new(&network);
    let asked: Vec<Vec<i32>> = scene.readings.iter().filter_map(tokens).cloned().collect();
    let started = std::time::Instant::now();
    let mut answers = Vec::new();
    for batch in asked.chunks(BATCH) {
        let job = scene.magika.job(&network, batch).expect("inputs of a job");
        let output = computer.output(&job);
        answers.extend(scene.magika.answers(&network, &job.symbols, &output).expect("answers"));
    }
    let seconds = started.elapsed().as_secs_f64();
    let of_asked = |(reading, official)| tokens(reading).map(|_| official);
    let official: Vec<&OfficialAnswer> = scene.readings.iter().zip(&scene.official).filter_map(of_asked).collect();
    let paths: Vec<&PathBuf> = scene
        .readings
        .iter()
        .zip(&scene.corpus.files)
        .filter_map(|(reading, path)| tokens(reading).map(|_| path))
        .collect();
    let (mut same, mut sure, mut same_sure, mut same_label) = (0, 0, 0, 0);
    for ((answer, official), path) in answers.iter().zip(&official).zip(paths) {
        let agrees = answer.class.as_deref() == Some(&official.class[..]);
        same += usize::from(agrees);
        same_label += usize::from(answer.label == official.label);
        if official.score > SURE {
            sure += 1;
            same_sure += usize::from(agrees);
        }
        if !agrees {
            println!("{}: {answer:?}, {official:?}", path.display());
        }
    }
    let count = answers.len();
    println!(
        "{count} files: {same} have the official class ({:.2} %), {same_sure} of the {sure} that it is sure of, {same_label} its type; {seconds:.1} s",
        same as f64 * 100.0 / count as f64
    );
    assert!(count >= 500, "{count} files");
    assert!(same as f64 >= LEAST_AGREEMENT * count as f64, "{same} of {count}");
    assert_eq!(same_sure, sure, "where the official package is sure");
}
