//! Which nodes become one integer op, and in which form each value is needed.

use super::attention::{self, AttentionGroup, Wiring};
use super::error::QuantiseError;
use super::product::Product;
use super::views::{self, Seen};
use crate::float::{ElementType, FloatGraph, FloatOp, ReduceKind, ValueId};
use std::collections::BTreeMap;

/// A product with what is computed in its epilogue.
#[derive(Clone, Debug)]
pub(crate) struct ProductGroup {
    /// The product.
    pub product: Product,
    /// The activation node that follows.
    pub activation: Option<usize>,
    /// The value that is added behind the product.
    pub residual: Option<ValueId>,
    /// What comes out.
    pub output: ValueId,
}

/// Nodes that are lowered together.
#[derive(Clone, Debug)]
pub(crate) enum Group {
    /// A linear layer or a convolution.
    Product(Box<ProductGroup>),
    /// Attention.
    Attention(Box<AttentionGroup>),
    /// One node.
    Single,
}

/// In which forms a value is read. Axes are those of the value itself, which is no view.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs {
    /// As 16-bit integers with one step, and with which order of axes first.
    pub wide: Option<Vec<usize>>,
    /// As 8-bit integers, and with which order of axes first.
    pub narrow: Option<Vec<usize>>,
    /// The products that read it, and the value's axis that each has its channels on.
    pub products: Vec<(usize, Option<usize>)>,
    /// Some reader needs one step for all elements.
    pub uniform: bool,
    /// The last axis may have steps of its own without a product: the values of an attention.
    pub free_channels: bool,
}

/// The plan of a graph.
pub(crate) struct Plan {
    /// By the index of the node that ends it.
    pub groups: BTreeMap<usize, Group>,
    /// Every value as a view of its root.
    pub seen: Vec<Seen>,
    /// By root.
    pub needs: BTreeMap<ValueId, Needs>,
    /// The results: a last softmax is left to whoever reads them.
    pub outputs: Vec<ValueId>,
    /// Products by node.
    pub products: BTreeMap<usize, Product>,
    /// What was decided, for the report.
    pub decisions: Vec<String>,
}

impl Plan {
    /// Plans a graph. With `logits`, a softmax that is a result is left out.
    ///
    /// # Errors
    /// `I0301`.
    pub(crate) fn of(graph: &FloatGraph, logits: bool) -> Result<Self, QuantiseError> {
        let mut plan = Self {
            groups: BTreeMap::new(),
            seen: views::resolve(graph),
            needs: BTreeMap::new(),
            outputs: graph.outputs.clone(),
            products: BTreeMap::new(),
            decisions: Vec::new(),
        };
        let wiring = Wiring::of(graph);
        let mut taken = vec![false; graph.nodes.len()];
        if logits {
            plan.leave_out_softmax(graph, &wiring, &mut taken);
        }
        for index in 0..graph.nodes.len() {
            if let Some(product) = Product::of(graph, index)? {
                plan.products.insert(index, product);
            }
        }
        plan.group_attention(graph, &wiring, &mut taken);
        plan.group_products(graph, &wiring, &mut taken);
        let live = plan.live(graph, &wiring);
        for (index, node) in graph.nodes.iter().enumerate() {
            let is_view = node.outputs.first().is_some_and(|output| plan.seen[output.index()].root != *output);
            if !taken[index] && !is_view && live[index] {
                plan.groups.insert(index, Group::Single);
            }
        }
        plan.collect_needs(graph);
        Ok(plan)
    }

    /// Whether an attention computes the value.
    pub(crate) fn is_attention_output(&self, value: ValueId) -> bool {
        self.groups.values().any(|group| matches!(group, Group::Attention(group) if group.output == value))
    }

