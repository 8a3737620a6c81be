//! Registers by one pass over the lines.
//!
//! A carried variable has a register of its own from the line that begins its loop to the line that ends it; the values that
//! it takes are computed there where they can be, and moved there where they cannot. What is free to compute (constants,
//! coordinates, lengths) is dropped when a register is needed and computed again, but for what is kept across loops.

use super::AssemblyError;
use super::liveness::{Line, Lines};
use crate::nodes::{Binary, LoopId, Node, NodeId, Nodes};
use naga::Span;
use referee::graph::{Instruction, REGISTERS, Register};
use std::collections::HashMap;

/// The finished lines.
#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) instructions: Vec<Instruction>,
    pub(super) constants: Vec<i64>,
    /// Registers that are written.
    pub(super) registers: usize,
}

pub(super) struct Allocator<'a> {
    nodes: &'a Nodes,
    lines: &'a Lines,
    /// Free values that stay in their registers across loops.
    kept: &'a [NodeId],
    /// What each register holds.
    held: [Option<NodeId>; REGISTERS],
    /// Open loops that have a carried variable in the register.
    reserved: [u8; REGISTERS],
    /// Registers of the carried variables of open loops.
    slots: HashMap<LoopId, Vec<usize>>,
    code: Code,
}

type Outcome<T> = Result<T, AssemblyError>;

impl<'a> Allocator<'a> {
    pub(super) fn new(nodes: &'a Nodes, lines: &'a Lines, kept: &'a [NodeId]) -> Self {
        Self {
            nodes,
            lines,
            kept,
            held: [None; REGISTERS],
            reserved: [0; REGISTERS],
            slots: HashMap::new(),
            code: Code::default(),
        }
    }

    pub(super) fn run(mut self) -> Outcome<Code> {
        for at in 0..self.lines.lines.len() {
            match &self.lines.lines[at] {
                Line::Compute(node) => self.compute(*node, at)?,
                Line::Store(output, value) => {
                    let a = self.bring(*value, at, &[])?;
                    self.code.instructions.push(Instruction::Store { output: *output, a });
                }
                Line::Begin(id, initial) => self.begin(*id, initial, at)?,
                Line::Leave(condition, values) => {
                    let moves = self.moves(at, values);
                    self.bring(*condition, at, values)?;
                    self.parallel(moves, Some(*condition), at)?;
                    let a = self.bring(*condition, at, values)?;
                    self.code.instructions.push(Instruction::BreakIfZero { a });
                }
                Line::End(id, values) => {
                    let moves = self.moves(at, values);
                    self.parallel(moves, None, at)?;
                    self.code.instructions.push(Instruction::End);
                    self.end(*id);
                }
            }
            self.release(at);
        }
        let written = self.code.instructions.iter().filter_map(|instruction| instruction.destination());
        self.code.registers = written.map(|register| usize::from(register) + 1).max().unwrap_or(0);
        Ok(self.code)
    }

    /// Forgets what no later line needs.
    fn release(&mut self, at: usize) {
        for register in 0..REGISTERS {
            if let Some(node) = self.held[register]
                && !self.is_needed_after(node, at)
            {
                self.held[register] = None;
            }
        }
    }

    fn is_needed_after(&self, node: NodeId, at: usize) -> bool {
        if self.nodes.node(node).is_free() {
            return self.is_locked(node, at) || self.next_use(node, at).is_some();
        }
        self.lines.last_use.get(&node).is_some_and(|last| *last > at)
    }

    /// The next line that uses a free value.
    fn next_use(&self, node: NodeId, at: usize) -> Option<usize> {
        self.lines.uses.get(&node)?.iter().copied().find(|line| *line > at)
    }

    /// Whether a free value must stay where it is: the loops around this line, or the one that it begins, use it.
    fn is_locked(&self, node: NodeId, at: usize) -> bool {
        let around = match &self.lines.lines[at] {
            Line::Begin(id, _) => self.lines.outermost(at).or(Some(*id)),
            _ => self.lines.outermost(at),
        };
        let Some(extent) = around.and_then(|id| self.lines.loops.get(&id)) else { return false };
        let uses = self.lines.uses.get(&node);
        self.kept.contains(&node)
            && at < extent.end
            && uses.is_some_and(|uses| uses.iter().any(|line| extent.begin < *line && *line <= extent.end))
    }

    fn register_of(&self, node: NodeId) -> Option<usize> {
        self.held.iter().position(|held| *held == Some(node))
    }

    /// A register that nothing else needs.
    fn take(&mut self, wanted: NodeId, at: usize, operands: &[NodeId]) -> Outcome<usize> {
        let free = |register: &usize| self.reserved[*register] == 0 && self.held[*register].is_none();
        if let Some(register) = (0..REGISTERS).find(free) {
            return Ok(register);
        }
        let droppable = |register: &usize| {
            self.reserved[*register] == 0
                && self.held[*register].is_some_and(|node| {
                    self.nodes.node(node).is_free() && !operands.contains(&node) && !self.is_locked(node, at)
                })
        };
        let furthest = (0..REGISTERS)
            .filter(droppable)
            .max_by_key(|register| self.held[*register].and_then(|node| self.next_use(node, at)).unwrap_or(usize::MAX));
        let Some(register) = furthest else { return Err(self.full(wanted)) };
        self.held[register] = None;
        Ok(register)
    }

