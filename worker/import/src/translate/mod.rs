//! From the nodes of an ONNX graph to those of a float graph, one by one, with shapes and constants propagated.

mod arithmetic;
mod budget;
mod contents;
mod gather;
mod node;
mod normal;
mod reduce;
mod remedy;
mod resize;
mod shape;
mod size;
mod slice;
mod transposed;
mod window;

use crate::error::ImportError;
use crate::float::{
    ElementType, Extent, FloatGraph, FloatNode, FloatOp, FloatValue, Symbol, Tensor, ValueId, ValueKind,
};
use crate::onnx::proto::{GraphProto, ModelProto, ValueInfoProto};
use crate::onnx::tensor_from_proto;
use budget::{Budget, Exceeded};
use contents::Content;
use node::Node;
use size::Size;
use std::collections::HashMap;
use std::str::FromStr;

/// A tensor of more elements than this does not fit a verifiable graph.
const MAXIMUM_ELEMENTS: u64 = 1 << 31;
/// Symbols of a graph.
const MAXIMUM_SYMBOLS: usize = 4;

/// The values that a symbol of the model may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolBounds {
    /// The symbol's name in the model.
    pub name: String,
    /// The least value.
    pub min: u32,
    /// The greatest value.
    pub max: u32,
}

impl FromStr for SymbolBounds {
    type Err = ImportError;

    /// Reads `name=least..greatest` or `name=value`.
    fn from_str(text: &str) -> Result<Self, ImportError> {
        let refuse = |reason: &str| ImportError::Symbol { symbol: text.to_owned(), reason: reason.to_owned() };
        let (name, bounds) = text.rsplit_once('=').ok_or_else(|| refuse("there is no `=`"))?;
        let (min, max) = bounds.split_once("..").unwrap_or((bounds, bounds));
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| refuse("a bound is no number"));
        let (min, max) = (number(min)?, number(max)?);
        if min == 0 || min > max {
            return Err(refuse("the bounds must be 1 or more, the least first"));
        }
        Ok(Self { name: name.trim().to_owned(), min, max })
    }
}

/// Translates a model's graph. What it gives is not yet simplified.
pub(crate) fn translate(model: &ModelProto, bounds: &[SymbolBounds]) -> Result<FloatGraph, ImportError> {
    let proto =
        model.graph.as_ref().ok_or_else(|| ImportError::Malformed { reason: String::from("it holds no graph") })?;
    let mut translator = Translator {
        graph: FloatGraph::default(),
        names: HashMap::new(),
        contents: HashMap::new(),
        own_scales: HashMap::new(),
        constant_types: HashMap::new(),
        budget: Budget::new(0),
        opset: crate::onnx::opset(model),
    };
    translator.constants(proto)?;
    translator.inputs(proto, bounds)?;
    for proto in &proto.node {
        translator.node(&Node::new(proto))?;
    }
    for output in &proto.output {
        let id = translator.names.get(&output.name).copied();
        let undefined = || ImportError::Undefined { node: String::from("(output)"), value: output.name.clone() };
        translator.graph.outputs.push(id.ok_or_else(undefined)?);
    }
    Ok(translator.graph)
}

/// The state of a translation.
struct Translator {
    graph: FloatGraph,
    /// The values that the nodes so far have given names to.
    names: HashMap<String, ValueId>,
    /// Integers that are known up to symbols: shapes, and what is computed from them.
    contents: HashMap<ValueId, Content>,
    /// What QuantizeLinear gave: the value, rounded, and its scale.
    own_scales: HashMap<ValueId, crate::float::OwnScale>,
    /// The type, by its number in the format, of each constant of the file.
    constant_types: HashMap<ValueId, i32>,
    /// What may still be computed of constants.
    budget: Budget,
    opset: i64,
}

impl Translator {
    fn constants(&mut self, proto: &GraphProto) -> Result<(), ImportError> {
        let mut elements = 0u64;
        for initializer in &proto.initializer {
            let tensor = tensor_from_proto(initializer)?;
            elements = elements.saturating_add(tensor.elements() as u64);
            let id = self.graph.add_constant(initializer.name.clone(), tensor);
            self.constant_types.insert(id, initializer.data_type);
            self.names.insert(initializer.name.clone(), id);
        }
        self.budget = Budget::new(elements);
        Ok(())
    }

