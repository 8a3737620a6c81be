//! One module a command.

pub(crate) mod app;
pub(crate) mod app_tests;
pub(crate) mod bench;
pub(crate) mod build;
pub(crate) mod demo;
pub(crate) mod fuzz;
pub(crate) mod idl;
pub(crate) mod lint;
pub(crate) mod program_toolchain;
pub(crate) mod setup;
pub(crate) mod simulate;
pub(crate) mod test;
pub(crate) mod wasm;
