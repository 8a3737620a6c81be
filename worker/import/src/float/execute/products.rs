//! Products of matrices, and convolutions as such.

use super::elementwise::floats;
use crate::float::op::Window;
use crate::float::tensor::Tensor;
use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_tensor::NdTensorView;

/// `out [m, n] = alpha * a [m, k] * b [k, n]`, each of which may lie transposed.
fn multiply(
    executor: &GemmExecutor<f32, f32, f32>,
    out: &mut [f32],
    a: (&[f32], bool),
    b: (&[f32], bool),
    [m, k, n]: [usize; 3],
    alpha: f32,
) -> Result<(), String> {
    if m == 0 || n == 0 {
        return Ok(());
    }
    let left: NdTensorView<'_, f32, 2> =
        if a.1 { NdTensorView::from_data([k, m], a.0).transposed() } else { NdTensorView::from_data([m, k], a.0) };
    let right: NdTensorView<'_, f32, 2> =
        if b.1 { NdTensorView::from_data([n, k], b.0).transposed() } else { NdTensorView::from_data([k, n], b.0) };
    let options = GemmOptions { alpha, ..Default::default() };
    executor
        .gemm(out, GemmInputA::Unpacked(left), GemmInputB::Unpacked(right), options)
        .map_err(|error| format!("the product failed: {error:?}"))
}

pub(super) fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, String> {
    let [k, n] = weight.shape[..] else { return Err(String::from("the weight must have two axes")) };
    if x.shape.last() != Some(&k) {
        return Err(format!("rows of {:?} do not fit a weight of shape {:?}", x.shape, weight.shape));
    }
    let m = x.elements() / k.max(1);
    let mut result = vec![0.0; m * n];
    multiply(&GemmExecutor::new(), &mut result, (floats(x)?, false), (floats(weight)?, false), [m, k, n], 1.0)?;
    if let Some(bias) = bias {
        add_bias(&mut result, floats(bias)?, 1)?;
    }
    let mut shape = x.shape.clone();
    *shape.last_mut().ok_or("a scalar has no rows")? = n;
    Ok(Tensor::floats(&shape, result))
}

/// Adds one number to each channel, `inner` elements at a time.
fn add_bias(values: &mut [f32], bias: &[f32], inner: usize) -> Result<(), String> {
    if bias.is_empty() || inner == 0 {
        return Err(String::from("the bias is empty"));
    }
    for (block, values) in values.chunks_mut(inner).enumerate() {
        let bias = bias[block % bias.len()];
        values.iter_mut().for_each(|value| *value += bias);
    }
    Ok(())
}

pub(super) fn matmul(
    a: &Tensor,
    b: &Tensor,
    transpose_a: bool,
    transpose_b: bool,
    scale: f32,
) -> Result<Tensor, String> {
    let refuse = || format!("shapes {:?} and {:?} do not multiply", a.shape, b.shape);
    let (a_rank, b_rank) = (a.shape.len(), b.shape.len());
    if a_rank < 2 || b_rank < 2 {
        return Err(refuse());
    }
    let sides = |shape: &[usize], transposed: bool| {
        let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
        if transposed { (columns, rows) } else { (rows, columns) }
    };
    let ((m, k), (inner, n)) = (sides(&a.shape, transpose_a), sides(&b.shape, transpose_b));
    let (a_outer, b_outer) = (&a.shape[..a_rank - 2], &b.shape[..b_rank - 2]);
    let (a_count, b_count): (usize, usize) = (a_outer.iter().product(), b_outer.iter().product());
    let outer = if b_count == 1 || a_outer.len() > b_outer.len() { a_outer } else { b_outer };
    if k != inner || (a_outer != b_outer && a_count != 1 && b_count != 1) {
        return Err(refuse());
    }
    let count = a_count.max(b_count);
    let (a_data, b_data) = (floats(a)?, floats(b)?);
    let mut result = vec![0.0; count * m * n];
    let executor = GemmExecutor::new();
    for (index, out) in result.chunks_mut((m * n).max(1)).enumerate() {
        let (a_at, b_at) = (if a_count == 1 { 0 } else { index }, if b_count == 1 { 0 } else { index });
        let left = (&a_data[a_at * m * k..(a_at + 1) * m * k], transpose_a);
        let right = (&b_data[b_at * k * n..(b_at + 1) * k * n], transpose_b);
        multiply(&executor, out, left, right, [m, k, n], scale)?;
    }
    let mut shape = if a_count >= b_count { outer.to_vec() } else { b_outer.to_vec() };
    shape.extend([m, n]);
    Ok(Tensor::floats(&shape, result))
}

pub(super) fn convolution(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    window: &Window,
    groups: usize,
    shape: &[usize],
) -> Result<Tensor, String> {
    let axes = window.kernel.len();
    let fits = x.shape.len() == axes + 2
        && weight.shape.len() == axes + 2
        && shape.len() == axes + 2
        && groups > 0
        && weight.shape[1] * groups == x.shape[1]
        && weight.shape[0].is_multiple_of(groups)
        && shape[..2] == [x.shape[0], weight.shape[0]]
        && (1..=2).contains(&axes);
    if !fits {
        return Err(format!("a convolution of {:?} with {:?} in {groups} groups to {shape:?}", x.shape, weight.shape));
    }
    // one axis of positions is two, the first of which has length 1
    let pair = |values: &[u32], missing: u32| -> [usize; 2] {
        if axes == 1 { [missing as usize, values[0] as usize] } else { [values[0] as usize, values[1] as usize] }
    };
    let sides = |shape: &[usize]| if axes == 1 { [1, shape[2]] } else { [shape[2], shape[3]] };
    let (kernel, strides) = (pair(&window.kernel, 1), pair(&window.strides, 1));
    let (dilations, padding) = (pair(&window.dilations, 1), pair(&window.padding_before, 0));
    let ([height, width], [rows, columns]) = (sides(&x.shape), sides(shape));
    let (channels, positions) = (weight.shape[1], rows * columns);
    let outputs = weight.shape[0] / groups;
    let depth = channels * kernel[0] * kernel[1];
    let (data, weights) = (floats(x)?, floats(weight)?);
    let mut result = vec![0.0; shape.iter().product()];
    let mut patches = vec![0.0f32; depth * positions];
    let executor = GemmExecutor::new();
    for (index, out) in result.chunks_mut((outputs * positions).max(1)).enumerate() {
        let (batch, group) = (index / groups, index % groups);
        let image = &data[(batch * x.shape[1] + group * channels) * height * width..][..channels * height * width];
        for (row, patch) in patches.chunks_mut(positions.max(1)).enumerate() {
            let (channel, kernel_y, kernel_x) =
                (row / (kernel[0] * kernel[1]), row / kernel[1] % kernel[0], row % kernel[1]);
            for (point, target) in patch.iter_mut().enumerate() {
                let y = (point / columns * strides[0] + kernel_y * dilations[0]).wrapping_sub(padding[0]);
                let x = (point % columns * strides[1] + kernel_x * dilations[1]).wrapping_sub(padding[1]);
                *target = if y < height && x < width { image[(channel * height + y) * width + x] } else { 0.0 };
            }
        }
        let filters = &weights[group * outputs * depth..][..outputs * depth];
        multiply(&executor, out, (filters, false), (&patches, false), [outputs, depth, positions], 1.0)?;
    }
    if let Some(bias) = bias {
        add_bias(&mut result, floats(bias)?, positions)?;
    }
    Ok(Tensor::floats(shape, result))
}
