//! The three functions that cross the border.
//!
//! A caller allocates a request, fills it and calls; the call takes the request back and gives a reply, which the caller frees.
//! Whoever passes other pointers than these functions gave breaks the rules of memory: inside WebAssembly it can hurt this
//! module's own memory alone.

use crate::verifier::Verifier;
use std::cell::RefCell;

thread_local! {
    static VERIFIER: RefCell<Verifier> = RefCell::new(Verifier::default());
}

/// Version of the operations and their bytes; a caller compares it before anything else.
pub const ABI_VERSION: u32 = 1;

/// [`ABI_VERSION`].
#[unsafe(no_mangle)]
pub extern "C" fn assay_abi_version() -> u32 {
    ABI_VERSION
}

/// `length` bytes of zeros, or null where there is no memory for them.
#[unsafe(no_mangle)]
pub extern "C" fn assay_allocate(length: usize) -> *mut u8 {
    let mut bytes: Vec<u8> = Vec::new();
    if bytes.try_reserve_exact(length).is_err() {
        return std::ptr::null_mut();
    }
    bytes.resize(length, 0);
    Box::into_raw(bytes.into_boxed_slice()).cast()
}

/// Gives back `length` bytes.
///
/// # Safety
/// `pointer` comes from [`assay_allocate`] with this length, or from [`assay_call`] with the length of the whole reply, and is
/// not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn assay_free(pointer: *mut u8, length: usize) {
    // SAFETY: the caller's promise.
    drop(unsafe { taken(pointer, length) });
}

/// Carries out an operation on a request of `length` bytes, which it takes back, and gives the reply: the length of what
/// follows in 4 bytes, and that. The caller frees all of it.
///
/// # Safety
/// `request` comes from [`assay_allocate`] with this length and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn assay_call(operation: u32, request: *mut u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    let request = unsafe { taken(request, length) };
    let body = VERIFIER.with_borrow_mut(|verifier| verifier.call(operation, &request));
    drop(request);
    let mut reply = Vec::with_capacity(4 + body.len());
    reply.extend_from_slice(&(body.len() as u32).to_le_bytes());
    reply.extend_from_slice(&body);
    Box::into_raw(reply.into_boxed_slice()).cast()
}

/// The bytes behind a pointer that this module gave.
///
/// # Safety
/// As [`assay_free`].
unsafe fn taken(pointer: *mut u8, length: usize) -> Box<[u8]> {
    if pointer.is_null() {
        return Box::default();
    }
    // SAFETY: both givers leak a boxed slice of exactly this length.
    unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(pointer, length)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    fn call(operation: u32, request: &[u8]) -> Vec<u8> {
        let pointer = assay_allocate(request.len());
        // SAFETY: the pointer has this many bytes and goes to the call alone; the reply is as long as it says.
        unsafe {
            std::ptr::copy_nonoverlapping(request.as_ptr(), pointer, request.len());
            let reply = assay_call(operation, pointer, request.len());
            let length = u32::from_le_bytes(*reply.cast::<[u8; 4]>()) as usize;
            let body = std::slice::from_raw_parts(reply.add(4), length).to_vec();
            assay_free(reply, 4 + length);
            body
        }
    }

    #[test]
    fn a_request_crosses_and_a_reply_comes_back() {
        let request = [[1; 32], [2; 32], [3; 32]].concat();
        let reply = call(Operation::Commitment as u32, &request);
        let expected = referee::commit::commitment(&[1; 32], &[2; 32], &[3; 32]);
        assert_eq!(reply, [&[0][..], &expected].concat());
    }

    #[test]
    fn empty_requests_and_unknown_operations_are_errors_like_any_other() {
        for operation in [0, 1, 9, u32::MAX] {
            let reply = call(operation, &[]);
            assert_eq!(reply[0], 1);
            assert!(String::from_utf8(reply[1..].to_vec()).is_ok_and(|text| text.starts_with("B000")), "{operation}");
        }
    }

    #[test]
    fn more_memory_than_there_is_gives_null() {
        assert!(assay_allocate(isize::MAX as usize).is_null());
    }
}
