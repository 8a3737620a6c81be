//! ONNX files: the messages, and their reading with bounds.

pub mod builder;
pub mod proto;
mod read;

pub use proto::ModelProto;
pub(crate) use read::{element_type, opset};
pub use read::{parse, tensor_from_proto};
