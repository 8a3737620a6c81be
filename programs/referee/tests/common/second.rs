//! A second definition of programs, which shares nothing with the crate's: arithmetic in 128 bits, and loops by recursion over
//! a tree.

use referee::graph::{Access, Dtype, Instruction, Program, REGISTERS, ResolvedGraph, ResolvedOp};

fn unsigned(value: i64) -> u128 {
    u128::from(value as u64)
}

/// Greatest root whose square is not above the value, bit by bit.
fn root(value: u128) -> i64 {
    (0..32).rev().fold(0u128, |root, bit| {
        let next = root | 1 << bit;
        if next * next <= value { next } else { root }
    }) as i64
}

/// What an instruction that computes makes of the values of its registers `a`, `b` and `c`; `None` for any other.
pub fn second(instruction: Instruction, [a, b, c]: [i64; 3]) -> Option<i64> {
    use Instruction as I;
    Some(match instruction {
        I::Add { .. } => (i128::from(a) + i128::from(b)) as i64,
        I::Sub { .. } => (i128::from(a) - i128::from(b)) as i64,
        I::Mul { .. } => (i128::from(a) * i128::from(b)) as i64,
        I::And { .. } => !(!a | !b),
        I::Or { .. } => !(!a & !b),
        I::Xor { .. } => (a | b) & !(a & b),
        I::ShiftLeft { .. } => (unsigned(a) << (b as u64 % 64)) as i64,
        I::ShiftRight { .. } => (unsigned(a) / (1u128 << (b as u64 % 64))) as i64,
        I::ShiftArithmetic { .. } => i128::from(a).div_euclid(1i128 << (b as u64 % 64)) as i64,
        I::RoundShift { shift, .. } => (i128::from(a) + (1i128 << (shift - 1))).div_euclid(1i128 << shift) as i64,
        I::Min { .. } => {
            if a < b {
                a
            } else {
                b
            }
        }
        I::Max { .. } => {
            if a > b {
                a
            } else {
                b
            }
        }
        I::Less { .. } => i64::from(i128::from(a) - i128::from(b) < 0),
        I::LessUnsigned { .. } => i64::from(unsigned(a) < unsigned(b)),
        I::Equal { .. } => i64::from(a ^ b == 0),
        I::Select { .. } => {
            if c == 0 {
                b
            } else {
                a
            }
        }
        I::DivideUnsigned { .. } => unsigned(a).checked_div(unsigned(b)).map_or(a, |quotient| quotient as i64),
        I::SquareRoot { .. } => root(unsigned(a)),
        I::LeadingZeros { .. } => (0..64).rev().take_while(|bit| unsigned(a) >> bit == 0).count() as i64,
        _ => return None,
    })
}

enum Node {
    /// With its place in the code.
    Plain(usize, Instruction),
    Loop(u16, Vec<Node>),
    Break(u8),
}

/// The nodes up to the end of the loop or of the code.
fn parse(code: &mut impl Iterator<Item = (usize, Instruction)>) -> Vec<Node> {
    let mut nodes = Vec::new();
    while let Some((at, instruction)) = code.next() {
        match instruction {
            Instruction::Loop { turns } => nodes.push(Node::Loop(turns, parse(code))),
            Instruction::End => break,
            Instruction::BreakIfZero { a } => nodes.push(Node::Break(a)),
            plain => nodes.push(Node::Plain(at, plain)),
        }
    }
    nodes
}

/// The program of a Map at one point of its output axes.
pub struct Second<'a> {
    pub op: &'a ResolvedOp,
    pub program: &'a Program,
    /// Bytes of all tensors by slot.
    pub tensors: &'a [Vec<u8>],
    pub dtypes: &'a [Dtype],
    pub point: &'a [u32],
    /// Instructions that ran, LOOPs and ENDs left out.
    pub steps: u64,
}

impl<'a> Second<'a> {
    pub fn new(graph: &'a ResolvedGraph, op: &'a ResolvedOp, tensors: &'a [Vec<u8>], dtypes: &'a [Dtype]) -> Self {
        let program = &graph.programs[usize::from(op.program)];
        Self { op, program, tensors, dtypes, point: &[], steps: 0 }
    }

    /// Runs it. Every value that an instruction gives is shown with its place; what is stored is given back, not saturated.
    pub fn run(&mut self, show: &mut impl FnMut(usize, i64)) -> Vec<i64> {
        let nodes = parse(&mut self.program.code.iter().copied().enumerate());
        let mut stored = vec![0; self.op.outputs.len()];
        assert!(!self.block(&nodes, &mut [0; REGISTERS], &mut stored, show), "it left no loop that it was not in");
        stored
    }

    /// Whether the loop around the nodes is left.
    fn block(
        &mut self,
        nodes: &[Node],
        registers: &mut [i64; REGISTERS],
        stored: &mut [i64],
        show: &mut impl FnMut(usize, i64),
    ) -> bool {
        for node in nodes {
            match node {
                Node::Loop(turns, body) => {
                    for _ in 0..*turns {
                        if self.block(body, registers, stored, show) {
                            break;
                        }
                    }
                    continue;
                }
                Node::Break(a) if registers[usize::from(*a)] == 0 => return true,
                Node::Break(_) => {}
                Node::Plain(_, Instruction::Store { output, a }) => {
                    stored[usize::from(*output)] = registers[usize::from(*a)];
                }
                Node::Plain(at, instruction) => {
                    let value = self.value(*instruction, registers);
                    show(*at, value);
                    registers[usize::from(instruction.destination().unwrap())] = value;
                }
            }
            self.steps += 1;
        }
        false
    }

    fn value(&self, instruction: Instruction, registers: &[i64; REGISTERS]) -> i64 {
        use Instruction as I;
        let r = |register: u8| registers[usize::from(register)];
        let read = |operand: u8, indirect: i64| {
            let view = &self.op.operands[usize::from(operand)];
            match view.access(self.point, indirect) {
                Access::Outside(value) => value,
                Access::Element(element) => {
                    let slot = usize::from(view.slot);
                    self.dtypes[slot].read(&self.tensors[slot], element as usize).unwrap()
                }
            }
        };
        let sources = |[a, b, c]: [u8; 3]| second(instruction, [r(a), r(b), r(c)]).unwrap();
        match instruction {
            I::Constant { index, .. } => self.program.constants[usize::from(index)],
            I::Load { operand, .. } => read(operand, 0),
            I::Gather { operand, a, .. } => read(operand, r(a)),
            I::Index { axis, .. } => self.point[usize::from(axis)].into(),
            I::Length { axis, .. } => self.op.output_dims[usize::from(axis)].into(),
            I::RoundShift { a, .. } | I::SquareRoot { a, .. } | I::LeadingZeros { a, .. } => sources([a, a, a]),
            I::Select { a, b, c, .. } => sources([a, b, c]),
            I::Add { a, b, .. }
            | I::Sub { a, b, .. }
            | I::Mul { a, b, .. }
            | I::And { a, b, .. }
            | I::Or { a, b, .. }
            | I::Xor { a, b, .. }
            | I::ShiftLeft { a, b, .. }
            | I::ShiftRight { a, b, .. }
            | I::ShiftArithmetic { a, b, .. }
            | I::Min { a, b, .. }
            | I::Max { a, b, .. }
            | I::Less { a, b, .. }
            | I::LessUnsigned { a, b, .. }
            | I::Equal { a, b, .. }
            | I::DivideUnsigned { a, b, .. } => sources([a, b, b]),
            I::Store { .. } | I::Loop { .. } | I::End | I::BreakIfZero { .. } => unreachable!("no value"),
        }
    }
}
