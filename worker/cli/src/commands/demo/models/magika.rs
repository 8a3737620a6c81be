//! `assay demo magika`: what type every file of a folder is.

use super::market::{ModelMarket, batch_size, expect_exact};
use super::{MarketArguments, prepared};
use crate::error::{CliError, ExitStatus};
use crate::local_market::Processes;
use crate::output::{Output, Table};
use assay_pretrained::PretrainedError;
use assay_pretrained::cache::Cache;
use assay_pretrained::magika::{Answer, Magika, OfficialAnswer, Overwrite, Reading, official_answers};
use assay_pretrained::python::Peers;
use assay_pretrained::samples::files_below;
use clap::Args;
use console::style;
use serde::Serialize;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Above this confidence of the official package no answer may differ.
const SURE: f32 = 0.95;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The folder; folders in it count, links do not
    folder: PathBuf,
    /// Also ask Magika's official Python package, and compare
    #[arg(long)]
    compare: bool,
    /// Most files that are read; the first by name
    #[arg(long, default_value_t = 2_000)]
    files: usize,
    #[command(flatten)]
    pub(super) market: MarketArguments,
}

/// One file.
#[derive(Debug, Serialize)]
struct Row {
    path: String,
    #[serde(flatten)]
    answer: Answer,
    /// The job that asked the network, if one did.
    job: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    official: Option<OfficialAnswer>,
}

/// What came of it: the last line of `--output json`.
#[derive(Debug, Serialize)]
struct Summary {
    files: Vec<Row>,
    jobs: usize,
    /// Whether computing every job again gave the same bits.
    bit_exact: bool,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<Agreement>,
}

/// How the answers compare with the official package's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Agreement {
    /// Files that the network was asked about.
    asked: usize,
    /// Of those, files whose class is the same.
    same_class: usize,
    /// Files of which the official package is sure.
    sure: usize,
    /// Of those, files whose class is the same.
    same_sure: usize,
    /// All files whose type is the same, after rules and thresholds.
    same_label: usize,
}

pub(super) async fn run(processes: &Processes, arguments: Arguments, output: Output) -> Result<(), CliError> {
    let (paths, left_out) = paths(&arguments.folder, arguments.files)?;
    if left_out > 0 {
        output.note(format!("  {left_out} files more are left out; --files reads more"));
    }
    output.heading("The model");
    let compare = arguments.compare;
    let (magika, network, peers) = prepared(output, move |say| {
        let cache = Cache::standard()?;
        let magika = Magika::fetch(&cache, say)?;
        let network = magika.network(&cache, say)?;
        let peers = if compare { Some(Peers::ready(&cache, say)?) } else { None };
        Ok((magika, network, peers))
    })
    .await?;
    output.say(format!("  Magika in integers; what that lost is in {}", network.folder.join("report.html").display()));
    let readings = paths.iter().map(|path| read(&magika, path)).collect::<Result<Vec<Reading>, CliError>>()?;
    let asked: Vec<Vec<i32>> = readings.iter().filter_map(tokens).cloned().collect();
    let batch = batch_size(&network, arguments.market.batch)?;
    let inputs =
        asked.chunks(batch).map(|batch| magika.job(&network, batch)).collect::<Result<Vec<_>, PretrainedError>>()?;

    output.heading(&format!("A market: {} files in {} jobs", asked.len(), inputs.len()));
    let market = ModelMarket::open(processes, &arguments.market, output).await?;
    let run = market.compute(&network, inputs, "jobs settled", output).await?;
    let mut answers = Vec::new();
    for done in &run.done {
        let of_job = magika.answers(&network, &done.symbols, &done.output)?;
        answers.extend(of_job.into_iter().map(|answer| (answer, done.job_id)));
    }
    let official = match peers {
        None => None,
        Some(peers) => {
            let absolute = paths.iter().map(std::path::absolute).collect::<Result<Vec<_>, _>>()?;
            Some(prepared(output, move |_| official_answers(&peers, &absolute)).await?)
        }
    };
    let files = rows(&arguments.folder, &paths, &readings, answers, official);
    let summary = Summary {
        agreement: compare.then(|| Agreement::of(&files)),
        jobs: run.done.len(),
        bit_exact: run.bit_exact(),
        seconds: (run.time.as_secs_f64() * 10.0).round() / 10.0,
        files,
    };
    output.heading("Files");
    output.say(summary.table().render());
    output.result(&summary, || summary.words())?;
    expect_exact(summary.bit_exact)
}

/// The files to read, and how many more there are.
fn paths(folder: &Path, most: usize) -> Result<(Vec<PathBuf>, usize), CliError> {
    let mut paths = files_below(folder)?;
    if paths.is_empty() {
        let text = format!("there is no file in {}; name a folder with files", folder.display());
        return Err(CliError::new("A0313", text).with_status(ExitStatus::Usage));
    }
    let left_out = paths.len().saturating_sub(most);
    paths.truncate(most);
    Ok((paths, left_out))
}

fn read(magika: &Magika, path: &Path) -> Result<Reading, CliError> {
    File::open(path).and_then(|mut file| magika.read(&mut file)).map_err(|error| CliError::file("read", path, &error))
}

fn tokens(reading: &Reading) -> Option<&Vec<i32>> {
    match reading {
        Reading::Ask(tokens) => Some(tokens),
        Reading::Known(_) => None,
    }
}

