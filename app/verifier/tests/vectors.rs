//! `app/vectors/verifications.json`: jobs with honest and false results, for the tests in TypeScript.
//!
//! `ASSAY_WRITE_VECTORS=1 cargo test -p assay-verifier --test vectors` writes the file; otherwise it is compared.

mod common;

use common::{JOB, NODE, Scene};
use referee::graph::Slot;
use referee::proof::{Fault, Pinned, judge};
use serde_json::{Value, json};

fn tensor_bytes(scene: &Scene, tensors: &[Vec<u8>]) -> Value {
    let entry = |slot: Slot| json!({ "slot": slot, "bytes": hex::encode(&tensors[usize::from(slot)]) });
    scene.resolved.boundary.iter().map(|boundary| entry(boundary.slot)).collect()
}

fn committed(scene: &Scene, tensors: &[Vec<u8>]) -> Value {
    let committed = scene.committed(tensors);
    json!({
        "job": hex::encode(JOB),
        "node": hex::encode(NODE),
        "commitment": hex::encode(committed.commitment),
        "boundaryRoot": hex::encode(committed.boundary_root),
        "outputRoot": hex::encode(committed.output_root),
        "outputPath": committed.output_path.iter().map(hex::encode).collect::<Vec<_>>(),
    })
}

fn pins(scene: &Scene) -> Value {
    let pinned = scene.prove(&scene.tensors, &scene.tensors, 0, |_| ()).0;
    let layout = &scene.tensor(scene.output()).layout;
    json!({
        "graphRoot": hex::encode(pinned.graph_root),
        "paramsRoot": hex::encode(pinned.params_root),
        "inputsRoot": hex::encode(pinned.inputs_root),
        "irVersion": pinned.ir_version,
        "symbols": pinned.symbols,
        "output": {
            "uid": hex::encode(layout.uid),
            "leaves": layout.leaves(),
            "depth": layout.depth(),
            "boundaryPosition": scene.resolved.boundary_position(scene.output()),
            "boundaryCount": scene.resolved.boundary.len(),
        },
    })
}

/// Elements by hand of the reference: the first, the last and one between of every computed tensor.
fn elements(scene: &Scene) -> Value {
    let produced = scene.resolved.ops.iter().flat_map(|op| op.outputs.iter().copied());
    let of = |slot: Slot| {
        let last = scene.tensor(slot).elements() - 1;
        [0, last / 3, last].map(move |element| (slot, element))
    };
    let entry = |(slot, element): (Slot, u32)| {
        let value = scene.tensor(slot).dtype.read(&scene.tensors[usize::from(slot)], element as usize);
        json!({ "slot": slot, "element": element, "value": value })
    };
    produced.flat_map(of).map(entry).collect()
}

fn proof_pins(pinned: &Pinned) -> Value {
    let segment = pinned.segment.map(|segment| json!({ "index": segment.index, "root": hex::encode(segment.root) }));
    json!({
        "graphRoot": hex::encode(pinned.graph_root),
        "paramsRoot": hex::encode(pinned.params_root),
        "inputsRoot": hex::encode(pinned.inputs_root),
        "boundaryRoot": hex::encode(pinned.boundary_root),
        "boundaryCount": pinned.boundary_count,
        "irVersion": pinned.ir_version,
        "symbols": pinned.symbols,
        "segment": segment,
    })
}

fn proof(pinned: &Pinned, proof: &[u8]) -> Value {
    let verdict = match judge(proof, pinned) {
        Ok(finding) => {
            let mut fault = match finding.fault {
                Fault::Element { op, slot, element, claimed, computed } => json!({
                    "kind": "element",
                    "op": op,
                    "slot": slot,
                    "element": element,
                    "claimed": claimed,
                    "computed": computed,
                }),
                Fault::Mismatch { slot, boundary, segment } => json!({
                    "kind": "mismatch",
                    "slot": slot,
                    "boundary": hex::encode(boundary),
                    "segment": hex::encode(segment),
                }),
            };
            fault["usesSegment"] = finding.uses_segment.into();
            json!({ "finding": fault })
        }
        Err(rejection) => json!({ "rejection": rejection.to_string() }),
    };
    json!({ "pins": proof_pins(pinned), "proof": hex::encode(proof), "verdict": verdict })
}

/// A proof of a lie in each kind of place, and proofs that show nothing.
fn proofs(scene: &Scene) -> Value {
    let boundary = scene.resolved.boundary[0].slot;
    let mut slots = vec![boundary, scene.output()];
    let produced = scene.resolved.ops.iter().flat_map(|op| op.outputs.iter().copied());
    let inside: Vec<Slot> = produced.filter(|slot| scene.resolved.boundary_position(*slot).is_none()).collect();
    slots.extend(inside.first());
    slots.dedup();
    let mut all = Vec::new();
    for slot in slots {
        let element = scene.tensor(slot).elements() - 1;
        let (pinned, bytes) = scene.element_proof(&scene.with_lie(slot, element), slot, element);
        all.push(proof(&pinned, &bytes));
    }
    let (pinned, bytes) = scene.element_proof(&scene.tensors, boundary, 0);
    all.push(proof(&pinned, &bytes));
    let (pinned, bytes) = scene.mismatch_proof(boundary);
    all.push(proof(&pinned, &bytes));
    all.push(proof(&pinned, &bytes[..bytes.len() - 1]));
    let other = Pinned { graph_root: [0; 32], ..pinned };
    all.push(proof(&other, &bytes));
    all.into()
}

fn vector(scene: &Scene) -> Value {
    let slot = scene.resolved.boundary[0].slot;
    let element = scene.tensor(slot).elements() / 2;
    let lie = scene.with_lie(slot, element);
    let value = |tensors: &[Vec<u8>]| scene.tensor(slot).dtype.read(&tensors[usize::from(slot)], element as usize);
    json!({
        "name": scene.name,
        "graph": hex::encode(scene.graph_bytes()),
        "params": hex::encode(scene.params_bundle()),
        "inputs": hex::encode(scene.inputs_bundle()),
        "pins": pins(scene),
        "honest": { "committed": committed(scene, &scene.tensors), "served": tensor_bytes(scene, &scene.tensors) },
        "lie": {
            "committed": committed(scene, &lie),
            "served": tensor_bytes(scene, &lie),
            "difference": { "slot": slot, "element": element, "served": value(&lie), "computed": value(&scene.tensors) },
        },
        "elements": elements(scene),
        "proofs": proofs(scene),
    })
}

#[test]
fn the_committed_vectors_are_what_the_referee_gives() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/verifications.json");
    let objects = [Scene::layers(), Scene::digits()].map(|scene| vector(&scene).to_string());
    let text = format!("[\n{}\n]\n", objects.join(",\n"));
    if std::env::var_os("ASSAY_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let command = "ASSAY_WRITE_VECTORS=1 cargo test -p assay-verifier --test vectors";
    assert!(written == text, "{} differs: run {command}", path.display());
}
