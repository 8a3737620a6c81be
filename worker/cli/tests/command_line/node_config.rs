//! `assay node config`: generated, checked, shown.

use super::{home, run};
use std::fs;

#[test]
fn what_is_generated_is_valid_and_kept_but_for_what_the_machine_decides() {
    let home = home();
    let path = home.path().join("assay-node/node.toml");
    let generate = ["node", "config", "generate", "--quick", "--output", "json"];
    let ran = run(home.path(), &generate);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let text = fs::read_to_string(&path).expect("the file");
    assert!(text.lines().filter(|line| line.starts_with('#')).count() > 100, "{text}");
    assert_eq!(
        run(home.path(), &["node", "config", "validate", "--offline", "--output", "json"]).json()["valid"],
        true
    );

    fs::write(&path, text.replace("price_floor = 1\n", "price_floor = 55\n")).expect("a file");
    assert_eq!(run(home.path(), &generate).json_error().0, "A0203", "a file that is there is not written over");
    let ran = run(home.path(), &[&generate[..], &["--replace"]].concat());
    assert_eq!((ran.status, &ran.json()["config"]["price_floor"]), (0, &serde_json::json!(55)));
    let shown = run(home.path(), &["node", "config", "show", "--changed", "--output", "json"]).json();
    let shown = shown.as_array().expect("a list");
    assert!(
        shown.iter().any(|entry| entry["key"] == "price_floor" && entry["value"] == 55 && entry["origin"] == "file")
    );
    assert!(shown.iter().all(|entry| entry["key"] != "limits.margin_slots"), "it is as by default: {shown:?}");
}

#[test]
fn unknown_keys_and_wrong_values_are_refused_with_what_to_write_instead() {
    let home = home();
    let folder = home.path().join("assay-node");
    fs::create_dir_all(&folder).expect("a folder");
    for (text, code, advice) in [
        ("[limits]\nfetch_second = 5\n", "N0004", "did you mean limits.fetch_seconds?"),
        ("[sesions]\nenabled = true\n", "N0004", "did you mean sessions.enabled?"),
        ("concurrent_jobs = 0\n", "N0003", "1 to 64"),
        ("concurrent_jobs = \"two\"\n", "N0003", "1 to 64"),
        ("concurrent_jobs = \n", "N0002", "line 1"),
    ] {
        fs::write(folder.join("node.toml"), text).expect("a file");
        let ran = run(home.path(), &["node", "config", "validate", "--offline", "--output", "json"]);
        let (found, said) = ran.json_error();
        assert_eq!((ran.status, found.as_str()), (1, code), "{text}: {said}");
        assert!(said.contains(advice), "{text}: {said}");
    }
    fs::write(folder.join("node.toml"), "").expect("a file");
    let shown = run(home.path(), &["node", "config", "show", "--set", "threads=3", "--output", "json"]).json();
    let threads = shown.as_array().and_then(|all| all.iter().find(|entry| entry["key"] == "threads")).expect("the key");
    assert_eq!((&threads["value"], &threads["origin"]), (&serde_json::json!(3), &serde_json::json!("flag")));
}
