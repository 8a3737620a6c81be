//! Nothing is found in an honest result, at any depth.

use crate::bench::Bench;
use assay_audit::depth::{output, segment};
use assay_audit::guard::check_before_signing;
use assay_audit::{Outcome, Own, locate, segment_trace};
use assay_kernels::conformance::{Level, random_vector, vectors};

#[test]
fn honest_results_pass_every_depth_at_all_extreme_shapes() {
    let backend = Bench::backend();
    let mut benches = 0;
    for vector in vectors(Level::Full).into_iter().chain((20_000..20_300).map(random_vector)) {
        let Some(bench) = Bench::new(&vector, &backend) else { continue };
        benches += 1;
        let Bench { subject, hasher, model, honest, .. } = &bench;
        let graph = &subject.resolved;
        let claimed = bench.claim(honest);
        let own = output(graph, hasher, &**model, &subject.inputs).unwrap();
        assert!(own.agrees(&bench.boundary(honest).root), "{}", vector.name);
        assert_eq!(own.first_difference(graph, claimed.hashes()), None, "{}", vector.name);
        for index in 0..graph.segments.len() as u16 {
            let audit = segment(graph, hasher, &**model, &subject.inputs, &claimed, index).unwrap();
            let trace = bench.claim_segment(index, honest);
            assert_eq!(audit.judge(graph, hasher, &claimed, Some(&trace)), Outcome::Agrees, "{}", vector.name);
            assert_eq!(audit.judge(graph, hasher, &claimed, None), Outcome::Agrees, "{}", vector.name);
            let whole = segment_trace(graph, index, honest, hasher).unwrap();
            let own = Own { boundary: &own.boundary.hashes, segment: Some(&whole), tensors: honest };
            assert_eq!(locate(graph, hasher, own, &claimed, Some(&trace)), Outcome::Agrees, "{}", vector.name);
            let guarded = check_before_signing(subject, hasher, index, honest, claimed.hashes(), &[7; 32]).unwrap();
            assert_eq!(guarded, whole);
        }
    }
    assert!(benches > 350, "{benches} jobs");
}