    /// There is no register: says for what, and what is in them.
    fn full(&self, wanted: NodeId) -> AssemblyError {
        let alive: Vec<Span> = self
            .held
            .iter()
            .flatten()
            .filter(|node| !self.nodes.node(**node).is_free())
            .map(|node| self.nodes.span_of(*node))
            .collect();
        AssemblyError::Registers { wanted: self.nodes.span_of(wanted), alive }
    }

    /// The register of a value, which is computed now if it is free to.
    fn bring(&mut self, node: NodeId, at: usize, operands: &[NodeId]) -> Outcome<Register> {
        let register = match self.register_of(node) {
            Some(register) => register,
            None => {
                let register = self.take(node, at, operands)?;
                self.materialise(node, register);
                register
            }
        };
        Ok(register as Register)
    }

    /// Computes a free value in a register.
    fn materialise(&mut self, node: NodeId, register: usize) {
        let d = register as Register;
        let instruction = match self.nodes.node(node) {
            Node::Constant(value) => Instruction::Constant { d, index: self.constant(value) },
            Node::Length(axis) => Instruction::Length { d, axis },
            Node::Index(axis) => Instruction::Index { d, axis },
            // Everything else has been computed before its first use.
            _ => return,
        };
        self.code.instructions.push(instruction);
        self.held[register] = Some(node);
    }

    fn constant(&mut self, value: i64) -> u8 {
        let constants = &mut self.code.constants;
        let index = constants.iter().position(|constant| *constant == value).unwrap_or_else(|| {
            constants.push(value);
            constants.len() - 1
        });
        // Beyond the last index the program is refused for its number of constants.
        index.min(usize::from(u8::MAX)) as u8
    }

    fn compute(&mut self, node: NodeId, at: usize) -> Outcome<()> {
        let operands: Vec<NodeId> = self.nodes.node(node).operands().collect();
        let mut registers = [0; 3];
        for (register, operand) in registers.iter_mut().zip(&operands) {
            *register = self.bring(*operand, at, &operands)?;
        }
        // The result may stand where an operand stood that nobody needs again.
        self.release(at);
        let register = match self.slot_for(node, at) {
            Some(register) => register,
            None => self.take(node, at, &[])?,
        };
        let d = register as Register;
        let [a, b, c] = registers;
        let instruction = match self.nodes.node(node) {
            Node::Load(operand) => Instruction::Load { d, operand },
            Node::Gather(operand, _) => Instruction::Gather { d, operand, a },
            Node::Binary(op, ..) => binary(op, d, a, b),
            Node::Select(..) => Instruction::Select { d, c: a, a: b, b: c },
            Node::LeadingZeros(_) => Instruction::LeadingZeros { d, a },
            Node::Constant(_) | Node::Index(_) | Node::Length(_) | Node::Carried(..) | Node::Result(..) => {
                return Ok(());
            }
        };
        self.code.instructions.push(instruction);
        self.held[register] = Some(node);
        Ok(())
    }

    /// The register of the carried variable that is to hold a value next, if what it holds now is not needed any more.
    fn slot_for(&self, node: NodeId, at: usize) -> Option<usize> {
        let id = self.lines.within[at]?;
        let slots = self.slots.get(&id)?;
        let found = (0..slots.len())
            .find(|slot| self.held[slots[*slot]].is_none() && self.lines.required(id, *slot, at) == Some(node));
        found.map(|slot| slots[slot])
    }

    fn begin(&mut self, id: LoopId, initial: &[NodeId], at: usize) -> Outcome<()> {
        let Some(extent) = self.lines.loops.get(&id) else { return Ok(()) };
        if extent.parent.is_none() {
            for node in self.kept {
                if self.is_locked(*node, at) {
                    self.bring(*node, at, initial)?;
                }
            }
        }
        let mut slots = Vec::with_capacity(initial.len());
        for (place, value) in initial.iter().enumerate() {
            let is_free = self.nodes.node(*value).is_free();
            let again = initial.iter().skip(place + 1).any(|later| later == value);
            let register = match self.register_of(*value) {
                Some(register) if !is_free && !again && !self.is_needed_after(*value, at) => register,
                Some(source) => {
                    let register = self.take(*value, at, initial)?;
                    self.copy(register, source);
                    register
                }
                None => {
                    let register = self.take(*value, at, initial)?;
                    self.materialise(*value, register);
                    register
                }
            };
            self.held[register] = None;
            self.reserved[register] += 1;
            slots.push(register);
        }
        for (variable, register) in extent.variables.iter().zip(&slots) {
            let carried = self.carried(id, *variable);
            self.held[*register] = carried.filter(|node| self.lines.last_use.contains_key(node));
        }
        self.slots.insert(id, slots);
        self.drop_free(at);
        self.code.instructions.push(Instruction::Loop { turns: extent.turns });
        Ok(())
    }

