//! Where the chain is: RPC and websocket addresses from what a person types.

use crate::error::{ChainError, Result};
use url::Url;

/// Address of a local validator or localnet.
pub const LOCALHOST: &str = "http://127.0.0.1:8899";
/// Public endpoint of Solana's devnet.
pub const DEVNET: &str = "https://api.devnet.solana.com";
/// Public endpoint of Solana's testnet.
pub const TESTNET: &str = "https://api.testnet.solana.com";
/// Public endpoint of Solana's mainnet.
pub const MAINNET: &str = "https://api.mainnet-beta.solana.com";

/// One RPC endpoint and its websocket.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://` or `https://` address of the JSON-RPC service.
    pub rpc_url: String,
    /// `ws://` or `wss://` address of the subscription service.
    pub websocket_url: String,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What keys the addresses hold stays out of every log.
        f.debug_struct("Endpoint").field("rpc", &self.shown()).field("websocket", &self.shown_websocket()).finish()
    }
}

impl Endpoint {
    /// Reads a moniker (`l`, `d`, `t`, `m`, or the whole words that the Solana CLI takes) or an address and derives the
    /// websocket as the Solana CLI does. `C0101` for anything else.
    pub fn parse(given: &str) -> Result<Self> {
        let rpc_url = match given.trim() {
            "l" | "localhost" | "localnet" => LOCALHOST,
            "d" | "devnet" => DEVNET,
            "t" | "testnet" => TESTNET,
            "m" | "mainnet" | "mainnet-beta" => MAINNET,
            address => address,
        };
        let websocket_url = derive_websocket(rpc_url)?;
        Ok(Self { rpc_url: rpc_url.to_owned(), websocket_url })
    }

    /// As [`Endpoint::parse`], with the websocket given; an empty one is derived. `C0101` unless it is `ws(s)://`.
    pub fn parse_with_websocket(given: &str, websocket: &str) -> Result<Self> {
        let mut endpoint = Self::parse(given)?;
        let websocket = websocket.trim();
        if websocket.is_empty() {
            return Ok(endpoint);
        }
        let url = parse_url(websocket)?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(invalid(websocket, "a websocket address starts with ws:// or wss://"));
        }
        endpoint.websocket_url = websocket.to_owned();
        Ok(endpoint)
    }

    /// Reads one of a list of endpoints: as [`Endpoint::parse`], with the websocket after a space where it is not the derived one.
    ///
    /// # Errors
    /// `C0101`.
    pub fn parse_listed(given: &str) -> Result<Self> {
        let (rpc, websocket) = given.trim().split_once(char::is_whitespace).unwrap_or((given, ""));
        Self::parse_with_websocket(rpc, websocket)
    }

    /// The RPC address as it may be shown: providers put keys into paths, queries and user names, so nothing of those is in it.
    pub fn shown(&self) -> String {
        shown(&self.rpc_url)
    }

    /// The same of the websocket.
    pub fn shown_websocket(&self) -> String {
        shown(&self.websocket_url)
    }

    /// A text in which these addresses stand as they may be shown, and every other address too.
    pub(crate) fn conceal(&self, text: &str) -> String {
        let exact = text.replace(&self.rpc_url, &self.shown()).replace(&self.websocket_url, &self.shown_websocket());
        conceal_addresses(&exact)
    }
}

/// What may be shown of one of a list of endpoints, as [`Endpoint::parse_listed`] takes them: nothing of what may be a key.
pub fn shown_listed(given: &str) -> String {
    let shown: Vec<String> = given
        .split_whitespace()
        .map(|part| match Endpoint::parse(part) {
            Ok(endpoint) if part.contains("://") => endpoint.shown(),
            Ok(_) => part.to_owned(),
            Err(_) => shown(part),
        })
        .collect();
    shown.join(" ")
}

