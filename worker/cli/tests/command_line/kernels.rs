//! Custom kernels: check, build, and errors with their place.

use super::{home, run};
use std::fs;

const KERNEL: &str = "//! axis y: 1..=8
//! axis x: 16
//! param curve: u8 [4] at [?]
//! input image: u8 [y, x] at [y, x]
//! output shade: u8

@group(0) @binding(0) var<storage, read> curve: array<u32>;

fn element(image: u32) -> u32 {
    return curve[image >> 6u];
}
";

#[test]
fn a_kernel_is_checked_and_built_into_files_that_a_graph_is_made_of() {
    let home = home();
    fs::write(home.path().join("tone.wgsl"), KERNEL).expect("a file");
    let checked = run(home.path(), &["kernel", "check", "tone.wgsl", "--output", "json"]);
    assert_eq!(checked.status, 0, "{}", checked.stderr);
    let value = checked.json();
    assert!(value["instructions"].as_u64().is_some_and(|count| (3..10).contains(&count)), "{value}");
    assert_eq!((&value["symbols"][0], &value["input_slots"]["image"]), (&"y".into(), &1.into()));

    let pixels = vec!["7"; 16].join(",");
    let image = format!("image={pixels}");
    let build = ["kernel", "build", "tone.wgsl", "--folder", "out", "--param", "curve=0,10,20,255", "--input", &image];
    let built = run(home.path(), &[&build[..], &["--output", "json"]].concat());
    assert_eq!(built.status, 0, "{}", built.stderr);
    assert!(home.path().join("out/tone.inputs").exists());
    let graph = run(home.path(), &["model", "check", "out/tone.graph", "--output", "json"]);
    assert_eq!(graph.json()["ops"], 1);
    let without = run(home.path(), &["kernel", "build", "tone.wgsl", "--output", "json"]);
    assert_eq!(without.json_error().0, "M0103", "a param is needed");
    for (option, value, code) in [
        ("--param", "curve=0,10,20,256", "A0608"),
        ("--param", "curve=0,10,20", "M0103"),
        ("--param", "curves=0,10,20,30", "A0607"),
        ("--param", "curve=@none", "A0101"),
    ] {
        let refused = run(home.path(), &["kernel", "build", "tone.wgsl", option, value, "--output", "json"]);
        assert_eq!((refused.status, refused.json_error().0.as_str()), (1, code), "{value}");
    }
    fs::write(home.path().join("bytes.wgsl"), [0xff, 0xfe]).expect("a file");
    let refused = run(home.path(), &["kernel", "build", "bytes.wgsl", "--output", "json"]);
    assert_eq!(refused.json_error().0, "A0615", "a kernel is text");
    let pi = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/kernels/pi.wgsl");
    let refused = run(home.path(), &["kernel", "build", pi, "--input", "seed=1", "--output", "json"]);
    assert_eq!(refused.json_error().0, "A0614", "one of two inputs is missing");
}

#[test]
fn errors_are_shown_at_their_line_and_column_and_told_to_programs() {
    let home = home();
    let source = KERNEL.replace("image >> 6u", "u32(f32(image) * 0.5)");
    fs::write(home.path().join("tone.wgsl"), &source).expect("a file");
    let shown = run(home.path(), &["kernel", "check", "tone.wgsl"]);
    assert_eq!(shown.status, 1);
    for text in ["K0309", "--> tone.wgsl:10:22", "10 |     return curve[u32(f32(image) * 0.5)];", "^^^^^^^^^^", "help:"]
    {
        assert!(shown.stderr.contains(text), "{text} is not in {}", shown.stderr);
    }
    let told = run(home.path(), &["kernel", "check", "tone.wgsl", "--output", "json"]);
    let (code, text) = told.json_error();
    assert_eq!(code, "K0309");
    assert!(text.contains("tone.wgsl:10:22"), "{text}");
    let value: serde_json::Value = serde_json::from_str(told.stderr.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&value["place"]["line"], &value["place"]["column"]), (&10.into(), &22.into()));
}
