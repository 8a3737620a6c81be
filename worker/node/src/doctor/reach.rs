//! Ports and the registered endpoint: whether others reach this node there, and nobody else in its place.

use super::finding::{Finding, Grade};
use crate::identity::{Answer, MOST_ANSWER_BYTES, NONCE_BYTES, Statement, stand_in, url_of};
use assay_store::{ServerOptions, serve_router};
use axum::Router;
use futures_util::StreamExt;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long the registered endpoint may take.
const PATIENCE: Duration = Duration::from_secs(6);

/// A port of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PortFacts {
    /// Nobody listens there.
    Free,
    /// This node listens there.
    Ours,
    /// It cannot be listened at.
    Taken(String),
}

/// Tries to listen at `address`; `is_ours` where this node runs and so listens there itself.
pub(super) async fn port(address: SocketAddr, is_ours: bool) -> PortFacts {
    // Whatever port is free.
    if address.port() == 0 {
        return PortFacts::Free;
    }
    match TcpListener::bind(address).await {
        Ok(_) => PortFacts::Free,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && is_ours => PortFacts::Ours,
        Err(error) => PortFacts::Taken(error.to_string()),
    }
}

pub(super) fn grade_port(check: &'static str, key: &str, address: SocketAddr, facts: &PortFacts) -> Finding {
    match facts {
        PortFacts::Free => Finding::well(check, format!("{address} is free")),
        PortFacts::Ours => Finding::well(check, format!("{address} is this node's")),
        PortFacts::Taken(reason) => Finding::ill(
            Grade::Error,
            check,
            "N0911",
            format!("the node cannot listen on {address}: {reason}"),
            format!("end what listens there (`ss -ltnp`), or choose another address: {key}"),
        ),
    }
}

/// What was found at the registered endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReachFacts {
    /// Nothing is registered.
    Nowhere,
    /// This node answered there.
    Itself,
    /// Somebody answered who is not this node, as this one or another text shows.
    Another(String),
    /// Nobody answered.
    Silent(String),
    /// It was not tried: the port is taken, or the key is not known.
    Untried,
}

/// Asks at the registered endpoint who is there. While the node does not run, what would be its server answers in its place for
/// as long as it takes.
pub(super) async fn reach(
    endpoint: &str,
    statement: &Statement,
    operator: &Keypair,
    listen: SocketAddr,
    port: &PortFacts,
) -> ReachFacts {
    use solana_sdk::signer::Signer;

    if endpoint.is_empty() {
        return ReachFacts::Nowhere;
    }
    match port {
        PortFacts::Taken(_) => ReachFacts::Untried,
        PortFacts::Ours => asked(endpoint, statement, &operator.pubkey()).await,
        PortFacts::Free => {
            let Ok(listener) = TcpListener::bind(listen).await else { return ReachFacts::Untried };
            let router: Router = stand_in(statement.genesis_hash, statement.node, operator.insecure_clone());
            // Dropped with the task, and with it every connection.
            let serving = tokio::spawn(async move {
                let _ = serve_router(listener, ServerOptions::of_status(), router, CancellationToken::new()).await;
            });
            let found = asked(endpoint, statement, &operator.pubkey()).await;
            serving.abort();
            let _ = serving.await;
            found
        }
    }
}

async fn asked(endpoint: &str, statement: &Statement, operator: &Pubkey) -> ReachFacts {
    match tokio::time::timeout(PATIENCE, answer_at(endpoint, &statement.nonce)).await {
        Err(_) => ReachFacts::Silent(format!("no answer within {} s", PATIENCE.as_secs())),
        Ok(Err(reason)) => ReachFacts::Silent(reason),
        Ok(Ok(text)) => match serde_json::from_str::<Answer>(&text) {
            Ok(answer) if statement.is_answered_by(&answer, operator) => ReachFacts::Itself,
            Ok(answer) if answer.node != statement.node.to_string() => {
                ReachFacts::Another(format!("it says that it is node {}", answer.node))
            }
            Ok(_) => ReachFacts::Another("its answer is not signed by this node's operator key".to_owned()),
            Err(_) => ReachFacts::Another("it does not answer as a node does".to_owned()),
        },
    }
}