/// A text in which every address stands as it may be shown: what libraries say quotes addresses, keys and all, and not always in
/// the spelling in which they were given.
pub fn conceal_addresses(text: &str) -> String {
    const MARK: &str = "://";
    let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | ')' | '<' | '>');
    let (mut told, mut rest) = (String::new(), text);
    while let Some(mark) = rest.find(MARK) {
        let (before, after) = rest.split_at(mark);
        let around = before.trim_end_matches(is_of_scheme);
        let (address, behind) = after.split_at(after.find(is_end).unwrap_or(after.len()));
        let (_, scheme) = before.split_at(around.len());
        let bare = address.trim_end_matches([':', ',', ';', '.']);
        let (_, punctuation) = address.split_at(bare.len());
        told.push_str(around);
        told.push_str(&shown(&format!("{scheme}{bare}")));
        told.push_str(punctuation);
        rest = behind;
    }
    told.push_str(rest);
    told
}

/// What is shown of an address that cannot be read: there may be a key anywhere in it.
const NO_ADDRESS: &str = "an address that is none";

/// Scheme, host and port of an address, and whether there is more.
fn shown(address: &str) -> String {
    let Ok(url) = Url::parse(address) else { return NO_ADDRESS.to_owned() };
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let hides = url.path().len() > 1 || url.query().is_some() || !url.username().is_empty() || url.password().is_some();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), if hides { "/…" } else { "" })
}

/// The websocket of an RPC address: the same host and path; a port given explicitly is counted up by one, because that
/// is where validators listen.
fn derive_websocket(rpc_url: &str) -> Result<String> {
    let mut url = parse_url(rpc_url)?;
    let scheme = match url.scheme() {
        "http" => "ws",
        "https" => "wss",
        _ => return Err(invalid(rpc_url, "the address starts neither with http:// nor with https://")),
    };
    if url.host_str().is_none_or(str::is_empty) {
        return Err(invalid(rpc_url, "the address has no host"));
    }
    let port = url.port();
    url.set_scheme(scheme).map_err(|()| invalid(rpc_url, "the scheme cannot be changed to a websocket's"))?;
    if let Some(port) = port {
        let next = port.checked_add(1).ok_or_else(|| invalid(rpc_url, "no port follows 65535 for the websocket"))?;
        url.set_port(Some(next)).map_err(|()| invalid(rpc_url, "the address cannot have a port"))?;
    }
    Ok(url.to_string())
}

fn parse_url(address: &str) -> Result<Url> {
    Url::parse(address).map_err(|error| invalid(address, &error.to_string()))
}

