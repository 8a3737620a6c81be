//! Every operation against the referee itself; and each check refuses what is wrong by one byte.

mod common;

use assay_verifier::{MAX_OPEN_WORKS, MAX_TENSOR_BYTES, Operation, Verifier};
use common::{Caller, Scene, call, code, judge_request, open_request};
use referee::graph::{Dim, Dtype, Graph, Instruction, Op, OpKind, Program, Tensor, TensorKind};
use referee::proof::{Fault, judge};

fn scenes() -> [Scene; 2] {
    [Scene::layers(), Scene::digits()]
}

#[test]
fn a_run_gives_every_tensor_and_root_of_the_reference() {
    for scene in scenes() {
        let mut caller = Caller::finished(&scene);
        for slot in 0..scene.resolved.tensors.len() as u16 {
            let bytes = caller.call(Operation::Tensor, &[&[0], &slot.to_le_bytes()[..]].concat()).unwrap();
            assert!(bytes == scene.tensors[usize::from(slot)], "{} tensor {slot}", scene.name);
        }
        let result = caller.call(Operation::Result, &[]).unwrap();
        let committed = scene.committed(&scene.tensors);
        assert_eq!(result[..32], committed.boundary_root);
        assert_eq!(result[32..64], committed.output_root);
        let hashes = scene.boundary_hashes(&scene.tensors);
        assert_eq!(result[64..66], (hashes.len() as u16).to_le_bytes());
        for ((entry, hash), listed) in scene.resolved.boundary.iter().zip(&hashes).zip(result[66..].chunks(34)) {
            assert_eq!(listed, [&entry.slot.to_le_bytes()[..], hash].concat());
        }
    }
}

#[test]
fn progress_counts_up_and_the_result_waits_for_the_end() {
    let scene = Scene::layers();
    let mut caller = Caller::given(&scene);
    assert_eq!(caller.code(Operation::Result, &[]), "B0106");
    assert_eq!(caller.code(Operation::FirstDifference, &[]), "B0106");
    let output = [&[0], &scene.output().to_le_bytes()[..]].concat();
    assert_eq!(caller.code(Operation::Tensor, &output), "B0107");
    assert_eq!(caller.code(Operation::Element, &[&output[..], &[0; 4]].concat()), "R0001");
    let mut steps = 0;
    let mut before = 0;
    loop {
        let reply = caller.call(Operation::Advance, &500u64.to_le_bytes()).unwrap();
        let number = |at: usize| u64::from_le_bytes(reply[at..at + 8].try_into().unwrap());
        assert!(number(0) > before && number(0) <= number(8));
        (before, steps) = (number(0), steps + 1);
        assert_eq!(reply[16] == 1, number(0) == number(8));
        if reply[16] == 1 {
            break;
        }
        assert_eq!(caller.code(Operation::Result, &[]), "B0106");
    }
    assert!(steps > 3, "{steps} steps");
    assert_eq!(caller.code(Operation::Result, &[]), "ok");
}

#[test]
fn nothing_runs_before_params_and_inputs_are_given_and_they_stay_afterwards() {
    let scene = Scene::layers();
    let mut caller = Caller::open(&scene);
    let (params, inputs) = (scene.params_bundle(), scene.inputs_bundle());
    let advance = 1u64.to_le_bytes();
    assert_eq!(caller.code(Operation::Advance, &advance), "B0104");
    assert_eq!(caller.code(Operation::Give, &[&[1], &params[..]].concat()), "ok");
    assert_eq!(caller.code(Operation::Advance, &advance), "B0104");
    assert_eq!(caller.code(Operation::CheckJob, &scene.pins()), "B0104");
    assert_eq!(caller.code(Operation::Give, &[&[0], &inputs[..]].concat()), "ok");
    assert_eq!(caller.code(Operation::Advance, &advance), "ok");
    assert_eq!(caller.code(Operation::Give, &[&[0], &inputs[..]].concat()), "B0105");
}

#[test]
fn bundles_of_other_graphs_and_cut_ones_are_refused_with_their_own_codes() {
    let scene = Scene::layers();
    let mut caller = Caller::open(&scene);
    let params = scene.params_bundle();
    assert_eq!(caller.code(Operation::Give, &[&[1], &params[..params.len() - 1]].concat()), "M0203");
    assert_eq!(caller.code(Operation::Give, &[&[0], &params[..]].concat()), "M0205");
    assert_eq!(caller.code(Operation::Give, &[&[2], &params[..]].concat()), "B0001");
}