    fn inputs(&mut self, proto: &GraphProto, bounds: &[SymbolBounds]) -> Result<(), ImportError> {
        let mut seen = Vec::new();
        for input in &proto.input {
            // old files list constants among the inputs
            if !self.names.contains_key(&input.name) {
                self.input(input, bounds, &mut seen)?;
            }
        }
        if let Some(unknown) = bounds.iter().find(|bounds| !seen.contains(&bounds.name)) {
            let known = if seen.is_empty() { String::from("none") } else { seen.join(", ") };
            let reason = format!("the model has no such symbol; it has: {known}");
            return Err(ImportError::Symbol { symbol: unknown.name.clone(), reason });
        }
        Ok(())
    }

    fn input(
        &mut self,
        proto: &ValueInfoProto,
        bounds: &[SymbolBounds],
        seen: &mut Vec<String>,
    ) -> Result<(), ImportError> {
        let refuse = |reason: &str| ImportError::Input { input: proto.name.clone(), reason: reason.to_owned() };
        let tensor = proto.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
        let tensor = tensor.ok_or_else(|| refuse("only tensors are supported"))?;
        let element_type = crate::onnx::element_type(tensor.elem_type);
        let element_type = element_type.ok_or_else(|| refuse("its element type is not supported"))?;
        let dims = &tensor.shape.as_ref().ok_or_else(|| refuse("it has no shape"))?.dim;
        let mut shape = Vec::with_capacity(dims.len());
        for (axis, dim) in dims.iter().enumerate() {
            let given = dim.dim_param.clone().filter(|name| !name.is_empty());
            let name = match (dim.dim_value, given) {
                (Some(length), _) if length > 0 => {
                    let length = u32::try_from(length).map_err(|_| refuse("an axis is too long"))?;
                    shape.push(Extent::Known(length));
                    continue;
                }
                (_, Some(name)) => name,
                (_, None) => format!("{}_{axis}", proto.name),
            };
            let bound = bounds.iter().find(|bounds| bounds.name == name);
            let unbound = || ImportError::UnboundSymbol { value: proto.name.clone(), symbol: name.clone() };
            let bound = bound.ok_or_else(unbound)?;
            seen.push(name.clone());
            shape.push(if bound.min == bound.max {
                Extent::Known(bound.min)
            } else {
                Extent::Symbol(self.symbol(bound)?)
            });
        }
        self.check_elements(&proto.name, &shape)?;
        let value =
            FloatValue { name: proto.name.clone(), shape, element_type, kind: ValueKind::Input, own_scale: None };
        let id = self.graph.add_value(value);
        self.names.insert(proto.name.clone(), id);
        self.graph.inputs.push(id);
        Ok(())
    }

    fn symbol(&mut self, bounds: &SymbolBounds) -> Result<u8, ImportError> {
        let known = self.graph.symbols.iter().position(|symbol| symbol.name == bounds.name);
        let index = known.unwrap_or(self.graph.symbols.len());
        if index >= MAXIMUM_SYMBOLS {
            let reason = format!("a graph has at most {MAXIMUM_SYMBOLS} symbols");
            return Err(ImportError::Symbol { symbol: bounds.name.clone(), reason });
        }
        if known.is_none() {
            self.graph.symbols.push(Symbol { name: bounds.name.clone(), min: bounds.min, max: bounds.max });
        }
        Ok(index as u8)
    }

    /// Translates one node and gives its outputs their names.
    fn node(&mut self, node: &Node<'_>) -> Result<(), ImportError> {
        let inputs: Vec<Option<ValueId>> = node
            .proto
            .input
            .iter()
            .map(|name| match self.names.get(name) {
                _ if name.is_empty() => Ok(None),
                Some(&id) => Ok(Some(id)),
                None => Err(ImportError::Undefined { node: node.name(), value: name.clone() }),
            })
            .collect::<Result<_, _>>()?;
        let before = self.graph.values.len();
        let results = match self.known_content(node, &inputs)? {
            Some(id) => vec![id],
            None => self.operator(node, &inputs)?,
        };
        for (name, &id) in node.proto.output.iter().zip(&results) {
            if name.is_empty() {
                continue;
            }
            if id.index() >= before {
                self.graph.values[id.index()].name.clone_from(name);
            }
            self.names.insert(name.clone(), id);
        }
        if let Some(missing) = node.proto.output.iter().skip(results.len()).find(|name| !name.is_empty()) {
            return Err(node.unsupported(&format!("its output {missing:?} is not computed; leave it out")));
        }
        Ok(())
    }

