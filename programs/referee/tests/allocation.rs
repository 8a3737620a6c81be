//! A hostile file cannot make the decoder reserve more than a small multiple of the bytes that are really there.

mod common;

use common::{Draw, linear, random_graph};
use referee::graph::{Graph, Header, decode_op, decode_program, decode_tensor};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes held by this thread, and the most it held since the last reset.
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator with the same arguments; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| {
            let (now, most) = held.get();
            let now = now + layout.size();
            held.set((now, most.max(now)));
        });
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| {
            let (now, most) = held.get();
            held.set((now.saturating_sub(layout.size()), most));
        });
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that was held while `run` ran, beyond what was held before.
fn peak(run: impl FnOnce()) -> usize {
    let before = HELD.with(|held| {
        let (now, _) = held.get();
        held.set((now, now));
        now
    });
    run();
    HELD.with(Cell::get).1 - before
}

/// The widest item is a view of 7 bytes.
const MOST_PER_BYTE: usize = 24;

fn bounded(bytes: &[u8]) {
    let held = peak(|| {
        let _ = (
            Graph::decode(bytes),
            Header::decode(bytes),
            decode_op(bytes),
            decode_program(bytes),
            decode_tensor(bytes),
        );
    });
    assert!(held <= MOST_PER_BYTE * bytes.len(), "{held} bytes held for a file of {}", bytes.len());
}

#[test]
fn the_counter_counts() {
    assert!(peak(|| drop(vec![0u8; 5000])) >= 5000);
    assert!(peak(|| ()) == 0);
    assert!(peak(|| drop(Graph::decode(&linear(2, 3, 4).encode()))) > 500);
}

#[test]
fn memory_grows_with_the_bytes_that_are_there() {
    for seed in 0..60 {
        let mut draw = Draw::new(7_000_000 + seed);
        let bytes = random_graph(&mut draw).0.encode();
        bounded(&bytes);
        for _ in 0..200 {
            let mut damaged = bytes[..bytes.len().min(20 + draw.below(400) as usize)].to_vec();
            for _ in 0..3 {
                let at = draw.below(damaged.len() as u64) as usize;
                damaged[at] = *draw.pick(&[0xff, 0x10, 0x0f, 6, 128]);
            }
            bounded(&damaged);
        }
    }
}

#[test]
fn the_greatest_counts_over_few_bytes_reserve_nothing() {
    let mut bytes = linear(2, 3, 4).encode();
    // 4096 tensors, programs and ops in a file of a few hundred bytes.
    for at in [7, 9, 11] {
        bytes[at..at + 2].copy_from_slice(&4096u16.to_le_bytes());
    }
    bounded(&bytes);
    bounded(&bytes[..40]);
}
