//! Layers of networks, each one op of the graph or a few.

mod activation;
mod arrange;
mod attention;
mod contract;
mod conv2d;
mod elementwise;
mod embedding;
mod linear;
mod normalization;
mod pool;
mod requantization;
mod window;

pub use activation::Activation;
pub use attention::Attention;
pub use conv2d::Convolution;
pub use elementwise::Addition;
pub use embedding::{Embedding, Rows};
pub use linear::Weights;
pub use normalization::Normalization;
pub use requantization::Requantization;
pub use window::Window;
