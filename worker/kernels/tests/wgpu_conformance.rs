//! The wgpu backend equals the scalar reference on every tensor of every conformance vector.
//!
//! Each test compiles some hundred kernels, which is what takes its time.

mod wgpu_adapter;

use assay_kernels::conformance::{Level, Vector, random_vector, vectors, verify};
use assay_kernels::{Backend, Strategy, WgpuOptions};
use referee::graph::OpKind;
use wgpu_adapter::{open, paired};

fn check(options: WgpuOptions, vectors: &[Vector]) {
    let Some(backend) = open(options) else { return };
    if let Err(error) = verify(&backend, vectors) {
        panic!("{}: {error}", backend.description());
    }
}

fn full(wanted: impl Fn(&Vector) -> bool) -> Vec<Vector> {
    let chosen: Vec<Vector> = vectors(Level::Full).into_iter().filter(wanted).collect();
    assert!(chosen.len() > 20, "only {} vectors", chosen.len());
    chosen
}

fn random(vector: &Vector) -> bool {
    vector.name.starts_with("random")
}

fn has(vector: &Vector, wanted: impl Fn(OpKind) -> bool) -> bool {
    vector.graph.ops.iter().any(|op| wanted(op.kind))
}

fn longest_reduction(vector: &Vector) -> u32 {
    let graph = vector.resolve().unwrap();
    graph.ops.iter().map(|op| op.reduction_points()).max().unwrap_or(1)
}

#[test]
fn every_vector_with_pairs_of_words() {
    check(paired(), &vectors(Level::Full));
}

#[test]
fn every_instruction_and_reduction_with_native_64_bit_integers() {
    // Sums of products are 32-bit; their epilogues are in the self-test, which opening runs. On an adapter without
    // such integers this repeats a part of the test above.
    let vectors = full(|vector| !random(vector) && has(vector, |kind| kind != OpKind::Contract));
    check(WgpuOptions::default(), &vectors);
}

#[test]
fn long_reductions_by_threads() {
    let vectors = full(|vector| !random(vector) && longest_reduction(vector) >= 40);
    check(WgpuOptions { strategy: Strategy::Threads, ..paired() }, &vectors);
}

#[test]
fn all_reductions_by_workgroups() {
    let vectors = full(|vector| !random(vector) && has(vector, |kind| kind != OpKind::Map));
    check(WgpuOptions { strategy: Strategy::Workgroups, ..paired() }, &vectors);
}

#[test]
fn all_contractions_by_tiles() {
    let vectors = full(|vector| !random(vector) && has(vector, |kind| kind == OpKind::Contract));
    check(WgpuOptions { strategy: Strategy::Tiles, ..paired() }, &vectors);
}

#[test]
fn random_graphs_by_tiles() {
    let vectors: Vec<Vector> = (500..515).map(random_vector).collect();
    check(WgpuOptions { strategy: Strategy::Tiles, ..paired() }, &vectors);
}
