//! Models in ONNX: read, translated, folded and simplified, or refused with a code; never more memory than the file is worth.
#![no_main]

use assay_import::float::Extent;
use assay_import::{ImportOptions, SymbolBounds, import_onnx};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let bounds = |name: &str, max| SymbolBounds { name: name.to_owned(), min: 1, max };
    for symbols in [vec![], vec![bounds("batch", 4)], vec![bounds("batch", 4), bounds("tokens", 8)]] {
        for drop_final_softmax in [false, true] {
            let options = ImportOptions { symbols: symbols.clone(), drop_final_softmax };
            match import_onnx(bytes, &options) {
                Ok(graph) => {
                    for node in &graph.nodes {
                        assert!(node.inputs.iter().chain(&node.outputs).all(|id| id.index() < graph.values.len()));
                    }
                    for value in &graph.values {
                        let known = |extent: &Extent| match *extent {
                            Extent::Known(_) => true,
                            Extent::Symbol(symbol) => usize::from(symbol) < graph.symbols.len(),
                        };
                        assert!(value.shape.iter().all(known), "{}", value.name);
                    }
                }
                Err(error) => assert!(error.to_string().starts_with(error.code()), "{error}"),
            }
        }
    }
});
