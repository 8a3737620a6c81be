//! Bytecode to WGSL: one `let` an instruction, in 32 bits where its value is proved to fit and in 64 elsewhere. Registers that
//! a loop carries from turn to turn are variables as long as it lasts.

use super::address::{load, narrow_literal, wide_literal};
use super::lower::Lowered;
use super::shader::Shader;
use super::{CodegenError, Read};
use referee::graph::{Effect, Instruction, Interval, Liveness, Program, REGISTERS, Register};
use std::collections::BTreeMap;

/// A value that generated code has computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// An expression without side effects, safe to repeat.
    pub text: String,
    /// Whether it is 64-bit; else it is an `i32` that holds the whole value.
    pub wide: bool,
    /// Whether it is proved not to be negative.
    pub not_negative: bool,
}

impl Value {
    /// An `i32` expression.
    pub(super) fn narrow(text: impl Into<String>) -> Self {
        Self { text: text.into(), wide: false, not_negative: false }
    }

    /// A 64-bit expression.
    pub(super) fn wide(text: impl Into<String>) -> Self {
        Self { text: text.into(), wide: true, not_negative: false }
    }

    /// The same expression, known to lie within an interval.
    pub(super) fn within(self, interval: &Interval) -> Self {
        Self { not_negative: interval.low >= 0, ..self }
    }

    /// The value in 64 bits.
    pub(super) fn extended(&self) -> String {
        if self.wide { self.text.clone() } else { format!("w_extend({})", self.text) }
    }

    /// The low word as `i32`: the value itself wherever that fits.
    pub(super) fn low(&self) -> String {
        if self.wide { format!("w_low({})", self.text) } else { self.text.clone() }
    }

    fn nonzero(&self) -> String {
        if self.wide { format!("w_nonzero({})", self.text) } else { format!("{} != 0i", self.text) }
    }

    /// The value as a shift count: only its low six bits matter.
    fn count(&self) -> String {
        format!("(bitcast<u32>({}) & 63u)", self.low())
    }
}

/// A program where it runs.
pub(super) struct Site<'a> {
    pub program: &'a Program,
    /// What each instruction can produce.
    pub intervals: &'a [Interval],
    pub lowered: &'a Lowered,
    /// Where each operand is read from.
    pub operands: &'a [Read],
    /// Coordinate of each lowered iteration axis.
    pub coordinates: &'a [String],
    /// Registers that do not start at 0.
    pub presets: &'a [Value],
    /// Test only: leave out the rounding of `RoundShift`.
    pub truncates: bool,
}

/// What a program leaves behind.
pub(super) struct Outcome {
    pub registers: Vec<Value>,
    /// Value stored to each output, not yet saturated.
    pub stored: Vec<(usize, Value)>,
}

