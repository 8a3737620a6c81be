//! The original model in the `rten` executor: what an imported graph is compared with. It is never part of what a node
//! computes for a job.

use crate::error::ImportError;
use crate::float::{Tensor, TensorData};
use crate::onnx::ModelProto;
use crate::onnx::proto::{AttributeProto, NodeProto, attribute_type};
use prost::Message;
use rten::{DataType, Model, ModelOptions, NodeId, Value, ValueOrView, ValueType};
use rten_tensor::prelude::*;

/// A model, ready to run.
pub struct Reference {
    model: Model,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
}

impl Reference {
    /// Loads a model as it is, without optimising: values keep their names.
    ///
    /// # Errors
    /// [`ImportError::Reference`].
    pub fn load(proto: &ModelProto) -> Result<Self, ImportError> {
        let bytes = if is_explicit(proto) { proto.encode_to_vec() } else { explicit(proto.clone()).encode_to_vec() };
        let refuse = |reason: String| ImportError::Reference { reason };
        let mut options = ModelOptions::with_all_ops();
        options.enable_optimization(false);
        let model = options.load(bytes).map_err(|error| refuse(error.to_string()))?;
        let graph = proto.graph.as_ref().ok_or_else(|| refuse(String::from("there is no graph")))?;
        let constants: Vec<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        let id = |name: &str| model.node_id(name).map_err(|error| refuse(error.to_string()));
        let inputs = graph.input.iter().filter(|input| !constants.contains(&input.name.as_str()));
        let inputs = inputs.map(|input| id(&input.name)).collect::<Result<_, _>>()?;
        let outputs = graph.output.iter().map(|output| id(&output.name)).collect::<Result<_, _>>()?;
        Ok(Self { model, inputs, outputs })
    }

    /// Gives the model's outputs for one tensor for each of its inputs, in their order.
    ///
    /// # Errors
    /// [`ImportError::Reference`].
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, ImportError> {
        self.run_to(inputs, &self.outputs)
    }

    /// Gives values by their names in the model.
    ///
    /// # Errors
    /// [`ImportError::Reference`].
    pub fn run_named(&self, inputs: &[Tensor], names: &[&str]) -> Result<Vec<Tensor>, ImportError> {
        let refuse = |reason: String| ImportError::Reference { reason };
        let ids = names.iter().map(|name| self.model.node_id(name).map_err(|error| refuse(error.to_string())));
        self.run_to(inputs, &ids.collect::<Result<Vec<_>, _>>()?)
    }

