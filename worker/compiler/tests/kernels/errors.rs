//! What kernels do not have is refused where it stands, with a stable code.

use assay_compiler::compile;

const HEADER: &str = "//! axis x: 64\n//! input a: i32 [x] at [x]\n//! input t: i32 [8] at [?]\n//! output r: i32\n";

/// Code, line within the body and column of the error of a body.
fn refused(body: &str) -> (&'static str, u32, u32) {
    let error = compile(&format!("{HEADER}{body}")).expect_err(body);
    assert!(!error.help.is_empty(), "{error}");
    let place = error.location.unwrap_or_else(|| panic!("{error} has no place"));
    (error.code, place.line - 4, place.column)
}

#[test]
fn what_is_no_wgsl() {
    assert_eq!(refused("fn element(a: i32) -> i32 { return b; }"), ("K0201", 1, 36));
    assert_eq!(refused("fn element(a: i32) -> i32 {\n    return a + 1u;\n}"), ("K0202", 2, 12));
    assert_eq!(refused("fn element(a: i32) -> i32 { return }"), ("K0201", 1, 36));
    assert_eq!(
        refused("fn f(a: i32) -> i32 { return element(a); }\nfn element(a: i32) -> i32 { return f(a); }").0,
        "K0201"
    );
}

#[test]
fn signatures_that_do_not_fit_the_header() {
    let error = compile(&format!("{HEADER}fn other() {{}}")).unwrap_err();
    assert_eq!(error.code, "K0301");
    assert_eq!(refused("fn element(b: i32) -> i32 { return b; }").0, "K0305");
    assert_eq!(refused("fn element(t: i32) -> i32 { return t; }").0, "K0305");
    assert_eq!(refused("fn element(a: bool) -> i32 { return 1; }").0, "K0304");
    assert_eq!(refused("fn element(a: vec2<i32>) -> i32 { return 1; }").0, "K0304");
    assert_eq!(refused("fn element(a: i32) { }").0, "K0306");
    assert_eq!(refused("fn element(a: i32) -> vec2<i32> { return vec2<i32>(a); }").0, "K0306");
    assert_eq!(refused("struct S { q: i32 }\nfn element(a: i32) -> S { return S(a); }").0, "K0306");
    assert_eq!(refused("fn element(a: u64) -> u64 { return a; }").0, "K0306");
}

#[test]
fn globals_that_are_no_tensors() {
    assert_eq!(refused("var<private> g: i32;\nfn element(a: i32) -> i32 { return g; }"), ("K0302", 1, 1));
    assert_eq!(refused("override g: i32 = 4;\nfn element(a: i32) -> i32 { return g; }").0, "K0302");
    let texture = "@group(0) @binding(0) var t: texture_2d<i32>;\nfn element(a: i32) -> i32 { return a; }";
    assert_eq!(refused(texture), ("K0302", 1, 23));
    let floats = "@group(0) @binding(0) var<storage, read> t: array<f32>;\nfn element(a: i32) -> i32 { return a; }";
    assert_eq!(refused(floats).0, "K0302");
    let written = "@group(0) @binding(0) var<storage, read_write> t: array<i32>;\n\
                   fn element(a: i32) -> i32 { t[0] = 1; return a; }";
    assert_eq!(refused(written).0, "K0307");
}

#[test]
fn floats_textures_atomics_and_pointers() {
    assert_eq!(refused("fn element(a: i32) -> i32 {\n  let x = f32(a);\n  return i32(x);\n}"), ("K0309", 2, 11));
    assert_eq!(refused("fn element(a: i32) -> i32 {\n  var x: f32;\n  return a;\n}").0, "K0303");
    assert_eq!(refused("fn element(a: i32) -> i32 { var x = 1.5; x += 1.0; return a; }").0, "K0303");
    assert_eq!(
        refused("fn f(p: ptr<function, i32>) { *p = 1; }\nfn element(a: i32) -> i32 { var x = a; f(&x); return x; }").0,
        "K0303"
    );
    assert_eq!(refused("fn element(a: i32) -> i32 { return countOneBits(a); }"), ("K0309", 1, 36));
    assert_eq!(refused("fn element(a: i32) -> i32 { var v = vec4<i32>(1, 2, 3, 4); return v[a]; }").0, "K0308");
    assert_eq!(refused("fn element(a: i32) -> i32 { workgroupBarrier(); return a; }").0, "K0309");
}

