//! Whatever a proof lacks or forges is rejected by name, and never convicts.

mod common;

use common::{Court, Draw, linear, random_values, run_graph, single, tensor};
use referee::commit::{DescriptorKind, Hash, leaf_hash, node_hash};
use referee::graph::{Dtype, Graph, IR_VERSION, Instruction as I, OpKind, Placement, ResolvedGraph, TensorKind};
use referee::proof::build::GraphTree;
use referee::proof::{Fault, Finding, Pinned, Rejection, Source, judge, verify_tensor};

/// A proof taken apart: what a forger can change.
#[derive(Clone)]
struct Parts {
    kind: u8,
    descriptors: Vec<(u8, u16, Vec<u8>)>,
    descriptor_siblings: Vec<Hash>,
    op: u16,
    output: u8,
    element: u32,
    claimed: u8,
    lists: Vec<List>,
    strips: Vec<Strip>,
}

#[derive(Clone)]
struct List {
    source: u8,
    members: Vec<(u16, Hash)>,
    siblings: Vec<Hash>,
}

#[derive(Clone)]
struct Strip {
    source: u8,
    slot: u16,
    first: u32,
    positions: u16,
    data: Vec<u8>,
    siblings: Vec<Hash>,
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take(&mut self, count: usize) -> Vec<u8> {
        let (head, rest) = self.0.split_at(count);
        self.0 = rest;
        head.to_vec()
    }
    fn u8(&mut self) -> u8 {
        self.take(1)[0]
    }
    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take(2).try_into().unwrap())
    }
    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().unwrap())
    }
    fn hashes(&mut self, count: usize) -> Vec<Hash> {
        (0..count).map(|_| self.take(32).try_into().unwrap()).collect()
    }
}

impl Parts {
    fn of(proof: &[u8]) -> Self {
        let mut c = Cursor(proof);
        let (kind, count) = (c.u8(), c.u8());
        let descriptors = (0..count)
            .map(|_| {
                let (kind, index, length) = (c.u8(), c.u16(), c.u16());
                (kind, index, c.take(length.into()))
            })
            .collect();
        let siblings = c.u16();
        let descriptor_siblings = c.hashes(siblings.into());
        let (op, output, element, claimed) = (c.u16(), c.u8(), c.u32(), c.u8());
        let count = c.u8();
        let lists = (0..count)
            .map(|_| {
                let (source, members) = (c.u8(), c.u8());
                let members = (0..members).map(|_| (c.u16(), c.hashes(1)[0])).collect();
                let siblings = c.u16();
                List { source, members, siblings: c.hashes(siblings.into()) }
            })
            .collect();
        let count = c.u8();
        let strips = (0..count)
            .map(|_| {
                let (source, slot, first, positions, length) = (c.u8(), c.u16(), c.u32(), c.u16(), c.u32());
                let data = c.take(length as usize);
                let siblings = c.u8();
                Strip { source, slot, first, positions, data, siblings: c.hashes(siblings.into()) }
            })
            .collect();
        assert!(c.0.is_empty());
        Self { kind, descriptors, descriptor_siblings, op, output, element, claimed, lists, strips }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut b = vec![self.kind, self.descriptors.len() as u8];
        for (kind, index, bytes) in &self.descriptors {
            b.push(*kind);
            b.extend(index.to_le_bytes());
            b.extend((bytes.len() as u16).to_le_bytes());
            b.extend(bytes);
        }
        b.extend((self.descriptor_siblings.len() as u16).to_le_bytes());
        b.extend(self.descriptor_siblings.as_flattened());
        b.extend(self.op.to_le_bytes());
        b.push(self.output);
        b.extend(self.element.to_le_bytes());
        b.push(self.claimed);
        b.push(self.lists.len() as u8);
        for list in &self.lists {
            b.extend([list.source, list.members.len() as u8]);
            for (slot, root) in &list.members {
                b.extend(slot.to_le_bytes());
                b.extend(root);
            }
            b.extend((list.siblings.len() as u16).to_le_bytes());
            b.extend(list.siblings.as_flattened());
        }
        b.push(self.strips.len() as u8);
        for strip in &self.strips {
            b.push(strip.source);
            b.extend(strip.slot.to_le_bytes());
            b.extend(strip.first.to_le_bytes());
            b.extend(strip.positions.to_le_bytes());
            b.extend((strip.data.len() as u32).to_le_bytes());
            b.extend(&strip.data);
            b.push(strip.siblings.len() as u8);
            b.extend(strip.siblings.as_flattened());
        }
        b
    }
}