#[test]
fn a_job_is_compared_field_by_field() {
    for scene in scenes() {
        let mut caller = Caller::given(&scene);
        let pins = scene.pins();
        assert_eq!(caller.code(Operation::CheckJob, &pins), "ok");
        for at in 0..pins.len() {
            let mut other = pins.clone();
            other[at] ^= 1;
            assert_eq!(caller.code(Operation::CheckJob, &other), "B0103", "{} byte {at}", scene.name);
        }
        assert_eq!(caller.code(Operation::CheckJob, &[&pins[..], &[0]].concat()), "B0001");
    }
}

#[test]
fn params_and_inputs_that_differ_by_a_bit_are_another_job() {
    let scene = Scene::layers();
    for (kind, bundle) in [(1u8, scene.params_bundle()), (0, scene.inputs_bundle())] {
        let mut caller = Caller::given(&scene);
        let mut other = bundle.clone();
        *other.last_mut().unwrap() ^= 1;
        caller.call(Operation::Give, &[&[kind], &other[..]].concat()).unwrap();
        let error = caller.call(Operation::CheckJob, &scene.pins()).unwrap_err();
        let what = if kind == 1 { "params root" } else { "inputs root" };
        assert!(error.starts_with("B0103") && error.contains(what), "{error}");
    }
}

#[test]
fn the_committed_output_is_known_by_its_root_and_its_path() {
    for scene in scenes() {
        let mut caller = Caller::open(&scene);
        let committed = scene.committed(&scene.tensors);
        let output = scene.tensors[usize::from(scene.output())].clone();
        let check = |root: &[u8], bytes: &[u8]| [root, bytes].concat();
        assert_eq!(caller.code(Operation::CheckOutput, &check(&committed.output_root, &output)), "ok");
        let mut other = output.clone();
        other[0] ^= 1;
        assert_eq!(caller.code(Operation::CheckOutput, &check(&committed.output_root, &other)), "B0202");
        assert_eq!(caller.code(Operation::CheckOutput, &check(&[0; 32], &output)), "B0202");
        assert_eq!(caller.code(Operation::CheckOutput, &check(&committed.output_root, &output[1..])), "B0201");

        let path = |output: &[u8], boundary: &[u8], path: &[[u8; 32]]| {
            [output, boundary, &[path.len() as u8], path.as_flattened()].concat()
        };
        let (root, boundary, siblings) = (committed.output_root, committed.boundary_root, committed.output_path);
        assert_eq!(caller.code(Operation::CheckOutputPath, &path(&root, &boundary, &siblings)), "ok");
        assert_eq!(caller.code(Operation::CheckOutputPath, &path(&[0; 32], &boundary, &siblings)), "B0204");
        assert_eq!(caller.code(Operation::CheckOutputPath, &path(&root, &[0; 32], &siblings)), "B0204");
        let longer = [&siblings[..], &[[0; 32]]].concat();
        assert_eq!(caller.code(Operation::CheckOutputPath, &path(&root, &boundary, &longer)), "B0204");
        for at in 0..siblings.len() {
            let mut other = siblings.clone();
            other[at][0] ^= 1;
            assert_eq!(caller.code(Operation::CheckOutputPath, &path(&root, &boundary, &other)), "B0204");
        }
    }
}

#[test]
fn leaves_open_and_any_other_data_position_root_or_path_is_refused() {
    for scene in scenes() {
        let mut caller = Caller::finished(&scene);
        let slot = scene.resolved.boundary[0].slot;
        let last = scene.tensor(slot).elements() - 1;
        for element in [0, last] {
            let place = [&[0], &slot.to_le_bytes()[..], &element.to_le_bytes()].concat();
            let leaf = caller.call(Operation::Leaf, &place).unwrap();
            assert_eq!(leaf[..32], scene.tensor(slot).layout.root(&scene.tensors[usize::from(slot)]).unwrap());
            let address = scene.tensor(slot).layout.address(element);
            assert_eq!(leaf[32..40], [address.position.to_le_bytes(), address.offset.to_le_bytes()].concat());
            // Without the offset, these are the bytes of the check.
            let check = [&slot.to_le_bytes()[..], &leaf[..36], &leaf[40..]].concat();
            assert_eq!(caller.code(Operation::CheckLeaf, &check), "ok");
            for at in (2..check.len()).filter(|at| *at != 38) {
                let mut other = check.clone();
                other[at] ^= 1;
                assert_eq!(caller.code(Operation::CheckLeaf, &other), "B0203", "{} byte {at}", scene.name);
            }
            assert_eq!(caller.code(Operation::CheckLeaf, &check[..check.len() - 1]), "B0203");
        }
        let beyond = [&[0], &slot.to_le_bytes()[..], &(last + 1).to_le_bytes()].concat();
        assert_eq!(caller.code(Operation::Leaf, &beyond), "B0108");
    }
}

