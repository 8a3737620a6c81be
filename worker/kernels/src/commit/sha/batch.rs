//! Messages of one length, collected until all lanes are full.

use super::constants::INITIAL;
use super::{Engine, State, compress, single};
use referee::commit::{Hash, node_hash};

/// Most messages at once.
const MAX_LANES: usize = 16;

/// One leaf: its header and data.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Message<'a> {
    /// What precedes the data.
    pub(in super::super) header: [u8; 16],
    /// At most 512 bytes.
    pub(in super::super) data: &'a [u8],
}

/// Leaves of one length that wait to be hashed, each with the index that its hash is for.
#[derive(Debug)]
pub(in super::super) struct Batch<'a> {
    engine: Engine,
    messages: [Message<'a>; MAX_LANES],
    indices: [usize; MAX_LANES],
    count: usize,
}

impl<'a> Batch<'a> {
    pub(super) fn new(engine: Engine) -> Self {
        let empty = Message { header: [0; 16], data: &[] };
        Self { engine, messages: [empty; MAX_LANES], indices: [0; MAX_LANES], count: 0 }
    }

    /// Length of the data of the waiting messages; `None` when none waits.
    pub(in super::super) fn length(&self) -> Option<usize> {
        (self.count > 0).then(|| self.messages[0].data.len())
    }

    /// Adds a message; hashes all that wait when the lanes are full or the length changes.
    pub(in super::super) fn push(&mut self, message: Message<'a>, index: usize, hashes: &mut [Hash]) {
        if self.length().is_some_and(|length| length != message.data.len()) {
            self.flush(hashes);
        }
        self.messages[self.count] = message;
        self.indices[self.count] = index;
        self.count += 1;
        if self.count == self.engine.lanes() {
            self.flush(hashes);
        }
    }

    /// Hashes all that wait.
    pub(in super::super) fn flush(&mut self, hashes: &mut [Hash]) {
        let count = std::mem::take(&mut self.count);
        let indices = &self.indices[..count];
        // with few messages the lanes would mostly hash nothing
        if 2 * count < self.engine.lanes() || self.engine == Engine::Single {
            for (message, index) in self.messages.iter().zip(indices) {
                hashes[*index] = single(message);
            }
            return;
        }
        // lanes without a message of their own repeat the first
        let filler = self.messages[0];
        self.messages[count..].fill(filler);
        let mut digests = [[0; 32]; MAX_LANES];
        if self.engine == Engine::Avx512 {
            leaves::<16>(self.engine, &self.messages, &mut digests);
        } else {
            leaves::<8>(self.engine, &self.messages, &mut digests);
        }
        for (digest, index) in digests.iter().zip(indices) {
            hashes[*index] = *digest;
        }
    }
}

/// Hashes the first `LANES` messages, all of one length.
fn leaves<const LANES: usize>(engine: Engine, messages: &[Message<'_>; MAX_LANES], digests: &mut [Hash; MAX_LANES]) {
    let mut state = initial::<LANES>();
    let length = messages[0].data.len();
    let head = length.min(48);
    let mut own = [[0u8; 64]; LANES];
    for (block, message) in own.iter_mut().zip(messages) {
        block[..16].copy_from_slice(&message.header);
        block[16..16 + head].copy_from_slice(&message.data[..head]);
    }
    if head == 48 {
        compress(engine, &mut state, &own.each_ref());
        let whole = (length - 48) / 64;
        for index in 0..whole {
            let blocks: [&[u8; 64]; LANES] = std::array::from_fn(|lane| {
                let data = &messages[lane].data[48 + 64 * index..];
                data.first_chunk().unwrap_or(&[0; 64])
            });
            compress(engine, &mut state, &blocks);
        }
        let rest = 48 + 64 * whole;
        for (block, message) in own.iter_mut().zip(messages) {
            block.fill(0);
            block[..length - rest].copy_from_slice(&message.data[rest..]);
        }
    }
    finish(engine, &mut state, &mut own, 16 + length);
    write_digests(&state, digests);
}

/// Compresses the last, partly filled blocks of messages of `length` bytes, with their padding.
fn finish<const LANES: usize>(engine: Engine, state: &mut State<LANES>, own: &mut [[u8; 64]; LANES], length: usize) {
    let filled = length % 64;
    own.iter_mut().for_each(|block| block[filled] = 0x80);
    if filled >= 56 {
        compress(engine, state, &own.each_ref());
        own.iter_mut().for_each(|block| block.fill(0));
    }
    let bits = (8 * length as u64).to_be_bytes();
    own.iter_mut().for_each(|block| block[56..].copy_from_slice(&bits));
    compress(engine, state, &own.each_ref());
}

/// Hashes of the nodes over each pair of `children`.
pub(super) fn nodes<const LANES: usize>(engine: Engine, children: &[Hash], parents: &mut [Hash]) {
    let mut groups = parents.chunks_exact_mut(LANES);
    for (parents, children) in (&mut groups).zip(children.chunks_exact(2 * LANES)) {
        let mut state = initial::<LANES>();
        let mut own = [[0u8; 64]; LANES];
        for (block, pair) in own.iter_mut().zip(children.chunks_exact(2)) {
            block[0] = 1;
            block[1..33].copy_from_slice(&pair[0]);
            block[33..].copy_from_slice(&pair[1][..31]);
        }
        compress(engine, &mut state, &own.each_ref());
        for (block, pair) in own.iter_mut().zip(children.chunks_exact(2)) {
            block.fill(0);
            block[0] = pair[1][31];
        }
        finish(engine, &mut state, &mut own, 65);
        let mut digests = [[0; 32]; MAX_LANES];
        write_digests(&state, &mut digests);
        parents.copy_from_slice(&digests[..LANES]);
    }
    let rest = groups.into_remainder();
    let first = children.len() / 2 - rest.len();
    for (parent, pair) in rest.iter_mut().zip(children[2 * first..].chunks_exact(2)) {
        *parent = node_hash(&pair[0], &pair[1]);
    }
}

fn initial<const LANES: usize>() -> State<LANES> {
    INITIAL.map(|word| [word; LANES])
}

fn write_digests<const LANES: usize>(state: &State<LANES>, digests: &mut [Hash; MAX_LANES]) {
    for (lane, digest) in digests.iter_mut().enumerate().take(LANES) {
        for (word, bytes) in state.iter().zip(digest.chunks_exact_mut(4)) {
            bytes.copy_from_slice(&word[lane].to_be_bytes());
        }
    }
}
