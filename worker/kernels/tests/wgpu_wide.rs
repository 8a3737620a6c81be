//! 64-bit arithmetic made of 32-bit words, on tens of thousands of numbers where such arithmetic goes wrong: runs of
//! ones, powers of two and their neighbours, dividends at the edges of a quotient.

mod wgpu_adapter;

use assay_kernels::conformance::{Vector, verify};
use assay_kernels::{TensorSet, WgpuOptions};
use referee::graph::{
    Dim, Dtype, Graph, Instruction, Op, OpKind, OutOfBounds, Program, Slot, Tensor, TensorKind, Term, View,
};
use std::sync::Arc;
use wgpu_adapter::{open, paired};

const COUNT: u32 = 24_000;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn shift(&mut self) -> u32 {
        (self.next() >> 58) as u32
    }

    /// A number of any magnitude, dense or sparse.
    fn number(&mut self) -> u64 {
        let (near, far) = (self.shift(), self.shift());
        match self.next() % 5 {
            0 => self.next() >> near,
            1 => !(self.next() >> near),
            2 => (1u64 << near).wrapping_add(self.next() % 3).wrapping_sub(1),
            3 => (u64::MAX >> near) << far,
            _ => (self.next() >> near) << far,
        }
    }

    /// Two numbers; half of the time the first lies at the edge of a quotient by the second.
    fn pair(&mut self) -> (u64, u64) {
        let (a, b) = (self.number(), self.number());
        if b == 0 || self.next().is_multiple_of(2) {
            return (a, b);
        }
        let multiple = a - a % b;
        (multiple.wrapping_sub(self.next() % 2), b)
    }
}

/// A graph that joins four words to `a` and `b`, runs `instruction` on registers 1 and 2 into 3, and stores both words.
fn vector(name: &str, instruction: Instruction) -> Vector {
    use Instruction as I;
    let shape = vec![Dim::Const(COUNT)];
    let tensor = |kind| Tensor { dtype: Dtype::I32, kind, shape: shape.clone() };
    let view = |slot: Slot| View {
        slot,
        as_shape: shape.clone(),
        offsets: vec![0],
        terms: vec![Term { source_axis: 0, iteration_axis: 0, coefficient: 1 }],
        out_of_bounds: OutOfBounds::Clamp,
        indirect: None,
    };
    let mut code = vec![I::Constant { d: 8, index: 0 }, I::Constant { d: 9, index: 1 }];
    for (d, low, high) in [(1, 0, 1), (2, 2, 3)] {
        code.extend([
            I::Load { d: 10, operand: low },
            I::And { d: 10, a: 10, b: 8 },
            I::Load { d: 11, operand: high },
            I::ShiftLeft { d: 11, a: 11, b: 9 },
            I::Or { d, a: 10, b: 11 },
        ]);
    }
    code.extend([
        instruction,
        I::ShiftArithmetic { d: 5, a: 3, b: 9 },
        I::Store { output: 1, a: 5 },
        I::ShiftLeft { d: 4, a: 3, b: 9 },
        I::ShiftArithmetic { d: 4, a: 4, b: 9 },
        I::Store { output: 0, a: 4 },
    ]);
    let op = Op {
        kind: OpKind::Map,
        outputs: vec![4, 5],
        output_axes: shape.clone(),
        reduction_axes: vec![],
        operands: (0..4).map(view).collect(),
        prologue: None,
        program: 0,
    };
    let kinds = [TensorKind::Input; 4].into_iter().chain([TensorKind::Temp; 2]);
    let graph = Graph {
        symbols: vec![],
        tensors: kinds.map(tensor).collect(),
        programs: vec![Program { constants: vec![0xffff_ffff, 32], code }],
        ops: vec![op],
        cuts: vec![],
        outputs: vec![4, 5],
    };
    let mut random = Random(name.len() as u64);
    let pairs: Vec<(u64, u64)> = (0..COUNT).map(|_| random.pair()).collect();
    let words = |word: &dyn Fn(&(u64, u64)) -> u64| -> Arc<[u8]> {
        pairs.iter().flat_map(|pair| (word(pair) as u32).to_le_bytes()).collect()
    };
    let inputs = TensorSet::from([
        (0, words(&|pair| pair.0)),
        (1, words(&|pair| pair.0 >> 32)),
        (2, words(&|pair| pair.1)),
        (3, words(&|pair| pair.1 >> 32)),
    ]);
    Vector { name: name.to_owned(), graph, symbols: vec![], stretch: None, inputs, params: TensorSet::new() }
}

fn vectors() -> Vec<Vector> {
    use Instruction as I;
    vec![
        vector("divide", I::DivideUnsigned { d: 3, a: 1, b: 2 }),
        vector("square root", I::SquareRoot { d: 3, a: 1 }),
        vector("multiply", I::Mul { d: 3, a: 1, b: 2 }),
        vector("subtract", I::Sub { d: 3, a: 1, b: 2 }),
        vector("shift left", I::ShiftLeft { d: 3, a: 1, b: 2 }),
        vector("shift right", I::ShiftRight { d: 3, a: 1, b: 2 }),
        vector("shift arithmetic", I::ShiftArithmetic { d: 3, a: 1, b: 2 }),
        vector("round shift", I::RoundShift { d: 3, a: 1, shift: 37 }),
        vector("leading zeros", I::LeadingZeros { d: 3, a: 1 }),
        vector("less unsigned", I::LessUnsigned { d: 3, a: 1, b: 2 }),
    ]
}

#[test]
fn pairs_of_words_compute_like_64_bits() {
    let Some(backend) = open(paired()) else { return };
    verify(&backend, &vectors()).unwrap();
}

#[test]
fn native_integers_compute_like_64_bits() {
    let Some(backend) = open(WgpuOptions::default()) else { return };
    verify(&backend, &vectors()).unwrap();
}