    fn leave_out_softmax(&mut self, graph: &FloatGraph, wiring: &Wiring, taken: &mut [bool]) {
        for output in &mut self.outputs {
            let Some(producer) = wiring.producer[output.index()] else { continue };
            let node = &graph.nodes[producer];
            if matches!(node.op, FloatOp::Softmax { mask_axes: None, .. }) && wiring.readers[output.index()].len() == 1
            {
                taken[producer] = true;
                *output = node.inputs[0];
                self.decisions.push(format!(
                    "{}: left out; the result is its argument, of which the reader takes the softmax",
                    node.name
                ));
            }
        }
    }

    fn group_attention(&mut self, graph: &FloatGraph, wiring: &Wiring, taken: &mut [bool]) {
        for index in 0..graph.nodes.len() {
            let Some(group) = attention::find(graph, wiring, index) else { continue };
            for node in &group.nodes {
                taken[*node] = true;
            }
            self.decisions.push(format!(
                "{}: attention of {} heads; weights are unnormalised u8 from a table of exponents{}, divided once a row",
                graph.nodes[index].name,
                group.heads,
                if group.mask.is_some() { ", 0 where masked" } else { "" }
            ));
            let last = group.nodes.last().copied().unwrap_or(index);
            // inner values are no roots that anything reads
            self.seen[group.output.index()] = own(group.output, graph);
            self.groups.insert(last, Group::Attention(Box::new(group)));
        }
    }

    fn group_products(&mut self, graph: &FloatGraph, wiring: &Wiring, taken: &mut [bool]) {
        let indices: Vec<usize> = self.products.keys().copied().collect();
        for index in indices.into_iter().filter(|index| !taken[*index]).collect::<Vec<_>>() {
            if taken[index] {
                continue;
            }
            let mut output = graph.nodes[index].outputs[0];
            let (mut activation, mut residual, mut last) = (None, None, index);
            taken[index] = true;
            let next = wiring.only_reader(output).filter(|_| !self.outputs.contains(&output));
            match next.map(|next| (next, &graph.nodes[next].op)) {
                Some((next, FloatOp::Activation(_))) => {
                    (activation, last) = (Some(next), next);
                }
                Some((next, FloatOp::Add)) => {
                    let [a, b] = graph.nodes[next].inputs[..] else { continue };
                    let other = if a == output { b } else { a };
                    let same = graph.value(other).shape == graph.value(output).shape;
                    if same && other != output && graph.constant(other).is_none() && !taken[next] {
                        (residual, last) = (Some(other), next);
                    }
                }
                _ => {}
            }
            if last != index {
                taken[last] = true;
                output = graph.nodes[last].outputs[0];
            }
            let product = self.products[&index].clone();
            self.groups.insert(last, Group::Product(Box::new(ProductGroup { product, activation, residual, output })));
        }
    }

    /// Nodes whose results reach an output.
    fn live(&self, graph: &FloatGraph, wiring: &Wiring) -> Vec<bool> {
        let mut live = vec![false; graph.nodes.len()];
        let mut open: Vec<ValueId> = self.outputs.clone();
        while let Some(value) = open.pop() {
            let Some(producer) = wiring.producer[value.index()] else { continue };
            if !std::mem::replace(&mut live[producer], true) {
                open.extend(&graph.nodes[producer].inputs);
            }
        }
        live
    }

    fn collect_needs(&mut self, graph: &FloatGraph) {
        for output in self.outputs.clone() {
            self.need_wide(graph, output, None);
        }
        let groups: Vec<(usize, Group)> = self.groups.iter().map(|(index, group)| (*index, group.clone())).collect();
        // from the last to the first, so that a reshape passes on what is needed of it
        for (index, group) in groups.iter().rev() {
            match group {
                Group::Product(group) => self.product_needs(graph, group),
                Group::Attention(group) => {
                    for value in [group.query, group.key] {
                        self.need_narrow(graph, value, None, |needs, _| needs.uniform = true);
                    }
                    let order = Some(vec![0, 2, 1]);
                    self.need_narrow(graph, group.values, order, |needs, _| needs.free_channels = true);
                }
                Group::Single => {
                    let node = &graph.nodes[*index];
                    let order = wanted_order(graph, &node.op, node.inputs[0]);
                    for input in &node.inputs {
                        self.need_wide(graph, *input, order.clone().filter(|_| *input == node.inputs[0]));
                    }
                }
            }
        }
    }

