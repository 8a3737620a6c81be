//! Random graphs of several ops with cuts: views, programs and kinds in combinations that nobody thought of.

use super::Vector;
use super::sketch::{Assembly, Sketch, constant, sight};
use super::values::{EXTREMES, Random};
use referee::graph::Dtype::{I8, U8};
use referee::graph::{Dtype, Instruction, OpKind, OutOfBounds, Slot, View};

/// A tensor that later ops may read.
#[derive(Clone)]
struct Source {
    slot: Slot,
    dtype: Dtype,
    dims: Vec<u32>,
}

/// A valid graph of 2 to 6 ops, the same for the same seed.
pub fn random_vector(seed: u64) -> Vector {
    let mut sketch = Sketch::new(seed ^ 0xa55a_0000);
    let mut sources = Vec::new();
    for _ in 0..2 + sketch.random().below(3) {
        let random = sketch.random();
        let dims = random_dims(random, 4, 600);
        // bytes are frequent: only they can be contracted
        let dtype = if random.once_in(2) { random.pick(&[I8, U8]) } else { random.pick(&Dtype::ALL) };
        let slot = if random.once_in(2) { sketch.param(dtype, &dims) } else { sketch.input(dtype, &dims) };
        sources.push(Source { slot, dtype, dims });
    }
    let ops = 2 + sketch.random().below(5);
    let mut outputs = Vec::new();
    for index in 0..ops {
        if index > 0 && sketch.random().once_in(2) {
            sketch.cut_before_next_op();
        }
        let added = random_op(&mut sketch, &sources);
        outputs = vec![added[sketch.random().below(added.len() as u64) as usize].slot];
        sources.extend(added);
    }
    sketch.finish(format!("random {seed}"), &outputs)
}

/// Dims with at most `most` elements.
fn random_dims(random: &mut Random, axes: u64, most: u64) -> Vec<u32> {
    let mut left = most;
    (0..1 + random.below(axes))
        .map(|_| {
            let length = if random.once_in(3) { 1 + random.below(left) } else { 1 + random.below(left.min(9)) };
            left /= length;
            length as u32
        })
        .collect()
}

fn random_op(sketch: &mut Sketch, sources: &[Source]) -> Vec<Source> {
    let random = sketch.random();
    let kinds = [OpKind::Contract, OpKind::Map, OpKind::Sum, OpKind::SumPair, OpKind::ArgMax, OpKind::ArgMin];
    let bytes: Vec<&Source> = sources.iter().filter(|source| source.dtype == I8).collect();
    let any_byte: Vec<&Source> = sources.iter().filter(|source| matches!(source.dtype, I8 | U8)).collect();
    let mut kind = if random.once_in(2) { random.pick(&kinds[..2]) } else { random.pick(&kinds) };
    if bytes.is_empty() && kind == OpKind::Contract {
        kind = OpKind::Map;
    }
    let axes = random_dims(random, 4, 400);
    let reductions = if kind == OpKind::Map { Vec::new() } else { random_dims(random, 3, 60) };
    let all: Vec<u32> = axes.iter().chain(&reductions).copied().collect();

    let mut operands: Vec<View> = Vec::new();
    let mut prologue_operands = Vec::new();
    if kind == OpKind::Contract {
        let mut pair = [random.pick(&bytes), random.pick(&any_byte)];
        if random.once_in(2) {
            pair.reverse();
        }
        for source in pair {
            let mut view = random_view(random, source, &all, false);
            if let OutOfBounds::Pad(_) = view.out_of_bounds {
                view.out_of_bounds = OutOfBounds::Pad(0);
            }
            operands.push(view);
        }
    } else if kind != OpKind::Map {
        for _ in 0..1 + random.below(2) {
            let source = &sources[random.below(sources.len() as u64) as usize];
            let indirect = random.once_in(4);
            prologue_operands.push(operands.len() as u8);
            operands.push(random_view(random, source, &all, indirect));
        }
    }
    let mut program_operands = Vec::new();
    let wanted = if kind == OpKind::Map { 1 + random.below(3) } else { random.below(3) };
    for _ in 0..wanted {
        let source = &sources[random.below(sources.len() as u64) as usize];
        let indirect = random.once_in(3);
        program_operands.push(operands.len() as u8);
        operands.push(random_view(random, source, &axes, indirect));
    }
    let outputs: Vec<Dtype> = (0..1 + random.below(3)).map(|_| random.pick(&Dtype::ALL)).collect();
    let prologue = kind
        .has_prologue()
        .then(|| random_program(random, &operands, &prologue_operands, all.len(), 6, Assembly::new()));
    let mut program = random_program(random, &operands, &program_operands, axes.len(), 10, Assembly::new());
    if kind == OpKind::Map && random.once_in(2) {
        put_loop(random, program.code_mut(), &[1, 2, 3, 5, 9, 20]);
    }
    for output in 0..outputs.len() as u8 {
        let register = random.below(6) as u8;
        program = program.store(output, register);
    }
    let slots = sketch.op(kind, &outputs, &constant(&axes), &constant(&reductions), operands, prologue, program);
    slots.into_iter().zip(outputs).map(|(slot, dtype)| Source { slot, dtype, dims: axes.clone() }).collect()
}

