//! `assay validator init`: settings in the data folder.

use super::{Folder, Settings};
use crate::commands::write_file;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_validator::config::ValidatorConfig;
use clap::Args;
use serde_json::json;

#[derive(Args, Debug)]
pub(crate) struct Init {
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    settings: Settings,
    /// Most base units of the stake mint that lie in bonds at one time
    #[arg(long)]
    max_bonds: Option<u64>,
    /// Most lamports of fees in one day
    #[arg(long)]
    max_fees: Option<u64>,
    /// Write validator.toml anew although it exists with other settings
    #[arg(long)]
    replace_settings: bool,
}

pub(super) fn init(arguments: Init, output: Output) -> Result<(), CliError> {
    let mut config = ValidatorConfig::default();
    arguments.settings.apply(&mut config);
    if let Some(bonds) = arguments.max_bonds {
        config.budget.max_bonds = bonds;
    }
    if let Some(fees) = arguments.max_fees {
        config.budget.max_fees_lamports_per_day = fees;
        config.budget.max_fees_lamports_per_dispute = config.budget.max_fees_lamports_per_dispute.min(fees);
    }
    config.validate()?;
    let (settings, path) = (config.to_toml()?, arguments.folder.config_path());
    if std::fs::read_to_string(&path).is_ok_and(|present| present != settings) && !arguments.replace_settings {
        let text = format!("{} exists with other settings; edit it, or pass --replace-settings", path.display());
        return Err(CliError::new("A0203", text));
    }
    std::fs::create_dir_all(&arguments.folder.data)
        .map_err(|error| CliError::file("create", &arguments.folder.data, &error))?;
    write_file(&path, settings)?;
    output.result(&json!({ "config": path, "mode": config.mode }), || {
        let about =
            fields([("settings", path.display().to_string()), ("mode", format!("{:?}", config.mode).to_lowercase())]);
        format!("{about}\n\nnext: assay validator run; its keypair needs lamports for fees and stake tokens for bonds")
    })
}