/// A linear layer with long rows: inputs 0, weights 1, scales 2, result 3.
fn layer() -> Graph {
    linear(6, 5, 700)
}

/// A court over a layer whose element 17 was changed, and the proof of that.
fn convicting() -> (Court, Vec<u8>) {
    let graph = layer();
    let resolved = graph.resolve(&[]).unwrap();
    let values = random_values(&mut Draw::new(3), &resolved);
    let mut trace = run_graph(&resolved, &values).tensors;
    trace[3][17] ^= 0x40;
    let court = Court::new(&graph, &resolved, &trace, 0);
    let proof = court.proof(3, 17, Source::Boundary).unwrap();
    (court, proof)
}

/// What comes of a proof with one change.
fn changed(change: impl FnOnce(&mut Parts)) -> Result<Finding, Rejection> {
    let (court, proof) = convicting();
    let mut parts = Parts::of(&proof);
    assert_eq!(parts.bytes(), proof);
    change(&mut parts);
    court.judge(&parts.bytes())
}

fn strip(parts: &mut Parts, slot: u16) -> &mut Strip {
    parts.strips.iter_mut().find(|strip| strip.slot == slot).unwrap()
}

#[test]
fn the_proof_itself_convicts() {
    let (court, proof) = convicting();
    let finding = court.judge(&proof).unwrap();
    assert!(!finding.uses_segment);
    assert!(matches!(finding.fault, Fault::Element { op: 0, slot: 3, element: 17, .. }));
}

#[test]
fn every_length_but_the_right_one_is_rejected() {
    let (court, proof) = convicting();
    for length in 0..proof.len() {
        let rejection = court.judge(&proof[..length]).unwrap_err();
        assert!(matches!(rejection, Rejection::Truncated), "{length}: {rejection}");
    }
    assert_eq!(court.judge(&[&proof[..], &[0]].concat()), Err(Rejection::TrailingBytes));
    assert_eq!(court.judge(&vec![0; 32 * 1024 + 1]), Err(Rejection::TooLong));
}

#[test]
fn no_flipped_bit_convicts_of_anything_else() {
    let (court, proof) = convicting();
    let finding = court.judge(&proof);
    for at in 0..proof.len() {
        for bit in 0..8 {
            let mut other = proof.clone();
            other[at] ^= 1 << bit;
            match court.judge(&other) {
                Err(_) => {}
                // Bytes that nothing reads do not exist: what convicts says the same.
                convicted => assert_eq!(convicted, finding, "byte {at}, bit {bit}"),
            }
            assert!(court.judge(&other).is_err(), "byte {at}, bit {bit} does not matter");
        }
    }
}

#[test]
fn heads_and_descriptors() {
    let rejected = |change: fn(&mut Parts), rejection: Rejection| assert_eq!(changed(change), Err(rejection));
    rejected(|p| p.kind = 2, Rejection::UnknownKind);
    rejected(|p| p.descriptors = vec![p.descriptors[0].clone(); 12], Rejection::TooMany);
    rejected(|p| drop(p.descriptors.remove(0)), Rejection::HeaderMissing);
    rejected(|p| p.descriptors.clear(), Rejection::HeaderMissing);
    rejected(|p| p.descriptors.swap(1, 2), Rejection::DescriptorOrder);
    rejected(|p| p.descriptors.insert(2, p.descriptors[1].clone()), Rejection::DescriptorOrder);
    rejected(|p| p.descriptors[1].0 = 9, Rejection::DescriptorIndex);
    rejected(|p| p.descriptors[4].1 = 4, Rejection::DescriptorIndex);
    rejected(|p| p.descriptors[0].2.truncate(5), Rejection::DescriptorBytes);
    rejected(|p| p.descriptors[0].2[0] = 2, Rejection::DescriptorBytes);
    // A count of the header that is not the graph's moves every descriptor, or the depth.
    rejected(|p| p.descriptors[0].2[3] += 1, Rejection::GraphRoot);
    rejected(|p| p.descriptors[1].2[0] ^= 1, Rejection::GraphRoot);
    rejected(|p| p.descriptor_siblings.push([0; 32]), Rejection::GraphRoot);
    rejected(|p| drop(p.descriptors.pop()), Rejection::GraphRoot);
    // The descriptor of one kind as that of another.
    rejected(|p| p.descriptors[5].0 = DescriptorKind::Tensor as u8, Rejection::DescriptorOrder);
    rejected(|p| p.descriptors[4].0 = DescriptorKind::Program as u8, Rejection::DescriptorIndex);
}

