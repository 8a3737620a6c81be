//! Disk, memory, backends and speed, against what the settings allow and what the node promises.

use super::finding::{Finding, Grade};
use super::machine::{BackendFacts, MemoryFacts};
use crate::benchmark::{BenchmarkError, Measured, PROMISED_DIVISOR};
use crate::config::{BackendChoice, NodeConfig, SelfCheck};
use assay::state::Profile;
use std::io;

/// What is looked at.
pub(super) const DISK: &str = "disk";
pub(super) const MEMORY: &str = "memory";
pub(super) const SPEED: &str = "speed";
/// What the journal needs beside artifacts.
const JOURNAL_BYTES: u64 = 256 << 20;
/// Graph, params and inputs.
const ARTIFACTS_OF_A_JOB: u64 = 3;

/// What the jobs at work, and the inputs of sessions, can take on the disk at most.
fn most_disk_bytes(config: &NodeConfig) -> u64 {
    let jobs = u64::try_from(config.concurrent_jobs).unwrap_or(u64::MAX);
    let of_jobs = config.limits.max_artifact_bytes.saturating_mul(ARTIFACTS_OF_A_JOB).saturating_mul(jobs);
    let of_sessions = if config.sessions.enabled { config.sessions.most_kept_bytes } else { 0 };
    of_jobs.saturating_add(of_sessions).saturating_add(JOURNAL_BYTES)
}

/// Grades the free disk.
pub(super) fn grade_disk(free: &io::Result<u64>, config: &NodeConfig) -> Finding {
    let free = match free {
        Ok(free) => *free,
        Err(error) => {
            let found = format!("the free disk is not known: {error}");
            return Finding::ill(Grade::Warning, DISK, "N0910", found, "see that the data folder is on a disk");
        }
    };
    let least = config.limits.max_artifact_bytes.saturating_add(JOURNAL_BYTES);
    let most = most_disk_bytes(config);
    let remedy = "free some, move the data folder, or lower limits.max_artifact_bytes, concurrent_jobs or \
                  sessions.most_kept_bytes";
    if free < least {
        let found = format!("{} are free; the largest artifact and the journal take {}", mib(free), mib(least));
        Finding::ill(Grade::Error, DISK, "N0910", found, remedy)
    } else if free < most {
        let found = format!("{} are free; jobs and sessions within the limits can take {}", mib(free), mib(most));
        Finding::ill(Grade::Warning, DISK, "N0910", found, remedy)
    } else {
        Finding::well(DISK, format!("{} are free, {} at most needed", mib(free), mib(most)))
    }
}

/// Grades the memory.
pub(super) fn grade_memory(memory: Option<MemoryFacts>, config: &NodeConfig) -> Finding {
    let Some(MemoryFacts { total_bytes, available_bytes }) = memory else {
        let found = "this system does not tell its memory";
        return Finding::ill(Grade::Note, MEMORY, "N0917", found, "see that limits.max_memory_bytes suits it");
    };
    let one = config.limits.max_memory_bytes;
    let all = config.total_memory_bytes();
    let remedy =
        "lower limits.max_memory_bytes, limits.max_total_memory_bytes or concurrent_jobs, or end what else runs here";
    if one > total_bytes {
        let found = format!("a job may take {}, the machine has {}", mib(one), mib(total_bytes));
        Finding::ill(Grade::Error, MEMORY, "N0917", found, remedy)
    } else if all > available_bytes {
        let found = format!("jobs and sessions may take {} together, {} are available", mib(all), mib(available_bytes));
        Finding::ill(Grade::Warning, MEMORY, "N0917", found, remedy)
    } else {
        Finding::well(MEMORY, format!("{} available, {} at most for jobs and sessions", mib(available_bytes), mib(all)))
    }
}