    fn run_to(&self, inputs: &[Tensor], outputs: &[NodeId]) -> Result<Vec<Tensor>, ImportError> {
        let refuse = |reason: String| ImportError::Reference { reason };
        let given: Vec<(NodeId, ValueOrView<'_>)> = self
            .inputs
            .iter()
            .zip(inputs)
            .map(|(&id, tensor)| Ok((id, self.value(id, tensor)?.into())))
            .collect::<Result<_, ImportError>>()?;
        let values = self.model.run(given, outputs, None).map_err(|error| refuse(error.to_string()))?;
        values.into_iter().map(|value| tensor(value).map_err(refuse)).collect()
    }

    fn value(&self, id: NodeId, tensor: &Tensor) -> Result<Value, ImportError> {
        let refuse = |reason: String| ImportError::Reference { reason };
        let wanted = self.model.node_info(id).and_then(|info| info.dtype());
        let shape = tensor.shape.as_slice();
        Ok(match (&tensor.data, wanted) {
            (TensorData::Floats(values), _) => rten_tensor::Tensor::from_data(shape, values.clone()).into(),
            (TensorData::Integers(values), Some(ValueType::Tensor(DataType::UInt8))) => {
                rten_tensor::Tensor::from_data(shape, values.iter().map(|&value| value as u8).collect::<Vec<_>>())
                    .into()
            }
            (TensorData::Integers(values), Some(ValueType::Tensor(DataType::Int8))) => {
                rten_tensor::Tensor::from_data(shape, values.iter().map(|&value| value as i8).collect::<Vec<_>>())
                    .into()
            }
            (TensorData::Integers(_), Some(ValueType::Tensor(DataType::Float))) => {
                return Err(refuse(String::from("integers were given for floats")));
            }
            (TensorData::Integers(values), _) => {
                rten_tensor::Tensor::from_data(shape, values.iter().map(|&value| value as i32).collect::<Vec<_>>())
                    .into()
            }
        })
    }
}

/// The settings of a convolution or pool that a file may leave out and the executor wants, with the number of values for
/// each axis of positions.
const WINDOW_SETTINGS: [(&str, usize, i64); 3] = [("strides", 1, 1), ("dilations", 1, 1), ("pads", 2, 0)];

/// How many axes of positions a node has whose settings must be written out.
fn window_axes(proto: &ModelProto, node: &NodeProto) -> Option<usize> {
    if !matches!(node.op_type.as_str(), "Conv" | "ConvTranspose" | "MaxPool" | "AveragePool") {
        return None;
    }
    if let Some(kernel) = node.attribute.iter().find(|attribute| attribute.name == "kernel_shape") {
        return Some(kernel.ints.len());
    }
    let weight = node.input.get(1)?;
    let weight = proto.graph.as_ref()?.initializer.iter().find(|tensor| tensor.name == *weight)?;
    weight.dims.len().checked_sub(2)
}

fn missing_settings(node: &NodeProto) -> Vec<(&'static str, usize, i64)> {
    let given = |name: &str| node.attribute.iter().any(|attribute| attribute.name == name);
    let automatic = given("auto_pad");
    let wanted = |name: &str| match node.op_type.as_str() {
        "Conv" | "ConvTranspose" => name != "pads" || !automatic,
        _ => name == "strides" || (name == "pads" && !automatic),
    };
    WINDOW_SETTINGS.into_iter().filter(|(name, ..)| wanted(name) && !given(name)).collect()
}

fn is_explicit(proto: &ModelProto) -> bool {
    let nodes = proto.graph.iter().flat_map(|graph| &graph.node);
    nodes.into_iter().all(|node| window_axes(proto, node).is_none() || missing_settings(node).is_empty())
}

/// The same model with the settings of windows written out.
fn explicit(mut proto: ModelProto) -> ModelProto {
    let nodes = proto.graph.iter().flat_map(|graph| &graph.node);
    let axes: Vec<Option<usize>> = nodes.map(|node| window_axes(&proto, node)).collect();
    let nodes = proto.graph.iter_mut().flat_map(|graph| &mut graph.node);
    for (node, axes) in nodes.zip(axes) {
        let Some(axes) = axes else { continue };
        for (name, times, value) in missing_settings(node) {
            node.attribute.push(AttributeProto {
                name: name.to_owned(),
                ints: vec![value; times * axes],
                r#type: attribute_type::INTS,
                ..Default::default()
            });
        }
    }
    proto
}

fn tensor(value: Value) -> Result<Tensor, String> {
    Ok(match value {
        Value::FloatTensor(tensor) => Tensor::floats(tensor.shape(), tensor.to_vec()),
        Value::Int32Tensor(tensor) => {
            Tensor::integers(tensor.shape(), tensor.to_vec().into_iter().map(i64::from).collect())
        }
        Value::UInt8Tensor(tensor) => {
            Tensor::integers(tensor.shape(), tensor.to_vec().into_iter().map(i64::from).collect())
        }
        Value::Int8Tensor(tensor) => {
            Tensor::integers(tensor.shape(), tensor.to_vec().into_iter().map(i64::from).collect())
        }
        _ => return Err(String::from("an output is a sequence")),
    })
}

/// The greatest difference between the elements of two tensors of floats of one shape, and the greatest magnitude of the
/// second: how well two executors agree.
pub fn difference(found: &Tensor, expected: &Tensor) -> Option<(f32, f32)> {
    let (found_values, expected_values) = (found.as_floats()?, expected.as_floats()?);
    if found.shape != expected.shape {
        return None;
    }
    let pairs = found_values.iter().zip(expected_values);
    Some(pairs.fold((0.0, 0.0), |(gap, most), (x, y)| {
        let distance = (x - y).abs();
        // what is not a number is as far away as can be
        (if distance.is_nan() { f32::INFINITY } else { distance.max(gap) }, y.abs().max(most))
    }))
}
