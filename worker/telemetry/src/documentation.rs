//! `METRICS.md` from the contract.

use crate::contract::{Contract, Metric, Service};

/// The page of documentation.
pub fn markdown(contract: &Contract) -> String {
    let mut text = String::from(
        "# Metrics\n\nMade from `metrics.toml`; `ASSAY_WRITE_METRICS=1 cargo test -p assay-telemetry documentation` writes it anew.\n\n\
         Every service serves its own at `/metrics` (and `/v1/metrics`) of its status address, in the text form 0.0.4 of Prometheus. \
         A metric with a star has no value at times and is not served then. Counters without labels, and those of jobs by their code, \
         come from the journal and go on after a restart; the others begin at 0 with the process.\n",
    );
    for (service, command) in [(Service::Node, "assay node run"), (Service::Validator, "assay validator run")] {
        text.push_str(&format!(
            "\n## `{command}`\n\n| metric | kind | unit | meaning | tell somebody |\n|---|---|---|---|---|\n"
        ));
        for metric in contract.of(service) {
            text.push_str(&row(metric));
        }
    }
    text
}

fn row(metric: &Metric) -> String {
    let labels = if metric.labels.is_empty() { String::new() } else { format!("{{{}}}", metric.labels.join(", ")) };
    let star = if metric.sometimes { " *" } else { "" };
    let alert = metric.alert.as_deref().unwrap_or("");
    let (name, kind, unit, meaning) = (&metric.name, metric.kind.name(), &metric.unit, &metric.meaning);
    format!("| `{name}{labels}`{star} | {kind} | {unit} | {meaning} | {alert} |\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_is_that_of_the_contract() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/METRICS.md");
        let wanted = markdown(&Contract::of_this_version().unwrap());
        if std::env::var_os("ASSAY_WRITE_METRICS").is_some() {
            std::fs::write(path, &wanted).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == wanted, "METRICS.md is not that of metrics.toml: ASSAY_WRITE_METRICS=1 writes it anew");
    }
}
