//! Every layer against its textbook definition, written out as loops.

mod attention;
mod evaluation;
mod lookup;
mod normalization;

use assay_models::builder::{
    Addition, Convolution, GraphBuilder, Model, Operand, Requantization, TensorHandle, Weights, Window, axis, fixed,
};
use evaluation::{evaluate, requantized, values, weights};
use referee::graph::{Dim, Dtype};

fn finish(mut graph: GraphBuilder, output: &TensorHandle) -> Model {
    graph.output(output);
    graph.build().unwrap()
}

#[test]
fn linear_takes_the_innermost_axes_together() {
    let (batch, inputs, outputs) = (3usize, 2 * 5usize, 7usize);
    let matrix = weights(inputs * outputs, 1);
    let bias: Vec<i32> = values(outputs, -5000, 5000, 2).iter().map(|v| *v as i32).collect();
    let multiplier: Vec<i32> = values(outputs, 1, i64::from(i32::MAX), 3).iter().map(|v| *v as i32).collect();
    let requantization =
        Requantization { bias: &bias, multiplier: &multiplier, shift: 38, clamp: Some((-100, 90)), output: Dtype::I8 };
    let mut graph = GraphBuilder::new();
    let rows = graph.symbol("batch", 1, 8).unwrap();
    let input = graph.input("input", Dtype::I8, &[rows, Dim::Const(2), Dim::Const(5)]).unwrap();
    let shape = Weights { outputs: 7, inputs: 10, values: &matrix };
    let output = graph.linear("linear", &input, &shape, &requantization).unwrap();
    assert_eq!(output.shape(), [rows, Dim::Const(7)]);
    let model = finish(graph, &output);

    let given = values(batch * inputs, -128, 127, 4);
    let mut expected = Vec::new();
    for row in 0..batch {
        for out in 0..outputs {
            let products = (0..inputs).map(|k| given[row * inputs + k] * i64::from(matrix[out * inputs + k]));
            expected.push(requantized(products.sum(), bias[out], multiplier[out], 38).clamp(-100, 90));
        }
    }
    assert_eq!(evaluate(&model, &[batch as u32], &[&given], "linear"), expected);
    assert!(expected.contains(&90) && expected.iter().any(|value| value.abs() < 90));
}

/// The pixel at signed coordinates, `outside` beyond the image.
struct Picture<'a> {
    values: &'a [i64],
    size: [i64; 3],
}

impl Picture<'_> {
    fn at(&self, batch: usize, [y, x]: [i64; 2], channel: i64, outside: i64) -> i64 {
        let [height, width, channels] = self.size;
        if y < 0 || y >= height || x < 0 || x >= width {
            return outside;
        }
        self.values[(((batch as i64 * height + y) * width + x) * channels + channel) as usize]
    }
}

/// Windows with stride, padding and dilation, on an image that is not square.
fn windows() -> Vec<(Window, [usize; 2])> {
    vec![
        (Window::square(3).padding(1), [6, 5]),
        (Window::square(3).stride(2).padding(1), [3, 3]),
        (Window { size: [1, 4], stride: [1, 1], padding: [0, 2], dilation: [1, 1] }, [6, 6]),
        (Window::square(2).dilation(3), [3, 2]),
        (Window::square(2).stride(2), [3, 2]),
        (Window { size: [6, 5], stride: [1, 1], padding: [0, 0], dilation: [1, 1] }, [1, 1]),
    ]
}

/// Pixel under a tap of a window at a place.
fn pixel(window: &Window, place: [usize; 2], tap: [u32; 2]) -> [i64; 2] {
    [0, 1].map(|side| {
        place[side] as i64 * i64::from(window.stride[side]) + i64::from(tap[side]) * i64::from(window.dilation[side])
            - i64::from(window.padding[side])
    })
}

fn taps(window: &Window) -> Vec<[u32; 2]> {
    let columns = window.size[1];
    (0..window.size[0]).flat_map(|row| (0..columns).map(move |column| [row, column])).collect()
}

