//! Words on cache-line boundaries, so that no vector load crosses one.

/// A cache line.
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([u32; 16]);

/// A buffer of 32-bit words that starts on a cache line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words(Vec<Line>);

impl Words {
    /// Makes room for `words` words; what they hold is unspecified.
    pub(crate) fn reserve(&mut self, words: usize) {
        if self.0.len() < words.div_ceil(16) {
            self.0.resize(words.div_ceil(16), Line::default());
        }
    }

    pub(crate) fn as_slice(&self) -> &[u32] {
        bytemuck::cast_slice(&self.0)
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u32] {
        bytemuck::cast_slice_mut(&mut self.0)
    }

    pub(crate) fn bytes(&self) -> usize {
        64 * self.0.len()
    }
}
