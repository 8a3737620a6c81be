//! Register allocation: random programs through the machine equal the same steps taken on plain integers.

use assay_models::builder::{GraphBuilder, OpSpec, Operand, ProgramBuilder, Value, axis, fixed};
use referee::graph::{Dim, Dtype, OpKind};
use referee::semantics::{divide_unsigned, round_shift, run, square_root};

/// A program under construction beside the values that it should compute, for each reduction point.
struct Twin {
    program: ProgramBuilder,
    values: Vec<(Value, Vec<i64>)>,
    random: u64,
}

impl Twin {
    /// Starts from a program's first values: each has one integer for each point.
    fn new(program: ProgramBuilder, values: Vec<(Value, Vec<i64>)>, seed: u64) -> Self {
        Self { program, values, random: seed }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % bound
    }

    /// One of the last values, so that not too many are alive at once.
    fn pick(&mut self) -> (Value, Vec<i64>) {
        let oldest = self.values.len().saturating_sub(9);
        let index = oldest + self.below(self.values.len() - oldest);
        self.values[index].clone()
    }

    fn step(&mut self) {
        let ((a, x), (b, y), (c, z)) = (self.pick(), self.pick(), self.pick());
        let shift = 1 + self.below(63) as u8;
        let two = |f: &dyn Fn(i64, i64) -> i64| x.iter().zip(&y).map(|(x, y)| f(*x, *y)).collect::<Vec<i64>>();
        let p = |twin: &mut Self, f: &dyn Fn(&mut ProgramBuilder) -> Value| f(&mut twin.program);
        let next = match self.below(20) {
            0 => (p(self, &|p| p.add(a, b)), two(&|x, y| x.wrapping_add(y))),
            1 => (p(self, &|p| p.subtract(a, b)), two(&|x, y| x.wrapping_sub(y))),
            2 => (p(self, &|p| p.multiply(a, b)), two(&|x, y| x.wrapping_mul(y))),
            3 => (p(self, &|p| p.and(a, b)), two(&|x, y| x & y)),
            4 => (p(self, &|p| p.or(a, b)), two(&|x, y| x | y)),
            5 => (p(self, &|p| p.xor(a, b)), two(&|x, y| x ^ y)),
            6 => (p(self, &|p| p.shift_left(a, b)), two(&|x, y| x << (y & 63))),
            7 => (p(self, &|p| p.shift_right(a, b)), two(&|x, y| ((x as u64) >> (y & 63)) as i64)),
            8 => (p(self, &|p| p.shift_arithmetic(a, b)), two(&|x, y| x >> (y & 63))),
            9 => (p(self, &|p| p.minimum(a, b)), two(&|x, y| x.min(y))),
            10 => (p(self, &|p| p.maximum(a, b)), two(&|x, y| x.max(y))),
            11 => (p(self, &|p| p.less(a, b)), two(&|x, y| (x < y).into())),
            12 => (p(self, &|p| p.less_unsigned(a, b)), two(&|x, y| ((x as u64) < y as u64).into())),
            13 => (p(self, &|p| p.equal(a, b)), two(&|x, y| (x == y).into())),
            14 => (p(self, &|p| p.divide_unsigned(a, b)), two(&divide_unsigned)),
            15 => (p(self, &|p| p.square_root(a)), two(&|x, _| square_root(x))),
            16 => (p(self, &|p| p.leading_zeros(a)), two(&|x, _| x.leading_zeros().into())),
            17 => (p(self, &|p| p.round_shift(a, shift)), two(&|x, _| round_shift(x, shift))),
            18 => {
                let constant = (self.random as i64) >> self.below(60);
                (p(self, &|p| p.constant(constant)), vec![constant; x.len()])
            }
            _ => {
                let chosen = (0..x.len()).map(|at| if z[at] != 0 { x[at] } else { y[at] }).collect();
                (p(self, &|p| p.select(c, a, b)), chosen)
            }
        };
        self.values.push(next);
    }
}

/// Keeps 31 bits of a value, so that a store does not saturate.
fn store_low_bits(program: &mut ProgramBuilder, output: u8, value: Value) {
    let mask = program.constant(0x7fff_ffff);
    let low = program.and(value, mask);
    program.store(output, low);
}

