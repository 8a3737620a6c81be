//! A disk that is full for a while: before a claim nothing is promised, and what was promised is kept once there is room again.

use assay::state_machine::JobState;
use assay_client::Terms;
use solana_sdk::pubkey::Pubkey;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use story_tests::{NodeProcess, Story};

/// Room for a database and the artifacts of some small jobs, for this user alone.
const OPTIONS: &str = "size=48m,mode=0700";

/// A small file system of one's own, in memory.
struct SmallDisk {
    mounted_at: PathBuf,
}

impl SmallDisk {
    /// Nothing where this process may not mount.
    fn at(path: &Path) -> Option<Self> {
        fs::create_dir_all(path).expect("a folder");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", OPTIONS, "tmpfs"]).arg(path).output();
        if mount.is_ok_and(|mount| mount.status.success()) {
            return Some(Self { mounted_at: path.to_path_buf() });
        }
        let _ =
            writeln!(std::io::stderr(), "NOT TESTED: a full disk, because this process may not mount a file system");
        None
    }

    fn ballast(&self) -> PathBuf {
        self.mounted_at.join("ballast")
    }

    /// Writes until nothing fits any more.
    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).expect("a file");
        for block in [1 << 20, 4_096, 1] {
            let block = vec![0; block];
            loop {
                match ballast.write_all(&block).and_then(|()| ballast.flush()) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    fn empty(&self) {
        fs::remove_file(self.ballast()).expect("the ballast is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.mounted_at).status();
    }
}

/// Waits until the job has ended while a service manager starts the node whenever it has: what it could not write may end
/// it after there is room again.
async fn ends_with(story: &Story, node: &mut NodeProcess, job: &Pubkey) {
    let started = Instant::now();
    while !story.chain().job(job).await.expect("the job is there").state.is_end() {
        if node.is_dead() {
            node.launch(None);
        }
        assert!(started.elapsed() < Duration::from_secs(240), "the job does not end; {}", node.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_disk_is_full_promises_nothing_and_keeps_what_it_promised() {
    let story = Story::begin().await;
    let Some(disk) = SmallDisk::at(&story.folder().join("node")) else { return };
    let mut node = NodeProcess::register(&story, "node", story.placement(), |_| {});
    let terms = Terms { claim_slots: 2_000, run_slots: 2_000, ..story.terms() };
    let ended = async |node: &NodeProcess, job| {
        let ended = story.end(&job).await;
        assert_eq!((ended.state, ended.node), (JobState::Settled, node.address), "{}", node.log());
        node.until(&job, |record| record.is_finished()).await;
    };

    node.start(None).await;
    let first = story.post(&story.work(1), &terms).await.address;
    ended(&node, first).await;

    disk.fill();
    let second = story.post(&story.work(2), &terms).await.address;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(story.chain().job(&second).await.unwrap().state, JobState::Posted, "nothing is promised");
    disk.empty();
    ends_with(&story, &mut node, &second).await;
    ended(&node, second).await;
    node.kill();

    node.start(Some("after_claim_landed")).await;
    let third = story.post(&story.work(3), &terms).await.address;
    node.dies().await;
    disk.fill();
    node.launch(None);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(story.chain().job(&third).await.unwrap().state, JobState::Claimed, "no result fits on the disk");
    disk.empty();
    ends_with(&story, &mut node, &third).await;
    ended(&node, third).await;

    let account = story.chain().node(&node.address).await.unwrap();
    assert_eq!((account.stake, account.locked, account.open_jobs), (Story::STAKE, 0, 0));
    assert_eq!((account.jobs_settled, account.jobs_missed), (3, 0));
    for job in [first, second, third] {
        story.close_one(&job).await;
    }
    story.balanced(&[node.address]).await;
    node.kill();
}
