//! Random graphs that pass every check.

use super::Draw;
use referee::graph::{
    Dim, Dtype, Graph, Instruction, MAX_AXES, Op, OpKind, OutOfBounds, Program, Slot, Symbol, Tensor, TensorKind, Term,
    View,
};

/// What a random program may use.
pub struct OpSketch {
    /// Of each operand: whether it may be read here, and whether its view is indirect.
    pub operands: Vec<Option<bool>>,
    /// Axes whose index may be asked for.
    pub index_axes: u64,
    /// Axes whose length may be asked for.
    pub length_axes: u64,
    /// Whether there may be loops.
    pub loops: bool,
}

const LENGTHS: [u32; 12] = [1, 1, 2, 2, 3, 4, 5, 7, 8, 13, 16, 33];

fn dim(draw: &mut Draw, symbols: usize) -> Dim {
    if symbols > 0 && draw.once_in(5) {
        Dim::Symbol(draw.below(symbols as u64) as u8)
    } else {
        Dim::Const(*draw.pick(&LENGTHS))
    }
}

/// Dims whose product at the symbols' maxima stays small.
fn shape(draw: &mut Draw, graph: &Graph, least: u64, most: u64) -> Vec<Dim> {
    let count = least + draw.below(most - least + 1);
    let mut shape: Vec<Dim> = Vec::new();
    let mut elements = 1;
    for _ in 0..count {
        let mut dim = dim(draw, graph.symbols.len());
        if elements * length(graph, dim) > 3000 {
            dim = Dim::Const(1);
        }
        elements *= length(graph, dim);
        shape.push(dim);
    }
    shape
}

fn length(graph: &Graph, dim: Dim) -> u32 {
    match dim {
        Dim::Const(value) => value,
        Dim::Symbol(index) => graph.symbols[usize::from(index)].max,
    }
}

/// One instruction that an op like this may run.
fn instruction(draw: &mut Draw, program: &mut Program, sketch: &OpSketch) -> Instruction {
    use Instruction as I;
    // Few registers, so that values meet.
    let [d, a, b, c] = std::array::from_fn(|_| if draw.once_in(8) { 15 } else { draw.below(5) as u8 });
    loop {
        let instruction = match draw.below(26) {
            0 | 1 => {
                program.constants.push(draw.word());
                I::Constant { d, index: draw.below(program.constants.len() as u64) as u8 }
            }
            2..=4 => {
                let operand = draw.below(sketch.operands.len().max(1) as u64) as u8;
                match sketch.operands.get(usize::from(operand)).copied().flatten() {
                    Some(false) => I::Load { d, operand },
                    Some(true) => I::Gather { d, operand, a },
                    None => continue,
                }
            }
            5 if sketch.index_axes > 0 => I::Index { d, axis: draw.below(sketch.index_axes) as u8 },
            6 if sketch.length_axes > 0 => I::Length { d, axis: draw.below(sketch.length_axes) as u8 },
            7 => I::Add { d, a, b },
            8 => I::Sub { d, a, b },
            9 => I::Mul { d, a, b },
            10 => I::And { d, a, b },
            11 => I::Or { d, a, b },
            12 => I::Xor { d, a, b },
            13 => I::ShiftLeft { d, a, b },
            14 => I::ShiftRight { d, a, b },
            15 => I::ShiftArithmetic { d, a, b },
            16 => I::RoundShift { d, a, shift: draw.between(1, 63) as u8 },
            17 => I::Min { d, a, b },
            18 => I::Max { d, a, b },
            19 => I::Less { d, a, b },
            20 => I::LessUnsigned { d, a, b },
            21 => I::Equal { d, a, b },
            22 => I::Select { d, c, a, b },
            23 => I::DivideUnsigned { d, a, b },
            24 => I::SquareRoot { d, a },
            25 => I::LeadingZeros { d, a },
            _ => continue,
        };
        return instruction;
    }
}

/// The code with a loop around a part of it, of so many turns, and often one within, and what leaves them.
fn with_loop(draw: &mut Draw, mut code: Vec<Instruction>, turns: &[u16]) -> Vec<Instruction> {
    let first = draw.below(code.len() as u64 + 1) as usize;
    let mut body = code.split_off(first);
    let behind = body.split_off(draw.below(body.len() as u64 + 1) as usize);
    if turns.len() > 4 && draw.once_in(2) {
        body = with_loop(draw, body, &turns[..4]);
    }
    for _ in 0..draw.below(3) {
        let at = draw.below(body.len() as u64 + 1) as usize;
        body.insert(at, Instruction::BreakIfZero { a: draw.below(5) as u8 });
    }
    code.push(Instruction::Loop { turns: *draw.pick(turns) });
    code.extend(body);
    code.push(Instruction::End);
    code.extend(behind);
    code
}

