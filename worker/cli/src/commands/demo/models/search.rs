//! `assay demo search`: passages of a folder of texts, nearest in meaning to a question.

use super::market::{ModelMarket, batch_size, expect_exact};
use super::{MarketArguments, prepared};
use crate::commands::read_file;
use crate::error::{CliError, ExitStatus};
use crate::local_market::Processes;
use crate::output::{Output, Table};
use assay_pretrained::PretrainedError;
use assay_pretrained::agreement::cosine;
use assay_pretrained::cache::Cache;
use assay_pretrained::minilm::{MiniLm, passages};
use assay_pretrained::samples::files_below;
use clap::Args;
use console::{style, truncate_str};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Columns of a passage in the table.
const SHOWN: usize = 90;
/// Larger files are no texts that somebody wrote.
const MAX_TEXT_BYTES: u64 = 4 << 20;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The folder of texts; folders in it count, files that are not UTF-8 do not
    folder: PathBuf,
    /// What to look for, one or more
    #[arg(required = true)]
    questions: Vec<String>,
    /// Passages that are shown for each question
    #[arg(long, default_value_t = 5)]
    top: usize,
    /// Most passages that are read; the first by file name
    #[arg(long, default_value_t = 2_000)]
    passages: usize,
    #[command(flatten)]
    pub(super) market: MarketArguments,
}

/// A text and where it stands.
#[derive(Clone, Debug)]
struct Entry {
    path: String,
    line: usize,
    text: String,
}

/// A passage that answers a question.
#[derive(Debug, Serialize)]
struct Hit {
    score: f64,
    path: String,
    line: usize,
    text: String,
}

/// A question with its best passages.
#[derive(Debug, Serialize)]
struct Found {
    question: String,
    hits: Vec<Hit>,
}

/// What came of it: the last line of `--output json`.
#[derive(Debug, Serialize)]
struct Summary {
    found: Vec<Found>,
    passages: usize,
    jobs: usize,
    /// Whether computing every job again gave the same bits.
    bit_exact: bool,
    seconds: f64,
}

pub(super) async fn run(processes: &Processes, arguments: Arguments, output: Output) -> Result<(), CliError> {
    let (mut entries, files) = read(&arguments.folder)?;
    if entries.is_empty() {
        let text = format!("there is no text in {}; name a folder with texts in UTF-8", arguments.folder.display());
        return Err(CliError::new("A0313", text).with_status(ExitStatus::Usage));
    }
    let left_out = entries.len().saturating_sub(arguments.passages);
    entries.truncate(arguments.passages);
    if left_out > 0 {
        output.note(format!("  {left_out} passages more are left out; --passages reads more"));
    }
    output.heading("The model");
    let (model, network) = prepared(output, |say| {
        let cache = Cache::standard()?;
        let model = MiniLm::fetch(&cache, say)?;
        let network = model.network(&cache, say)?;
        Ok((model, network))
    })
    .await?;
    output.say(format!(
        "  all-MiniLM-L6-v2 in integers; what that lost is in {}",
        network.folder.join("report.html").display()
    ));
    // Texts of like length share a job, so that little of it is padding.
    let texts: Vec<&str> =
        entries.iter().map(|entry| &entry.text[..]).chain(arguments.questions.iter().map(String::as_str)).collect();
    let order = by_length(&texts);
    let batch = batch_size(&network, arguments.market.batch)?;
    let inputs = order
        .chunks(batch)
        .map(|chunk| {
            let texts: Vec<&str> = chunk.iter().map(|&index| texts[index]).collect();
            model.job(&network, &texts)
        })
        .collect::<Result<Vec<_>, PretrainedError>>()?;

    let count = entries.len();
    output.heading(&format!("A market: {count} passages of {files} files in {} jobs", inputs.len()));
    let market = ModelMarket::open(processes, &arguments.market, output).await?;
    let run = market.compute(&network, inputs, "jobs settled", output).await?;
    let mut embeddings: Vec<Vec<f32>> = vec![Vec::new(); texts.len()];
    let mut slots = order.into_iter();
    for done in &run.done {
        for embedding in model.embeddings(&network, &done.symbols, &done.output)? {
            if let Some(slot) = slots.next().and_then(|index| embeddings.get_mut(index)) {
                *slot = embedding;
            }
        }
    }
    let (of_entries, of_questions) = embeddings.split_at(count);
    let found = arguments
        .questions
        .iter()
        .zip(of_questions)
        .map(|(question, embedding)| Found {
            question: question.clone(),
            hits: best(&entries, of_entries, embedding, arguments.top),
        })
        .collect();
    let summary = Summary {
        found,
        passages: count,
        jobs: run.done.len(),
        bit_exact: run.bit_exact(),
        seconds: (run.time.as_secs_f64() * 10.0).round() / 10.0,
    };
    for found in &summary.found {
        output.heading(&found.question);
        output.say(found.table().render());
    }
    output.result(&summary, || summary.words())?;
    expect_exact(summary.bit_exact)
}