    fn product_needs(&mut self, graph: &FloatGraph, group: &ProductGroup) {
        let product = &group.product;
        let rank = graph.value(product.input).shape.len();
        let order = product.window.as_ref().map(|_| [0].into_iter().chain(2..rank).chain([1]).collect::<Vec<_>>());
        let (node, axis) = (product.node, product.channel_axis);
        self.need_narrow(graph, product.input, order, |needs, seen| {
            let axis = seen.axes[axis];
            needs.uniform |= axis.is_none();
            needs.products.push((node, axis));
        });
        if let Some(residual) = group.residual {
            self.need_wide(graph, residual, None);
        }
    }

    fn need_wide(&mut self, graph: &FloatGraph, value: ValueId, order: Option<Vec<usize>>) {
        if graph.value(value).element_type != ElementType::Float || graph.constant(value).is_some() {
            return;
        }
        let seen = self.seen[value.index()].clone();
        let order = order.map_or_else(|| natural(graph, seen.root), |order| root_order(graph, &seen, &order));
        self.needs.entry(seen.root).or_default().wide.get_or_insert(order);
    }

    fn need_narrow(
        &mut self,
        graph: &FloatGraph,
        value: ValueId,
        order: Option<Vec<usize>>,
        note: impl FnOnce(&mut Needs, &Seen),
    ) {
        if graph.constant(value).is_some() {
            return;
        }
        let seen = self.seen[value.index()].clone();
        let order = order.unwrap_or_else(|| (0..graph.value(value).shape.len()).collect());
        let order = root_order(graph, &seen, &order);
        let needs = self.needs.entry(seen.root).or_default();
        needs.narrow.get_or_insert(order);
        note(needs, &seen);
    }
}

fn own(value: ValueId, graph: &FloatGraph) -> Seen {
    Seen { root: value, axes: (0..graph.value(value).shape.len()).map(Some).collect() }
}

/// The axes of a value as they are.
pub(crate) fn natural(graph: &FloatGraph, value: ValueId) -> Vec<usize> {
    (0..graph.value(value).shape.len()).collect()
}

/// An order of a view's axes as an order of its root's; axes that the view does not have go first.
fn root_order(graph: &FloatGraph, seen: &Seen, order: &[usize]) -> Vec<usize> {
    let named: Vec<usize> = order.iter().filter_map(|axis| seen.axes[*axis]).collect();
    let missing = natural(graph, seen.root).into_iter().filter(|axis| !named.contains(axis));
    missing.chain(named.iter().copied()).collect()
}

/// The order of axes in which a node reads its first input best: what it reduces over comes last.
fn wanted_order(graph: &FloatGraph, op: &FloatOp, input: ValueId) -> Option<Vec<usize>> {
    let rank = graph.value(input).shape.len();
    let last = |axes: &[usize]| (0..rank).filter(|axis| !axes.contains(axis)).chain(axes.iter().copied()).collect();
    match op {
        FloatOp::LayerNorm { axis, .. }
        | FloatOp::RmsNorm { axis, .. }
        | FloatOp::L2Normalise { axis, .. }
        | FloatOp::Softmax { axis, .. }
        | FloatOp::TopK { axis, .. }
        | FloatOp::ArgMax { axis, .. } => Some(last(&[*axis])),
        FloatOp::Reduce {
            kind: ReduceKind::Mean | ReduceKind::Sum | ReduceKind::Max | ReduceKind::Min, axes, ..
        } => Some(last(axes)),
        FloatOp::Pool { .. } => Some([0].into_iter().chain(2..rank).chain([1]).collect()),
        _ => None,
    }
}
