//! SHA-256 of many messages of one length at once: 16 lanes with AVX-512, 8 with AVX2, or one after the other.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod batch;
mod constants;

pub(super) use batch::{Batch, Message};

use referee::commit::Hash;
use sha2::{Digest, Sha256};

/// How SHA-256 is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// 16 messages at once.
    Avx512,
    /// 8 messages at once.
    Avx2,
    /// One message after the other, by the `sha2` crate: with the processor's SHA instructions where it has them.
    Single,
}

/// The state of 8 or 16 messages, word by word.
type State<const LANES: usize> = [[u32; LANES]; 8];
/// The next block of each message.
type Blocks<'a, const LANES: usize> = [&'a [u8; 64]; LANES];

impl Engine {
    /// The quickest engine of this processor.
    pub fn detect() -> Self {
        if Self::Avx512.is_available() {
            Self::Avx512
        } else if has_sha_instructions() || !Self::Avx2.is_available() {
            Self::Single
        } else {
            Self::Avx2
        }
    }

    /// All engines that this processor can run.
    pub fn available() -> Vec<Self> {
        [Self::Avx512, Self::Avx2, Self::Single].into_iter().filter(|engine| engine.is_available()).collect()
    }

    /// Whether this processor has the instructions.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Single => true,
        }
    }

    /// Messages hashed at once.
    pub(super) fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 16,
            Self::Avx2 => 8,
            Self::Single => 1,
        }
    }

    /// An empty batch for leaves.
    pub(super) fn batch<'a>(self) -> Batch<'a> {
        Batch::new(self)
    }

    /// Hashes of the nodes over each pair of `children`.
    pub(super) fn nodes(self, children: &[Hash], parents: &mut [Hash]) {
        match self {
            Self::Avx512 => batch::nodes::<16>(self, children, parents),
            Self::Avx2 => batch::nodes::<8>(self, children, parents),
            Self::Single => {
                for (pair, parent) in children.chunks_exact(2).zip(parents) {
                    *parent = referee::commit::node_hash(&pair[0], &pair[1]);
                }
            }
        }
    }
}

fn has_sha_instructions() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("sha");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("sha2");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// One compression of `LANES` messages; `engine` is available and has as many lanes.
#[inline]
fn compress<const LANES: usize>(engine: Engine, state: &mut State<LANES>, blocks: &Blocks<'_, LANES>) {
    #[cfg(target_arch = "x86_64")]
    {
        let blocks = blocks.as_slice();
        let words = state.as_flattened_mut();
        match engine {
            Engine::Avx512 => {
                if let (Ok(words), Ok(blocks)) = (words.try_into(), blocks.try_into()) {
                    // SAFETY: a hasher holds this engine only if the processor has AVX-512 F and BW.
                    unsafe { avx512::compress(words, blocks) }
                }
            }
            Engine::Avx2 => {
                if let (Ok(words), Ok(blocks)) = (words.try_into(), blocks.try_into()) {
                    // SAFETY: a hasher holds this engine only if the processor has AVX2.
                    unsafe { avx2::compress(words, blocks) }
                }
            }
            Engine::Single => {}
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (engine, state, blocks);
}

/// One message by the `sha2` crate.
fn single(message: &Message<'_>) -> Hash {
    Sha256::new().chain_update(message.header).chain_update(message.data).finalize().into()
}
