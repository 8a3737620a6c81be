//! A validator as its owner keeps it: its log changes while it runs, and its exit status says why it ended.

use serde_json::Value;
use story_tests::{Story, ValidatorProcess};

#[tokio::test(flavor = "multi_thread")]
async fn a_validators_log_is_changed_by_its_owner_while_it_runs() {
    let story = Story::begin().await;
    let work = story.work(1);
    let mut validator = ValidatorProcess::new(&story, "validator", story.placement(), "watch", &work);
    let (status, _, said) = validator.ask(&["validator", "log"]);
    assert!(status == Some(1) && said.contains("T0112"), "nobody is there yet: {status:?} {said}");
    validator.start(None).await;

    let (status, value, said) = validator.ask(&["validator", "log"]);
    let before = value["filter"].as_str().unwrap_or_else(|| panic!("{status:?} {said}")).to_owned();
    assert!(before.contains("assay_validator=debug"), "it was started with -vv: {before}");
    let (_, refused, said) = validator.ask(&["validator", "log", "assay_validator=loud"]);
    assert!(refused == Value::Null || refused["code"] == "A0221", "{refused}");
    assert!(said.contains("A0221") || refused["code"] == "A0221", "{said}");
    let (status, value, said) = validator.ask(&["validator", "log", "warn,assay_validator=trace"]);
    assert_eq!((status, value["before"].as_str()), (Some(0), Some(before.as_str())), "{said}");
    let (_, value, _) = validator.ask(&["validator", "log"]);
    assert_eq!(value["filter"], "warn,assay_validator=trace");
    assert!(validator.whole_log().contains("the filter of the log was changed"), "{}", validator.log());
    validator.terminate();
    assert_eq!(validator.ends().await, Some(0));
    let (status, _, said) = validator.ask(&["validator", "log"]);
    assert!(status == Some(1) && said.contains("T0112"), "its door is closed: {status:?} {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validators_exit_status_says_whether_starting_it_again_is_of_any_use() {
    let story = Story::begin().await;
    let work = story.work(1);
    let mut validator = ValidatorProcess::new(&story, "validator", story.placement(), "watch", &work);
    validator.start(None).await;
    let run = ["validator", "run", "--mode", "watch", "--status-listen", "127.0.0.1:0"];
    let (status, _, said) = validator.ask(&run);
    assert!(status == Some(7) && said.contains("V0101"), "two on one folder: {status:?} {said}");
    assert!(!validator.is_dead(), "the first one is none the worse for it");
    validator.terminate();
    assert_eq!(validator.ends().await, Some(0), "it was asked to");

    std::fs::write(validator.data().join("validator.toml"), "mode = \"guess\"\n").expect("settings");
    let (status, _, said) = validator.ask(&run);
    assert_eq!(status, Some(8), "settings that do not fit: {said}");
    std::fs::write(validator.data().join("validator.toml"), "").expect("settings");
    std::fs::write(validator.data().join("journal.redb"), "no database").expect("a file");
    let (status, _, said) = validator.ask(&run);
    assert!(status == Some(1) && said.contains("V0102"), "the journal failed: {status:?} {said}");
}
