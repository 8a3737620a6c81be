//! Answers to what is demanded of a tree: any tree, any place, any bytes.
//!
//! Whatever a place asks for fits one answer, answers of another length are refused, and one that fits is bound to one hash: the same
//! bytes with a bit changed are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use referee::commit::TensorLayout;
use referee::graph::{Dtype, TensorKind};
use referee::opening::{Form, MAX_ANSWER_BYTES, Place, Tree};
use referee::proof::Rejection;

/// What an input begins with: the kind of tree, its size, and the place.
const HEAD_BYTES: usize = 16;

fuzz_target!(|input: &[u8]| {
    let Some((head, answer)) = input.split_first_chunk::<HEAD_BYTES>() else { return };
    let number = |at: usize| u32::from_le_bytes(*head[at..].first_chunk().expect("four bytes"));
    let count = number(1) as u16;
    let tree = match head[0] % 3 {
        0 => Tree::Boundary { count },
        1 => Tree::Segment { index: number(5) as u16, count },
        _ => {
            let dtype = Dtype::ALL[usize::from(head[0] / 3) % Dtype::ALL.len()];
            let dims = [number(1) % 70_000 + 1, number(5) % 3_000 + 1];
            Tree::Tensor { layout: TensorLayout::new(3, dtype, TensorKind::Temp, &dims) }
        }
    };
    let place = Place { height: head[9], index: number(10) };
    let Ok(form) = tree.form(place) else {
        assert!(tree.verify_answer(place, &[0; 32], answer).is_err());
        assert!(tree.answer_bytes(place).is_err());
        return;
    };
    let wanted = tree.answer_bytes(place).expect("a place with a form has an answer");
    assert!(wanted <= MAX_ANSWER_BYTES, "{wanted} bytes at {place:?} of {tree:?}");
    match form {
        Form::Hashes { height } => {
            let children = tree.children(place).expect("hashes are of children");
            assert!(children.iter().all(|child| child.height == height && tree.has(*child)));
            if let Some(child) = children.first() {
                assert!(tree.verify_child(place, &[0; 32], *child, &[1; 32], &[]).is_err());
            }
        }
        Form::Data => assert!(tree.children(place).is_err()),
    }
    assert!(tree.verify_answer(place, &[0; 32], answer).is_err(), "bytes whose hash is known in advance");
    if answer.len() != wanted {
        let rejection = tree.verify_answer(place, &[0; 32], answer).expect_err("another length");
        assert_eq!(rejection, Rejection::AnswerLength, "{place:?} of {tree:?}");
    }
});
