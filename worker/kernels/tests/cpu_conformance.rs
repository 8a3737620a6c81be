//! The CPU backend equals the scalar reference on every vector, with every instruction set that this processor has.

use assay_kernels::conformance::{Level, Vector, random_vector, vectors, verify};
use assay_kernels::{CpuBackend, CpuOptions, Isa};

fn backends(threads: usize) -> Vec<CpuBackend> {
    let open = |isa| CpuBackend::new(CpuOptions { threads, isa: Some(isa) }).unwrap();
    Isa::available().into_iter().map(open).collect()
}

fn check(threads: usize, vectors: &[Vector]) {
    for backend in backends(threads) {
        if let Err(error) = verify(&backend, vectors) {
            panic!("{}, {threads} threads: {error}", backend.isa());
        }
    }
}

#[test]
fn every_vector_on_one_thread() {
    check(1, &vectors(Level::Full));
}

#[test]
fn every_vector_on_two_threads() {
    check(2, &vectors(Level::Full));
}

#[test]
fn random_graphs_on_one_thread() {
    let random: Vec<Vector> = (1000..1400).map(random_vector).collect();
    check(1, &random);
}

#[test]
fn random_graphs_on_three_threads() {
    let random: Vec<Vector> = (2000..2200).map(random_vector).collect();
    check(3, &random);
}