/// Terms, offsets and bounds at random; most coordinates lie inside, some do not.
fn random_view(random: &mut Random, source: &Source, iteration: &[u32], indirect: bool) -> View {
    let dims = if random.once_in(4) { vec![source.dims.iter().product()] } else { source.dims.clone() };
    let mut sight = sight(source.slot, &dims);
    let indirect = indirect.then(|| random.below(dims.len() as u64) as usize);
    for (axis, dim) in dims.iter().enumerate() {
        if indirect == Some(axis) {
            sight = sight.indirect(axis as u8);
            continue;
        }
        let dim = i64::from(*dim);
        let mut used = Vec::new();
        for _ in 0..random.below(3) {
            let over = random.below(iteration.len() as u64) as u8;
            if used.contains(&over) {
                continue;
            }
            used.push(over);
            let coefficient = if random.once_in(2) { 1 } else { random.pick(&[-3, -2, -1, 1, 2, 3, 5]) };
            sight = sight.term(axis as u8, over, coefficient);
        }
        if random.once_in(2) {
            sight = sight.offset(axis as u8, random.between(-2 - dim / 2, dim + 1) as i32);
        }
    }
    if random.once_in(2) {
        sight = sight.pad(random.between(-200, 200) as i32);
    }
    let mut view = sight.done();
    view.indirect = indirect.map(|axis| axis as u8);
    view
}

/// Reads all `operands`, then up to `most` instructions on registers 0 to 5.
fn random_program(
    random: &mut Random,
    views: &[View],
    operands: &[u8],
    axes: usize,
    most: u64,
    mut program: Assembly,
) -> Assembly {
    for (index, operand) in operands.iter().enumerate() {
        let d = 1 + index as u8;
        program = match views[usize::from(*operand)].indirect {
            Some(_) => program.gather(d, *operand, index as u8),
            None => program.load(d, *operand),
        };
    }
    for _ in 0..random.below(most + 1) {
        let mut register = || random.below(6) as u8;
        let (d, a, b, c) = (register(), register(), register(), register());
        let shift = 1 + random.below(63) as u8;
        let small = 1 + random.below(12) as u8;
        let axis = random.below(axes as u64) as u8;
        program = match random.below(24) {
            0 => program.constant(d, random.pick(&EXTREMES)),
            1 => program.then(Instruction::Index { d, axis }),
            2 => program.then(Instruction::Length { d, axis }),
            3 | 4 => program.then(Instruction::Add { d, a, b }),
            5 => program.then(Instruction::Sub { d, a, b }),
            6 | 7 => program.then(Instruction::Mul { d, a, b }),
            8 => program.then(Instruction::And { d, a, b }),
            9 => program.then(Instruction::Or { d, a, b }),
            10 => program.then(Instruction::Xor { d, a, b }),
            11 => program.then(Instruction::ShiftLeft { d, a, b }),
            12 => program.then(Instruction::ShiftRight { d, a, b }),
            13 => program.then(Instruction::ShiftArithmetic { d, a, b }),
            14 => program.then(Instruction::RoundShift { d, a, shift }),
            15 => program.then(Instruction::RoundShift { d, a, shift: small }),
            16 => program.then(Instruction::Min { d, a, b }),
            17 => program.then(Instruction::Max { d, a, b }),
            18 => program.then(Instruction::Less { d, a, b }),
            19 => program.then(Instruction::LessUnsigned { d, a, b }),
            20 => program.then(Instruction::Equal { d, a, b }),
            21 => program.then(Instruction::Select { d, c, a, b }),
            22 => program.then(Instruction::DivideUnsigned { d, a, b }),
            _ if random.once_in(2) => program.then(Instruction::SquareRoot { d, a }),
            _ => program.then(Instruction::LeadingZeros { d, a }),
        };
    }
    program
}

/// Puts a part of the code into a loop of some of these turns, often with another loop within, and with what leaves them.
fn put_loop(random: &mut Random, code: &mut Vec<Instruction>, turns: &[u16]) {
    let first = random.below(code.len() as u64 + 1) as usize;
    let last = first + random.below((code.len() - first) as u64 + 1) as usize;
    let mut body: Vec<Instruction> = code.drain(first..last).collect();
    if turns.len() > 4 && random.once_in(2) {
        put_loop(random, &mut body, &turns[..4]);
    }
    for _ in 0..random.below(3) {
        let at = random.below(body.len() as u64 + 1) as usize;
        body.insert(at, Instruction::BreakIfZero { a: random.below(6) as u8 });
    }
    let head = Instruction::Loop { turns: random.pick(turns) };
    code.splice(first..first, [head].into_iter().chain(body).chain([Instruction::End]));
}