/// What is said there, whatever the status: at most as much as an answer can be long.
async fn answer_at(endpoint: &str, nonce: &[u8; NONCE_BYTES]) -> Result<String, String> {
    let words = |error: reqwest::Error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        cause.to_string()
    };
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(words)?;
    let response = client.get(url_of(endpoint, nonce)).send().await.map_err(words)?;
    let (mut body, mut bytes) = (response.bytes_stream(), Vec::new());
    while let Some(part) = body.next().await {
        bytes.extend_from_slice(&part.map_err(words)?);
        if bytes.len() > MOST_ANSWER_BYTES {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Grades the registered endpoint.
pub(super) fn grade(endpoint: &str, facts: &ReachFacts, is_development: bool) -> Vec<Finding> {
    const CHECK: &str = "registered endpoint";
    let mut findings = Vec::new();
    if is_here_only(endpoint) {
        findings.push(Finding::ill(
            if is_development { Grade::Note } else { Grade::Error },
            CHECK,
            "N0914",
            format!("{endpoint} is an address of this machine or its own network: no client or auditor reaches it"),
            "register the public address: `assay node init --endpoint URL`, signed by the withdraw authority",
        ));
    }
    findings.push(match facts {
        ReachFacts::Itself => Finding::well(CHECK, format!("this node answers at {endpoint}")),
        ReachFacts::Untried => {
            let found = format!("whether this node answers at {endpoint} was not tried");
            Finding::ill(Grade::Note, CHECK, "N0912", found, "see what is said of its port and key")
        }
        ReachFacts::Nowhere => Finding::ill(
            Grade::Error,
            CHECK,
            "N0914",
            "no endpoint is registered: clients cannot fetch results, and auditors will demand them on-chain",
            "register one with `assay node init --endpoint URL`, signed by the withdraw authority",
        ),
        ReachFacts::Another(how) => Finding::ill(
            Grade::Error,
            CHECK,
            "N0913",
            format!("another host answers at {endpoint}: {how}"),
            "register this node's own address, or correct the name's record and the proxy in front of the node",
        ),
        ReachFacts::Silent(reason) => Finding::ill(
            Grade::Warning,
            CHECK,
            "N0912",
            format!("nobody answers at {endpoint}: {reason}"),
            "open the port in the firewall and forward it to `listen`; if others reach it and only this machine does not, ignore this",
        ),
    });
    findings
}

/// Whether only this machine, or those beside it, can reach the host.
fn is_here_only(endpoint: &str) -> bool {
    let host = reqwest::Url::parse(endpoint).ok().and_then(|url| url.host_str().map(str::to_owned));
    let Some(host) = host else { return false };
    if host == "localhost" || host.ends_with(".local") {
        return true;
    }
    match host.trim_matches(['[', ']']).parse() {
        Ok(std::net::IpAddr::V4(v4)) => {
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified()
        }
        Ok(std::net::IpAddr::V6(v6)) => v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_sdk::signer::Signer;

    fn statement() -> Statement {
        Statement { genesis_hash: [1; 32], node: Pubkey::new_from_array([7; 32]), nonce: [3; 32] }
    }

    async fn free_address() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    fn of(facts: &ReachFacts, endpoint: &str, is_development: bool) -> Vec<(Grade, Option<String>)> {
        grade(endpoint, facts, is_development).into_iter().map(|finding| (finding.grade, finding.code)).collect()
    }

    #[tokio::test]
    async fn a_port_is_free_ours_or_taken() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        assert!(matches!(port(address, false).await, PortFacts::Taken(_)));
        assert_eq!(port(address, true).await, PortFacts::Ours);
        drop(taken);
        assert_eq!(port(address, false).await, PortFacts::Free);
        let grade = |facts| grade_port("port", "listen", address, &facts).code;
        assert_eq!(grade(PortFacts::Taken("in use".to_owned())).as_deref(), Some("N0911"));
        assert_eq!((grade(PortFacts::Free), grade(PortFacts::Ours)), (None, None));
    }

    #[tokio::test]
    async fn a_node_that_does_not_run_answers_for_the_moment() {
        let (address, operator) = (free_address().await, Keypair::new());
        let endpoint = format!("http://{address}/");
        let found = reach(&endpoint, &statement(), &operator, address, &PortFacts::Free).await;
        assert_eq!(found, ReachFacts::Itself);
        assert_eq!(port(address, false).await, PortFacts::Free, "and then it is gone");
    }

    #[tokio::test]
    async fn another_host_at_the_address_is_noticed() {
        let operator = Keypair::new();
        let serve = async |router: Router| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move { axum::serve(listener, router).await });
            format!("http://{address}")
        };
        let other_key = stand_in([1; 32], statement().node, Keypair::new());
        let other_node = stand_in([1; 32], Pubkey::new_unique(), operator.insecure_clone());
        let other_cluster = stand_in([2; 32], statement().node, operator.insecure_clone());
        let page = Router::new().fallback(|| async { "x".repeat(100_000) });
        for router in [other_key, other_node, other_cluster, page] {
            let endpoint = serve(router).await;
            let found = asked(&endpoint, &statement(), &operator.pubkey()).await;
            assert!(matches!(found, ReachFacts::Another(_)), "{found:?}");
            assert_eq!(of(&found, "https://node.example", false), [(Grade::Error, Some("N0913".to_owned()))]);
        }
        let right = serve(stand_in([1; 32], statement().node, operator.insecure_clone())).await;
        assert_eq!(asked(&right, &statement(), &operator.pubkey()).await, ReachFacts::Itself);
    }

    #[tokio::test]
    async fn nobody_there_is_a_warning_and_no_address_an_error() {
        let endpoint = format!("http://{}", free_address().await);
        let silent = asked(&endpoint, &statement(), &Pubkey::default()).await;
        assert!(matches!(silent, ReachFacts::Silent(_)), "{silent:?}");
        assert_eq!(of(&silent, "https://node.example", false), [(Grade::Warning, Some("N0912".to_owned()))]);
        let nowhere = reach("", &statement(), &Keypair::new(), free_address().await, &PortFacts::Free).await;
        assert_eq!(of(&nowhere, "", false), [(Grade::Error, Some("N0914".to_owned()))]);
    }

    #[test]
    fn an_address_of_ones_own_is_no_endpoint_on_a_network_of_others() {
        for endpoint in
            ["http://127.0.0.1:8910", "http://localhost:1", "http://10.1.2.3", "http://[::1]:5", "http://x.local"]
        {
            let found = |is_development| of(&ReachFacts::Itself, endpoint, is_development);
            assert_eq!(found(false)[0], (Grade::Error, Some("N0914".to_owned())), "{endpoint}");
            assert_eq!(found(true)[0], (Grade::Note, Some("N0914".to_owned())), "{endpoint}");
        }
        assert_eq!(of(&ReachFacts::Itself, "https://node.example", false), [(Grade::Well, None)]);
        assert_eq!(of(&ReachFacts::Itself, "http://203.0.113.9:1", false), [(Grade::Well, None)]);
    }
}
