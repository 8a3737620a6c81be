//! `assay dispute`: what is disputed on-chain, and moves by hand.

mod moves;
mod show;

use crate::context::ChainArguments;
use crate::error::CliError;
use crate::output::Output;
use clap::{Subcommand, ValueEnum};
use solana_sdk::pubkey::Pubkey;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Challenges on-chain
    List {
        /// Only of this job
        #[arg(long)]
        job: Option<Pubkey>,
        /// Only by this key
        #[arg(long)]
        challenger: Option<Pubkey>,
    },
    /// Everything about the dispute of one job: challenges, clocks, segment roots, demands
    Show {
        /// Address of the job
        job: Pubkey,
    },
    /// Commit a sealed challenge of a job under a bond, by hand
    ///
    /// What is claimed, and the salt, are written to a file: without it nobody can reveal the challenge.
    Open {
        /// Address of the job
        job: Pubkey,
        /// The boundary tensor that is wrong, by its position in the boundary tree
        #[arg(long, conflicts_with = "segment", required_unless_present = "segment")]
        boundary: Option<u16>,
        /// The segment whose signed inside is wrong
        #[arg(long)]
        segment: Option<u16>,
        /// The own hash there, 64 hexadecimal digits
        #[arg(long)]
        own_hash: String,
        /// Where the claim and its salt are written
        #[arg(long)]
        claim: PathBuf,
    },
    /// Make one move; it is checked against every rule before a fee is paid
    Move {
        /// Address of the job
        job: Pubkey,
        /// Which move
        #[arg(value_enum)]
        what: What,
        /// The claim that `open` wrote [for: reveal]
        #[arg(long)]
        claim: Option<PathBuf>,
        /// The challenge that it is about [default: the own one]
        #[arg(long)]
        challenge: Option<Pubkey>,
        /// Say whether the move is legal, and send nothing
        #[arg(long)]
        check: bool,
    },
    /// Share the bounty out, and close everything of this key that can be closed
    Settle {
        /// Address of the job
        job: Pubkey,
    },
}

/// A move that a person can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// Reveal the own challenge
    Reveal,
    /// Give the own challenge up
    Withdraw,
    /// End a challenge after a conviction through another one
    Resolve,
    /// End a challenge whose time is over
    TimeOutChallenger,
    /// End the wait for an answer that did not come in time
    TimeOutDefender,
    /// Pay an ended challenge out and remove it
    Close,
    /// Burn what was slashed or lost
    Burn,
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    let context = chain.connected().await?;
    match command {
        Command::List { job, challenger } => show::list(&context, job, challenger, output).await,
        Command::Show { job } => show::show(&context, &job, output).await,
        Command::Open { job, boundary, segment, own_hash, claim } => {
            moves::open(&context, &job, boundary, segment, &own_hash, &claim, output).await
        }
        Command::Move { job, what, claim, challenge, check } => {
            moves::make(&context, &job, what, claim.as_deref(), challenge, check, output).await
        }
        Command::Settle { job } => moves::settle(&context, &job, output).await,
    }
}