impl Site<'_> {
    /// Emits the program. Instructions whose results nobody reads are left out: `live` registers count as read.
    pub(super) fn emit(&self, shader: &mut Shader, live: &[Register]) -> Result<Outcome, CodegenError> {
        let liveness = liveness(&self.program.code, live);
        let mut registers: Vec<Value> = vec![Value::narrow("0i"); REGISTERS];
        for (register, preset) in registers.iter_mut().zip(self.presets) {
            *register = preset.clone();
        }
        let mut stored = Vec::new();
        let mut carried = Carried::default();
        for (at, instruction) in self.program.code.iter().enumerate().filter(|(at, _)| liveness.needed(*at)) {
            match *instruction {
                Instruction::Store { output, a } => {
                    stored.push((usize::from(output), registers[usize::from(a) % REGISTERS].clone()));
                }
                Instruction::Loop { turns } => {
                    let last = liveness.frame(at).ok_or(CodegenError::Unchecked)?.1;
                    self.open_loop(shader, &liveness, (at, last), &mut registers, &mut carried);
                    let turn = shader.name("turn");
                    shader.repeat(&turn, "0u", u32::from(turns), 1);
                }
                Instruction::End => {
                    shader.close();
                    carried.close(&mut registers);
                }
                Instruction::BreakIfZero { a } => {
                    shader.open(format!("if (!({}))", registers[usize::from(a) % REGISTERS].nonzero()));
                    shader.line("break;");
                    shader.close();
                }
                _ => {
                    let d = usize::from(instruction.destination().ok_or(CodegenError::Unchecked)?) % REGISTERS;
                    let interval = self.interval(at);
                    let value = self.instruction(shader, instruction, interval.fits_i32(), &registers)?;
                    if carried.holds(d) {
                        let variable = &registers[d];
                        let text = if variable.wide { value.extended() } else { value.text };
                        shader.line(format!("{} = {text};", variable.text));
                    } else {
                        let text = shader.bind("v", &value.text);
                        registers[d] = Value { text, ..value }.within(&interval);
                    }
                }
            }
        }
        Ok(Outcome { registers, stored })
    }

    fn interval(&self, at: usize) -> Interval {
        self.intervals.get(at).copied().unwrap_or(Interval::FULL)
    }

    /// Declares a variable for each register that the loop from `first` to `last` carries from turn to turn or out of it.
    fn open_loop(
        &self,
        shader: &mut Shader,
        liveness: &Liveness,
        (first, last): (usize, usize),
        registers: &mut [Value],
        carried: &mut Carried,
    ) {
        let body = self.program.code.iter().enumerate().take(last).skip(first + 1);
        let mut written: BTreeMap<usize, Interval> = BTreeMap::new();
        for (at, instruction) in body.filter(|(at, _)| liveness.needed(*at)) {
            if let Some(d) = instruction.destination() {
                let interval = self.interval(at);
                written
                    .entry(usize::from(d) % REGISTERS)
                    .and_modify(|others| *others = others.hull(interval))
                    .or_insert(interval);
            }
        }
        let mut own = Vec::new();
        for (&register, interval) in &written {
            let (carried_in, carried_out) =
                (liveness.alive(first + 1, register as Register), liveness.alive(last + 1, register as Register));
            if carried.holds(register) || !(carried_in || carried_out) {
                continue;
            }
            // What no turn reads before it writes may start with anything.
            let start = if carried_in { registers[register].clone() } else { Value::narrow("0i").within(interval) };
            let wide = start.wide || !interval.fits_i32();
            let text = shader.name("r");
            let value = if wide { start.extended() } else { start.text };
            shader.line(format!("var {text} = {value};"));
            registers[register] = Value { text, wide, not_negative: start.not_negative && interval.low >= 0 };
            own.push(register);
        }
        carried.open.push((own, written.into_keys().collect()));
    }

    fn instruction(
        &self,
        shader: &mut Shader,
        instruction: &Instruction,
        narrow: bool,
        registers: &[Value],
    ) -> Result<Value, CodegenError> {
        use Instruction as I;
        let r = |register: Register| &registers[usize::from(register) % REGISTERS];
        let both_narrow = |a: Register, b: Register| !r(a).wide && !r(b).wide;
        // Where the result fits 32 bits, its low word follows from the low words of the operands.
        let modular = |symbol: &str, function: &str, a: Register, b: Register| {
            if narrow {
                Value::narrow(format!("{} {symbol} {}", r(a).low(), r(b).low()))
            } else {
                Value::wide(format!("{function}({}, {})", r(a).extended(), r(b).extended()))
            }
        };
        let bitwise = |symbol: &str, a: Register, b: Register| {
            if narrow {
                Value::narrow(format!("{} {symbol} {}", r(a).low(), r(b).low()))
            } else {
                Value::wide(format!("{} {symbol} {}", r(a).extended(), r(b).extended()))
            }
        };
        let truth = |condition: String| Value::narrow(format!("select(0i, 1i, {condition})"));
        let ordered = |narrow_function: &str, wide_function: &str, a: Register, b: Register| {
            if both_narrow(a, b) {
                Value::narrow(format!("{narrow_function}({}, {})", r(a).text, r(b).text))
            } else {
                fit(narrow, format!("{wide_function}({}, {})", r(a).extended(), r(b).extended()))
            }
        };
        let value = match *instruction {
            I::Constant { index, .. } => {
                let constant = *self.program.constants.get(usize::from(index)).ok_or(CodegenError::Unchecked)?;
                match i32::try_from(constant) {
                    Ok(constant) => Value::narrow(narrow_literal(constant)),
                    Err(_) => Value::wide(wide_literal(constant)),
                }
            }
            I::Load { operand, .. } => self.load(shader, operand, None)?,
            I::Gather { operand, a, .. } => self.load(shader, operand, Some(r(a)))?,
            I::Index { axis, .. } => {
                let axis = self.lowered.index_axes.get(usize::from(axis)).copied().flatten();
                let coordinate = axis.and_then(|axis| self.coordinates.get(axis)).map_or("0u", String::as_str);
                Value::narrow(format!("bitcast<i32>({coordinate})"))
            }
            I::Length { axis, .. } => {
                let length = self.lowered.lengths.get(usize::from(axis)).copied().unwrap_or(0);
                match i32::try_from(length) {
                    Ok(length) => Value::narrow(narrow_literal(length)),
                    Err(_) => Value::wide(wide_literal(i64::from(length))),
                }
            }
            I::Add { a, b, .. } => modular("+", "w_add", a, b),
            I::Sub { a, b, .. } => modular("-", "w_subtract", a, b),
            I::Mul { a, b, .. } if !narrow && both_narrow(a, b) => {
                Value::wide(format!("w_multiply_narrow({}, {})", r(a).text, r(b).text))
            }
            I::Mul { a, b, .. } => modular("*", "w_multiply", a, b),
            I::And { a, b, .. } => bitwise("&", a, b),
            I::Or { a, b, .. } => bitwise("|", a, b),
            I::Xor { a, b, .. } => bitwise("^", a, b),
            I::ShiftLeft { a, b, .. } if narrow => {
                Value::narrow(format!("n_shift_left({}, {})", r(a).low(), r(b).count()))
            }
            I::ShiftLeft { a, b, .. } => Value::wide(format!("w_shift_left({}, {})", r(a).extended(), r(b).count())),
            I::ShiftRight { a, b, .. } if small(r(a)) => {
                Value::narrow(format!("n_shift_right({}, {})", r(a).text, r(b).count()))
            }
            I::ShiftRight { a, b, .. } => fit(narrow, format!("w_shift_right({}, {})", r(a).extended(), r(b).count())),
            I::ShiftArithmetic { a, b, .. } if !r(a).wide => {
                Value::narrow(format!("n_shift_arithmetic({}, {})", r(a).text, r(b).count()))
            }
            I::ShiftArithmetic { a, b, .. } => {
                fit(narrow, format!("w_shift_arithmetic({}, {})", r(a).text, r(b).count()))
            }
            I::RoundShift { a, shift, .. } => self.round_shift(r(a), u32::from(shift & 63), narrow),
            I::Min { a, b, .. } => ordered("min", "w_minimum", a, b),
            I::Max { a, b, .. } => ordered("max", "w_maximum", a, b),
            I::Less { a, b, .. } if both_narrow(a, b) => truth(format!("{} < {}", r(a).text, r(b).text)),
            I::Less { a, b, .. } => truth(format!("w_less({}, {})", r(a).extended(), r(b).extended())),
            I::LessUnsigned { a, b, .. } if both_narrow(a, b) => {
                // Sign extension keeps the unsigned order of the low words.
                truth(format!("bitcast<u32>({}) < bitcast<u32>({})", r(a).text, r(b).text))
            }
            I::LessUnsigned { a, b, .. } => truth(format!("w_less_unsigned({}, {})", r(a).extended(), r(b).extended())),
            I::Equal { a, b, .. } if both_narrow(a, b) => truth(format!("{} == {}", r(a).text, r(b).text)),
            I::Equal { a, b, .. } => truth(format!("w_equal({}, {})", r(a).extended(), r(b).extended())),
            I::Select { c, a, b, .. } if narrow || both_narrow(a, b) => {
                Value::narrow(format!("select({}, {}, {})", r(b).low(), r(a).low(), r(c).nonzero()))
            }
            I::Select { c, a, b, .. } => {
                Value::wide(format!("select({}, {}, {})", r(b).extended(), r(a).extended(), r(c).nonzero()))
            }
            I::DivideUnsigned { a, b, .. } if small(r(a)) && small(r(b)) => {
                Value::narrow(format!("n_divide_unsigned({}, {})", r(a).text, r(b).text))
            }
            I::DivideUnsigned { a, b, .. } => {
                fit(narrow, format!("w_divide_unsigned({}, {})", r(a).extended(), r(b).extended()))
            }
            I::SquareRoot { a, .. } if small(r(a)) => Value::narrow(format!("n_square_root({})", r(a).text)),
            I::SquareRoot { a, .. } => fit(narrow, format!("w_square_root({})", r(a).extended())),
            I::LeadingZeros { a, .. } if !r(a).wide => Value::narrow(format!("n_leading_zeros({})", r(a).text)),
            I::LeadingZeros { a, .. } => Value::narrow(format!("w_leading_zeros({})", r(a).text)),
            I::Loop { .. } | I::End | I::BreakIfZero { .. } | I::Store { .. } => return Err(CodegenError::Unchecked),
        };
        Ok(value)
    }

    fn load(&self, shader: &mut Shader, operand: u8, indirect: Option<&Value>) -> Result<Value, CodegenError> {
        let operand = usize::from(operand);
        let address = self.lowered.addresses.get(operand).ok_or(CodegenError::Unchecked)?;
        let source = self.operands.get(operand).ok_or(CodegenError::Unchecked)?;
        let coordinate = match (address.indirect, indirect) {
            (None, None) => None,
            (Some((dim, _)), Some(value)) => {
                let last = dim.saturating_sub(1);
                let clamped = if value.wide {
                    format!("bitcast<u32>(w_saturate({}, 0i, {last}i))", value.text)
                } else {
                    format!("bitcast<u32>(clamp({}, 0i, {last}i))", value.text)
                };
                Some(shader.bind("gathered", clamped))
            }
            _ => return Err(CodegenError::Unchecked),
        };
        let binding = shader.read(source.clone());
        Ok(Value::narrow(load(shader, binding, address, self.coordinates, coordinate.as_deref())))
    }

    fn round_shift(&self, a: &Value, shift: u32, narrow: bool) -> Value {
        let text = match (a.wide, self.truncates) {
            (true, false) => format!("w_round_shift({}, {shift}u)", a.text),
            (true, true) => format!("w_shift_arithmetic({}, {shift}u)", a.text),
            // The nearest multiple of 2^32 or more to a 32-bit value is 0; half of 2^32 below 0 rounds up to it.
            (false, _) if shift >= 32 => return Value::narrow("0i"),
            (false, false) => format!("({0} >> {shift}u) + (({0} >> {1}u) & 1i)", a.text, shift.saturating_sub(1)),
            (false, true) => format!("{} >> {shift}u", a.text),
        };
        if a.wide { fit(narrow, text) } else { Value::narrow(text) }
    }
}

