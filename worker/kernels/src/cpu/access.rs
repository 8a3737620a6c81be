//! Reading an operand along a line of the iteration space.
//!
//! A view's address is affine in the point, so along one axis it is a start and a step. Where the whole iteration
//! space lies inside the source that is all; elsewhere the line is cut into what lies inside and what lies outside.

use referee::graph::{Dtype, OutOfBounds, ResolvedView, Slot};

/// Most axes of an iteration space: 5 output axes and 3 reduction axes.
pub(crate) const AXES: usize = 8;

/// What a value is loaded as.
pub(crate) trait Lane: Copy {
    /// The value; one that does not fit wraps.
    fn of(value: i64) -> Self;
}

impl Lane for i64 {
    #[inline(always)]
    fn of(value: i64) -> Self {
        value
    }
}

impl Lane for i32 {
    #[inline(always)]
    fn of(value: i64) -> Self {
        value as i32
    }
}

/// Coordinates in the iteration space; axes beyond its own are 0.
pub(crate) type Point = [u32; AXES];

/// One axis of the source whose coordinate follows the point.
#[derive(Clone, Debug)]
struct SourceAxis {
    offset: i64,
    coefficients: [i64; AXES],
    last: i64,
    /// Elements between neighbours on this axis.
    stride: i64,
}

/// The axis whose coordinate comes from a register.
#[derive(Clone, Copy, Debug)]
struct IndirectAxis {
    last: i64,
    stride: i64,
}

/// A view prepared for reading lines.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    slot: Slot,
    dtype: Dtype,
    sources: Vec<SourceAxis>,
    /// Value outside; `None` clamps.
    pad: Option<i64>,
    indirect: Option<IndirectAxis>,
    /// Every point of the iteration space lies inside the source.
    inside: bool,
    /// Element at the origin, if all is inside.
    base: i64,
    /// Elements between neighbours on each iteration axis.
    strides: [i64; AXES],
    /// The axes whose stride is not 0, with it.
    moving: Vec<(usize, i64)>,
}

/// The part of a line that lies inside: elements `start + step * t` for `t` in `from..to`.
struct Line {
    start: i64,
    step: i64,
    from: usize,
    to: usize,
}

impl Access {
    /// Prepares a view for an iteration space with these lengths.
    pub(crate) fn new(view: &ResolvedView, lengths: &[u32]) -> Self {
        let mut sources = Vec::new();
        let mut indirect = None;
        let mut stride = 1i64;
        for (axis, dim) in view.dims.iter().enumerate().rev() {
            let last = i64::from(*dim) - 1;
            if view.indirect == Some(axis as u8) {
                indirect = Some(IndirectAxis { last, stride });
            } else {
                let mut coefficients = [0i64; AXES];
                for term in view.terms.iter().filter(|term| usize::from(term.source_axis) == axis) {
                    coefficients[usize::from(term.iteration_axis)] = i64::from(term.coefficient);
                }
                sources.push(SourceAxis { offset: i64::from(view.offsets[axis]), coefficients, last, stride });
            }
            stride *= i64::from(*dim);
        }
        let inside = sources.iter().all(|source| source.is_inside(lengths));
        let base = sources.iter().fold(0i64, |sum, source| sum.wrapping_add(source.offset.wrapping_mul(source.stride)));
        let strides: [i64; AXES] = std::array::from_fn(|axis| {
            sources
                .iter()
                .fold(0i64, |sum, source| sum.wrapping_add(source.coefficients[axis].wrapping_mul(source.stride)))
        });
        let pad = match view.out_of_bounds {
            OutOfBounds::Clamp => None,
            OutOfBounds::Pad(value) => Some(i64::from(value)),
        };
        let moving = strides.iter().copied().enumerate().filter(|(_, stride)| *stride != 0).collect();
        Self { slot: view.slot, dtype: view.dtype, sources, pad, indirect, inside, base, strides, moving }
    }

    /// The tensor that is read.
    pub(crate) fn slot(&self) -> Slot {
        self.slot
    }

