//! The canonical encoding: what it accepts, and that it accepts nothing else.

mod common;

use common::{Draw, linear, random_graph};
use referee::commit::DescriptorKind;
use referee::graph::{
    Descriptor, Graph, Header, HeaderCounts, Instruction, MAGIC, MAX_GRAPH_BYTES, Placement, decode_op,
    decode_placed_tensor, decode_program, decode_tensor, opcode_name, word_of,
};

fn random_encodings(seeds: std::ops::Range<u64>) -> impl Iterator<Item = (u64, Graph, Vec<u8>)> {
    seeds.map(|seed| {
        let (graph, _) = random_graph(&mut Draw::new(seed));
        let bytes = graph.encode();
        (seed, graph, bytes)
    })
}

#[test]
fn what_is_encoded_is_decoded() {
    for (seed, graph, bytes) in random_encodings(0..400) {
        assert_eq!(Graph::decode(&bytes).as_ref(), Ok(&graph), "seed {seed}");
    }
}

#[test]
fn no_truncation_and_no_longer_file_is_a_graph() {
    for (seed, _, mut bytes) in random_encodings(0..60) {
        for length in 0..bytes.len() {
            assert!(Graph::decode(&bytes[..length]).is_err(), "seed {seed}, {length} bytes");
        }
        bytes.push(0);
        let error = Graph::decode(&bytes).unwrap_err();
        assert_eq!((error.offset, error.reason), (bytes.len() - 1, "bytes are left over"));
    }
}