    fn operator(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<Vec<ValueId>, ImportError> {
        let kind = node.proto.op_type.as_str();
        if !matches!(node.proto.domain.as_str(), "" | "ai.onnx") {
            return Err(node.unsupported(remedy::domain(&node.proto.domain)));
        }
        if let Some(results) = self.arithmetic(node, kind, inputs)? {
            return Ok(results);
        }
        if let Some(results) = self.shaping(node, kind, inputs)? {
            return Ok(results);
        }
        if let Some(results) = self.windowed(node, kind, inputs)? {
            return Ok(results);
        }
        if let Some(results) = self.reducing(node, kind, inputs)? {
            return Ok(results);
        }
        if let Some(results) = self.normal(node, kind, inputs)? {
            return Ok(results);
        }
        Err(node.unsupported(remedy::operator(kind)))
    }

    /// Adds a node with one output; computes it at once if everything that it reads is constant.
    fn emit(
        &mut self,
        node: &Node<'_>,
        op: FloatOp,
        inputs: &[ValueId],
        shape: &[Extent],
        element_type: ElementType,
    ) -> Result<ValueId, ImportError> {
        self.check_elements(&node.name(), shape)?;
        let name = format!("{}~{}", node.name(), self.graph.values.len());
        if let Some(tensor) = self.fold(node, &op, inputs, shape)? {
            let id = self.graph.add_constant(name, tensor);
            self.graph.values[id.index()].element_type = element_type;
            return Ok(id);
        }
        let id = self.graph.add_computed(name, shape, element_type);
        self.graph.nodes.push(FloatNode { name: node.name(), op, inputs: inputs.to_vec(), outputs: vec![id] });
        Ok(id)
    }

    /// Refuses what is too large at the symbols' greatest values.
    fn check_elements(&self, name: &str, shape: &[Extent]) -> Result<(), ImportError> {
        let length = |extent: &Extent| match *extent {
            Extent::Known(length) => u64::from(length),
            Extent::Symbol(symbol) => u64::from(self.graph.symbols[usize::from(symbol)].max),
        };
        let found = shape.iter().fold(1u64, |total, extent| total.saturating_mul(length(extent)));
        if found > MAXIMUM_ELEMENTS {
            let what = format!("the number of elements of {name:?}");
            return Err(ImportError::TooLarge { what, found, limit: MAXIMUM_ELEMENTS });
        }
        Ok(())
    }

    fn fold(
        &mut self,
        node: &Node<'_>,
        op: &FloatOp,
        inputs: &[ValueId],
        shape: &[Extent],
    ) -> Result<Option<Tensor>, ImportError> {
        let known: Option<Vec<usize>> =
            shape.iter().map(|extent| extent.known().map(|length| length as usize)).collect();
        let constants: Option<Vec<&Tensor>> =
            inputs.iter().map(|&id| self.graph.constant(id).map(|tensor| &**tensor)).collect();
        let (Some(known), Some(constants)) = (known, constants) else { return Ok(None) };
        self.budget.take(op, &constants, &known).map_err(|exceeded| too_large(node, exceeded))?;
        let computed =
            crate::float::execute::compute(op, &constants, &[known]).map_err(|reason| node.malformed(reason))?;
        Ok(computed.into_iter().next())
    }

    /// Adds a constant of `elements` elements that is not in the file; `make` is called when there is room for it.
    fn made_constant(
        &mut self,
        node: &Node<'_>,
        label: &str,
        elements: usize,
        make: impl FnOnce() -> Tensor,
    ) -> Result<ValueId, ImportError> {
        self.budget.take_elements(elements as u64).map_err(|exceeded| too_large(node, exceeded))?;
        Ok(self.graph.add_constant(format!("{}~{label}", node.name()), make()))
    }

    fn shape(&self, id: ValueId) -> &[Extent] {
        &self.graph.value(id).shape
    }

    fn element_type(&self, id: ValueId) -> ElementType {
        self.graph.value(id).element_type
    }

    fn scalar(&mut self, node: &Node<'_>, value: f32) -> ValueId {
        self.graph.add_constant(format!("{}~scalar", node.name()), Tensor::floats(&[], vec![value]))
    }

    /// An extent for a length that is known up to symbols.
    fn extent(&self, node: &Node<'_>, size: &Size) -> Result<Extent, ImportError> {
        size.extent().ok_or_else(|| {
            let symbols: Vec<&str> =
                size.symbols.iter().map(|&symbol| self.graph.symbols[usize::from(symbol)].name.as_str()).collect();
            let reason = format!("an axis of the result has length {} * {}", size.coefficient, symbols.join(" * "));
            node.shape_error(reason)
        })
    }
}

/// Too much is computed of constants, at this node.
fn too_large(node: &Node<'_>, exceeded: Exceeded) -> ImportError {
    let Exceeded { what, found, limit } = exceeded;
    ImportError::TooLarge { what: format!("{what}, at node {:?},", node.name()), found, limit }
}
