//! Memory and disk of the machine that a service runs on.

use std::path::Path;
use sysinfo::{Disks, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// What a service takes, and what is left for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Bytes of memory that this process holds; nothing where the system does not say.
    pub memory_bytes: Option<u64>,
    /// Files, sockets and pipes that this process has open; nothing where the system does not say.
    pub open_files: Option<u64>,
    /// Bytes free on the disk of the data folder; nothing where the system does not say.
    pub disk_free_bytes: Option<u64>,
}

/// What a process takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of memory that it holds (resident); nothing where the system does not say.
    pub memory_bytes: Option<u64>,
    /// Files, sockets and pipes that it has open; nothing where the system does not say.
    pub open_files: Option<u64>,
}

/// Looks at the machine. It reads a few files of the system: not on an async thread.
pub fn look(data_folder: &Path) -> Machine {
    let Usage { memory_bytes, open_files } = usage_of(std::process::id());
    Machine { memory_bytes, open_files, disk_free_bytes: disk_free_bytes(data_folder) }
}

/// Looks at a process of the same user. It reads a few files of the system: not on an async thread.
pub fn usage_of(process: u32) -> Usage {
    let pid = Pid::from_u32(process);
    let Ok(mut system) = System::new() else { return Usage::default() };
    let wanted = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, wanted);
    let Some(process) = system.process(pid) else { return Usage::default() };
    let open_files = process.open_files().and_then(|count| u64::try_from(count).ok());
    Usage { memory_bytes: Some(process.memory()), open_files }
}

/// The disk is the one that is mounted deepest above the folder.
fn disk_free_bytes(folder: &Path) -> Option<u64> {
    let folder = folder.canonicalize().ok()?;
    let disks = Disks::new_with_refreshed_list().ok()?;
    let above = disks.iter().filter(|disk| folder.starts_with(disk.mount_point()));
    above.max_by_key(|disk| disk.mount_point().components().count()).map(sysinfo::Disk::available_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_a_folder_that_is_not_there_no_disk() {
        let folder = tempfile::tempdir().unwrap();
        let machine = look(folder.path());
        assert!(machine.memory_bytes.is_some_and(|bytes| bytes > 1 << 20), "{machine:?}");
        // Many more than other tests close meanwhile.
        let opened: Vec<_> = (0..150).map(|_| tempfile::tempfile().unwrap()).collect();
        let with_more = usage_of(std::process::id());
        assert!(with_more.open_files >= machine.open_files.map(|before| before + 75), "{machine:?}, {with_more:?}");
        drop(opened);
        assert_eq!(usage_of(u32::MAX), Usage::default(), "there is no such process");
        assert_eq!(look(&folder.path().join("nowhere")).disk_free_bytes, None);
    }
}
