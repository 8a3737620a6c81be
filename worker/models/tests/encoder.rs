//! Encoders with made-up weights: their shapes, and that they do not collapse.

use assay_models::encoder::{IDS_SLOT, MASK_SLOT, Shape, inputs, model};
use referee::graph::Slot;
use referee::semantics;

#[test]
fn an_encoder_gives_unit_rows_that_differ_from_text_to_text() {
    let shape = Shape::tiny();
    let model = model(&shape, 1).unwrap();
    let (batch, tokens) = (3, 20);
    let graph = model.resolve(&[batch, tokens]).unwrap();
    let given = inputs(&shape, batch, tokens, 2);
    let slots = 0..graph.tensors.len() as Slot;
    let bytes: Vec<&[u8]> =
        slots.map(|slot| given.get(&slot).or(model.params.get(&slot)).map_or(&[][..], |bytes| bytes)).collect();
    let trace = semantics::run(&graph, &bytes).unwrap();
    let unit = &trace.tensors[usize::from(model.slot("unit").unwrap())];
    let rows: Vec<Vec<f64>> = unit
        .as_chunks::<2>()
        .0
        .chunks_exact(shape.hidden as usize)
        .map(|row| row.iter().map(|bytes| f64::from(i16::from_le_bytes(*bytes)) / 32_768.0).collect())
        .collect();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    assert_eq!(rows.len(), batch as usize);
    for (index, row) in rows.iter().enumerate() {
        assert!((product(row, row) - 1.0).abs() < 1e-3);
        assert!(rows[..index].iter().all(|other| product(row, other) < 0.99));
    }
    assert!(given[&MASK_SLOT].contains(&0), "the later texts are shorter");
    assert_eq!(given[&IDS_SLOT].len(), 4 * 60);
}

#[test]
fn mini_lm_is_refereeable_and_cut_in_segments() {
    let model = model(&Shape { vocabulary: 100, ..Shape::mini_lm() }, 1).unwrap();
    assert!(model.graph.cuts.len() >= 5, "{:?}", model.graph.cuts);
    assert!(model.report.lints.iter().all(|lint| lint.code != "G0202"), "{:?}", model.report.lints);
}