#[test]
fn other_roots_versions_and_placements() {
    let (court, proof) = convicting();
    let with = |change: fn(&mut Pinned)| {
        let mut pinned = court.pinned();
        change(&mut pinned);
        judge(&proof, &pinned)
    };
    assert_eq!(with(|p| p.graph_root[0] ^= 1), Err(Rejection::GraphRoot));
    assert_eq!(with(|p| p.ir_version += 1), Err(Rejection::IrVersion));
    assert_eq!(with(|p| p.params_root[0] ^= 1), Err(Rejection::ListRoot));
    assert_eq!(with(|p| p.inputs_root[0] ^= 1), Err(Rejection::ListRoot));
    assert_eq!(with(|p| p.boundary_root[0] ^= 1), Err(Rejection::ListRoot));
    assert_eq!(with(|p| p.boundary_count += 1), Err(Rejection::ListRoot));
    assert_eq!(with(|p| p.boundary_count = 0), Err(Rejection::Malformed));
    // A forged placement is another descriptor, and so not of this root.
    let forged = changed(|p| {
        let bytes = &mut p.descriptors.iter_mut().find(|d| d.0 == 1 && d.1 == 3).unwrap().2;
        let at = bytes.len() - Placement::BYTES;
        bytes[at] ^= 1;
    });
    assert_eq!(forged, Err(Rejection::GraphRoot));
}

#[test]
fn claims() {
    let rejected = |change: fn(&mut Parts), rejection: Rejection| assert_eq!(changed(change), Err(rejection));
    rejected(|p| p.op = 1, Rejection::DescriptorMissing);
    rejected(|p| p.output = 1, Rejection::WrongOutput);
    rejected(|p| p.claimed = 0, Rejection::WrongOutput);
    rejected(|p| p.claimed = 3, Rejection::ClaimMissing);
    rejected(|p| p.claimed = 4, Rejection::UnknownSource);
    rejected(|p| p.element = 30, Rejection::ElementRange);
    rejected(|p| p.element = u32::MAX, Rejection::ElementRange);
    // Its neighbour is in the leaf and right.
    rejected(|p| p.element = 16, Rejection::OperandMissing);
    rejected(|p| p.strips.retain(|strip| strip.slot != 3), Rejection::ClaimMissing);
}

#[test]
fn lists() {
    let rejected = |change: fn(&mut Parts), rejection: Rejection| assert_eq!(changed(change), Err(rejection));
    rejected(|p| p.lists[0].source = 4, Rejection::UnknownSource);
    rejected(|p| p.lists.swap(0, 1), Rejection::ListOrder);
    rejected(|p| p.lists.insert(1, p.lists[0].clone()), Rejection::ListOrder);
    rejected(|p| p.lists[0].members.swap(0, 1), Rejection::ListOrder);
    rejected(|p| p.lists[0].members[1] = p.lists[0].members[0], Rejection::ListOrder);
    rejected(|p| p.lists[0].members = vec![p.lists[0].members[0]; 8], Rejection::TooMany);
    rejected(|p| p.lists = vec![p.lists[0].clone(); 5], Rejection::TooMany);
    rejected(|p| p.lists[0].members.clear(), Rejection::ListRoot);
    rejected(|p| p.lists[0].members[0].1[0] ^= 1, Rejection::ListRoot);
    rejected(|p| p.lists[0].siblings.push([0; 32]), Rejection::ListRoot);
    // Params as inputs, inputs as params, the result as either.
    rejected(|p| p.lists[0].members[0].0 = 0, Rejection::WrongSource);
    rejected(|p| p.lists[1].members[0].0 = 1, Rejection::WrongSource);
    rejected(|p| p.lists[2].members[0].0 = 1, Rejection::WrongSource);
    rejected(|p| p.lists[1].members[0].0 = 3, Rejection::WrongSource);
    // A tensor that is not opened.
    rejected(|p| p.lists[1].members[0].0 = 8, Rejection::DescriptorMissing);
}

