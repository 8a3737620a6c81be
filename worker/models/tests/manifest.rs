//! Manifests: read against the graph whose boundary, or segment, they list.

use assay_models::manifest::{
    AdviceEntry, AdviceManifest, MANIFEST_VERSION, MAX_MANIFEST_BYTES, ManifestEntry, ManifestError, ResultManifest,
    SegmentManifest,
};
use assay_models::mlp::{self, Shape};
use referee::graph::ResolvedGraph;

fn graph_and_manifest() -> (ResolvedGraph, ResultManifest) {
    let graph = mlp::model(&Shape::tiny(), 1).unwrap().resolve(&[3]).unwrap();
    let entry = |slot: u16| ManifestEntry {
        slot,
        artifact: format!("{slot:064x}"),
        bytes: graph.tensors[usize::from(slot)].bytes() as u64,
    };
    let boundary = graph.boundary.iter().map(|place| entry(place.slot)).collect();
    let manifest = ResultManifest { version: MANIFEST_VERSION, job: "job".into(), node: "node".into(), boundary };
    (graph, manifest)
}

#[test]
fn a_manifest_comes_back_as_it_was() {
    let (graph, manifest) = graph_and_manifest();
    assert_eq!(manifest.boundary.len(), 2);
    let bytes = manifest.encode().unwrap();
    assert_eq!(ResultManifest::decode(&bytes, &graph).unwrap(), manifest);
    let output = graph.outputs[0];
    assert_eq!(manifest.entry(output).map(|entry| entry.bytes), Some(24));
    assert_eq!(manifest.entry(0), None);
}

#[test]
fn lists_that_are_not_the_boundary_are_refused() {
    let (graph, manifest) = graph_and_manifest();
    let mismatched = |change: &dyn Fn(&mut ResultManifest)| {
        let mut changed = manifest.clone();
        change(&mut changed);
        let decoded = ResultManifest::decode(&changed.encode().unwrap(), &graph);
        matches!(decoded, Err(ManifestError::Mismatch(_)))
    };
    assert!(mismatched(&|manifest| manifest.boundary[1].bytes += 1));
    assert!(mismatched(&|manifest| manifest.boundary[0].slot += 1));
    assert!(mismatched(&|manifest| manifest.boundary.reverse()));
    assert!(mismatched(&|manifest| manifest.boundary.truncate(1)));
    assert!(mismatched(&|manifest| manifest.boundary.push(manifest.boundary[0].clone())));
}

#[test]
fn bytes_that_are_no_manifest_are_refused() {
    let (graph, mut manifest) = graph_and_manifest();
    let bytes = manifest.encode().unwrap();
    let malformed = |bytes: &[u8]| matches!(ResultManifest::decode(bytes, &graph), Err(ManifestError::Malformed(_)));
    assert!((0..bytes.len()).all(|length| malformed(&bytes[..length])));
    let text = String::from_utf8(bytes).unwrap();
    assert!(malformed(text.replacen('{', "{\"more\":1,", 1).as_bytes()));
    let padded = format!("{text}{}", " ".repeat(MAX_MANIFEST_BYTES as usize));
    assert!(malformed(padded.as_bytes()));
    manifest.version += 1;
    assert!(malformed(&manifest.encode().unwrap()));
}

fn graph_and_segment(segment: u16) -> (ResolvedGraph, SegmentManifest) {
    let graph = mlp::model(&Shape::tiny(), 1).unwrap().resolve(&[3]).unwrap();
    let entry = |slot: u16| ManifestEntry {
        slot,
        artifact: format!("{slot:064x}"),
        bytes: graph.tensors[usize::from(slot)].bytes() as u64,
    };
    let tensors = graph.segment_slots(segment).into_iter().map(entry).collect();
    let root = (0..32).map(|byte| format!("{:02x}", byte * 8)).collect();
    let (job, node, signature) = ("job".into(), "node".into(), "signature".into());
    (graph, SegmentManifest { version: MANIFEST_VERSION, job, node, segment, root, signature, tensors })
}

#[test]
fn a_segment_comes_back_as_it_was_and_no_other_one_does() {
    for segment in 0..2 {
        let (graph, manifest) = graph_and_segment(segment);
        let bytes = manifest.encode().unwrap();
        assert_eq!(SegmentManifest::decode(&bytes, &graph, segment).unwrap(), manifest);
        assert_eq!(manifest.root_hash().unwrap()[..3], [0, 8, 16]);
        let slot = graph.segment_slots(segment)[0];
        assert_eq!(manifest.entry(slot).map(|entry| entry.slot), Some(slot));
        let other = SegmentManifest::decode(&bytes, &graph, 1 - segment);
        assert!(matches!(other, Err(ManifestError::Mismatch(_))), "{other:?}");
    }
}

#[test]
fn segments_that_are_not_whole_are_refused() {
    let (graph, manifest) = graph_and_segment(0);
    let refused = |change: &dyn Fn(&mut SegmentManifest)| {
        let mut changed = manifest.clone();
        change(&mut changed);
        SegmentManifest::decode(&changed.encode().unwrap(), &graph, 0).unwrap_err()
    };
    let mismatched = |change: &dyn Fn(&mut SegmentManifest)| matches!(refused(change), ManifestError::Mismatch(_));
    let malformed = |change: &dyn Fn(&mut SegmentManifest)| matches!(refused(change), ManifestError::Malformed(_));
    assert!(mismatched(&|manifest| manifest.tensors[0].bytes += 1));
    assert!(mismatched(&|manifest| manifest.tensors[0].slot += 1));
    assert!(mismatched(&|manifest| manifest.tensors.clear()));
    assert!(mismatched(&|manifest| manifest.segment = 1));
    assert!(malformed(&|manifest| manifest.version += 1));
    assert!(malformed(&|manifest| manifest.root.truncate(62)));
    assert!(malformed(&|manifest| manifest.root.push('0')));
    assert!(malformed(&|manifest| manifest.root = manifest.root.to_uppercase()));
    assert!(malformed(&|manifest| manifest.root = "\u{e9}".repeat(32)));
}

#[test]
fn advice_lists_the_contractions_of_its_segment_and_no_other_list_is_taken() {
    use referee::graph::OpKind;
    let graph = mlp::model(&Shape::tiny(), 1).unwrap().resolve(&[3]).unwrap();
    let range = graph.segments[1];
    let op = (range.first..range.end).find(|op| graph.ops[usize::from(*op)].kind == OpKind::Contract).unwrap();
    let bytes = 4 * u64::from(graph.ops[usize::from(op)].output_elements());
    let sums = vec![AdviceEntry { op, artifact: "0".repeat(64), bytes }];
    let advice = AdviceManifest { version: MANIFEST_VERSION, job: "job".into(), node: "node".into(), segment: 1, sums };
    assert_eq!(AdviceManifest::decode(&advice.encode().unwrap(), &graph, 1).unwrap(), advice);
    let mismatched = |change: &dyn Fn(&mut AdviceManifest)| {
        let mut changed = advice.clone();
        change(&mut changed);
        let decoded = AdviceManifest::decode(&changed.encode().unwrap(), &graph, 1);
        matches!(decoded, Err(ManifestError::Mismatch(_)))
    };
    assert!(mismatched(&|advice| advice.sums.clear()));
    assert!(mismatched(&|advice| advice.sums[0].op += 1));
    assert!(mismatched(&|advice| advice.sums[0].bytes += 4));
    assert!(mismatched(&|advice| advice.segment = 0));
    assert!(AdviceManifest::decode(b"{}", &graph, 1).is_err());
}
