//! Manifests: where the bytes behind a commitment, and behind the trace of one segment, are.
//!
//! A node stores every boundary tensor as an artifact of raw bytes, and a list of them ([`ResultManifest`]) as one more.
//! The artifact id of the list goes on-chain with the commitment as a hint: whoever follows it checks the bytes against
//! the committed roots, so that a wrong manifest can waste a download and nothing else.
//!
//! Whoever disputes a result asks the node for the inside of one segment and gets a [`SegmentManifest`]: every tensor that
//! the segment produces, and the node's signature over the root of their hashes. The bytes are checked against that root.

use referee::commit::Hash;
use referee::graph::{OpKind, ResolvedGraph, Slot};
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
    /// Not the JSON of such a manifest.
    #[error("M0401 not a manifest: {0}; ask the node that committed for the right one")]
    Malformed(String),
    /// It does not list the tensors that it should.
    #[error("M0402 the manifest does not fit the graph: {0}; ask the node that committed for the right one")]
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
        let manifest: Self = parse(bytes)?;
        check_version(manifest.version)?;
        check_entries(&manifest.boundary, graph, graph.boundary.iter().map(|entry| entry.slot))?;
        Ok(manifest)
    }

    /// The entry of a slot.
    pub fn entry(&self, slot: Slot) -> Option<&ManifestEntry> {
        self.boundary.iter().find(|entry| entry.slot == slot)
    }
}

/// The trace of one segment of one result, with the node's signature over its root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentManifest {
    /// [`MANIFEST_VERSION`].
    pub version: u8,
    /// Address of the job, base58.
    pub job: String,
    /// Address of the node, base58.
    pub node: String,
    /// The segment, counted from 0.
    pub segment: u16,
    /// The segment's hash over all its tensors (`referee::commit::segment_hash`), in lower-case hex: what is signed.
    pub root: String,
    /// Ed25519 signature by the job's operator over the program's message about this root, base58.
    pub signature: String,
    /// One entry for each tensor that the segment produces, in (op, output) order.
    pub tensors: Vec<ManifestEntry>,
}

impl SegmentManifest {
    /// The canonical bytes: compact JSON with the fields in order.
    ///
    /// # Errors
    /// Never for a manifest of strings and numbers; the serialiser's error is passed on all the same.
    pub fn encode(&self) -> Result<Vec<u8>, ManifestError> {
        serde_json::to_vec(self).map_err(|error| ManifestError::Malformed(error.to_string()))
    }

    /// Reads a manifest and checks it against the graph: one entry for each tensor of `segment`, in order, of its size.
    /// Signature and tensors are for the caller to check.
    ///
    /// # Errors
    /// Bytes that are not a manifest, or one of another graph or segment.
    pub fn decode(bytes: &[u8], graph: &ResolvedGraph, segment: u16) -> Result<Self, ManifestError> {
        let manifest: Self = parse(bytes)?;
        check_version(manifest.version)?;
        if manifest.segment != segment {
            return Err(ManifestError::Mismatch(format!("it is of segment {}, not {segment}", manifest.segment)));
        }
        manifest.root_hash()?;
        check_entries(&manifest.tensors, graph, graph.segment_slots(segment).into_iter())?;
        Ok(manifest)
    }

    /// The segment's hash as bytes.
    ///
    /// # Errors
    /// The root is not 64 lower-case hexadecimal digits.
    pub fn root_hash(&self) -> Result<Hash, ManifestError> {
        let digits = self.root.as_bytes();
        let mut hash = [0; 32];
        let pairs = digits.chunks_exact(2);
        if digits.len() != 2 * hash.len() {
            return Err(ManifestError::Malformed(format!("the root has {} digits, expected 64", digits.len())));
        }
        for (byte, pair) in hash.iter_mut().zip(pairs) {
            let value = |digit: u8| match digit {
                b'0'..=b'9' => Some(digit - b'0'),
                b'a'..=b'f' => Some(digit - b'a' + 10),
                _ => None,
            };
            *byte = match (value(pair[0]), value(pair[1])) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(ManifestError::Malformed("the root is not lower-case hexadecimal".to_owned())),
            };
        }
        Ok(hash)
    }

    /// The entry of a slot.
    pub fn entry(&self, slot: Slot) -> Option<&ManifestEntry> {
        self.tensors.iter().find(|entry| entry.slot == slot)
    }
}

