//! Programs from named values: the builder's assembler.

use super::error::BuildError;
use super::registers;
use referee::graph::{Instruction, MAX_CONSTANTS, MAX_WORDS, Program, Register};

/// A value that an instruction of a program computes, or that the op kind presets. Assigned once; registers are
/// found when the program is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(pub(super) Register);

/// Writes a program instruction by instruction.
///
/// Every method returns a new [`Value`]; the 16 registers are allocated at the end, and instructions whose values
/// nothing uses are left out. Semantics are those of [`Instruction`]: 64 bits, wrapping, total.
///
/// ```
/// use assay_models::builder::ProgramBuilder;
///
/// # fn main() -> Result<(), assay_models::builder::BuildError> {
/// // floor(|a - b| / 2) of operands 0 and 1, stored in output 0.
/// let mut program = ProgramBuilder::map();
/// let (a, b) = (program.load(0), program.load(1));
/// let difference = program.subtract(a, b);
/// let opposite = program.subtract(b, a);
/// let distance = program.maximum(difference, opposite);
/// let one = program.constant(1);
/// let half = program.shift_right(distance, one);
/// program.store(0, half);
/// let program = program.finish("half_distance")?;
/// assert_eq!(program.code.len(), 8);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ProgramBuilder {
    /// Instructions whose registers are values.
    code: Vec<Instruction>,
    constants: Vec<i64>,
    presets: Register,
    values: usize,
}

/// Values that the 8-bit register fields of an instruction can number.
const MAX_VALUES: usize = 256;

impl ProgramBuilder {
    fn with_presets(presets: Register) -> Self {
        Self { code: Vec::new(), constants: Vec::new(), presets, values: usize::from(presets) }
    }

    /// The program of a `Map`, or a prologue: nothing is preset.
    pub fn map() -> Self {
        Self::with_presets(0)
    }

    /// The epilogue of a `Contract` or `Sum`, with the sum.
    pub fn epilogue() -> (Self, Value) {
        (Self::with_presets(1), Value(0))
    }

    /// The epilogue of a `SumPair` (both sums) or of an `ArgMax` or `ArgMin` (the index, then the value found).
    pub fn pair_epilogue() -> (Self, [Value; 2]) {
        (Self::with_presets(2), [Value(0), Value(1)])
    }

    fn emit(&mut self, instruction: impl FnOnce(Register) -> Instruction) -> Value {
        // Beyond the last number `finish` refuses the program for its length, whatever the number here.
        let value = Value(self.values.min(MAX_VALUES - 1) as Register);
        self.values += 1;
        self.code.push(instruction(value.0));
        value
    }

    /// A constant.
    pub fn constant(&mut self, value: i64) -> Value {
        let index = self.constants.iter().position(|constant| *constant == value).unwrap_or_else(|| {
            self.constants.push(value);
            self.constants.len() - 1
        });
        self.emit(|d| Instruction::Constant { d, index: index.min(MAX_VALUES - 1) as u8 })
    }

    /// The operand at the current point.
    pub fn load(&mut self, operand: u8) -> Value {
        self.emit(|d| Instruction::Load { d, operand })
    }

    /// The operand at the current point, with its gathered axis at `index`, clamped into the shape.
    pub fn gather(&mut self, operand: u8, index: Value) -> Value {
        self.emit(|d| Instruction::Gather { d, operand, a: index.0 })
    }

    /// The coordinate of an iteration axis.
    pub fn index(&mut self, axis: u8) -> Value {
        self.emit(|d| Instruction::Index { d, axis })
    }

    /// The length of an iteration axis.
    pub fn length(&mut self, axis: u8) -> Value {
        self.emit(|d| Instruction::Length { d, axis })
    }

