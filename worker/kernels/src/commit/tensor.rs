//! The tree of one tensor.

use super::sha::{Engine, Message};
use crate::KernelError;
use rayon::prelude::*;
use referee::commit::{EMPTY_LEAF, Hash, TensorLayout, node_hash};
use referee::graph::Slot;

/// Leaves and nodes below this count are not worth waking a thread for: about 0.1 ms of work.
const PARALLEL_LEAVES: usize = 512;

/// Hashes tensors with one SHA-256 engine.
#[derive(Clone, Copy, Debug)]
pub struct Hasher {
    engine: Engine,
}

/// Root and hash of one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorRoot {
    /// Root of the tree over its leaves.
    pub root: Hash,
    /// The tensor's hash: what lists and segments are made of.
    pub hash: Hash,
}

/// All levels of a tensor's tree, so that any leaf opens without hashing again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorTree {
    layout: TensorLayout,
    /// From the leaves up to the root.
    levels: Vec<Vec<Hash>>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new(Engine::detect())
    }
}

impl Hasher {
    /// A hasher with this engine, or the next best one if the processor lacks its instructions.
    pub fn new(engine: Engine) -> Self {
        Self { engine: if engine.is_available() { engine } else { Engine::Single } }
    }

    /// The engine in use.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Root and hash of a tensor.
    ///
    /// # Errors
    /// [`KernelError::Size`] if `data` is not as long as the layout says; `slot` names the tensor there.
    pub fn tensor(&self, slot: Slot, layout: &TensorLayout, data: &[u8]) -> Result<TensorRoot, KernelError> {
        check_size(slot, layout, data)?;
        let mut level = self.leaves(layout, data);
        let mut empty = EMPTY_LEAF;
        while level.len() > 1 {
            level = self.parents(&level, &empty);
            empty = node_hash(&empty, &empty);
        }
        let root = level.first().copied().unwrap_or(EMPTY_LEAF);
        Ok(TensorRoot { root, hash: layout.hash_of_root(&root) })
    }

    /// The whole tree of a tensor.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn tree(&self, slot: Slot, layout: &TensorLayout, data: &[u8]) -> Result<TensorTree, KernelError> {
        check_size(slot, layout, data)?;
        let mut levels = vec![self.leaves(layout, data)];
        let mut empty = EMPTY_LEAF;
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            levels.push(self.parents(level, &empty));
            empty = node_hash(&empty, &empty);
        }
        Ok(TensorTree { layout: layout.clone(), levels })
    }

    /// Root over `data` in leaves of `leaf_bytes`: what another leaf size would cost. No commitment is made of it.
    pub fn tree_root(&self, data: &[u8], leaf_bytes: usize) -> Hash {
        let mut level = vec![EMPTY_LEAF; data.len().div_ceil(leaf_bytes.max(1))];
        let chunk = PARALLEL_LEAVES / 2;
        level.par_chunks_mut(chunk).zip(data.par_chunks(chunk * leaf_bytes.max(1))).for_each(|(hashes, data)| {
            let mut batch = self.engine.batch();
            for (index, data) in data.chunks(leaf_bytes.max(1)).enumerate() {
                batch.push(Message { header: [0; 16], data }, index, hashes);
            }
            batch.flush(hashes);
        });
        while level.len() > 1 {
            level = self.parents(&level, &EMPTY_LEAF);
        }
        level.first().copied().unwrap_or(EMPTY_LEAF)
    }

    /// Hashes of all positions of the padded rows, in tree order. `data` has the layout's length.
    fn leaves(&self, layout: &TensorLayout, data: &[u8]) -> Vec<Hash> {
        let width = 1usize << layout.row_depth();
        let mut hashes = vec![EMPTY_LEAF; layout.row_groups() as usize * width];
        // a chunk holds whole rows, and enough of them that the short leaves at their ends fill all lanes
        let chunk = width * (PARALLEL_LEAVES / 2).div_ceil(width).max(self.engine.lanes());
        let fill = |(index, hashes): (usize, &mut [Hash])| self.fill(layout, data, (index * chunk) as u32, hashes);
        if hashes.len() < PARALLEL_LEAVES {
            fill((0, &mut hashes));
        } else {
            hashes.par_chunks_mut(chunk).enumerate().for_each(fill);
        }
        hashes
    }

    /// Hashes the leaves from position `first` on: those of full length in one batch, shorter ones in another.
    fn fill(&self, layout: &TensorLayout, data: &[u8], first: u32, hashes: &mut [Hash]) {
        let mut batches = [self.engine.batch(), self.engine.batch()];
        for index in 0..hashes.len() {
            let position = first + index as u32;
            let Some(range) = layout.leaf_range(position) else { continue };
            let message = Message {
                header: layout.leaf_header(position).to_bytes(),
                data: &data[range.start as usize..range.end as usize],
            };
            let full = batches[0].length().is_none_or(|length| length == message.data.len());
            batches[usize::from(!full)].push(message, index, hashes);
        }
        for batch in &mut batches {
            batch.flush(hashes);
        }
    }

    /// The level above `level`; `empty` stands for a missing right sibling.
    fn parents(&self, level: &[Hash], empty: &Hash) -> Vec<Hash> {
        let mut parents = vec![[0; 32]; level.len().div_ceil(2)];
        let chunk = PARALLEL_LEAVES / 2;
        let fill = |(index, parents): (usize, &mut [Hash])| {
            let children = &level[2 * index * chunk..];
            let whole = parents.len().min(children.len() / 2);
            self.engine.nodes(&children[..2 * whole], &mut parents[..whole]);
            if let Some(last) = parents.get_mut(whole) {
                *last = node_hash(&children[2 * whole], empty);
            }
        };
        if parents.len() < PARALLEL_LEAVES {
            parents.chunks_mut(chunk).enumerate().for_each(fill);
        } else {
            parents.par_chunks_mut(chunk).enumerate().for_each(fill);
        }
        parents
    }
}

fn check_size(slot: Slot, layout: &TensorLayout, data: &[u8]) -> Result<(), KernelError> {
    if data.len() as u64 == layout.bytes() {
        return Ok(());
    }
    Err(KernelError::Size { slot, expected: layout.bytes() as usize, given: data.len() })
}

impl TensorTree {
    /// Root and hash of the tensor.
    pub fn root(&self) -> TensorRoot {
        let root = self.levels.last().and_then(|level| level.first()).copied().unwrap_or(EMPTY_LEAF);
        TensorRoot { root, hash: self.layout.hash_of_root(&root) }
    }

    /// The levels from the leaves up to the root, without what pads each on the right.
    pub fn levels(&self) -> &[Vec<Hash>] {
        &self.levels
    }

    /// The path of the leaf at `position`: siblings from the bottom up; `None` if no data lies there.
    pub fn path(&self, position: u32) -> Option<Vec<Hash>> {
        self.layout.leaf_range(position)?;
        let mut empty = EMPTY_LEAF;
        let mut index = position as usize;
        let mut path = Vec::with_capacity(self.levels.len());
        for level in self.levels.iter().take(self.levels.len().saturating_sub(1)) {
            path.push(level.get(index ^ 1).copied().unwrap_or(empty));
            empty = node_hash(&empty, &empty);
            index >>= 1;
        }
        Some(path)
    }
}
