//! Forced openings: every tree opens from its top to its data, and nothing but the truth is an answer.

mod common;

use common::Draw;
use referee::commit::{EMPTY_LEAF, Hash, ListRole, TensorLayout, list_root, merkle_root, segment_hash, sha256};
use referee::graph::{Dtype, TensorKind};
use referee::opening::{Form, MAX_ANSWER_BYTES, Place, Tree, child_path};
use referee::proof::Rejection;
use referee::proof::build::{HashTree, Leaves, Nodes, PartialTree, WholeTensor};

/// A tree with everything below it.
struct Known {
    tree: Tree,
    nodes: HashTree,
    bound: Hash,
    tensor: Option<WholeTensor<'static>>,
}

impl Known {
    fn list(tree: Tree, count: u16) -> Self {
        let hashes: Vec<Hash> = (0..count).map(|index| sha256(&[&index.to_le_bytes()])).collect();
        let (count, root) = (u32::from(count), merkle_root(&hashes));
        let bound = match tree {
            Tree::Segment { index, .. } => segment_hash(index.into(), count, &root),
            _ => list_root(ListRole::Boundary, count, &root),
        };
        Self { tree, nodes: HashTree::new(&hashes), bound, tensor: None }
    }

    fn tensor(dims: &[u32], dtype: Dtype) -> Self {
        let layout = TensorLayout::new(5, dtype, TensorKind::Temp, dims);
        let mut draw = Draw::new(dims.iter().map(|dim| u64::from(*dim)).sum());
        let data: Vec<u8> = (0..layout.bytes()).map(|_| draw.next() as u8).collect();
        let nodes = HashTree::new(&layout.leaf_hashes(&data).unwrap());
        let whole = WholeTensor::new(&layout, data).unwrap();
        let bound = whole.hash().unwrap();
        Self { tree: Tree::Tensor { layout }, nodes, bound, tensor: Some(whole) }
    }

    /// The answer of whoever has the data.
    fn answer(&self, place: Place) -> Vec<u8> {
        match self.tree.form(place).unwrap() {
            Form::Hashes { .. } => {
                let children = self.tree.children(place).unwrap();
                children.iter().flat_map(|child| self.node(*child)).collect()
            }
            Form::Data => {
                let first = place.index << place.height;
                let leaves = (first..first + (1 << place.height)).filter_map(|at| self.tensor.as_ref()?.leaf(at));
                leaves.flatten().copied().collect()
            }
        }
    }

    fn node(&self, place: Place) -> Hash {
        self.nodes.node(place.height, place.index).unwrap()
    }

    fn bound(&self, place: Place) -> Hash {
        if place == self.tree.top() { self.bound } else { self.node(place) }
    }
}

fn all() -> Vec<Known> {
    let mut all = Vec::new();
    for count in [1, 2, 3, 5, 255, 256, 257, 300, 4096] {
        all.push(Known::list(Tree::Boundary { count }, count));
        all.push(Known::list(Tree::Segment { index: 7, count }, count));
    }
    let shapes: [&[u32]; 12] = [
        &[1],
        &[3, 5],
        &[1, 512],
        &[1, 513],
        &[16, 512],
        &[17, 512],
        &[9, 1300],
        &[3, 4, 600],
        &[700, 512],
        &[64, 5000],
        &[4100, 300],
        &[33_000],
    ];
    for dims in shapes {
        all.extend([Dtype::I8, Dtype::I32].map(|dtype| Known::tensor(dims, dtype)));
    }
    all
}

/// Every place that can be demanded, from the top down.
fn places(known: &Known) -> Vec<Place> {
    let mut places = vec![known.tree.top()];
    let mut at = 0;
    while let Some(place) = places.get(at).copied() {
        if let Ok(children) = known.tree.children(place) {
            // The leaf of a list of one stands at the place of its top.
            let below = children.into_iter().filter(|child| *child != place && known.tree.form(*child).is_ok());
            places.extend(below);
        }
        at += 1;
    }
    places
}

