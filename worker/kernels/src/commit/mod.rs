//! Fast commitments: the trees, hashes and roots that [`referee::commit`] defines, by multi-buffer SHA-256 and threads.
//!
//! Everything here equals the definition bit for bit; only the speed differs. Large tensors are hashed on the threads
//! of the rayon pool that the caller is in.

mod sha;
mod tensor;
mod trace;

pub use sha::Engine;
pub use tensor::{Hasher, TensorRoot, TensorTree};
pub use trace::Boundary;
