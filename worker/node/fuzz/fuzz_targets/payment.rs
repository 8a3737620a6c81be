//! A payment that opens a session, changed at will and signed again by the client: whatever is taken is what was offered.
//!
//! The first eight bytes are the amount of the voucher; then four bytes a change: where, what is done there, and with which byte.
#![no_main]

use std::sync::OnceLock;

use assay_node::fuzzing::{Judged, Payment};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    static PAYMENT: OnceLock<Payment> = OnceLock::new();
    let payment = PAYMENT.get_or_init(Payment::new);
    let Some((amount, changes)) = input.split_first_chunk::<8>() else { return };
    let mut message = payment.message().to_vec();
    for change in changes.as_chunks::<4>().0 {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % message.len().max(1);
        match change[2] % 4 {
            0 if at < message.len() => message[at] = change[3],
            1 if at < message.len() => {
                message.remove(at);
            }
            2 => message.truncate(at),
            _ => message.insert(at, change[3]),
        }
    }
    // What makes it a session of other terms is an assertion of the judge's.
    if payment.judge(&message, u64::from_le_bytes(*amount)) == Judged::Taken {
        assert!(message.len() <= 1_232);
    }
});