fn rows(
    folder: &Path,
    paths: &[PathBuf],
    readings: &[Reading],
    answers: Vec<(Answer, u64)>,
    official: Option<Vec<OfficialAnswer>>,
) -> Vec<Row> {
    let mut answers = answers.into_iter();
    let mut official = official.into_iter().flatten();
    let row = |(path, reading): (&PathBuf, &Reading)| {
        let (answer, job) = match reading {
            Reading::Known(answer) => (answer.clone(), None),
            Reading::Ask(_) => {
                let (answer, job) = answers.next()?;
                (answer, Some(job))
            }
        };
        let path = path.strip_prefix(folder).unwrap_or(path).display().to_string();
        Some(Row { path, answer, job, official: official.next() })
    };
    paths.iter().zip(readings).filter_map(row).collect()
}

impl Row {
    fn same_class(&self) -> Option<bool> {
        let (class, official) = (self.answer.class.as_ref()?, self.official.as_ref()?);
        Some(*class == official.class)
    }
}

impl Agreement {
    fn of(rows: &[Row]) -> Self {
        let mut agreement = Self { asked: 0, same_class: 0, sure: 0, same_sure: 0, same_label: 0 };
        for row in rows {
            let Some(official) = &row.official else { continue };
            agreement.same_label += usize::from(row.answer.label == official.label);
            let Some(same) = row.same_class() else { continue };
            agreement.asked += 1;
            agreement.same_class += usize::from(same);
            if official.score > SURE {
                agreement.sure += 1;
                agreement.same_sure += usize::from(same);
            }
        }
        agreement
    }
}

impl Summary {
    fn table(&self) -> Table {
        let mut heading = vec!["file", "type", "score", "job"];
        if self.agreement.is_some() {
            heading.extend(["official", "its score", ""]);
        }
        let mut table = Table::new(&heading);
        for row in &self.files {
            let label = match row.answer.overwrite {
                Overwrite::LowConfidence => {
                    format!("{} ({}?)", row.answer.label, row.answer.class.as_deref().unwrap_or("?"))
                }
                _ => row.answer.label.clone(),
            };
            let mut cells = vec![
                row.path.clone(),
                label,
                format!("{:.3}", row.answer.score),
                row.job.map_or_else(|| "-".to_owned(), |job| job.to_string()),
            ];
            if let Some(official) = &row.official {
                let differs = row.answer.label != official.label;
                cells.push(official.label.clone());
                cells.push(format!("{:.3}", official.score));
                cells.push(if differs { style("differs").red().to_string() } else { String::new() });
            }
            table.row(cells);
        }
        table
    }

    fn words(&self) -> String {
        let exact = if self.bit_exact { style("bit-exact").green() } else { style("NOT bit-exact").red().bold() };
        let mut words = format!("\n{} files in {} jobs · {exact} · {:.1} s", self.files.len(), self.jobs, self.seconds);
        if let Some(agreement) = &self.agreement {
            let percent = |part: usize, of: usize| part as f64 * 100.0 / of.max(1) as f64;
            words.push_str(&format!(
                "\nof {} files that the network was asked about, {} ({:.1} %) have the official package's class; of {} that it is sure of, {} ({:.1} %); \
                 {} of {} files have its type",
                agreement.asked,
                agreement.same_class,
                percent(agreement.same_class, agreement.asked),
                agreement.sure,
                agreement.same_sure,
                percent(agreement.same_sure, agreement.sure),
                agreement.same_label,
                self.files.len(),
            ));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(class: Option<&str>, label: &str) -> Answer {
        Answer { label: label.into(), class: class.map(str::to_owned), score: 0.9, overwrite: Overwrite::None }
    }

    fn official(class: &str, label: &str, score: f32) -> OfficialAnswer {
        OfficialAnswer { label: label.into(), class: class.into(), score }
    }

    #[test]
    fn agreement_counts_classes_of_files_that_were_asked_about_and_types_of_all() {
        let row = |answer, official| Row { path: String::new(), answer, job: None, official: Some(official) };
        let rows = [
            row(answer(Some("rust"), "rust"), official("rust", "rust", 0.99)),
            row(answer(Some("c"), "c"), official("cpp", "cpp", 0.96)),
            row(answer(Some("c"), "txt"), official("cpp", "txt", 0.4)),
            row(answer(None, "empty"), official("undefined", "empty", 1.0)),
        ];
        let expected = Agreement { asked: 3, same_class: 1, sure: 2, same_sure: 1, same_label: 3 };
        assert_eq!(Agreement::of(&rows), expected);
    }

    #[test]
    fn each_file_gets_its_own_answer() {
        let paths = ["f/a", "f/b", "f/c"].map(PathBuf::from);
        let readings = [Reading::Ask(vec![1]), Reading::Known(answer(None, "empty")), Reading::Ask(vec![2])];
        let answers = vec![(answer(Some("c"), "c"), 1), (answer(Some("rust"), "rust"), 2)];
        let rows = rows(Path::new("f"), &paths, &readings, answers, None);
        let seen: Vec<_> = rows.iter().map(|row| (&row.path[..], &row.answer.label[..], row.job)).collect();
        assert_eq!(seen, [("a", "c", Some(1)), ("b", "empty", None), ("c", "rust", Some(2))]);
    }
}