/// Where an instruction put into the code stands outside all loops.
fn outside_loops(code: &[Instruction]) -> Vec<usize> {
    let mut depth = 0;
    let mut places = vec![0];
    for (at, instruction) in code.iter().enumerate() {
        match instruction {
            Instruction::Loop { .. } => depth += 1,
            Instruction::End => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            places.push(at + 1);
        }
    }
    places
}

/// A program of `length` instructions besides the stores and what loops add.
pub fn random_program(draw: &mut Draw, sketch: &OpSketch, length: u64, outputs: u64) -> Program {
    let mut program = Program::default();
    for _ in 0..length {
        let next = instruction(draw, &mut program, sketch);
        program.code.push(next);
    }
    if sketch.loops && draw.once_in(2) {
        program.code = with_loop(draw, program.code, &[1, 2, 3, 5, 8, 17]);
    }
    for output in 0..outputs {
        let places = outside_loops(&program.code);
        let at = if draw.once_in(2) { program.code.len() } else { *draw.pick(&places) };
        program.code.insert(at, Instruction::Store { output: output as u8, a: draw.below(4) as u8 });
    }
    program
}

/// Another shape with the same symbols and as many elements.
fn reshaped(draw: &mut Draw, shape: &[Dim]) -> Vec<Dim> {
    let mut shape = shape.to_vec();
    match draw.below(4) {
        0 => shape.reverse(),
        1 if shape.len() < MAX_AXES => shape.insert(draw.below(shape.len() as u64 + 1) as usize, Dim::Const(1)),
        2 if shape.len() < MAX_AXES => {
            let at = draw.below(shape.len() as u64) as usize;
            if let Dim::Const(value) = shape[at]
                && let Some(factor) = [2, 3, 5, 7, 11].into_iter().find(|factor| value % factor == 0)
            {
                shape[at] = Dim::Const(value / factor);
                shape.insert(at + 1, Dim::Const(factor));
            }
        }
        3 => {
            let pair = (1..shape.len()).find_map(|at| match (shape[at - 1], shape[at]) {
                (Dim::Const(a), Dim::Const(b)) => Some((at, a * b)),
                _ => None,
            });
            if let Some((at, product)) = pair {
                shape[at - 1] = Dim::Const(product);
                shape.remove(at);
            }
        }
        _ => {}
    }
    shape
}

fn view(draw: &mut Draw, graph: &Graph, slot: Slot, op: &Op, iteration_axes: u64, contracted: bool) -> View {
    let shape = &graph.tensors[usize::from(slot)].shape;
    let as_shape = if draw.once_in(3) { reshaped(draw, shape) } else { shape.clone() };
    let indirect = (!contracted && draw.once_in(4)).then(|| draw.below(as_shape.len() as u64) as u8);
    let axes: Vec<Dim> = op.output_axes.iter().chain(&op.reduction_axes).copied().collect();
    let mut terms = Vec::new();
    for source_axis in 0..as_shape.len() as u8 {
        for iteration_axis in 0..iteration_axes as u8 {
            let fits = axes[usize::from(iteration_axis)] == as_shape[usize::from(source_axis)];
            let wanted = if fits { draw.once_in(2) } else { draw.once_in(5) };
            if wanted && indirect != Some(source_axis) && terms.len() < 10 {
                let coefficient = *draw.pick(&[1, 1, 1, 1, 1, 2, 3, -1, -1, -2]);
                terms.push(Term { source_axis, iteration_axis, coefficient });
            }
        }
    }
    let offsets = (0..as_shape.len() as u8)
        .map(|axis| if indirect == Some(axis) || draw.once_in(2) { 0 } else { draw.between(-3, 6) as i32 });
    let offsets = offsets.collect();
    let out_of_bounds = match draw.below(3) {
        0 => OutOfBounds::Pad(if contracted { 0 } else { *draw.pick(&[0, -1, 1000, i32::MIN, i32::MAX]) }),
        _ => OutOfBounds::Clamp,
    };
    View { slot, as_shape, offsets, terms, out_of_bounds, indirect }
}

/// Slots that the next op may read, by what a Contract asks of its sides.
fn sides(graph: &Graph) -> Option<(Vec<Slot>, Vec<Slot>)> {
    let of = |dtype: Dtype| (0..).zip(&graph.tensors).filter(move |(_, t)| t.dtype == dtype).map(|(slot, _)| slot);
    let signed: Vec<Slot> = of(Dtype::I8).collect();
    let any: Vec<Slot> = of(Dtype::I8).chain(of(Dtype::U8)).collect();
    (!signed.is_empty()).then_some((signed, any))
}

