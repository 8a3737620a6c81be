//! What reads along axes: norms, softmax, reductions, pools, orders.

use super::elementwise::floats;
use super::walk::{Walk, mapped_strides, strides};
use crate::float::op::{PoolKind, ReduceKind, Window};
use crate::float::tensor::{Tensor, TensorData};

/// Calls `function` with every line along an axis, as a copy that is written back.
fn lines(x: &Tensor, axis: usize, mut function: impl FnMut(usize, &mut [f32])) -> Result<Tensor, String> {
    let length = *x.shape.get(axis).ok_or_else(|| format!("shape {:?} has no axis {axis}", x.shape))?;
    let inner: usize = x.shape[axis + 1..].iter().product();
    let outer: usize = x.shape[..axis].iter().product();
    let mut values = floats(x)?.to_vec();
    let mut line = vec![0.0; length];
    for index in 0..outer * inner {
        let start = index / inner * length * inner + index % inner;
        for (at, value) in line.iter_mut().enumerate() {
            *value = values[start + at * inner];
        }
        function(start, &mut line);
        for (at, &value) in line.iter().enumerate() {
            values[start + at * inner] = value;
        }
    }
    Ok(Tensor::floats(&x.shape, values))
}

fn mean_of(line: &[f32], function: impl Fn(f64) -> f64) -> f64 {
    line.iter().map(|&value| function(f64::from(value))).sum::<f64>() / line.len().max(1) as f64
}

pub(super) fn layer_norm(
    x: &Tensor,
    gamma: &Tensor,
    beta: Option<&Tensor>,
    axis: usize,
    epsilon: f32,
) -> Result<Tensor, String> {
    let gamma = floats(gamma)?;
    let beta = beta.map(floats).transpose()?;
    check_length(x, axis, gamma)?;
    if let Some(beta) = beta {
        check_length(x, axis, beta)?;
    }
    lines(x, axis, |_, line| {
        let mean = mean_of(line, |value| value);
        let variance = mean_of(line, |value| (value - mean) * (value - mean));
        let divisor = (variance + f64::from(epsilon)).sqrt();
        for (index, value) in line.iter_mut().enumerate() {
            let normal = ((f64::from(*value) - mean) / divisor) as f32;
            *value = normal * gamma[index] + beta.map_or(0.0, |beta| beta[index]);
        }
    })
}

fn check_length(x: &Tensor, axis: usize, values: &[f32]) -> Result<(), String> {
    if x.shape.get(axis) == Some(&values.len()) {
        Ok(())
    } else {
        Err(format!("{} factors for axis {axis} of {:?}", values.len(), x.shape))
    }
}

pub(super) fn rms_norm(x: &Tensor, gamma: &Tensor, axis: usize, epsilon: f32) -> Result<Tensor, String> {
    let gamma = floats(gamma)?;
    check_length(x, axis, gamma)?;
    lines(x, axis, |_, line| {
        let divisor = (mean_of(line, |value| value * value) + f64::from(epsilon)).sqrt();
        for (value, gamma) in line.iter_mut().zip(gamma) {
            *value = (f64::from(*value) / divisor) as f32 * gamma;
        }
    })
}

pub(super) fn l2_normalise(x: &Tensor, axis: usize, epsilon: f32) -> Result<Tensor, String> {
    lines(x, axis, |_, line| {
        let norm = line.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
        let divisor = norm.max(f64::from(epsilon));
        line.iter_mut().for_each(|value| *value = (f64::from(*value) / divisor) as f32);
    })
}

/// Whether each element of `x` counts.
fn counting(x: &Tensor, (mask, axes): (&Tensor, &[usize])) -> Result<Vec<bool>, String> {
    let strides = mapped_strides(&mask.shape, axes, &x.shape)?;
    let points = Walk::new(&x.shape, &strides, 0);
    Ok(match &mask.data {
        TensorData::Integers(values) => points.map(|at| values[at] != 0).collect(),
        TensorData::Floats(values) => points.map(|at| values[at] != 0.0).collect(),
    })
}

pub(super) fn softmax(x: &Tensor, mask: Option<(&Tensor, &[usize])>, axis: usize) -> Result<Tensor, String> {
    let counts = mask.map(|mask| counting(x, mask)).transpose()?;
    let inner: usize = x.shape.get(axis + 1..).unwrap_or(&[]).iter().product();
    lines(x, axis, |start, line| {
        let used = |index: usize| counts.as_ref().is_none_or(|counts| counts[start + index * inner]);
        let greatest =
            (0..line.len()).filter(|&index| used(index)).map(|index| line[index]).fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0f64;
        for (index, value) in line.iter_mut().enumerate() {
            *value = if used(index) { (*value - greatest).exp() } else { 0.0 };
            sum += f64::from(*value);
        }
        if sum > 0.0 {
            line.iter_mut().for_each(|value| *value = (f64::from(*value) / sum) as f32);
        }
    })
}

