//! What a client needs to turn real inputs into those of a job, and a job's results into numbers.

use super::error::QuantiseError;
use super::scale::{Scale, quantised};
use crate::float::{Tensor, TensorData};
use assay_models::TensorSet;
use referee::graph::{Dtype, Slot};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Version of the description.
pub const IO_VERSION: u32 = 1;

/// The inputs and outputs of an integer model, as written to `io.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Io {
    /// [`IO_VERSION`].
    pub version: u32,
    /// The lengths that a job chooses, in the graph's order.
    pub symbols: Vec<IoSymbol>,
    /// In the order of the source.
    pub inputs: Vec<IoTensor>,
    /// In the order of the source.
    pub outputs: Vec<IoTensor>,
}

/// A length that a job chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IoSymbol {
    /// Its name.
    pub name: String,
    /// The least value.
    pub min: u32,
    /// The greatest value.
    pub max: u32,
}

/// The length of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IoExtent {
    /// Always the same.
    Constant(u32),
    /// The value of a symbol, by its index.
    Symbol(u8),
}

/// An element type, by its name in the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are those of the types")]
pub enum IoDtype {
    I8,
    U8,
    I16,
    I32,
}

/// What the integers of a tensor stand for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum IoScale {
    /// Themselves: row numbers, masks, indices.
    Integers,
    /// Multiples of a step.
    Step(f64),
    /// Multiples of a step for each index of an axis.
    Steps {
        /// The axis.
        axis: usize,
        /// As many as the axis is long.
        steps: Vec<f64>,
    },
}

/// An input or output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IoTensor {
    /// Its name in the source.
    pub name: String,
    /// Its slot in the graph.
    pub slot: Slot,
    /// Its element type.
    pub dtype: IoDtype,
    /// Its axes.
    pub shape: Vec<IoExtent>,
    /// What its integers stand for.
    pub scale: IoScale,
}

impl From<Dtype> for IoDtype {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::I8 => Self::I8,
            Dtype::U8 => Self::U8,
            Dtype::I16 => Self::I16,
            Dtype::I32 => Self::I32,
        }
    }
}

impl From<IoDtype> for Dtype {
    fn from(dtype: IoDtype) -> Self {
        match dtype {
            IoDtype::I8 => Self::I8,
            IoDtype::U8 => Self::U8,
            IoDtype::I16 => Self::I16,
            IoDtype::I32 => Self::I32,
        }
    }
}

impl From<&Scale> for IoScale {
    fn from(scale: &Scale) -> Self {
        match scale {
            Scale::Uniform(step) => Self::Step(*step),
            Scale::Channels { axis, steps } => Self::Steps { axis: *axis, steps: steps.to_vec() },
        }
    }
}

impl IoScale {
    /// The step of an element of a tensor of this shape.
    fn at(&self, shape: &[usize], index: usize) -> f64 {
        match self {
            Self::Integers => 1.0,
            Self::Step(step) => *step,
            Self::Steps { axis, steps } => {
                let inner: usize = shape.iter().skip(axis + 1).product();
                steps.get(index / inner.max(1) % steps.len().max(1)).copied().unwrap_or(1.0)
            }
        }
    }
}

