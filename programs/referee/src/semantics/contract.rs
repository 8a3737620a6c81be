//! The reduction of a Contract: by runs along its innermost reduction axis where the operands' bytes are at hand in one
//! piece, and product by product elsewhere. Both give the same sum.

use super::dot::{Signs, dot};
use super::element::{EvaluateError, Fetch, Point};
use super::locate::{Located, Run};
use super::machine::Environment;
use crate::graph::Dtype;

/// The sum of the products of operands 0 and 1 over all reduction points, modulo 2^32.
pub(super) fn contract<F: Fetch>(at: &mut Point<'_, F>) -> Result<i32, EvaluateError> {
    let dims = &at.op.reduction_dims;
    // Axes of length 1 behind the innermost one move nothing.
    let axes = dims.iter().rposition(|dim| *dim > 1).map_or(0, |innermost| innermost + 1);
    let (inner, length) = match axes.checked_sub(1) {
        Some(inner) => (inner, dims.get(inner).copied().unwrap_or(1)),
        None => (0, 1),
    };
    let outer: u32 = dims.iter().take(inner).fold(1u32, |points, dim| points.saturating_mul(*dim));
    let outer = if dims.contains(&0) { 0 } else { outer };
    let mut sum = 0i32;
    at.reduction = Default::default();
    for _ in 0..outer {
        let part = match run(at, inner, length) {
            Some(part) => part,
            None => product_by_product(at, inner, length)?,
        };
        sum = sum.wrapping_add(part);
        at.advance(inner);
    }
    Ok(sum)
}

/// The products along the innermost axis by their bytes; `None` if they are not at hand in one piece each.
fn run<F: Fetch>(at: &Point<'_, F>, inner: usize, length: u32) -> Option<i32> {
    let (a, b) = (at.operands.first()?, at.operands.get(1)?);
    let signs = signs(a, b)?;
    let (a, b) = (at_hand(at, a, inner, length)?, at_hand(at, b, inner, length)?);
    let (from, to) = (a.from.max(b.from), a.to.min(b.to));
    if from >= to {
        return Some(0);
    }
    if a.step == 1 && b.step == 1 {
        return Some(dot(a.adjacent(from, to)?, b.adjacent(from, to)?, signs));
    }
    let (mut at_a, mut at_b) = (a.place(from)?, b.place(from)?);
    let mut sum = 0i32;
    for _ in from..to {
        let (x, y) = (*a.bytes.get(at_a as usize)?, *b.bytes.get(at_b as usize)?);
        sum = sum.wrapping_add(signs.product(x, y));
        (at_a, at_b) = (at_a.wrapping_add(a.step), at_b.wrapping_add(b.step));
    }
    Some(sum)
}

/// What one operand reads from step `from` to `to`; zeros before and after.
struct Bytes<'a> {
    /// All elements from the least that is read to the greatest.
    bytes: &'a [u8],
    /// Where the element of step `from` lies among them.
    first: i64,
    /// How much further that of the next step lies.
    step: i64,
    from: u32,
    to: u32,
}

impl<'a> Bytes<'a> {
    /// Where the element of a step lies.
    fn place(&self, step: u32) -> Option<i64> {
        Some(self.first.wrapping_add(self.step.wrapping_mul(i64::from(step.checked_sub(self.from)?))))
    }

    /// Those of the steps from `from` to `to`, where steps lie side by side.
    fn adjacent(&self, from: u32, to: u32) -> Option<&'a [u8]> {
        self.bytes.get(from.checked_sub(self.from)? as usize..to.checked_sub(self.from)? as usize)
    }
}

/// What an operand reads along the innermost axis; `None` unless all of it is at hand, so that what is missing does not
/// depend on how it is read.
fn at_hand<'a, F: Fetch>(at: &'a Point<'_, F>, located: &Located<'_>, inner: usize, length: u32) -> Option<Bytes<'a>> {
    match located.run(&at.reduction, inner, length)? {
        Run::Zeros => Some(Bytes { bytes: &[], first: 0, step: 1, from: 0, to: 0 }),
        Run::Elements { first, step, from, to } => {
            let reach = step.checked_mul(i64::from(to.checked_sub(from)?.checked_sub(1)?))?;
            let least = u32::try_from(i64::from(first).checked_add(reach.min(0))?).ok()?;
            let count = u32::try_from(reach.unsigned_abs().checked_add(1)?).ok()?;
            let bytes = at.fetch.run(located.view().slot, least, count)?;
            Some(Bytes { bytes, first: i64::from(first) - i64::from(least), step, from, to })
        }
    }
}

fn signs(a: &Located<'_>, b: &Located<'_>) -> Option<Signs> {
    match (a.view().dtype, b.view().dtype) {
        (Dtype::I8, Dtype::I8) => Some(Signs::Both),
        (Dtype::I8, Dtype::U8) => Some(Signs::First),
        (Dtype::U8, Dtype::I8) => Some(Signs::Second),
        _ => None,
    }
}

fn product_by_product<F: Fetch>(at: &mut Point<'_, F>, inner: usize, length: u32) -> Result<i32, EvaluateError> {
    let mut sum = 0i32;
    for step in 0..length {
        if let Some(coordinate) = at.reduction.get_mut(inner) {
            *coordinate = i64::from(step);
        }
        let product = (at.load(0, None)? as i32).wrapping_mul(at.load(1, None)? as i32);
        sum = sum.wrapping_add(product);
    }
    if let Some(coordinate) = at.reduction.get_mut(inner) {
        *coordinate = 0;
    }
    Ok(sum)
}
