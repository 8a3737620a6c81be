//! Faults on purpose: what a node with one commits to, signs, serves and answers.

use crate::court::graph;
use crate::disputes::{JOB, committed, everything, replay};
use crate::rig::{Rig, Source, config, until, world};
use crate::service::{get, see, start};
use crate::world::TestMarket;
use assay::state::DemandTree;
use assay_audit::fault::{Fault, FaultKind, apply};
use assay_audit::segment_trace;
use assay_kernels::commit::Hasher;
use assay_models::manifest::ResultManifest;
use assay_node::fault::NodeFault;
use assay_node::journal::{Outcome, Stage};
use assay_store::ArtifactId;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_of_execution_is_committed_to_and_signed_as_it_is_made() {
    let source = Source::start().await;
    let honest = replay(&source);
    let hasher = Hasher::default();
    let right_root = hasher.boundary(&source.resolved, &honest).unwrap().root;
    for kind in [FaultKind::Element, FaultKind::Weight, FaultKind::Boundary, FaultKind::Interior] {
        let mut job = source.job().await;
        job.window_slots = 1_000_000;
        let folder = tempfile::tempdir().unwrap();
        let market = TestMarket::new(world(&JOB, &job));
        let fault = Fault::new(kind);
        let rig = Rig::with_fault(folder.path(), &market, config(), Some(NodeFault::execution(fault)));
        let driver = tokio::spawn(rig.driver(&JOB).run(rig.cancel.clone()));
        committed(&market).await;
        let made = rig.shared.artifacts.prepare(&job).await.unwrap().subject();
        let faulty = apply(&made, &crate::rig::cpu(), &honest, &fault).unwrap();
        let expected = hasher.boundary(&source.resolved, &faulty.committed).unwrap().root;
        let root = market.with(|world| world.job(&JOB).unwrap().boundary_root);
        assert_eq!((root, root == right_root), (expected, kind == FaultKind::Interior), "{kind:?}");
        for segment in 0..2 {
            let trace = rig.shared.segment(JOB, segment).await.unwrap();
            let inside = segment_trace(&source.resolved, segment, &faulty.inside, &hasher).unwrap();
            assert_eq!(trace.root, inside.root, "{kind:?}: signed although it is wrong");
        }
        rig.cancel.cancel();
        driver.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_in_which_the_fault_changes_nothing_is_left_to_others() {
    let source = Source::start().await;
    let job = source.job().await;
    // A graph without an arg-max, and a tensor that it does not have.
    for (fault, says) in [("tie", "F0902"), ("element:tensor=999", "F0906")] {
        let folder = tempfile::tempdir().unwrap();
        let market = TestMarket::new(world(&JOB, &job));
        let fault = NodeFault::execution(fault.parse().unwrap());
        let rig = Rig::with_fault(folder.path(), &market, config(), Some(fault));
        let stage = rig.drive(&JOB).await.unwrap().stage;
        let Stage::Finished(Outcome::Skipped(refusal)) = stage else { panic!("{stage:?}") };
        assert_eq!(refusal.code, "N0230", "{refusal}");
        assert!(refusal.reason.contains(says), "{refusal}");
        market.with(|world| assert!(world.sent.is_empty(), "nothing was promised"));
    }
}

/// A node with a fault whose job is committed and challenged over everything; what it answered a while after all but so
/// many demands were answered.
async fn answered_with(fault: NodeFault, left: usize) -> (Vec<(DemandTree, u16, bool)>, Vec<u16>) {
    let source = Source::start().await;
    let mut job = source.job().await;
    job.window_slots = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let market = TestMarket::new(world(&JOB, &job));
    let rig = Rig::with_fault(folder.path(), &market, config(), Some(fault));
    let running = start(&rig).await;
    see(&running, &market, JOB).await;
    committed(&market).await;
    let asked = market.with(|world| everything(world, &replay(&source)));
    let demands: Vec<_> = market.with(|world| {
        (50..)
            .zip(&asked)
            .map(|(who, one)| {
                let challenge = world.challenge(&JOB, who);
                (*one, world.ask(&challenge, *one))
            })
            .collect()
    });
    let is_answered = |demand| market.with(|world| world.is_answered(demand));
    let open = || demands.iter().filter(|(_, demand)| !is_answered(demand)).count();
    until("all that it answers is answered", || open() <= left).await;
    // Time to answer more.
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let address = running.artifacts.trim_start_matches("http://").to_owned();
    let mut statuses = Vec::new();
    if tokio::net::TcpStream::connect(&address).await.is_ok() {
        for segment in 0..2 {
            statuses.push(get(&address, &format!("/v1/segments/{JOB}/{segment}")).await[9..12].parse().unwrap());
        }
        let manifest = market.with(|world| world.job(&JOB).unwrap().result_manifest);
        let bytes = rig.shared.publisher.store.read(&ArtifactId(manifest), 1 << 20).await.unwrap();
        for entry in ResultManifest::decode(&bytes, &graph()).unwrap().boundary {
            statuses.push(get(&address, &format!("/v1/artifacts/{}", entry.artifact)).await[9..12].parse().unwrap());
        }
    }
    let answers = demands.iter().map(|(one, demand)| (one.tree, one.slot, is_answered(demand))).collect();
    rig.cancel.cancel();
    running.service.await.unwrap().unwrap();
    (answers, statuses)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withheld_segment_is_neither_served_nor_signed_nor_opened() {
    let (answers, statuses) = answered_with(NodeFault::withholding_segment(Some(1)), 2).await;
    for (tree, slot, answered) in answers {
        let withheld = matches!(tree, DemandTree::SegmentRoot | DemandTree::Segment) && slot == 1;
        assert_eq!(answered, !withheld, "{tree:?} {slot}");
    }
    assert_eq!(statuses, [200, 403, 200, 200]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withheld_leaf_is_neither_served_nor_opened() {
    let output = graph().outputs[0];
    let (answers, statuses) = answered_with(NodeFault::withholding_leaf(output), 1).await;
    for (tree, slot, answered) in answers {
        assert_eq!(answered, !(tree == DemandTree::Tensor && slot == output), "{tree:?} {slot}");
    }
    assert_eq!(statuses, [200, 200, 200, 404], "its hash is known, its bytes are not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_node_answers_nothing_and_nobody() {
    let (answers, statuses) = answered_with(NodeFault::silence(), usize::MAX).await;
    assert!(answers.iter().all(|(_, _, answered)| !answered), "{answers:?}");
    assert!(statuses.is_empty(), "its port is closed");
}

/// Faults are compiled with debug assertions alone: `assay_audit` has them under the same condition, so that a use outside
/// it does not compile in a release. What is left is that every mention of them stands under the condition.
#[test]
fn faults_are_not_in_release_builds() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let library = std::fs::read_to_string(folder.join("lib.rs")).unwrap();
    assert!(library.contains("#[cfg(debug_assertions)]\npub mod fault;"));
    let engine = std::fs::read_to_string(folder.join("engine.rs")).unwrap();
    assert!(engine.contains("#[cfg(debug_assertions)]\nmod fault;"));
    let name = assay_node::fault::VARIABLE;
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("fault.rs") {
                assert!(!std::fs::read_to_string(&path).unwrap().contains(name), "{}", path.display());
            }
        }
    }
}