impl Io {
    /// The symbols' values and the inputs of a job, from one tensor for each input.
    ///
    /// # Errors
    /// `I0306` for tensors of other types or shapes than the model takes, and for integers beyond the input's type.
    pub fn encode(&self, inputs: &[Tensor]) -> Result<(Vec<u32>, TensorSet), QuantiseError> {
        if inputs.len() != self.inputs.len() {
            let reason = format!("{} tensors were given, the model takes {}", inputs.len(), self.inputs.len());
            return Err(QuantiseError::Input { input: "all".into(), reason });
        }
        let mut symbols: Vec<Option<u32>> = vec![None; self.symbols.len()];
        let mut set = TensorSet::new();
        for (io, tensor) in self.inputs.iter().zip(inputs) {
            let refuse = |reason: String| QuantiseError::Input { input: io.name.clone(), reason };
            io.bind(&tensor.shape, &mut symbols, &self.symbols).map_err(refuse)?;
            let dtype = Dtype::from(io.dtype);
            let mut bytes = vec![0; tensor.elements() * dtype.bytes() as usize];
            match (&tensor.data, &io.scale) {
                (TensorData::Integers(values), IoScale::Integers) => {
                    for (index, value) in values.iter().enumerate() {
                        if dtype.saturate(*value) != *value {
                            return Err(refuse(format!("{value} at index {index} is beyond {dtype:?}")));
                        }
                        dtype.write(&mut bytes, index, *value);
                    }
                }
                (TensorData::Floats(values), IoScale::Step(_) | IoScale::Steps { .. }) => {
                    for (index, value) in values.iter().enumerate() {
                        if !value.is_finite() {
                            return Err(refuse(format!("{value} at index {index} is no finite number")));
                        }
                        let step = io.scale.at(&tensor.shape, index);
                        dtype.write(&mut bytes, index, quantised(f64::from(*value), step, dtype));
                    }
                }
                (TensorData::Integers(_), _) => return Err(refuse("integers were given, it takes floats".into())),
                (TensorData::Floats(_), _) => return Err(refuse("floats were given, it takes integers".into())),
            }
            set.insert(io.slot, Arc::from(bytes));
        }
        let values = symbols.iter().zip(&self.symbols).map(|(value, symbol)| value.unwrap_or(symbol.min)).collect();
        Ok((values, set))
    }

    /// The outputs of a job as numbers, in the order of the model's outputs.
    ///
    /// # Errors
    /// `I0307` for an output that is missing or of another length than these symbols give it.
    pub fn decode(&self, symbols: &[u32], outputs: &TensorSet) -> Result<Vec<Tensor>, QuantiseError> {
        self.outputs
            .iter()
            .map(|io| {
                let bytes = outputs.get(&io.slot).ok_or_else(|| QuantiseError::Output {
                    output: io.name.clone(),
                    reason: format!("slot {} is missing", io.slot),
                })?;
                io.decode(symbols, bytes)
            })
            .collect()
    }
}

impl IoTensor {
    /// The lengths at these symbol values.
    pub fn lengths(&self, symbols: &[u32]) -> Vec<usize> {
        let length = |extent: &IoExtent| match extent {
            IoExtent::Constant(length) => *length as usize,
            IoExtent::Symbol(symbol) => symbols.get(usize::from(*symbol)).copied().unwrap_or(0) as usize,
        };
        self.shape.iter().map(length).collect()
    }

    /// The tensor's bytes as numbers.
    ///
    /// # Errors
    /// `I0307`.
    pub fn decode(&self, symbols: &[u32], bytes: &[u8]) -> Result<Tensor, QuantiseError> {
        let shape = self.lengths(symbols);
        let dtype = Dtype::from(self.dtype);
        let elements = shape.iter().product::<usize>();
        if bytes.len() != elements * dtype.bytes() as usize {
            let reason = format!("{} bytes were given, {elements} elements of {dtype:?} are expected", bytes.len());
            return Err(QuantiseError::Output { output: self.name.clone(), reason });
        }
        let values = (0..elements).map(|index| dtype.read(bytes, index).unwrap_or(0));
        Ok(match self.scale {
            IoScale::Integers => Tensor::integers(&shape, values.collect()),
            IoScale::Step(_) | IoScale::Steps { .. } => {
                let numbers =
                    values.enumerate().map(|(index, value)| (value as f64 * self.scale.at(&shape, index)) as f32);
                Tensor::floats(&shape, numbers.collect())
            }
        })
    }