/// Grades the backends.
pub(super) fn grade_backends(backends: &[BackendFacts], config: &NodeConfig) -> Vec<Finding> {
    let grade = |backend: &BackendFacts| match &backend.state {
        Ok(description) if backend.is_software() => Finding::ill(
            Grade::Warning,
            "backend",
            "N0915",
            format!("wgpu runs on {description}: that is the processor, and slower than the cpu backend"),
            "install the GPU's Vulkan driver, or set backend = \"cpu\"",
        ),
        Ok(description) => Finding::well("backend", format!("{}: {description}, passed its self-test", backend.name)),
        Err(error) => {
            // Where no GPU was asked for, none is missed. A wrong one, or no processor, is another matter.
            let is_missing = matches!(error, assay_kernels::KernelError::NoAdapter { .. });
            let grade = match (backend.name, config.backend) {
                ("wgpu", BackendChoice::Auto) if config.adapters.is_empty() && is_missing => Grade::Note,
                ("wgpu", BackendChoice::Auto) if config.adapters.is_empty() => Grade::Warning,
                _ => Grade::Error,
            };
            let text = error.to_string();
            let code = text.split(' ').next().unwrap_or_default().to_owned();
            let remedy = "mend the driver or the machine, or have another backend compute (`backend`, `adapters`)";
            Finding::of_error(grade, "backend", &code, &text, remedy)
        }
    };
    let mut findings: Vec<Finding> = backends.iter().map(grade).collect();
    if config.self_check == SelfCheck::Never {
        findings.push(Finding::ill(
            Grade::Warning,
            "self-check",
            "N0928",
            "self_check = \"never\": a result that faulty hardware computed wrong costs the bond and a quarter of the stake",
            "set self_check = \"first\"",
        ));
    }
    findings
}

