//! A sequence of calls of the verifier that pages load, over the same bytes that cross from a page.
//!
//! A call is the number of its operation in a byte, the length of its request in two, and the request. Every reply says whether it is
//! a result or an error, every error is text that begins with a code, and memory is bounded by what was declared.
#![no_main]

use assay_verifier::{Operation, Verifier};
use libfuzzer_sys::fuzz_target;

/// A work with more bytes or points than this is closed again: each input should take no time.
const MOST_BYTES: u64 = 1 << 20;
const MOST_POINTS: u64 = 1 << 14;
/// Where a description has the points of the run, behind the status, the handle, the root and the slot of the output.
const POINTS: usize = 1 + 4 + 32 + 2;

fuzz_target!(|calls: &[u8]| {
    let mut verifier = Verifier::default();
    let mut rest = calls;
    while let Some((&[operation, low, high], after)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_le_bytes([low, high])).min(after.len());
        let (request, after) = after.split_at(length);
        rest = after;
        let reply = verifier.call(operation.into(), request);
        match reply.split_first().expect("a status") {
            (0, _) => {}
            (1, text) => {
                let text = std::str::from_utf8(text).expect("errors are text");
                let code = text.as_bytes().first_chunk::<5>().expect("a code");
                assert!(code[0].is_ascii_uppercase() && code[1..].iter().all(u8::is_ascii_digit), "{text}");
                assert_eq!(text, text.trim(), "{text}");
                continue;
            }
            (status, _) => panic!("status {status}"),
        }
        if u32::from(operation) == Operation::Open as u32 {
            let number = |at: usize| u64::from_le_bytes(*reply[at..].first_chunk().expect("a number"));
            if number(POINTS) > MOST_POINTS || number(POINTS + 8) > MOST_BYTES {
                let closed = verifier.call(Operation::Close as u32, &reply[1..5]);
                assert_eq!(closed, [0]);
            }
        }
    }
});