#[test]
fn strips() {
    let rejected = |change: fn(&mut Parts), rejection: Rejection| assert_eq!(changed(change), Err(rejection));
    rejected(|p| p.strips.swap(0, 1), Rejection::StripOrder);
    rejected(|p| p.strips.insert(1, p.strips[0].clone()), Rejection::StripOrder);
    rejected(|p| p.strips[0].source = 7, Rejection::UnknownSource);
    rejected(|p| p.strips[0].slot = 0, Rejection::StripMember);
    rejected(|p| strip(p, 3).source = 3, Rejection::StripMember);
    rejected(|p| strip(p, 0).positions = 0, Rejection::StripRange);
    rejected(|p| strip(p, 0).positions = 129, Rejection::StripRange);
    rejected(|p| strip(p, 0).first = u32::MAX, Rejection::StripRange);
    rejected(|p| strip(p, 0).first = 1 << 20, Rejection::StripRange);
    rejected(|p| strip(p, 0).positions += 40, Rejection::StripRange);
    rejected(|p| strip(p, 0).data.truncate(699), Rejection::StripData);
    rejected(|p| strip(p, 0).data.push(0), Rejection::StripData);
    rejected(|p| strip(p, 0).data[9] ^= 1, Rejection::StripRoot);
    rejected(|p| strip(p, 0).first += 2, Rejection::StripRoot);
    rejected(|p| strip(p, 0).siblings.truncate(1), Rejection::StripRoot);
    rejected(|p| strip(p, 0).siblings.push([0; 32]), Rejection::StripRoot);
    rejected(|p| strip(p, 0).siblings[0][0] ^= 1, Rejection::StripRoot);
    rejected(|p| p.strips.retain(|strip| strip.slot != 0), Rejection::OperandMissing);
}

#[test]
fn strips_that_overlap_are_rejected_and_strips_side_by_side_are_not() {
    let graph = layer();
    let resolved = graph.resolve(&[]).unwrap();
    let (court, proof) = convicting();
    let layout = &resolved.tensors[0].layout;
    // The row of the input is two leaves: as two strips of one leaf each, the sibling of each is the other.
    let row = Parts::of(&proof).strips.iter().find(|strip| strip.slot == 0).unwrap().clone();
    assert_eq!((row.positions, row.data.len()), (2, 700));
    let hash = |position: u32, data: &[u8]| leaf_hash(&layout.leaf_header(position), data);
    let single = |position: u32, data: &[u8], neighbour: Hash| Strip {
        first: position,
        positions: 1,
        data: data.to_vec(),
        siblings: [&[neighbour], &row.siblings[..]].concat(),
        ..row.clone()
    };
    let (one, other) = row.data.split_at(512);
    let first = single(row.first, one, hash(row.first + 1, other));
    let second = single(row.first + 1, other, hash(row.first, one));
    let with = |strips: Vec<Strip>| {
        let mut parts = Parts::of(&proof);
        parts.strips.retain(|strip| strip.slot != 0);
        let at = parts.strips.iter().position(|strip| strip.source > 1).unwrap();
        parts.strips.splice(at..at, strips);
        court.judge(&parts.bytes())
    };
    assert_eq!(with(vec![first.clone(), second.clone()]), court.judge(&proof));
    assert_eq!(with(vec![row.clone(), second.clone()]), Err(Rejection::StripOrder), "the strips overlap");
    assert_eq!(with(vec![second, first]), Err(Rejection::StripOrder));
}

#[test]
fn a_node_is_no_leaf_and_a_leaf_no_node() {
    // 64 bytes of data that are two hashes: the leaf over them is not the node over them.
    let (a, b) = ([1u8; 32], [2u8; 32]);
    let graph = layer();
    let layout = &graph.resolve(&[]).unwrap().tensors[3].layout.clone();
    let data = [a, b].concat();
    assert_ne!(leaf_hash(&layout.leaf_header(0), &data), node_hash(&a, &b));
    // A strip whose "leaf" is an inner node: its data cannot have the length of the range.
    let rejected = changed(|p| {
        let strip = strip(p, 0);
        let leaves = strip.data.split_at(512);
        let hashes = [sha(leaves.0), sha(leaves.1)].concat();
        (strip.positions, strip.data) = (1, hashes);
    });
    assert_eq!(rejected, Err(Rejection::StripData));
}

fn sha(data: &[u8]) -> Hash {
    referee::commit::sha256(&[data])
}

