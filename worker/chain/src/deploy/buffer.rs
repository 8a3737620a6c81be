//! The buffer that a program is written into before it is installed.

use super::{DeployProgress, Deployment};
use crate::error::{ChainError, Result};
use crate::sender::{MAXIMUM_TRANSACTION_BYTES, Sender, sign, wire_bytes};
use futures_util::{StreamExt, stream};
use solana_client::rpc_config::{RpcSendTransactionConfig, UiTransactionEncoding};
use solana_loader_v3_interface::instruction as loader;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_sdk::{hash::Hash, pubkey::Pubkey, signature::Keypair, signer::Signer, transaction::Transaction};
use std::ops::Range;
use std::time::Duration;
use tokio::time::Instant;

/// No piece is shorter, whoever signs; used to estimate fees.
pub(super) const LEAST_PIECE_BYTES: usize = 800;
/// Pieces on their way at a time.
const CONCURRENT_WRITES: usize = 16;
/// Pieces that are signed over one blockhash: of a large program the last would be sent when the first hash is forgotten, and lost.
const PIECES_PER_BLOCKHASH: usize = 200;
/// How long pieces may take to arrive before those that did not are sent again.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(20);
/// Rounds without any progress before the deployment is given up.
const IDLE_ROUNDS: u32 = 3;
/// What tells the hash below from any other use of the same inputs.
const DOMAIN: &[u8] = b"assay/deploy-buffer/1";

/// The buffer's keypair: secret, because derived from a secret, and found again by whoever runs the deployment again.
pub(super) fn keypair(deployment: &Deployment<'_>) -> Keypair {
    let seed = solana_sha256_hasher::hashv(&[
        DOMAIN,
        deployment.authority.secret_bytes(),
        deployment.program.as_ref(),
        solana_sha256_hasher::hash(deployment.image).as_ref(),
    ]);
    Keypair::new_from_array(seed.to_bytes())
}

/// Creates the buffer unless it exists, writes what is missing, and returns its keypair.
pub(super) async fn fill(
    sender: &Sender,
    deployment: &Deployment<'_>,
    progress: &mut impl FnMut(DeployProgress),
) -> Result<Keypair> {
    let buffer = keypair(deployment);
    create(sender, deployment, &buffer).await?;
    let pieces = pieces(deployment, &buffer.pubkey())?;
    let total_bytes = deployment.image.len();
    let mut idle_rounds = 0;
    let mut missing = missing(sender, deployment, &buffer.pubkey(), &pieces).await?;
    loop {
        let written_bytes = total_bytes - missing.iter().map(|piece| piece.len()).sum::<usize>();
        progress(DeployProgress::Writing { written_bytes, total_bytes });
        if missing.is_empty() {
            return Ok(buffer);
        }
        if idle_rounds >= IDLE_ROUNDS {
            return Err(ChainError::DeployIncomplete {
                program: deployment.program,
                reason: format!("{} of {} pieces do not arrive", missing.len(), pieces.len()),
            });
        }
        let before = missing.len();
        missing = write(sender, deployment, &buffer.pubkey(), missing, progress).await?;
        idle_rounds = if missing.len() < before { 0 } else { idle_rounds + 1 };
    }
}

async fn create(sender: &Sender, deployment: &Deployment<'_>, buffer: &Keypair) -> Result<()> {
    if sender.chain().account(&buffer.pubkey()).await?.is_some_and(|account| !account.data.is_empty()) {
        return Ok(());
    }
    let Deployment { payer, authority, image, .. } = deployment;
    let lamports = sender.chain().rent_exempt_lamports(UpgradeableLoaderState::size_of_buffer(image.len())).await?;
    let instructions =
        loader::create_buffer(&payer.pubkey(), &buffer.pubkey(), &authority.pubkey(), lamports, image.len())
            .map_err(|error| ChainError::SigningFailed { reason: error.to_string() })?;
    sender.execute(&instructions, &[payer, buffer]).await.map(|_| ())
}

/// Sends every missing piece and returns those that still are after they had time to arrive.
async fn write(
    sender: &Sender,
    deployment: &Deployment<'_>,
    buffer: &Pubkey,
    pieces: Vec<Range<usize>>,
    progress: &mut impl FnMut(DeployProgress),
) -> Result<Vec<Range<usize>>> {
    let total_bytes = deployment.image.len();
    let mut written_bytes = total_bytes - pieces.iter().map(|piece| piece.len()).sum::<usize>();
    for batch in pieces.chunks(PIECES_PER_BLOCKHASH) {
        let blockhash = sender.chain().recent_blockhash().await?.hash;
        let transactions = batch
            .iter()
            .map(|piece| Ok((piece.len(), transaction(deployment, buffer, piece, blockhash)?)))
            .collect::<Result<Vec<_>>>()?;
        let mut sent = stream::iter(transactions)
            .map(|(bytes, transaction)| async move { (bytes, submit(sender, &transaction).await) })
            .buffer_unordered(CONCURRENT_WRITES);
        while let Some((bytes, result)) = sent.next().await {
            match result {
                Ok(()) => {
                    written_bytes += bytes;
                    progress(DeployProgress::Writing { written_bytes, total_bytes });
                }
                // The piece is looked for like all others, and sent again.
                Err(error) => tracing::debug!(%error, "a piece was not accepted"),
            }
        }
    }
    let begun = Instant::now();
    let mut fewest = pieces.len();
    let mut last_progress = begun;
    loop {
        let look = Instant::now();
        let left = missing(sender, deployment, buffer, &pieces).await?;
        let reading = look.elapsed();
        if left.len() < fewest {
            fewest = left.len();
            last_progress = Instant::now();
        }
        if left.is_empty() || last_progress.elapsed() > ARRIVAL_TIMEOUT {
            return Ok(left);
        }
        // The whole buffer is megabytes: reading it must not keep the endpoint from writing it.
        tokio::time::sleep(Duration::from_millis(500).max(reading.saturating_mul(4))).await;
    }
}

