//! Means, and normalisations that are written out.

use super::links::{Links, MAXIMUM_ROW, along_axis, become_op, replace, unshaped, with_uniform};
use crate::float::{Activation, Extent, FloatGraph, FloatNode, FloatOp, ReduceKind, Tensor, ValueId};

/// What is known of a value by looking at how it is computed.
#[derive(Clone, Copy)]
struct Look<'a> {
    graph: &'a FloatGraph,
    links: &'a Links,
}

impl<'a> Look<'a> {
    fn node(self, id: ValueId) -> Option<&'a FloatNode> {
        self.links.producer(self.graph, unshaped(self.graph, self.links, id))
    }

    /// The value and the axis whose sums or means `id` holds.
    fn reduction(self, id: ValueId, wanted: ReduceKind) -> Option<(ValueId, usize)> {
        match &self.node(id)?.op {
            FloatOp::Reduce { kind, axes, mask_axes: None, .. } if *kind == wanted && axes.len() == 1 => {
                Some((self.node(id)?.inputs[0], axes[0]))
            }
            _ => None,
        }
    }

    fn mean(self, id: ValueId) -> Option<(ValueId, usize)> {
        self.reduction(id, ReduceKind::Mean)
    }

    fn activation(self, id: ValueId, wanted: Activation) -> Option<ValueId> {
        let node = self.node(id)?;
        (node.op == FloatOp::Activation(wanted)).then(|| node.inputs[0])
    }

    fn square(self, id: ValueId) -> Option<ValueId> {
        self.activation(id, Activation::Power { exponent: 2.0 })
    }

    /// `x - mean(x)`.
    fn centred(self, id: ValueId) -> Option<(ValueId, usize)> {
        let node = self.node(id)?;
        let (FloatOp::Sub, [x, mean]) = (&node.op, &node.inputs[..]) else { return None };
        let (of, axis) = self.mean(*mean)?;
        (of == *x && self.is_kept(*mean, *x, axis)).then_some((*x, axis))
    }

    /// Whether a value has the shape of another, with one axis of length 1.
    fn is_kept(self, id: ValueId, x: ValueId, axis: usize) -> bool {
        let mut shape = self.graph.value(x).shape.clone();
        shape[axis] = Extent::Known(1);
        self.graph.value(id).shape == shape
    }

    /// The value and the axis whose variance `id` holds.
    fn variance(self, id: ValueId) -> Option<(ValueId, usize)> {
        let node = self.node(id)?;
        match (&node.op, &node.inputs[..]) {
            (FloatOp::Activation(Activation::Clip { low, high }), [inner]) if *low <= 0.0 && *high == f32::INFINITY => {
                self.variance(*inner)
            }
            (FloatOp::Activation(Activation::Relu), [inner]) => self.variance(*inner),
            (FloatOp::Sub, [of_squares, squared]) => {
                let (squares, axis) = self.mean(*of_squares)?;
                let x = self.square(squares)?;
                let mean = self.square(*squared)?;
                (self.mean(mean)? == (x, axis)).then_some((x, axis))
            }
            (FloatOp::Reduce { .. }, _) => {
                let (squares, axis) = self.mean(id)?;
                let (x, of) = self.centred(self.square(squares)?)?;
                (of == axis).then_some((x, axis))
            }
            _ => None,
        }
    }

    /// What is added to, and the constant that is added.
    fn plus_constant(self, id: ValueId) -> Option<(ValueId, f32)> {
        let node = self.node(id)?;
        if node.op == FloatOp::Add { with_uniform(self.graph, node) } else { None }
    }

    /// The value whose square root `id` divides by: `1 / sqrt(inner)`.
    fn inverse_root(self, id: ValueId) -> Option<ValueId> {
        self.activation(id, Activation::Power { exponent: -0.5 })
            .or_else(|| self.activation(self.activation(id, Activation::Reciprocal)?, Activation::Sqrt))
            .or_else(|| self.activation(self.activation(id, Activation::Sqrt)?, Activation::Reciprocal))
    }

    /// The two factors of a product, both ways.
    fn factors(self, node: &FloatNode) -> Vec<(ValueId, ValueId)> {
        match (&node.op, &node.inputs[..]) {
            (FloatOp::Mul, [a, b]) => vec![(*a, *b), (*b, *a)],
            _ => Vec::new(),
        }
    }

    /// Of a factor `gamma / sqrt(inner)`: inner, and the id of gamma unless that is 1.
    fn scaled_inverse_root(self, id: ValueId) -> Option<(ValueId, Option<ValueId>)> {
        if let Some(inner) = self.inverse_root(id) {
            return Some((inner, None));
        }
        let node = self.node(id)?;
        self.factors(node).into_iter().find_map(|(root, gamma)| {
            self.graph.constant(gamma)?;
            Some((self.inverse_root(root)?, Some(gamma)))
        })
    }

    /// Of `numerator / sqrt(inner) * gamma`: numerator, inner, and gamma unless that is 1. `factor` is what the numerator
    /// is multiplied with or divided by.
    fn quotient(self, node: &FloatNode) -> Vec<Quotient> {
        if let (FloatOp::Div, [numerator, divisor]) = (&node.op, &node.inputs[..]) {
            let inner = self.activation(*divisor, Activation::Sqrt);
            let quotient = |inner| Quotient { numerator: *numerator, inner, gamma: None, factor: *divisor };
            return inner.map(quotient).into_iter().collect();
        }
        let quotient = |(numerator, factor): (ValueId, ValueId)| {
            let (inner, gamma) = self.scaled_inverse_root(factor)?;
            Some(Quotient { numerator, inner, gamma, factor })
        };
        self.factors(node).into_iter().filter_map(quotient).collect()
    }

    fn length(self, x: ValueId, axis: usize) -> Option<usize> {
        let length = self.graph.value(x).shape[axis].known().map(|length| length as usize);
        length.filter(|length| *length <= MAXIMUM_ROW)
    }

    /// The factors along an axis; ones if there are none.
    fn gamma(self, gamma: Option<ValueId>, x: ValueId, axis: usize) -> Option<Vec<f32>> {
        let length = self.length(x, axis)?;
        match gamma {
            Some(id) => along_axis(self.graph, id, self.graph.value(x).shape.len(), axis, length),
            None => Some(vec![1.0; length]),
        }
    }
}