#[test]
fn honest_answers_open_every_tree_down_to_its_leaves() {
    for known in all() {
        let mut learnt = PartialTree::new(known.tree.clone());
        let places = places(&known);
        for place in &places {
            let (answer, bound) = (known.answer(*place), known.bound(*place));
            assert_eq!(known.tree.answer_bytes(*place), Ok(answer.len()), "{:?} {place:?}", known.tree);
            assert!(answer.len() <= MAX_ANSWER_BYTES && !answer.is_empty());
            known.tree.verify_answer(*place, &bound, &answer).unwrap();
            learnt.learn(*place, &bound, &answer).unwrap();
            for child in known.tree.children(*place).unwrap_or_default() {
                let path = child_path(&known.tree, &known.nodes, *place, child).unwrap();
                known.tree.verify_child(*place, &bound, child, &known.node(child), &path).unwrap();
            }
        }
        // What was learnt is the whole tree.
        for level in 0..=known.tree.depth() {
            let mut index = 0;
            while let Some(node) = known.nodes.node(level, index) {
                let padding = known.tree.shape().is_padding(level, index);
                assert!(padding || learnt.node(level, index) == Some(node), "{:?}: {index} at {level}", known.tree);
                index += 1;
            }
        }
        if let Some(tensor) = &known.tensor {
            let positions = (0..1u32 << known.tree.depth()).filter(|at| tensor.leaf(*at).is_some());
            for position in positions {
                assert_eq!(learnt.leaf(position), tensor.leaf(position));
            }
        }
    }
}

#[test]
fn eight_levels_a_move_and_at_most_three_moves_to_any_data() {
    let tensor =
        |depth: u32| Tree::Tensor { layout: TensorLayout::new(0, Dtype::I8, TensorKind::Temp, &[1 << depth, 512]) };
    let form = |tree: &Tree, height: u8| tree.form(Place { height, index: 0 }).unwrap();
    let tree = tensor(20);
    for (height, opened) in [(20, 12), (19, 11), (13, 5), (12, 4), (11, 4), (5, 4)] {
        assert_eq!(form(&tree, height), Form::Hashes { height: opened });
    }
    for height in 0..=4 {
        assert_eq!(form(&tree, height), Form::Data);
    }
    assert_eq!(form(&tensor(4), 4), Form::Data, "a small tensor opens at once, under its outer hash");
    let list = Tree::Boundary { count: 4096 };
    assert_eq!((form(&list, 12), form(&list, 4)), (Form::Hashes { height: 4 }, Form::Hashes { height: 0 }));
    assert_eq!(list.form(Place { height: 0, index: 3 }), Err(Rejection::NothingBelow));
    assert_eq!(form(&Tree::Segment { index: 1, count: 1 }, 0), Form::Hashes { height: 0 }, "a list of one has a top");
}

#[test]
fn places_that_hold_nothing_cannot_be_demanded() {
    let rows = Tree::Tensor { layout: TensorLayout::new(0, Dtype::I8, TensorKind::Temp, &[5, 1300]) };
    // Rows of 3 leaves, padded to 4; 5 rows, padded to 8.
    assert_eq!(rows.depth(), 5);
    let outside = [(6, 0), (5, 1), (2, 5), (0, 3), (0, 7), (0, 20), (1, 10), (0, 32), (0, u32::MAX), (255, 0)];
    for (height, index) in outside {
        let place = Place { height, index };
        assert!(!rows.has(place));
        assert_eq!(rows.form(place), Err(Rejection::PlaceOutside), "{place:?}");
        assert_eq!(rows.verify_answer(place, &[0; 32], &[]), Err(Rejection::PlaceOutside));
        assert_eq!(rows.verify_child(place, &[0; 32], place, &[0; 32], &[]), Err(Rejection::PlaceOutside));
    }
    for tree in [Tree::Boundary { count: 0 }, Tree::Segment { index: 0, count: 0 }] {
        assert_eq!(tree.form(tree.top()), Err(Rejection::PlaceOutside), "an empty list opens to nothing");
    }
}

#[test]
fn nothing_but_the_truth_is_an_answer() {
    for known in all() {
        for place in places(&known).into_iter().take(3) {
            let (answer, bound) = (known.answer(place), known.bound(place));
            let verify = |answer: &[u8]| known.tree.verify_answer(place, &bound, answer);
            for at in [0, answer.len() / 2, answer.len() - 1] {
                let mut other = answer.clone();
                other[at] ^= 1;
                assert_eq!(verify(&other), Err(Rejection::AnswerHash), "{:?} {place:?}", known.tree);
            }
            assert_eq!(verify(&answer[1..]), Err(Rejection::AnswerLength));
            assert_eq!(verify(&[&answer[..], &[0]].concat()), Err(Rejection::AnswerLength));
            assert_eq!(verify(&[&answer[..], &[0; 32]].concat()), Err(Rejection::AnswerLength));
            assert_eq!(verify(&[]), Err(Rejection::AnswerLength));
            let other = known.tree.verify_answer(place, &[1; 32], &answer);
            assert_eq!(other, Err(Rejection::AnswerHash), "another bound hash");
            let mut learnt = PartialTree::new(known.tree.clone());
            assert!(learnt.learn(place, &[1; 32], &answer).is_err());
            assert_eq!(learnt.node(known.tree.depth(), 0), None, "nothing is learnt from it");
        }
    }
}

