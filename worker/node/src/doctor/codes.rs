//! The codes of findings, for people who look them up.

/// Codes that only an examination gives, with what each means and what to do. Those of other parts of the node (`N0218`, `N0406`,
/// `N0407`, `N0503`, `N0601`, `N0602`, `N0605`, `C…`, `K…`) mean here what they mean there.
pub const CODES: [(&str, &str, &str); 31] = [
    (
        "N0901",
        "others on the machine can get at the operator key",
        "`chmod 600`; a new key if anybody may have read it",
    ),
    ("N0902", "the withdraw authority's key lies on the machine", "keep it elsewhere and sign there"),
    ("N0903", "others on the machine can write into the data folder", "`chmod 700`"),
    ("N0904", "the node cannot write into its data folder", "its owner, and a disk that is not full"),
    ("N0905", "an RPC endpoint does not answer", "its address and provider"),
    ("N0906", "an RPC endpoint lags behind another", "the one that is ahead first, or another provider"),
    ("N0907", "there is one RPC endpoint", "`[disputes] further_endpoints`"),
    ("N0908", "a websocket does not connect or tells no slot", "`--ws`, or a provider that has websockets"),
    ("N0909", "the machine's clock is not the cluster's", "time synchronisation"),
    ("N0910", "the disk is too small for what the limits allow", "space, or lower limits"),
    ("N0911", "a port is another program's", "another port in `node.toml`, or an end to that program"),
    ("N0912", "nobody answers at the registered endpoint", "firewall and forwarding"),
    ("N0913", "another host answers at the registered endpoint", "the node's own address, registered anew"),
    ("N0914", "the registered endpoint is none, or nobody else's to reach", "`assay node init --endpoint URL`"),
    ("N0915", "the adapter is a software one", "the GPU's driver, or `backend = \"cpu\"`"),
    ("N0917", "the memory is too small for what the limits allow", "lower `max_memory_bytes` or `concurrent_jobs`"),
    ("N0918", "the node promises more than the machine does", "`assay node benchmark --write`"),
    ("N0919", "the node promises no speed", "`assay node benchmark --write`"),
    ("N0920", "the program is not on this cluster", "another `--url`"),
    ("N0921", "there is no network on this cluster", "another `--url`"),
    ("N0922", "new work is paused", "nothing: it ends by itself"),
    ("N0923", "jobs are of another version of the graph language", "another release"),
    ("N0924", "less stake than the network asks for", "`assay node stake`"),
    ("N0925", "no stake is free for another bond", "more stake, or patience"),
    ("N0926", "in jail, in maintenance, or before a heartbeat", "`assay node explain`"),
    ("N0927", "the lamports do not last for the days asked about", "lamports for the operator key"),
    ("N0928", "a setting is risky where tokens have value", "the setting that is named"),
    ("N0929", "a development build", "`cargo build --profile fast --bin assay`"),
    ("N0930", "this node runs already", "one process a folder"),
    ("N0931", "the mirror takes no results", "`[mirror]` and the credentials"),
    (
        "N0932",
        "clients do not read the mirror where they are told to",
        "who may read the store, or `[mirror] public_url`",
    ),
];

/// Codes of what a network or a provider has in hand: an endpoint is down, refuses or breaks off, lags, has no websocket; nobody
/// answers at the registered address.
const PASSING: [&str; 7] = ["C0110", "C0111", "C0112", "N0905", "N0906", "N0908", "N0912"];

/// Whether what this code names may be over at the next start. A key that is missing or damaged, an endpoint of another cluster
/// and an account of another layout are not: somebody has to do something first.
pub fn may_pass(code: &str) -> bool {
    PASSING.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_sources_is_in_the_list_once_and_no_other() {
        let sources = [
            include_str!("body.rs"),
            include_str!("duties.rs"),
            include_str!("endpoints.rs"),
            include_str!("keys.rs"),
            include_str!("market.rs"),
            include_str!("mirror.rs"),
            include_str!("mod.rs"),
            include_str!("reach.rs"),
        ];
        let mut given: Vec<&str> = sources
            .iter()
            .flat_map(|source| source.split('"').filter(|word| word.len() == 5 && word.starts_with("N09")))
            .collect();
        given.sort_unstable();
        given.dedup();
        assert_eq!(CODES.map(|(code, ..)| code).to_vec(), given);
    }

    #[test]
    fn what_a_provider_has_in_hand_may_pass_and_nothing_else_of_the_chain() {
        use assay_chain::ChainError;
        let (endpoint, reason) = ("http://one".to_owned(), "down".to_owned());
        let (request, path) = ("getSlot".to_owned(), std::path::PathBuf::from("operator.json"));
        let of_the_network = [
            ChainError::Unreachable { endpoint: endpoint.clone(), request: request.clone(), reason: reason.clone() },
            ChainError::RpcRefused { endpoint: endpoint.clone(), request, rpc_code: None, reason: reason.clone() },
            ChainError::SubscriptionFailed { endpoint: endpoint.clone(), reason: reason.clone() },
        ];
        for error in of_the_network {
            assert!(may_pass(error.code()), "{error}");
        }
        let of_this_machine = [
            ChainError::EndpointInvalid { given: endpoint.clone(), reason: reason.clone() },
            ChainError::KeypairInaccessible { path: path.clone(), reason: reason.clone() },
            ChainError::KeypairInvalid { path, reason },
            ChainError::EndpointOfOtherCluster { given: endpoint.clone(), expected: endpoint.clone(), endpoint },
            ChainError::AccountOutdated { what: "node", address: Default::default() },
        ];
        for error in of_this_machine {
            assert!(!may_pass(error.code()), "{error}");
        }
        assert_eq!(CODES.iter().filter(|(code, ..)| may_pass(code)).count(), 4, "of those of an examination");
    }

    #[test]
    fn the_readme_has_these_rows() {
        let readme = include_str!("../../README.md");
        for (code, meaning, remedy) in CODES {
            assert!(readme.contains(&format!("| `{code}` | {meaning} | {remedy} |\n")), "{code}");
        }
    }
}