struct Quotient {
    numerator: ValueId,
    inner: ValueId,
    gamma: Option<ValueId>,
    factor: ValueId,
}

/// A sum times the inverse of its number of terms is a mean.
pub(super) fn mean(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let node = &graph.nodes[index];
    if node.op != FloatOp::Mul {
        return false;
    }
    let Some((sum, factor)) = with_uniform(graph, node) else { return false };
    let Some(FloatNode {
        op: FloatOp::Reduce { kind: ReduceKind::Sum, axes, keep_axes, mask_axes: None }, inputs, ..
    }) = links.producer(graph, sum)
    else {
        return false;
    };
    let lengths = axes.iter().map(|&axis| graph.value(inputs[0]).shape[axis].known());
    let Some(terms) = lengths.map(|length| length.map(f64::from)).try_fold(1.0, |total, length| Some(total * length?))
    else {
        return false;
    };
    if (f64::from(factor) * terms - 1.0).abs() > 1e-5 {
        return false;
    }
    let op = FloatOp::Reduce { kind: ReduceKind::Mean, axes: axes.clone(), keep_axes: *keep_axes, mask_axes: None };
    let inputs = inputs.clone();
    become_op(graph, index, op, inputs)
}

pub(super) fn layer_norm(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let look = Look { graph, links };
    let node = &graph.nodes[index];
    let found = look.quotient(node).into_iter().find_map(|quotient| {
        let (x, axis) = look.centred(quotient.numerator)?;
        let (variance, epsilon) = look.plus_constant(quotient.inner)?;
        let factor_fits = look.is_kept(quotient.factor, x, axis) || quotient.gamma.is_some();
        (look.variance(variance)? == (x, axis) && factor_fits).then_some(())?;
        Some((x, axis, epsilon, look.gamma(quotient.gamma, x, axis)?, None))
    });
    let found = found.or_else(|| affine_layer_norm(look, node));
    let Some((x, axis, epsilon, gamma, beta)) = found else { return false };
    emit_norm(graph, index, FloatOp::LayerNorm { axis, epsilon }, x, gamma, beta)
}

type Norm = (ValueId, usize, f32, Vec<f32>, Option<Vec<f32>>);