#[test]
fn a_leaf_of_another_tensor_or_graph_is_rejected() {
    // The same weights under another input of the same shape, in a graph with both.
    let rows = [4u32, 64];
    let tensors = vec![tensor(Dtype::I8, TensorKind::Input, &rows), tensor(Dtype::I8, TensorKind::Input, &rows)];
    let mut graph = single(OpKind::Map, tensors, &[Dtype::I8], &rows, &[]);
    graph.ops[0].operands =
        vec![common::along(0, &rows, &[Some(0), Some(1)]), common::along(1, &rows, &[Some(0), Some(1)])];
    graph.programs[0].code = vec![
        I::Load { d: 0, operand: 0 },
        I::Load { d: 1, operand: 1 },
        I::Sub { d: 0, a: 0, b: 1 },
        I::Store { output: 0, a: 0 },
    ];
    let resolved = graph.resolve(&[]).unwrap();
    let values = random_values(&mut Draw::new(8), &resolved);
    let trace = run_graph(&resolved, &values).tensors;
    let court = Court::new(&graph, &resolved, &trace, 0);
    let proof = court.proof(2, 70, Source::Boundary).unwrap();
    assert_eq!(court.judge(&proof), Err(Rejection::NoFault));
    let mut parts = Parts::of(&proof);
    let (a, b) = (parts.strips[0].data.clone(), parts.strips[1].data.clone());
    (parts.strips[0].data, parts.strips[1].data) = (b, a);
    assert_eq!(court.judge(&parts.bytes()), Err(Rejection::StripRoot));
    let mut parts = Parts::of(&proof);
    let members = &mut parts.lists[0].members;
    (members[0].1, members[1].1) = (members[1].1, members[0].1);
    assert_eq!(court.judge(&parts.bytes()), Err(Rejection::ListRoot));
}

/// Two segments: 2 = copy of 0 (segment 0, crosses), 3 = copy of 2 (segment 1, the output); 4, inside segment 0.
fn two_segments() -> (Graph, ResolvedGraph) {
    let rows = [3u32, 40];
    let mut graph = single(OpKind::Map, vec![tensor(Dtype::I8, TensorKind::Input, &rows)], &[Dtype::I8], &rows, &[]);
    graph.programs[0].code = vec![I::Load { d: 0, operand: 0 }, I::Store { output: 0, a: 0 }];
    graph.ops[0].operands = vec![common::along(0, &rows, &[Some(0), Some(1)])];
    for slot in [2, 3] {
        graph.tensors.push(tensor(Dtype::I8, TensorKind::Temp, &rows));
        let mut op = graph.ops[0].clone();
        (op.outputs, op.operands[0].slot) = (vec![slot], slot - 1);
        graph.ops.push(op);
    }
    (graph.cuts, graph.outputs) = (vec![2], vec![3]);
    let resolved = graph.resolve(&[]).unwrap();
    (graph, resolved)
}

#[test]
fn segments_are_not_one_another_and_not_the_boundary() {
    let (graph, resolved) = two_segments();
    let values = random_values(&mut Draw::new(8), &resolved);
    let mut trace = run_graph(&resolved, &values).tensors;
    // Tensor 1 is inside segment 0, tensor 2 crosses into segment 1.
    assert_eq!((resolved.boundary_position(1), resolved.boundary_position(2)), (None, Some(0)));
    trace[1][5] ^= 1;
    trace[2][5] ^= 1;
    let court = Court::new(&graph, &resolved, &trace, 0);
    let proof = court.proof(1, 5, Source::Segment).unwrap();
    assert!(court.judge(&proof).unwrap().uses_segment);
    let with = |change: fn(&mut Pinned)| {
        let mut pinned = court.pinned();
        change(&mut pinned);
        judge(&proof, &pinned)
    };
    assert_eq!(with(|p| p.segment = None), Err(Rejection::SegmentMissing));
    assert_eq!(with(|p| p.segment.as_mut().unwrap().index = 1), Err(Rejection::WrongSource));
    assert_eq!(with(|p| p.segment.as_mut().unwrap().root[0] ^= 1), Err(Rejection::ListRoot));
    let mut parts = Parts::of(&proof);
    let at = parts.lists.iter().position(|list| list.source == 3).unwrap();
    parts.lists[at].source = 2;
    assert_eq!(court.judge(&parts.bytes()), Err(Rejection::WrongSource), "it does not stand in the boundary");
    // The root of a segment is none of a list, and the other way round.
    let mut pinned = court.pinned();
    pinned.boundary_root = pinned.segment.unwrap().root;
    let of_boundary = court.proof(2, 5, Source::Boundary).unwrap();
    assert_eq!(judge(&of_boundary, &pinned), Err(Rejection::ListRoot));
}

