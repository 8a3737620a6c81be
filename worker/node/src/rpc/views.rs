//! What each endpoint says of the chain, so that they can be compared.

use crate::market::EndpointView;
use assay_chain::{Chain, ChainError};
use solana_sdk::hash::hashv;
use solana_sdk::pubkey::Pubkey;
use std::time::Duration;

/// How long an endpoint may take to say something that is compared with what others say at the time.
const PATIENCE: Duration = Duration::from_secs(5);

/// What every one of them says at present, asked at the same time. Where there is only one, there is nothing to compare, and nobody is
/// asked.
pub(super) async fn of_all(chains: &[Chain], node: &Pubkey) -> Vec<Option<EndpointView>> {
    if chains.len() < 2 {
        return chains.iter().map(|_| None).collect();
    }
    futures_util::future::join_all(chains.iter().map(|chain| patiently(chain, node))).await
}

async fn patiently(chain: &Chain, node: &Pubkey) -> Option<EndpointView> {
    tokio::time::timeout(PATIENCE, of_one(chain, node)).await.ok()?.ok()
}

async fn of_one(chain: &Chain, node: &Pubkey) -> Result<EndpointView, ChainError> {
    let genesis_hash = chain.genesis_hash().await?.to_bytes();
    let observed = chain.accounts(&[*node], 0).await?;
    let account = observed.value.into_iter().flatten().find(|account| !account.data.is_empty());
    let node = account
        .map(|account| hashv(&[&account.lamports.to_le_bytes(), account.owner.as_ref(), &account.data]).to_bytes());
    Ok(EndpointView { endpoint: chain.endpoint().shown(), slot: observed.slot, genesis_hash, node })
}
