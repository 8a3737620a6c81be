//! One configuration for all property tests: the same cases in every run, no files written.

use proptest::test_runner::{Config, RngSeed};

/// 512 cases from a fixed seed.
pub(crate) fn cases() -> Config {
    Config { cases: 512, rng_seed: RngSeed::Fixed(0x00a5_5a11), failure_persistence: None, ..Config::default() }
}

/// Compares `app/vectors/NAME.json`, a list of objects, with these objects. Writes it where `ASSAY_WRITE_VECTORS` is set.
pub(crate) fn check_vectors(name: &str, objects: &[String]) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../app/vectors/{name}.json"));
    let text = format!("[\n{}\n]\n", objects.join(",\n"));
    if std::env::var_os("ASSAY_WRITE_VECTORS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{} differs: run ASSAY_WRITE_VECTORS=1 cargo test -p assay vectors", path.display());
}
