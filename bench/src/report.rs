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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that is removed at the end of the test.
    struct Temporary(std::path::PathBuf);

    impl Temporary {
        fn new(name: &str, text: &str) -> Self {
            let path = std::env::temp_dir().join(format!("assay-bench-{}-{name}", std::process::id()));
            std::fs::write(&path, text).unwrap();
            Self(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            std::fs::remove_file(&self.0).ok();
        }
    }

    #[test]
    fn merged_members_join_and_replace() {
        let file = Temporary::new("good", "{\"claim_cu\": 6000, \"a\": 1}\n\n{\"a\": 2}\n");
        let mut report = Report::new(false);
        report.set("a", json!(0));
        report.set("b", json!(3));
        report.merge(&file.0).unwrap();
        assert_eq!(report.into_json(), json!({ "a": 2, "b": 3, "claim_cu": 6000 }));
    }

    #[test]
    fn a_file_that_is_not_objects_is_refused_with_its_line() {
        for (text, line) in [("{}\n[1]\n", "line 2"), ("{\"a\":", "line 1")] {
            let file = Temporary::new("bad", text);
            let error = Report::new(false).merge(&file.0).unwrap_err().to_string();
            assert!(error.contains(line), "{error}");
        }
        assert!(Report::new(false).merge(Path::new("no such file")).is_err());
    }
}