    /// Its element type.
    pub(crate) fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Whether one coordinate comes from a register.
    pub(crate) fn is_indirect(&self) -> bool {
        self.indirect.is_some()
    }

    /// The table that a register indexes, if the view is nothing else: its length.
    pub(crate) fn table_length(&self) -> Option<usize> {
        let plain = self.sources.iter().all(|source| source.last == 0 && source.is_fixed() && source.offset == 0);
        self.indirect.filter(|axis| plain && axis.stride == 1).map(|axis| axis.last as usize + 1)
    }

    /// Whether the address depends on the axis.
    pub(crate) fn follows(&self, axis: usize) -> bool {
        self.sources.iter().any(|source| source.coefficients[axis] != 0)
    }

    /// Whether no point lies outside the source.
    pub(crate) fn is_inside(&self) -> bool {
        self.inside
    }

    /// Whether a value outside the source is 0 or cannot occur.
    pub(crate) fn pads_with_zero(&self) -> bool {
        self.inside || self.pad.is_none_or(|value| value == 0)
    }

    /// Elements between neighbours on the axis, if no point lies outside.
    pub(crate) fn stride(&self, axis: usize) -> Option<i64> {
        self.inside.then_some(self.strides[axis])
    }

    /// Whether axis `outer` followed by axis `inner` of `length` can be walked as one longer axis.
    pub(crate) fn can_merge(&self, outer: usize, inner: usize, length: u32) -> bool {
        if self.inside {
            self.strides[outer] == self.strides[inner].wrapping_mul(i64::from(length))
        } else {
            !self.follows(outer) && !self.follows(inner)
        }
    }

    /// Reads the values at `point + t` on `axis` for each `t` below the length of `out`.
    #[inline(always)]
    pub(crate) fn load<L: Lane>(&self, data: &[u8], point: &Point, axis: usize, out: &mut [L]) {
        if self.inside {
            load_strided(self.dtype, data, self.start(point), self.strides[axis], out);
            return;
        }
        let line = self.line(point, axis, out.len());
        let from = line.first();
        load_strided(self.dtype, data, from, line.step, &mut out[line.from..line.to]);
        let outside = (0..line.from).chain(line.to..out.len());
        match self.pad {
            Some(value) => outside.for_each(|t| out[t] = L::of(value)),
            None => outside.for_each(|t| out[t] = L::of(read(self.dtype, data, self.clamped(point, axis, t as i64)))),
        }
    }

    /// As [`load`](Self::load) for a source of bytes, as raw bytes; values outside are 0 or clamped.
    #[inline(always)]
    pub(crate) fn load_bytes(&self, data: &[u8], point: &Point, axis: usize, out: &mut [u8]) {
        if self.inside {
            copy_strided(data, self.start(point), self.strides[axis], out);
            return;
        }
        let line = self.line(point, axis, out.len());
        let from = line.first();
        copy_strided(data, from, line.step, &mut out[line.from..line.to]);
        let outside = (0..line.from).chain(line.to..out.len());
        match self.pad {
            Some(_) => outside.for_each(|t| out[t] = 0),
            None => outside.for_each(|t| out[t] = data[self.clamped(point, axis, t as i64)]),
        }
    }

