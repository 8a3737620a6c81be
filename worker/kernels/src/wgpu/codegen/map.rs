//! Map: a thread runs the program for each element of one output word, or for one element of a long program.

use super::address::decode;
use super::lower::Lowered;
use super::output::Outputs;
use super::program::{Site, axes_used};
use super::shader::{OutputWords, Shader};
use super::{CodegenError, Job, Kernel};

/// Threads of a workgroup.
pub(super) const THREADS: u32 = 64;

/// A thread for each word, or for each element if that takes too many turns of the program's loops.
pub(super) fn kernel(job: &Job<'_>) -> Result<Kernel, CodegenError> {
    let generate = |words: OutputWords| move |job: &Job<'_>| kernel_with(job, words);
    job.first_within([generate(OutputWords::Plain), generate(OutputWords::Shared)])
}

fn kernel_with(job: &Job<'_>, words: OutputWords) -> Result<Kernel, CodegenError> {
    let program = job.program()?;
    let lowered = Lowered::new(job.op, [None, Some(program)], &[]);
    let mut shader = Shader::new(job.options.wide);
    let outputs = Outputs::new(&mut shader, &job.output_dtypes()?, lowered.output_elements(), words);

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
