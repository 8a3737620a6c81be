//! What may stand in the strings that accounts hold.

/// Longest URI of a job.
pub const MAXIMUM_URI_BYTES: usize = 128;

/// Longest endpoint of a node.
pub const MAXIMUM_ENDPOINT_BYTES: usize = 96;

/// Whether `text` may be the URI of an artifact: 1 to 128 bytes of visible ASCII.
///
/// Nothing else is checked: what a URI leads to is proved by the root next to it, and a bad one only keeps nodes from
/// claiming. Control bytes and spaces are refused because these strings end up in logs and terminals.
pub fn is_uri(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAXIMUM_URI_BYTES && is_visible_ascii(text)
}

/// Whether `text` may be the endpoint of a node: at most 96 bytes of visible ASCII; empty says that it serves nothing.
pub fn is_endpoint(text: &str) -> bool {
    text.len() <= MAXIMUM_ENDPOINT_BYTES && is_visible_ascii(text)
}

fn is_visible_ascii(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_bounded() {
        assert!(!is_uri(""));
        assert!(is_uri("a"));
        assert!(is_uri(&"a".repeat(MAXIMUM_URI_BYTES)));
        assert!(!is_uri(&"a".repeat(MAXIMUM_URI_BYTES + 1)));
        assert!(is_endpoint(""));
        assert!(is_endpoint(&"a".repeat(MAXIMUM_ENDPOINT_BYTES)));
        assert!(!is_endpoint(&"a".repeat(MAXIMUM_ENDPOINT_BYTES + 1)));
    }

    #[test]
    fn only_visible_ascii_passes() {
        for byte in 0..=127u8 {
            let text = String::from(char::from(byte));
            let visible = (0x21..=0x7e).contains(&byte);
            assert_eq!(is_uri(&text), visible, "byte {byte:#x}");
            assert_eq!(is_endpoint(&text), visible, "byte {byte:#x}");
        }
        assert!(!is_uri("http://ex\u{e4}mple"));
        assert!(!is_uri("http://a b"));
    }
}