/// The sums of one contraction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdviceEntry {
    /// The index of its op in the graph.
    pub op: u16,
    /// SHA-256 of its sums, row-major, 32 bits each, little endian, in hex: the artifact's id.
    pub artifact: String,
    /// Number of their bytes.
    pub bytes: u64,
}

/// The sums of a segment's contractions: advice for who checks them by random vectors. Nobody is bound to it, and nothing
/// is signed: wrong advice fails the check, and nothing else follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdviceManifest {
    /// [`MANIFEST_VERSION`].
    pub version: u8,
    /// Address of the job, base58.
    pub job: String,
    /// Address of the node, base58.
    pub node: String,
    /// The segment, counted from 0.
    pub segment: u16,
    /// One entry for each contraction of the segment, in the order of the ops.
    pub sums: Vec<AdviceEntry>,
}

impl AdviceManifest {
    /// The canonical bytes: compact JSON with the fields in order.
    ///
    /// # Errors
    /// Never for a manifest of strings and numbers; the serialiser's error is passed on all the same.
    pub fn encode(&self) -> Result<Vec<u8>, ManifestError> {
        serde_json::to_vec(self).map_err(|error| ManifestError::Malformed(error.to_string()))
    }

    /// Reads a manifest and checks it against the graph: one entry for each contraction of `segment`, in order, with 4 bytes
    /// for each element of its output.
    ///
    /// # Errors
    /// Bytes that are not a manifest, or one of another graph or segment.
    pub fn decode(bytes: &[u8], graph: &ResolvedGraph, segment: u16) -> Result<Self, ManifestError> {
        let manifest: Self = parse(bytes)?;
        check_version(manifest.version)?;
        if manifest.segment != segment {
            return Err(ManifestError::Mismatch(format!("it is of segment {}, not {segment}", manifest.segment)));
        }
        let range = graph.segments.get(usize::from(segment)).map_or(0..0, |range| range.first..range.end);
        let contraction = |op: u16| graph.ops.get(usize::from(op)).filter(|op| op.kind == OpKind::Contract);
        let sums = |op: u16| contraction(op).map(|resolved| (op, 4 * u64::from(resolved.output_elements())));
        let expected: Vec<(u16, u64)> = range.filter_map(sums).collect();
        let listed: Vec<(u16, u64)> = manifest.sums.iter().map(|entry| (entry.op, entry.bytes)).collect();
        if listed != expected {
            return Err(ManifestError::Mismatch(format!("it lists {listed:?}, the graph has {expected:?}")));
        }
        Ok(manifest)
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ManifestError> {
    if bytes.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(ManifestError::Malformed(format!("{} bytes, more than {MAX_MANIFEST_BYTES}", bytes.len())));
    }
    serde_json::from_slice(bytes).map_err(|error| ManifestError::Malformed(error.to_string()))
}

fn check_version(version: u8) -> Result<(), ManifestError> {
    if version == MANIFEST_VERSION {
        return Ok(());
    }
    Err(ManifestError::Malformed(format!("version {version}, expected {MANIFEST_VERSION}")))
}

fn check_entries(
    entries: &[ManifestEntry],
    graph: &ResolvedGraph,
    slots: impl Iterator<Item = Slot>,
) -> Result<(), ManifestError> {
    let bytes = |slot: Slot| graph.tensors.get(usize::from(slot)).map_or(0, |tensor| tensor.bytes() as u64);
    let expected: Vec<(Slot, u64)> = slots.map(|slot| (slot, bytes(slot))).collect();
    let listed: Vec<(Slot, u64)> = entries.iter().map(|entry| (entry.slot, entry.bytes)).collect();
    if listed == expected {
        return Ok(());
    }
    Err(ManifestError::Mismatch(format!("it lists {listed:?}, the graph has {expected:?}")))
}
