//! Canonical byte encoding.

/// First bytes of an encoded graph.
pub const MAGIC: [u8; 4] = *b"ASIR";
/// Most bytes of an encoded graph.
pub const MAX_GRAPH_BYTES: usize = 4 << 20;