#[test]
fn the_outer_hash_binds_counts_indices_and_headers() {
    let known = Known::list(Tree::Segment { index: 7, count: 5 }, 5);
    let answer = known.answer(known.tree.top());
    for tree in [Tree::Segment { index: 8, count: 5 }, Tree::Boundary { count: 5 }] {
        assert_eq!(tree.verify_answer(tree.top(), &known.bound, &answer), Err(Rejection::AnswerHash));
    }
    // A count that the graph does not have: the same depth, another number of hashes.
    let tree = Tree::Segment { index: 7, count: 6 };
    let longer = [&answer[..], &EMPTY_LEAF].concat();
    assert_eq!(tree.verify_answer(tree.top(), &known.bound, &longer), Err(Rejection::AnswerHash));
    // A tensor with the header of another: no answer is valid, whatever its data are.
    let known = Known::tensor(&[3, 5], Dtype::I8);
    let other = Tree::Tensor { layout: TensorLayout::new(6, Dtype::I8, TensorKind::Temp, &[3, 5]) };
    let answer = known.answer(known.tree.top());
    assert_eq!(other.verify_answer(other.top(), &known.bound, &answer), Err(Rejection::AnswerHash));
}

#[test]
fn false_padding_has_no_answer() {
    // Five real hashes and something where padding should be: the root that commits to it cannot be opened.
    let hashes: Vec<Hash> = (0..6u8).map(|index| [index; 32]).collect();
    let bound = list_root(ListRole::Boundary, 5, &merkle_root(&hashes));
    let tree = Tree::Boundary { count: 5 };
    let answer = hashes[..5].concat();
    assert_eq!(tree.verify_answer(tree.top(), &bound, &answer), Err(Rejection::AnswerHash));
    assert_eq!(tree.verify_answer(tree.top(), &bound, &hashes.concat()), Err(Rejection::AnswerLength));
}

#[test]
fn children_stand_where_an_answer_opens_them() {
    let known = Known::tensor(&[700, 512], Dtype::I8);
    let (tree, top) = (&known.tree, known.tree.top());
    let child = tree.children(top).unwrap()[9];
    let path = child_path(tree, &known.nodes, top, child).unwrap();
    let hash = known.node(child);
    let verify = |child: Place, hash: &Hash, path: &[Hash]| tree.verify_child(top, &known.bound, child, hash, path);
    verify(child, &hash, &path).unwrap();
    assert_eq!(verify(child, &[0; 32], &path), Err(Rejection::ChildPath));
    assert_eq!(verify(Place { index: 8, ..child }, &hash, &path), Err(Rejection::ChildPath));
    assert_eq!(verify(child, &hash, &path[1..]), Err(Rejection::ChildPath));
    assert_eq!(verify(child, &hash, &[&path[..], &[[0; 32]]].concat()), Err(Rejection::ChildPath));
    assert_eq!(verify(Place { height: child.height - 1, ..child }, &hash, &path), Err(Rejection::ChildPlace));
    assert_eq!(verify(Place { height: child.height + 1, index: 4 }, &hash, &path[1..]), Err(Rejection::ChildPlace));
    assert_eq!(verify(Place { index: 60, ..child }, &hash, &path), Err(Rejection::ChildPlace), "only padding is there");
    // Below a place that opens to data there is no child.
    let leaf = tree.verify_child(child, &hash, Place { height: 0, index: 144 }, &[0; 32], &[[0; 32]; 4]);
    assert_eq!(leaf, Err(Rejection::NothingBelow));
    // Not below this parent.
    let known = Known::tensor(&[1 << 14, 512], Dtype::I8);
    let (tree, top) = (&known.tree, known.tree.top());
    let parents = tree.children(top).unwrap();
    let child = tree.children(parents[1]).unwrap()[0];
    let path = child_path(tree, &known.nodes, parents[1], child).unwrap();
    tree.verify_child(parents[1], &known.node(parents[1]), child, &known.node(child), &path).unwrap();
    let other = tree.verify_child(parents[0], &known.node(parents[0]), child, &known.node(child), &path);
    assert_eq!(other, Err(Rejection::ChildPlace));
}
