//! Memory and disk of the machine that a service runs on.

use std::path::Path;
use sysinfo::{Disks, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// What a service takes, and what is left for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Bytes of memory that this process holds; nothing where the system does not say.
    pub memory_bytes: Option<u64>,
    /// Bytes free on the disk of the data folder; nothing where the system does not say.
    pub disk_free_bytes: Option<u64>,
}

/// Looks at the machine. It reads a few files of the system: not on an async thread.
pub fn look(data_folder: &Path) -> Machine {
    Machine { memory_bytes: memory_bytes(), disk_free_bytes: disk_free_bytes(data_folder) }
}

fn memory_bytes() -> Option<u64> {
    let own = Pid::from_u32(std::process::id());
    let mut system = System::new().ok()?;
    let wanted = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, wanted);
    system.process(own).map(sysinfo::Process::memory)
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
        assert_eq!(look(&folder.path().join("nowhere")).disk_free_bytes, None);
    }
}