    /// As [`load`](Self::load) with the indirect axis at each of `index`, which are clamped in place.
    #[inline(always)]
    pub(crate) fn gather(&self, data: &[u8], point: &Point, axis: usize, index: &mut [i64], out: &mut [i64]) {
        let Some(indirect) = self.indirect else { return };
        for index in index.iter_mut() {
            *index = (*index).max(0).min(indirect.last);
        }
        let index = &*index;
        let element = |at: i64, index: i64| at.wrapping_add(index.wrapping_mul(indirect.stride)) as usize;
        if self.inside {
            let (start, step) = (self.start(point), self.strides[axis]);
            // one place for the whole line, as of a row that is looked up
            if let [first, others @ ..] = index
                && others.iter().fold(0, |differs, other| differs | (other ^ first)) == 0
            {
                let start = start.wrapping_add(first.wrapping_mul(indirect.stride));
                load_strided(self.dtype, data, start, step, out);
                return;
            }
            let table = step == 0 && indirect.stride == 1;
            macro_rules! gather_from {
                ($values:expr, $convert:expr) => {{
                    if table {
                        let values = &$values[start as usize..][..=indirect.last as usize];
                        for (out, index) in out.iter_mut().zip(index) {
                            *out = $convert(values[*index as usize]);
                        }
                        return;
                    }
                    for (t, (out, index)) in out.iter_mut().zip(index).enumerate() {
                        *out = $convert($values[element(start.wrapping_add(step.wrapping_mul(t as i64)), *index)]);
                    }
                }};
            }
            match self.dtype {
                Dtype::I8 => gather_from!(data, |byte: u8| i64::from(byte as i8)),
                Dtype::U8 => gather_from!(data, i64::from),
                Dtype::I16 => gather_from!(data.as_chunks::<2>().0, |bytes| i64::from(i16::from_le_bytes(bytes))),
                Dtype::I32 => gather_from!(data.as_chunks::<4>().0, |bytes| i64::from(i32::from_le_bytes(bytes))),
            }
            return;
        }
        let line = self.line(point, axis, out.len());
        for (t, (out, index)) in out.iter_mut().zip(index).enumerate() {
            let inside = (line.from..line.to).contains(&t);
            *out = match self.pad {
                Some(value) if !inside => value,
                _ => read(self.dtype, data, element(self.clamped(point, axis, t as i64) as i64, *index)),
            };
        }
    }

    /// The bytes of `count` points from `point` along `axis`, if they are neighbours in memory or there is one.
    #[inline(always)]
    pub(crate) fn neighbours<'d>(&self, data: &'d [u8], point: &Point, axis: usize, count: usize) -> Option<&'d [u8]> {
        if !self.inside || (self.strides[axis] != 1 && count > 1) {
            return None;
        }
        let (size, start) = (self.dtype.bytes() as usize, self.start(point) as usize);
        data.get(start * size..(start + count) * size)
    }

    /// The bytes of `depth` points from `point` along `axis`, if they are neighbours in memory and the axis is that long.
    #[inline(always)]
    pub(crate) fn straight<'d>(
        &self,
        data: &'d [u8],
        point: &Point,
        axis: usize,
        depth: usize,
        axis_length: usize,
    ) -> Option<&'d [u8]> {
        if !self.inside || axis_length != depth || (self.strides[axis] != 1 && depth > 1) {
            return None;
        }
        let start = self.start(point) as usize;
        data.get(start..start + depth)
    }

    #[inline(always)]
    fn start(&self, point: &Point) -> i64 {
        let mut start = self.base;
        for (axis, stride) in &self.moving {
            start = start.wrapping_add(i64::from(point[*axis % AXES]).wrapping_mul(*stride));
        }
        start
    }

    /// The element at `point + t` on `axis`, every coordinate clamped; the indirect one counts as 0.
    fn clamped(&self, point: &Point, axis: usize, t: i64) -> usize {
        let element = self.sources.iter().fold(0, |sum, source| {
            let coordinate = source.at(point).wrapping_add(source.coefficients[axis].wrapping_mul(t));
            sum + coordinate.clamp(0, source.last) * source.stride
        });
        element as usize
    }

    /// Cuts the line of `length` points from `point` along `axis`. Coordinates that stand still are clamped for good
    /// where the view clamps; where it pads and one lies outside, nothing is inside.
    fn line(&self, point: &Point, axis: usize, length: usize) -> Line {
        let mut line = Line { start: 0, step: 0, from: 0, to: length };
        for source in &self.sources {
            let first = source.at(point);
            let step = source.coefficients[axis];
            if step == 0 {
                let clamped = first.clamp(0, source.last);
                if clamped != first && self.pad.is_some() {
                    return Line { start: 0, step: 0, from: length, to: length };
                }
                line.start = line.start.wrapping_add(clamped * source.stride);
                continue;
            }
            // t with 0 <= first + step * t <= last
            let (low, high) = if step > 0 { (-first, source.last - first) } else { (first - source.last, first) };
            let step_size = step.abs();
            let from = low.div_euclid(step_size) + i64::from(low.rem_euclid(step_size) != 0);
            let to = high.div_euclid(step_size) + 1;
            line.from = line.from.max(from.clamp(0, length as i64) as usize);
            line.to = line.to.min(to.clamp(0, length as i64) as usize);
            line.start = line.start.wrapping_add(first.wrapping_mul(source.stride));
            line.step = line.step.wrapping_add(step.wrapping_mul(source.stride));
        }
        if line.from >= line.to {
            return Line { start: 0, step: 0, from: length, to: length };
        }
        line
    }
}