#[test]
fn prologues_and_epilogues_compute_what_their_steps_say() {
    const POINTS: usize = 3;
    let mut compared = 0;
    for seed in 0..300u64 {
        let loaded: Vec<i64> =
            (0..POINTS as i64).map(|at| (seed as i64 * 77 + at * at * 31_337) * 65_521 % (1 << 31)).collect();
        let mut prologue = ProgramBuilder::map();
        let load = prologue.load(0);
        let index = prologue.index(1);
        let points: Vec<i64> = (0..POINTS as i64).collect();
        let mut inner = Twin::new(prologue, vec![(load, loaded.clone()), (index, points)], seed);
        (0..25).for_each(|_| inner.step());
        let (first, second) = (inner.pick(), inner.pick());
        let sums = [&first, &second].map(|lane| lane.1.iter().fold(0i64, |sum, value| sum.wrapping_add(*value)));
        let prologue = inner.program.finish_lanes("test", &[first.0, second.0]).unwrap();

        let (epilogue, presets) = ProgramBuilder::pair_epilogue();
        let start = vec![(presets[0], vec![sums[0]]), (presets[1], vec![sums[1]])];
        let mut outer = Twin::new(epilogue, start, seed + 1_000_000);
        (0..25).for_each(|_| outer.step());
        let (first, second) = (outer.pick(), outer.pick());
        store_low_bits(&mut outer.program, 1, first.0);
        store_low_bits(&mut outer.program, 0, second.0);
        let program = outer.program.finish("test").unwrap();

        let mut graph = GraphBuilder::new();
        let input = graph.input("input", Dtype::I32, &[Dim::Const(POINTS as u32)]).unwrap();
        let spec = OpSpec {
            name: "pair",
            kind: OpKind::SumPair,
            outputs: &[("low", Dtype::I32), ("high", Dtype::I32)],
            output_axes: &[Dim::Const(1)],
            reduction_axes: &[Dim::Const(POINTS as u32)],
            operands: &[Operand::new(&input, [axis(1)])],
            prologue: Some(prologue),
            program,
        };
        let outputs = graph.op(spec).unwrap();
        outputs.iter().for_each(|output| graph.output(output));
        let Ok(model) = graph.build() else {
            // A program whose lanes never load the operand is refused by the graph's checks.
            continue;
        };
        let graph = model.resolve(&[]).unwrap();
        let bytes: Vec<u8> = loaded.iter().flat_map(|value| (*value as i32).to_le_bytes()).collect();
        let mut given: Vec<&[u8]> = vec![&[]; graph.tensors.len()];
        given[0] = &bytes;
        let trace = run(&graph, &given).unwrap();
        let stored = |slot: u16| Dtype::I32.read(&trace.tensors[usize::from(slot)], 0).unwrap();
        let expected = [second.1[0], first.1[0]].map(|value| value & 0x7fff_ffff);
        assert_eq!([stored(outputs[0].slot()), stored(outputs[1].slot())], expected, "seed {seed}");
        compared += 1;
    }
    assert!(compared > 150, "{compared} programs compared");
}

#[test]
fn clamps_hold_both_ends() {
    for (value, expected) in [(-9, -3), (-3, -3), (0, 0), (4, 4), (5, 4)] {
        let mut graph = GraphBuilder::new();
        let input = graph.param("input", Dtype::I8, &[1], &[value]).unwrap();
        let operand = [Operand::new(&input, [fixed(0)])];
        let output = graph
            .map("clamp", Dtype::I8, &[Dim::Const(1)], &operand, |program| {
                let value = program.load(0);
                program.clamp(value, -3, 4)
            })
            .unwrap();
        graph.output(&output);
        let model = graph.build().unwrap();
        let params: Vec<&[u8]> = vec![&model.params[&0], &[]];
        let trace = run(&model.resolve(&[]).unwrap(), &params).unwrap();
        assert_eq!(Dtype::I8.read(&trace.tensors[1], 0), Some(expected));
    }
}
