//! The command line.

use std::path::PathBuf;

/// How to call it.
pub(crate) const USAGE: &str =
    "usage: assay-simulator [--nodes N] [--jobs N] [--seed N] [--plots FOLDER] [--output text|json]
  --nodes N       identities, at least 1,000 (10,000)
  --jobs N        jobs, at least 1,000 (100,000)
  --seed N        everything follows from it (1)
  --plots FOLDER  write plots there, as SVG
  --output json   print one line of JSON instead of tables";

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) nodes: usize,
    pub(crate) jobs: usize,
    pub(crate) seed: u64,
    pub(crate) plots: Option<PathBuf>,
    pub(crate) json: bool,
}

impl Default for Arguments {
    fn default() -> Self {
        Self { nodes: 10_000, jobs: 100_000, seed: 1, plots: None, json: false }
    }
}

impl Arguments {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--nodes" => parsed.nodes = number(&argument, &value()?, 1_000..=1_000_000)? as usize,
                "--jobs" => parsed.jobs = number(&argument, &value()?, 1_000..=100_000_000)? as usize,
                "--seed" => parsed.seed = number(&argument, &value()?, 0..=u64::MAX)?,
                "--plots" => parsed.plots = Some(value()?.into()),
                "--output" => match value()?.as_str() {
                    "json" => parsed.json = true,
                    "text" => parsed.json = false,
                    _ => return Err("--output is text or json".into()),
                },
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(parsed)
    }
}

fn number(name: &str, text: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    let value = text.replace('_', "").parse().ok().filter(|value| range.contains(value));
    value.ok_or(format!("{name} is a number from {} to {}, not {text}", range.start(), range.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(arguments.iter().map(|argument| argument.to_string()))
    }

    #[test]
    fn everything_has_a_default() {
        assert_eq!(parse(&[]), Ok(Arguments::default()));
        let all = parse(&["--nodes", "2_000", "--jobs", "5000", "--seed", "7", "--plots", "a", "--output", "json"]);
        let expected = Arguments { nodes: 2_000, jobs: 5_000, seed: 7, plots: Some("a".into()), json: true };
        assert_eq!(all, Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let cases: [&[&str]; 6] =
            [&["--nodes"], &["--nodes", "999"], &["--jobs", "x"], &["--output"], &["--output", "xml"], &["fast"]];
        assert!(cases.iter().all(|arguments| parse(arguments).is_err()));
    }
}