impl Line {
    /// The first element inside. The start of the line may lie so far out that its element wraps; this one does not.
    #[inline(always)]
    fn first(&self) -> i64 {
        self.start.wrapping_add(self.step.wrapping_mul(self.from as i64))
    }
}

impl SourceAxis {
    fn is_inside(&self, lengths: &[u32]) -> bool {
        let (mut low, mut high) = (i128::from(self.offset), i128::from(self.offset));
        for (coefficient, length) in self.coefficients.iter().zip(lengths) {
            let reach = i128::from(*coefficient) * (i128::from(*length) - 1);
            low += reach.min(0);
            high += reach.max(0);
        }
        low >= 0 && high <= i128::from(self.last)
    }

    fn is_fixed(&self) -> bool {
        self.coefficients.iter().all(|coefficient| *coefficient == 0)
    }

    #[inline(always)]
    fn at(&self, point: &Point) -> i64 {
        let terms = point.iter().zip(&self.coefficients);
        terms.fold(self.offset, |sum, (at, coefficient)| sum.wrapping_add(coefficient.wrapping_mul(i64::from(*at))))
    }
}

/// One element; the caller keeps `element` inside.
#[inline(always)]
fn read(dtype: Dtype, data: &[u8], element: usize) -> i64 {
    dtype.read(data, element).unwrap_or(0)
}

/// Elements `start + step * t`, all inside.
#[inline(always)]
fn load_strided<L: Lane>(dtype: Dtype, data: &[u8], start: i64, step: i64, out: &mut [L]) {
    if out.is_empty() {
        return;
    }
    macro_rules! load {
        ($values:expr, $convert:expr) => {{
            let values = $values;
            match step {
                1 => {
                    let values = &values[start as usize..start as usize + out.len()];
                    for (out, value) in out.iter_mut().zip(values) {
                        *out = $convert(*value);
                    }
                }
                0 => out.fill($convert(values[start as usize])),
                _ => {
                    for (t, out) in out.iter_mut().enumerate() {
                        *out = $convert(values[start.wrapping_add(step.wrapping_mul(t as i64)) as usize]);
                    }
                }
            }
        }};
    }
    match dtype {
        Dtype::I8 => load!(data, |byte: u8| L::of(i64::from(byte as i8))),
        Dtype::U8 => load!(data, |byte: u8| L::of(i64::from(byte))),
        Dtype::I16 => load!(data.as_chunks::<2>().0, |bytes: [u8; 2]| L::of(i64::from(i16::from_le_bytes(bytes)))),
        Dtype::I32 => load!(data.as_chunks::<4>().0, |bytes: [u8; 4]| L::of(i64::from(i32::from_le_bytes(bytes)))),
    }
}

/// Bytes `start + step * t`, all inside.
#[inline(always)]
fn copy_strided(data: &[u8], start: i64, step: i64, out: &mut [u8]) {
    if out.is_empty() {
        return;
    }
    match step {
        1 => out.copy_from_slice(&data[start as usize..start as usize + out.len()]),
        0 => out.fill(data[start as usize]),
        _ => {
            for (t, out) in out.iter_mut().enumerate() {
                *out = data[start.wrapping_add(step.wrapping_mul(t as i64)) as usize];
            }
        }
    }
}
