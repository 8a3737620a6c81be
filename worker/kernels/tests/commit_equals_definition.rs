//! Fast commitments equal their definition in `referee::commit` on every engine that this processor has.

use assay_kernels::commit::{Boundary, Engine, Hasher};
use assay_kernels::conformance::{Level, vectors};
use assay_kernels::{KernelError, TensorSet};
use referee::commit::{LEAF_BYTES, ListRole, TensorLayout, list_root, merkle_root};
use referee::graph::{Dtype, ResolvedGraph, Slot, TensorKind};
use referee::semantics;

/// Shapes of every class: one row, rows that share a leaf, rows that fill one, rows over several leaves, each ragged or not.
const SHAPES: [&[u32]; 20] = [
    &[1],
    &[47],
    &[48],
    &[500],
    &[511],
    &[512],
    &[513],
    &[1024],
    &[5000],
    &[3, 5],
    &[7, 170],
    &[40, 64],
    &[333, 100],
    &[100, 512],
    &[37, 640],
    &[19, 1536],
    &[2, 3, 4, 5, 6, 7],
    &[1100, 512],
    &[1025, 600],
    &[20_000, 3],
];

fn bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn roots_hashes_and_paths_equal_the_definition_on_every_shape_and_engine() {
    for engine in Engine::available() {
        let hasher = Hasher::new(engine);
        assert_eq!(hasher.engine(), engine);
        for (index, dims) in SHAPES.into_iter().enumerate() {
            let dtype = Dtype::ALL[index % 4];
            let layout = TensorLayout::new(index as Slot, dtype, TensorKind::Temp, dims);
            let data = bytes(layout.bytes() as usize, index as u64);
            let context = format!("{engine:?} {dtype:?} {dims:?}");
            let root = layout.root(&data).unwrap();
            let fast = hasher.tensor(0, &layout, &data).unwrap();
            assert_eq!((fast.root, Some(fast.hash)), (root, layout.hash(&data)), "{context}");
            let tree = hasher.tree(0, &layout, &data).unwrap();
            assert_eq!(tree.root(), fast, "{context}");
            let positions = layout.row_groups() << layout.row_depth();
            for position in (0..positions).step_by(1 + positions as usize / 7).chain([positions - 1, positions]) {
                assert_eq!(tree.path(position), layout.path(&data, position), "{context} at {position}");
            }
        }
    }
}

#[test]
fn every_length_of_leaf_is_hashed_alike() {
    // one row a leaf: the leaf is as long as the row
    for engine in Engine::available() {
        let hasher = Hasher::new(engine);
        for width in 257..=LEAF_BYTES {
            let layout = TensorLayout::new(9, Dtype::U8, TensorKind::Param, &[17, width]);
            let data = bytes(layout.bytes() as usize, u64::from(width));
            assert_eq!(
                hasher.tensor(9, &layout, &data).unwrap().root,
                layout.root(&data).unwrap(),
                "{engine:?} {width}"
            );
        }
        for width in 1..=256 {
            let layout = TensorLayout::new(9, Dtype::I8, TensorKind::Param, &[23, LEAF_BYTES + width]);
            let data = bytes(layout.bytes() as usize, u64::from(width));
            assert_eq!(
                hasher.tensor(9, &layout, &data).unwrap().root,
                layout.root(&data).unwrap(),
                "{engine:?} {width}"
            );
        }
    }
}

#[test]
fn data_of_the_wrong_length_is_refused() {
    let layout = TensorLayout::new(4, Dtype::I16, TensorKind::Temp, &[3, 7]);
    for given in [0, 41, 43] {
        let error = KernelError::Size { slot: 4, expected: 42, given };
        assert_eq!(Hasher::default().tensor(4, &layout, &vec![0; given]), Err(error.clone()));
        assert_eq!(Hasher::default().tree(4, &layout, &vec![0; given]), Err(error));
    }
}

#[test]
fn the_roots_of_a_job_equal_the_definition() {
    let hasher = Hasher::default();
    let mut several = 0;
    for vector in vectors(Level::SelfTest) {
        let graph = vector.resolve().unwrap();
        let given: Vec<&[u8]> = (0..graph.tensors.len() as Slot)
            .map(|slot| vector.inputs.get(&slot).or(vector.params.get(&slot)).map_or(&[][..], |bytes| bytes))
            .collect();
        let trace = semantics::run(&graph, &given).unwrap();
        let all: TensorSet =
            trace.tensors.iter().enumerate().map(|(slot, bytes)| (slot as Slot, bytes.as_slice().into())).collect();
        let hashes = |slots: Vec<Slot>| -> Vec<[u8; 32]> {
            let hash = |slot: &Slot| {
                graph.tensors[usize::from(*slot)].layout.hash(&trace.tensors[usize::from(*slot)]).unwrap()
            };
            slots.iter().map(hash).collect()
        };
        let params = hashes(graph.slots_of(TensorKind::Param));
        let inputs = hashes(graph.slots_of(TensorKind::Input));
        let expected = ResolvedGraph::tensors_root(ListRole::Params, &params);
        assert_eq!(hasher.params_root(&graph, &vector.params), Ok(expected));
        let expected = ResolvedGraph::tensors_root(ListRole::Inputs, &inputs);
        assert_eq!(hasher.inputs_root(&graph, &vector.inputs), Ok(expected));
        for segment in 0..graph.segments.len() as u16 {
            let expected = ResolvedGraph::segment_root(segment, &hashes(graph.segment_slots(segment)));
            assert_eq!(hasher.segment_root(&graph, segment, &all), Ok(expected));
        }
        let boundary = hasher.boundary(&graph, &all).unwrap();
        let leaves = hashes(graph.boundary.iter().map(|entry| entry.slot).collect());
        assert_eq!(boundary.merkle_root, merkle_root(&leaves));
        assert_eq!(boundary.root, list_root(ListRole::Boundary, leaves.len() as u32, &boundary.merkle_root));
        several += usize::from(leaves.len() > 1);
        for position in 0..leaves.len() as u16 {
            let path = boundary.path(position).unwrap();
            let leaf = leaves[usize::from(position)];
            assert_eq!(referee::commit::root_from_path(&leaf, u32::from(position), &path), Some(boundary.merkle_root));
        }
        assert_eq!(boundary.path(leaves.len() as u16), None);
        assert_eq!(boundary, Boundary::new(leaves));

        let mut missing = all.clone();
        let slot = graph.boundary[0].slot;
        missing.remove(&slot);
        assert_eq!(hasher.boundary(&graph, &missing), Err(KernelError::Missing { slot }));
    }
    assert!(several > 0, "no vector has a boundary of several tensors");
}
