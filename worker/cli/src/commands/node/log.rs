//! `assay node log`: the filter of a running node's log, asked of it through its control socket.

use super::Folder;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_telemetry::control::{Request, ask};

pub(super) async fn log(folder: &Folder, filter: Option<&str>, output: Output) -> Result<(), CliError> {
    let request = Request::Log { filter: filter.map(str::to_owned) };
    let answer = ask(&folder.data, &request).await?;
    output.result(&answer, || {
        let of = |name: &str| answer[name].as_str().unwrap_or("-").to_owned();
        match filter {
            Some(_) => fields([("filter", of("filter")), ("before", of("before"))]),
            None => fields([("filter", of("filter"))]),
        }
    })
}