    /// Finds the symbols' values in a shape.
    fn bind(&self, shape: &[usize], symbols: &mut [Option<u32>], bounds: &[IoSymbol]) -> Result<(), String> {
        if shape.len() != self.shape.len() {
            return Err(format!("it has {} axes, not {}", self.shape.len(), shape.len()));
        }
        for (axis, (extent, length)) in self.shape.iter().zip(shape).enumerate() {
            let length = u32::try_from(*length).map_err(|_| format!("axis {axis} is longer than 32 bits"))?;
            match extent {
                IoExtent::Constant(expected) if *expected == length => {}
                IoExtent::Constant(expected) => {
                    return Err(format!("axis {axis} is of length {expected}, not {length}"));
                }
                IoExtent::Symbol(index) => {
                    let (Some(value), Some(bound)) =
                        (symbols.get_mut(usize::from(*index)), bounds.get(usize::from(*index)))
                    else {
                        return Err(format!("axis {axis} names a symbol that the model does not have"));
                    };
                    if !(bound.min..=bound.max).contains(&length) {
                        let IoSymbol { name, min, max } = bound;
                        return Err(format!("axis {axis} is of length {length}; {name} is {min} to {max}"));
                    }
                    match value {
                        Some(known) if *known != length => {
                            return Err(format!(
                                "axis {axis} is of length {length}, another has {} = {known}",
                                bound.name
                            ));
                        }
                        _ => *value = Some(length),
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io() -> Io {
        let symbols = vec![IoSymbol { name: "batch".into(), min: 1, max: 4 }];
        let tensor = |name: &str, slot, dtype, scale| IoTensor {
            name: name.into(),
            slot,
            dtype,
            shape: vec![IoExtent::Symbol(0), IoExtent::Constant(3)],
            scale,
        };
        Io {
            version: IO_VERSION,
            symbols,
            inputs: vec![
                tensor("ids", 0, IoDtype::U8, IoScale::Integers),
                tensor("x", 1, IoDtype::I8, IoScale::Steps { axis: 1, steps: vec![0.5, 1.0, 2.0] }),
            ],
            outputs: vec![tensor("y", 7, IoDtype::I16, IoScale::Step(0.25))],
        }
    }

    #[test]
    fn inputs_become_integers_and_outputs_numbers() {
        let ids = Tensor::integers(&[2, 3], vec![0, 1, 2, 253, 254, 255]);
        let x = Tensor::floats(&[2, 3], vec![1.0, 1.0, 1.0, -1.0, -1000.0, 5.0]);
        let (symbols, set) = io().encode(&[ids, x]).unwrap();
        assert_eq!(symbols, [2]);
        assert_eq!(set[&0][..], [0, 1, 2, 253, 254, 255]);
        assert_eq!(set[&1].iter().map(|byte| *byte as i8).collect::<Vec<_>>(), [2, 1, 1, -2, -128, 3]);
        let outputs = TensorSet::from([(7, Arc::from([4u8, 0, 255, 255, 0, 0, 1, 0, 2, 0, 3, 0]))]);
        let decoded = io().decode(&[2], &outputs).unwrap();
        assert_eq!(decoded[0].as_floats().unwrap(), [1.0, -0.25, 0.0, 0.25, 0.5, 0.75]);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let x = Tensor::floats(&[2, 3], vec![0.0; 6]);
        let code = |ids: Tensor, x: &Tensor| io().encode(&[ids, x.clone()]).unwrap_err().to_string();
        assert!(code(Tensor::integers(&[2, 3], vec![256; 6]), &x).starts_with("I0306: input \"ids\": 256"));
        assert!(code(Tensor::integers(&[5, 3], vec![0; 15]), &x).contains("batch is 1 to 4"));
        assert!(code(Tensor::integers(&[1, 3], vec![0; 3]), &x).contains("another has batch = 1"));
        assert!(code(Tensor::floats(&[2, 3], vec![0.0; 6]), &x).contains("it takes integers"));
        let nan = Tensor::floats(&[2, 3], vec![f32::NAN; 6]);
        assert!(code(Tensor::integers(&[2, 3], vec![0; 6]), &nan).contains("no finite number"));
        assert!(io().encode(&[x]).unwrap_err().to_string().contains("1 tensors were given"));
        let short = TensorSet::from([(7, Arc::from([0u8; 10]))]);
        assert_eq!(io().decode(&[2], &short).unwrap_err().code(), "I0307");
        assert_eq!(io().decode(&[2], &TensorSet::new()).unwrap_err().code(), "I0307");
    }

    #[test]
    fn the_description_survives_json() {
        let text = serde_json::to_string(&io()).unwrap();
        assert_eq!(serde_json::from_str::<Io>(&text).unwrap(), io());
    }
}
