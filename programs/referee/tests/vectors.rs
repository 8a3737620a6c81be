//! Test vectors for other languages: graphs with their roots, and tensors with theirs. The committed files hold what this
//! code computes; `ASSAY_WRITE_VECTORS=1 cargo test -p referee --test vectors` writes them anew.

mod common;

use common::{Draw, random_graph, random_values, run_graph};
use referee::commit::{Hash, ListRole, TensorLayout, commitment, list_root, merkle_path, merkle_root};
use referee::graph::{Dtype, ResolvedGraph, Slot, TensorKind};

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A JSON list of strings.
fn strings(values: impl Iterator<Item = String>) -> String {
    let quoted: Vec<String> = values.map(|value| format!("\"{value}\"")).collect();
    format!("[{}]", quoted.join(","))
}

/// Compares `app/vectors/NAME.json`, a list of objects, with these objects. Writes it where `ASSAY_WRITE_VECTORS` is set.
fn check_vectors(name: &str, objects: &[String]) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../app/vectors/{name}.json"));
    let text = format!("[\n{}\n]\n", objects.join(",\n"));
    if std::env::var_os("ASSAY_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{name}.json differs: run ASSAY_WRITE_VECTORS=1 cargo test -p referee --test vectors");
}

#[test]
fn tensors_and_their_roots_are_up_to_date() {
    let shapes: [&[u32]; 14] = [
        &[1],
        &[7],
        &[512],
        &[513],
        &[3, 100],
        &[9, 128],
        &[10, 129],
        &[3, 257],
        &[2, 3, 171],
        &[3, 700],
        &[2, 1025],
        &[1, 2049],
        &[300, 1],
        &[2, 2, 2, 2, 3, 5],
    ];
    let mut lines = Vec::new();
    for (case, dims) in (0u16..).zip(shapes) {
        let dtype = Dtype::ALL[usize::from(case) % 4];
        let kind = TensorKind::ALL[usize::from(case) % 3];
        let layout = TensorLayout::new(case * 257, dtype, kind, dims);
        let mut draw = Draw::new(u64::from(case));
        let data: Vec<u8> = (0..layout.bytes()).map(|_| draw.next() as u8).collect();
        let root = layout.root(&data).unwrap();
        // The last leaf: in a wide tensor it lies beyond padding.
        let positions = layout.row_groups() << layout.row_depth();
        let position = (0..positions).rev().find(|position| layout.leaf_range(*position).is_some()).unwrap();
        let range = layout.leaf_range(position).unwrap();
        let path = layout.path(&data, position).unwrap();
        assert!(layout.verify(&root, position, &data[range.start as usize..range.end as usize], &path));
        lines.push(format!(
            "{{\"slot\":{},\"dtype\":{},\"kind\":{},\"dims\":{dims:?},\"data\":\"{}\",\"uid\":\"{}\",\"leaves\":{},\"depth\":{},\
             \"root\":\"{}\",\"hash\":\"{}\",\"position\":{position},\"from\":{},\"to\":{},\"path\":{}}}",
            case * 257,
            dtype as u8,
            kind as u8,
            hexadecimal(&data),
            hexadecimal(&layout.uid),
            layout.leaves(),
            layout.depth(),
            hexadecimal(&root),
            hexadecimal(&layout.hash(&data).unwrap()),
            range.start,
            range.end,
            strings(path.iter().map(|hash| hexadecimal(hash))),
        ));
    }
    check_vectors("tensors", &lines);
}

#[test]
fn graphs_and_the_roots_of_their_results_are_up_to_date() {
    let mut lines = Vec::new();
    for seed in 0..24 {
        let mut draw = Draw::new(seed);
        let (graph, symbols) = random_graph(&mut draw);
        let resolved = graph.resolve(&symbols).unwrap();
        let values = random_values(&mut draw, &resolved);
        let trace = run_graph(&resolved, &values);
        let hash =
            |slot: Slot| resolved.tensors[usize::from(slot)].layout.hash(&trace.tensors[usize::from(slot)]).unwrap();
        let root = |role, kind| {
            let hashes: Vec<Hash> = resolved.slots_of(kind).into_iter().map(hash).collect();
            ResolvedGraph::tensors_root(role, &hashes)
        };
        let boundary: Vec<Hash> = resolved.boundary.iter().map(|entry| hash(entry.slot)).collect();
        let boundary_root = list_root(ListRole::Boundary, boundary.len() as u32, &merkle_root(&boundary));
        let output = *resolved.outputs.first().unwrap();
        let layout = &resolved.tensors[usize::from(output)].layout;
        let position = resolved.boundary_position(output).unwrap();
        let path = merkle_path(&boundary, u32::from(position)).unwrap();
        let bytes = |slot: &Slot| hexadecimal(&trace.tensors[usize::from(*slot)]);
        let of_kind = |kind| strings(resolved.slots_of(kind).iter().map(bytes));
        lines.push(format!(
            "{{\"graph\":\"{}\",\"symbols\":{symbols:?},\"root\":\"{}\",\"inputs\":{},\"params\":{},\"inputs_root\":\"{}\",\
             \"params_root\":\"{}\",\"outputs\":{:?},\"boundary_slots\":{:?},\"boundary\":{},\"boundary_root\":\"{}\",\
             \"output\":{{\"data\":\"{}\",\"root\":\"{}\",\"uid\":\"{}\",\"leaves\":{},\"depth\":{},\"position\":{position},\
             \"path\":{}}},\"job\":\"{}\",\"node\":\"{}\",\"commitment\":\"{}\"}}",
            hexadecimal(&graph.encode()),
            hexadecimal(&graph.root()),
            of_kind(TensorKind::Input),
            of_kind(TensorKind::Param),
            hexadecimal(&root(ListRole::Inputs, TensorKind::Input)),
            hexadecimal(&root(ListRole::Params, TensorKind::Param)),
            resolved.outputs,
            resolved.boundary.iter().map(|entry| entry.slot).collect::<Vec<_>>(),
            strings(resolved.boundary.iter().map(|entry| bytes(&entry.slot))),
            hexadecimal(&boundary_root),
            bytes(&output),
            hexadecimal(&layout.root(&trace.tensors[usize::from(output)]).unwrap()),
            hexadecimal(&layout.uid),
            layout.leaves(),
            layout.depth(),
            strings(path.iter().map(|hash| hexadecimal(hash))),
            hexadecimal(&[seed as u8; 32]),
            hexadecimal(&[!seed as u8; 32]),
            hexadecimal(&commitment(&[seed as u8; 32], &[!seed as u8; 32], &boundary_root)),
        ));
    }
    check_vectors("graphs", &lines);
}
