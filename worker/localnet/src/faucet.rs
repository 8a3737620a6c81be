//! What only a local chain can do: lamports out of nothing, and time that passes at once.

use crate::error::{LocalnetError, Result};
use assay_chain::Chain;
use solana_client::client_error::ClientErrorKind;
use solana_client::rpc_request::{RpcError, RpcRequest};
use solana_sdk::pubkey::Pubkey;
use std::time::Duration;

/// How often a balance is asked for until an airdrop shows.
const POLL: Duration = Duration::from_millis(20);
/// How often it is asked for in all: a minute at least, for machines that are busy.
const POLLS: u32 = 3_000;

/// Gives lamports to an address and waits until they are there. Works on any chain with a faucet.
pub async fn fund(chain: &Chain, address: &Pubkey, lamports: u64) -> Result<()> {
    let before = chain.balance_lamports(address).await?;
    chain.rpc().request_airdrop(address, lamports).await.map_err(|error| unusable("requestAirdrop", &error))?;
    for _ in 0..POLLS {
        if chain.balance_lamports(address).await? > before {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    Err(LocalnetError::NotStarted { reason: format!("an airdrop of {lamports} lamports to {address} did not arrive") })
}

/// Lets time pass until `slot`, at once. `C0204` when the slot is in the past or the chain is not a local one.
pub async fn travel_to_slot(chain: &Chain, slot: u64) -> Result<()> {
    let refused = |reason: String| LocalnetError::TravelRefused { slot, reason };
    let request = RpcRequest::Custom { method: "surfnet_timeTravel" };
    let parameters = serde_json::json!([{ "absoluteSlot": slot }]);
    let answer = chain.rpc().send::<serde_json::Value>(request, parameters).await;
    answer.map_err(|error| refused(reason_of(&error)))?;
    chain.wait_for_slot(slot).await?;
    Ok(())
}

fn unusable(request: &str, error: &solana_client::client_error::ClientError) -> LocalnetError {
    LocalnetError::NotStarted { reason: format!("{request}: {}", reason_of(error)) }
}

fn reason_of(error: &solana_client::client_error::ClientError) -> String {
    match error.kind() {
        ClientErrorKind::RpcError(RpcError::RpcResponseError { message, .. }) => message.clone(),
        _ => error.to_string(),
    }
}
