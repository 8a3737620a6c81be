//! A safetensors file.

use crate::error::ImportError;
use crate::float::Tensor;
use crate::onnx::proto::{TensorProto, data_type};
use crate::onnx::tensor_from_proto;
use safetensors::{Dtype, SafeTensors};

/// The tensors of a file, by name.
pub struct Weights<'a> {
    file: SafeTensors<'a>,
}

impl<'a> Weights<'a> {
    /// Reads a file's header; the tensors stay where they are.
    ///
    /// # Errors
    /// [`ImportError::Safetensors`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ImportError> {
        let file =
            SafeTensors::deserialize(bytes).map_err(|error| ImportError::Safetensors { reason: error.to_string() })?;
        Ok(Self { file })
    }

    /// A tensor of floats of a shape.
    ///
    /// # Errors
    /// [`ImportError::MissingTensor`] with what there is instead.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ImportError> {
        let missing =
            |found: String| ImportError::MissingTensor { name: name.to_owned(), shape: shape.to_vec(), found };
        let view = self.file.tensor(name).map_err(|_| missing(self.likely(name)))?;
        if view.shape() != shape {
            return Err(missing(format!("its shape there is {:?}", view.shape())));
        }
        let data_type = match view.dtype() {
            Dtype::F32 => data_type::FLOAT,
            Dtype::F16 => data_type::FLOAT16,
            Dtype::BF16 => data_type::BFLOAT16,
            Dtype::F64 => data_type::DOUBLE,
            other => return Err(missing(format!("its elements there are {other:?}"))),
        };
        tensor_from_proto(&TensorProto {
            dims: shape.iter().map(|&length| length as i64).collect(),
            data_type,
            name: name.to_owned(),
            raw_data: Some(view.data().to_vec()),
            ..Default::default()
        })
    }

    /// The length of a tensor's first axis.
    ///
    /// # Errors
    /// [`ImportError::MissingTensor`].
    pub fn rows(&self, name: &str) -> Result<usize, ImportError> {
        let missing =
            || ImportError::MissingTensor { name: name.to_owned(), shape: Vec::new(), found: self.likely(name) };
        let view = self.file.tensor(name).map_err(|_| missing())?;
        view.shape().first().copied().ok_or_else(missing)
    }

    /// Names that may have been meant: those that end alike.
    fn likely(&self, name: &str) -> String {
        let end = name.rsplit('.').take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(".");
        let mut names = self.file.names();
        names.sort_unstable();
        let alike: Vec<&str> = names.iter().copied().filter(|other| other.ends_with(&end)).take(4).collect();
        if alike.is_empty() {
            format!("it has {} tensors, the first is {:?}", names.len(), names.first().copied().unwrap_or(""))
        } else {
            format!("it has {}", alike.join(", "))
        }
    }
}