fn invalid(given: &str, reason: &str) -> ChainError {
    // A word without a slash is a mistyped moniker, or a host; anything else may hold a key.
    let is_word = given.len() <= 32 && given.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':'));
    let given = if is_word { given.to_owned() } else { shown(given) };
    ChainError::EndpointInvalid { given, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monikers_are_those_of_the_solana_cli() {
        for (moniker, rpc, websocket) in [
            ("l", LOCALHOST, "ws://127.0.0.1:8900/"),
            ("localhost", LOCALHOST, "ws://127.0.0.1:8900/"),
            ("d", DEVNET, "wss://api.devnet.solana.com/"),
            ("testnet", TESTNET, "wss://api.testnet.solana.com/"),
            ("m", MAINNET, "wss://api.mainnet-beta.solana.com/"),
            ("mainnet-beta", MAINNET, "wss://api.mainnet-beta.solana.com/"),
        ] {
            let endpoint = Endpoint::parse(moniker).unwrap();
            assert_eq!((endpoint.rpc_url.as_str(), endpoint.websocket_url.as_str()), (rpc, websocket), "{moniker}");
        }
    }

    #[test]
    fn a_websocket_has_the_next_port_only_if_a_port_was_given() {
        for (rpc, websocket) in [
            ("http://host:1234", "ws://host:1235/"),
            ("https://host/path?key=1", "wss://host/path?key=1"),
            ("https://host:8443/path", "wss://host:8444/path"),
            ("http://[::1]:8899", "ws://[::1]:8900/"),
        ] {
            assert_eq!(Endpoint::parse(rpc).unwrap().websocket_url, websocket, "{rpc}");
        }
    }

    #[test]
    fn an_explicit_websocket_wins_and_an_empty_one_is_derived() {
        let given = Endpoint::parse_with_websocket("l", "wss://elsewhere:9/x").unwrap();
        assert_eq!(given.websocket_url, "wss://elsewhere:9/x");
        assert_eq!(Endpoint::parse_with_websocket("l", "").unwrap(), Endpoint::parse("l").unwrap());
    }

    #[test]
    fn one_of_a_list_may_have_its_websocket_after_a_space() {
        let pair = Endpoint::parse_listed(" https://host/x  wss://other/y ").unwrap();
        assert_eq!((pair.rpc_url.as_str(), pair.websocket_url.as_str()), ("https://host/x", "wss://other/y"));
        assert_eq!(Endpoint::parse_listed("d").unwrap(), Endpoint::parse("d").unwrap());
        for bad in ["https://host https://host", "https://host wss://a wss://b", "x wss://a", ""] {
            assert_eq!(Endpoint::parse_listed(bad).unwrap_err().code(), "C0101", "{bad}");
        }
    }

    #[test]
    fn what_is_shown_has_no_key_in_it() {
        for (given, shown) in [
            ("l", "http://127.0.0.1:8899"),
            ("m", "https://api.mainnet-beta.solana.com"),
            ("https://host/SECRET/", "https://host/…"),
            ("https://host:8443/?api-key=SECRET", "https://host:8443/…"),
            ("https://SECRET:SECRET@host", "https://host/…"),
        ] {
            let endpoint = Endpoint::parse(given).unwrap();
            assert_eq!(endpoint.shown(), shown, "{given}");
            let said = format!("{endpoint:?} {}", endpoint.shown_websocket());
            assert!(!said.contains("SECRET"), "{said}");
        }
    }

    #[test]
    fn a_text_keeps_of_addresses_what_may_be_shown() {
        let endpoint = Endpoint::parse_with_websocket("https://host?api-key=SECRET", "wss://host/(SECRET)").unwrap();
        for (said, told) in [
            // As it was given, as the HTTP client spells it, and as the websocket was given.
            ("at https://host?api-key=SECRET: no", "at https://host/…: no"),
            ("429 for url (https://host/?api-key=SECRET)", "429 for url (https://host/…)"),
            ("cannot reach wss://host/(SECRET)", "cannot reach wss://host/…"),
            ("moved to \"https://SECRET@other:8/SECRET\".", "moved to \"https://other:8/…\"."),
            ("http://127.0.0.1:8899: refused", "http://127.0.0.1:8899: refused"),
            ("http://[::1]:8899/SECRET, http://b", "http://[::1]:8899/…, http://b"),
            ("://SECRET", "an address that is none"),
            ("no address at all", "no address at all"),
        ] {
            assert_eq!(endpoint.conceal(said), told, "{said}");
        }
    }

    #[test]
    fn one_of_a_list_is_shown_without_keys() {
        for (given, shown) in [
            ("d", "d"),
            ("https://host", "https://host"),
            (" https://host/SECRET  wss://other/?k=SECRET", "https://host/… wss://other/…"),
            ("https//host/SECRET", "an address that is none"),
            ("SECRET", "an address that is none"),
        ] {
            assert_eq!(shown_listed(given), shown, "{given}");
        }
    }

    #[test]
    fn no_key_is_repeated_by_the_error() {
        for bad in [
            "ftp://host/SECRET",
            "https//host/SECRET",
            "https://host:99999/?api-key=SECRET",
            "https://SECRET@",
            "host/SECRET",
            "ws://host:1/SECRET",
        ] {
            let error = Endpoint::parse(bad).unwrap_err();
            assert_eq!(error.code(), "C0101", "{bad}");
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
        let error = Endpoint::parse_with_websocket("l", "http://host/SECRET").unwrap_err().to_string();
        assert!(!error.contains("SECRET"), "{error}");
        assert!(Endpoint::parse("devnt").unwrap_err().to_string().contains("devnt"), "a mistyped word is named");
    }

    #[test]
    fn anything_else_is_refused_by_code() {
        for bad in ["", "x", "ftp://host", "host:8899", "http://", "http://host:65535", "http://host:99999"] {
            assert_eq!(Endpoint::parse(bad).unwrap_err().code(), "C0101", "{bad}");
        }
        assert_eq!(Endpoint::parse_with_websocket("l", "http://host").unwrap_err().code(), "C0101");
    }
}
