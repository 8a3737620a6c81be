//! An HTTP client that goes only where the options allow.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use reqwest::{Client, ClientBuilder, Response};
use url::Url;

use super::address::kind_of;
use super::source::check_http_url;
use crate::error::{Result, StoreError, quoted};

/// How much of the body of a refusal is read for its reason.
const MAX_REASON_BYTES: usize = 4 * 1024;

/// What every request of this crate is made with: no redirect is followed, no proxy used, and nothing decompressed.
pub(crate) fn bare_client(connect_timeout: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // Other crates of the program may switch these features of the library on.
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .http1_only()
        .referer(false)
        .connect_timeout(connect_timeout)
}

/// A client that resolves names itself, so that the address which is checked is the address which is connected to; that
/// follows no redirect, uses no proxy and decompresses nothing by itself.
pub(super) fn guarded_client(allow_private: bool, connect_timeout: Duration) -> Result<Client> {
    client_with(GuardedResolver { allow_private, look_up: system }, connect_timeout)
}

fn client_with<L: LookUp>(resolver: GuardedResolver<L>, connect_timeout: Duration) -> Result<Client> {
    bare_client(connect_timeout)
        .dns_resolver(Arc::new(resolver))
        .build()
        .map_err(|error| StoreError::ClientSetup { reason: chain_of(&error) })
}

/// The addresses of a name.
type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// What knows the addresses of names: the system, or a test.
trait LookUp: Fn(String) -> Addresses + Send + Sync + 'static {}

impl<F: Fn(String) -> Addresses + Send + Sync + 'static> LookUp for F {}

