//! Parts of a graph, opened together under its root.

use super::reader::Reader;
use super::{MAX_OPENED_DESCRIPTORS, Rejection, TensorFacts};
use crate::commit::{DescriptorKind, Hash, Node, TensorLayout, TreeShape, descriptor_hash, graph_hash, join};
use crate::graph::{
    Dtype, HeaderCounts, MAX_SYMBOLS, Op, Program, Slot, decode_op, decode_placed_tensor, decode_program, resolve_dim,
};
use alloc::vec::Vec;

/// The parts that a proof opens; each is proved to be the pinned graph's.
pub(super) struct Descriptors<'a> {
    parts: Vec<(DescriptorKind, u16, &'a [u8])>,
    symbols: [u32; MAX_SYMBOLS],
    /// How many of them the graph has.
    symbol_count: usize,
}

impl<'a> Descriptors<'a> {
    /// Reads the section of descriptors: the header first, then what the proof needs, in tree order.
    pub(super) fn read(
        reader: &mut Reader<'a>,
        graph_root: &Hash,
        ir_version: u16,
        symbols: &[u32; MAX_SYMBOLS],
    ) -> Result<Self, Rejection> {
        let count = reader.count(MAX_OPENED_DESCRIPTORS)?;
        let mut parts = Vec::with_capacity(count);
        for _ in 0..count {
            let kind = kind_of(reader.u8()?)?;
            let index = reader.u16()?;
            let length = usize::from(reader.u16()?);
            parts.push((kind, index, reader.bytes(length)?));
        }
        let Some((DescriptorKind::Header, 0, header)) = parts.first().copied() else {
            return Err(Rejection::HeaderMissing);
        };
        let header = HeaderCounts::decode(header).map_err(|_| Rejection::DescriptorBytes)?;
        if header.ir_version != ir_version {
            return Err(Rejection::IrVersion);
        }
        let mut nodes: Vec<Node> = Vec::with_capacity(count);
        for (kind, index, bytes) in &parts {
            let index = u32::from(*index);
            let position = header.descriptor_position(*kind, index).ok_or(Rejection::DescriptorIndex)?;
            if nodes.last().is_some_and(|(last, _)| *last >= position) {
                return Err(Rejection::DescriptorOrder);
            }
            nodes.push((position, descriptor_hash(*kind, index, bytes)));
        }
        let descriptors = header.descriptors();
        let shape = TreeShape::list(descriptors);
        let siblings = usize::from(reader.u16()?);
        let mut siblings = reader.siblings(siblings)?;
        let (_, root) = join(&mut nodes, &shape, 0, shape.depth(), &mut siblings)
            .filter(|(index, _)| *index == 0 && siblings.is_empty())
            .ok_or(Rejection::GraphRoot)?;
        if graph_hash(ir_version, descriptors, &root) != *graph_root {
            return Err(Rejection::GraphRoot);
        }
        Ok(Self { parts, symbols: *symbols, symbol_count: header.symbols })
    }

    fn part(&self, kind: DescriptorKind, index: u16) -> Result<&'a [u8], Rejection> {
        let part = self.parts.iter().find(|part| part.0 == kind && part.1 == index);
        part.map(|(_, _, bytes)| *bytes).ok_or(Rejection::DescriptorMissing)
    }

    /// The op, as the graph has it.
    pub(super) fn op(&self, index: u16) -> Result<Op, Rejection> {
        decode_op(self.part(DescriptorKind::Op, index)?).map_err(|_| Rejection::DescriptorBytes)
    }

    /// A program.
    pub(super) fn program(&self, index: u16) -> Result<Program, Rejection> {
        decode_program(self.part(DescriptorKind::Program, index)?).map_err(|_| Rejection::DescriptorBytes)
    }

    /// The element type of a tensor, if it is opened: it stands first in the tensor's descriptor.
    pub(super) fn dtype(&self, slot: Slot) -> Option<Dtype> {
        let bytes = self.part(DescriptorKind::Tensor, slot).ok()?;
        Dtype::ALL.get(usize::from(*bytes.first()?)).copied()
    }

    /// Values of the graph's symbols.
    pub(super) fn symbols(&self) -> &[u32] {
        self.symbols.get(..self.symbol_count).unwrap_or_default()
    }

    /// What is static of a tensor.
    pub(super) fn tensor(&self, slot: Slot) -> Result<TensorFacts, Rejection> {
        let bytes = self.part(DescriptorKind::Tensor, slot)?;
        let (tensor, placement) = decode_placed_tensor(bytes).map_err(|_| Rejection::DescriptorBytes)?;
        let dims: Vec<u32> = tensor.shape.iter().map(|dim| resolve_dim(*dim, self.symbols())).collect();
        let size = u64::from(tensor.dtype.bytes());
        let bytes = dims.iter().fold(size, |product, dim| product.saturating_mul(u64::from(*dim)));
        if dims.is_empty() || bytes == 0 || bytes >= 1 << 31 {
            return Err(Rejection::TensorShape);
        }
        Ok(TensorFacts { layout: TensorLayout::new(slot, tensor.dtype, tensor.kind, &dims), placement })
    }
}

fn kind_of(byte: u8) -> Result<DescriptorKind, Rejection> {
    match byte {
        0 => Ok(DescriptorKind::Header),
        1 => Ok(DescriptorKind::Tensor),
        2 => Ok(DescriptorKind::Program),
        3 => Ok(DescriptorKind::Op),
        _ => Err(Rejection::DescriptorIndex),
    }
}
