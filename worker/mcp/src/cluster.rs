//! Clusters on which money may be spent: named by whoever starts the server, recognised by the hash of their first block.

use crate::error::Refusal;
use assay_chain::clusters::{self, PUBLIC_CLUSTERS};
use solana_sdk::hash::Hash;
use url::{Host, Url};

/// Further names that the Solana CLI has for the public clusters.
const OTHER_NAMES: [(&str, &str); 4] =
    [("m", "mainnet"), ("mainnet-beta", "mainnet"), ("d", "devnet"), ("t", "testnet")];

/// A cluster that was opted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedCluster {
    /// Any development network at an endpoint on this machine that is none of the public clusters.
    Localnet,
    /// The chain whose first block has this hash.
    Genesis(Hash),
}

/// What is known of the cluster at hand.
#[derive(Clone, Copy, Debug)]
pub struct Cluster<'a> {
    /// Hash of its first block.
    pub genesis: Hash,
    /// Address of the endpoint.
    pub rpc_url: &'a str,
    /// Whether the market's own account says that it is a development network.
    pub is_development: bool,
}

impl AllowedCluster {
    /// Reads `l`, `d`, `t`, `m`, the whole words that the Solana CLI takes, or a genesis hash.
    ///
    /// # Errors
    /// `Y0501` for anything else.
    pub fn parse(given: &str) -> Result<Self, Refusal> {
        let given = given.trim();
        if ["l", "localhost", "localnet"].contains(&given) {
            return Ok(Self::Localnet);
        }
        let name = OTHER_NAMES.iter().find(|(other, _)| *other == given).map_or(given, |(_, name)| *name);
        let named = PUBLIC_CLUSTERS.iter().find(|(known, _)| *known == name).map(|(_, genesis)| *genesis);
        named.unwrap_or(given).parse().map(Self::Genesis).map_err(|_| {
            Refusal::new(
                "Y0501",
                "a cluster is l(ocalnet), d(evnet), t(estnet), m(ainnet), or its genesis hash in base 58",
            )
        })
    }

    fn allows(self, cluster: &Cluster<'_>) -> bool {
        match self {
            Self::Genesis(genesis) => genesis == cluster.genesis,
            Self::Localnet => {
                cluster.is_development
                    && is_on_this_machine(cluster.rpc_url)
                    && clusters::public_name(&cluster.genesis.to_string()).is_none()
            }
        }
    }
}

/// Refuses a cluster that none of `allowed` means.
///
/// # Errors
/// `Y0301`, with the genesis hash to name.
pub fn check(allowed: &[AllowedCluster], cluster: &Cluster<'_>) -> Result<(), Refusal> {
    if allowed.iter().any(|one| one.allows(cluster)) {
        return Ok(());
    }
    let name =
        clusters::public_name(&cluster.genesis.to_string()).map_or_else(String::new, |name| format!(" ({name})"));
    Err(Refusal::new(
        "Y0301",
        format!(
            "nothing is spent on the cluster with genesis hash {}{name}: it was not opted in. Only the person who starts this server \
             can do that, with --allow-cluster",
            cluster.genesis
        ),
    ))
}

fn is_on_this_machine(rpc_url: &str) -> bool {
    let Ok(url) = Url::parse(rpc_url) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(genesis: Hash, rpc_url: &str, is_development: bool) -> Cluster<'_> {
        Cluster { genesis, rpc_url, is_development }
    }

    fn genesis(name: &str) -> Hash {
        match AllowedCluster::parse(name).unwrap() {
            AllowedCluster::Genesis(hash) => hash,
            AllowedCluster::Localnet => panic!("{name} is no localnet"),
        }
    }

    #[test]
    fn nothing_is_allowed_unless_it_is_named() {
        let own = cluster(Hash::new_unique(), "http://127.0.0.1:8899", true);
        assert_eq!(check(&[], &own).unwrap_err().code, "Y0301");
        check(&[AllowedCluster::Localnet], &own).unwrap();
        check(&[AllowedCluster::Genesis(own.genesis)], &own).unwrap();
        assert!(check(&[AllowedCluster::Genesis(Hash::new_unique())], &own).is_err());
    }

    #[test]
    fn a_localnet_is_on_this_machine_in_development_and_not_public() {
        let allowed = [AllowedCluster::Localnet];
        let hash = Hash::new_unique();
        for url in ["http://127.0.0.1:8899", "http://localhost:1", "http://[::1]:8899"] {
            check(&allowed, &cluster(hash, url, true)).unwrap();
            assert!(check(&allowed, &cluster(hash, url, false)).is_err(), "{url}: no development network");
            assert!(check(&allowed, &cluster(genesis("m"), url, true)).is_err(), "{url}: a tunnel to mainnet");
        }
        for url in ["http://10.0.0.1:8899", "https://localhost.example", "http://127.0.0.1.example/", "nonsense"] {
            assert!(check(&allowed, &cluster(hash, url, true)).is_err(), "{url}");
        }
    }

    #[test]
    fn a_public_cluster_is_allowed_by_its_name_alone_and_refused_with_it() {
        for (name, other) in [("m", "d"), ("devnet", "t"), ("testnet", "mainnet-beta")] {
            let public = cluster(genesis(name), "http://127.0.0.1:8899", false);
            check(&[AllowedCluster::parse(name).unwrap()], &public).unwrap();
            assert!(check(&[AllowedCluster::parse(other).unwrap(), AllowedCluster::Localnet], &public).is_err());
        }
        let refusal = check(&[], &cluster(genesis("m"), "https://x", false)).unwrap_err();
        assert!(refusal.message.contains("(mainnet)") && refusal.message.contains("5eykt4"), "{refusal}");
    }

    #[test]
    fn a_name_means_the_chain_that_solana_calls_so() {
        for (name, hash) in PUBLIC_CLUSTERS {
            for given in [name, &name[..1], hash] {
                assert_eq!(genesis(given).to_string(), hash, "{given}");
            }
        }
        assert_eq!(genesis("t").to_string(), "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY");
    }

    #[test]
    fn what_is_no_cluster_is_refused() {
        for bad in ["", "prod", "http://127.0.0.1", "5eykt4UsFv8P8NJdTREpY1vzqKqZ"] {
            assert_eq!(AllowedCluster::parse(bad).unwrap_err().code, "Y0501", "{bad}");
        }
    }
}