#[test]
fn every_element_recomputes_to_what_the_run_gave_and_says_what_it_read() {
    for scene in scenes() {
        let mut caller = Caller::finished(&scene);
        for slot in scene.resolved.ops.iter().flat_map(|op| op.outputs.clone()) {
            let tensor = scene.tensor(slot);
            let elements = tensor.elements();
            for element in (0..elements).step_by(1 + elements as usize / 40) {
                let request = [&[0], &slot.to_le_bytes()[..], &element.to_le_bytes()].concat();
                let reply = caller.call(Operation::Element, &request).unwrap();
                let number = |at: usize| i64::from_le_bytes(reply[at..at + 8].try_into().unwrap());
                let expected = tensor.dtype.read(&scene.tensors[usize::from(slot)], element as usize).unwrap();
                assert_eq!((number(0), reply[8], number(9)), (expected, 1, expected), "{} tensor {slot}", scene.name);
                let (op, output) = tensor.producer.unwrap();
                assert_eq!(reply[17..20], [&op.to_le_bytes()[..], &[output]].concat());
                let count = u32::from_le_bytes(reply[20..24].try_into().unwrap());
                let listed = u32::from_le_bytes(reply[24..28].try_into().unwrap());
                assert!(count > 0 && listed == count.min(4096));
                assert_eq!(reply.len(), 28 + 14 * listed as usize);
                for read in reply[28..].chunks(14) {
                    let of = u16::from_le_bytes(read[..2].try_into().unwrap());
                    let at = u32::from_le_bytes(read[2..6].try_into().unwrap());
                    let value = i64::from_le_bytes(read[6..].try_into().unwrap());
                    let bytes = &scene.tensors[usize::from(of)];
                    assert_eq!(Some(value), scene.tensor(of).dtype.read(bytes, at as usize));
                }
            }
        }
        let given = [&[0], &0u16.to_le_bytes()[..], &0u32.to_le_bytes()].concat();
        assert_eq!(caller.code(Operation::Element, &given), "B0109");
        let nowhere = [&[0], &u16::MAX.to_le_bytes()[..], &0u32.to_le_bytes()].concat();
        assert_eq!(caller.code(Operation::Element, &nowhere), "B0107");
    }
}

#[test]
fn a_served_lie_is_found_without_and_with_a_run() {
    for scene in scenes() {
        let slot = scene.resolved.boundary[0].slot;
        let element = scene.tensor(slot).elements() - 1;
        let lie = scene.with_lie(slot, element);
        let mut caller = Caller::given(&scene);
        let place = [&[1], &slot.to_le_bytes()[..], &element.to_le_bytes()].concat();
        assert_eq!(caller.code(Operation::CheckServed, &[0; 32]), "B0107", "nothing is served yet");
        caller.serve(&scene, &lie);
        assert_eq!(caller.code(Operation::CheckServed, &scene.committed(&lie).boundary_root), "ok");
        assert_eq!(caller.code(Operation::CheckServed, &scene.committed(&scene.tensors).boundary_root), "B0205");
        // An element of the first segment is recomputed from what was given, if nothing within the segment lies before it.
        if scene.name == "layers" {
            let reply = caller.call(Operation::Element, &place).unwrap();
            let honest = scene.tensor(slot).dtype.read(&scene.tensors[usize::from(slot)], element as usize).unwrap();
            assert_eq!(reply[..8], honest.to_le_bytes());
            assert_ne!(reply[9..17], honest.to_le_bytes());
        }
        caller.call(Operation::Advance, &u64::MAX.to_le_bytes()).unwrap();
        let found = caller.call(Operation::FirstDifference, &[]).unwrap();
        let value = |tensors: &[Vec<u8>]| {
            scene.tensor(slot).dtype.read(&tensors[usize::from(slot)], element as usize).unwrap().to_le_bytes()
        };
        let expected =
            [&[1], &slot.to_le_bytes()[..], &element.to_le_bytes(), &value(&lie), &value(&scene.tensors)].concat();
        assert_eq!(found, expected);
        caller.serve(&scene, &scene.tensors);
        assert_eq!(caller.call(Operation::FirstDifference, &[]).unwrap(), [0]);
    }
}

