//! Which hash a demand may ask to open, and what an answer is: the program's accounts translated for the referee.

use crate::error::{AssayError, Checked};
use crate::state::{DemandKey, DemandTree, TreeFacts};
use anchor_lang::prelude::msg;
use referee::commit::{root_from_path, Hash, TensorLayout, LEAF_BYTES};
use referee::graph::{Dtype, TensorKind};
use referee::opening::{Form, Place, Tree};
use referee::proof::Rejection;

/// Logs why the referee rejects something; `error` is what the program answers.
pub fn rejected(error: AssayError) -> impl Fn(Rejection) -> AssayError {
    move |rejection| {
        msg!("rejected: R{} {}", rejection.code(), rejection.message());
        error
    }
}

/// What is kept of a tensor's layout; the rest follows from it.
pub fn facts_of(layout: &TensorLayout) -> TreeFacts {
    TreeFacts {
        count: 0,
        dtype: layout.dtype as u8,
        kind: layout.kind as u8,
        uid: layout.uid,
        rows: layout.rows,
        row_bytes: layout.row_bytes,
    }
}

/// The tree that a demand is about. `InvariantBroken` for a segment root, which is none, and for facts that no tensor has.
pub fn tree_of(key: &DemandKey, facts: &TreeFacts) -> Checked<Tree> {
    match key.tree {
        DemandTree::Boundary => Ok(Tree::Boundary { count: facts.count }),
        DemandTree::Segment => Ok(Tree::Segment { index: key.slot, count: facts.count }),
        DemandTree::Tensor => layout_of(facts).map(|layout| Tree::Tensor { layout }),
        DemandTree::SegmentRoot => Err(AssayError::InvariantBroken),
    }
}

fn layout_of(facts: &TreeFacts) -> Checked<TensorLayout> {
    let dtype = Dtype::ALL.into_iter().find(|dtype| *dtype as u8 == facts.dtype);
    let kind = TensorKind::ALL.into_iter().find(|kind| *kind as u8 == facts.kind);
    let (Some(dtype), Some(kind)) = (dtype, kind) else { return Err(AssayError::InvariantBroken) };
    let wide = facts.row_bytes > LEAF_BYTES;
    let rows_in_a_leaf = LEAF_BYTES.checked_div(facts.row_bytes).ok_or(AssayError::InvariantBroken)?;
    Ok(TensorLayout {
        dtype,
        kind,
        uid: facts.uid,
        rows: facts.rows,
        row_bytes: facts.row_bytes,
        rows_per_leaf: if wide { 1 } else { rows_in_a_leaf },
        leaves_per_row: facts.row_bytes.div_ceil(LEAF_BYTES),
    })
}

/// The place of a demand in its tree.
pub fn place_of(key: &DemandKey) -> Place {
    Place { height: key.height, index: key.index }
}

/// Checks that `hash` stands at `place` below, or at, the place `above` that `bound` is the hash of. The path may lead through
/// several of the places that answers open on the way.
///
/// `PlaceNotBound`; the log says why.
pub fn check_below(tree: &Tree, above: Place, bound: &Hash, place: Place, hash: &Hash, path: &[Hash]) -> Checked {
    if place == above {
        return if path.is_empty() && hash == bound { Ok(()) } else { Err(AssayError::PlaceNotBound) };
    }
    let not_bound = rejected(AssayError::PlaceNotBound);
    let Form::Hashes { height } = tree.form(above).map_err(&not_bound)? else {
        return Err(AssayError::PlaceNotBound);
    };
    if place.height >= height {
        return tree.verify_child(above, bound, place, hash, path).map_err(&not_bound);
    }
    let levels = height.saturating_sub(place.height);
    let (lower, upper) = path.split_at_checked(usize::from(levels)).ok_or(AssayError::PlaceNotBound)?;
    let middle = place.index.checked_shr(u32::from(levels)).ok_or(AssayError::PlaceNotBound)?;
    let within = place.index.wrapping_sub(middle.wrapping_shl(u32::from(levels)));
    let middle_hash = root_from_path(hash, within, lower).ok_or(AssayError::PlaceNotBound)?;
    let middle = Place { height, index: middle };
    tree.verify_child(above, bound, middle, &middle_hash, upper).map_err(&not_bound)?;
    check_below(tree, middle, &middle_hash, place, hash, lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use referee::commit::{list_root, merkle_path, merkle_root, sha256, ListRole};

    fn boundary(count: u16) -> (Tree, Vec<Hash>, Hash) {
        let leaves: Vec<Hash> = (0..count).map(|at| sha256(&[&at.to_le_bytes()])).collect();
        let root = list_root(ListRole::Boundary, u32::from(count), &merkle_root(&leaves));
        (Tree::Boundary { count }, leaves, root)
    }

    #[test]
    fn every_tensor_of_a_list_is_bound_however_deep_it_is() {
        for count in [1u16, 2, 3, 200, 256, 257, 1_000, 5_000] {
            let (tree, leaves, root) = boundary(count);
            for position in [0, count / 2, count - 1] {
                let path = merkle_path(&leaves, u32::from(position)).unwrap();
                let place = Place { height: 0, index: u32::from(position) };
                let hash = &leaves[usize::from(position)];
                if place != tree.top() {
                    assert_eq!(check_below(&tree, tree.top(), &root, place, hash, &path), Ok(()), "{count} {position}");
                }
                let refused = Err(AssayError::PlaceNotBound);
                assert_eq!(check_below(&tree, tree.top(), &root, place, &[9; 32], &path), refused);
                let beyond = Place { height: 0, index: u32::from(count) };
                assert_eq!(check_below(&tree, tree.top(), &root, beyond, hash, &path), refused);
                for length in 0..path.len() {
                    assert_eq!(check_below(&tree, tree.top(), &root, place, hash, &path[..length]), refused);
                }
                let longer = [&path[..], &[[0; 32]]].concat();
                assert_eq!(check_below(&tree, tree.top(), &root, place, hash, &longer), refused);
            }
        }
    }

    #[test]
    fn the_top_is_bound_to_itself_only() {
        let (tree, leaves, root) = boundary(5);
        assert_eq!(check_below(&tree, tree.top(), &root, tree.top(), &root, &[]), Ok(()));
        let refused = Err(AssayError::PlaceNotBound);
        assert_eq!(check_below(&tree, tree.top(), &root, tree.top(), &leaves[0], &[]), refused);
        assert_eq!(check_below(&tree, tree.top(), &root, tree.top(), &root, &[[0; 32]]), refused);
    }

    #[test]
    fn a_layout_survives_being_kept() {
        for dims in [&[7, 3][..], &[4, 512], &[2, 513], &[1], &[3, 2_000]] {
            for dtype in Dtype::ALL {
                let layout = TensorLayout::new(5, dtype, TensorKind::Temp, dims);
                let key = DemandKey { tree: DemandTree::Tensor, slot: 5, ..DemandKey::default() };
                assert_eq!(tree_of(&key, &facts_of(&layout)), Ok(Tree::Tensor { layout }));
            }
        }
        let key = DemandKey { tree: DemandTree::Tensor, ..DemandKey::default() };
        for facts in [TreeFacts { row_bytes: 1, dtype: 9, ..TreeFacts::default() }, TreeFacts::default()] {
            assert_eq!(tree_of(&key, &facts), Err(AssayError::InvariantBroken));
        }
        assert_eq!(tree_of(&DemandKey::segment_root(1), &TreeFacts::default()), Err(AssayError::InvariantBroken));
    }
}
