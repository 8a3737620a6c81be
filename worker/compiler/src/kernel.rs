//! From a source to a kernel, and from a kernel to a graph.

use crate::error::CompileError;
use crate::interface::{Interface, Length, Place, Source};
use crate::lower::{Lowered, lower};
use crate::machine::{Assembled, AssemblyError, assemble};
use assay_models::builder::{BuildError, Coordinate, GraphBuilder, Model, OpSpec, Operand, axis, fixed};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use referee::graph::{Dim, Dtype, MAX_CONSTANTS, MAX_STEPS, MAX_WORDS, OpKind, Program, REGISTERS, TensorKind};
use std::collections::BTreeMap;

/// Loops of up to so many turns are written out, at the first attempt, at the second, and so on.
const UNROLL_TURNS: [u32; 4] = [64, 16, 4, 1];

/// A compiled kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// What its header declares.
    pub interface: Interface,
    /// The program of its `Map`.
    pub program: Program,
    /// Registers that the program uses.
    pub registers: usize,
    /// Steps of one element at most.
    pub steps: u64,
}

/// Compiles a source.
///
/// # Errors
/// A [`CompileError`] with the place in the source: the header, WGSL itself, what kernels do not have, or what the machine
/// does not hold.
pub fn compile(source: &str) -> Result<Kernel, CompileError> {
    let interface = Interface::parse(source)?;
    let module = parse(source)?;
    let mut refused = None;
    for unroll_turns in UNROLL_TURNS {
        let lowered = match lower(&module, source, &interface, unroll_turns) {
            Ok(lowered) => lowered,
            Err(error) => {
                refused = Some(error);
                continue;
            }
        };
        match assemble(&lowered.nodes, &lowered.items) {
            Ok(assembled) => match check_steps(&interface, &assembled) {
                Ok(()) => {
                    let Assembled { program, registers, steps } = assembled;
                    return Ok(Kernel { interface, program, registers, steps });
                }
                Err(error) => refused = Some(error.at(source, lowered.span)),
            },
            Err(error) => refused = Some(explain(source, &lowered, error)),
        }
    }
    Err(refused.unwrap_or_else(|| CompileError::new("K0402", "nothing came of the source", "shorten it")))
}

/// Parses and validates as every WGSL compiler does.
fn parse(source: &str) -> Result<naga::Module, CompileError> {
    let module = naga::front::wgsl::parse_str(source).map_err(|error| {
        let (span, label) = error.labels().next().map(|(span, label)| (span, label.to_owned())).unwrap_or_default();
        let mut message = error.message().to_owned();
        if !label.is_empty() && !message.contains(&label) {
            message = format!("{message}: {label}");
        }
        let notes: Vec<&str> = error.notes().collect();
        let help = if notes.is_empty() { "see the WGSL specification".to_owned() } else { notes.join("; ") };
        CompileError::new("K0201", message, help).at(source, span)
    })?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::SHADER_INT64);
    validator.validate(&module).map_err(|error| {
        let mut message = error.as_inner().to_string();
        let mut cause = std::error::Error::source(error.as_inner());
        while let Some(inner) = cause {
            message = format!("{message}: {inner}");
            cause = inner.source();
        }
        // The shortest place is the innermost.
        let length = |(span, _): &&(naga::Span, String)| span.to_range().map(|range| range.len());
        let place = error.spans().filter(|(span, _)| span.is_defined()).min_by_key(length).cloned();
        let (span, label) = place.unwrap_or_default();
        let help = if label.is_empty() { "see the WGSL specification".to_owned() } else { format!("look at {label}") };
        CompileError::new("K0202", message, help).at(source, span)
    })?;
    Ok(module)
}

/// `K0406` for more steps than promised or admitted.
fn check_steps(interface: &Interface, assembled: &Assembled) -> Result<(), CompileError> {
    let most = u64::from(interface.steps.unwrap_or(MAX_STEPS).min(MAX_STEPS));
    if assembled.steps <= most {
        return Ok(());
    }
    let message = format!("one element takes up to {} steps, more than {most}", assembled.steps);
    let help = "let loops turn less often or do less in a turn, split the work over more elements, or raise `steps` in the \
                header (8192 at most)";
    Err(CompileError::new("K0406", message, help))
}

