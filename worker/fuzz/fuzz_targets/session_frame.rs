//! Requests of sessions as a node reads them, and replies as a client does: what is read is written as the same and read again.
#![no_main]

use assay_session::x402::WorkHeader;
use assay_session::{
    LENGTH_BYTES, MAX_HEADER_BYTES, RefusalReply, ReplyHeader, RequestHeader, SessionReport, decode_header,
    encode_frame, header_bytes, split_frame,
};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

fn framed<H: Serialize + DeserializeOwned + PartialEq + Debug>(frame: &[u8]) {
    // As a node reads: the length, then the header, then whatever follows.
    let in_steps = frame.split_first_chunk::<LENGTH_BYTES>().and_then(|(prefix, rest)| {
        let (header, body) = rest.split_at_checked(header_bytes(*prefix).ok()?)?;
        Some((decode_header::<H>(header).ok()?, body))
    });
    let whole = split_frame::<H>(frame).ok();
    assert_eq!(in_steps, whole, "two readers of one frame");
    if let Some((header, body)) = whole {
        assert!(frame.len() - body.len() <= LENGTH_BYTES + MAX_HEADER_BYTES);
        if let Ok(again) = encode_frame(&header, body) {
            assert_eq!(split_frame::<H>(&again).expect("just written"), (header, body));
        }
    }
}

fn json<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(text) {
        let again = serde_json::to_vec(&value).expect("what was read is written");
        assert_eq!(serde_json::from_slice::<T>(&again).expect("just written"), value);
    }
}

fuzz_target!(|frame: &[u8]| {
    framed::<RequestHeader>(frame);
    framed::<ReplyHeader>(frame);
    framed::<WorkHeader>(frame);
    json::<SessionReport>(frame);
    json::<RefusalReply>(frame);
});