    /// The node of a carried variable at the beginning of a turn, if any line reads it.
    fn carried(&self, id: LoopId, variable: u32) -> Option<NodeId> {
        self.lines.last_use.keys().copied().find(|node| self.nodes.node(*node) == Node::Carried(id, variable))
    }

    fn end(&mut self, id: LoopId) {
        let slots = self.slots.remove(&id).unwrap_or_default();
        let Some(extent) = self.lines.loops.get(&id) else { return };
        self.drop_free(extent.end);
        for (variable, register) in extent.variables.iter().zip(slots) {
            self.reserved[register] -= 1;
            let result = |node: &NodeId| self.nodes.node(*node) == Node::Result(id, *variable);
            self.held[register] = self.lines.last_use.keys().copied().find(result);
        }
    }

    /// Forgets free values that are not kept: a turn, or the way out of a loop, may not have computed them.
    fn drop_free(&mut self, at: usize) {
        for register in 0..REGISTERS {
            if let Some(node) = self.held[register]
                && self.nodes.node(node).is_free()
                && !self.is_locked(node, at)
            {
                self.held[register] = None;
            }
        }
    }

    fn copy(&mut self, d: usize, source: usize) {
        let (d, a) = (d as Register, source as Register);
        self.code.instructions.push(Instruction::Or { d, a, b: a });
    }

    /// What the registers of the innermost loop's carried variables must hold.
    fn moves(&self, at: usize, values: &[NodeId]) -> Vec<(usize, NodeId)> {
        let slots = self.lines.within[at].and_then(|id| self.slots.get(&id));
        slots.map(|slots| slots.iter().copied().zip(values.iter().copied()).collect()).unwrap_or_default()
    }

    /// Moves all values at once; `condition` stays readable.
    fn parallel(&mut self, moves: Vec<(usize, NodeId)>, condition: Option<NodeId>, at: usize) -> Outcome<()> {
        loop {
            let pending: Vec<(usize, NodeId)> =
                moves.iter().copied().filter(|(register, node)| self.held[*register] != Some(*node)).collect();
            let Some(first) = pending.first().copied() else { return Ok(()) };
            let is_blocked = |(register, node): &(usize, NodeId)| {
                let Some(content) = self.held[*register].filter(|held| !self.nodes.node(*held).is_free()) else {
                    return false;
                };
                let elsewhere =
                    self.held.iter().enumerate().any(|(other, held)| other != *register && *held == Some(content));
                let is_source = pending.iter().any(|(_, wanted)| *wanted == content && wanted != node);
                let is_alive = condition == Some(content) || self.is_needed_after(content, at);
                !elsewhere && (is_source || is_alive)
            };
            match pending.iter().find(|one| !is_blocked(one)).copied() {
                Some((register, node)) => match self.register_of(node) {
                    Some(source) => {
                        self.copy(register, source);
                        self.held[register] = Some(node);
                        let is_of_loop = self.lines.home.get(&node).copied().flatten() == self.lines.within[at];
                        if self.reserved[source] == 0 && is_of_loop && !self.nodes.node(node).is_free() {
                            self.held[source] = None;
                        }
                    }
                    None => self.materialise(node, register),
                },
                None => {
                    let (register, _) = first;
                    let Some(content) = self.held[register] else { continue };
                    let operands: Vec<NodeId> = moves.iter().map(|(_, node)| *node).collect();
                    let aside = self.take(content, at, &operands)?;
                    self.copy(aside, register);
                    self.held[aside] = Some(content);
                    self.held[register] = None;
                }
            }
        }
    }
}

fn binary(op: Binary, d: Register, a: Register, b: Register) -> Instruction {
    match op {
        Binary::Add => Instruction::Add { d, a, b },
        Binary::Sub => Instruction::Sub { d, a, b },
        Binary::Mul => Instruction::Mul { d, a, b },
        Binary::And => Instruction::And { d, a, b },
        Binary::Or => Instruction::Or { d, a, b },
        Binary::Xor => Instruction::Xor { d, a, b },
        Binary::ShiftLeft => Instruction::ShiftLeft { d, a, b },
        Binary::ShiftRight => Instruction::ShiftRight { d, a, b },
        Binary::ShiftArithmetic => Instruction::ShiftArithmetic { d, a, b },
        Binary::Min => Instruction::Min { d, a, b },
        Binary::Max => Instruction::Max { d, a, b },
        Binary::Less => Instruction::Less { d, a, b },
        Binary::LessUnsigned => Instruction::LessUnsigned { d, a, b },
        Binary::Equal => Instruction::Equal { d, a, b },
        Binary::DivideUnsigned => Instruction::DivideUnsigned { d, a, b },
    }
}