#[test]
fn loops_that_are_not_known_to_end() {
    let at_loop = ("K0401", 2, 3);
    assert_eq!(
        refused("fn element(a: i32) -> i32 { var x = a;\n  loop { x += 1; if x > 5 { break; } }\n return x; }"),
        at_loop
    );
    assert_eq!(
        refused("fn element(a: i32) -> i32 { var x = 0;\n  for (var i = 0; i < a; i++) { x += 1; }\n return x; }"),
        at_loop
    );
    assert_eq!(
        refused("fn element(a: i32) -> i32 { var x = 0;\n  for (var i = 0; i < 9000; i++) { x += a; }\n return x; }"),
        at_loop
    );
    assert_eq!(
        refused("fn element(a: i32) -> i32 { var x = 0;\n  for (var i = 0; i < 10; i += x) { x += a; }\n return x; }"),
        at_loop
    );
}

#[test]
fn what_the_machine_does_not_hold() {
    let many = |count: usize, line: &str| {
        (0..count).map(|k| line.replace('#', &(k * 3 + 1_000_003).to_string())).collect::<String>()
    };
    let long =
        format!("fn element(a: i32) -> i32 {{ var x = a; {} return x; }}", many(40, "x = ((x * x) ^ 5) + (x >> 3u);"));
    assert_eq!(refused(&long), ("K0403", 1, 1));
    let constants =
        format!("fn element(a: i32) -> i32 {{ var x = a; {} return x; }}", many(33, "x = (x & 0xffff) ^ #;"));
    assert_eq!(refused(&constants).0, "K0404");
    let lives: Vec<String> = (0..18).map(|k| format!("let v{k} = (a * {}) ^ a;\n", k + 2)).collect();
    let sum: Vec<String> = (0..18).map(|k| format!("(v{k} | s)")).collect();
    let crowded =
        format!("fn element(a: i32) -> i32 {{\n{}let s = a * 99;\nreturn {};\n}}", lives.join(""), sum.join(" * "));
    let (code, line, _) = refused(&crowded);
    assert_eq!(code, "K0405");
    assert!((2..=20).contains(&line), "at the value that finds no register: {line}");
    let steps =
        "fn element(a: i32) -> i32 { var x = a; for (var i = 0; i < 4000; i++) { x = (x * x) ^ i; } return x; }";
    assert_eq!(refused(steps).0, "K0406");
    let promised = format!(
        "//! steps 100\n{HEADER}fn element(a: i32) -> i32 {{ var x = a; for (var i = 0; i < 40; i++) {{ x = (x * x) ^ i; }} return x; }}"
    );
    assert_eq!(compile(&promised).unwrap_err().code, "K0406");
    assert!(compile(&promised.replace("steps 100", "steps 400")).is_ok());
}

#[test]
fn params_are_given_and_of_their_length() {
    let source = format!("{}fn element(a: i32) -> i32 {{ return a; }}", HEADER.replace("input a", "param a"));
    let kernel = compile(&source.replace("//! input t: i32 [8] at [?]\n", "")).unwrap();
    let model =
        |bytes: Option<Vec<u8>>| kernel.model(&bytes.map(|bytes| ("a".to_owned(), bytes)).into_iter().collect());
    assert!(model(Some(vec![0; 256])).is_ok());
    for wrong in [None, Some(vec![0; 255]), Some(vec![0; 260])] {
        assert!(model(wrong.clone()).unwrap_err().to_string().starts_with("M0103"), "{wrong:?}");
    }
}
