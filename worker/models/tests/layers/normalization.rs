//! Normalised rows against the same in floating point.

use crate::evaluation::{evaluate, values};
use crate::finish;
use assay_models::builder::{BuildError, GraphBuilder, Normalization};
use referee::graph::{Dim, Dtype};

/// A normalisation of rows of `width`: dtype of the input, the output, whether the mean is taken out.
#[derive(Clone, Copy, Debug)]
struct Case {
    input: Dtype,
    output: Dtype,
    width: usize,
    /// Greatest size of an element.
    greatest: i64,
    centred: bool,
    transposed: bool,
    epsilon: f64,
}

const PRECISION: u8 = 16;
const ROWS: usize = 5;

fn check(case: Case) {
    let Case { input, output, width, greatest, centred, transposed, epsilon } = case;
    let one = f64::from(1u32 << PRECISION);
    let gain: Vec<i32> = values(width, 1 << 20, 3 << 20, 1).iter().map(|gain| *gain as i32).collect();
    let offset: Vec<i32> = values(width, -(20 << PRECISION), 20 << PRECISION, 2).iter().map(|o| *o as i32).collect();
    let length = width as f64;
    let normalization = Normalization {
        gain: &gain,
        offset: &offset,
        gain_axis: 2,
        precision: PRECISION,
        epsilon: (epsilon * length * length).round() as u64,
        transposed,
        output,
    };
    let mut graph = GraphBuilder::new();
    let batch = graph.symbol("batch", 1, 512).unwrap();
    let rows = graph.input("rows", input, &[batch, Dim::Const(ROWS as u32), Dim::Const(width as u32)]).unwrap();
    let normalised = match centred {
        true => graph.layer_norm("norm", &rows, &normalization),
        false => graph.rms_norm("norm", &rows, &normalization),
    };
    let model = finish(graph, &normalised.unwrap());
    assert!(model.report.lints.is_empty(), "{case:?}: {:?}", model.report.lints);

    let mut given = values(2 * ROWS * width, input.range().0.max(-greatest), greatest, 3);
    // a row of one value, and one with a single peak
    given[..width].fill(greatest);
    given[width..2 * width].fill(0);
    given[width] = greatest;
    let found = evaluate(&model, &[2], &[&given], "norm");
    let (low, high) = output.range();
    let mut seen = 0;
    for (index, row) in given.chunks_exact(width).enumerate() {
        let mean = if centred { row.iter().sum::<i64>() as f64 / length } else { 0.0 };
        let square = row.iter().map(|x| (*x as f64 - mean).powi(2)).sum::<f64>() / length;
        let deviation = (square + epsilon).sqrt();
        for (at, value) in row.iter().enumerate() {
            let z = if deviation > 0.0 { (*value as f64 - mean) / deviation } else { 0.0 };
            let exact = (z * f64::from(gain[at]) + f64::from(offset[at])) / one;
            let exact = exact.clamp(low as f64, high as f64);
            let element =
                if transposed { (index / ROWS * width + at) * ROWS + index % ROWS } else { index * width + at };
            // The last rounding is at most half a step. The root is rounded down to 13 bits or more, and so is the quotient;
            // epsilon was rounded to a whole number of squared steps, z to 2^-20, of which gain / 2^PRECISION make a step.
            let bound = 0.5 + exact.abs() * 3.0 / 8192.0 + f64::from(gain[at]) / one / 1e6 + 1e-6;
            let error = (found[element] as f64 - exact).abs();
            assert!(error <= bound, "{case:?} row {index} at {at}: {} for {exact}, bound {bound}", found[element]);
            seen += usize::from(found[element] != offset[at] as i64);
        }
    }
    assert!(seen > ROWS * width);
}

#[test]
fn rows_are_normalised_within_a_step_of_the_output() {
    let base = Case {
        input: Dtype::I16,
        output: Dtype::I8,
        width: 384,
        greatest: 3000,
        centred: true,
        transposed: false,
        epsilon: 0.0,
    };
    for centred in [true, false] {
        check(Case { centred, ..base });
        check(Case { centred, output: Dtype::I16, ..base });
        check(Case { centred, output: Dtype::I16, greatest: 32_767, ..base });
        check(Case { centred, greatest: 4, ..base });
        check(Case { centred, input: Dtype::I8, greatest: 127, width: 64, output: Dtype::I16, ..base });
        check(Case { centred, input: Dtype::U8, greatest: 127, width: 7, ..base });
        check(Case { centred, width: 1, ..base });
        check(Case { centred, width: 1024, greatest: 20_000, ..base });
        check(Case { centred, transposed: true, ..base });
        check(Case { centred, epsilon: 2.5e5, output: Dtype::I16, ..base });
    }
}

