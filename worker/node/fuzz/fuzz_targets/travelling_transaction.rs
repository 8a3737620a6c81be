//! Files with transactions that come from another machine, and transactions of strangers: what is read is written as the same, and
//! nothing is signed that is not explained.
#![no_main]

use assay_chain::fuzzing::{text_of, travelling};
use assay_chain::read_transaction;
use libfuzzer_sys::fuzz_target;
use solana_sdk::signature::Keypair;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(transaction) = read_transaction(bytes) {
        assert!(!transaction.signatures.is_empty());
        transaction.verify().expect("it was verified when it was read");
    }
    let Some(mut read) = std::str::from_utf8(bytes).ok().and_then(|text| travelling(text).ok()) else { return };
    let text = text_of(&read).expect("what was read is written");
    assert_eq!(travelling(&text).expect("just written"), read);
    let explained = read.explain();
    assert!(!read.signers().is_empty());
    let signed = read.sign(&Keypair::new_from_array([1; 32]));
    assert!(signed.is_err() || explained.is_ok(), "signed what nobody could explain");
});
