//! A header as JSON, then bytes as they are: tensors are not blown up to text, and the header can be read before them.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | length of the header, u32, little endian; at most [`MAX_HEADER_BYTES`] |
//! | length | the header, JSON |
//! | the rest | the body |

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of the length that a frame begins with.
pub const LENGTH_BYTES: usize = 4;
/// Most bytes of a header. A path of 16 hashes as text takes about 1 KiB.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Why bytes are not a frame. Codes are stable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The header is longer than any.
    #[error("Q0101 the header of the frame has {bytes} bytes, allowed are {MAX_HEADER_BYTES}; shorten it")]
    TooLong {
        /// The length that the frame begins with, or that the header would have.
        bytes: usize,
    },
    /// Fewer bytes than the frame speaks of.
    #[error("Q0102 the frame ends at byte {length}, {needed} bytes are needed; it was cut short, send it again")]
    Truncated {
        /// Bytes there are.
        length: usize,
        /// Bytes that were to be there at least.
        needed: usize,
    },
    /// The header is not the JSON that it should be.
    #[error("Q0103 the header of the frame is not what belongs there: {reason}; write it with this version")]
    Header {
        /// What is wrong, and where.
        reason: String,
    },
}

/// A header and a body as one frame.
///
/// # Errors
/// `Q0101`: the header is too long. `Q0103`: it cannot be written as JSON.
pub fn encode_frame<H: Serialize>(header: &H, body: &[u8]) -> Result<Vec<u8>, FrameError> {
    let header = serde_json::to_vec(header).map_err(|error| FrameError::Header { reason: error.to_string() })?;
    let length = u32::try_from(header.len()).ok().filter(|_| header.len() <= MAX_HEADER_BYTES);
    let length = length.ok_or(FrameError::TooLong { bytes: header.len() })?;
    let mut frame = Vec::with_capacity(LENGTH_BYTES + header.len() + body.len());
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&header);
    frame.extend_from_slice(body);
    Ok(frame)
}

/// The length of the header of a frame that begins with these bytes.
///
/// # Errors
/// `Q0101`: longer than any header.
pub fn header_bytes(prefix: [u8; LENGTH_BYTES]) -> Result<usize, FrameError> {
    let bytes = usize::try_from(u32::from_le_bytes(prefix)).unwrap_or(usize::MAX);
    if bytes <= MAX_HEADER_BYTES { Ok(bytes) } else { Err(FrameError::TooLong { bytes }) }
}

/// Reads a header that arrived whole.
///
/// # Errors
/// `Q0103`: it is none.
pub fn decode_header<H: DeserializeOwned>(header: &[u8]) -> Result<H, FrameError> {
    serde_json::from_slice(header).map_err(|error| FrameError::Header { reason: error.to_string() })
}

/// The header and the body of a frame that arrived whole.
///
/// # Errors
/// `Q0101` to `Q0103`: it is none.
pub fn split_frame<H: DeserializeOwned>(frame: &[u8]) -> Result<(H, &[u8]), FrameError> {
    let short = |needed| FrameError::Truncated { length: frame.len(), needed };
    let (prefix, rest) = frame.split_first_chunk::<LENGTH_BYTES>().ok_or_else(|| short(LENGTH_BYTES))?;
    let length = header_bytes(*prefix)?;
    let (header, body) = rest.split_at_checked(length).ok_or_else(|| short(LENGTH_BYTES + length))?;
    Ok((decode_header(header)?, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_framed_is_read_again(header in ".{0,200}", body in prop::collection::vec(any::<u8>(), 0..300)) {
            let frame = encode_frame(&header, &body).unwrap();
            prop_assert_eq!(split_frame::<String>(&frame).unwrap(), (header, body.as_slice()));
        }

        /// Whatever strangers send: an answer, never a panic, and nothing that was not sent.
        #[test]
        fn any_bytes_are_read_or_refused(frame in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok((_, body)) = split_frame::<serde_json::Value>(&frame) {
                prop_assert!(frame.ends_with(body));
            }
        }
    }

    #[test]
    fn frames_that_are_cut_short_or_too_long_are_refused_by_code() {
        let code = |frame: &[u8]| split_frame::<String>(frame).unwrap_err().to_string()[..5].to_owned();
        let frame = encode_frame(&"header", b"body").unwrap();
        for length in 0..LENGTH_BYTES + "\"header\"".len() {
            assert_eq!(code(&frame[..length]), "Q0102", "{length}");
        }
        assert_eq!(code(&[0xff; 12]), "Q0101");
        assert_eq!(code(&[1, 0, 0, 0, b'x']), "Q0103");
        let most = "x".repeat(MAX_HEADER_BYTES - 2);
        assert!(encode_frame(&most, b"").is_ok());
        let more = encode_frame(&format!("{most}x"), b"").unwrap_err();
        assert_eq!(more, FrameError::TooLong { bytes: MAX_HEADER_BYTES + 1 });
    }
}
