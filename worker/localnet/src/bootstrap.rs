//! Deploys the program through loader transactions and initialises the network.

use crate::error::LocalnetError;
use crate::town::Town;
use assay::state::Parameters;
use assay_chain::{Sender, instructions};
use solana_loader_v3_interface::{instruction as loader, state::UpgradeableLoaderState};
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use solana_sdk::transaction::Transaction;

/// Bytes of the program in one write transaction.
const CHUNK_BYTES: usize = 900;

pub async fn deploy(sender: &Sender, payer: &Keypair, program: &Keypair, so: &[u8], mut see: impl FnMut(u64, u64)) -> Result<(), LocalnetError> {
    let failed = |e: String| LocalnetError::Instruction(e);
    let chain = sender.chain();
    if chain.account(&program.pubkey()).await?.is_some() { return Ok(()); }
    let buffer = Keypair::new();
    let rent = chain.rent_exempt_lamports(UpgradeableLoaderState::size_of_buffer(so.len())).await?;
    let create = loader::create_buffer(&payer.pubkey(), &buffer.pubkey(), &payer.pubkey(), rent, so.len()).map_err(|e| failed(e.to_string()))?;
    sender.execute(&create, &[payer, &buffer]).await?;
    let blockhash = chain.recent_blockhash().await?.hash;
    let mut signatures = vec![];
    let total = so.len().div_ceil(CHUNK_BYTES) as u64;
    for (i, chunk) in so.chunks(CHUNK_BYTES).enumerate() {
        let write = loader::write(&buffer.pubkey(), &payer.pubkey(), (i * CHUNK_BYTES) as u32, chunk.to_vec());
        let tx = Transaction::new_signed_with_payer(&[write], Some(&payer.pubkey()), &[payer], blockhash);
        signatures.push(chain.rpc().send_transaction_with_config(&tx, solana_client::rpc_config::RpcSendTransactionConfig { skip_preflight: true, ..Default::default() }).await.map_err(|e| failed(e.to_string()))?);
        see(i as u64, total);
    }
    for group in signatures.chunks(200) {
        loop {
            let st = chain.rpc().get_signature_statuses(group).await.map_err(|e| failed(e.to_string()))?.value;
            if st.iter().all(|s| s.as_ref().is_some_and(|s| s.confirmation_status.is_some())) { break; }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    let rent = chain.rent_exempt_lamports(UpgradeableLoaderState::size_of_program()).await?;
    #[allow(deprecated)]
    let go = loader::deploy_with_max_program_len(&payer.pubkey(), &program.pubkey(), &buffer.pubkey(), &payer.pubkey(), rent, so.len()).map_err(|e| failed(e.to_string()))?;
    sender.execute(&go, &[payer, program]).await?;
    tokio::time::sleep(std::time::Duration::from_millis(900)).await;
    Ok(())
}

pub async fn initialise(sender: &Sender, town: &Town, parameters: Parameters) -> Result<(), LocalnetError> {
    let a = &town.authority;
    sender.execute(&[instructions::initialize_network(&a.pubkey(), town.stake_mint, parameters)], &[a]).await?;
    sender.execute(&[instructions::allow_payment_mint(&a.pubkey(), town.payment_mint, 1, 1)], &[a]).await?;
    Ok(())
}
