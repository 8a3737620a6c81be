//! Whatever is withheld is forced open, in few moves, from accounts alone.

use crate::bench::Bench;
use crate::freivalds::extreme_product;
use assay_audit::answer::{AnswerError, Content, answer, boundary_tree, segment_tree, tensor_tree};
use assay_audit::descent::{Demand, Known, Move, OwnTrace, TreeKey, most_demands, next_move};
use assay_audit::fault::{Fault, FaultKind, Faulty};
use assay_audit::{ProofError, Prover, Source, segment_trace};
use assay_kernels::conformance::random_vector;
use referee::commit::{Hash, TensorLayout};
use referee::graph::{Dtype, TensorKind};
use referee::opening::{Place, Tree};
use referee::proof::build::Unknown;

/// The node's answer to a demand, checked as the chain checks it: the place first, then the answer.
fn answered(bench: &Bench, faulty: &Faulty, known: &Known, demand: &Demand) -> Vec<u8> {
    let graph = &bench.subject.resolved;
    let boundary = bench.boundary(&faulty.committed).hashes;
    let (tree, content): (Tree, Vec<Hash>) = match demand.tree {
        TreeKey::Boundary => (boundary_tree(graph), boundary),
        TreeKey::Segment(segment) => {
            let trace = segment_trace(graph, segment, &faulty.inside, &bench.hasher).unwrap();
            (segment_tree(graph, segment), trace.hashes)
        }
        TreeKey::Tensor(_, slot) => (tensor_tree(graph, slot).unwrap(), Vec::new()),
    };
    let content = match demand.tree {
        TreeKey::Tensor(Source::Boundary, slot) => Content::Bytes(&faulty.committed[&slot]),
        TreeKey::Tensor(Source::Segment, slot) => Content::Bytes(&faulty.inside[&slot]),
        _ => Content::Hashes(&content),
    };
    match demand.parent {
        None => assert_eq!(demand.place, tree.top()),
        Some(parent) => {
            let bound = bound_of(bench, faulty, known, demand.tree, &tree, parent);
            tree.verify_child(parent, &bound, demand.place, &demand.bound, &demand.path).unwrap();
        }
    }
    answer(&tree, demand.place, &demand.bound, content, &bench.hasher).unwrap()
}

/// The hash that was bound where an answered demand lies.
fn bound_of(bench: &Bench, faulty: &Faulty, known: &Known, key: TreeKey, tree: &Tree, place: Place) -> Hash {
    let answers = &known.answers[&key];
    let above = answers.iter().find_map(|(parent, answer)| {
        let children = tree.children(*parent).ok()?;
        let at = children.iter().position(|child| *child == place && place != tree.top())?;
        answer.as_chunks::<32>().0.get(at).copied()
    });
    above.unwrap_or_else(|| match key {
        TreeKey::Boundary => known.boundary_root,
        TreeKey::Segment(segment) => known.segments[&segment],
        TreeKey::Tensor(source, slot) => {
            let tensors = if source == Source::Boundary { &faulty.committed } else { &faulty.inside };
            bench.hasher.hashes(&bench.subject.resolved, tensors, &[slot]).unwrap()[0]
        }
    })
}

/// Plays a dispute in which the node serves nothing, to its proof; the number of moves it took.
fn force(bench: &Bench, faulty: &Faulty, target: Option<u16>) -> u32 {
    let Bench { subject, hasher, honest, .. } = bench;
    let graph = &subject.resolved;
    let prover = Prover::new(subject, hasher).unwrap();
    let boundary_root = bench.boundary(&faulty.committed).root;
    let own_boundary = bench.boundary(honest).hashes;
    let mut known = Known { boundary_root, ..Known::default() };
    let mut trace = None;
    if let Some(segment) = target {
        // A signed root, whose inside is withheld.
        known.segments.insert(segment, hasher.segment_root(graph, segment, &faulty.inside).unwrap());
        trace = Some(segment_trace(graph, segment, honest, hasher).unwrap());
    }
    for moves in 0..40 {
        let own = OwnTrace { boundary: &own_boundary, segment: trace.as_ref(), tensors: honest };
        // The plan is a function of what stands on-chain: asked again, it is the same.
        let plan = next_move(graph, hasher, own, target, &known).unwrap();
        assert_eq!(plan, next_move(graph, hasher, own, target, &known.clone()).unwrap());
        let demand = match plan {
            Move::DemandRoot { segment, .. } => {
                known.segments.insert(segment, hasher.segment_root(graph, segment, &faulty.inside).unwrap());
                continue;
            }
            Move::Replay { difference } => {
                trace = Some(segment_trace(graph, difference.segment, honest, hasher).unwrap());
                continue;
            }
            Move::Prove(proved) => {
                let finding = &proved.finding;
                assert_eq!(finding.op, faulty.op);
                let segment = known.segments.get(&finding.segment).map(|root| (finding.segment, *root));
                match prover.prove_opened(&proved, &boundary_root, segment, honest) {
                    Ok(_) => return moves,
                    // A neighbour whose few bytes are cheaper than its hash.
                    Err(ProofError::Unknown(Unknown::Leaf { position, .. })) => panic!("leaf {position} is not opened"),
                    Err(error) => panic!("{finding}: {error}"),
                }
            }
            Move::NoDivergentChild { tree, place } => panic!("nothing differs below {place:?} of {tree:?}"),
            Move::Demand(demand) => demand,
        };
        let bytes = answered(bench, faulty, &known, &demand);
        known.answers.entry(demand.tree).or_default().insert(demand.place, bytes);
    }
    panic!("no proof after 40 moves");
}

