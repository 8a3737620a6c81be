//! Reading the chain: one endpoint or several that stand in for one another, one commitment (`confirmed`), and the slot of every
//! observation.

mod endpoints;
mod meaning;

use crate::backoff::retry_read;
use crate::clusters::MAINNET_GENESIS;
use crate::endpoint::Endpoint;
use crate::endpoints::{EndpointOptions, Pool, Transport};
use crate::error::{ChainError, Result};
use solana_account_decoder_client_types::{UiAccount, UiAccountEncoding};
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_client::RpcClientConfig;
use solana_client::rpc_config::{RpcAccountInfoConfig, RpcProgramAccountsConfig};
use solana_client::rpc_filter::RpcFilterType;
use solana_client::rpc_request::RpcRequest;
use solana_client::rpc_response::{OptionalContext, RpcKeyedAccount};
use solana_commitment_config::CommitmentConfig;
use solana_sdk::{hash::Hash, pubkey::Pubkey};
use std::sync::Arc;
use std::time::Duration;

/// Accounts that one request may name.
pub const ACCOUNTS_PER_REQUEST: usize = 100;

/// A connection to one endpoint, or to several that stand in for one another; cheap to clone. All reads see what is confirmed.
///
/// Of several, one is in use. When it does not answer, or falls too far behind the others, another one is, by the rules of
/// [`EndpointOptions`]; a read is then asked of that one before it fails.
#[derive(Clone)]
pub struct Chain {
    rpc: Arc<RpcClient>,
    pool: Arc<Pool>,
    /// The number of the only endpoint that is asked.
    only: Option<usize>,
}

/// Something read from the chain, and the slot that the answer speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed<T> {
    /// The slot.
    pub slot: u64,
    /// What was read.
    pub value: T,
}

/// An account as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawAccount {
    /// The program that owns it.
    pub owner: Pubkey,
    /// Its balance.
    pub lamports: u64,
    /// Its data.
    pub data: Vec<u8>,
    /// Whether it is a program.
    pub executable: bool,
}

/// How far the chain has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The confirmed slot.
    pub slot: u64,
    /// Blocks up to it; skipped slots do not count.
    pub block_height: u64,
}

/// A blockhash for a transaction, and until when it is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecentBlockhash {
    /// The blockhash.
    pub hash: Hash,
    /// The last block height at which a transaction with it can land.
    pub last_valid_block_height: u64,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Chain").field(self.endpoint()).finish()
    }
}

impl Chain {
    /// A connection to `endpoint`; nothing is sent yet.
    pub fn new(endpoint: Endpoint) -> Self {
        Self::over(endpoint, Vec::new(), EndpointOptions::default())
    }

    fn of(pool: Arc<Pool>, only: Option<usize>) -> Self {
        let transport = Transport { pool: Arc::clone(&pool), only };
        let config = RpcClientConfig::with_commitment(CommitmentConfig::confirmed());
        Self { rpc: Arc::new(RpcClient::new_sender(transport, config)), pool, only }
    }

    /// The endpoint, of several the one in use.
    pub fn endpoint(&self) -> &Endpoint {
        self.pool.endpoint(self.number())
    }

    pub(crate) fn number(&self) -> usize {
        self.only.unwrap_or_else(|| self.pool.in_use())
    }

    /// The underlying client, for what this crate does not cover.
    pub fn rpc(&self) -> &RpcClient {
        &self.rpc
    }

    /// Hash of the chain's first block: which chain this is, whatever the endpoint is called.
    pub async fn genesis_hash(&self) -> Result<Hash> {
        retry_read(|| async { self.rpc.get_genesis_hash().await.map_err(|error| self.error(error)) }).await
    }

    /// Whether this is Solana's mainnet, where tokens have value.
    pub async fn is_mainnet(&self) -> Result<bool> {
        Ok(self.genesis_hash().await?.to_string() == MAINNET_GENESIS)
    }

    /// How far the chain has come.
    pub async fn tip(&self) -> Result<Tip> {
        retry_read(|| self.tip_once()).await
    }

    pub(crate) async fn tip_once(&self) -> Result<Tip> {
        let info = self.rpc.get_epoch_info().await.map_err(|error| self.error(error))?;
        Ok(Tip { slot: info.absolute_slot, block_height: info.block_height })
    }

    /// The confirmed slot.
    pub async fn slot(&self) -> Result<u64> {
        retry_read(|| async { self.rpc.get_slot().await.map_err(|error| self.error(error)) }).await
    }