/// The passages of all texts below a folder, and how many texts those are.
fn read(folder: &Path) -> Result<(Vec<Entry>, usize), CliError> {
    let (mut entries, mut files) = (Vec::new(), 0);
    for path in files_below(folder)? {
        let too_large = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MAX_TEXT_BYTES);
        let Some(text) = (!too_large).then(|| read_file(&path)).transpose()? else { continue };
        let Ok(text) = String::from_utf8(text) else { continue };
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        files += 1;
        entries.extend(passages(&text).into_iter().map(|found| Entry {
            path: name.clone(),
            line: found.line,
            text: found.text,
        }));
    }
    Ok((entries, files))
}

/// The order in which texts of like length are neighbours.
fn by_length(texts: &[&str]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&index| texts[index].len());
    order
}

fn best(entries: &[Entry], embeddings: &[Vec<f32>], question: &[f32], top: usize) -> Vec<Hit> {
    let mut scored: Vec<(f64, &Entry)> =
        embeddings.iter().zip(entries).map(|(embedding, entry)| (cosine(embedding, question), entry)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let hit = |(score, entry): (f64, &Entry)| Hit {
        score: (score * 10_000.0).round() / 10_000.0,
        path: entry.path.clone(),
        line: entry.line,
        text: entry.text.clone(),
    };
    scored.into_iter().take(top).map(hit).collect()
}

impl Found {
    fn table(&self) -> Table {
        let mut table = Table::new(&["score", "where", "passage"]);
        for hit in &self.hits {
            table.row([
                format!("{:.3}", hit.score),
                format!("{}:{}", hit.path, hit.line),
                truncate_str(&hit.text, SHOWN, "…").into_owned(),
            ]);
        }
        table
    }
}

impl Summary {
    fn words(&self) -> String {
        let exact = if self.bit_exact { style("bit-exact").green() } else { style("NOT bit-exact").red().bold() };
        format!("\n{} passages in {} jobs · {exact} · {:.1} s", self.passages, self.jobs, self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_passages_come_first() {
        let entry = |line| Entry { path: "f".into(), line, text: "t".into() };
        let entries = [entry(1), entry(2), entry(3)];
        let embeddings = [vec![1.0, 0.0], vec![0.6, 0.8], vec![0.0, 1.0]];
        let lines = |top| best(&entries, &embeddings, &[0.0, 2.0], top).iter().map(|hit| hit.line).collect::<Vec<_>>();
        assert_eq!(lines(2), [3, 2]);
        assert_eq!(lines(9), [3, 2, 1]);
        assert_eq!(best(&entries, &embeddings, &[0.0, 2.0], 2)[1].score, 0.8);
    }

    #[test]
    fn only_texts_are_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "First.\n\nSecond.\n").unwrap();
        std::fs::write(folder.path().join("b.bin"), [0xff, 0xfe, 0]).unwrap();
        let (entries, files) = read(folder.path()).unwrap();
        assert_eq!((entries.len(), files), (2, 1));
        assert_eq!((&entries[1].path[..], entries[1].line), ("a.txt", 3));
    }
}