    /// `a + b`
    pub fn add(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::Add { d, a: a.0, b: b.0 })
    }

    /// `a - b`
    pub fn subtract(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::Sub { d, a: a.0, b: b.0 })
    }

    /// `a * b`
    pub fn multiply(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::Mul { d, a: a.0, b: b.0 })
    }

    /// `a & b`
    pub fn and(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::And { d, a: a.0, b: b.0 })
    }

    /// `a | b`
    pub fn or(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::Or { d, a: a.0, b: b.0 })
    }

    /// `a ^ b`
    pub fn xor(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::Xor { d, a: a.0, b: b.0 })
    }

    /// `a << (b & 63)`
    pub fn shift_left(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::ShiftLeft { d, a: a.0, b: b.0 })
    }

    /// `a >> (b & 63)`, logical.
    pub fn shift_right(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::ShiftRight { d, a: a.0, b: b.0 })
    }

    /// `a >> (b & 63)`, arithmetic.
    pub fn shift_arithmetic(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::ShiftArithmetic { d, a: a.0, b: b.0 })
    }

    /// `floor((a + 2^(shift-1)) / 2^shift)`; `shift` is 1 to 63.
    pub fn round_shift(&mut self, a: Value, shift: u8) -> Value {
        self.emit(|d| Instruction::RoundShift { d, a: a.0, shift })
    }

    /// The lesser, signed.
    pub fn minimum(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::Min { d, a: a.0, b: b.0 })
    }

    /// The greater, signed.
    pub fn maximum(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::Max { d, a: a.0, b: b.0 })
    }

    /// `a < b`, signed, as 0 or 1.
    pub fn less(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::Less { d, a: a.0, b: b.0 })
    }

    /// `a < b`, unsigned, as 0 or 1.
    pub fn less_unsigned(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::LessUnsigned { d, a: a.0, b: b.0 })
    }

    /// `a == b`, as 0 or 1.
    pub fn equal(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::Equal { d, a: a.0, b: b.0 })
    }

    /// `condition != 0 ? a : b`
    pub fn select(&mut self, condition: Value, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::Select { d, c: condition.0, a: a.0, b: b.0 })
    }

    /// `a / b`, unsigned; `a` where `b` is 0.
    pub fn divide_unsigned(&mut self, a: Value, b: Value) -> Value {
        self.emit(|d| Instruction::DivideUnsigned { d, a: a.0, b: b.0 })
    }

    /// Floor of the square root of `a`, unsigned.
    pub fn square_root(&mut self, a: Value) -> Value {
        self.emit(|d| Instruction::SquareRoot { d, a: a.0 })
    }

    /// Number of leading zeros of the 64 bits of `a`.
    pub fn leading_zeros(&mut self, a: Value) -> Value {
        self.emit(|d| Instruction::LeadingZeros { d, a: a.0 })
    }

    /// The nearest value within `low..=high`.
    pub fn clamp(&mut self, a: Value, low: i64, high: i64) -> Value {
        let low = self.constant(low);
        let raised = self.maximum(a, low);
        let high = self.constant(high);
        self.minimum(raised, high)
    }

    /// `floor(((sum + bias) * multiplier + 2^(shift-1)) / 2^shift)`: the one rule of requantisation.
    pub fn requantize(&mut self, sum: Value, bias: Value, multiplier: Value, shift: u8) -> Value {
        let biased = self.add(sum, bias);
        let scaled = self.multiply(biased, multiplier);
        self.round_shift(scaled, shift)
    }

    /// Runs `body` for up to `turns` turns, at least one. It takes the carried values as a turn begins, first those of `start`,
    /// and gives those for the next; what the last turn gave, or the turn that was left began with, is what the loop gives.
    ///
    /// Other values of a turn are not known behind the loop. Loops are for Maps alone and are nested at most 2 deep; stores
    /// stand outside. A constant that is made in `body` is loaded in every turn: make it before.
    ///
    /// ```
    /// use assay_models::builder::ProgramBuilder;
    ///
    /// # fn main() -> Result<(), assay_models::builder::BuildError> {
    /// // How often operand 0, not negative, can be halved until it is 0.
    /// let mut program = ProgramBuilder::map();
    /// let (number, zero, one) = (program.load(0), program.constant(0), program.constant(1));
    /// let [_, count] = program.repeat(64, [number, zero], |program, [number, count]| {
    ///     program.leave_if_zero(number);
    ///     [program.shift_right(number, one), program.add(count, one)]
    /// });
    /// program.store(0, count);
    /// assert_eq!(program.finish("halvings")?.code.len(), 9);
    /// # Ok(())
    /// # }
    /// ```
    pub fn repeat<const N: usize>(
        &mut self,
        turns: u16,
        start: [Value; N],
        body: impl FnOnce(&mut Self, [Value; N]) -> [Value; N],
    ) -> [Value; N] {
        let carried = start.map(|value| self.or(value, value));
        self.code.push(Instruction::Loop { turns });
        let next = body(self, carried);
        // All are read before any is written.
        let next = next.map(|value| if carried.contains(&value) { self.or(value, value) } else { value });
        for (to, from) in carried.into_iter().zip(next) {
            self.code.push(Instruction::Or { d: to.0, a: from.0, b: from.0 });
        }
        self.code.push(Instruction::End);
        carried
    }

    /// Leaves the innermost loop if `condition` is 0; it then gives the values that this turn began with.
    pub fn leave_if_zero(&mut self, condition: Value) {
        self.code.push(Instruction::BreakIfZero { a: condition.0 });
    }

    /// Stores `a` in an output, saturated to its element type. Once for each output.
    pub fn store(&mut self, output: u8, a: Value) {
        self.code.push(Instruction::Store { output, a: a.0 });
    }

    /// The program, which ends in stores; `name` is for errors.
    ///
    /// # Errors
    /// `M0107` for too many instructions, constants or values alive at once, `M0108` for a foreign value.
    pub fn finish(self, name: &str) -> Result<Program, BuildError> {
        self.finish_lanes(name, &[])
    }

    /// A prologue: leaves `lanes` (one, or two for `SumPair`) in the first registers; `name` is for errors.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn finish_lanes(self, name: &str, lanes: &[Value]) -> Result<Program, BuildError> {
        let refuse = |reason: String| BuildError::Program { name: name.into(), reason };
        if self.values > MAX_VALUES {
            return Err(refuse(format!("{} values, more than {MAX_VALUES}", self.values)));
        }
        let mut defined = vec![false; self.values];
        defined[..usize::from(self.presets)].fill(true);
        let mut known_outside: Vec<Vec<bool>> = Vec::new();
        for instruction in &self.code {
            match instruction {
                Instruction::Loop { .. } => known_outside.push(defined.clone()),
                Instruction::End => defined = known_outside.pop().unwrap_or(defined),
                _ => {}
            }
            let known = (instruction.sources().into_iter().flatten())
                .all(|source| defined.get(usize::from(source)).copied().unwrap_or(false));
            if !known {
                return Err(BuildError::Foreign { name: name.into(), what: "value" });
            }
            if let Some(value) = instruction.destination() {
                defined[usize::from(value)] = true;
            }
        }
        if lanes.iter().any(|lane| usize::from(lane.0) >= self.values) {
            return Err(BuildError::Foreign { name: name.into(), what: "value" });
        }
        let code = registers::allocate(&self.code, self.values, self.presets, lanes).ok_or_else(|| {
            refuse(format!("more than {} values alive at one instruction", referee::graph::REGISTERS))
        })?;
        let program = prune_constants(code, &self.constants);
        if program.code.len() > MAX_WORDS || program.constants.len() > MAX_CONSTANTS {
            return Err(refuse(format!(
                "{} instructions and {} constants, more than {MAX_WORDS} or {MAX_CONSTANTS}",
                program.code.len(),
                program.constants.len()
            )));
        }
        Ok(program)
    }
}

