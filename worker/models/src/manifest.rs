//! The result manifest: where the bytes behind a commitment are.
//!
//! A node stores every boundary tensor as an artifact of raw bytes, and this list of them as one more. The artifact id of
//! the list goes on-chain with the commitment as a hint: whoever follows it checks the bytes against the committed
//! roots, so that a wrong manifest can waste a download and nothing else.

use referee::graph::{ResolvedGraph, Slot};
use serde::{Deserialize, Serialize};

/// Most bytes of a manifest; a graph has at most 4,096 tensors.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// Version of the format.
pub const MANIFEST_VERSION: u8 = 1;

/// One boundary tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestEntry {
    /// The tensor's slot in the graph.
    pub slot: Slot,
    /// SHA-256 of its row-major little-endian bytes, in hex: the artifact's id.
    pub artifact: String,
    /// Number of its bytes.
    pub bytes: u64,
}

/// The list of a result's boundary tensors, in the order of the boundary tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultManifest {
    /// [`MANIFEST_VERSION`].
    pub version: u8,
    /// Address of the job, base58.
    pub job: String,
    /// Address of the node, base58.
    pub node: String,
    /// One entry for each boundary tensor.
    pub boundary: Vec<ManifestEntry>,
}

/// Why a manifest is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON of a manifest.
    #[error("M0401 not a result manifest: {0}; ask the node that committed for the right artifact")]
    Malformed(String),
    /// It does not list what the graph's boundary has.
    #[error("M0402 the manifest does not fit the graph: {0}; ask the node that committed for the right artifact")]
    Mismatch(String),
}

impl ResultManifest {
    /// The canonical bytes: compact JSON with the fields in order.
    ///
    /// # Errors
    /// Never for a manifest of strings and numbers; the serialiser's error is passed on all the same.
    pub fn encode(&self) -> Result<Vec<u8>, ManifestError> {
        serde_json::to_vec(self).map_err(|error| ManifestError::Malformed(error.to_string()))
    }

    /// Reads a manifest and checks it against the graph: one entry for each boundary tensor, in order, of its size.
    ///
    /// # Errors
    /// Bytes that are not a manifest, or one of another graph.
    pub fn decode(bytes: &[u8], graph: &ResolvedGraph) -> Result<Self, ManifestError> {
        if bytes.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(ManifestError::Malformed(format!("{} bytes, more than {MAX_MANIFEST_BYTES}", bytes.len())));
        }
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| ManifestError::Malformed(error.to_string()))?;
        if manifest.version != MANIFEST_VERSION {
            return Err(ManifestError::Malformed(format!("version {}, expected {MANIFEST_VERSION}", manifest.version)));
        }
        let expected: Vec<(Slot, u64)> = graph
            .boundary
            .iter()
            .map(|entry| (entry.slot, graph.tensors.get(usize::from(entry.slot)).map_or(0, |t| t.bytes() as u64)))
            .collect();
        let listed: Vec<(Slot, u64)> = manifest.boundary.iter().map(|entry| (entry.slot, entry.bytes)).collect();
        if listed != expected {
            return Err(ManifestError::Mismatch(format!("it lists {listed:?}, the boundary is {expected:?}")));
        }
        Ok(manifest)
    }

    /// The entry of a slot.
    pub fn entry(&self, slot: Slot) -> Option<&ManifestEntry> {
        self.boundary.iter().find(|entry| entry.slot == slot)
    }
}
