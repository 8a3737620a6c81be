//! What treats each element for itself.

use super::walk::{Walk, broadcast_strides};
use crate::float::op::{Activation, Comparison, FloatOp, OwnScale};
use crate::float::tensor::{Tensor, TensorData};
use rayon::prelude::*;

/// Tensors of more elements than this are worth several threads.
const PARALLEL_ELEMENTS: usize = 1 << 14;

pub(super) fn activation(x: &Tensor, activation: Activation) -> Result<Tensor, String> {
    if let (TensorData::Integers(values), Activation::Negate | Activation::Abs) = (&x.data, activation) {
        let function = if activation == Activation::Abs { i64::wrapping_abs } else { i64::wrapping_neg };
        return Ok(Tensor::integers(&x.shape, values.iter().map(|&value| function(value)).collect()));
    }
    let values = floats(x)?;
    let result = if values.len() > PARALLEL_ELEMENTS {
        values.par_iter().with_min_len(4096).map(|&value| activation.apply(value)).collect()
    } else {
        values.iter().map(|&value| activation.apply(value)).collect()
    };
    Ok(Tensor::floats(&x.shape, result))
}

pub(super) fn floats(x: &Tensor) -> Result<&[f32], String> {
    x.as_floats().ok_or_else(|| String::from("floats are needed, the value holds integers"))
}

/// The elements as floats, whatever they are.
fn as_numbers(x: &Tensor) -> std::borrow::Cow<'_, [f32]> {
    match &x.data {
        TensorData::Floats(values) => values.as_slice().into(),
        TensorData::Integers(values) => values.iter().map(|&value| value as f32).collect::<Vec<_>>().into(),
    }
}

pub(super) fn binary(op: &FloatOp, a: &Tensor, b: &Tensor, shape: &[usize]) -> Result<Tensor, String> {
    if let FloatOp::Compare(comparison) = op {
        let keep = |order: Option<std::cmp::Ordering>| {
            let holds = match comparison {
                Comparison::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
                Comparison::Less => order.is_some_and(std::cmp::Ordering::is_lt),
                Comparison::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
                Comparison::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
                Comparison::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
            };
            i64::from(holds)
        };
        let result = match (&a.data, &b.data) {
            (TensorData::Integers(x), TensorData::Integers(y)) => {
                zip(x, &a.shape, y, &b.shape, shape, |x, y| keep(Some(x.cmp(&y))))?
            }
            _ => zip(&as_numbers(a), &a.shape, &as_numbers(b), &b.shape, shape, |x, y| keep(x.partial_cmp(&y)))?,
        };
        return Ok(Tensor::integers(shape, result));
    }
    if let (TensorData::Integers(x), TensorData::Integers(y)) = (&a.data, &b.data) {
        let function = match op {
            FloatOp::Add => i64::wrapping_add,
            FloatOp::Sub => i64::wrapping_sub,
            FloatOp::Mul => i64::wrapping_mul,
            FloatOp::Min => std::cmp::min,
            FloatOp::Max => std::cmp::max,
            FloatOp::Div => |x: i64, y: i64| x.checked_div(y).unwrap_or(0),
            _ => return Err(format!("{} of integers", op.name())),
        };
        return Ok(Tensor::integers(shape, zip(x, &a.shape, y, &b.shape, shape, function)?));
    }
    let (x, y) = (as_numbers(a), as_numbers(b));
    let result = match op {
        FloatOp::Add => zip(&x, &a.shape, &y, &b.shape, shape, |x, y| x + y)?,
        FloatOp::Sub => zip(&x, &a.shape, &y, &b.shape, shape, |x, y| x - y)?,
        FloatOp::Mul => zip(&x, &a.shape, &y, &b.shape, shape, |x, y| x * y)?,
        FloatOp::Div => zip(&x, &a.shape, &y, &b.shape, shape, |x, y| x / y)?,
        FloatOp::Min => zip(&x, &a.shape, &y, &b.shape, shape, f32::min)?,
        _ => zip(&x, &a.shape, &y, &b.shape, shape, f32::max)?,
    };
    Ok(Tensor::floats(shape, result))
}

/// A function of the elements of two tensors that broadcast to `shape`.
fn zip<T: Copy, U>(
    a: &[T],
    a_shape: &[usize],
    b: &[T],
    b_shape: &[usize],
    shape: &[usize],
    function: impl Fn(T, T) -> U,
) -> Result<Vec<U>, String> {
    let (a_strides, b_strides) = (broadcast_strides(a_shape, shape)?, broadcast_strides(b_shape, shape)?);
    if a_shape == shape && b_shape == shape {
        return Ok(a.iter().zip(b).map(|(&x, &y)| function(x, y)).collect());
    }
    if a_shape == shape && !b.is_empty() && shape.ends_with(b_shape) {
        return Ok(a.iter().zip(b.iter().cycle()).map(|(&x, &y)| function(x, y)).collect());
    }
    let pairs = Walk::new(shape, &a_strides, 0).zip(Walk::new(shape, &b_strides, 0));
    Ok(pairs.map(|(i, j)| function(a[i], b[j])).collect())
}

pub(super) fn choose(condition: &Tensor, a: &Tensor, b: &Tensor, shape: &[usize]) -> Result<Tensor, String> {
    let strides = broadcast_strides(&condition.shape, shape)?;
    let (a_strides, b_strides) = (broadcast_strides(&a.shape, shape)?, broadcast_strides(&b.shape, shape)?);
    let conditions = as_numbers(condition);
    let points =
        Walk::new(shape, &strides, 0).zip(Walk::new(shape, &a_strides, 0)).zip(Walk::new(shape, &b_strides, 0));
    Ok(match (&a.data, &b.data) {
        (TensorData::Integers(x), TensorData::Integers(y)) => {
            Tensor::integers(shape, points.map(|((c, i), j)| if conditions[c] != 0.0 { x[i] } else { y[j] }).collect())
        }
        _ => {
            let (x, y) = (as_numbers(a), as_numbers(b));
            Tensor::floats(shape, points.map(|((c, i), j)| if conditions[c] != 0.0 { x[i] } else { y[j] }).collect())
        }
    })
}

pub(super) fn requantise(x: &Tensor, own: &OwnScale) -> Result<Tensor, String> {
    let inner = own.axis.map_or(1, |axis| x.shape[axis + 1..].iter().product::<usize>());
    let values = floats(x)?.iter().enumerate().map(|(index, &value)| {
        let channel = index / inner.max(1) % own.scales.len();
        let (scale, zero_point) = (own.scales[channel], own.zero_points[channel]);
        let integer = (f64::from(value) / f64::from(scale)).round_ties_even() + f64::from(zero_point);
        let integer = integer.clamp(f64::from(own.low), f64::from(own.high));
        ((integer - f64::from(zero_point)) * f64::from(scale)) as f32
    });
    Ok(Tensor::floats(&x.shape, values.collect()))
}
