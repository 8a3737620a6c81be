//! Layers of networks, each one op of the graph.

mod contract;
mod conv2d;
mod elementwise;
mod linear;
mod pool;
mod requantization;
mod window;

pub use conv2d::Convolution;
pub use elementwise::Addition;
pub use linear::Weights;
pub use requantization::Requantization;
pub use window::Window;
