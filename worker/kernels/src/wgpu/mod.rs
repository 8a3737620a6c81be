//! The wgpu backend: kernels generated in WGSL, run on Vulkan, Metal or DirectX 12.
//!
//! * `codegen`: one integer-only compute module for each op, a pure function of the resolved graph;
//! * `plan`: which ops run and which tensors share a buffer, pure too;
//! * `adapter`, `device`: adapters, the opened device, its pipelines and its errors;
//! * `model`, `readback`, `backend`: what implements [`Model`](crate::Model) and [`Backend`](crate::Backend).
//!
//! OpenGL is never used: its drivers divide wrongly. Every adapter must pass the conformance vectors when it is opened.

mod adapter;
mod backend;
mod codegen;
mod device;
mod model;
mod plan;
mod readback;
#[cfg(test)]
mod tests;

pub use adapter::{AdapterInfo, AdapterKind};
pub use backend::{WgpuBackend, WgpuOptions};
pub use codegen::Strategy;
