//! Messages in headers: JSON in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// From the server: what is accepted as payment.
pub const PAYMENT_REQUIRED: &str = "payment-required";
/// From the client: the payment.
pub const PAYMENT_SIGNATURE: &str = "payment-signature";
/// From the server: what became of the payment.
pub const PAYMENT_RESPONSE: &str = "payment-response";

/// Most bytes of a header with a message. A transaction of 1,232 bytes, encoded twice, beside the terms that it accepts takes about
/// 5 KiB; an offer in eight mints about 16 KiB.
pub const MAX_PAYMENT_BYTES: usize = 24 * 1024;

/// Why a header holds no message. Codes are stable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaymentHeaderError {
    /// The header is longer than any.
    #[error("Q0104 the header has {bytes} bytes, allowed are {MAX_PAYMENT_BYTES}; send a shorter one")]
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
    /// The header is not base64.
    #[error("Q0105 the header is not base64: {reason}; encode the JSON with the standard alphabet and padding")]
    Encoding {
        /// What is wrong.
        reason: String,
    },
    /// The header is not the JSON that it should be.
    #[error("Q0106 the header is not the message that belongs there: {reason}; write it as x402 version 2 has it")]
    Message {
        /// What is wrong, and where.
        reason: String,
    },
}

/// A message as the text of a header.
///
/// # Errors
/// `Q0104`: it is longer than a header may be. `Q0106`: it cannot be written as JSON.
pub fn encode_payment<T: Serialize>(message: &T) -> Result<String, PaymentHeaderError> {
    let json =
        serde_json::to_vec(message).map_err(|error| PaymentHeaderError::Message { reason: error.to_string() })?;
    within(STANDARD.encode(json))
}

/// Reads the message in the text of a header.
///
/// # Errors
/// `Q0104` to `Q0106`: it holds none.
pub fn decode_payment<T: DeserializeOwned>(text: &str) -> Result<T, PaymentHeaderError> {
    let text = within(text)?;
    let json = STANDARD.decode(text).map_err(|error| PaymentHeaderError::Encoding { reason: error.to_string() })?;
    serde_json::from_slice(&json).map_err(|error| PaymentHeaderError::Message { reason: error.to_string() })
}

fn within<T: AsRef<str>>(text: T) -> Result<T, PaymentHeaderError> {
    let bytes = text.as_ref().len();
    if bytes <= MAX_PAYMENT_BYTES { Ok(text) } else { Err(PaymentHeaderError::TooLong { bytes }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_encoded_is_read_again(message in ".{0,200}") {
            let text = encode_payment(&message).unwrap();
            prop_assert!(text.is_ascii());
            prop_assert_eq!(decode_payment::<String>(&text).unwrap(), message);
        }

        /// Whatever strangers send: an answer, never a panic.
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _ = decode_payment::<serde_json::Value>(&text);
        }
    }

    #[test]
    fn what_is_no_message_is_refused_by_code() {
        let code = |text: &str| decode_payment::<Vec<u8>>(text).unwrap_err().to_string()[..5].to_owned();
        assert_eq!(code("{}"), "Q0105");
        assert_eq!(code(&STANDARD.encode("{}")), "Q0106");
        assert_eq!(code(&"A".repeat(MAX_PAYMENT_BYTES + 4)), "Q0104");
        let unpadded = STANDARD.encode("[1]").trim_end_matches('=').to_owned() + "A";
        assert_eq!(code(&unpadded), "Q0105");
        let long = "x".repeat(MAX_PAYMENT_BYTES);
        assert!(matches!(encode_payment(&long), Err(PaymentHeaderError::TooLong { .. })));
    }
}