/// The registers that are variables, because a loop carries them.
#[derive(Default)]
struct Carried {
    /// Of each open loop, innermost last: the registers that it made variables, and all that it writes.
    open: Vec<(Vec<usize>, Vec<usize>)>,
}

impl Carried {
    fn holds(&self, register: usize) -> bool {
        self.open.iter().any(|(own, _)| own.contains(&register))
    }

    /// Ends the innermost loop. Its variables are values from now on; what else it wrote is out of scope, and not read.
    fn close(&mut self, registers: &mut [Value]) {
        let Some((own, written)) = self.open.pop() else { return };
        for register in written {
            if !own.contains(&register) && !self.holds(register) {
                registers[register] = Value::narrow("0i");
            }
        }
    }
}

/// Whether the value is an `i32` that is proved not to be negative.
fn small(value: &Value) -> bool {
    !value.wide && value.not_negative
}

/// A 64-bit expression as the value's own width.
fn fit(narrow: bool, text: String) -> Value {
    if narrow { Value::narrow(format!("w_low({text})")) } else { Value::wide(text) }
}

/// What is needed of a program whose registers `live` are read after it.
fn liveness(code: &[Instruction], live: &[Register]) -> Liveness {
    Liveness::new(&code.iter().map(Effect::from).collect::<Vec<_>>(), live)
}

/// For each lowered iteration axis, whether the needed part of a program depends on its coordinate.
pub(super) fn axes_used(lowered: &Lowered, program: &Program, live: &[Register]) -> Vec<bool> {
    let mut used = vec![false; lowered.outputs.len() + lowered.reductions.len()];
    let liveness = liveness(&program.code, live);
    for (_, instruction) in program.code.iter().enumerate().filter(|(at, _)| liveness.needed(*at)) {
        match *instruction {
            Instruction::Load { operand, .. } | Instruction::Gather { operand, .. } => {
                if let Some(address) = lowered.addresses.get(usize::from(operand)) {
                    used.iter_mut().enumerate().for_each(|(axis, used)| *used |= address.uses(axis));
                }
            }
            Instruction::Index { axis, .. } => {
                if let Some(axis) = lowered.index_axes.get(usize::from(axis)).copied().flatten() {
                    used[axis] = true;
                }
            }
            _ => {}
        }
    }
    used
}
