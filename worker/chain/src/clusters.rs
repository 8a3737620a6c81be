//! The public clusters of Solana, told apart by the hash of their first block: an endpoint may be called anything.

/// Name of every public cluster, and its genesis hash in base 58.
pub const PUBLIC_CLUSTERS: [(&str, &str); 3] =
    [("mainnet", MAINNET_GENESIS), ("devnet", DEVNET_GENESIS), ("testnet", TESTNET_GENESIS)];

pub(crate) const MAINNET_GENESIS: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
const DEVNET_GENESIS: &str = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG";
const TESTNET_GENESIS: &str = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY";

/// The name of the public cluster with this genesis hash in base 58; none for a cluster of one's own.
pub fn public_name(genesis: &str) -> Option<&'static str> {
    PUBLIC_CLUSTERS.iter().find(|(_, known)| *known == genesis).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_cluster_type::ClusterType;

    #[test]
    fn the_hashes_are_those_of_solana() {
        let solana = [ClusterType::MainnetBeta, ClusterType::Devnet, ClusterType::Testnet]
            .map(|cluster| cluster.get_genesis_hash().unwrap().to_string());
        assert_eq!(PUBLIC_CLUSTERS.map(|(_, genesis)| genesis), solana.each_ref().map(String::as_str));
        assert_eq!(solana.each_ref().map(|genesis| public_name(genesis).unwrap()), ["mainnet", "devnet", "testnet"]);
        assert_eq!(public_name("11111111111111111111111111111111"), None);
    }

    /// `ASSAY_WRITE_VECTORS=1 cargo test -p assay-chain clusters` writes the file for TypeScript; otherwise it is compared.
    #[test]
    fn the_committed_vector_names_the_same_clusters() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../app/vectors/clusters.json");
        let objects =
            PUBLIC_CLUSTERS.map(|(name, genesis)| format!(r#"{{"name":"{name}","genesisHash":"{genesis}"}}"#));
        let text = format!("[\n{}\n]\n", objects.join(",\n"));
        if std::env::var_os("ASSAY_WRITE_VECTORS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let command = "ASSAY_WRITE_VECTORS=1 cargo test -p assay-chain clusters";
        assert!(written == text, "{} differs: run {command}", path.display());
    }
}