#[test]
fn only_boundary_tensors_of_the_right_size_are_taken_as_served() {
    let scene = Scene::digits();
    let mut caller = Caller::open(&scene);
    let inside = scene
        .resolved
        .tensors
        .iter()
        .position(|tensor| tensor.kind == TensorKind::Temp && tensor.placement.boundary_position().is_none());
    let inside = inside.expect("the network has tensors inside its segments");
    let serve = |slot: usize, bytes: &[u8]| [&(slot as u16).to_le_bytes()[..], bytes].concat();
    assert_eq!(caller.code(Operation::Serve, &serve(inside, &scene.tensors[inside])), "B0110");
    assert_eq!(caller.code(Operation::Serve, &serve(0, &scene.tensors[0])), "B0110");
    let output = usize::from(scene.output());
    assert_eq!(caller.code(Operation::Serve, &serve(output, &scene.tensors[output][1..])), "B0201");
    assert_eq!(caller.code(Operation::Serve, &serve(output, &scene.tensors[output])), "ok");
}

#[test]
fn proofs_are_judged_as_by_the_referee_and_no_altered_one_convicts_for_something_else() {
    for scene in scenes() {
        let slots: Vec<u16> = scene.resolved.ops.iter().flat_map(|op| op.outputs.clone()).collect();
        for slot in slots {
            let element = scene.tensor(slot).elements() / 2;
            let lie = scene.with_lie(slot, element);
            let (pinned, proof) = scene.element_proof(&lie, slot, element);
            let finding = judge(&proof, &pinned).unwrap();
            let mut verifier = Verifier::default();
            let reply = call(&mut verifier, Operation::Judge, &judge_request(&pinned, &proof)).unwrap();
            let Fault::Element { op, slot, element, claimed, computed } = finding.fault else { panic!("{finding:?}") };
            let expected = [
                &[0][..],
                &op.to_le_bytes(),
                &slot.to_le_bytes(),
                &element.to_le_bytes(),
                &claimed.to_le_bytes(),
                &computed.to_le_bytes(),
                &[finding.uses_segment.into()],
            ];
            assert_eq!(reply, expected.concat());

            let (honest, nothing) = scene.element_proof(&scene.tensors, slot, element);
            assert_eq!(code(call(&mut verifier, Operation::Judge, &judge_request(&honest, &nothing))), "R0129");
            let mut root = pinned.clone();
            root.boundary_root[0] ^= 1;
            root.segment.as_mut().unwrap().root[0] ^= 1;
            assert_eq!(code(call(&mut verifier, Operation::Judge, &judge_request(&root, &proof))), "R0118");
            let cut = &proof[..proof.len() - 1];
            assert_ne!(code(call(&mut verifier, Operation::Judge, &judge_request(&pinned, cut))), "ok");
        }
        let slot = scene.resolved.boundary[0].slot;
        let (pinned, proof) = scene.mismatch_proof(slot);
        let mut verifier = Verifier::default();
        let reply = call(&mut verifier, Operation::Judge, &judge_request(&pinned, &proof)).unwrap();
        let hash = |tensors: &[Vec<u8>]| scene.tensor(slot).layout.hash(&tensors[usize::from(slot)]).unwrap();
        let (boundary, segment) = (hash(&scene.with_lie(slot, 0)), hash(&scene.tensors));
        assert_eq!(reply, [&[1], &slot.to_le_bytes()[..], &boundary, &segment, &[1]].concat());
    }
}

#[test]
fn graphs_are_refused_before_anything_is_allocated_for_them() {
    let scene = Scene::layers();
    let mut verifier = Verifier::default();
    let graph = scene.graph_bytes();
    let mut open =
        |graph: &[u8], symbols: &[u32]| code(call(&mut verifier, Operation::Open, &open_request(graph, symbols)));
    assert_eq!(open(&graph[..graph.len() - 1], &[3]), "G0001");
    assert_eq!(&open(&graph, &[9])[..1], "G", "beyond the symbol's bounds");
    assert_eq!(&open(&graph, &[])[..1], "G", "no value for the symbol");
    assert_eq!(open(&copies(1 << 28, 1).encode(), &[]), "ok");
    assert_eq!(open(&copies(1 << 28, 4).encode(), &[]), "B0101");
    let mut two = copies(4, 2);
    two.outputs = vec![1, 2];
    assert_eq!(open(&two.encode(), &[]), "B0102");
    const { assert!(MAX_TENSOR_BYTES < 5 << 28) };
}