#[test]
fn conv2d_reads_zeros_outside_the_image() {
    let (batch, size, filters) = (2usize, [6i64, 5, 3], 4usize);
    let given = values(batch * 90, 0, 255, 5);
    let picture = Picture { values: &given, size };
    for (window, places) in windows() {
        let taps = taps(&window);
        let kernel = weights(filters * taps.len() * 3, 6);
        let bias = [7, -3000, 0, 12_345];
        let multiplier = [1 << 20, 3 << 18, 1, -(1 << 19)];
        let requantization =
            Requantization { bias: &bias, multiplier: &multiplier, shift: 28, clamp: None, output: Dtype::I16 };
        let mut graph = GraphBuilder::new();
        let input = graph.input("input", Dtype::U8, &[2, 6, 5, 3].map(Dim::Const)).unwrap();
        let convolution = Convolution { filters: 4, window, values: &kernel };
        let output = graph.conv2d("conv", &input, &convolution, &requantization).unwrap();
        assert_eq!(output.shape(), [2, places[0] as u32, places[1] as u32, 4].map(Dim::Const));
        let model = finish(graph, &output);

        let mut expected = Vec::new();
        for image in 0..batch {
            for place in (0..places[0]).flat_map(|y| (0..places[1]).map(move |x| [y, x])) {
                for filter in 0..filters {
                    let mut sum = 0;
                    for (index, tap) in taps.iter().enumerate() {
                        for channel in 0..3 {
                            let weight = kernel[(filter * taps.len() + index) * 3 + channel as usize];
                            sum += picture.at(image, pixel(&window, place, *tap), channel, 0) * i64::from(weight);
                        }
                    }
                    let value = requantized(sum, bias[filter], multiplier[filter], 28);
                    expected.push(Dtype::I16.saturate(value));
                }
            }
        }
        assert_eq!(evaluate(&model, &[], &[&given], "conv"), expected, "{window:?}");
    }
}

#[test]
fn pools_of_every_window_and_type() {
    let size = [6i64, 5, 3];
    for dtype in [Dtype::I8, Dtype::U8, Dtype::I16] {
        let (low, high) = dtype.range();
        let given = values(2 * 90, low, high, 7);
        let picture = Picture { values: &given, size };
        for (window, places) in windows() {
            let mut graph = GraphBuilder::new();
            let input = graph.input("input", dtype, &[2, 6, 5, 3].map(Dim::Const)).unwrap();
            let greatest = graph.max_pool("max", &input, &window).unwrap();
            let average = graph.average_pool("average", &input, &window).unwrap();
            graph.output(&greatest);
            let model = finish(graph, &average);
            let taps = taps(&window);
            let count = taps.len() as i64;
            let (mut greatest, mut averages) = (Vec::new(), Vec::new());
            for image in 0..2 {
                for place in (0..places[0]).flat_map(|y| (0..places[1]).map(move |x| [y, x])) {
                    for channel in 0..3 {
                        let under = |outside: i64| {
                            let picture = &picture;
                            taps.iter().map(move |tap| picture.at(image, pixel(&window, place, *tap), channel, outside))
                        };
                        greatest.extend(under(low).max());
                        averages.push((2 * under(0).sum::<i64>() + count).div_euclid(2 * count));
                    }
                }
            }
            assert_eq!(evaluate(&model, &[], &[&given], "max"), greatest, "{window:?} {dtype:?}");
            assert_eq!(evaluate(&model, &[], &[&given], "average"), averages, "{window:?} {dtype:?}");
        }
    }
}

#[test]
fn averages_round_exact_halves_up_on_both_sides_of_zero() {
    let mut graph = GraphBuilder::new();
    let input = graph.input("input", Dtype::I8, &[1, 1, 2, 6].map(Dim::Const)).unwrap();
    let window = Window { size: [1, 2], ..Window::square(1) };
    let average = graph.average_pool("average", &input, &window).unwrap();
    let model = finish(graph, &average);
    let given = [-3, -1, 0, 1, -128, 127, 0, 0, 1, 2, -127, 126];
    assert_eq!(evaluate(&model, &[], &[&given], "average"), [-1, 0, 1, 2, -127, 127]);
}

#[test]
fn addition_scales_each_summand() {
    let mut graph = GraphBuilder::new();
    let a = graph.input("a", Dtype::I8, &[Dim::Const(50)]).unwrap();
    let b = graph.input("b", Dtype::I16, &[Dim::Const(50)]).unwrap();
    let addition = Addition { multipliers: [3 << 10, -5], shift: 8, output: Dtype::I8 };
    let sum = graph.add("sum", &a, &b, &addition).unwrap();
    let model = finish(graph, &sum);
    let (left, right) = (values(50, -128, 127, 8), values(50, -4000, 4000, 9));
    let expected: Vec<i64> = left
        .iter()
        .zip(&right)
        .map(|(a, b)| Dtype::I8.saturate((a * (3 << 10) + b * -5 + 128).div_euclid(256)))
        .collect();
    assert_eq!(evaluate(&model, &[], &[&left, &right], "sum"), expected);
}

