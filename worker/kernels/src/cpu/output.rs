//! Tensors that several threads write at once, each its own part.

use referee::graph::Dtype;
use std::marker::PhantomData;

/// One tensor that is being written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output<'a> {
    first: *mut u8,
    /// Number of the first element.
    origin: usize,
    elements: usize,
    dtype: Dtype,
    tensor: PhantomData<&'a mut [u8]>,
}

// SAFETY: an output is a mutable borrow of bytes; `part` requires that no two parts in use overlap.
unsafe impl Send for Output<'_> {}
// SAFETY: as above.
unsafe impl Sync for Output<'_> {}

impl<'a> Output<'a> {
    pub(crate) fn new(tensor: &'a mut [u8], dtype: Dtype) -> Self {
        let elements = tensor.len() / dtype.bytes() as usize;
        Self { first: tensor.as_mut_ptr(), origin: 0, elements, dtype, tensor: PhantomData }
    }

    /// The same bytes as a part of a larger tensor: their first element has this number.
    pub(crate) fn starting_at(self, origin: usize) -> Self {
        Self { origin, ..self }
    }

    pub(crate) fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The bytes of elements `first..first + count`.
    ///
    /// # Safety
    /// No two parts that are in use at one time overlap.
    #[inline]
    pub(crate) unsafe fn part(&self, first: usize, count: usize) -> &'a mut [u8] {
        let first = first.wrapping_sub(self.origin);
        assert!(first <= self.elements && count <= self.elements - first, "a part lies inside its tensor");
        let size = self.dtype.bytes() as usize;
        // SAFETY: the range was just checked, and the caller keeps parts apart.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(first * size), count * size) }
    }
}
