//! The same computations for two compilers: natively as a library, and on-chain as a program (see `entrypoint`).
//!
//! [`verdicts`] runs the referee: what a dispute recomputes on-chain must be what it is anywhere else.
//!
//! Each [`Section`] folds very many results of one kind into one number. The values are random with a strong liking for the ends of
//! their ranges, where compilers go wrong. Everything here is total, so native code and SBPF must agree on every seed.

mod calls;
mod collections;
#[cfg(target_arch = "bpf")]
mod entrypoint;
mod floats;
mod integers;
mod memory;
mod mixing;
pub mod verdicts;

use mixing::{Mixer, Values};

/// One kind of computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Section {
    /// Every integer operation in every width from 8 to 128 bits.
    Integers = 0,
    /// Software floating point, and its conversions.
    Floats = 1,
    /// Calls with many, wide and returned-by-memory arguments; through traits and function pointers.
    Calls = 2,
    /// Copying, filling and comparing bytes, overlapping and misaligned.
    Memory = 3,
    /// Sorting, maps, formatting and parsing.
    Collections = 4,
}

impl Section {
    /// Every section.
    pub const ALL: [Self; 5] = [Self::Integers, Self::Floats, Self::Calls, Self::Memory, Self::Collections];

    /// The section of a number, as it arrives in instruction data.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|section| *section as u32 == number)
    }
}

/// Runs a section: a number that depends on every result in it.
#[inline(never)]
#[must_use]
pub fn run(section: Section, seed: u64, rounds: u32) -> u64 {
    let mut values = Values::new(seed);
    let mut mixer = Mixer::new(seed);
    for round in 0..rounds {
        match section {
            Section::Integers => integers::round(&mut values, &mut mixer),
            Section::Floats => floats::round(&mut values, &mut mixer),
            Section::Calls => calls::round(&mut values, &mut mixer, round),
            Section::Memory => memory::round(&mut values, &mut mixer),
            Section::Collections => collections::round(&mut values, &mut mixer),
        }
    }
    mixer.result()
}
