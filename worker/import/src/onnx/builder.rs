//! Writing a model in memory.

use super::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, attribute_type, data_type,
};
use crate::float::{Tensor, TensorData};

/// The length of an axis of an input: a number, or the name of a symbol.
#[derive(Debug, Clone, Copy)]
pub enum Length<'a> {
    /// Always the same.
    Known(u32),
    /// Chosen by who runs the model.
    Symbol(&'a str),
}

/// A setting of a node.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names are those of the format's types")]
pub enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Text(&'static str),
    Tensor(Tensor),
}

/// A model that is being written.
#[derive(Debug, Clone)]
pub struct ModelBuilder {
    graph: GraphProto,
    opset: i64,
    names: usize,
}

impl ModelBuilder {
    /// A model without nodes, of an opset of `ai.onnx`.
    pub fn new(opset: i64) -> Self {
        Self { graph: GraphProto { name: String::from("model"), ..Default::default() }, opset, names: 0 }
    }

    /// Declares an input of floats (`data_type::FLOAT`) or of another type of [`super::proto::data_type`].
    pub fn input(&mut self, name: &str, element_type: i32, shape: &[Length<'_>]) -> String {
        self.graph.input.push(value_info(name, element_type, shape));
        name.to_owned()
    }

    /// Adds a constant; integers have 64 bits.
    pub fn constant(&mut self, tensor: &Tensor) -> String {
        let name = self.fresh("constant");
        self.graph.initializer.push(tensor_to_proto(&name, tensor));
        name
    }

    /// Adds a constant with a name and a type of its own, such as integers of 8 bits.
    pub fn raw_constant(&mut self, proto: TensorProto) -> String {
        let name = proto.name.clone();
        self.graph.initializer.push(proto);
        name
    }

    /// Adds a constant list of integers.
    pub fn integers(&mut self, values: &[i64]) -> String {
        self.constant(&Tensor::integers(&[values.len()], values.to_vec()))
    }

    /// Adds a constant number.
    pub fn number(&mut self, value: f32) -> String {
        self.constant(&Tensor::floats(&[], vec![value]))
    }

    /// Adds a node with one output.
    pub fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String {
        self.nodes(operator, inputs, attributes, 1).remove(0)
    }

    /// Adds a node with several outputs.
    pub fn nodes(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute)],
        outputs: usize,
    ) -> Vec<String> {
        let output: Vec<String> = (0..outputs).map(|_| self.fresh(operator)).collect();
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: output.clone(),
            name: format!("{operator}/{}", output[0]),
            op_type: operator.to_owned(),
            attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
            domain: String::new(),
        });
        output
    }

    /// Declares a value as an output.
    pub fn output(&mut self, name: &str) {
        self.graph.output.push(ValueInfoProto { name: name.to_owned(), r#type: None });
    }

    /// The model.
    pub fn finish(self) -> ModelProto {
        ModelProto {
            ir_version: 8,
            producer_name: String::from("assay"),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: self.opset }],
            functions: Vec::new(),
        }
    }

    fn fresh(&mut self, label: &str) -> String {
        self.names += 1;
        format!("{label}_{}", self.names)
    }
}

fn value_info(name: &str, element_type: i32, shape: &[Length<'_>]) -> ValueInfoProto {
    let dim = |length: &Length<'_>| match length {
        Length::Known(length) => DimensionProto { dim_value: Some(i64::from(*length)), dim_param: None },
        Length::Symbol(name) => DimensionProto { dim_value: None, dim_param: Some((*name).to_owned()) },
    };
    let shape = TensorShapeProto { dim: shape.iter().map(dim).collect() };
    let tensor_type = Some(TensorTypeProto { elem_type: element_type, shape: Some(shape) });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }) }
}

/// A constant as the format stores it: floats of 32 bits, integers of 64.
pub fn tensor_to_proto(name: &str, tensor: &Tensor) -> TensorProto {
    let (data_type, raw_data): (i32, Vec<u8>) = match &tensor.data {
        TensorData::Floats(values) => (data_type::FLOAT, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        TensorData::Integers(values) => {
            (data_type::INT64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
        }
    };
    TensorProto {
        dims: tensor.shape.iter().map(|&length| length as i64).collect(),
        data_type,
        name: name.to_owned(),
        raw_data: Some(raw_data),
        ..Default::default()
    }
}

fn attribute(name: &str, value: &Attribute) -> AttributeProto {
    let mut proto = AttributeProto { name: name.to_owned(), ..Default::default() };
    match value {
        Attribute::Int(value) => (proto.i, proto.r#type) = (Some(*value), attribute_type::INT),
        Attribute::Ints(values) => (proto.ints, proto.r#type) = (values.clone(), attribute_type::INTS),
        Attribute::Float(value) => (proto.f, proto.r#type) = (Some(*value), attribute_type::FLOAT),
        Attribute::Text(text) => (proto.s, proto.r#type) = (Some(text.as_bytes().to_vec()), attribute_type::STRING),
        Attribute::Tensor(tensor) => {
            (proto.t, proto.r#type) = (Some(tensor_to_proto(name, tensor)), attribute_type::TENSOR);
        }
    }
    proto
}
