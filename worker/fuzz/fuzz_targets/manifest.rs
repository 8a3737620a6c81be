//! What a node says of where its tensors are, as validators, clients and pages read it.
#![no_main]

use assay_fuzz::work;
use assay_models::manifest::{AdviceManifest, ResultManifest, SegmentManifest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (graph, _) = &work::resolved()[0];
    if let Ok(manifest) = ResultManifest::decode(bytes, graph) {
        let again = manifest.encode().expect("what was read is written");
        assert_eq!(ResultManifest::decode(&again, graph).expect("just written"), manifest);
        assert!(graph.boundary.iter().all(|entry| manifest.entry(entry.slot).is_some()));
    }
    for segment in 0..graph.segments.len() as u16 {
        if let Ok(manifest) = SegmentManifest::decode(bytes, graph, segment) {
            let again = manifest.encode().expect("what was read is written");
            assert_eq!(SegmentManifest::decode(&again, graph, segment).expect("just written"), manifest);
            assert!(graph.segment_slots(segment).into_iter().all(|slot| manifest.entry(slot).is_some()));
            manifest.root_hash().expect("it was read before");
        }
        if let Ok(manifest) = AdviceManifest::decode(bytes, graph, segment) {
            let again = manifest.encode().expect("what was read is written");
            assert_eq!(AdviceManifest::decode(&again, graph, segment).expect("just written"), manifest);
        }
    }
});
