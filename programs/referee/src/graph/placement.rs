//! Where a tensor stands: what produces it, and its places in the trees of hashes.
//!
//! A dispute opens a few parts of a graph and must know at which position of which tree a tensor's hash lies. All of
//! that follows from the whole graph, which is too long to show, so it is hashed into the graph's root beside each tensor.
//! Whoever computes a root derives the placements; a false one is another root.

use super::types::{Graph, Slot, TensorKind};
use alloc::vec::Vec;

/// Stands where a tensor has no op, no segment or no place in the boundary.
pub const NOWHERE: u16 = 0xffff;

/// Where a tensor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Placement {
    /// The op that produces it; [`NOWHERE`] for inputs and params.
    pub op: u16,
    /// Which of the op's outputs it is; 0 for inputs and params.
    pub output: u8,
    /// The segment that produces it; [`NOWHERE`] for inputs and params.
    pub segment: u16,
    /// Its position among the tensors of its segment, or among those of its kind.
    pub position: u16,
    /// How many tensors its segment has, or how many there are of its kind.
    pub count: u16,
    /// Its position in the boundary tree; [`NOWHERE`] if it is not there.
    pub boundary: u16,
}

impl Placement {
    /// Bytes of an encoded placement.
    pub const BYTES: usize = 11;

    /// A tensor that nothing refers to.
    const NONE: Self = Self { op: NOWHERE, output: 0, segment: NOWHERE, position: 0, count: 0, boundary: NOWHERE };

    /// The bytes that follow a tensor's own in its descriptor.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let [[a, b], [c, d], [e, f], [g, h], [i, j]] =
            [self.op, self.segment, self.position, self.count, self.boundary].map(u16::to_le_bytes);
        [a, b, self.output, c, d, e, f, g, h, i, j]
    }

    /// The placement of these bytes.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let [a, b, output, c, d, e, f, g, h, i, j] = *bytes;
        let [op, segment, position, count, boundary] = [[a, b], [c, d], [e, f], [g, h], [i, j]].map(u16::from_le_bytes);
        Self { op, output, segment, position, count, boundary }
    }

    /// The op that produces the tensor and the output there; none for inputs and params.
    pub fn producer(&self) -> Option<(u16, u8)> {
        (self.op != NOWHERE).then_some((self.op, self.output))
    }

    /// The tensor's position in the boundary tree.
    pub fn boundary_position(&self) -> Option<u16> {
        (self.boundary != NOWHERE).then_some(self.boundary)
    }
}

impl Graph {
    /// The placement of every tensor, by slot. A graph that passes the checks has no two tensors at one place.
    pub fn placements(&self) -> Vec<Placement> {
        let mut placements: Vec<Placement> = alloc::vec![Placement::NONE; self.tensors.len()];
        self.place_given(&mut placements, TensorKind::Input);
        self.place_given(&mut placements, TensorKind::Param);
        self.place_produced(&mut placements);
        self.place_boundary(&mut placements);
        placements
    }

    fn place_given(&self, placements: &mut [Placement], kind: TensorKind) {
        let count = self.tensors.iter().filter(|tensor| tensor.kind == kind).count() as u16;
        let of_kind = self.tensors.iter().zip(placements).filter(|(tensor, _)| tensor.kind == kind);
        for (position, (_, placement)) in of_kind.enumerate() {
            (placement.position, placement.count) = (position as u16, count);
        }
    }

    fn place_produced(&self, placements: &mut [Placement]) {
        let starts = core::iter::once(0).chain(self.cuts.iter().copied());
        let ends = self.cuts.iter().copied().chain([u16::MAX]);
        for (segment, (first, end)) in starts.zip(ends).enumerate() {
            let end = usize::from(end).min(self.ops.len());
            let ops = self.ops.get(usize::from(first)..end).unwrap_or_default();
            let count = ops.iter().map(|op| op.outputs.len()).sum::<usize>() as u16;
            let mut position = 0u16;
            for (op, body) in ops.iter().enumerate() {
                for (output, slot) in body.outputs.iter().enumerate() {
                    if let Some(placement) = placements.get_mut(usize::from(*slot)) {
                        *placement = Placement {
                            op: first.wrapping_add(op as u16),
                            output: output as u8,
                            segment: segment as u16,
                            position,
                            count,
                            boundary: NOWHERE,
                        };
                    }
                    position = position.wrapping_add(1);
                }
            }
        }
    }

    /// Tensors that a later segment reads, and outputs, each once, in the order of (op, output).
    fn place_boundary(&self, placements: &mut [Placement]) {
        let mut crosses = alloc::vec![false; placements.len()];
        let mut mark = |slot: Slot| {
            if let Some(mark) = crosses.get_mut(usize::from(slot)) {
                *mark = true;
            }
        };
        self.outputs.iter().copied().for_each(&mut mark);
        for (reader, op) in self.ops.iter().enumerate() {
            let segment = self.cuts.partition_point(|cut| usize::from(*cut) <= reader) as u16;
            for view in &op.operands {
                let producer = placements.get(usize::from(view.slot)).map_or(NOWHERE, |placement| placement.segment);
                if producer != NOWHERE && producer != segment {
                    mark(view.slot);
                }
            }
        }
        let mut next = 0u16;
        for slot in self.ops.iter().flat_map(|op| &op.outputs) {
            let crossing = crosses.get_mut(usize::from(*slot)).is_some_and(core::mem::take);
            if let Some(placement) = placements.get_mut(usize::from(*slot)).filter(|_| crossing) {
                placement.boundary = next;
                next = next.wrapping_add(1);
            }
        }
    }
}
