//! Params of contractions repacked at load: reduction innermost, padded with zeros to whole words.

use super::lower::{Address, product};
use referee::graph::{Access, OutOfBounds, ResolvedOp, ResolvedView, Slot, Term};

/// Bytes in a word of packed 8-bit elements.
pub(super) const WORD: u32 = 4;

/// How a param is repacked: one row of bytes for each point of the output axes that its view uses, holding the points
/// of the reduction axes in a chosen order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packing {
    view: ResolvedView,
    /// Lengths of the op's iteration axes.
    lengths: Vec<u32>,
    /// Output axes that the view uses.
    axes: Vec<usize>,
    /// Reduction axes, as iteration axes, outermost first.
    reductions: Vec<usize>,
}

impl Packing {
    /// Packs operand `operand` of `op`, reducing in the order `reduction_order`.
    pub(super) fn new(op: &ResolvedOp, operand: usize, reduction_order: &[usize]) -> Self {
        let outputs = op.output_dims.len();
        let lengths: Vec<u32> = op.output_dims.iter().chain(&op.reduction_dims).copied().collect();
        let view = op.operands[operand].clone();
        let address = Address::new(&view, &lengths);
        let axes = (0..outputs).filter(|axis| lengths[*axis] > 1 && address.uses(*axis)).collect();
        let reductions = reduction_order.iter().map(|axis| outputs + axis).collect();
        Self { view, lengths, axes, reductions }
    }

    /// The tensor that is packed.
    pub(crate) fn slot(&self) -> Slot {
        self.view.slot
    }

    /// Bytes of one packed row.
    pub(super) fn row_bytes(&self) -> u32 {
        self.lengths_of(&self.reductions).next_multiple_of(WORD)
    }

    /// Bytes of the packed param.
    pub(crate) fn bytes(&self) -> u64 {
        let rows = self.axes.iter().fold(1u64, |rows, axis| rows.saturating_mul(u64::from(self.lengths[*axis])));
        rows.saturating_mul(u64::from(self.row_bytes()))
    }

    fn lengths_of(&self, axes: &[usize]) -> u32 {
        product(&axes.iter().map(|axis| self.lengths[*axis]).collect::<Vec<_>>())
    }

    /// A view of the packed bytes that reads, at every point, what the original view reads of the param.
    pub(super) fn packed_view(&self) -> ResolvedView {
        let row_axis = self.axes.len();
        let mut terms: Vec<Term> = self
            .axes
            .iter()
            .enumerate()
            .map(|(at, axis)| Term { source_axis: at as u8, iteration_axis: *axis as u8, coefficient: 1 })
            .collect();
        let mut stride = 1u32;
        for axis in self.reductions.iter().rev() {
            if self.lengths[*axis] > 1 {
                let coefficient = stride as i32;
                terms.push(Term { source_axis: row_axis as u8, iteration_axis: *axis as u8, coefficient });
            }
            stride *= self.lengths[*axis];
        }
        let dims: Vec<u32> = self.axes.iter().map(|axis| self.lengths[*axis]).chain([self.row_bytes()]).collect();
        ResolvedView {
            slot: self.view.slot,
            dtype: self.view.dtype,
            offsets: vec![0; dims.len()],
            dims,
            terms,
            out_of_bounds: OutOfBounds::Clamp,
            indirect: None,
        }
    }

    /// Packs the param's bytes.
    pub(crate) fn pack(&self, data: &[u8]) -> Vec<u8> {
        let points = self.lengths_of(&self.reductions) as usize;
        let rows = self.lengths_of(&self.axes);
        let row_bytes = self.row_bytes() as usize;
        let mut packed = vec![0u8; rows as usize * row_bytes];
        let mut iteration = vec![0u32; self.lengths.len()];
        for (row, target) in packed.chunks_exact_mut(row_bytes).enumerate() {
            self.seek(&mut iteration, &self.axes, row as u32);
            self.seek(&mut iteration, &self.reductions, 0);
            for byte in &mut target[..points] {
                *byte = match self.view.access(&iteration, 0) {
                    Access::Element(element) => data.get(element as usize).copied().unwrap_or(0),
                    Access::Outside(value) => value as u8,
                };
                self.step(&mut iteration);
            }
        }
        packed
    }

    /// Sets the coordinates of `axes` to those of the flat index `flat`.
    fn seek(&self, iteration: &mut [u32], axes: &[usize], flat: u32) {
        let mut rest = flat;
        for axis in axes.iter().rev() {
            iteration[*axis] = rest % self.lengths[*axis];
            rest /= self.lengths[*axis];
        }
    }

    /// Moves to the next reduction point.
    fn step(&self, iteration: &mut [u32]) {
        for axis in self.reductions.iter().rev() {
            iteration[*axis] += 1;
            if iteration[*axis] < self.lengths[*axis] {
                return;
            }
            iteration[*axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use referee::graph::{Dtype, OpKind};

    /// Weights stored as [k, n], read as w[k, n] by output axis 1 and reduction axis 2.
    fn transposed(k: u32, n: u32) -> ResolvedOp {
        let view = |dims: &[u32], terms: &[(u8, u8, i32)]| ResolvedView {
            slot: 0,
            dtype: Dtype::I8,
            dims: dims.to_vec(),
            offsets: vec![0; dims.len()],
            terms: terms
                .iter()
                .map(|&(source_axis, iteration_axis, coefficient)| Term { source_axis, iteration_axis, coefficient })
                .collect(),
            out_of_bounds: OutOfBounds::Pad(0),
            indirect: None,
        };
        ResolvedOp {
            kind: OpKind::Contract,
            outputs: vec![1],
            output_dims: vec![2, n],
            reduction_dims: vec![k],
            operands: vec![view(&[2, k], &[(0, 0, 1), (1, 2, 1)]), view(&[k, n], &[(0, 2, 1), (1, 1, 1)])],
            prologue: None,
            program: 0,
        }
    }

    #[test]
    fn packing_transposes_and_pads_with_zeros() {
        let packing = Packing::new(&transposed(3, 2), 1, &[0]);
        assert_eq!(packing.pack(&[1, 2, 3, 4, 5, 6]), [1, 3, 5, 0, 2, 4, 6, 0]);
        assert_eq!(packing.bytes(), 8);
    }

    #[test]
    fn the_packed_view_reads_what_the_view_reads() {
        let op = transposed(7, 5);
        let data: Vec<u8> = (0..35).collect();
        let packing = Packing::new(&op, 1, &[0]);
        let (packed, view) = (packing.pack(&data), packing.packed_view());
        for n in 0..5 {
            for k in 0..7 {
                let (Access::Element(from), Access::Element(to)) =
                    (op.operands[1].access(&[1, n, k], 0), view.access(&[1, n, k], 0))
                else {
                    panic!("a view without padding read outside");
                };
                assert_eq!(data[from as usize], packed[to as usize]);
            }
        }
    }
}
