//! `assay validator`: replay results, challenge wrong ones, answer openings, be paid for audits.

mod check;
mod init;
mod run;
mod stake;
mod status;

use crate::commands::log;
use crate::context::ChainArguments;
use crate::error::{CliError, ExitStatus};
use crate::log::Log;
use crate::output::Output;
use assay_validator::config::{Mode, ValidatorConfig};
use clap::{Args, Subcommand, ValueEnum};
use solana_sdk::pubkey::Pubkey;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write settings into the data folder
    Init(init::Init),
    /// Replay jobs, challenge wrong results and see every dispute to its end, until Ctrl-C or SIGTERM
    ///
    /// The keypair of -k pays fees and bonds and receives bonds and bounties. Without settings in the data folder the
    /// defaults apply; options given here go before both.
    Run(run::Run),
    /// Replay one job and say whether its result is right; needs no key
    Check(check::Check),
    /// Register a validator account for paid audits; the keypair of -k becomes its authority
    Register {
        /// The key that `assay validator run` runs with [default: that of -k]
        #[arg(long)]
        auditor: Option<Pubkey>,
    },
    /// Add stake to the validator account, in base units of the stake mint
    Stake {
        /// How much, in base units
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        amount: u64,
    },
    /// Request the withdrawal of stake of the validator account
    Unstake {
        /// How much, in base units
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        amount: u64,
    },
    /// Withdraw released stake of the validator account
    Withdraw,
    /// What a validator found, challenged and spent
    Status {
        #[command(flatten)]
        folder: Folder,
    },
    /// Show the filter of a running validator's log, or change it until the validator ends
    Log {
        #[command(flatten)]
        folder: Folder,
        /// A filter in the language of tracing, such as warn,assay_validator=debug
        filter: Option<String>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Folder {
    /// Folder of the validator: settings, journal, artifacts
    #[arg(long, default_value = "assay-validator", env = "ASSAY_VALIDATOR_FOLDER")]
    pub(crate) data: PathBuf,
}

/// What a validator does of its own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArgument {
    /// Read only
    Watch,
    /// Replay jobs and challenge what is wrong
    Audit,
    /// The same, and answer demands for openings
    Defend,
}

impl From<ModeArgument> for Mode {
    fn from(mode: ModeArgument) -> Self {
        match mode {
            ModeArgument::Watch => Self::Watch,
            ModeArgument::Audit => Self::Audit,
            ModeArgument::Defend => Self::Defend,
        }
    }
}

/// Settings that may be given on the command line.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// What it does of its own accord [default: as in validator.toml, else audit]
    #[arg(long, value_enum)]
    mode: Option<ModeArgument>,
    /// Address on which status is served
    #[arg(long)]
    status_listen: Option<SocketAddr>,
    /// Fetch artifacts from loopback and private addresses too: on a network of one's own only
    #[arg(long)]
    allow_private: bool,
}

impl Settings {
    fn apply(self, config: &mut ValidatorConfig) {
        if let Some(mode) = self.mode {
            config.mode = mode.into();
        }
        if let Some(address) = self.status_listen {
            config.status_listen = address;
        }
        config.allow_private_addresses |= self.allow_private;
    }
}

impl Folder {
    fn config_path(&self) -> PathBuf {
        self.data.join("validator.toml")
    }

    fn journal_path(&self) -> PathBuf {
        self.data.join("journal.redb")
    }

    /// The settings in the folder, or the defaults where there are none.
    fn config(&self) -> Result<ValidatorConfig, CliError> {
        let path = self.config_path();
        if path.is_file() { Ok(ValidatorConfig::from_file(&path)?) } else { Ok(ValidatorConfig::default()) }
    }
}

pub(crate) async fn run(
    command: Command,
    chain: &ChainArguments,
    log: &Log,
    output: Output,
) -> Result<ExitStatus, CliError> {
    // Needs no chain.
    if let Command::Log { folder, filter } = &command {
        return log::log(&folder.data, filter.as_deref(), output).await.map(|()| ExitStatus::Done);
    }
    let context = chain.context()?;
    match command {
        Command::Init(arguments) => init::init(arguments, output),
        Command::Run(arguments) => return run::run(&context, arguments, log, output).await,
        Command::Check(arguments) => check::check(&context, arguments, output).await,
        Command::Register { auditor } => stake::register(&context, auditor, output).await,
        Command::Stake { amount } => stake::stake(&context, amount, output).await,
        Command::Unstake { amount } => stake::unstake(&context, amount, output).await,
        Command::Withdraw => stake::withdraw(&context, output).await,
        Command::Status { folder } => status::status(&folder, output).await,
        Command::Log { folder, filter } => log::log(&folder.data, filter.as_deref(), output).await,
    }?;
    Ok(ExitStatus::Done)
}