#[test]
fn two_hashes_of_one_tensor_convict_and_one_does_not() {
    let (graph, resolved) = two_segments();
    let values = random_values(&mut Draw::new(8), &resolved);
    let trace = run_graph(&resolved, &values).tensors;
    let mut other = trace.clone();
    other[2][7] ^= 1;
    let honest = Court::new(&graph, &resolved, &trace, 0);
    assert_eq!(honest.judge(&honest.mismatch(2).unwrap()), Err(Rejection::EqualHashes));
    let torn = Court::torn(&graph, &resolved, &trace, &other, 0);
    let proof = torn.mismatch(2).unwrap();
    let finding = torn.judge(&proof).unwrap();
    let hash = |tensors: &[Vec<u8>]| resolved.tensors[2].layout.hash(&tensors[2]).unwrap();
    let fault = Fault::Mismatch { slot: 2, boundary: hash(&trace), segment: hash(&other) };
    assert_eq!(finding, Finding { fault, uses_segment: true });

    for at in 0..proof.len() {
        let mut damaged = proof.clone();
        damaged[at] ^= 1;
        assert!(torn.judge(&damaged).is_err(), "byte {at}");
        assert_eq!(torn.judge(&proof[..at]), Err(Rejection::Truncated));
    }
    assert_eq!(torn.judge(&[&proof[..], &[0]].concat()), Err(Rejection::TrailingBytes));
    let with = |change: fn(&mut Pinned)| {
        let mut pinned = torn.pinned();
        change(&mut pinned);
        judge(&proof, &pinned)
    };
    assert_eq!(with(|p| p.segment = None), Err(Rejection::SegmentMissing));
    assert_eq!(with(|p| p.segment.as_mut().unwrap().index = 1), Err(Rejection::NotCompared));
    assert_eq!(with(|p| p.boundary_root[3] ^= 1), Err(Rejection::BoundaryPath));
    assert_eq!(with(|p| p.segment.as_mut().unwrap().root[3] ^= 1), Err(Rejection::SegmentPath));
    assert!(torn.mismatch(1).is_err(), "tensor 1 is in one tree only");
}

#[test]
fn witnesses_of_tensors() {
    let graph = layer();
    let (tree, resolved) = (GraphTree::new(&graph), graph.resolve(&[]).unwrap());
    for (slot, tensor) in (0..).zip(&resolved.tensors) {
        let witness = tree.tensor_witness(slot).unwrap();
        let verify = |witness: &[u8], slot| verify_tensor(witness, &resolved.root, IR_VERSION, &[0; 4], slot);
        let facts = verify(&witness, slot).unwrap();
        assert_eq!((&facts.layout, facts.placement), (&tensor.layout, tensor.placement));
        assert_eq!(verify(&witness, slot + 1), Err(Rejection::DescriptorMissing));
        assert_eq!(verify(&[&witness[..], &[0]].concat(), slot), Err(Rejection::TrailingBytes));
        for at in 0..witness.len() {
            let mut damaged = witness.clone();
            damaged[at] ^= 0x11;
            assert!(verify(&damaged, slot).is_err(), "byte {at}");
            assert_eq!(verify(&witness[..at], slot), Err(Rejection::Truncated));
        }
        assert_eq!(verify_tensor(&witness, &[0; 32], IR_VERSION, &[0; 4], slot), Err(Rejection::GraphRoot));
    }
    assert!(tree.tensor_witness(4).is_err());
}

#[test]
fn every_rejection_has_a_code_and_says_what_to_do() {
    let mut codes: Vec<u8> = Rejection::ALL.iter().map(|rejection| rejection.code()).collect();
    assert!(codes.is_sorted() && !codes.contains(&0));
    codes.dedup();
    assert_eq!(codes.len(), Rejection::ALL.len());
    assert!(Rejection::ALL.iter().all(|rejection| rejection.message().len() > 20));
    assert_eq!(Rejection::NoFault.to_string(), "R0129 the recomputed value equals the claimed one");
}
