//! Where a URI points, and whether the options allow it.

use std::net::IpAddr;
use std::path::PathBuf;

use url::{Host, Url};

use super::address::kind_of;
use crate::error::{Result, StoreError, quoted};

/// A place from which an artifact may be fetched.
#[derive(Debug)]
pub(super) enum Source {
    Http(Url),
    File(PathBuf),
}

impl Source {
    /// Reads `uri`: an `http` or `https` URL; or, where `allow_local_files`, a `file://` URL or a path.
    pub(super) fn parse(uri: &str, allow_private: bool, allow_local_files: bool) -> Result<Self> {
        let local = if let Some(url) =
            uri.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("file:")).map(|_| Url::parse(uri))
        {
            let url = url.map_err(|error| StoreError::malformed(uri, error.to_string()))?;
            Some(url.to_file_path().map_err(|()| StoreError::malformed(uri, "it names a file of another machine"))?)
        } else if uri.contains("://") {
            None
        } else {
            Some(PathBuf::from(uri))
        };
        match local {
            Some(path) if allow_local_files => Ok(Self::File(path)),
            Some(_) => Err(StoreError::LocalFileRefused { uri: quoted(uri) }),
            None => http_url(uri, allow_private).map(Self::Http),
        }
    }
}

/// Reads an `http` or `https` URL and checks what can be checked before its host is resolved.
pub(crate) fn http_url(uri: &str, allow_private: bool) -> Result<Url> {
    let url = Url::parse(uri).map_err(|error| StoreError::malformed(uri, error.to_string()))?;
    check_http_url(&url, allow_private)?;
    Ok(url)
}

/// Checks scheme, credentials, and the host where it is an address (the resolver never sees such hosts).
pub(super) fn check_http_url(url: &Url, allow_private: bool) -> Result<()> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(StoreError::SchemeRefused { scheme: quoted(url.scheme()) });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(StoreError::malformed(url.as_str(), "it contains a user name or password"));
    }
    let address: IpAddr = match url.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err(StoreError::malformed(url.as_str(), "it names no host")),
    };
    match kind_of(address).refusal(allow_private) {
        Some(reason) => Err(StoreError::AddressRefused { host: address.to_string(), address, reason }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(uri: &str) -> &'static str {
        Source::parse(uri, false, false).unwrap_err().code()
    }

    #[test]
    fn every_way_to_write_an_own_address_is_refused() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.0.0.1.",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "10.0.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "0",
            "0.0.0.0",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[64:ff9b::7f00:1]",
            "①②⑦.0.0.1",
            "%31%32%37.0.0.1",
        ] {
            assert_eq!(code(&format!("http://{host}/x")), "S0205", "{host}");
            assert_eq!(code(&format!("https://{host}:8443/x")), "S0205", "{host}");
        }
    }

    /// What is no address in any reading, and what would hide one: zones, a user before the host, a port that is none.
    #[test]
    fn hosts_that_are_none_are_refused() {
        for host in [
            "[fe80::1%25eth0]",
            "[fe80::1%eth0]",
            "[::1",
            "[127.0.0.1]",
            "256.0.0.1",
            "127.0.0.1.1",
            "09.0.0.1",
            "127.0.0.1:99999",
            "127.0.0.1:x",
            "user@store.example",
            ":secret@store.example",
            "store.example@127.0.0.1",
            "a b",
        ] {
            assert_eq!(code(&format!("http://{host}/x")), "S0203", "{host:?}");
        }
        // What a reader of other rules could take for the host is only a path, a query or a fragment.
        for (uri, host) in [
            ("http://store.example/@127.0.0.1/", "store.example"),
            ("http://store.example?@127.0.0.1/", "store.example"),
            ("http://store.example#@127.0.0.1/", "store.example"),
            ("http:store.example", "store.example"),
            ("http:///store.example", "store.example"),
            ("http:\\\\store.example\\x", "store.example"),
        ] {
            assert_eq!(http_url(uri, false).unwrap().host_str(), Some(host), "{uri}");
        }
        assert_eq!(code("http:\\\\127.0.0.1\\x"), "S0206", "it has no `://`, so it is a path");
    }

    #[test]
    fn permission_for_private_addresses_does_not_reach_metadata_services() {
        assert!(Source::parse("http://127.0.0.1:1/x", true, false).is_ok());
        for host in ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "0.0.0.0"] {
            let error = Source::parse(&format!("http://{host}/x"), true, false).unwrap_err();
            assert_eq!(error.code(), "S0205", "{host}");
        }
    }

    #[test]
    fn files_and_other_schemes_are_refused_by_name() {
        for uri in [
            "/etc/passwd",
            "weights.bin",
            "../x",
            "",
            "file:///etc/passwd",
            "FILE:///etc/passwd",
            "file:/etc/passwd",
            "file:x",
        ] {
            let error = Source::parse(uri, true, false).unwrap_err();
            assert!(matches!(error.code(), "S0206" | "S0203"), "{uri:?}: {error}");
        }
        assert_eq!(code("file:///etc/passwd"), "S0206");
        assert_eq!(code("ftp://host/x"), "S0204");
        assert_eq!(code("gopher://host/x"), "S0204");
        assert_eq!(code("http://user:pass@host/x"), "S0203");
        assert_eq!(code("http://"), "S0203");
        assert_eq!(code("http://exa mple/"), "S0203");
    }

    #[test]
    fn files_are_allowed_by_option() {
        for uri in ["/data/weights", "file:///data/weights", "File:///data/weights"] {
            match Source::parse(uri, false, true).unwrap() {
                Source::File(path) => assert_eq!(path, PathBuf::from("/data/weights")),
                Source::Http(url) => panic!("{url}"),
            }
        }
        assert_eq!(Source::parse("file://other-host/x", false, true).unwrap_err().code(), "S0203");
    }
}
