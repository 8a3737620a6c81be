//! The kernels that come with Assay; their sources lie in `models/kernels`.

/// The Mandelbrot set in fixed point: `u8 [y, x]`, how many turns each point stays near.
pub const MANDELBROT: &str = include_str!("../../../models/kernels/mandelbrot.wgsl");

/// A Monte-Carlo estimate of pi: `u8 [block, 64]`, hits among 64 samples each.
pub const PI: &str = include_str!("../../../models/kernels/pi.wgsl");
