//! Commitments: the layout in leaves, openings that hold and forgeries that do not.

mod common;

use common::{Draw, linear, random_graph, random_values, run_graph};
use referee::commit::{
    DescriptorKind, EMPTY_LEAF, Hash, LAYOUT_VERSION, LEAF_BYTES, ListRole, TensorLayout, commitment, depth_for,
    descriptor_hash, graph_hash, leaf_hash, list_root, merkle_path, merkle_root, node_hash, root_from_path,
    segment_hash, sha256, tensor_hash, tensor_uid,
};
use referee::graph::{Descriptor, Dtype, Graph, Header, IR_VERSION, NOWHERE, Placement, ResolvedGraph, TensorKind};

fn layouts() -> Vec<(Vec<u32>, TensorLayout)> {
    let shapes: &[&[u32]] = &[
        &[1],
        &[7],
        &[511],
        &[512],
        &[513],
        &[1, 1],
        &[3, 100],
        &[9, 128],
        &[10, 129],
        &[5, 256],
        &[3, 257],
        &[2, 3, 171],
        &[4, 512],
        &[3, 700],
        &[2, 1025],
        &[1, 2049],
        &[700, 1],
        &[2, 2, 2, 2, 3, 5],
    ];
    let mut layouts = Vec::new();
    for (slot, dims) in (0..).zip(shapes) {
        for dtype in Dtype::ALL {
            layouts.push((dims.to_vec(), TensorLayout::new(slot, dtype, TensorKind::Temp, dims)));
        }
    }
    layouts
}

fn data(layout: &TensorLayout, seed: u64) -> Vec<u8> {
    let mut draw = Draw::new(seed);
    (0..layout.bytes()).map(|_| draw.next() as u8).collect()
}

#[test]
fn every_element_lies_whole_in_one_leaf_and_leaves_cover_the_tensor_once() {
    for (dims, layout) in layouts() {
        let elements: u32 = dims.iter().product();
        let size = layout.dtype.bytes();
        assert_eq!(layout.bytes(), u64::from(elements) * u64::from(size));
        for element in 0..elements {
            let at = layout.address(element);
            let range = layout.leaf_range(at.position).unwrap();
            assert_eq!(range.start + u64::from(at.offset), u64::from(element) * u64::from(size), "{dims:?} {element}");
            assert!(u64::from(at.offset + size) <= range.end - range.start);
        }
        let positions = layout.row_groups() << layout.row_depth();
        let ranges: Vec<_> = (0..positions).filter_map(|position| layout.leaf_range(position)).collect();
        assert_eq!(ranges.len() as u32, layout.leaves());
        assert_eq!(ranges.first().unwrap().start, 0);
        assert_eq!(ranges.last().unwrap().end, layout.bytes());
        assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{dims:?}");
        assert!(ranges.iter().all(|range| range.end - range.start <= u64::from(LEAF_BYTES)));
        assert_eq!(layout.depth(), depth_for(positions), "{dims:?}");
        // No leaf cuts a row that fits a leaf.
        if layout.leaves_per_row == 1 {
            assert!(ranges.iter().all(|range| range.start % u64::from(layout.row_bytes) == 0));
        } else {
            assert!(layout.row_bytes > LEAF_BYTES && layout.leaves_per_row == layout.row_bytes.div_ceil(LEAF_BYTES));
        }
        for beyond in [positions, positions + 1, u32::MAX] {
            assert_eq!(layout.leaf_range(beyond), None);
        }
    }
}

