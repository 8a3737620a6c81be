//! Headers of x402: offers as a client reads them, payments as a node does.
//!
//! The input is the JSON inside of the base64, and then the header itself.
#![no_main]

use assay_session::x402::{
    ModelList, PaymentPayload, PaymentRequired, SessionPayload, SettledSession, SettlementResponse, Step,
    decode_payment, encode_payment,
};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Debug;

fn told<T: Serialize + DeserializeOwned + PartialEq + Debug>(json: &[u8]) -> Option<T> {
    let value = serde_json::from_slice::<T>(json).ok()?;
    if let Ok(text) = encode_payment(&value) {
        assert!(text.is_ascii());
        assert_eq!(decode_payment::<T>(&text).expect("just written"), value);
    }
    Some(value)
}

/// What the scheme says inside of a message.
fn scheme<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &Value) {
    if let Ok(read) = serde_json::from_value::<T>(value.clone()) {
        let again = serde_json::to_value(&read).expect("what was read is written");
        assert_eq!(serde_json::from_value::<T>(again).expect("just written"), read);
    }
}

fuzz_target!(|json: &[u8]| {
    if let Some(payment) = told::<PaymentPayload>(json) {
        scheme::<SessionPayload>(&payment.payload);
    }
    if let Some(required) = told::<PaymentRequired>(json) {
        required.accepts.iter().for_each(|way| scheme::<Step>(&way.extra));
    }
    if let Some(settled) = told::<SettlementResponse>(json) {
        scheme::<SettledSession>(&settled.extra);
    }
    told::<ModelList>(json);
    if let Ok(text) = std::str::from_utf8(json) {
        let _ = decode_payment::<PaymentPayload>(text);
    }
});
