//! Sources of kernels: what compiles is a program that the referee's checks take, and what does not is explained.
#![no_main]

use assay_compiler::compile;
use libfuzzer_sys::fuzz_target;
use referee::graph::{Graph, MAX_CONSTANTS, MAX_STEPS, MAX_WORDS, REGISTERS};
use std::collections::BTreeMap;

fuzz_target!(|source: &str| {
    match compile(source) {
        Ok(kernel) => {
            assert!(kernel.steps <= u64::from(MAX_STEPS) && kernel.registers <= REGISTERS);
            assert!(kernel.program.code.len() <= MAX_WORDS && kernel.program.constants.len() <= MAX_CONSTANTS);
            if let Ok(model) = kernel.model(&BTreeMap::new()) {
                let bytes = model.graph.encode();
                assert_eq!(Graph::decode(&bytes).expect("just written"), model.graph);
                model.graph.check().expect("what compiles passes the checks");
            }
            assert_eq!(compile(source).expect("it compiled").program, kernel.program, "two programs of one source");
        }
        Err(error) => {
            assert!(error.code.starts_with("K0"), "{}", error.code);
            assert!(error.render("kernel.wgsl", source).contains(&error.help));
        }
    }
});
