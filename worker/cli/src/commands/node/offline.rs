//! Who signs for the withdraw authority: its key here, or a machine without a network to which a file is carried.

use super::Folder;
use crate::context::Context;
use crate::error::CliError;
use crate::output::Output;
use assay_chain::offline::{Explained, Travelling};
use clap::Args;
use serde_json::json;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::path::PathBuf;

#[derive(Args, Clone, Debug)]
pub(crate) struct Offline {
    /// Write the transaction, unsigned, to this file instead of signing and sending it
    ///
    /// Sign it on the machine that has the withdraw authority's key with `assay transaction sign`, which asks no endpoint, and send
    /// it with `assay transaction send`. Without --nonce there is about a minute for that.
    #[arg(long, value_name = "FILE")]
    pub(super) unsigned: Option<PathBuf>,
    /// Nonce account of the withdraw authority: the transaction can then land at any time, once
    ///
    /// `assay transaction create-nonce` makes one.
    #[arg(long, value_name = "ADDRESS", requires = "unsigned")]
    pub(super) nonce: Option<Pubkey>,
}

/// The withdraw authority, or its key.
pub(super) enum Signing {
    Here(Keypair),
    Elsewhere { authority: Pubkey, file: PathBuf, nonce: Option<Pubkey> },
}

impl Offline {
    /// The key at hand, or the authority of the folder's node.
    pub(super) fn signing(&self, context: &Context, folder: &Folder) -> Result<Signing, CliError> {
        match &self.unsigned {
            None => Ok(Signing::Here(context.keypair()?)),
            Some(file) => Ok(self.elsewhere(folder.withdraw_authority()?, file)),
        }
    }

    pub(super) fn elsewhere(&self, authority: Pubkey, file: &std::path::Path) -> Signing {
        Signing::Elsewhere { authority, file: file.to_owned(), nonce: self.nonce }
    }
}

impl Signing {
    /// Who signs.
    pub(super) fn address(&self) -> Pubkey {
        match self {
            Self::Here(keypair) => keypair.pubkey(),
            Self::Elsewhere { authority, .. } => *authority,
        }
    }

    /// Sends the steps, or writes the file and says so; `true` if they were sent.
    pub(super) async fn carry_out(
        &self,
        context: &Context,
        steps: &[Instruction],
        output: Output,
    ) -> Result<bool, CliError> {
        match self {
            Self::Here(keypair) => {
                context.sender.execute(steps, &[keypair]).await?;
                Ok(true)
            }
            Self::Elsewhere { authority, file, nonce } => {
                let travelling = Travelling::make(&context.sender, steps, authority, nonce.as_ref()).await?;
                let explained = travelling.explain()?;
                travelling.write(file)?;
                let value = json!({ "written": file, "signer": authority.to_string(), "instructions": explained });
                output.result(&value, || {
                    format!(
                        "{}\n\nwritten to {}; next, on the machine with the key of {authority}: assay transaction sign {}",
                        in_words(&explained),
                        file.display(),
                        file.display()
                    )
                })?;
                Ok(false)
            }
        }
    }
}

/// Every instruction on a line of its own.
pub(crate) fn in_words(explained: &[Explained]) -> String {
    let lines = explained
        .iter()
        .enumerate()
        .map(|(index, Explained { name, words, .. })| format!("{}. {name}: {words}", index.saturating_add(1)));
    lines.collect::<Vec<_>>().join("\n")
}