#[test]
fn every_leaf_opens_and_nothing_else_does() {
    for (index, (dims, layout)) in layouts().into_iter().enumerate() {
        let data = data(&layout, index as u64);
        let root = layout.root(&data).unwrap();
        let mut draw = Draw::new(77 + index as u64);
        for position in 0..layout.row_groups() << layout.row_depth() {
            let Some(range) = layout.leaf_range(position) else {
                assert_eq!(layout.path(&data, position), None, "padding does not open");
                continue;
            };
            let leaf = &data[range.start as usize..range.end as usize];
            let path = layout.path(&data, position).unwrap();
            assert_eq!(path.len(), usize::from(layout.depth()));
            assert!(layout.verify(&root, position, leaf, &path), "{dims:?} at {position}");

            let mut other = leaf.to_vec();
            let byte = draw.below(other.len() as u64) as usize;
            other[byte] ^= 1 << draw.below(8);
            assert!(!layout.verify(&root, position, &other, &path), "another byte");
            assert!(!layout.verify(&root, position, &leaf[1..], &path), "a byte less");
            assert!(!layout.verify(&root, position, &[leaf, &[0]].concat(), &path), "a byte more");
            assert!(!layout.verify(&root, position + 1, leaf, &path), "another position");
            assert!(!layout.verify(&root, position | 1 << 31, leaf, &path), "a bit that the path does not consume");
            assert!(!layout.verify(&root, position, leaf, &[&path[..], &[EMPTY_LEAF]].concat()), "a longer path");
            if let Some((_, shorter)) = path.split_last() {
                assert!(!layout.verify(&root, position, leaf, shorter), "a shorter path");
                let mut forged = path.clone();
                let level = draw.below(path.len() as u64) as usize;
                forged[level][draw.below(32) as usize] ^= 1;
                assert!(!layout.verify(&root, position, leaf, &forged), "another sibling");
            }
            assert!(!layout.verify(&EMPTY_LEAF, position, leaf, &path), "another root");
            for stranger in [
                TensorLayout { dtype: other_dtype(layout.dtype), ..layout.clone() },
                TensorLayout { kind: TensorKind::Param, ..layout.clone() },
                TensorLayout { uid: [9; 8], ..layout.clone() },
            ] {
                assert!(!stranger.verify(&root, position, leaf, &path), "another tensor's header");
            }
        }
    }
}

fn other_dtype(dtype: Dtype) -> Dtype {
    if dtype == Dtype::I8 { Dtype::U8 } else { Dtype::I8 }
}

#[test]
fn the_whole_row_of_a_wide_tensor_is_one_subtree() {
    let layout = TensorLayout::new(3, Dtype::I32, TensorKind::Param, &[5, 700]);
    let data = data(&layout, 1);
    let leaves = layout.leaf_hashes(&data).unwrap();
    let width = 1 << layout.row_depth();
    let mut rows: Vec<Hash> = leaves.chunks(width).map(merkle_root).collect();
    assert_eq!(rows.len(), 5);
    rows.resize(8, merkle_root(&[EMPTY_LEAF; 8]));
    assert_eq!(merkle_root(&rows), layout.root(&data).unwrap());
    assert_eq!(leaves[width - 1], EMPTY_LEAF, "6 leaves are padded to 8");
}

#[test]
fn tensors_of_the_wrong_size_have_no_root() {
    let layout = TensorLayout::new(0, Dtype::I16, TensorKind::Input, &[3, 5]);
    for length in [0, 29, 31] {
        assert_eq!(layout.root(&vec![0; length]), None);
        assert_eq!(layout.path(&vec![0; length], 0), None);
    }
    assert!(layout.hash(&[0; 30]).is_some());
}

#[test]
fn the_uid_binds_slot_type_kind_and_shape() {
    let uids = [
        tensor_uid(1, Dtype::I8, TensorKind::Input, &[2, 3]),
        tensor_uid(2, Dtype::I8, TensorKind::Input, &[2, 3]),
        tensor_uid(1, Dtype::U8, TensorKind::Input, &[2, 3]),
        tensor_uid(1, Dtype::I8, TensorKind::Param, &[2, 3]),
        tensor_uid(1, Dtype::I8, TensorKind::Input, &[3, 2]),
        tensor_uid(1, Dtype::I8, TensorKind::Input, &[6]),
        tensor_uid(1, Dtype::I8, TensorKind::Input, &[2, 3, 1]),
    ];
    for (index, uid) in uids.iter().enumerate() {
        assert!(uids[..index].iter().all(|other| other != uid), "{index}");
    }
}