#[test]
fn gains_may_follow_another_axis() {
    let mut graph = GraphBuilder::new();
    let [channels, positions] = [3, 4].map(Dim::Const);
    let input = graph.input("input", Dtype::I16, &[channels, positions]).unwrap();
    let normalization = Normalization {
        gain: &[100 << 8, 200 << 8, 300 << 8],
        offset: &[0, 0, 7 << 8],
        gain_axis: 0,
        precision: 8,
        epsilon: 0,
        transposed: true,
        output: Dtype::I16,
    };
    let output = graph.layer_norm("norm", &input, &normalization).unwrap();
    assert_eq!(output.shape(), [positions, channels]);
    let model = finish(graph, &output);
    let rows = [-30, 30, -30, 30].repeat(3);
    // z is -1 and 1 by turns, written positions first
    let expected = [-100, -200, -293, 100, 200, 307].repeat(2);
    assert_eq!(evaluate(&model, &[], &[&rows], "norm"), expected);
}

#[test]
fn rows_get_unit_length() {
    let mut graph = GraphBuilder::new();
    let [rows, width] = [4, 96].map(Dim::Const);
    let input = graph.input("input", Dtype::I16, &[rows, width]).unwrap();
    let output = graph.l2_normalize("unit", &input, 15, Dtype::I16).unwrap();
    let model = finish(graph, &output);
    assert!(model.report.lints.is_empty(), "{:?}", model.report.lints);
    let mut given = values(4 * 96, -32_768, 32_767, 5);
    given[..96].fill(0);
    given[96..192].fill(0);
    given[100] = -77;
    given[192..288].copy_from_slice(&values(96, -20, 20, 6));
    let found = evaluate(&model, &[], &[&given], "unit");
    for (row, found) in given.chunks_exact(96).zip(found.chunks_exact(96)) {
        let length = row.iter().map(|x| (x * x) as f64).sum::<f64>().sqrt().max(1.0);
        for (value, found) in row.iter().zip(found) {
            let exact = (*value as f64 / length * 32_768.0).clamp(-32_768.0, 32_767.0);
            // half a step, and the root and the quotient rounded down to 14 bits
            let bound = 0.5 + exact.abs() * 2.0 / 16_384.0;
            assert!((*found as f64 - exact).abs() <= bound, "{found} for {exact}");
        }
    }
    assert!(found[..96].iter().all(|value| *value == 0));
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut graph = GraphBuilder::new();
    let batch = graph.symbol("batch", 1, 4).unwrap();
    let input = graph.input("input", Dtype::I16, &[batch, Dim::Const(4)]).unwrap();
    let wide = graph.input("wide", Dtype::I32, &[batch, Dim::Const(4)]).unwrap();
    let open = graph.input("open", Dtype::I16, &[Dim::Const(4), batch]).unwrap();
    let long = graph.input("long", Dtype::I16, &[batch, Dim::Const(20_000)]).unwrap();
    let base = Normalization {
        gain: &[1; 4],
        offset: &[0; 4],
        gain_axis: 1,
        precision: 8,
        epsilon: 0,
        transposed: false,
        output: Dtype::I8,
    };
    let fails =
        |input, normalization: Normalization<'_>| graph.clone().layer_norm("norm", input, &normalization).unwrap_err();
    for input in [&wide, &open, &long] {
        assert!(matches!(fails(input, base), BuildError::Shape { .. }));
        assert!(matches!(graph.clone().l2_normalize("norm", input, 8, Dtype::I8), Err(BuildError::Shape { .. })));
    }
    assert!(matches!(fails(&input, Normalization { gain: &[1; 3], ..base }), BuildError::Length { .. }));
    assert!(matches!(fails(&input, Normalization { offset: &[], ..base }), BuildError::Length { .. }));
    assert!(matches!(fails(&input, Normalization { gain_axis: 0, ..base }), BuildError::Shape { .. }));
    assert!(matches!(fails(&input, Normalization { gain_axis: 2, ..base }), BuildError::Shape { .. }));
    assert!(matches!(fails(&input, Normalization { precision: 0, ..base }), BuildError::Quantisation { .. }));
    assert!(matches!(fails(&input, Normalization { precision: 41, ..base }), BuildError::Quantisation { .. }));
    assert!(matches!(fails(&input, Normalization { epsilon: 1 << 62, ..base }), BuildError::Quantisation { .. }));
    assert!(matches!(graph.clone().l2_normalize("norm", &input, 21, Dtype::I8), Err(BuildError::Quantisation { .. })));
}