fn explain(source: &str, lowered: &Lowered, error: AssemblyError) -> CompileError {
    let line = |span: &naga::Span| span.is_defined().then(|| span.location(source).line_number);
    match error {
        AssemblyError::Long(instructions) => {
            let message = format!("the kernel has {instructions} instructions, the machine holds {MAX_WORDS}");
            let help = "shorten `element`, keep repeated parts in loops, or split the kernel in two";
            CompileError::new("K0403", message, help).at(source, lowered.span)
        }
        AssemblyError::Constants(constants) => {
            let message = format!("the kernel has {constants} different constants, the machine holds {MAX_CONSTANTS}");
            let help = "put tables into a param that is indexed, or compute constants from one another";
            CompileError::new("K0404", message, help).at(source, lowered.span)
        }
        AssemblyError::Registers { wanted, alive } => {
            let mut lines: Vec<u32> = alive.iter().filter_map(line).collect();
            lines.sort_unstable();
            lines.dedup();
            let lines = lines.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            let message = format!(
                "no register is left for this value: {} of {REGISTERS} hold values of lines {lines} that are needed later",
                alive.len()
            );
            let help = "compute values closer to where they are used, join variables, or split the kernel in two";
            CompileError::new("K0405", message, help).at(source, wanted).at(source, lowered.span)
        }
    }
}

impl Kernel {
    /// The graph of this one kernel with the values of its params: row-major, little endian.
    ///
    /// # Errors
    /// `M0103` for a param that is missing or of the wrong length; `M0110` for a graph that the IR refuses, with the rule.
    pub fn model(&self, params: &BTreeMap<String, Vec<u8>>) -> Result<Model, BuildError> {
        let mut graph = GraphBuilder::new();
        let interface = &self.interface;
        let mut axes = Vec::with_capacity(interface.axes.len());
        for axis in &interface.axes {
            axes.push(match axis.low == axis.high {
                true => Dim::Const(axis.low),
                false => graph.symbol(&axis.name, axis.low, axis.high)?,
            });
        }
        let mut operands = Vec::with_capacity(interface.sources.len());
        for source in &interface.sources {
            let shape: Vec<Dim> = source
                .shape
                .iter()
                .map(|length| match length {
                    Length::Fixed(length) => Dim::Const(*length),
                    Length::Axis(axis) => axes[*axis],
                })
                .collect();
            let tensor = match source.kind {
                TensorKind::Param => {
                    let lengths: Vec<u32> = source.shape.iter().map(|length| self.length(length)).collect();
                    let bytes = params.get(&source.name).map_or(&[][..], Vec::as_slice);
                    graph.param(&source.name, source.dtype, &lengths, &values(source, &lengths, bytes)?)?
                }
                _ => graph.input(&source.name, source.dtype, &shape)?,
            };
            let mut operand = Operand::new(&tensor, source.places.iter().map(coordinate));
            if let Some(axis) = source.places.iter().position(|place| *place == Place::Indexed) {
                operand = operand.gathered(axis);
            }
            if let Some(value) = source.outside {
                operand = operand.padded(value);
            }
            operands.push(operand);
        }
        let outputs: Vec<(&str, Dtype)> =
            interface.outputs.iter().map(|(name, dtype)| (name.as_str(), *dtype)).collect();
        let handles = graph.op(OpSpec {
            name: "element",
            kind: OpKind::Map,
            outputs: &outputs,
            output_axes: &axes,
            reduction_axes: &[],
            operands: &operands,
            prologue: None,
            program: self.program.clone(),
        })?;
        handles.iter().for_each(|handle| graph.output(handle));
        graph.build()
    }

    fn length(&self, length: &Length) -> u32 {
        match length {
            Length::Fixed(length) => *length,
            Length::Axis(axis) => self.interface.axes.get(*axis).map_or(1, |axis| axis.low),
        }
    }
}

fn coordinate(place: &Place) -> Coordinate {
    match place {
        Place::Indexed => fixed(0),
        Place::Affine { offset, terms } => {
            terms.iter().fold(fixed(*offset), |sum, (index, coefficient)| sum + axis(*index) * *coefficient)
        }
    }
}

/// Values of little-endian bytes; `M0103` for another number than the shape has.
fn values(source: &Source, lengths: &[u32], bytes: &[u8]) -> Result<Vec<i64>, BuildError> {
    let size = u64::from(source.dtype.bytes());
    let expected = lengths.iter().fold(1u64, |product, length| product.saturating_mul((*length).into()));
    let bytes_given = bytes.len() as u64;
    if bytes_given != expected.saturating_mul(size) {
        // A rest that is no whole value counts as one too many, or too few.
        let given =
            if bytes_given < expected.saturating_mul(size) { bytes_given / size } else { bytes_given.div_ceil(size) };
        return Err(BuildError::Length { name: source.name.clone(), expected, given });
    }
    Ok((0..expected as usize).map(|index| source.dtype.read(bytes, index).unwrap_or(0)).collect())
}