fn system(name: String) -> Addresses {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

/// Looks a name up once; the connection is made to one of the addresses that were checked.
struct GuardedResolver<L> {
    allow_private: bool,
    look_up: L,
}

impl<L: LookUp> Resolve for GuardedResolver<L> {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow_private, found) = (self.allow_private, (self.look_up)(name.as_str().to_owned()));
        Box::pin(async move {
            let mut allowed: Vec<SocketAddr> = Vec::new();
            let mut refused = None;
            for address in found.await? {
                match kind_of(address.ip()).refusal(allow_private) {
                    None => allowed.push(address),
                    Some(reason) => {
                        refused = Some(RefusedAddress { host: quoted(name.as_str()), address: address.ip(), reason });
                    }
                }
            }
            match refused {
                Some(refused) if allowed.is_empty() => Err(refused.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// Carries the refusal through the HTTP library's errors.
#[derive(Debug, Clone)]
struct RefusedAddress {
    host: String,
    address: IpAddr,
    reason: &'static str,
}

impl fmt::Display for RefusedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is at {}, {}", self.host, self.address, self.reason)
    }
}

impl Error for RefusedAddress {}

/// The refusal of an address, if that is why the request failed.
pub(super) fn refusal_behind(error: &reqwest::Error) -> Option<StoreError> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(RefusedAddress { host, address, reason }) = cause.downcast_ref::<RefusedAddress>() {
            return Some(StoreError::AddressRefused { host: host.clone(), address: *address, reason });
        }
        source = cause.source();
    }
    None
}

/// An error with its causes, without the URL, which our own messages name.
pub(super) fn chain_of(error: &(dyn Error + 'static)) -> String {
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = match cause.downcast_ref::<reqwest::Error>() {
            Some(error) if error.source().is_some() => String::new(),
            _ => cause.to_string(),
        };
        if !text.is_empty() && causes.last() != Some(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    quoted(&causes.join(": "))
}

/// The address to which a redirect from `from` with this `Location` header sends us, checked like the first one.
pub(crate) fn redirect_target(from: &Url, location: Option<&str>, allow_private: bool) -> Result<Url> {
    let refused = |reason: &str| StoreError::RedirectRefused { uri: quoted(from.as_str()), reason: reason.to_owned() };
    let location = location.ok_or_else(|| refused("it names no location"))?;
    let mut target = from.join(location).map_err(|error| refused(&error.to_string()))?;
    target.set_fragment(None);
    if from.scheme() == "https" && target.scheme() == "http" {
        return Err(refused("it leads from https to http"));
    }
    check_http_url(&target, allow_private)?;
    Ok(target)
}

/// A header as text, where it is there once and is text.
pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Why the server refused: the message of our own servers, or nothing. Bounded in size; the caller bounds the time.
pub(super) async fn refusal_reason(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        if body.len() + chunk.len() > MAX_REASON_BYTES {
            return String::new();
        }
        body.extend_from_slice(&chunk);
    }
    let reply: Option<crate::wire::ErrorReply> = serde_json::from_slice(&body).ok();
    let message = reply.map(|reply| reply.message).unwrap_or_default();
    quoted(&message).chars().filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// A client to which every name has these addresses, those of the first look-up first; and how often it looked.
    fn client_of(allow_private: bool, answers: &[&[&str]]) -> (Client, Arc<AtomicUsize>) {
        let read = |answer: &&[&str]| answer.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
        let answers: Vec<Vec<SocketAddr>> = answers.iter().map(read).collect();
        let looked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&looked);
        let look_up = move |_: String| -> Addresses {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let answer = answers[number.min(answers.len() - 1)].clone();
            Box::pin(async move { Ok(answer) })
        };
        (client_with(GuardedResolver { allow_private, look_up }, PATIENCE).unwrap(), looked)
    }

    /// A server on 127.0.0.1 alone that answers every request with its own name.
    async fn server() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 2_048]).await;
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nhere").await;
            }
        });
        port
    }

    /// A name that has a harmless address when it is checked and another one afterwards gains nothing: it is looked up once, and
    /// the address that was checked is the one that is connected to.
    #[tokio::test]
    async fn a_name_is_looked_up_once_and_the_checked_address_connected_to() {
        let url = format!("http://store.example:{}/", server().await);
        let (client, looked) = client_of(true, &[&["127.0.0.1"], &["169.254.169.254"]]);
        assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "here");
        assert_eq!(looked.load(Ordering::SeqCst), 1);
        let error = client.get(&url).send().await.unwrap_err();
        assert_eq!(refusal_behind(&error).unwrap().code(), "S0205", "the next connection is checked anew");
        assert_eq!(looked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn of_several_addresses_of_a_name_only_the_allowed_are_connected_to() {
        let url = format!("http://store.example:{}/", server().await);
        let (client, _) = client_of(true, &[&["169.254.169.254", "fe80::1", "127.0.0.1", "100.100.100.200"]]);
        assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "here");
        let (client, _) = client_of(false, &[&["127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]]);
        let error = client.get(&url).send().await.unwrap_err();
        assert_eq!(refusal_behind(&error).unwrap().code(), "S0205");
    }

    fn target(from: &str, location: &str) -> Result<Url> {
        redirect_target(&from.parse().unwrap(), Some(location), false)
    }

    #[test]
    fn redirects_are_checked_like_the_first_address() {
        assert_eq!(target("http://store.example/a", "/b#c").unwrap().as_str(), "http://store.example/b");
        assert_eq!(
            target("http://store.example/a", "https://other.example/b").unwrap().host_str(),
            Some("other.example")
        );
        for (from, location, code) in [
            ("http://store.example/a", "http://127.0.0.1/b", "S0205"),
            ("http://store.example/a", "//169.254.169.254/latest/meta-data", "S0205"),
            ("http://store.example/a", "file:///etc/passwd", "S0204"),
            ("http://store.example/a", "http://user:secret@other.example/", "S0203"),
            ("https://store.example/a", "http://store.example/a", "S0305"),
            ("http://store.example/a", "http://[", "S0305"),
        ] {
            assert_eq!(target(from, location).unwrap_err().code(), code, "{location}");
        }
        let nowhere = redirect_target(&"http://store.example/a".parse().unwrap(), None, false);
        assert_eq!(nowhere.unwrap_err().code(), "S0305");
    }
}
