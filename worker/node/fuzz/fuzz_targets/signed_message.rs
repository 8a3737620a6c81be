//! What is signed, and what shows that it is: receipts, the data of the sysvar with a transaction's instructions, and of the one with
//! the hashes of slots. All three are read by the program as well.
#![no_main]

use assay::dispute::gaps::too_many_slots_are_missing;
use assay::dispute::signature::{check_signed, signed_by};
use assay::session::Receipt;
use libfuzzer_sys::fuzz_target;
use solana_sdk::pubkey::Pubkey;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(receipt) = Receipt::parse(bytes) {
        assert_eq!(receipt.message(), bytes, "a second message of one receipt");
    }
    for key in [Pubkey::default(), Pubkey::new_from_array([1; 32])] {
        if let Ok(message) = signed_by(bytes, &key) {
            assert!(bytes.windows(message.len().max(1)).any(|window| window == message) || message.is_empty());
            check_signed(bytes, &key, message).expect("that very message");
        }
    }
    let _ = too_many_slots_are_missing(bytes);
});