/// Gives the result with the axes kept at length 1.
pub(super) fn reduce(
    x: &Tensor,
    mask: Option<(&Tensor, &[usize])>,
    kind: ReduceKind,
    axes: &[usize],
) -> Result<Tensor, String> {
    let mut shape = x.shape.clone();
    for &axis in axes {
        *shape.get_mut(axis).ok_or_else(|| format!("shape {:?} has no axis {axis}", x.shape))? = 1;
    }
    let mut targets = strides(&shape);
    for &axis in axes {
        targets[axis] = 0;
    }
    let total: usize = shape.iter().product();
    let points = Walk::new(&x.shape, &targets, 0);
    if let TensorData::Integers(values) = &x.data {
        let mut result = vec![None; total];
        for (&value, target) in values.iter().zip(points) {
            let so_far = result[target].get_or_insert(if kind == ReduceKind::Sum { 0 } else { value });
            *so_far = match kind {
                ReduceKind::Max => value.max(*so_far),
                ReduceKind::Min => value.min(*so_far),
                ReduceKind::Sum | ReduceKind::Mean => so_far.wrapping_add(value),
            };
        }
        return Ok(Tensor::integers(&shape, result.into_iter().map(Option::unwrap_or_default).collect()));
    }
    let counts = mask.map(|mask| counting(x, mask)).transpose()?;
    let start = match kind {
        ReduceKind::Mean | ReduceKind::Sum => 0.0,
        ReduceKind::Max => f64::NEG_INFINITY,
        ReduceKind::Min => f64::INFINITY,
    };
    let (mut result, mut number) = (vec![start; total], vec![0u64; total]);
    for (index, (&value, target)) in floats(x)?.iter().zip(points).enumerate() {
        if counts.as_ref().is_some_and(|counts| !counts[index]) {
            continue;
        }
        let value = f64::from(value);
        number[target] += 1;
        result[target] = match kind {
            ReduceKind::Mean | ReduceKind::Sum => result[target] + value,
            ReduceKind::Max => result[target].max(value),
            ReduceKind::Min => result[target].min(value),
        };
    }
    let finish =
        |(value, number): (f64, u64)| if kind == ReduceKind::Mean { value / number.max(1) as f64 } else { value };
    Ok(Tensor::floats(&shape, result.into_iter().zip(number).map(|pair| finish(pair) as f32).collect()))
}

pub(super) fn pool(x: &Tensor, kind: PoolKind, window: &Window, shape: &[usize]) -> Result<Tensor, String> {
    let axes = window.kernel.len();
    if x.shape.len() != axes + 2 || shape.len() != axes + 2 || shape[..2] != x.shape[..2] {
        return Err(format!("a pool of {:?} to {shape:?}", x.shape));
    }
    let values = floats(x)?;
    let kernel: Vec<usize> = window.kernel.iter().map(|&length| length as usize).collect();
    let (own, taps) = (strides(&x.shape), kernel.iter().product::<usize>());
    let points = strides(shape);
    let mut result = Vec::with_capacity(shape.iter().product());
    for index in 0..shape.iter().product::<usize>() {
        let place = |axis: usize| index / points[axis] as usize % shape[axis];
        let base = place(0) * own[0] as usize + place(1) * own[1] as usize;
        let (mut greatest, mut sum, mut number) = (f32::NEG_INFINITY, 0.0f64, 0u32);
        'taps: for tap in 0..taps {
            let (mut offset, mut rest) = (base, tap);
            for axis in (0..axes).rev() {
                let step = rest % kernel[axis];
                rest /= kernel[axis];
                let at = (place(axis + 2) * window.strides[axis] as usize + step * window.dilations[axis] as usize)
                    .wrapping_sub(window.padding_before[axis] as usize);
                if at >= x.shape[axis + 2] {
                    continue 'taps;
                }
                offset += at * own[axis + 2] as usize;
            }
            greatest = greatest.max(values[offset]);
            sum += f64::from(values[offset]);
            number += 1;
        }
        result.push(match kind {
            PoolKind::Max => greatest,
            PoolKind::Mean => (sum / f64::from(number.max(1))) as f32,
        });
    }
    Ok(Tensor::floats(shape, result))
}

/// The greatest `k` along an axis and their indices; of equal ones the first comes first.
pub(super) fn top_k(x: &Tensor, axis: usize, k: usize) -> Result<(Tensor, Tensor), String> {
    let length = *x.shape.get(axis).ok_or_else(|| format!("shape {:?} has no axis {axis}", x.shape))?;
    if k > length {
        return Err(format!("the {k} greatest of {length}"));
    }
    let values = floats(x)?;
    let inner: usize = x.shape[axis + 1..].iter().product();
    let outer: usize = x.shape[..axis].iter().product();
    let mut shape = x.shape.clone();
    shape[axis] = k;
    let (mut best, mut indices) = (vec![0.0; outer * k * inner], vec![0; outer * k * inner]);
    for line in 0..outer * inner {
        let (block, place) = (line / inner, line % inner);
        let value = |index: usize| values[(block * length + index) * inner + place];
        let mut order: Vec<usize> = (0..length).collect();
        order.sort_by(|&a, &b| value(b).total_cmp(&value(a)).then(a.cmp(&b)));
        for (rank, &index) in order[..k].iter().enumerate() {
            best[(block * k + rank) * inner + place] = value(index);
            indices[(block * k + rank) * inner + place] = index as i64;
        }
    }
    Ok((Tensor::floats(&shape, best), Tensor::integers(&shape, indices)))
}
