//! Walking over the elements of a tensor that is seen through strides.

/// The strides of a row-major tensor.
pub(super) fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1] as isize;
    }
    strides
}

/// The strides by which a tensor of `from` is read as one of `to`, shapes broadcast from the right.
pub(super) fn broadcast_strides(from: &[usize], to: &[usize]) -> Result<Vec<isize>, String> {
    let missing =
        to.len().checked_sub(from.len()).ok_or_else(|| format!("shape {from:?} does not broadcast to {to:?}"))?;
    let own = strides(from);
    let mut result = vec![0; to.len()];
    for (axis, &length) in from.iter().enumerate() {
        if length == to[missing + axis] {
            result[missing + axis] = own[axis];
        } else if length != 1 {
            return Err(format!("shape {from:?} does not broadcast to {to:?}"));
        }
    }
    Ok(result)
}

/// The strides by which a tensor whose axis i is axis `axes[i]` of `to` is read at every point of `to`.
pub(super) fn mapped_strides(from: &[usize], axes: &[usize], to: &[usize]) -> Result<Vec<isize>, String> {
    if from.len() != axes.len() || axes.iter().any(|&axis| axis >= to.len()) {
        return Err(format!("a mask of shape {from:?} has axes {axes:?} of {to:?}"));
    }
    let own = strides(from);
    let mut result = vec![0; to.len()];
    for (index, &axis) in axes.iter().enumerate() {
        if from[index] == to[axis] {
            result[axis] = own[index];
        } else if from[index] != 1 {
            return Err(format!("a mask of shape {from:?} has axes {axes:?} of {to:?}"));
        }
    }
    Ok(result)
}

/// The offsets of all points of a shape, row-major, starting from `start`.
pub(super) struct Walk<'a> {
    shape: &'a [usize],
    strides: &'a [isize],
    point: Vec<usize>,
    offset: isize,
    left: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(shape: &'a [usize], strides: &'a [isize], start: isize) -> Self {
        Self { shape, strides, point: vec![0; shape.len()], offset: start, left: shape.iter().product() }
    }
}

impl Iterator for Walk<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let offset = self.offset as usize;
        for axis in (0..self.shape.len()).rev() {
            self.point[axis] += 1;
            self.offset += self.strides[axis];
            if self.point[axis] < self.shape[axis] {
                break;
            }
            self.offset -= self.strides[axis] * self.shape[axis] as isize;
            self.point[axis] = 0;
        }
        Some(offset)
    }
}
