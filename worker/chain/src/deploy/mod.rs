//! Putting a program on the chain through the upgradeable loader, with ordinary transactions.
//!
//! The bytes go into a buffer account, piece by piece, and the loader then makes the buffer the program. The buffer's
//! address follows from authority, program and bytes, so a deployment that was interrupted finds its buffer again and
//! writes only what is missing. What is already on the chain is left alone.

mod buffer;

use crate::chain::Chain;
use crate::error::{ChainError, Result};
use crate::sender::Sender;
use solana_loader_v3_interface::get_program_data_address;
use solana_loader_v3_interface::instruction as loader;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_sdk::{pubkey::Pubkey, signature::Keypair, signer::Signer};
use std::path::Path;

/// The loader lets a program grow by no less than this.
const MINIMUM_EXTENSION_BYTES: usize = 10_240;
/// Fee of a signature.
const LAMPORTS_PER_SIGNATURE: u64 = 5_000;
/// First bytes of every program file.
const ELF_MAGIC: &[u8] = b"\x7fELF";

/// A program to put on the chain.
#[derive(Clone, Copy)]
pub struct Deployment<'a> {
    /// Address of the program.
    pub program: Pubkey,
    /// Keypair of that address; needed only while there is no program there.
    pub program_keypair: Option<&'a Keypair>,
    /// Pays rent and fees.
    pub payer: &'a Keypair,
    /// May upgrade the program.
    pub authority: &'a Keypair,
    /// The program file's bytes.
    pub image: &'a [u8],
}

impl std::fmt::Debug for Deployment<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Deployment")
            .field("program", &self.program)
            .field("payer", &self.payer.pubkey())
            .field("authority", &self.authority.pubkey())
            .field("image_bytes", &self.image.len())
            .finish()
    }
}

/// How far a deployment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeployProgress {
    /// Bytes that are in the buffer.
    Writing {
        /// How many.
        written_bytes: usize,
        /// Of how many.
        total_bytes: usize,
    },
    /// The program gets room for a longer image.
    Extending {
        /// By how much.
        additional_bytes: usize,
    },
    /// The buffer becomes the program.
    Installing,
}

/// What a deployment did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployed {
    /// The very bytes were there already.
    Unchanged,
    /// The program is new.
    Created,
    /// The program was replaced.
    Upgraded,
}

/// A program as the loader keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramOnChain {
    /// Who may upgrade it; nobody if there is none.
    pub upgrade_authority: Option<Pubkey>,
    /// When it was last deployed.
    pub deployed_slot: u64,
    /// Its bytes, followed by zeros up to its capacity.
    pub bytes: Vec<u8>,
}

impl ProgramOnChain {
    /// Whether it runs exactly `image`.
    pub fn runs(&self, image: &[u8]) -> bool {
        self.bytes.strip_prefix(image).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    }
}

