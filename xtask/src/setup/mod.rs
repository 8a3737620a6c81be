//! What building needs from the machine, and installing it.

pub(crate) mod debian;
pub(crate) mod models;

pub(crate) mod sbf_toolchain;
pub(crate) mod tools;
pub(crate) mod wasm_toolchain;