    /// Waits until the confirmed slot is at least `slot`.
    pub async fn wait_for_slot(&self, slot: u64) -> Result<u64> {
        loop {
            let now = self.slot().await?;
            if now >= slot {
                return Ok(now);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A blockhash for a new transaction.
    pub async fn recent_blockhash(&self) -> Result<RecentBlockhash> {
        retry_read(|| async {
            let (hash, last_valid_block_height) = self
                .rpc
                .get_latest_blockhash_with_commitment(CommitmentConfig::confirmed())
                .await
                .map_err(|error| self.error(error))?;
            Ok(RecentBlockhash { hash, last_valid_block_height })
        })
        .await
    }

    /// What an account of `data_bytes` must hold to exist.
    pub async fn rent_exempt_lamports(&self, data_bytes: usize) -> Result<u64> {
        retry_read(|| async {
            self.rpc.get_minimum_balance_for_rent_exemption(data_bytes).await.map_err(|error| self.error(error))
        })
        .await
    }

    /// Balance of an account; 0 where there is none.
    pub async fn balance_lamports(&self, address: &Pubkey) -> Result<u64> {
        retry_read(|| async { self.rpc.get_balance(address).await.map_err(|error| self.error(error)) }).await
    }

    /// One account; nothing where there is none.
    pub async fn account(&self, address: &Pubkey) -> Result<Option<RawAccount>> {
        let observed = self.accounts(&[*address], 0).await?;
        Ok(observed.value.into_iter().next().flatten())
    }

    /// Several accounts, in the order asked for, as they were together at a slot not before `minimum_slot`.
    ///
    /// More than [`ACCOUNTS_PER_REQUEST`] are read in several requests; the slot is then the earliest of them.
    pub async fn accounts(&self, addresses: &[Pubkey], minimum_slot: u64) -> Result<Observed<Vec<Option<RawAccount>>>> {
        let mut all = Observed { slot: u64::MAX, value: Vec::with_capacity(addresses.len()) };
        for chunk in addresses.chunks(ACCOUNTS_PER_REQUEST) {
            let part = retry_read(|| self.accounts_once(chunk, minimum_slot)).await?;
            all.slot = all.slot.min(part.slot);
            all.value.extend(part.value);
        }
        Ok(all)
    }

    async fn accounts_once(
        &self,
        addresses: &[Pubkey],
        minimum_slot: u64,
    ) -> Result<Observed<Vec<Option<RawAccount>>>> {
        let response = self
            .rpc
            .get_multiple_ui_accounts_with_config(addresses, account_config(minimum_slot))
            .await
            .map_err(|error| self.error(error))?;
        if response.value.len() != addresses.len() {
            return Err(self.malformed("getMultipleAccounts", "it returned another number of accounts than asked for"));
        }
        let value = response
            .value
            .iter()
            .map(|account| account.as_ref().map(|account| self.raw("getMultipleAccounts", account)).transpose())
            .collect::<Result<_>>()?;
        Ok(Observed { slot: response.context.slot, value })
    }

    /// Every account of `program` that passes the filters, as they were together at a slot not before `minimum_slot`.
    pub async fn program_accounts(
        &self,
        program: &Pubkey,
        filters: &[RpcFilterType],
        minimum_slot: u64,
    ) -> Result<Observed<Vec<(Pubkey, RawAccount)>>> {
        retry_read(|| self.program_accounts_once(program, filters, minimum_slot)).await
    }

    async fn program_accounts_once(
        &self,
        program: &Pubkey,
        filters: &[RpcFilterType],
        minimum_slot: u64,
    ) -> Result<Observed<Vec<(Pubkey, RawAccount)>>> {
        const REQUEST: &str = "getProgramAccounts";
        let config = RpcProgramAccountsConfig {
            filters: Some(filters.to_vec()),
            account_config: account_config(minimum_slot),
            with_context: Some(true),
            sort_results: None,
        };
        let parameters = serde_json::json!([program.to_string(), config]);
        let response: OptionalContext<Vec<RpcKeyedAccount>> =
            self.rpc.send(RpcRequest::GetProgramAccounts, parameters).await.map_err(|error| self.error(error))?;
        let OptionalContext::Context(response) = response else {
            return Err(self.malformed(REQUEST, "it did not say for which slot"));
        };
        let value = response
            .value
            .iter()
            .map(|keyed| {
                let address =
                    keyed.pubkey.parse().map_err(|_| self.malformed(REQUEST, "it returned an impossible address"))?;
                Ok((address, self.raw(REQUEST, &keyed.account)?))
            })
            .collect::<Result<_>>()?;
        Ok(Observed { slot: response.context.slot, value })
    }

    fn raw(&self, request: &str, account: &UiAccount) -> Result<RawAccount> {
        let account =
            account.to_account().ok_or_else(|| self.malformed(request, "it returned an unreadable account"))?;
        Ok(RawAccount {
            owner: account.owner,
            lamports: account.lamports,
            data: account.data,
            executable: account.executable,
        })
    }

    fn malformed(&self, request: &str, reason: &str) -> ChainError {
        ChainError::RpcRefused {
            endpoint: self.endpoint().shown(),
            request: request.to_owned(),
            rpc_code: None,
            reason: reason.to_owned(),
        }
    }
}

fn account_config(minimum_slot: u64) -> RpcAccountInfoConfig {
    RpcAccountInfoConfig {
        encoding: Some(UiAccountEncoding::Base64),
        data_slice: None,
        commitment: Some(CommitmentConfig::confirmed()),
        min_context_slot: (minimum_slot > 0).then_some(minimum_slot),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_fails_is_counted_over_all_clones_and_told_without_the_key_in_the_address() {
        // Nothing listens at port 9.
        let chain = Chain::new(Endpoint::parse("http://127.0.0.1:9/SECRET?api-key=SECRET").unwrap());
        let clone = chain.clone();
        let error = clone.slot().await.unwrap_err();
        assert!(matches!(error, ChainError::Unreachable { .. }), "{error}");
        let said = format!("{error} {error:?} {chain:?}");
        assert!(said.contains("http://127.0.0.1:9/…") && !said.contains("SECRET"), "{said}");
        let traffic = chain.traffic();
        assert!(traffic.requests >= traffic.unreachable && traffic.unreachable > 1, "{traffic:?}");
        assert_eq!(traffic.refused, 0);
    }
}