/// Keeps the constants that are still loaded, in order of first use.
fn prune_constants(mut code: Vec<Instruction>, all: &[i64]) -> Program {
    let mut constants = Vec::new();
    for instruction in &mut code {
        if let Instruction::Constant { index, .. } = instruction {
            let value = all[usize::from(*index)];
            let place = constants.iter().position(|constant| *constant == value).unwrap_or_else(|| {
                constants.push(value);
                constants.len() - 1
            });
            *index = place as u8;
        }
    }
    Program { constants, code }
}

#[cfg(test)]
impl ProgramBuilder {
    /// The instructions on values, and the constants that they load.
    pub(super) fn drawn(&self) -> (Vec<Instruction>, Vec<i64>) {
        (self.code.clone(), self.constants.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requantisation_needs_two_registers() {
        let (mut program, sum) = ProgramBuilder::epilogue();
        let bias = program.load(2);
        let multiplier = program.load(3);
        let value = program.requantize(sum, bias, multiplier, 20);
        program.store(0, value);
        let program = program.finish("test").unwrap();
        let highest = program.code.iter().filter_map(Instruction::destination).max();
        assert_eq!(highest, Some(2));
        assert_eq!(program.code.last(), Some(&Instruction::Store { output: 0, a: 0 }));
    }

    #[test]
    fn unused_values_and_their_constants_are_left_out() {
        let mut program = ProgramBuilder::map();
        program.constant(77);
        let kept = program.constant(5);
        let unused = program.add(kept, kept);
        program.multiply(unused, kept);
        program.store(0, kept);
        let program = program.finish("test").unwrap();
        assert_eq!(program.constants, [5]);
        assert_eq!(program.code, [Instruction::Constant { d: 0, index: 0 }, Instruction::Store { output: 0, a: 0 }]);
    }

    #[test]
    fn sixteen_live_values_fit_and_seventeen_do_not() {
        let sum_of = |count: usize| {
            let mut program = ProgramBuilder::map();
            let values: Vec<Value> = (0..count).map(|axis| program.index(axis as u8)).collect();
            let total = values.iter().copied().reduce(|a, b| program.add(a, b)).unwrap();
            program.store(0, total);
            program.finish("test")
        };
        assert!(sum_of(16).is_ok());
        assert!(matches!(sum_of(17), Err(BuildError::Program { .. })));
    }

    #[test]
    fn lanes_end_in_the_first_registers_even_when_they_are_one_value() {
        let mut program = ProgramBuilder::map();
        let a = program.load(0);
        let square = program.multiply(a, a);
        let both = program.clone().finish_lanes("test", &[square, a]).unwrap();
        assert_eq!(both.code, [Instruction::Load { d: 1, operand: 0 }, Instruction::Mul { d: 0, a: 1, b: 1 }]);
        let same = program.finish_lanes("test", &[a, a]).unwrap();
        assert_eq!(same.code, [Instruction::Load { d: 0, operand: 0 }, Instruction::Or { d: 1, a: 0, b: 0 }]);
    }

    #[test]
    fn long_programs_and_foreign_values_are_refused() {
        let mut long = ProgramBuilder::map();
        let mut value = long.load(0);
        for _ in 0..600 {
            value = long.add(value, value);
        }
        long.store(0, value);
        assert!(matches!(long.finish("test"), Err(BuildError::Program { .. })));

        let mut other = ProgramBuilder::map();
        other.load(0);
        let foreign = other.load(0);
        let mut program = ProgramBuilder::map();
        program.store(0, foreign);
        assert!(matches!(program.finish("test"), Err(BuildError::Foreign { what: "value", .. })));
    }

    #[test]
    fn too_many_constants_are_refused() {
        let mut program = ProgramBuilder::map();
        let mut total = program.load(0);
        for constant in 0..33 {
            let constant = program.constant(constant);
            total = program.add(total, constant);
        }
        program.store(0, total);
        assert!(matches!(program.finish("test"), Err(BuildError::Program { .. })));
    }
}
