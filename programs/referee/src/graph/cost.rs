//! What refereeing one element costs.

/// Most bytes of leaves and paths that one proof uploads.
pub const MAX_UPLOAD_BYTES: u32 = 16 * 1024;
/// Most compute units, by the model, that one element takes on-chain.
pub const MAX_COMPUTE_UNITS: u32 = 200_000;

/// The modelled cost of refereeing the dearest element of an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Distinct leaves opened.
    pub leaves: u32,
    /// Bytes of leaves and paths.
    pub upload_bytes: u32,
    /// Compute units.
    pub compute_units: u32,
}