/// `x * g + (beta - mean * g)` with `g = gamma / sqrt(variance + epsilon)`.
fn affine_layer_norm(look: Look<'_>, node: &FloatNode) -> Option<Norm> {
    let (FloatOp::Add, [a, b]) = (&node.op, &node.inputs[..]) else { return None };
    [(*a, *b), (*b, *a)].into_iter().find_map(|(product, rest)| {
        let rest = look.node(rest)?;
        let (FloatOp::Sub, [beta, shift]) = (&rest.op, &rest.inputs[..]) else { return None };
        look.factors(look.node(product)?).into_iter().find_map(|(x, factor)| {
            let (inner, gamma) = look.scaled_inverse_root(factor)?;
            let (variance, epsilon) = look.plus_constant(inner)?;
            let (of, axis) = look.variance(variance)?;
            let mut shifts = look.factors(look.node(*shift)?).into_iter();
            let fits = of == x && shifts.any(|(mean, other)| other == factor && look.mean(mean) == Some((x, axis)));
            fits.then_some(())?;
            let length = look.length(x, axis)?;
            let beta = along_axis(look.graph, *beta, look.graph.value(x).shape.len(), axis, length)?;
            Some((x, axis, epsilon, look.gamma(gamma, x, axis)?, Some(beta)))
        })
    })
}

pub(super) fn rms_norm(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let look = Look { graph, links };
    let found = look.quotient(&graph.nodes[index]).into_iter().find_map(|quotient| {
        let x = quotient.numerator;
        let (mean, epsilon) = look.plus_constant(quotient.inner)?;
        let (squares, axis) = look.mean(mean)?;
        let factor_fits = look.is_kept(quotient.factor, x, axis) || quotient.gamma.is_some();
        (look.square(squares)? == x && factor_fits).then_some(())?;
        Some((x, axis, epsilon, look.gamma(quotient.gamma, x, axis)?))
    });
    let Some((x, axis, epsilon, gamma)) = found else { return false };
    emit_norm(graph, index, FloatOp::RmsNorm { axis, epsilon }, x, gamma, None)
}

fn emit_norm(
    graph: &mut FloatGraph,
    index: usize,
    op: FloatOp,
    x: ValueId,
    gamma: Vec<f32>,
    beta: Option<Vec<f32>>,
) -> bool {
    if graph.value(x).shape != graph.value(graph.nodes[index].outputs[0]).shape {
        return false;
    }
    let name = graph.nodes[index].name.clone();
    let length = gamma.len();
    let mut inputs = vec![x, graph.add_constant(format!("{name}~gamma"), Tensor::floats(&[length], gamma))];
    if let Some(beta) = beta {
        inputs.push(graph.add_constant(format!("{name}~beta"), Tensor::floats(&[length], beta)));
    }
    become_op(graph, index, op, inputs)
}

/// A value divided by the root of the sum of its squares.
pub(super) fn l2_normalise(graph: &mut FloatGraph, links: &Links, index: usize) -> bool {
    let look = Look { graph, links };
    let node = &graph.nodes[index];
    let pair = match (&node.op, &node.inputs[..]) {
        (FloatOp::Div, [x, norm]) => Some((*x, *norm)),
        (FloatOp::Mul, [_, _]) => look
            .factors(node)
            .into_iter()
            .find_map(|(x, inverse)| Some((x, look.activation(inverse, Activation::Reciprocal)?))),
        _ => None,
    };
    let Some((x, norm)) = pair else { return false };
    let (mut epsilon, mut root) = (0.0, norm);
    if let Some(FloatNode { op: FloatOp::Activation(Activation::Clip { low, high: f32::INFINITY }), inputs, .. }) =
        look.node(norm)
    {
        (epsilon, root) = (low.max(0.0), inputs[0]);
    }
    let squared = look.activation(root, Activation::Sqrt);
    let Some((squares, axis)) = squared.and_then(|sum| look.reduction(sum, ReduceKind::Sum)) else { return false };
    if look.square(squares) != Some(x) || !look.is_kept(norm, x, axis) {
        return false;
    }
    let out = node.outputs[0];
    let name = node.name.clone();
    let node = FloatNode { name, op: FloatOp::L2Normalise { axis, epsilon }, inputs: vec![x], outputs: vec![out] };
    replace(graph, index, vec![node])
}
