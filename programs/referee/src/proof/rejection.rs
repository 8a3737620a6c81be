//! Why a proof shows nothing.

use core::fmt;

macro_rules! rejections {
    ($($(#[$doc:meta])* $name:ident $code:literal $message:literal)*) => {
        /// Why a proof or an answer is rejected. A rejection never convicts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Rejection {
            $(#[doc = $message] $name = $code,)*
        }

        impl Rejection {
            /// All rejections, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Stable number.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// What is wrong and what to do.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $message,)*
                }
            }
        }
    };
}

rejections! {
    Truncated 1 "the bytes end too early; send all of the proof"
    TrailingBytes 2 "bytes are left over; send the proof alone"
    TooLong 3 "a proof has at most 32 KiB"
    UnknownKind 4 "a proof is of an element (0) or of a mismatch (1)"
    TooMany 5 "a count is beyond its bound; open only what the op reads"
    HeaderMissing 6 "the first descriptor is not a header; open the graph's header first"
    DescriptorOrder 7 "descriptors do not come in the order of the graph's tree, each once"
    DescriptorIndex 8 "the graph has no such part"
    DescriptorBytes 9 "the bytes of a descriptor do not decode"
    GraphRoot 10 "the descriptors are not the pinned graph's; check the graph and the siblings"
    IrVersion 11 "the graph has another IR version than the job"
    DescriptorMissing 12 "the op, a program or a tensor that is needed is not opened; add its descriptor"
    TensorShape 13 "a tensor has no size that a checked graph allows"
    UnknownSource 14 "a source is params (0), inputs (1), boundary (2) or segment (3)"
    ListOrder 15 "lists or their members do not come in ascending order, each once"
    WrongSource 16 "a tensor is not one of this list"
    SegmentMissing 17 "a segment is read, but no segment root is given; name the segment's root"
    ListRoot 18 "the members of a list do not lead to its pinned root"
    StripOrder 19 "strips do not come in ascending order, or overlap"
    StripMember 20 "a strip is of a tensor that no list of the proof holds; add it to its list"
    StripRange 21 "a strip begins or ends where its tensor holds nothing, or is too long"
    StripData 22 "the data of a strip are not as long as its positions"
    StripRoot 23 "the leaves of a strip do not lead to the root of its tensor"
    WrongOutput 24 "the op has no such output, or another op produces the tensor"
    ElementRange 25 "the tensor has no such element"
    ClaimMissing 26 "the claimed element is in no strip of the claimed source; add its leaf"
    OperandMissing 27 "an element that the op reads is in no strip; add its leaf"
    Malformed 28 "the op or the graph is not one that passes the checks"
    NoFault 29 "the recomputed value equals the claimed one"
    NotCompared 30 "the tensor is not in both the boundary and the pinned segment"
    BoundaryPath 31 "the hash and its path do not lead to the boundary root"
    SegmentPath 32 "the hash and its path do not lead to the segment root"
    EqualHashes 33 "the boundary and the segment agree about the tensor"
    PlaceOutside 40 "the tree has no such place, or only padding is there"
    NothingBelow 41 "nothing lies below this place; open the tensor's own tree"
    AnswerLength 42 "the answer is not as long as what lies below the place"
    AnswerHash 43 "the answer does not lead to the hash that is bound at the place"
    ChildPlace 44 "the child is not one that an answer to this demand opens"
    ChildPath 45 "the child's hash and its path do not lead to the hash that is bound above it"
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R01{:02} {}", self.code(), self.message())
    }
}

impl core::error::Error for Rejection {}
