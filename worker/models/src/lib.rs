//! Models: how graphs are built, the files that they and their tensors travel in, and the models that come with Assay.
//!
//! * [`builder`]: from tensors, programs and layers to a checked graph with its params;
//! * [`cut`](mod@cut): which graphs can be cut into parts along a symbol, and what each part gets;
//! * [`artifact`]: the file format of params and inputs;
//! * [`manifest`]: the list of a result's tensors;
//! * [`digits`]: a convolutional network for handwritten digits, with its data set;
//! * [`encoder`]: transformer encoders of any size with made-up weights, for benchmarks and tests;
//! * [`mlp`]: small networks of any size with made-up weights, for tests.

pub mod artifact;
pub mod builder;
pub mod cut;
pub mod digits;
pub mod encoder;
pub mod manifest;
pub mod mlp;

use referee::graph::Slot;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Values of tensors by slot: row-major, little endian, without padding.
pub type TensorSet = BTreeMap<Slot, Arc<[u8]>>;