/// Which of `pieces` the buffer does not hold.
async fn missing(
    sender: &Sender,
    deployment: &Deployment<'_>,
    buffer: &Pubkey,
    pieces: &[Range<usize>],
) -> Result<Vec<Range<usize>>> {
    let account = sender.chain().account(buffer).await?;
    let data = account.as_ref().map_or(&[][..], |account| &account.data);
    let written = data.get(UpgradeableLoaderState::size_of_buffer_metadata()..).unwrap_or_default();
    Ok(pieces
        .iter()
        .filter(|piece| written.get((*piece).clone()) != deployment.image.get((*piece).clone()))
        .cloned()
        .collect())
}

/// The image in pieces that fit a packet.
fn pieces(deployment: &Deployment<'_>, buffer: &Pubkey) -> Result<Vec<Range<usize>>> {
    let write = loader::write(buffer, &deployment.authority.pubkey(), 0, Vec::new());
    let empty = Transaction::new_with_payer(&[write], Some(&deployment.payer.pubkey()));
    // One more byte, because the length of longer instruction data takes two bytes instead of one.
    let room = MAXIMUM_TRANSACTION_BYTES.saturating_sub(wire_bytes(&empty)? + 1).max(1);
    let length = deployment.image.len();
    Ok((0..length).step_by(room).map(|start| start..length.min(start + room)).collect())
}

fn transaction(
    deployment: &Deployment<'_>,
    buffer: &Pubkey,
    piece: &Range<usize>,
    blockhash: Hash,
) -> Result<Transaction> {
    let Deployment { payer, authority, image, program, .. } = *deployment;
    let bytes = image.get(piece.clone()).unwrap_or_default().to_vec();
    let offset = u32::try_from(piece.start).map_err(|_| ChainError::DeployIncomplete {
        program,
        reason: "the program is longer than any account may be".to_owned(),
    })?;
    let write = loader::write(buffer, &authority.pubkey(), offset, bytes);
    let signers = if authority.pubkey() == payer.pubkey() { vec![payer] } else { vec![payer, authority] };
    sign(&[write], &payer.pubkey(), &signers, blockhash)
}

async fn submit(sender: &Sender, transaction: &Transaction) -> Result<()> {
    // A simulation of each of hundreds of like transactions would only cost time; what counts is what the buffer holds.
    let config = RpcSendTransactionConfig {
        skip_preflight: true,
        encoding: Some(UiTransactionEncoding::Base64),
        ..RpcSendTransactionConfig::default()
    };
    let chain = sender.chain();
    chain.rpc().send_transaction_with_config(transaction, config).await.map_err(|error| chain.error(error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment<'a>(payer: &'a Keypair, authority: &'a Keypair, image: &'a [u8]) -> Deployment<'a> {
        Deployment { program: assay::ID, program_keypair: None, payer, authority, image }
    }

    #[test]
    fn the_buffer_follows_from_authority_program_and_image() {
        let (one, other) = (Keypair::new(), Keypair::new());
        let address = |authority: &Keypair, image: &[u8]| keypair(&deployment(&one, authority, image)).pubkey();
        assert_eq!(address(&one, b"image"), address(&one, b"image"));
        assert_ne!(address(&one, b"image"), address(&other, b"image"));
        assert_ne!(address(&one, b"image"), address(&one, b"imagf"));
    }

    #[test]
    fn pieces_cover_the_image_and_fill_packets() {
        let (payer, authority) = (Keypair::new(), Keypair::new());
        let image: Vec<u8> = (0..10_000u32).map(|value| value as u8).collect();
        for signer in [&payer, &authority] {
            let deployment = deployment(&payer, signer, &image);
            let buffer = Pubkey::new_unique();
            let pieces = pieces(&deployment, &buffer).unwrap();
            let joined: Vec<u8> = pieces.iter().flat_map(|piece| image[piece.clone()].to_vec()).collect();
            assert_eq!(joined, image);
            assert!(pieces[0].len() >= LEAST_PIECE_BYTES);
            let largest = transaction(&deployment, &buffer, &pieces[0], Hash::default()).unwrap();
            assert_eq!(wire_bytes(&largest).unwrap(), MAXIMUM_TRANSACTION_BYTES);
        }
    }
}
