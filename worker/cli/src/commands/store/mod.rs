//! `assay store`: serve artifacts; put, get, list, check and remove them, in a folder or in somebody else's store.

mod artifacts;
mod gc;
mod place;
pub(crate) mod remote;
mod serve;

use crate::context::ChainArguments;
use crate::error::CliError;
use crate::output::Output;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a folder of artifacts over HTTP until Ctrl-C
    Serve(serve::Serve),
    /// Put files, each an artifact, into the folder and from there into --remote
    Put(artifacts::Put),
    /// Write an artifact to a file, fetched from --remote or from a URL if the folder has it not
    Get(artifacts::Get),
    /// Artifacts with their lengths and ages
    List(place::Place),
    /// Read every artifact and check its hash; the exit status is 1 if one is not what its name says
    Check(place::Place),
    /// Remove artifacts that are old and that no job or session on-chain names; while nothing is being posted out of the same store
    Gc(gc::Gc),
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    match command {
        Command::Serve(arguments) => serve::serve(arguments, output).await,
        Command::Put(arguments) => artifacts::put(arguments, output).await,
        Command::Get(arguments) => artifacts::get(arguments, output).await,
        Command::List(place) => artifacts::list(place, output).await,
        Command::Check(place) => artifacts::check(place, output).await,
        Command::Gc(arguments) => gc::gc(arguments, chain, output).await,
    }
}