#[test]
fn every_withheld_lie_is_forced_open_and_proved() {
    let backend = Bench::backend();
    let (mut forced, mut most) = (0, 0);
    for seed in 40_000..40_400 {
        let bench = Bench::new(&random_vector(seed), &backend).unwrap();
        for kind in [FaultKind::Element, FaultKind::Boundary, FaultKind::Padding, FaultKind::Interior] {
            let Ok(faulty) = bench.fault(&Fault::new(kind)) else { continue };
            let in_boundary = bench.boundary(&faulty.committed).root != bench.boundary(&bench.honest).root;
            let segment = bench.subject.resolved.segment_of(faulty.op);
            most = most.max(force(&bench, &faulty, (!in_boundary).then_some(segment)));
            forced += 1;
        }
    }
    assert!(forced > 1000 && most >= 4, "{forced} disputes, at most {most} moves");
}

#[test]
fn a_deep_tensor_is_forced_open_in_few_moves() {
    // 40 sums of 4 bytes a row, three rows a leaf: a tree of 15 levels.
    let bench = extreme_product(65_536);
    let tree = tensor_tree(&bench.subject.resolved, 2).unwrap();
    assert_eq!((tree.depth(), most_demands(&tree)), (15, 3));
    for element in [0, 1_234_567, 40 * 65_536 - 1] {
        let faulty = bench.fault(&Fault { element: Some(element), ..Fault::new(FaultKind::Element) }).unwrap();
        assert_eq!(faulty.element, element);
        // The boundary's only tensor, then three openings of its tree.
        assert_eq!(force(&bench, &faulty, None), 4);
    }
}

#[test]
fn an_honest_result_has_no_divergent_child() {
    let bench = Bench::new(&random_vector(7), &Bench::backend()).unwrap();
    let graph = &bench.subject.resolved;
    let boundary = bench.boundary(&bench.honest);
    let trace = segment_trace(graph, 0, &bench.honest, &bench.hasher).unwrap();
    let own = OwnTrace { boundary: &boundary.hashes, segment: Some(&trace), tensors: &bench.honest };
    let mut known = Known { boundary_root: boundary.root, boundary: Some(boundary.hashes.clone()), ..Known::default() };
    let plan = next_move(graph, &bench.hasher, own, None, &known).unwrap();
    assert!(matches!(plan, Move::NoDivergentChild { tree: TreeKey::Boundary, .. }), "{plan:?}");
    known.segments.insert(0, trace.root);
    let plan = next_move(graph, &bench.hasher, own, Some(0), &known).unwrap();
    assert!(matches!(plan, Move::NoDivergentChild { tree: TreeKey::Segment(0), .. }), "{plan:?}");
}

#[test]
fn depths_up_to_24_take_few_moves() {
    // A tensor of 2^24 leaves takes four openings; a list of 256 tensors one, one of 4,096 two.
    let layout = |rows: u32| TensorLayout::new(0, Dtype::I8, TensorKind::Temp, &[rows, 512]);
    let mut table = Vec::new();
    for depth in 0..=22u8 {
        let tree = Tree::Tensor { layout: layout(1 << depth) };
        assert_eq!(tree.depth(), depth);
        table.push(most_demands(&tree));
    }
    assert_eq!(table, [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4]);
    // Rows beyond 512 bytes are subtrees of their own: the deepest tensor below 2 GiB.
    let deepest = TensorLayout::new(0, Dtype::I8, TensorKind::Temp, &[(1 << 22) - 1, 513]);
    let deepest = Tree::Tensor { layout: deepest };
    assert!(deepest.depth() >= 23, "{}", deepest.depth());
    let tensor = most_demands(&deepest);
    let lists: Vec<u32> = [1, 256, 257, 4096].map(|count| most_demands(&Tree::Boundary { count })).to_vec();
    assert_eq!((tensor, &lists[..]), (4, &[1, 1, 2, 2][..]));
    // Boundary tree, segment root, segment tree, tensor tree.
    assert_eq!(lists[1] + 1 + lists[1] + tensor, 7);
    // The same with longer lists.
    assert_eq!(lists[2] + 1 + lists[2] + tensor, 9);
}

#[test]
fn an_answer_that_is_not_what_is_bound_is_not_given() {
    let bench = Bench::new(&random_vector(7), &Bench::backend()).unwrap();
    let graph = &bench.subject.resolved;
    let boundary = bench.boundary(&bench.honest);
    let tree = boundary_tree(graph);
    let good = answer(&tree, tree.top(), &boundary.root, Content::Hashes(&boundary.hashes), &bench.hasher).unwrap();
    assert_eq!(good, boundary.hashes.concat());
    let bad = answer(&tree, tree.top(), &[1; 32], Content::Hashes(&boundary.hashes), &bench.hasher);
    assert!(matches!(bad, Err(AnswerError::NotBound(_))), "{bad:?}");
    let outside = Place { height: 30, index: 0 };
    let bad = answer(&tree, outside, &boundary.root, Content::Hashes(&boundary.hashes), &bench.hasher);
    assert!(matches!(bad, Err(AnswerError::Place { height: 30, .. })), "{bad:?}");
    let bad = answer(&tree, tree.top(), &boundary.root, Content::Bytes(&[]), &bench.hasher);
    assert_eq!(bad, Err(AnswerError::Content));
}