#[test]
fn every_hash_is_the_one_that_the_specification_lists() {
    let layout = TensorLayout::new(0x0102, Dtype::I16, TensorKind::Temp, &[3, 5]);
    let uid = sha256(&[&[0x07, 0x02, 0x01, 2, 2, 2, 3, 0, 0, 0, 5, 0, 0, 0]]);
    assert_eq!(layout.uid, uid[..8]);
    let leaf = [&[0x00, LAYOUT_VERSION, 2, 2, 9, 0, 0, 0][..], &uid[..8], b"data"].concat();
    assert_eq!(leaf_hash(&layout.leaf_header(9), b"data"), sha256(&[&leaf]));
    let (a, b) = ([1; 32], [2; 32]);
    assert_eq!(node_hash(&a, &b), sha256(&[&[&[0x01][..], &a, &b].concat()]));
    assert_eq!(EMPTY_LEAF, sha256(&[&[0x02]]));
    let tensor = [&[0x03][..], &uid[..8], &[4, 0, 0, 0, 2], &a].concat();
    assert_eq!(tensor_hash(&layout.uid, 4, 2, &a), sha256(&[&tensor]));
    assert_eq!(segment_hash(7, 300, &a), sha256(&[&[&[0x04, 7, 0, 0, 0, 0x2c, 1, 0, 0][..], &a].concat()]));
    assert_eq!(graph_hash(1, 5, &a), sha256(&[&[&[0x05, 1, 0, 5, 0, 0, 0, 3][..], &a].concat()]));
    assert_eq!(commitment(&a, &b, &[3; 32]), sha256(&[&[&[0x06][..], &a, &b, &[3; 32]].concat()]));
    for (role, byte) in [(ListRole::Params, 0), (ListRole::Inputs, 1), (ListRole::Boundary, 2)] {
        assert_eq!(list_root(role, 5, &a), sha256(&[&[&[0x08, byte, 5, 0, 0, 0, 3][..], &a].concat()]));
    }
    let kinds = [DescriptorKind::Header, DescriptorKind::Tensor, DescriptorKind::Program, DescriptorKind::Op];
    for (byte, kind) in (0..).zip(kinds) {
        assert_eq!(descriptor_hash(kind, 6, b"xy"), sha256(&[&[0x09, byte, 6, 0, 0, 0, b'x', b'y']]));
    }
}

#[test]
fn the_root_of_a_graph_is_pinned() {
    // Changes when the encoding or the hashes do: then IR_VERSION or LAYOUT_VERSION must change too.
    let root: String = linear(4, 8, 64).root().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(root, "22f1ed4e37d5163171af42bc68b6d7ba357cbdbc71c39127339e5d06bc7f51fb");
}

#[test]
fn every_descriptor_opens_and_nothing_else_does() {
    for seed in 0..40 {
        let (graph, symbols) = random_graph(&mut Draw::new(seed));
        let root = graph.root();
        assert_eq!(graph.resolve(&symbols).unwrap().root, root);
        let (header_descriptor, header_path) = graph.open_descriptor(DescriptorKind::Header, 0).unwrap();
        let header = Header::decode(&header_descriptor.bytes).unwrap();
        assert!(header_descriptor.verify(&root, &header, &header_path));
        let descriptors = graph.descriptors();
        assert_eq!(header.descriptors() as usize, descriptors.len());
        for (position, descriptor) in (0..).zip(descriptors) {
            let (kind, index) = (descriptor.kind, descriptor.index);
            assert_eq!(graph.descriptor_position(kind, index), Some(position));
            let (opened, path) = graph.open_descriptor(kind, index).unwrap();
            assert_eq!(opened, descriptor);
            assert!(opened.verify(&root, &header, &path));

            let mut bytes = opened.bytes.clone();
            bytes[0] ^= 1;
            assert!(!Descriptor { bytes, ..opened.clone() }.verify(&root, &header, &path), "other bytes");
            assert!(!Descriptor { index: index + 1, ..opened.clone() }.verify(&root, &header, &path), "another index");
            let kind = if kind == DescriptorKind::Op { DescriptorKind::Tensor } else { DescriptorKind::Op };
            assert!(!Descriptor { kind, ..opened.clone() }.verify(&root, &header, &path), "another kind");
            assert!(!opened.verify(&[7; 32], &header, &path), "another graph");
            assert!(!opened.verify(&root, &header, &path[1..]), "a shorter path");
            let more = Header { ops: header.ops + 1, ..header.clone() };
            assert!(!opened.verify(&root, &more, &path), "a header of another graph");
            let version = Header { ir_version: IR_VERSION + 1, ..header.clone() };
            assert!(!opened.verify(&root, &version, &path), "another version");
        }
        assert_eq!(graph.descriptor_position(DescriptorKind::Op, graph.ops.len() as u32), None);
        assert_eq!(graph.descriptor_position(DescriptorKind::Header, 1), None);
        assert_eq!(graph.open_descriptor(DescriptorKind::Tensor, u32::MAX), None);
    }
}

