//! A market of processes on this machine: a localnet and nodes, each a child that runs this very program.

mod launch;
mod processes;

pub(crate) use launch::{
    Launch, NodeInfo, ValidatorInfo, has_adapter, settled, start_localnet, start_node, start_validator,
};
pub(crate) use processes::Processes;
