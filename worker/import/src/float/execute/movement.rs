//! What moves elements and computes nothing.

use super::walk::{Walk, broadcast_strides, strides};
use crate::float::tensor::{Tensor, TensorData};

/// The elements at some offsets, as a tensor of `shape`.
fn pick(x: &Tensor, shape: &[usize], offsets: impl Iterator<Item = usize>) -> Tensor {
    match &x.data {
        TensorData::Floats(values) => Tensor::floats(shape, offsets.map(|offset| values[offset]).collect()),
        TensorData::Integers(values) => Tensor::integers(shape, offsets.map(|offset| values[offset]).collect()),
    }
}

pub(super) fn embedding(ids: &Tensor, table: &Tensor) -> Result<Tensor, String> {
    let ids_data = ids.as_integers().ok_or("ids must be integers")?;
    let [rows, columns] = table.shape[..] else { return Err(String::from("the table must have two axes")) };
    let values = super::elementwise::floats(table)?;
    let mut result = Vec::with_capacity(ids_data.len() * columns);
    for &id in ids_data {
        let row = if id < 0 { id + rows as i64 } else { id };
        let row = usize::try_from(row).ok().filter(|&row| row < rows);
        let row = row.ok_or_else(|| format!("id {id} is outside of the table's {rows} rows"))?;
        result.extend_from_slice(&values[row * columns..(row + 1) * columns]);
    }
    let mut shape = ids.shape.clone();
    shape.push(columns);
    Ok(Tensor::floats(&shape, result))
}

pub(super) fn transpose(x: &Tensor, permutation: &[usize]) -> Result<Tensor, String> {
    let mut sorted = permutation.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..x.shape.len()) {
        return Err(format!("{permutation:?} is no permutation of {} axes", x.shape.len()));
    }
    let own = strides(&x.shape);
    let shape: Vec<usize> = permutation.iter().map(|&axis| x.shape[axis]).collect();
    let moved: Vec<isize> = permutation.iter().map(|&axis| own[axis]).collect();
    Ok(pick(x, &shape, Walk::new(&shape, &moved, 0)))
}

pub(super) fn concat(inputs: &[&Tensor], axis: usize) -> Result<Tensor, String> {
    let first = inputs[0];
    let mut shape = first.shape.clone();
    for other in &inputs[1..] {
        let fits = other.shape.len() == shape.len()
            && other.shape.iter().zip(&shape).enumerate().all(|(at, (a, b))| at == axis || a == b);
        if !fits || axis >= shape.len() {
            return Err(format!("shapes {shape:?} and {:?} do not join along axis {axis}", other.shape));
        }
        shape[axis] += other.shape[axis];
    }
    let outer: usize = shape[..axis].iter().product();
    let chunk = |tensor: &Tensor| tensor.shape[axis..].iter().product::<usize>();
    if inputs.iter().all(|tensor| tensor.as_integers().is_some()) {
        let mut result = Vec::with_capacity(shape.iter().product());
        for block in 0..outer {
            for tensor in inputs {
                let length = chunk(tensor);
                result.extend_from_slice(&tensor.as_integers().unwrap_or(&[])[block * length..(block + 1) * length]);
            }
        }
        return Ok(Tensor::integers(&shape, result));
    }
    let mut result = Vec::with_capacity(shape.iter().product());
    for block in 0..outer {
        for tensor in inputs {
            let length = chunk(tensor);
            result.extend_from_slice(&super::elementwise::floats(tensor)?[block * length..(block + 1) * length]);
        }
    }
    Ok(Tensor::floats(&shape, result))
}

pub(super) fn slice(x: &Tensor, starts: &[u32], steps: &[i32], shape: &[usize]) -> Result<Tensor, String> {
    let rank = x.shape.len();
    if starts.len() != rank || steps.len() != rank || shape.len() != rank {
        return Err(format!("a slice of {rank} axes with {} starts and {} steps", starts.len(), steps.len()));
    }
    let own = strides(&x.shape);
    let mut offset = 0;
    let mut moved = vec![0; rank];
    for axis in 0..rank {
        let last = i64::from(starts[axis]) + i64::from(steps[axis]) * (shape[axis] as i64 - 1);
        let length = x.shape[axis] as i64;
        if shape[axis] > 0 && (i64::from(starts[axis]) >= length || !(0..length).contains(&last)) {
            return Err(format!("a slice to {shape:?} leaves shape {:?}", x.shape));
        }
        offset += starts[axis] as isize * own[axis];
        moved[axis] = own[axis] * steps[axis] as isize;
    }
    Ok(pick(x, shape, Walk::new(shape, &moved, offset)))
}

pub(super) fn pad(x: &Tensor, before: &[u32], value: f32, shape: &[usize]) -> Result<Tensor, String> {
    let fits = before.len() == x.shape.len()
        && shape.len() == x.shape.len()
        && (0..shape.len()).all(|axis| before[axis] as usize + x.shape[axis] <= shape[axis]);
    if !fits {
        return Err(format!("shape {:?} is not padded to {shape:?}", x.shape));
    }
    let own = strides(shape);
    let offset: isize = before.iter().zip(&own).map(|(&count, &stride)| count as isize * stride).sum();
    let targets = Walk::new(&x.shape, &own, offset);
    let total = shape.iter().product();
    Ok(match &x.data {
        TensorData::Floats(values) => {
            let mut result = vec![value; total];
            values.iter().zip(targets).for_each(|(&value, target)| result[target] = value);
            Tensor::floats(shape, result)
        }
        TensorData::Integers(values) => {
            let mut result = vec![value as i64; total];
            values.iter().zip(targets).for_each(|(&value, target)| result[target] = value);
            Tensor::integers(shape, result)
        }
    })
}

pub(super) fn broadcast(x: &Tensor, shape: &[usize]) -> Result<Tensor, String> {
    let repeated = broadcast_strides(&x.shape, shape)?;
    Ok(pick(x, shape, Walk::new(shape, &repeated, 0)))
}
