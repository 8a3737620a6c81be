//! What a page is told of an opened graph.

use crate::wire::Writer;
use referee::graph::{NOWHERE, ResolvedGraph};

/// Writes the description: graph root; slot of the output; points of a whole run u64; bytes of all tensors u64; a count u8 of
/// symbols and their values u32; counts u16 of segments, boundary tensors, ops and tensors; of each op its kind u8, points u64 and
/// segment u16; of each tensor dtype u8, kind u8, op or 65535 u16, boundary position or 65535 u16, a count u8 and as many dims u32.
pub(crate) fn describe(graph: &ResolvedGraph, output: u16, bytes: u64, reply: &mut Writer) {
    let points = graph.ops.iter().map(|op| op.points()).fold(0, u64::saturating_add);
    reply.bytes(&graph.root).u16(output).u64(points).u64(bytes).u8(graph.symbols.len() as u8);
    graph.symbols.iter().for_each(|value| {
        reply.u32(*value);
    });
    reply.u16(graph.segments.len() as u16).u16(graph.boundary.len() as u16);
    reply.u16(graph.ops.len() as u16).u16(graph.tensors.len() as u16);
    for (index, op) in (0u16..).zip(&graph.ops) {
        reply.u8(op.kind as u8).u64(op.points()).u16(graph.segment_of(index));
    }
    for tensor in &graph.tensors {
        let op = tensor.producer.map_or(NOWHERE, |(op, _)| op);
        reply.u8(tensor.dtype as u8).u8(tensor.kind as u8).u16(op);
        reply.u16(tensor.placement.boundary_position().unwrap_or(NOWHERE)).u8(tensor.dims.len() as u8);
        tensor.dims.iter().for_each(|dim| {
            reply.u32(*dim);
        });
    }
}
