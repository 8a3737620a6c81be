//! Walking some axes of the iteration space in row-major order, in straight pieces.

use super::access::{Access, Point};

/// The axes that are walked, outermost first. Neighbouring axes are merged where every access allows it, so that most
/// elementwise ops are one long line.
#[derive(Clone, Debug)]
pub(crate) struct Sweep {
    axes: Vec<(usize, u32)>,
}

/// A straight piece: lanes `start..start + length` are at `point` and on along the innermost axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) point: Point,
    pub(crate) start: usize,
    pub(crate) length: usize,
}

impl Sweep {
    /// Walks `axes` (iteration axis and length). Those of which a program reads the coordinate are never merged.
    pub(crate) fn new(axes: &[(usize, u32)], accesses: &[Access], coordinates_read: impl Fn(usize) -> bool) -> Self {
        let mut merged: Vec<(usize, u32)> = Vec::new();
        for &(axis, length) in axes.iter().filter(|(_, length)| *length > 1) {
            if let Some(last) = merged.last_mut() {
                let free = !coordinates_read(axis) && !coordinates_read(last.0);
                if free && accesses.iter().all(|access| access.can_merge(last.0, axis, length)) {
                    *last = (axis, last.1 * length);
                    continue;
                }
            }
            merged.push((axis, length));
        }
        if merged.is_empty() {
            merged.push((axes.last().map_or(0, |axis| axis.0), 1));
        }
        Self { axes: merged }
    }

    /// Number of points.
    pub(crate) fn points(&self) -> usize {
        self.axes.iter().map(|(_, length)| *length as usize).product()
    }

    /// The axis that pieces lie along.
    pub(crate) fn innermost(&self) -> usize {
        self.axes.last().map_or(0, |axis| axis.0)
    }

    /// Length of the longest piece.
    pub(crate) fn innermost_length(&self) -> usize {
        self.axes.last().map_or(1, |axis| axis.1 as usize)
    }

    /// Sets the walked axes of `point` to the point with this row-major index.
    pub(crate) fn locate(&self, index: usize, point: &mut Point) {
        // an op has fewer than 2^31 points, and a division of 32 bits is much the quicker
        let mut rest = index as u32;
        for (axis, length) in self.axes.iter().rev() {
            point[*axis] = if rest < *length { rest } else { rest % length };
            rest = if rest < *length { 0 } else { rest / length };
        }
    }

    /// The pieces of the points `first..first + count`; `origin` gives the coordinates on all other axes.
    #[inline]
    pub(crate) fn segments(&self, origin: &Point, first: usize, count: usize, segments: &mut Vec<Segment>) {
        segments.clear();
        let mut point = *origin;
        self.locate(first, &mut point);
        let Some(&(innermost, length)) = self.axes.last() else { return };
        let mut start = 0;
        while start < count {
            let piece = ((length - point[innermost]) as usize).min(count - start);
            segments.push(Segment { point, start, length: piece });
            start += piece;
            self.advance(&mut point);
        }
    }

    /// Goes to the first point of the next piece.
    #[inline]
    pub(crate) fn advance(&self, point: &mut Point) {
        let mut axes = self.axes.iter().rev();
        if let Some((innermost, _)) = axes.next() {
            point[*innermost] = 0;
        }
        for (axis, length) in axes {
            point[*axis] += 1;
            if point[*axis] < *length {
                return;
            }
            point[*axis] = 0;
        }
    }
}
