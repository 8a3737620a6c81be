//! Graphs and stores: everything here works without a chain.

use super::{home, run};
use serde_json::Value;
use std::fs;

#[test]
fn the_digits_model_goes_from_export_to_a_store() {
    let home = home();
    let exported = run(home.path(), &["model", "export-digits", "digits", "--images", "3", "--output", "json"]);
    assert_eq!(exported.status, 0, "{}", exported.stderr);
    let value = exported.json();
    assert_eq!(value["symbols"], serde_json::json!([3]));
    assert_eq!(value["labels"].as_array().map(Vec::len), Some(3));

    let checked = run(home.path(), &["model", "check", "digits/digits.graph", "--output", "json"]).json();
    assert!(checked["ops"].as_u64().is_some_and(|ops| ops >= 5), "{checked}");
    assert_eq!(checked["root"].as_str().map(str::len), Some(64));

    let shown =
        run(home.path(), &["model", "show", "digits/digits.graph", "--symbols", "3", "--output", "json"]).json();
    assert_eq!(shown["ops"].as_array().map(Vec::len), checked["ops"].as_u64().map(|ops| ops as usize));
    assert!(shown["param_bytes"].as_u64().is_some_and(|bytes| bytes > 1_000));

    let add = ["model", "add", "digits/digits.graph", "--params", "digits/digits.params", "--store", "store"];
    let added = run(home.path(), &[&add[..], &["--output", "json"]].concat()).json();
    for name in ["graph", "params"] {
        assert_eq!(added[name].as_str().map(str::len), Some(64), "{added}");
    }
    assert_eq!(added, run(home.path(), &[&add[..], &["--output", "json"]].concat()).json(), "adding again is the same");
}

#[test]
fn files_that_are_no_graphs_are_refused_by_code() {
    let home = home();
    let missing = run(home.path(), &["model", "check", "none.graph", "--output", "json"]);
    let (code, text) = missing.json_error();
    assert_eq!((missing.status, code.as_str()), (1, "A0101"));
    assert!(text.contains("none.graph"), "{text}");

    fs::write(home.path().join("x.graph"), "not a graph").expect("a file");
    assert_eq!(run(home.path(), &["model", "check", "x.graph", "--output", "json"]).json_error().0, "G0001");

    assert_eq!(run(home.path(), &["model", "export-digits", "d"]).status, 0);
    let graph = fs::read(home.path().join("d/digits.graph")).expect("the graph");
    fs::write(home.path().join("cut.graph"), &graph[..graph.len() / 2]).expect("a file");
    assert_eq!(run(home.path(), &["model", "check", "cut.graph", "--output", "json"]).json_error().0, "G0001");

    let symbols = run(home.path(), &["model", "show", "d/digits.graph", "--symbols", "1,2", "--output", "json"]);
    assert_eq!((symbols.status, symbols.json_error().0.as_str()), (2, "A0102"));
}

#[test]
fn params_of_another_shape_do_not_enter_a_store() {
    let home = home();
    assert_eq!(run(home.path(), &["model", "export-digits", "d"]).status, 0);
    let add = |params: &str| {
        let arguments = ["model", "add", "d/digits.graph", "--params", params, "--store", "store", "--output", "json"];
        run(home.path(), &arguments)
    };
    let inputs = add("d/digits.inputs");
    assert_eq!((inputs.status, inputs.json_error().0.as_str()), (1, "M0205"));
    fs::write(home.path().join("empty"), "").expect("a file");
    assert!(add("empty").json_error().0.starts_with("M02"));
}

#[test]
fn text_is_for_people_and_json_for_programs() {
    let home = home();
    let text = run(home.path(), &["model", "export-digits", "d"]).stdout;
    assert!(text.contains("digits.graph") && serde_json::from_str::<Value>(&text).is_err());
    let json = run(home.path(), &["model", "export-digits", "d", "--output", "json"]).stdout;
    assert_eq!(json.lines().count(), 1);
}
