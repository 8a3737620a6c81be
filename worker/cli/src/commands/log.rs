//! `assay node log` and `assay validator log`: the filter of a running service's log, asked of it through its control socket.

use crate::error::CliError;
use crate::output::{Output, fields};
use assay_telemetry::control::{Request, ask};
use std::path::Path;

/// Asks the service of a data folder for the filter of its log, or to log by another one.
pub(crate) async fn log(data_folder: &Path, filter: Option<&str>, output: Output) -> Result<(), CliError> {
    let request = Request::Log { filter: filter.map(str::to_owned) };
    let answer = ask(data_folder, &request).await?;
    output.result(&answer, || {
        let of = |name: &str| answer[name].as_str().unwrap_or("-").to_owned();
        match filter {
            Some(_) => fields([("filter", of("filter")), ("before", of("before"))]),
            None => fields([("filter", of("filter"))]),
        }
    })
}
