//! The on-chain side: instruction data is section (u32), rounds (u32) and seed (u64), all little-endian; the number that
//! [`crate::run`] gives is the return data.
//!
//! With one account there is a question for the referee in that account's data instead. The return data are the bytes
//! of heap that the answer took (u32), and the answer.

use core::panic::PanicInfo;
use std::alloc::{GlobalAlloc, Layout};

use crate::Section;

/// Where the runtime maps the heap.
const HEAP_START: usize = 0x3_0000_0000;
/// How much of it the test asks for.
const HEAP_BYTES: usize = 256 * 1024;

unsafe extern "C" {
    fn sol_set_return_data(data: *const u8, length: u64);
    fn sol_log_(message: *const u8, length: u64);
}

/// Hands out the heap from its end downwards and never takes anything back. The first word of the heap holds the lowest address in use.
struct Downwards;

// SAFETY: the memory handed out lies within the heap, is aligned as asked, and no two allocations overlap: each lies below all before.
unsafe impl GlobalAlloc for Downwards {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let lowest = HEAP_START as *mut usize;
        // SAFETY: the runtime maps the heap, zeroed, for this program alone, and a program has one thread.
        let used_from = match unsafe { lowest.read() } {
            0 => HEAP_START + HEAP_BYTES,
            address => address,
        };
        let address = used_from.saturating_sub(layout.size()) & !(layout.align() - 1);
        if address < HEAP_START + size_of::<usize>() {
            return std::ptr::null_mut();
        }
        // SAFETY: as above.
        unsafe { lowest.write(address) };
        address as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Downwards = Downwards;

/// Called by the standard library's panic handler.
#[unsafe(no_mangle)]
fn custom_panic(info: &PanicInfo<'_>) {
    let message = info.to_string();
    // SAFETY: pointer and length are those of a string.
    unsafe { sol_log_(message.as_ptr(), message.len() as u64) };
}

/// Called by the runtime with the serialised input: number of accounts (0), length of the instruction data, the data.
///
/// # Safety
/// Only the runtime calls it, with its own serialisation.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn entrypoint(input: *const u8) -> u64 {
    // SAFETY: the runtime's input starts with two words, and the data is as long as the second one says.
    let data = unsafe {
        let accounts = input.cast::<u64>().read_unaligned();
        let length = input.add(8).cast::<u64>().read_unaligned();
        match accounts {
            0 => {}
            1 => return ask(input),
            _ => return 1,
        }
        std::slice::from_raw_parts(input.add(16), length as usize)
    };
    let Ok(data) = <[u8; 16]>::try_from(data) else { return 2 };
    let half = |start: usize| u32::from_le_bytes([data[start], data[start + 1], data[start + 2], data[start + 3]]);
    let Some(section) = Section::from_number(half(0)) else { return 3 };
    let seed = u64::from(half(8)) | (u64::from(half(12)) << 32);
    let result = crate::run(section, seed, half(4)).to_le_bytes();
    // SAFETY: pointer and length are those of an array.
    unsafe { sol_set_return_data(result.as_ptr(), result.len() as u64) };
    0
}

/// Where the serialised input holds the length of the first account's data; the data follow.
const ACCOUNT_DATA_LENGTH: usize = 88;

/// # Safety
/// The input is the runtime's, with one account.
unsafe fn ask(input: *const u8) -> u64 {
    // SAFETY: the runtime writes the account's length and data there.
    let question = unsafe {
        let length = input.add(ACCOUNT_DATA_LENGTH).cast::<u64>().read_unaligned();
        std::slice::from_raw_parts(input.add(ACCOUNT_DATA_LENGTH + 8), length as usize)
    };
    let heap_before = heap_bytes();
    let answer = crate::verdicts::answer(question);
    let heap = heap_bytes() - heap_before;
    let Some(answer) = answer else { return 4 };
    let mut returned = Vec::with_capacity(4 + answer.len());
    returned.extend((heap as u32).to_le_bytes());
    returned.extend(answer);
    // SAFETY: pointer and length are those of a vector.
    unsafe { sol_set_return_data(returned.as_ptr(), returned.len() as u64) };
    0
}

/// Bytes of the heap that are handed out.
fn heap_bytes() -> usize {
    // SAFETY: the first word of the heap is the allocator's.
    match unsafe { (HEAP_START as *const usize).read() } {
        0 => 0,
        lowest => HEAP_START + HEAP_BYTES - lowest,
    }
}