/// By the words of the definition: tensors that a later segment reads, and outputs, each once, in producer order.
fn boundary_by_definition(graph: &ResolvedGraph) -> Vec<(u16, u16)> {
    let segment_of = |op: usize| {
        let within = |range: &referee::graph::SegmentRange| (range.first as usize..range.end as usize).contains(&op);
        graph.segments.iter().position(within).unwrap() as u16
    };
    let mut boundary = Vec::new();
    for (producer, op) in graph.ops.iter().enumerate() {
        for slot in &op.outputs {
            let read_later = graph.ops.iter().enumerate().any(|(reader, op)| {
                segment_of(reader) > segment_of(producer) && op.operands.iter().any(|view| view.slot == *slot)
            });
            if read_later || graph.outputs.contains(slot) {
                boundary.push((*slot, segment_of(producer)));
            }
        }
    }
    boundary
}

/// Every tensor's placement is what the lists of the resolved graph say.
fn placed(graph: &Graph, resolved: &ResolvedGraph) {
    for (slot, placement) in (0..).zip(graph.placements()) {
        let tensor = &resolved.tensors[usize::from(slot)];
        assert_eq!((tensor.placement, tensor.producer), (placement, placement.producer()));
        assert_eq!(Placement::from_bytes(&placement.to_bytes()), placement);
        let list = match placement.producer() {
            Some((op, output)) => {
                assert_eq!(resolved.ops[usize::from(op)].outputs[usize::from(output)], slot);
                assert_eq!(placement.segment, resolved.segment_of(op));
                resolved.segment_slots(placement.segment)
            }
            None => {
                assert_eq!((placement.output, placement.segment), (0, NOWHERE));
                resolved.slots_of(tensor.kind)
            }
        };
        assert_eq!((list.len(), list[usize::from(placement.position)]), (usize::from(placement.count), slot));
        let position = resolved.boundary.iter().position(|entry| entry.slot == slot);
        assert_eq!(placement.boundary_position().map(usize::from), position);
    }
}

#[test]
fn the_boundary_and_the_segments_are_as_defined() {
    for seed in 0..200 {
        let mut draw = Draw::new(6_000_000 + seed);
        let (graph, symbols) = random_graph(&mut draw);
        let resolved = graph.resolve(&symbols).unwrap();
        let boundary: Vec<_> = resolved.boundary.iter().map(|entry| (entry.slot, entry.segment)).collect();
        assert_eq!(boundary, boundary_by_definition(&resolved), "seed {seed}");
        for (position, (slot, _)) in (0..).zip(&boundary) {
            assert_eq!(resolved.boundary_position(*slot), Some(position));
        }
        assert_eq!(resolved.boundary_position(u16::MAX), None);
        assert_eq!(resolved.segments.len(), graph.cuts.len() + 1);
        let starts: Vec<u16> = resolved.segments.iter().skip(1).map(|segment| segment.first).collect();
        assert_eq!(starts, graph.cuts);
        placed(&graph, &resolved);
        let traced: Vec<u16> = (0..resolved.segments.len() as u16).flat_map(|s| resolved.segment_slots(s)).collect();
        let produced: Vec<u16> = graph.ops.iter().flat_map(|op| op.outputs.clone()).collect();
        assert_eq!(traced, produced, "every Temp is in the trace of one segment");

        // The whole chain: tensors to boundary root to commitment; one changed element changes it.
        let values = random_values(&mut draw, &resolved);
        let mut trace = run_graph(&resolved, &values);
        let root = |trace: &referee::semantics::Trace| {
            let hash = |entry: &referee::graph::BoundarySlot| {
                let slot = usize::from(entry.slot);
                resolved.tensors[slot].layout.hash(&trace.tensors[slot]).unwrap()
            };
            let hashes: Vec<Hash> = resolved.boundary.iter().map(hash).collect();
            let path = merkle_path(&hashes, 0).unwrap();
            assert_eq!(root_from_path(&hashes[0], 0, &path), Some(merkle_root(&hashes)));
            ResolvedGraph::tensors_root(ListRole::Boundary, &hashes)
        };
        let honest = root(&trace);
        let slot = usize::from(draw.pick(&resolved.boundary).slot);
        let byte = draw.below(trace.tensors[slot].len() as u64) as usize;
        trace.tensors[slot][byte] ^= 1;
        assert_ne!(root(&trace), honest, "seed {seed}");
    }
}
