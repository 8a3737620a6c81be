//! What the tests of the wgpu backend share: an adapter, or a visible word that there is none.

use assay_kernels::{KernelError, WgpuBackend, WgpuOptions};
use std::io::Write as _;

/// The backend, opened so; `None` without an adapter, which is said even when output is captured.
///
/// With `ASSAY_REQUIRE_GPU` set, a missing adapter fails the test.
pub(crate) fn open(options: WgpuOptions) -> Option<WgpuBackend> {
    match WgpuBackend::open(options) {
        Ok(backend) => Some(backend),
        Err(KernelError::NoAdapter { reason }) if std::env::var_os("ASSAY_REQUIRE_GPU").is_none() => {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            // Written past the test harness, which captures what the print macros write.
            let _ = writeln!(std::io::stderr(), "SKIPPED: no GPU adapter: {test}: {reason}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The adapter's two ways to compute with 64 bits are tested apart.
pub(crate) fn paired() -> WgpuOptions {
    WgpuOptions { native_integers: false, ..WgpuOptions::default() }
}