/// A graph that copies its input of so many bytes so many times.
fn copies(bytes: u32, count: u16) -> Graph {
    let shape = vec![Dim::Const(bytes / 4), Dim::Const(4)];
    let tensor = |kind| Tensor { dtype: Dtype::U8, kind, shape: shape.clone() };
    let view = |slot| referee::graph::View {
        slot,
        as_shape: shape.clone(),
        offsets: vec![0; 2],
        terms: (0..2u8)
            .map(|axis| referee::graph::Term { source_axis: axis, iteration_axis: axis, coefficient: 1 })
            .collect(),
        out_of_bounds: referee::graph::OutOfBounds::Clamp,
        indirect: None,
    };
    let op = |slot: u16| Op {
        kind: OpKind::Map,
        outputs: vec![slot],
        output_axes: shape.clone(),
        reduction_axes: vec![],
        operands: vec![view(slot - 1)],
        prologue: None,
        program: 0,
    };
    let code = vec![Instruction::Load { d: 0, operand: 0 }, Instruction::Store { output: 0, a: 0 }];
    Graph {
        symbols: vec![],
        tensors: std::iter::once(tensor(TensorKind::Input))
            .chain((0..count).map(|_| tensor(TensorKind::Temp)))
            .collect(),
        programs: vec![Program { constants: vec![], code }],
        ops: (1..=count).map(op).collect(),
        cuts: vec![],
        outputs: vec![count],
    }
}

#[test]
fn works_are_bounded_closed_and_not_confused() {
    let scene = Scene::layers();
    let request = open_request(&scene.graph_bytes(), &[3]);
    let mut verifier = Verifier::default();
    let handles: Vec<Vec<u8>> =
        (0..MAX_OPEN_WORKS).map(|_| call(&mut verifier, Operation::Open, &request).unwrap()[..4].to_vec()).collect();
    assert_eq!(code(call(&mut verifier, Operation::Open, &request)), "B0004");
    assert_eq!(code(call(&mut verifier, Operation::Close, &handles[3])), "ok");
    assert_eq!(code(call(&mut verifier, Operation::Close, &handles[3])), "B0003");
    assert_eq!(code(call(&mut verifier, Operation::Result, &handles[3])), "B0003");
    let fresh = call(&mut verifier, Operation::Open, &request).unwrap()[..4].to_vec();
    assert!(!handles.contains(&fresh));
}

#[test]
fn choices_that_there_are_not_and_bytes_too_many_are_refused() {
    let scene = Scene::layers();
    let mut caller = Caller::finished(&scene);
    let place = |whose: u8| [&[whose], &scene.output().to_le_bytes()[..]].concat();
    assert_eq!(caller.code(Operation::Tensor, &place(0)), "ok");
    assert_eq!(caller.code(Operation::Tensor, &place(2)), "B0001");
    let element = [&place(0)[..], &[0; 4]].concat();
    let requests = [
        (Operation::Advance, vec![1, 0, 0, 0, 0, 0, 0, 0]),
        (Operation::Result, vec![]),
        (Operation::Tensor, place(0)),
        (Operation::FirstDifference, vec![]),
        (Operation::Element, element.clone()),
        (Operation::Leaf, element),
        (Operation::Close, vec![]),
    ];
    for (operation, request) in requests {
        assert_eq!(caller.code(operation, &[&request[..], &[0]].concat()), "B0001", "{operation:?}");
        assert_eq!(caller.code(operation, &request), "ok", "{operation:?}");
    }
    let (pinned, proof) = scene.mismatch_proof(scene.output());
    let mut request = judge_request(&pinned, &proof);
    let flag = 4 * 32 + 2 + 2 + 16;
    assert_eq!(request[flag], 1);
    request[flag] = 2;
    assert_eq!(code(call(&mut Verifier::default(), Operation::Judge, &request)), "B0001");
    assert_eq!(code(call(&mut Verifier::default(), Operation::Commitment, &[0; 97])), "B0001");
}

#[test]
fn requests_cut_anywhere_are_errors_and_never_panic() {
    let scene = Scene::layers();
    let (pinned, proof) = scene.element_proof(&scene.with_lie(scene.output(), 1), scene.output(), 1);
    let whole: [(Operation, Vec<u8>); 4] = [
        (Operation::Open, open_request(&scene.graph_bytes(), &[3])),
        (Operation::CheckJob, [&[1, 0, 0, 0][..], &scene.pins()].concat()),
        (Operation::Judge, judge_request(&pinned, &proof)),
        (Operation::Commitment, vec![0; 96]),
    ];
    for operation in Operation::ALL {
        for (_, request) in &whole {
            let mut caller = Caller::given(&scene);
            for length in (0..request.len()).step_by(1 + request.len() / 300) {
                let outcome = call(&mut caller.verifier, *operation, &request[..length]);
                if whole.iter().any(|(of, whole)| of == operation && whole == request) {
                    assert!(outcome.is_err(), "{operation:?} takes {length} of {} bytes", request.len());
                }
            }
        }
    }
}
