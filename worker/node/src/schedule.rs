//! Which promised run comes when on an adapter, what fits into memory beside what is promised, and on which adapter a run ends
//! first. Pure: time, slots and bytes come in.
//!
//! | module | what it is |
//! |---|---|
//! | [`queue`] | the promised runs of one adapter, the earliest deadline first |
//! | [`memory`] | who holds how many bytes, of each adapter and of the machine |
//! | [`choice`] | the adapter of a run, or what stands in its way |

pub mod choice;
pub mod memory;
pub mod queue;