/// Reads a program file. `C0140` when it cannot be read or is no program.
pub fn read_program_file(path: &Path) -> Result<Vec<u8>> {
    let unusable = |reason: String| ChainError::ProgramFileUnusable { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    if !bytes.starts_with(ELF_MAGIC) {
        return Err(unusable("it is not an ELF file".to_owned()));
    }
    Ok(bytes)
}

impl Chain {
    /// The program at an address; nothing where nothing is. `C0142` when something else is there.
    pub async fn program(&self, program: &Pubkey) -> Result<Option<ProgramOnChain>> {
        let occupied = |reason: &str| ChainError::ProgramAddressOccupied { address: *program, reason: reason.into() };
        let Some(account) = self.account(program).await? else { return Ok(None) };
        if account.owner == solana_system_interface::program::ID && account.data.is_empty() {
            // Lamports that somebody sent to the address.
            return Ok(None);
        }
        if account.owner != solana_sdk_ids::bpf_loader_upgradeable::ID {
            return Err(occupied("another program owns the account"));
        }
        let data_address = get_program_data_address(program);
        let Some(data) = self.account(&data_address).await? else {
            return Err(occupied("a program was there and was closed, and its address cannot be used again"));
        };
        let state = bincode::deserialize(&data.data).map_err(|error| occupied(&error.to_string()))?;
        let UpgradeableLoaderState::ProgramData { slot, upgrade_authority_address } = state else {
            return Err(occupied("its program data account is of another kind"));
        };
        let bytes = data.data.get(UpgradeableLoaderState::size_of_programdata_metadata()..).unwrap_or_default();
        Ok(Some(ProgramOnChain {
            upgrade_authority: upgrade_authority_address,
            deployed_slot: slot,
            bytes: bytes.to_vec(),
        }))
    }
}

/// Deploys, upgrades, or finds that there is nothing to do; returns once the program can be called.
///
/// `C0141` when the authority may not upgrade it, `C0142` when the address is taken, `C0144` when the payer holds too
/// little, `C0143` when it did not finish; running it again resumes.
pub async fn deploy(
    sender: &Sender,
    deployment: Deployment<'_>,
    mut progress: impl FnMut(DeployProgress),
) -> Result<Deployed> {
    let Deployment { program, image, authority, .. } = deployment;
    let existing = sender.chain().program(&program).await?;
    if let Some(existing) = &existing {
        if existing.runs(image) {
            return Ok(Deployed::Unchanged);
        }
        if existing.upgrade_authority != Some(authority.pubkey()) {
            return Err(ChainError::NotUpgradeAuthority {
                program,
                authority: authority.pubkey(),
                reason: match existing.upgrade_authority {
                    Some(other) => format!("its upgrade authority is {other}"),
                    None => "it is final".to_owned(),
                },
            });
        }
    } else if deployment.program_keypair.is_none_or(|keypair| keypair.pubkey() != program) {
        return Err(ChainError::SigningFailed {
            reason: format!("the first deployment of {program} is signed with the program's own keypair"),
        });
    }
    check_funds(sender, &deployment, existing.as_ref()).await?;
    let buffer = buffer::fill(sender, &deployment, &mut progress).await?;
    let deployed = match existing {
        Some(existing) => {
            upgrade(sender, &deployment, &existing, &buffer.pubkey(), &mut progress).await?;
            Deployed::Upgraded
        }
        None => {
            progress(DeployProgress::Installing);
            create(sender, &deployment, &buffer.pubkey()).await?;
            Deployed::Created
        }
    };
    verify(sender, &deployment).await?;
    Ok(deployed)
}

async fn create(sender: &Sender, deployment: &Deployment<'_>, buffer: &Pubkey) -> Result<()> {
    let Deployment { program, program_keypair, payer, authority, image } = *deployment;
    let lamports = sender.chain().rent_exempt_lamports(UpgradeableLoaderState::size_of_program()).await?;
    // Its replacement is the fourth version of the loader, which clusters do not run yet.
    #[allow(deprecated)]
    let instructions = loader::deploy_with_max_program_len(
        &payer.pubkey(),
        &program,
        buffer,
        &authority.pubkey(),
        lamports,
        image.len(),
    )
    .map_err(|error| ChainError::SigningFailed { reason: error.to_string() })?;
    let mut signers = vec![payer];
    signers.extend(program_keypair);
    if authority.pubkey() != payer.pubkey() {
        signers.push(authority);
    }
    sender.execute(&instructions, &signers).await.map(|_| ())
}

async fn upgrade(
    sender: &Sender,
    deployment: &Deployment<'_>,
    existing: &ProgramOnChain,
    buffer: &Pubkey,
    progress: &mut impl FnMut(DeployProgress),
) -> Result<()> {
    let Deployment { program, payer, authority, image, .. } = *deployment;
    let signers = if authority.pubkey() == payer.pubkey() { vec![payer] } else { vec![payer, authority] };
    let mut changed_slot = existing.deployed_slot;
    let missing = image.len().saturating_sub(existing.bytes.len());
    if missing > 0 {
        let additional_bytes = missing.max(MINIMUM_EXTENSION_BYTES);
        progress(DeployProgress::Extending { additional_bytes });
        changed_slot = extend(sender, deployment, additional_bytes, &signers).await?;
    }
    // The loader changes a program at most once a slot.
    sender.chain().wait_for_slot(changed_slot.saturating_add(1)).await?;
    progress(DeployProgress::Installing);
    let instruction = loader::upgrade(&program, buffer, &authority.pubkey(), &payer.pubkey());
    sender.execute(&[instruction], &signers).await.map(|_| ())
}

/// Gives the program room. Clusters know one of two instructions for it, depending on their age.
async fn extend(
    sender: &Sender,
    deployment: &Deployment<'_>,
    additional_bytes: usize,
    signers: &[&Keypair],
) -> Result<u64> {
    let Deployment { program, payer, authority, .. } = deployment;
    let additional = u32::try_from(additional_bytes).map_err(|_| ChainError::DeployIncomplete {
        program: *program,
        reason: "the program is longer than any account may be".to_owned(),
    })?;
    let checked = loader::extend_program_checked(program, &authority.pubkey(), Some(&payer.pubkey()), additional);
    let landed = match sender.execute(&[checked], signers).await {
        Err(ChainError::TransactionFailed(failure)) => {
            tracing::debug!(%failure, "extending the older way");
            let unchecked = loader::extend_program(program, Some(&payer.pubkey()), additional);
            sender.execute(&[unchecked], &[payer]).await?
        }
        result => result?,
    };
    Ok(landed.slot)
}

async fn check_funds(sender: &Sender, deployment: &Deployment<'_>, existing: Option<&ProgramOnChain>) -> Result<()> {
    let chain = sender.chain();
    let image_bytes = deployment.image.len();
    let payer = deployment.payer.pubkey();
    // The buffer's rent becomes the program's, so only one of them is needed at a time.
    let mut needed = match existing {
        None => {
            let data = chain.rent_exempt_lamports(UpgradeableLoaderState::size_of_programdata(image_bytes)).await?;
            let program = chain.rent_exempt_lamports(UpgradeableLoaderState::size_of_program()).await?;
            data.saturating_add(program)
        }
        Some(_) => chain.rent_exempt_lamports(UpgradeableLoaderState::size_of_buffer(image_bytes)).await?,
    };
    let signatures = u64::try_from(image_bytes / buffer::LEAST_PIECE_BYTES).unwrap_or(u64::MAX).saturating_add(20) * 2;
    needed = needed.saturating_add(signatures.saturating_mul(LAMPORTS_PER_SIGNATURE));
    let in_buffer = chain.balance_lamports(&buffer::keypair(deployment).pubkey()).await?;
    let available = chain.balance_lamports(&payer).await?;
    if available.saturating_add(in_buffer) < needed {
        return Err(ChainError::InsufficientFunds {
            payer,
            available_lamports: available,
            needed_lamports: needed.saturating_sub(in_buffer),
        });
    }
    Ok(())
}

/// Waits until the program can be called and looks whether it is the one meant.
async fn verify(sender: &Sender, deployment: &Deployment<'_>) -> Result<()> {
    let incomplete = |reason: &str| ChainError::DeployIncomplete { program: deployment.program, reason: reason.into() };
    let program =
        sender.chain().program(&deployment.program).await?.ok_or_else(|| incomplete("the program is not there"))?;
    if !program.runs(deployment.image) {
        return Err(incomplete("the bytes on the chain differ from the file's"));
    }
    // A program is called from the slot after its deployment on; one more, because reads lag behind by one.
    sender.chain().wait_for_slot(program.deployed_slot.saturating_add(2)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_runs_an_image_if_only_zeros_follow() {
        let program =
            |bytes: &[u8]| ProgramOnChain { upgrade_authority: None, deployed_slot: 1, bytes: bytes.to_vec() };
        assert!(program(b"abc").runs(b"abc"));
        assert!(program(b"abc\0\0").runs(b"abc"));
        assert!(!program(b"abc\0x").runs(b"abc"));
        assert!(!program(b"ab").runs(b"abc"));
        assert!(!program(b"abd").runs(b"abc"));
    }

    #[test]
    fn only_program_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program.so");
        assert_eq!(read_program_file(&path).unwrap_err().code(), "C0140");
        std::fs::write(&path, b"#!/bin/sh").unwrap();
        assert_eq!(read_program_file(&path).unwrap_err().code(), "C0140");
        std::fs::write(&path, b"\x7fELF...").unwrap();
        assert_eq!(read_program_file(&path).unwrap(), b"\x7fELF...");
    }
}
