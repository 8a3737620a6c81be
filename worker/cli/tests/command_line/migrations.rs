//! `assay network plan` and `apply` on a local chain. Needs the compiled program: `cargo xtask build --program-only`.

use super::home;
use super::local_chain::Localnet;
use std::path::PathBuf;

#[test]
fn a_migration_is_planned_applied_once_and_then_nothing_is_left() {
    let home = home();
    let localnet = Localnet::start(home.path());
    let plan = localnet.run(home.path(), &["network", "plan"]);
    assert_eq!(plan.status, 0, "{}", plan.stderr);
    assert_eq!(plan.json()["actions"], serde_json::json!([]), "a localnet is made by the migrations themselves");

    let folder = home.path().join("migrations");
    std::fs::create_dir(&folder).expect("a folder");
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    for name in [
        "0001_deploy.toml",
        "0002_initialise.toml",
        "0003_parameters.toml",
        "0004_disputes.toml",
        "0005_governance.toml",
        "0006_scheduling.toml",
    ] {
        std::fs::copy(own.join(name), folder.join(name)).expect("the project's migrations");
    }
    std::fs::write(folder.join("0007_fee.toml"), "[parameters]\nprotocol_fee_bps = 250\n").expect("a file");
    let fee = || {
        localnet.run(home.path(), &["network", "show"]).json()["parameters"]["protocol_fee_bps"]
            .as_u64()
            .expect("a fee")
    };
    let before = fee();
    assert_ne!(before, 250);

    let changed = ["--migrations", "migrations"];
    let planned = localnet.run(home.path(), &[&["network", "plan"], &changed[..]].concat()).json();
    let expected = format!("set protocol_fee_bps from {before} to 250");
    assert_eq!(planned["actions"], serde_json::json!([expected]));

    let unconfirmed = localnet.run(home.path(), &[&["network", "apply"], &changed[..]].concat());
    assert_eq!((unconfirmed.status, unconfirmed.json_error().0.as_str()), (2, "A0703"));
    assert_eq!(fee(), before, "nothing happens without --yes");

    let apply = [&["network", "apply", "--yes"], &changed[..]].concat();
    let first = localnet.run(home.path(), &apply);
    assert_eq!((first.status, first.json()["applied"].as_u64()), (0, Some(1)), "{}", first.stderr);
    assert_eq!(fee(), 250);
    let second = localnet.run(home.path(), &apply);
    assert_eq!((second.status, second.json()["applied"].as_u64()), (0, Some(0)), "{}", second.stderr);
    assert_eq!(second.json()["actions"], serde_json::json!([]));
}

/// On a network with a timelock a change is proposed, waits, and is carried out by applying again; it is proposed once.
#[test]
fn with_a_timelock_a_change_is_proposed_and_carried_out_later() {
    let home = home();
    let localnet = Localnet::start(home.path());
    let folder = home.path().join("migrations");
    std::fs::create_dir(&folder).expect("a folder");
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    for file in std::fs::read_dir(own).expect("the project's migrations").flatten() {
        if file.path().extension().is_some_and(|extension| extension == "toml") {
            std::fs::copy(file.path(), folder.join(file.file_name())).expect("a migration");
        }
    }
    let apply = || {
        let ran = localnet.run(home.path(), &["network", "apply", "--yes", "--migrations", "migrations"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        ran.json()
    };
    let waiting = |value: &serde_json::Value| value["waiting"].as_array().map_or(0, Vec::len);
    std::fs::write(folder.join("0007_timelock.toml"), "[governance]\ntimelock_slots = 100\n").expect("a file");
    assert_eq!(apply()["applied"], 1, "at once, because until now nothing waits");
    std::fs::write(folder.join("0008_fee.toml"), "[parameters]\nprotocol_fee_bps = 250\n").expect("a file");
    let proposed = apply();
    assert_eq!((&proposed["applied"], waiting(&proposed)), (&serde_json::json!(0), 1), "{proposed}");
    let fee = || localnet.run(home.path(), &["network", "show"]).json()["parameters"]["protocol_fee_bps"].clone();
    let mut attempts = 0;
    while fee() != 250 {
        attempts += 1;
        assert!(attempts < 200, "the timelock does not end");
        let again = apply();
        let state = (again["applied"].as_u64(), waiting(&again));
        assert!(state == (Some(0), 1) || state == (Some(1), 0), "{again}");
    }
    let proposals = localnet.run(home.path(), &["network", "params"]).json()["proposals"].clone();
    assert_eq!(proposals, serde_json::json!([]), "it was proposed once, and is closed");
    assert_eq!(localnet.run(home.path(), &["network", "plan"]).status, 0);
}
