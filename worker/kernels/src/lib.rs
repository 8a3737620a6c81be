//! Kernels: how a node computes a graph, and how it hashes what it computed.
//!
//! A [`Backend`] loads a checked graph with its params and gives a [`Model`] that runs inputs. Every backend equals
//! the scalar reference of `referee` bit for bit, on every op, shape and extreme value.

pub mod audit;
mod backend;
pub mod commit;
pub mod conformance;
mod cpu;
#[cfg(debug_assertions)]
mod doom;
mod wgpu;

pub use self::wgpu::{AdapterInfo, AdapterKind, Strategy, WgpuBackend, WgpuOptions};
pub use backend::{Backend, Execution, Keep, KernelError, Model, TensorSet};
pub use cpu::{CpuBackend, CpuOptions, Isa};
