//! Contractions without reuse: a thread or a workgroup sums for each output word.

use super::contraction::Contraction;
use crate::wgpu::codegen::address::decode;
use crate::wgpu::codegen::map::{THREADS, open_unit};
use crate::wgpu::codegen::output::Outputs;
use crate::wgpu::codegen::shader::{OutputWords, Shader};
use crate::wgpu::codegen::{CodegenError, Kernel};

/// One thread for each output word.
pub(super) fn by_threads(contraction: &Contraction<'_>) -> Result<Kernel, CodegenError> {
    let (mut shader, outputs) = start(contraction)?;
    open_unit(&mut shader, outputs.units());
    outputs.open(&mut shader, "unit");
    let coordinates = output_coordinates(contraction, &mut shader);
    shader.line("var sum = 0i;");
    shader.repeat("step", "0u", contraction.words(), 1);
    multiply(contraction, &mut shader, &coordinates);
    shader.close();
    let outcome = contraction.epilogue(&mut shader, &coordinates, "sum")?;
    outputs.store(&mut shader, &outcome.stored)?;
    outputs.close(&mut shader);
    Ok(shader.finish(THREADS, outputs.units().div_ceil(THREADS), contraction.work()))
}

/// One workgroup for each output word.
pub(super) fn by_workgroups(contraction: &Contraction<'_>) -> Result<Kernel, CodegenError> {
    let (mut shader, outputs) = start(contraction)?;
    shader.global(format!("var<workgroup> shared_sum: array<i32, {THREADS}>;"));
    shader.open(format!("if (group >= {}u)", outputs.units()));
    shader.line("return;");
    shader.close();
    outputs.open(&mut shader, "group");
    let coordinates = output_coordinates(contraction, &mut shader);
    shader.line("var sum = 0i;");
    shader.repeat("step", "local", contraction.words(), THREADS);
    multiply(contraction, &mut shader, &coordinates);
    shader.close();
    shader.line("shared_sum[local] = sum;");
    shader.line("workgroupBarrier();");
    shader.open_loop(format!("for (var half = {}u; half > 0u; half = half >> 1u)", THREADS / 2), THREADS.ilog2());
    shader.open("if (local < half)");
    shader.line("sum = sum + shared_sum[local + half];");
    shader.line("shared_sum[local] = sum;");
    shader.close();
    shader.line("workgroupBarrier();");
    shader.close();
    shader.open("if (local == 0u)");
    let outcome = contraction.epilogue(&mut shader, &coordinates, "sum")?;
    outputs.store(&mut shader, &outcome.stored)?;
    shader.close();
    outputs.close(&mut shader);
    Ok(shader.finish(THREADS, outputs.units(), contraction.work()))
}

fn start(contraction: &Contraction<'_>) -> Result<(Shader, Outputs), CodegenError> {
    let mut shader = Shader::new(contraction.job.options.wide);
    let dtypes = contraction.job.output_dtypes()?;
    let outputs = Outputs::new(&mut shader, &dtypes, contraction.lowered.output_elements(), OutputWords::Plain);
    Ok((shader, outputs))
}

fn output_coordinates(contraction: &Contraction<'_>, shader: &mut Shader) -> Vec<String> {
    let epilogue = contraction.epilogue_axes();
    decode(shader, "element", &contraction.lowered.outputs, |axis| {
        epilogue[axis] || (0..2).any(|factor| contraction.factor_uses(factor, axis))
    })
}

/// Adds the products of word number `step` to `sum`.
fn multiply(contraction: &Contraction<'_>, shader: &mut Shader, coordinates: &[String]) {
    let words = [0, 1].map(|factor| contraction.word(shader, factor, coordinates, "step"));
    shader.line(format!("sum = sum + dot4I8Packed({}, {});", words[0], words[1]));
    if let Some(unsigned) = contraction.unsigned_factor() {
        shader.line(format!("sum = sum + (dot4I8Packed({}, 0x01010101u) << 7u);", words[1 - unsigned]));
    }
}