#[test]
fn a_flipped_bit_is_refused_or_another_graph_with_its_own_encoding() {
    let (mut refused, mut accepted) = (0, 0);
    for (seed, graph, bytes) in random_encodings(0..12) {
        let root = graph.root();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match Graph::decode(&flipped) {
                Ok(other) => {
                    assert_eq!(other.encode(), flipped, "seed {seed}, bit {bit}");
                    assert_ne!(other, graph, "seed {seed}, bit {bit}");
                    if accepted % 16 == 0 {
                        assert_ne!(other.root(), root, "seed {seed}, bit {bit}");
                        // Must not panic, whatever it says.
                        let _ = other.check();
                    }
                    accepted += 1;
                }
                Err(error) => {
                    assert!(error.offset <= flipped.len());
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 1000 && accepted > 1000, "{refused} refused, {accepted} accepted");
}

#[test]
fn a_damaged_file_never_panics() {
    let mut draw = Draw::new(1);
    for (_, _, bytes) in random_encodings(0..40) {
        for _ in 0..100 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + draw.below(6) {
                let at = draw.below(damaged.len() as u64) as usize;
                match draw.below(3) {
                    0 => damaged[at] = *draw.pick(&[0, 1, 2, 0x7f, 0x80, 0xff]),
                    1 => drop(damaged.remove(at)),
                    _ => damaged.insert(at, draw.next() as u8),
                }
            }
            if let Ok(graph) = Graph::decode(&damaged) {
                assert_eq!(graph.encode(), damaged);
                let _ = graph.check();
            }
        }
    }
}

/// What the file holds of a descriptor: all but the placement of a tensor.
fn encoded(descriptor: &Descriptor) -> &[u8] {
    let placement = if descriptor.kind == DescriptorKind::Tensor { Placement::BYTES } else { 0 };
    &descriptor.bytes[..descriptor.bytes.len() - placement]
}

/// Where each part of `linear(2, 3, 4)` begins.
fn parts() -> (Graph, Vec<u8>, Vec<usize>) {
    let graph = linear(2, 3, 4);
    let mut starts = vec![MAGIC.len()];
    for descriptor in graph.descriptors() {
        starts.push(starts.last().unwrap() + encoded(&descriptor).len());
    }
    let bytes = graph.encode();
    (graph, bytes, starts)
}

#[test]
fn faults_are_named_where_they_lie() {
    let (_, bytes, starts) = parts();
    let (tensor, program, op) = (starts[1], starts[5], starts[6]);
    let word = |index: usize| program + 1 + 2 * 8 + 1 + 4 * index;
    // The op: kind, outputs, two dims, one dim, operand count; then the first view: slot and its shape of two dims.
    let view = op + 1 + 3 + (1 + 10) + (1 + 5) + 1;
    let faults = [
        (0, vec![b'X'], "the magic bytes `ASIR` are missing"),
        (4, vec![2], "the IR version is not 1"),
        (7, vec![1, 16], "a count is beyond its bound"),
        (13, vec![0, 4], "a count is beyond its bound"),
        (tensor, vec![4], "unknown element type"),
        (tensor + 1, vec![3], "unknown tensor kind"),
        (tensor + 2, vec![7], "a list is longer than its bound"),
        (tensor + 3, vec![2], "a dim is neither constant (0) nor symbol (1)"),
        (word(0), vec![0x30, 0x10], "unused bits of an instruction are set"),
        (word(0), vec![0x31, 0x00, 0x00, 0x01], "unused bits of an instruction are set"),
        (word(0), vec![0x32, 0x10, 0x01], "unused bits of an instruction are set"),
        (word(0), vec![0x00], "unknown opcode"),
        (word(0), vec![0xff], "unknown opcode"),
        (word(0) + 2, vec![0x01], "unused bits of an instruction are set"),
        (op, vec![6], "unknown op kind"),
        (view + 2 + 11 + 9 + 1 + 12, vec![2], "a view neither clamps (0) nor pads (1)"),
    ];
    for (at, replacement, reason) in faults {
        let mut damaged = bytes.clone();
        damaged[at..at + replacement.len()].copy_from_slice(&replacement);
        let error = Graph::decode(&damaged).unwrap_err();
        assert_eq!(error.reason, reason, "at {at}");
        assert!(error.offset <= at && at < error.offset + 4 || error.reason.contains("bound"), "{error} for {at}");
    }
    let error = Graph::decode(&bytes[..tensor + 5]).unwrap_err();
    assert_eq!(error.reason, "a list is longer than the bytes that follow");
    let error = Graph::decode(&bytes[..word(1) - 1]).unwrap_err();
    assert_eq!(error.reason, "a list is longer than the bytes that follow");
    let error = Graph::decode(&vec![0; MAX_GRAPH_BYTES + 1]).unwrap_err();
    assert_eq!(error.reason, "longer than 4 MiB");
    assert!(error.to_string().starts_with("G0001 not a graph: longer than 4 MiB at byte 4194304"));
}

#[test]
fn every_descriptor_decodes_alone() {
    for (seed, graph, bytes) in random_encodings(0..60) {
        let mut rest = &bytes[MAGIC.len()..];
        for descriptor in graph.descriptors() {
            let index = descriptor.index as usize;
            let (own, behind) = rest.split_at(encoded(&descriptor).len());
            assert_eq!(own, encoded(&descriptor), "seed {seed}");
            rest = behind;
            match descriptor.kind {
                DescriptorKind::Header => {
                    let header = Header::decode(own).unwrap();
                    assert_eq!(HeaderCounts::decode(own).unwrap(), header.counts());
                    assert_eq!(header, graph.header());
                }
                DescriptorKind::Tensor => {
                    assert_eq!(decode_tensor(own).unwrap(), graph.tensors[index]);
                    let placed = (graph.tensors[index].clone(), graph.placements()[index]);
                    assert_eq!(decode_placed_tensor(&descriptor.bytes).unwrap(), placed);
                    assert!(decode_placed_tensor(&descriptor.bytes[1..]).is_err());
                    assert!(decode_placed_tensor(&descriptor.bytes[..10]).is_err());
                }
                DescriptorKind::Program => assert_eq!(decode_program(own).unwrap(), graph.programs[index]),
                DescriptorKind::Op => assert_eq!(decode_op(own).unwrap(), graph.ops[index]),
            }
            let longer = [own, &[0]].concat();
            let refused = match descriptor.kind {
                DescriptorKind::Header => Header::decode(&longer).is_err(),
                DescriptorKind::Tensor => decode_tensor(&longer).is_err(),
                DescriptorKind::Program => decode_program(&longer).is_err(),
                DescriptorKind::Op => decode_op(&longer).is_err(),
            };
            assert!(refused, "seed {seed}: {:?} {index} with a byte left over", descriptor.kind);
        }
        assert!(rest.is_empty());
    }
}

#[test]
fn what_has_no_encoding_is_refused_by_the_decoder() {
    let beyond = Instruction::Add { d: 16, a: 0, b: 0 };
    assert_eq!(word_of(beyond), u32::MAX);
    assert_eq!(opcode_name(u32::MAX as u8), None);
    let mut graph = linear(2, 3, 4);
    graph.programs[0].code[1] = beyond;
    assert_eq!(Graph::decode(&graph.encode()).unwrap_err().reason, "unknown opcode");

    let mut graph = linear(2, 3, 4);
    graph.programs[0].constants = vec![0; 300];
    assert_eq!(Graph::decode(&graph.encode()).unwrap_err().reason, "a list is longer than its bound");

    let mut graph = linear(2, 3, 4);
    graph.ops[0].prologue = Some(u16::MAX);
    assert_ne!(Graph::decode(&graph.encode()).unwrap().ops[0].prologue, None, "an index is never taken for none");
    graph.ops[0].operands[0].indirect = Some(u8::MAX);
    assert_ne!(Graph::decode(&graph.encode()).unwrap().ops[0].operands[0].indirect, None);
}

#[test]
fn the_seeds_of_the_fuzzer_are_sound_graphs() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/decode_graph");
    let mut seeds = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let graph = Graph::decode(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(graph.encode(), bytes);
        graph.check().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        seeds += 1;
    }
    assert!(seeds >= 10);
}