fn op(draw: &mut Draw, graph: &mut Graph) {
    let mut kind = *draw.pick(&OpKind::ALL);
    let sides = sides(graph);
    if kind == OpKind::Contract && sides.is_none() {
        kind = OpKind::Map;
    }
    let output_axes = if draw.once_in(10) { shape(draw, graph, 1, 5) } else { shape(draw, graph, 1, 3) };
    let reduction_axes = if kind == OpKind::Map { vec![] } else { shape(draw, graph, 0, 3) };
    let mut op =
        Op { kind, outputs: vec![], output_axes, reduction_axes, operands: vec![], prologue: None, program: 0 };
    let outputs = (1 + draw.below(3)).min(1 + draw.below(3));
    let (all_axes, output_axes) =
        ((op.output_axes.len() + op.reduction_axes.len()) as u64, op.output_axes.len() as u64);
    let available = graph.tensors.len() as u64;
    // Of each operand: whether its view moves along reduction axes.
    let mut reducing = Vec::new();
    if kind == OpKind::Contract {
        let (signed, any) = sides.unwrap();
        let mut pair = [*draw.pick(&signed), *draw.pick(&any)];
        if draw.once_in(2) {
            pair.reverse();
        }
        for slot in pair {
            let view = view(draw, graph, slot, &op, all_axes, true);
            op.operands.push(view);
            reducing.push(true);
        }
    }
    for _ in 0..draw.below(7 - outputs - op.operands.len() as u64 + 1).min(3) {
        let reduces = kind.has_prologue() && draw.once_in(2);
        let slot = draw.below(available) as Slot;
        let view = view(draw, graph, slot, &op, if reduces { all_axes } else { output_axes }, false);
        op.operands.push(view);
        reducing.push(reduces);
    }
    let readable = |prologue: bool| {
        let operands = op.operands.iter().zip(&reducing);
        operands.map(|(view, reduces)| (prologue || !reduces).then_some(view.indirect.is_some())).collect()
    };
    let sketch = |operands, index_axes, loops| OpSketch { operands, index_axes, length_axes: all_axes, loops };
    let prologue = sketch(readable(true), all_axes, false);
    let epilogue = sketch(readable(false), output_axes, kind == OpKind::Map);
    if kind.has_prologue() {
        let length = draw.below(7);
        let program = random_program(draw, &prologue, length, 0);
        op.prologue = Some(graph.programs.len() as u16);
        graph.programs.push(program);
    }
    let length = draw.below(14);
    let program = random_program(draw, &epilogue, length, outputs);
    op.program = graph.programs.len() as u16;
    graph.programs.push(program);
    for _ in 0..outputs {
        op.outputs.push(graph.tensors.len() as Slot);
        let dtype = *draw.pick(&Dtype::ALL);
        graph.tensors.push(Tensor { dtype, kind: TensorKind::Temp, shape: op.output_axes.clone() });
    }
    graph.ops.push(op);
}

/// A random graph that passes every check, and random values of its symbols.
pub fn random_graph(draw: &mut Draw) -> (Graph, Vec<u32>) {
    loop {
        let graph = attempt(draw);
        let symbols: Vec<u32> =
            graph.symbols.iter().map(|symbol| draw.between(symbol.min.into(), symbol.max.into()) as u32).collect();
        if graph.check().is_ok() && graph.resolve(&symbols).is_ok() {
            return (graph, symbols);
        }
    }
}

fn attempt(draw: &mut Draw) -> Graph {
    let mut graph =
        Graph { symbols: vec![], tensors: vec![], programs: vec![], ops: vec![], cuts: vec![], outputs: vec![] };
    for _ in 0..draw.below(3) {
        let min = draw.between(1, 3) as u32;
        graph.symbols.push(Symbol { min, max: min + draw.below(4) as u32 });
    }
    for index in 0..2 + draw.below(4) {
        let mut shape = shape(draw, &graph, 1, if index == 1 { 6 } else { 3 });
        if index == 0 {
            // Every symbol is used.
            shape.extend((0..graph.symbols.len() as u8).map(Dim::Symbol));
        }
        let kind = if index % 2 == 0 { TensorKind::Input } else { TensorKind::Param };
        graph.tensors.push(Tensor { dtype: *draw.pick(&Dtype::ALL), kind, shape });
    }
    let ops = 1 + draw.below(5);
    for _ in 0..ops {
        op(draw, &mut graph);
    }
    graph.cuts = (1..ops as u16).filter(|_| draw.once_in(2)).collect();
    let last = graph.ops.last().unwrap().outputs.clone();
    graph.outputs =
        graph.ops.iter().flat_map(|op| op.outputs.clone()).filter(|s| last.contains(s) || draw.once_in(4)).collect();
    graph.outputs.reverse();
    graph
}
