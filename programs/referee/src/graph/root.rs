//! The root of a graph, and how one part of a graph is opened under it.
//!
//! The root is a tree over the graph's descriptors: the header at position 0, then all tensors, programs and ops. A
//! tensor's descriptor is its encoding and its [`Placement`](super::Placement). A dispute opens the header first (its
//! counts fix where everything else lies) and then only the parts it needs.

use super::encoding::{self, Header, HeaderCounts};
use super::types::{Graph, IR_VERSION};
use crate::commit::{
    DescriptorKind, Hash, depth_for, descriptor_hash, graph_hash, merkle_path, merkle_root, root_from_path,
};
use alloc::vec::Vec;

/// One part of a graph that opens with its own path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Which part.
    pub kind: DescriptorKind,
    /// Index within its kind.
    pub index: u32,
    /// Canonical bytes.
    pub bytes: Vec<u8>,
}

impl Descriptor {
    /// The leaf of this descriptor in the graph's tree.
    pub fn hash(&self) -> Hash {
        descriptor_hash(self.kind, self.index, &self.bytes)
    }

    /// Whether this is a part of the graph with this root, by its path there.
    ///
    /// `header` is the graph's header, itself proved in the same way (its own counts then say that it is the only
    /// descriptor at position 0 of a tree with as many leaves as `header` claims).
    pub fn verify(&self, root: &Hash, header: &Header, path: &[Hash]) -> bool {
        let descriptors = header.descriptors();
        let Some(position) = header.descriptor_position(self.kind, self.index) else { return false };
        if path.len() != usize::from(depth_for(descriptors)) {
            return false;
        }
        root_from_path(&self.hash(), position, path)
            .is_some_and(|merkle_root| graph_hash(header.ir_version, descriptors, &merkle_root) == *root)
    }
}

impl Header {
    /// Position of a descriptor in the graph's tree; `None` if the graph has no such part.
    pub fn descriptor_position(&self, kind: DescriptorKind, index: u32) -> Option<u32> {
        self.counts().descriptor_position(kind, index)
    }
}

impl HeaderCounts {
    /// Position of a descriptor in the graph's tree; `None` if the graph has no such part.
    pub fn descriptor_position(&self, kind: DescriptorKind, index: u32) -> Option<u32> {
        let (tensors, programs, ops) = (u32::from(self.tensors), u32::from(self.programs), u32::from(self.ops));
        let (first, count) = match kind {
            DescriptorKind::Header => (0, 1),
            DescriptorKind::Tensor => (1, tensors),
            DescriptorKind::Program => (1 + tensors, programs),
            DescriptorKind::Op => (1 + tensors + programs, ops),
        };
        (index < count).then(|| first + index)
    }
}

impl Graph {
    /// The header that the graph encodes; counts beyond 65,535 stand as 65,535.
    pub fn header(&self) -> Header {
        let count = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
        Header {
            ir_version: IR_VERSION,
            symbols: self.symbols.clone(),
            tensors: count(self.tensors.len()),
            programs: count(self.programs.len()),
            ops: count(self.ops.len()),
            cuts: self.cuts.clone(),
            outputs: self.outputs.clone(),
        }
    }

    /// All descriptors in tree order: header, tensors with their placements, programs, ops.
    pub fn descriptors(&self) -> Vec<Descriptor> {
        let mut descriptors = self.encoded_parts();
        for (descriptor, placement) in descriptors.iter_mut().skip(1).zip(self.placements()) {
            descriptor.bytes.extend_from_slice(&placement.to_bytes());
        }
        descriptors
    }

    /// The parts of the graph's encoding in their order: descriptors without placements.
    pub(super) fn encoded_parts(&self) -> Vec<Descriptor> {
        fn all<T>(
            kind: DescriptorKind,
            parts: &[T],
            bytes_of: fn(&T) -> Vec<u8>,
        ) -> impl Iterator<Item = Descriptor> + '_ {
            (0u32..).zip(parts).map(move |(index, part)| Descriptor { kind, index, bytes: bytes_of(part) })
        }
        let header = Descriptor { kind: DescriptorKind::Header, index: 0, bytes: encoding::header_bytes(self) };
        core::iter::once(header)
            .chain(all(DescriptorKind::Tensor, &self.tensors, encoding::tensor_bytes))
            .chain(all(DescriptorKind::Program, &self.programs, encoding::program_bytes))
            .chain(all(DescriptorKind::Op, &self.ops, encoding::op_bytes))
            .collect()
    }

    /// Position of a descriptor in the graph's tree; `None` if the graph has no such part.
    pub fn descriptor_position(&self, kind: DescriptorKind, index: u32) -> Option<u32> {
        self.header().descriptor_position(kind, index)
    }

    /// One descriptor with its path to the root; `None` if the graph has no such part.
    pub fn open_descriptor(&self, kind: DescriptorKind, index: u32) -> Option<(Descriptor, Vec<Hash>)> {
        let position = self.descriptor_position(kind, index)?;
        let mut descriptors = self.descriptors();
        let leaves: Vec<Hash> = descriptors.iter().map(Descriptor::hash).collect();
        let path = merkle_path(&leaves, position)?;
        Some((descriptors.swap_remove(position as usize), path))
    }

    /// The root that a job pins.
    pub fn root(&self) -> Hash {
        let leaves: Vec<Hash> = self.descriptors().iter().map(Descriptor::hash).collect();
        graph_hash(IR_VERSION, leaves.len() as u32, &merkle_root(&leaves))
    }
}
