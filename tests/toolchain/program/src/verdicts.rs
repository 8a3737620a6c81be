//! Questions for the referee as bytes, and its answers.

use referee::commit::{Hash, TensorLayout};
use referee::graph::{Dtype, TensorKind};
use referee::opening::{Place, Tree};
use referee::proof::{Fault, Pinned, PinnedSegment, judge};

/// Asks for the verdict on a proof.
const JUDGE: u8 = 0;
/// Asks whether an answer opens a place.
const VERIFY_ANSWER: u8 = 1;

/// The question whether `proof` shows a fault.
#[must_use]
pub fn question_of_proof(proof: &[u8], pinned: &Pinned) -> Vec<u8> {
    let mut bytes = vec![JUDGE];
    for root in [&pinned.graph_root, &pinned.params_root, &pinned.inputs_root, &pinned.boundary_root] {
        bytes.extend(root);
    }
    bytes.extend(pinned.boundary_count.to_le_bytes());
    bytes.extend(pinned.ir_version.to_le_bytes());
    pinned.symbols.iter().for_each(|symbol| bytes.extend(symbol.to_le_bytes()));
    let none = PinnedSegment { index: 0, root: [0; 32] };
    bytes.push(u8::from(pinned.segment.is_some()));
    let segment = pinned.segment.unwrap_or(none);
    bytes.extend(segment.index.to_le_bytes());
    bytes.extend(segment.root);
    bytes.extend(proof);
    bytes
}

/// The question whether `answer` opens `place` of the tensor at `slot`.
#[must_use]
pub fn question_of_tensor_answer(
    slot: u16,
    dtype: Dtype,
    kind: TensorKind,
    dims: &[u32],
    place: Place,
    bound: &Hash,
    answer: &[u8],
) -> Vec<u8> {
    let mut bytes = vec![VERIFY_ANSWER];
    bytes.extend(slot.to_le_bytes());
    bytes.extend([dtype as u8, kind as u8, dims.len() as u8]);
    dims.iter().for_each(|dim| bytes.extend(dim.to_le_bytes()));
    bytes.push(place.height);
    bytes.extend(place.index.to_le_bytes());
    bytes.extend(bound);
    bytes.extend(answer);
    bytes
}

/// The referee's answer; `None` if these bytes ask nothing.
#[must_use]
pub fn answer(question: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = question;
    match take::<1>(&mut bytes)? {
        [JUDGE] => verdict(bytes),
        [VERIFY_ANSWER] => verified(bytes),
        _ => None,
    }
}

fn verdict(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut pinned = Pinned {
        graph_root: take(&mut bytes)?,
        params_root: take(&mut bytes)?,
        inputs_root: take(&mut bytes)?,
        boundary_root: take(&mut bytes)?,
        boundary_count: u16::from_le_bytes(take(&mut bytes)?),
        ir_version: u16::from_le_bytes(take(&mut bytes)?),
        symbols: [0; 4],
        segment: None,
    };
    for symbol in &mut pinned.symbols {
        *symbol = u32::from_le_bytes(take(&mut bytes)?);
    }
    let [present] = take::<1>(&mut bytes)?;
    let segment = PinnedSegment { index: u16::from_le_bytes(take(&mut bytes)?), root: take(&mut bytes)? };
    pinned.segment = (present == 1).then_some(segment);
    Some(match judge(bytes, &pinned) {
        Err(rejection) => vec![0, rejection.code()],
        Ok(finding) => {
            let mut said = vec![1, u8::from(finding.uses_segment)];
            match finding.fault {
                Fault::Element { op, slot, element, claimed, computed } => {
                    said.push(0);
                    said.extend(op.to_le_bytes());
                    said.extend(slot.to_le_bytes());
                    said.extend(element.to_le_bytes());
                    said.extend(claimed.to_le_bytes());
                    said.extend(computed.to_le_bytes());
                }
                Fault::Mismatch { slot, boundary, segment } => {
                    said.push(1);
                    said.extend(slot.to_le_bytes());
                    said.extend(boundary);
                    said.extend(segment);
                }
            }
            said
        }
    })
}

fn verified(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let slot = u16::from_le_bytes(take(&mut bytes)?);
    let [dtype, kind, axes] = take::<3>(&mut bytes)?;
    let mut dims = Vec::with_capacity(usize::from(axes));
    for _ in 0..axes {
        dims.push(u32::from_le_bytes(take(&mut bytes)?));
    }
    let (dtype, kind) = (*Dtype::ALL.get(usize::from(dtype))?, *TensorKind::ALL.get(usize::from(kind))?);
    let layout = TensorLayout::new(slot, dtype, kind, &dims);
    let [height] = take::<1>(&mut bytes)?;
    let place = Place { height, index: u32::from_le_bytes(take(&mut bytes)?) };
    let bound: Hash = take(&mut bytes)?;
    let verified = Tree::Tensor { layout }.verify_answer(place, &bound, bytes);
    Some(vec![verified.map_or_else(|rejection| rejection.code(), |()| 0)])
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}
