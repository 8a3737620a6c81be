//! What can be asked, with the bytes of each request and result.

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// An operation; its number is part of the interface and never changes its meaning.
        ///
        /// `handle` is a u32 from [`Open`](Self::Open), `slot` a u16, `hash` and `root` 32 bytes; a *path* is a u8 and as many hashes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Operation {
            $($(#[$doc])* $name = $number,)*
        }

        impl Operation {
            /// All operations.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The operation of a number.
            pub fn of(number: u32) -> Option<Self> {
                Self::ALL.iter().copied().find(|operation| *operation as u32 == number)
            }
        }
    };
}

operations! {
    /// Opens a work: count of symbols u8, their values u32, the encoded graph. Gives a handle and the description of
    /// `describe.rs`.
    Open = 1,
    /// Closes a work and frees its memory: handle.
    Close = 2,
    /// Gives the inputs (0) or the params (1): handle, that as u8, the bundle. Gives their root.
    Give = 3,
    /// Compares the work with what a job pins: handle, graph root, params root, inputs root, IR version u16, four symbols u32, and
    /// of the output the uid (8 bytes), leaves u32, depth u8, boundary position u16, boundary count u16. An error names what differs.
    CheckJob = 4,
    /// Computes on: handle, points u64. Gives points done u64, points in all u64, and 1 as u8 once all is done.
    Advance = 5,
    /// What an honest node commits to, once all is done: handle. Gives the boundary root, the root of the output, a count u16, and of
    /// each boundary tensor slot and hash.
    Result = 6,
    /// The bytes of a tensor: handle, 0 as computed here or 1 as served as u8, slot.
    Tensor = 7,
    /// Takes in a boundary tensor as a node serves it: handle, slot, its bytes. Gives the root of its tree and its hash.
    Serve = 8,
    /// Whether the served boundary tensors are all there and are those that the node committed to: handle, boundary root.
    CheckServed = 9,
    /// The first element, in producer order, in which a served tensor differs from the computed one: handle. Gives 0 as u8, or 1
    /// and slot, element u32, served value i64, computed value i64.
    FirstDifference = 10,
    /// Recomputes one element: handle, 0 over tensors computed here or 1 over served ones as u8, slot, element u32. Gives the value
    /// i64; 1 and the value that stands there i64, or 0 and 0 if none is known; op u16, output u8; how many elements it read u32, a
    /// count u32, and of so many the slot, element u32 and value i64.
    Element = 11,
    /// The leaf that holds an element, with its path: handle, as for `Element`. Gives the root, position u32, offset u32 of the
    /// element in the data, the path, the data.
    Leaf = 12,
    /// Whether a leaf is a tensor's: handle, slot, root, position u32, path, data.
    CheckLeaf = 13,
    /// Whether bytes are the output that was committed: handle, output root, bytes.
    CheckOutput = 14,
    /// Whether the output stands under the boundary root: handle, output root, boundary root, path.
    CheckOutputPath = 15,
    /// The commitment of a result: job, node, boundary root. Gives its hash.
    Commitment = 16,
    /// Judges a fraud proof: graph root, params root, inputs root, boundary root, boundary count u16, IR version u16, four symbols
    /// u32, 0 as u8 or 1 and a segment's index u16 and root, the proof. Gives 0 and op u16, slot, element u32, claimed i64, computed
    /// i64, or 1 and slot and its hashes in boundary and segment; then whether it reads the segment as u8. A rejection is an error.
    Judge = 17,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_operations_and_no_others() {
        for (index, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(Operation::of(index as u32 + 1), Some(*operation));
        }
        assert_eq!(Operation::of(0), None);
        assert_eq!(Operation::of(Operation::ALL.len() as u32 + 1), None);
    }
}
