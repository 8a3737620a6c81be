//! A map whose values are entries of a table, found by a sum of operands: activations, the exponents of a softmax.

use super::narrow::{Form, Forms, Linear, STRIP};
use super::pointwise::Pointwise;
use crate::TensorSet;
use crate::cpu::access::AXES;
use crate::cpu::isa::{Available, Job};
use crate::cpu::output::Output;
use crate::cpu::scratch::Scratch;
use crate::cpu::table::Table;
use referee::graph::{Dtype, ResolvedGraph, ResolvedOp, TensorKind};

/// Such a map.
#[derive(Clone, Debug)]
pub(crate) struct LookUp {
    map: Pointwise,
    index: Linear,
    table: Table,
    /// Where this operand is 0, these bytes are stored instead.
    mask: Option<(Linear, Vec<u8>)>,
    dtype: Dtype,
}

/// Most entries of a table that is kept in another form than the param's.
const MOST_ENTRIES: usize = 1 << 16;

impl LookUp {
    /// The map as a look-up, if it is one.
    pub(crate) fn new(
        graph: &ResolvedGraph,
        op: &ResolvedOp,
        params: &TensorSet,
        map: &Pointwise,
        isa: Available,
    ) -> Option<Self> {
        let [output] = op.outputs[..] else { return None };
        let dtype = graph.tensors.get(usize::from(output))?.dtype;
        let (form, mask) = match Forms::of(map.program(), map.accesses()).into_stored()? {
            Form::Masked(form, operand, other) => (*form, Some((operand, other))),
            form => (form, None),
        };
        let Form::Looked(index, operand) = form else { return None };
        // along the innermost axis everything stands still or has neighbours
        let axis = map.sweep().innermost();
        let straight = |operand: u8| matches!(map.access(operand).stride(axis), Some(0 | 1));
        let masked_by = mask.as_ref().map(|(operand, _)| *operand);
        if !index.terms.iter().map(|term| term.0).chain(masked_by).all(straight) {
            return None;
        }
        let access = map.access(operand);
        let length = access.table_length().filter(|length| *length <= MOST_ENTRIES)?;
        let source = graph.tensors.get(usize::from(access.slot()))?;
        let data = params.get(&access.slot()).filter(|_| source.kind == TensorKind::Param)?;
        let values = (0..length).map(|entry| access.dtype().read(data, entry).unwrap_or(0));
        let size = dtype.bytes() as usize;
        let mask = mask.map(|(operand, other)| {
            let mask = Linear { constant: 0, terms: vec![(operand, 1)] };
            (mask, dtype.saturate(other).to_le_bytes()[..size].to_vec())
        });
        Some(Self { map: map.clone(), index, table: Table::new(values, dtype, isa), mask, dtype })
    }

    /// Steps for each point, as those of a program.
    pub(crate) fn steps(&self) -> usize {
        self.index.terms.len() + 2
    }

    /// Whether an operand is read for each point: all but the table.
    pub(crate) fn reads(&self, operand: usize) -> bool {
        let masks = self.mask.iter().map(|(mask, _)| mask);
        masks.chain([&self.index]).flat_map(|linear| &linear.terms).any(|(term, _)| usize::from(*term) == operand)
    }

    /// Bytes of the table.
    pub(crate) fn table_bytes(&self) -> usize {
        self.table.bytes()
    }

    /// Stores points `first..first + count`.
    ///
    /// # Safety
    /// No other thread uses these elements of the output.
    pub(crate) unsafe fn run(
        &self,
        isa: Available,
        operands: &[&[u8]],
        (first, count): (usize, usize),
        output: &Output<'_>,
        scratch: &mut Scratch,
    ) {
        // SAFETY: the caller has these elements to itself.
        let out = unsafe { output.part(first, count) };
        isa.run(Run { look_up: self, operands, first, count, out, scratch });
    }
}

struct Run<'a, 's> {
    look_up: &'a LookUp,
    operands: &'a [&'a [u8]],
    first: usize,
    count: usize,
    out: &'a mut [u8],
    scratch: &'s mut Scratch,
}

impl Job for Run<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let LookUp { map, index, table, mask, dtype } = self.look_up;
        let (accesses, sweep) = (map.accesses(), map.sweep());
        let (size, axis) = (dtype.bytes() as usize, sweep.innermost());
        let segments = &mut self.scratch.segments;
        sweep.segments(&[0; AXES], self.first, self.count, segments);
        let mut values = [0i32; STRIP];
        for segment in segments.iter() {
            let place = (&segment.point, axis, segment.length);
            let Some(index) = index.on_line(accesses, self.operands, place) else { continue };
            let mask =
                mask.as_ref().and_then(|(mask, other)| Some((mask.on_line(accesses, self.operands, place)?, other)));
            let whole = &mut self.out[segment.start * size..][..segment.length * size];
            if table.look_up_line(&index, mask.as_ref().map(|(mask, other)| (mask, other.as_slice())), whole) {
                continue;
            }
            for start in (0..segment.length).step_by(STRIP) {
                let count = STRIP.min(segment.length - start);
                index.values(start, count, &mut values);
                let out = &mut self.out[(segment.start + start) * size..][..count * size];
                table.look_up(&mut values, count, out);
                let Some((mask, other)) = &mask else { continue };
                mask.values(start, count, &mut values);
                match other.as_slice() {
                    [byte] => {
                        for (out, mask) in out.iter_mut().zip(&values) {
                            // all ones where the entry stays; a branch would be slower
                            let keep = 0u8.wrapping_sub(u8::from(*mask != 0));
                            *out = (*out & keep) | (*byte & !keep);
                        }
                    }
                    bytes => {
                        let masked = out.chunks_exact_mut(size).zip(&values).filter(|(_, mask)| **mask == 0);
                        masked.for_each(|(out, _)| out.copy_from_slice(bytes));
                    }
                }
            }
        }
    }
}
