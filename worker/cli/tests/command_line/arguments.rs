//! Wrong arguments, help, exit statuses.

use super::{NOWHERE, home, run};

#[test]
fn wrong_arguments_end_with_status_2_and_leave_stdout_empty() {
    let home = home();
    for arguments in [
        &["nonsense"][..],
        &["job", "post"],
        &["job", "show", "not-an-address"],
        &["budget", "create", "--per-job", "1", "--per-period", "1", "--period-slots", "1", "--for-slots", "1"],
        &["budget", "set", "11111111111111111111111111111111", "--any-graph", "--graph", "07"],
        &["node", "stake", "0"],
        &["node", "stake", "-5"],
        &["demo", "--images-per-job", "0"],
        &["demo", "--images-per-job", "251"],
        &["localnet", "--slot-ms", "5"],
        &["measure", "--clients", "65"],
        &["--output", "yaml", "demo"],
    ] {
        let ran = run(home.path(), arguments);
        assert_eq!(ran.status, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{arguments:?}: {}", ran.stdout);
        assert!(ran.stderr.contains("error:"), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn a_group_without_a_command_shows_its_commands() {
    let home = home();
    let ran = run(home.path(), &["job"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("reclaim"), "{}", ran.stderr);
}

#[test]
fn wrong_arguments_are_json_where_json_is_asked_for() {
    let home = home();
    let ran = run(home.path(), &["node", "stake", "many", "--output", "json"]);
    assert_eq!(ran.status, 2);
    let (code, text) = ran.json_error();
    assert_eq!(code, "A0002");
    assert!(text.starts_with("A0002 ") && text.contains("many"), "{text}");
    assert_eq!(ran.stderr.lines().count(), 1);
}

#[test]
fn every_command_explains_itself_on_stdout() {
    let home = home();
    for group in [
        &[][..],
        &["localnet"],
        &["network", "plan"],
        &["network", "apply"],
        &["node", "init"],
        &["node", "run"],
        &["model", "export-digits"],
        &["job", "post"],
        &["job", "result"],
        &["budget", "create"],
        &["budget", "set"],
        &["store", "serve"],
        &["store", "put"],
        &["store", "gc"],
        &["mcp"],
        &["measure"],
        &["demo"],
    ] {
        let arguments: Vec<&str> = group.iter().copied().chain(["--help"]).collect();
        let ran = run(home.path(), &arguments);
        assert_eq!(ran.status, 0, "{arguments:?}");
        assert!(ran.stdout.contains("Usage: assay") && ran.stderr.is_empty(), "{arguments:?}");
    }
    assert!(run(home.path(), &["--help"]).stdout.contains("Exit status"));
    assert!(run(home.path(), &["--version"]).stdout.starts_with("assay "));
}

#[test]
fn a_price_that_would_fall_is_refused_before_anything_else() {
    let home = home();
    super::write_keypair(&home.path().join("id.json"));
    let mint = "So11111111111111111111111111111111111111112";
    let ran = run(
        home.path(),
        &[
            "job",
            "post",
            "--url",
            NOWHERE,
            "-k",
            "id.json",
            "--graph",
            "g",
            "--params",
            "p",
            "--inputs",
            "i",
            "--store-url",
            "http://x",
            "--mint",
            mint,
            "--price-min",
            "2",
            "--price-max",
            "1",
            "--output",
            "json",
        ],
    );
    assert_eq!((ran.status, ran.json_error().0.as_str()), (2, "A0602"));
}
