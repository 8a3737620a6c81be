//! What a client asks for.

use serde::{Deserialize, Serialize};

/// The header of a request; the body is the bundle of all inputs (`assay_models::artifact::encode_bundle`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestHeader {
    /// The client's number for the request. A number is for one request: with the same symbols and inputs it gives the same
    /// receipt again, at no further price; with others it is refused.
    pub sequence: u64,
    /// Values of the graph's symbols; unused ones are 0.
    pub symbols: [u32; 4],
    /// What the client has promised to pay so far, this request included.
    pub voucher: SignedVoucher,
}

/// A voucher as it travels: the session is that of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedVoucher {
    /// For all requests so far together, in base units of the session's payment mint.
    pub amount: u64,
    /// Ed25519 signature of the session's voucher key over the program's message about this amount, in hex.
    #[serde(with = "hex::serde")]
    pub signature: [u8; 64],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_json_that_the_documentation_of_the_wire_shows() {
        let voucher = SignedVoucher { amount: 30, signature: [0xab; 64] };
        let header = RequestHeader { sequence: 7, symbols: [3, 0, 0, 0], voucher };
        let signature = "ab".repeat(64);
        let text =
            format!(r#"{{"sequence":7,"symbols":[3,0,0,0],"voucher":{{"amount":30,"signature":"{signature}"}}}}"#);
        assert_eq!(serde_json::to_string(&header).unwrap(), text);
        assert_eq!(serde_json::from_str::<RequestHeader>(&text).unwrap(), header);
        assert!(serde_json::from_str::<RequestHeader>(&text.replace(&signature, &signature[2..])).is_err());
        assert!(serde_json::from_str::<RequestHeader>(&text.replace("sequence", "number")).is_err());
    }
}