#[test]
fn lookup_begins_at_the_least_value_of_the_type() {
    let table = values(256, -30_000, 30_000, 10);
    for dtype in [Dtype::I8, Dtype::U8] {
        let (low, high) = dtype.range();
        let mut graph = GraphBuilder::new();
        let input = graph.input("input", dtype, &[Dim::Const(256)]).unwrap();
        let output = graph.lookup("lookup", &input, Dtype::I16, &table).unwrap();
        let model = finish(graph, &output);
        let all: Vec<i64> = (low..=high).collect();
        assert_eq!(evaluate(&model, &[], &[&all], "lookup"), table);
    }
}

#[test]
fn arg_max_takes_the_lowest_index_of_a_tie() {
    let mut graph = GraphBuilder::new();
    let input = graph.input("input", Dtype::I32, &[Dim::Const(3), Dim::Const(4)]).unwrap();
    let output = graph.arg_max("class", &input, Dtype::U8).unwrap();
    let model = finish(graph, &output);
    let least = i64::from(i32::MIN);
    let given = [1, 9, 9, 2, -5, -7, -5, -6, least, least, least, least];
    assert_eq!(evaluate(&model, &[], &[&given], "class"), [1, 0, 0]);
}

#[test]
fn copies_are_slices_transposes_paddings_and_broadcasts() {
    let given: Vec<i64> = (0..12).collect();
    let copied = |axes: [u32; 2], operand: &dyn Fn(&TensorHandle) -> Operand| {
        let mut graph = GraphBuilder::new();
        let input = graph.input("input", Dtype::I8, &[3, 4].map(Dim::Const)).unwrap();
        let output = graph.copy("copy", &axes.map(Dim::Const), &operand(&input)).unwrap();
        evaluate(&finish(graph, &output), &[], &[&given], "copy")
    };
    assert_eq!(copied([4, 3], &|t| Operand::along(t, &[1, 0])), [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    assert_eq!(copied([2, 2], &|t| Operand::new(t, [axis(0) + 1, axis(1) + 2])), [6, 7, 10, 11]);
    assert_eq!(copied([2, 4], &|t| Operand::new(t, [fixed(2), axis(1) * -1 + 3])), [11, 10, 9, 8, 11, 10, 9, 8]);
    assert_eq!(copied([2, 3], &|t| Operand::new(t, [axis(0) - 1, axis(1) - 1]).padded(-7)), [-7, -7, -7, -7, 0, 1]);
    assert_eq!(copied([2, 3], &|t| Operand::new(t, [axis(0) - 1, axis(1) - 1])), [0, 0, 1, 0, 0, 1]);
    let flat = |t: &TensorHandle| Operand::shaped(t, &[Dim::Const(6), Dim::Const(2)], [axis(0) + 2, axis(1)]);
    assert_eq!(copied([3, 2], &flat), [4, 5, 6, 7, 8, 9]);
}

#[test]
fn heads_split_the_innermost_axis() {
    let (rows, heads, width) = (3usize, 2usize, 4usize);
    let mut graph = GraphBuilder::new();
    let shape = [rows as u32, (heads * width) as u32].map(Dim::Const);
    let query = graph.input("query", Dtype::I8, &shape).unwrap();
    let key = graph.input("key", Dtype::I8, &shape).unwrap();
    let factors = [Operand::heads(&query, 2, &[1, 0, 3]).unwrap(), Operand::heads(&key, 2, &[2, 0, 3]).unwrap()];
    let axes = [heads as u32, rows as u32, rows as u32].map(Dim::Const);
    let reduction = [Dim::Const(width as u32)];
    let scores = graph.contract("scores", Dtype::I32, &axes, &reduction, &factors, |_, sum| sum).unwrap();
    let model = finish(graph, &scores);
    let (q, k) = (values(24, -128, 127, 11), values(24, -128, 127, 12));
    let mut expected = Vec::new();
    for head in 0..heads {
        for row in 0..rows {
            for column in 0..rows {
                let at = |row: usize, within: usize| row * heads * width + head * width + within;
                expected.push((0..width).map(|within| q[at(row, within)] * k[at(column, within)]).sum::<i64>());
            }
        }
    }
    assert_eq!(evaluate(&model, &[], &[&q, &k], "scores"), expected);
}
