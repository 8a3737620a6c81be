//! Values and nodes.

use super::op::{FloatOp, OwnScale};
use super::tensor::{ElementType, Tensor, TensorData};
use std::fmt;
use std::sync::Arc;

/// The index of a value in [`FloatGraph::values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

impl ValueId {
    /// The index as such.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A length that a job chooses, such as the batch or the number of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its name in the source.
    pub name: String,
    /// The least value.
    pub min: u32,
    /// The greatest value; greater than `min`, for a symbol with one value is a constant.
    pub max: u32,
}

/// The length of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extent {
    /// Always the same.
    Known(u32),
    /// The value of a symbol, by its index in [`FloatGraph::symbols`].
    Symbol(u8),
}

impl Extent {
    /// The length where it does not depend on a symbol.
    pub fn known(self) -> Option<u32> {
        match self {
            Self::Known(length) => Some(length),
            Self::Symbol(_) => None,
        }
    }
}

/// Where a value comes from.
#[derive(Debug, Clone)]
pub enum ValueKind {
    /// Given with every job.
    Input,
    /// Part of the model; shared between graphs that are made from each other.
    Constant(Arc<Tensor>),
    /// The output of exactly one node.
    Computed,
}

/// A tensor of the graph.
#[derive(Debug, Clone)]
pub struct FloatValue {
    /// The name in the source; a value that an importer's rewriting made has the name of what it was made from, and a
    /// suffix.
    pub name: String,
    /// The length of each axis.
    pub shape: Vec<Extent>,
    /// What the elements are.
    pub element_type: ElementType,
    /// Where it comes from.
    pub kind: ValueKind,
    /// The scale that the source itself gives this value (a model with QuantizeLinear and DequantizeLinear).
    pub own_scale: Option<OwnScale>,
}

/// One operation.
#[derive(Debug, Clone)]
pub struct FloatNode {
    /// The name of the source's node, for errors and reports; of a fused one, the name of the node that gives its result.
    pub name: String,
    /// What it does, and in which order it takes its inputs.
    pub op: FloatOp,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// What it computes.
    pub outputs: Vec<ValueId>,
}

/// A model as few kinds of operations over floats, in topological order.
#[derive(Debug, Clone, Default)]
pub struct FloatGraph {
    /// The lengths that a job chooses.
    pub symbols: Vec<Symbol>,
    /// All tensors. Some may be unused.
    pub values: Vec<FloatValue>,
    /// All operations: each comes after those whose outputs it reads.
    pub nodes: Vec<FloatNode>,
    /// The values that a job gives, in the source's order.
    pub inputs: Vec<ValueId>,
    /// The results, in the source's order.
    pub outputs: Vec<ValueId>,
}

impl FloatGraph {
    /// A value by its id.
    pub fn value(&self, id: ValueId) -> &FloatValue {
        &self.values[id.index()]
    }

    /// A constant's tensor.
    pub fn constant(&self, id: ValueId) -> Option<&Arc<Tensor>> {
        match &self.value(id).kind {
            ValueKind::Constant(tensor) => Some(tensor),
            ValueKind::Input | ValueKind::Computed => None,
        }
    }

    /// A constant's elements, if it is one of floats.
    pub fn constant_floats(&self, id: ValueId) -> Option<&[f32]> {
        self.constant(id).and_then(|tensor| tensor.as_floats())
    }

    /// Adds a value.
    pub fn add_value(&mut self, value: FloatValue) -> ValueId {
        self.values.push(value);
        ValueId(self.values.len() as u32 - 1)
    }

    /// Adds a constant.
    pub fn add_constant(&mut self, name: impl Into<String>, tensor: Tensor) -> ValueId {
        let element_type = match tensor.data {
            TensorData::Floats(_) => ElementType::Float,
            TensorData::Integers(_) => ElementType::Integer,
        };
        self.add_value(FloatValue {
            name: name.into(),
            shape: tensor.shape.iter().map(|&length| Extent::Known(length as u32)).collect(),
            element_type,
            kind: ValueKind::Constant(Arc::new(tensor)),
            own_scale: None,
        })
    }

    /// Adds a value that a node will compute.
    pub fn add_computed(&mut self, name: impl Into<String>, shape: &[Extent], element_type: ElementType) -> ValueId {
        self.add_value(FloatValue {
            name: name.into(),
            shape: shape.to_vec(),
            element_type,
            kind: ValueKind::Computed,
            own_scale: None,
        })
    }

    /// The index of the node that computes each value.
    pub fn producers(&self) -> Vec<Option<usize>> {
        let mut producers = vec![None; self.values.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for output in &node.outputs {
                producers[output.index()] = Some(index);
            }
        }
        producers
    }

    /// How often each value is read by nodes, and as an output of the graph.
    pub fn uses(&self) -> Vec<u32> {
        let mut uses = vec![0; self.values.len()];
        let read = self.nodes.iter().flat_map(|node| &node.inputs).chain(&self.outputs);
        for id in read {
            uses[id.index()] += 1;
        }
        uses
    }

    /// A shape with the symbols' values put in.
    pub fn shape_at(&self, id: ValueId, symbols: &[u32]) -> Vec<usize> {
        let length = |extent: &Extent| match *extent {
            Extent::Known(length) => length as usize,
            Extent::Symbol(symbol) => symbols[usize::from(symbol)] as usize,
        };
        self.value(id).shape.iter().map(length).collect()
    }

    /// A shape as text, with the symbols' names.
    pub fn shape_text(&self, shape: &[Extent]) -> String {
        let mut text = String::from("[");
        for (index, extent) in shape.iter().enumerate() {
            if index > 0 {
                text.push_str(", ");
            }
            match extent {
                Extent::Known(length) => text.push_str(&length.to_string()),
                Extent::Symbol(symbol) => text.push_str(&self.symbols[usize::from(*symbol)].name),
            }
        }
        text.push(']');
        text
    }
}

impl fmt::Display for FloatGraph {
    /// One line a node: outputs, operation, inputs.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.nodes {
            for output in &node.outputs {
                write!(formatter, "%{}{} ", output.0, self.shape_text(&self.value(*output).shape))?;
            }
            write!(formatter, "= {:?}", node.op)?;
            for input in &node.inputs {
                let value = self.value(*input);
                let prefix = match value.kind {
                    ValueKind::Input => "input ",
                    ValueKind::Constant(_) => "constant ",
                    ValueKind::Computed => "",
                };
                write!(formatter, " ({prefix}%{}{})", input.0, self.shape_text(&value.shape))?;
            }
            writeln!(formatter, "  # {}", node.name)?;
        }
        Ok(())
    }
}
