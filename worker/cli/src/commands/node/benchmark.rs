//! `assay node benchmark`: measures the machine, and what the node may promise in its profile.

use super::{Backend, Folder, whole_number};
use crate::error::CliError;
use crate::output::{Output, fields};
use assay::state::Profile;
use assay_node::benchmark::{PROMISED_DIVISOR, benchmark};
use assay_node::config::with_value;
use clap::Args;
use serde_json::json;

#[derive(Args, Debug)]
pub(crate) struct Benchmark {
    /// Which backend is measured [default: as in node.toml]
    #[arg(long, value_enum)]
    backend: Option<Backend>,
    /// Write the promise into node.toml; a running node declares it on-chain after its restart, signed by its operator
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    folder: Folder,
}

pub(super) fn run(arguments: &Benchmark, output: Output) -> Result<(), CliError> {
    let mut measured_with = arguments.folder.config()?;
    if let Some(backend) = arguments.backend {
        measured_with.backend = backend.into();
    }
    let measured = benchmark(&measured_with)?;
    let promised = measured.promised_units_per_slot();
    let tier = Profile { units_per_slot: promised, ..Profile::default() }.tier();
    if arguments.write {
        let path = arguments.folder.config_path();
        let text = std::fs::read_to_string(&path).map_err(|error| CliError::file("read", &path, &error))?;
        let text = with_value(&path, &text, "profile.units_per_slot", &whole_number(promised).into())?;
        std::fs::write(&path, text).map_err(|error| {
            CliError::new("A0209", format!("{} cannot be written: {error}; check its permissions", path.display()))
        })?;
    }
    let value = json!({
        "backend": measured.backend,
        "device": measured.device,
        "runs": measured.runs,
        "units_per_second": measured.units_per_second(),
        "promised_units_per_slot": promised,
        "tier": tier,
        "written": arguments.write,
    });
    output.result(&value, || {
        fields([
            ("backend", format!("{}: {}", measured.backend, measured.device)),
            ("units per second", measured.units_per_second().to_string()),
            ("promise per slot", format!("{promised}: 1/{PROMISED_DIVISOR} of the slowest of {} runs", measured.runs)),
            ("tier", tier.to_string()),
            (
                "node.toml",
                match arguments.write {
                    true => "written; the node declares it when it starts".to_owned(),
                    false => "unchanged; --write puts it there".to_owned(),
                },
            ),
        ])
    })
}
