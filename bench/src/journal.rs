//! A look at a journal that keeps a day of records: by its overview, beside reading every record.

use crate::report::{Report, round};
use crate::timing::{by_turns, seconds};
use assay_journal::{Listed, RecordError, RecordTable, Records};
use redb::{Database, TableDefinition};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::hint::black_box;
use std::time::Duration;

const TABLE: RecordTable = TableDefinition::new("jobs");
/// What a node's status lists.
const LISTED: usize = 1_000;
/// Jobs that are not over.
const OPEN: u32 = 20;
/// Kept records: some 400 and some 4,000 jobs an hour.
const SIZES: [u32; 2] = [10_000, 100_000];

/// A record as long as that of a paid job mostly is.
#[derive(Serialize, Deserialize)]
struct Job {
    last_slot: u64,
    is_over: bool,
    amount: u64,
    rest: String,
}

impl Listed for Job {
    type Sums = u64;

    fn last_slot(&self) -> u64 {
        self.last_slot
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn is_live(&self) -> bool {
        !self.is_over
    }

    fn add_to(&self, sums: &mut u64) {
        *sums += self.amount;
    }

    fn both(one: &u64, other: &u64) -> u64 {
        one + other
    }
}

/// Runs the benchmark.
pub(crate) fn run(report: &mut Report) -> Result<(), Box<dyn std::error::Error>> {
    report.heading(
        "A look at a journal: its sums, what is open, and the 1,000 newest",
        " records   by the overview   every record is read   times   opened in",
    );
    let mut rows = Vec::new();
    for records in SIZES {
        let folder = tempfile::tempdir()?;
        let database = filled(&folder.path().join("journal.redb"), records)?;
        let mut jobs = None;
        let opened = seconds(|| jobs = Some(Records::<Job>::load(&database, TABLE)));
        let jobs = jobs.ok_or("not opened")??;
        let look = || -> Result<u64, RecordError> {
            let listed = jobs.newest(&database, LISTED)?;
            Ok(jobs.sums(&database)? + listed.len() as u64)
        };
        let read = || -> Result<u64, RecordError> {
            let mut all = jobs.all(&database)?;
            all.sort_by_key(|(_, job)| std::cmp::Reverse((!job.is_over, job.last_slot)));
            let sum: u64 = all.iter().map(|(_, job)| job.amount).sum();
            Ok(sum + all.iter().take(LISTED + OPEN as usize).count() as u64)
        };
        if look()? != read()? {
            return Err("the overview differs from the records".into());
        }
        let mut overview = || {
            black_box(look()).ok();
        };
        let mut every = || {
            black_box(read()).ok();
        };
        let [overview, every] = by_turns(Duration::from_secs(2), 3, [&mut overview, &mut every]);
        let times = every / overview;
        let (overview_ms, every_ms, opened_ms) = (overview * 1e3, every * 1e3, opened * 1e3);
        report.line(format!(" {records:7} {overview_ms:14.2} ms {every_ms:19.2} ms {times:7.1} {opened_ms:8.0} ms"));
        rows.push(json!({
            "records": records, "overview_ms": round(overview_ms, 3), "every_record_ms": round(every_ms, 3),
            "times": round(times, 1), "opened_ms": round(opened_ms, 1),
        }));
    }
    report.set("journal", json!({ "listed": LISTED, "open": OPEN, "rows": rows }));
    Ok(())
}

fn filled(path: &std::path::Path, records: u32) -> Result<Database, Box<dyn std::error::Error>> {
    let database = Database::create(path)?;
    let write = database.begin_write()?;
    write.open_table(TABLE)?;
    write.commit()?;
    let jobs = Records::<Job>::load(&database, TABLE)?;
    jobs.change(&database, |change| -> Result<(), RecordError> {
        for number in 0..records {
            let mut key = [0; 32];
            // As addresses are: in no order.
            key[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_le_bytes());
            let job = Job {
                last_slot: u64::from(number),
                is_over: number >= OPEN,
                amount: u64::from(number % 97),
                rest: "a job's other fields".repeat(25),
            };
            change.put(&key, &job)?;
        }
        Ok(())
    })?;
    Ok(database)
}
