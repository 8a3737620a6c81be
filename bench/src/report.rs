//! Tables for people, one JSON object for machines.

use serde_json::{Map, Value, json};
use std::path::Path;

/// What was measured so far.
pub(crate) struct Report {
    tables: bool,
    values: Map<String, Value>,
}

impl Report {
    /// An empty report; `tables` prints while measuring.
    pub(crate) fn new(tables: bool) -> Self {
        Self { tables, values: Map::new() }
    }

    /// A line for people.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if self.tables {
            println!("{}", text.as_ref());
        }
    }

    /// A heading with the columns below.
    pub(crate) fn heading(&self, title: &str, columns: &str) {
        self.line(format!("\n{title}\n{columns}"));
    }

    /// Sets a member of the JSON object.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        self.values.insert(key.into(), value);
    }

    /// What it runs on.
    pub(crate) fn machine(&mut self) {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let model = processor();
        let isa = assay_kernels::Isa::detect();
        self.line(format!("{model}, {threads} threads, best instruction set {isa}"));
        self.set("machine", json!({ "processor": model, "threads": threads, "isa": isa.name() }));
    }

    /// Merges the objects of a file, one a line: later members replace earlier ones of the same name.
    pub(crate) fn merge(&mut self, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let value: Value = serde_json::from_str(line)
                .map_err(|error| format!("{}, line {}: {error}", file.display(), index + 1))?;
            let Value::Object(members) = value else {
                return Err(format!("{}, line {}: not a JSON object", file.display(), index + 1).into());
            };
            self.values.extend(members);
        }
        Ok(())
    }

    /// The whole report on one line.
    pub(crate) fn into_json(self) -> Value {
        Value::Object(self.values)
    }
}

/// The processor's name, where the system tells it.
fn processor() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.trim().into())
}

/// Rounds for the report.
pub(crate) fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}
