//! A market of processes on this machine: a localnet and nodes, each a child that runs this very program.

mod launch;
mod processes;

pub(crate) use launch::{Launch, NodeInfo, has_adapter, start_localnet, start_node};
pub(crate) use processes::Processes;
