//! Addresses that strangers write: what is taken for an artifact's, where a fetch of it would go, and where a redirect would lead.
//!
//! The first line is an address, the second a redirect. No bytes lead to an address that the registries do not give to hosts of the
//! public internet, and what is read is read again as the same.
#![no_main]

use std::net::IpAddr;

use assay_fuzz::registries;
use assay_store::fuzzing::{first_address, may_be_reached, redirected};
use assay_store::{ArtifactUri, MAX_ARTIFACT_URI_BYTES};
use libfuzzer_sys::fuzz_target;
use url::{Host, Url};

/// What holds of every address that a request may be sent to.
fn assert_harmless(url: &Url, allow_private: bool) {
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{url}");
    let address: IpAddr = match url.host().expect("somewhere to go") {
        Host::Ipv4(address) => address.into(),
        Host::Ipv6(address) => address.into(),
        Host::Domain(name) => {
            // A name that a resolver would take for a number has been made one by now; one dot at the end means nothing.
            let last = name.strip_suffix('.').unwrap_or(name).rsplit('.').next().unwrap_or_default();
            let is_hexadecimal = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let is_number = last.bytes().all(|digit| digit.is_ascii_digit()) && !last.is_empty()
                || last.strip_prefix("0x").is_some_and(is_hexadecimal);
            assert!(!is_number, "{url}");
            return;
        }
    };
    let verdict = registries::listed(address);
    assert!(verdict.is_none() || verdict == Some("private") && allow_private, "{url} is {verdict:?}");
    assert!(may_be_reached(address, allow_private), "{url}");
}

fuzz_target!(|text: &str| {
    let (first, second) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(uri) = ArtifactUri::parse(first) {
        assert!(first.len() <= MAX_ARTIFACT_URI_BYTES && first.is_ascii());
        assert_eq!(uri.as_str(), first);
        assert_eq!(ArtifactUri::parse(uri.as_str()).expect("it was read before"), uri);
        assert_eq!(serde_json::from_str::<ArtifactUri>(&serde_json::to_string(&uri).unwrap()).unwrap(), uri);
        assert!(first.to_ascii_lowercase().contains(&uri.id().to_string()), "{first}");
    }
    for allow_private in [false, true] {
        let Some(url) = first_address(first, allow_private) else { continue };
        assert_harmless(&url, allow_private);
        assert_eq!(first_address(url.as_str(), allow_private).as_ref(), Some(&url), "read again");
        if let Some(target) = redirected(&url, second, allow_private) {
            assert_harmless(&target, allow_private);
            assert!(url.scheme() == "http" || target.scheme() == "https", "{url} to {target}");
        }
    }
});
