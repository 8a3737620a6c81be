//! The command line.

use std::path::PathBuf;

/// How to call it.
pub(crate) const USAGE: &str =
    "usage: assay-bench [--only gemm|tree|commitment|audit|encoder|journal|none]... [--json] [--merge FILE]...
  --only NAME   run this benchmark alone; may be given several times; none runs nothing
  --json        print the line of JSON alone; so does --output json
  --merge FILE  merge the JSON objects of a file, one a line, into the last line";

const NAMES: [&str; 6] = ["gemm", "tree", "commitment", "audit", "encoder", "journal"];

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    only: Vec<String>,
    pub(crate) json_only: bool,
    pub(crate) merge: Vec<PathBuf>,
}

impl Arguments {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--only" => {
                    let name = arguments.next().ok_or("--only needs a name")?;
                    if !NAMES.contains(&name.as_str()) && name != "none" {
                        return Err(format!("there is no benchmark {name}; there are {}", NAMES.join(", ")));
                    }
                    parsed.only.push(name);
                }
                "--json" => parsed.json_only = true,
                "--output" => match arguments.next().as_deref() {
                    Some("json") => parsed.json_only = true,
                    Some("text") => parsed.json_only = false,
                    _ => return Err("--output is text or json".into()),
                },
                "--merge" => parsed.merge.push(arguments.next().ok_or("--merge needs a file")?.into()),
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(parsed)
    }

    /// Whether the benchmark is to run.
    pub(crate) fn runs(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(arguments.iter().map(|argument| argument.to_string()))
    }

    #[test]
    fn everything_runs_unless_something_is_named() {
        let all = parse(&[]).unwrap();
        assert!(NAMES.iter().all(|name| all.runs(name)) && !all.json_only);
        let one = parse(&["--only", "tree", "--json", "--merge", "a", "--merge", "b"]).unwrap();
        assert!(one.runs("tree") && !one.runs("gemm") && one.json_only);
        assert_eq!(one.merge.len(), 2);
        let none = parse(&["--only", "none", "--output", "json"]).unwrap();
        assert!(NAMES.iter().all(|name| !none.runs(name)) && none.json_only);
        assert!(!parse(&["--output", "text"]).unwrap().json_only);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let cases: [&[&str]; 6] =
            [&["--only"], &["--only", "speed"], &["--merge"], &["--output"], &["--output", "xml"], &["fast"]];
        assert!(cases.iter().all(|arguments| parse(arguments).is_err()));
    }
}
