//! Map: a thread runs the program for each element of one output word.

use super::address::decode;
use super::lower::Lowered;
use super::output::Outputs;
use super::program::{Site, axes_used};
use super::shader::Shader;
use super::{CodegenError, Job, Kernel};

/// Threads of a workgroup.
pub(super) const THREADS: u32 = 64;

pub(super) fn kernel(job: &Job<'_>) -> Result<Kernel, CodegenError> {
    let program = job.program()?;
    let lowered = Lowered::new(job.op, [None, Some(program)], &[]);
    let mut shader = Shader::new(job.options.wide);
    let outputs = Outputs::new(&mut shader, &job.output_dtypes()?, lowered.output_elements());

    open_unit(&mut shader, outputs.units());
    outputs.open(&mut shader, "unit");
    let used = axes_used(&lowered, program, &[]);
    let coordinates = decode(&mut shader, "element", &lowered.outputs, |axis| used[axis]);
    let site = Site {
        program,
        intervals: &job.graph.intervals(job.op).epilogue,
        lowered: &lowered,
        operands: &job.tensor_operands(),
        coordinates: &coordinates,
        presets: &[],
        truncates: job.options.truncates(),
    };
    let outcome = site.emit(&mut shader, &[])?;
    outputs.store(&mut shader, &outcome.stored)?;
    outputs.close(&mut shader);
    let work = u64::from(lowered.output_elements());
    Ok(shader.finish(THREADS, outputs.units().div_ceil(THREADS), work))
}

/// Names the thread's `unit` and ends the threads beyond the last of `units`.
pub(super) fn open_unit(shader: &mut Shader, units: u32) {
    shader.line(format!("let unit = group * {THREADS}u + local;"));
    shader.open(format!("if (unit >= {units}u)"));
    shader.line("return;");
    shader.close();
}