/// Grades the measured speed against what the node promises.
pub(super) fn grade_speed(measured: &Result<Measured, BenchmarkError>, declared_units_per_slot: u64) -> Finding {
    let measured = match measured {
        Ok(measured) => measured,
        Err(error) => {
            let text = error.to_string();
            let code = text.split(' ').next().unwrap_or_default().to_owned();
            let remedy = "see what is said of the backends, and run `assay node benchmark`";
            return Finding::of_error(Grade::Warning, SPEED, &code, &text, remedy);
        }
    };
    let promised = measured.promised_units_per_slot();
    let whole = promised.saturating_mul(PROMISED_DIVISOR);
    let tier = |units_per_slot| Profile { units_per_slot, ..Profile::default() }.tier();
    let remedy = "run `assay node benchmark --write` on the idle machine, then start the node again";
    let (declared, has) = (declared_units_per_slot, format!("{} does {whole} units a slot", measured.backend));
    if declared == 0 {
        let found = format!("the node promises no speed, and is of tier 0; it could be of tier {}", tier(promised));
        Finding::ill(Grade::Note, SPEED, "N0919", found, remedy)
    } else if declared > whole {
        let found =
            format!("the node promises {declared} units a slot (tier {}), {has}: every result is late", tier(declared));
        Finding::ill(Grade::Error, SPEED, "N0918", found, remedy)
    } else if declared > promised.saturating_mul(2) {
        let found = format!(
            "the node promises {declared} units a slot (tier {}), {has} with nothing else to do: results can be late",
            tier(declared)
        );
        Finding::ill(Grade::Warning, SPEED, "N0918", found, remedy)
    } else {
        Finding::well(SPEED, format!("promises {declared} units a slot (tier {}), {has}", tier(declared)))
    }
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_kernels::{AdapterInfo, AdapterKind, KernelError};
    use std::time::Duration;

    fn of(finding: &Finding) -> (Grade, Option<&str>) {
        (finding.grade, finding.code.as_deref())
    }

    #[test]
    fn a_disk_that_holds_no_artifact_is_an_error_and_one_that_may_fill_up_a_warning() {
        let config = NodeConfig::default();
        let least = config.limits.max_artifact_bytes + JOURNAL_BYTES;
        let most = most_disk_bytes(&config);
        let at = |free| grade_disk(&Ok(free), &config);
        assert_eq!(of(&at(least - 1)), (Grade::Error, Some("N0910")));
        assert_eq!(of(&at(least)), (Grade::Warning, Some("N0910")));
        assert_eq!(of(&at(most - 1)), (Grade::Warning, Some("N0910")));
        assert_eq!(of(&at(most)), (Grade::Well, None));
        let unknown = grade_disk(&Err(io::ErrorKind::NotFound.into()), &config);
        assert_eq!(of(&unknown), (Grade::Warning, Some("N0910")));
        let mut quiet = config.clone();
        quiet.sessions.enabled = false;
        assert_eq!(of(&grade_disk(&Ok(most - config.sessions.most_kept_bytes), &quiet)), (Grade::Well, None));
    }

    #[test]
    fn limits_beyond_the_memory_are_an_error_and_beyond_what_is_free_a_warning() {
        let config = NodeConfig { concurrent_jobs: 2, ..NodeConfig::default() };
        let one = config.limits.max_memory_bytes;
        let at = |total_bytes, available_bytes| {
            let finding = grade_memory(Some(MemoryFacts { total_bytes, available_bytes }), &config);
            (finding.grade, finding.code)
        };
        let code = Some("N0917".to_owned());
        assert_eq!(at(one - 1, one - 1), (Grade::Error, code.clone()));
        assert_eq!(at(2 * one, 2 * one - 1), (Grade::Warning, code));
        assert_eq!(at(2 * one, 2 * one), (Grade::Well, None));
        assert_eq!(grade_memory(None, &config).grade, Grade::Note);
    }

    fn wgpu(state: Result<String, KernelError>, kind: AdapterKind) -> BackendFacts {
        let adapter =
            AdapterInfo { name: "x".to_owned(), driver: "y".to_owned(), interface: "vulkan".to_owned(), kind };
        BackendFacts { name: "wgpu", state, adapter: Some(adapter) }
    }

    #[test]
    fn backends_that_are_missing_wrong_or_only_look_like_a_gpu() {
        let on = |backend| NodeConfig { backend, ..NodeConfig::default() };
        let grade = |facts: &BackendFacts, choice| {
            let [finding] = grade_backends(std::slice::from_ref(facts), &on(choice)).try_into().unwrap();
            (finding.grade, finding.code)
        };
        let ok = Ok("x".to_owned());
        assert_eq!(grade(&wgpu(ok.clone(), AdapterKind::Discrete), BackendChoice::Auto), (Grade::Well, None));
        let software = grade(&wgpu(ok, AdapterKind::Software), BackendChoice::Auto);
        assert_eq!(software, (Grade::Warning, Some("N0915".to_owned())));
        let missing = wgpu(Err(KernelError::NoAdapter { reason: "none".to_owned() }), AdapterKind::Other);
        assert_eq!(grade(&missing, BackendChoice::Auto), (Grade::Note, Some("K0004".to_owned())));
        assert_eq!(grade(&missing, BackendChoice::Wgpu), (Grade::Error, Some("K0004".to_owned())));
        let quarantined = KernelError::Quarantined { device: "x".to_owned(), vector: "v".to_owned() };
        let wrong = wgpu(Err(quarantined.clone()), AdapterKind::Discrete);
        assert_eq!(grade(&wrong, BackendChoice::Auto), (Grade::Warning, Some("K0005".to_owned())));
        let cpu = BackendFacts { name: "cpu", state: Err(quarantined), adapter: None };
        assert_eq!(grade(&cpu, BackendChoice::Auto), (Grade::Error, Some("K0005".to_owned())));
    }

    #[test]
    fn nothing_checked_is_a_warning() {
        let config = NodeConfig { self_check: SelfCheck::Never, ..NodeConfig::default() };
        let [finding] = grade_backends(&[], &config).try_into().unwrap();
        assert_eq!(of(&finding), (Grade::Warning, Some("N0928")));
    }

    #[test]
    fn a_promise_beyond_the_machine_is_an_error_and_one_beyond_half_of_it_a_warning() {
        let measured = || {
            Ok(Measured {
                backend: "cpu",
                device: String::new(),
                runs: 5,
                cost_units: 4_000,
                slowest: Duration::from_millis(400),
            })
        };
        let at = |declared| {
            let finding = grade_speed(&measured(), declared);
            (finding.grade, finding.code)
        };
        let code = |code: &str| Some(code.to_owned());
        assert_eq!(at(0), (Grade::Note, code("N0919")));
        assert_eq!(at(1_000), (Grade::Well, None), "what `assay node benchmark --write` declares");
        assert_eq!(at(2_000), (Grade::Well, None));
        assert_eq!(at(2_001), (Grade::Warning, code("N0918")));
        assert_eq!(at(4_001), (Grade::Error, code("N0918")));
        let none = Err(BenchmarkError::Kernel(KernelError::NoAdapter { reason: "none".to_owned() }));
        assert_eq!(of(&grade_speed(&none, 5)), (Grade::Warning, Some("K0004")));
    }
}
