//! `assay transaction`: what was made on one machine is signed on another that has no network, and sent from the first.

use crate::commands::node::in_words;
use crate::context::{ChainArguments, Context};
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_chain::offline::{Lifetime, NONCE_ACCOUNT_BYTES, Travelling};
use assay_chain::read_or_create_keypair;
use clap::Subcommand;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What a file's transaction does, and who signed it; asks no endpoint
    Show {
        /// The file
        file: PathBuf,
    },
    /// Show what a file's transaction does, and sign it with the keypair of -k; asks no endpoint
    ///
    /// Every instruction is said in words first. One that cannot be explained to the last byte is not signed.
    Sign {
        /// The file; the signature is added to it
        file: PathBuf,
        /// Do not ask whether to sign
        #[arg(long)]
        yes: bool,
    },
    /// Send a file's transaction, which everybody has signed, and wait until it has landed
    Send {
        /// The file
        file: PathBuf,
    },
    /// Make a nonce account, with which transactions that are signed elsewhere do not expire; the keypair of -k pays
    CreateNonce {
        /// File of the account's own key; made if it is not there, and not needed afterwards
        file: PathBuf,
        /// Who signs with it: a node's withdraw authority
        #[arg(long)]
        authority: Pubkey,
    },
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    match command {
        Command::Show { file } => show(&file, output),
        Command::Sign { file, yes } => sign(&chain.context()?, &file, yes, output),
        Command::Send { file } => send(&chain.connected().await?, &file, output).await,
        Command::CreateNonce { file, authority } => {
            create_nonce(&chain.connected().await?, &file, &authority, output).await
        }
    }
}

fn show(file: &Path, output: Output) -> Result<(), CliError> {
    let travelling = Travelling::read(file)?;
    let explained = travelling.explain()?;
    let value = json!({ "instructions": explained, "about": about(&travelling) });
    output.result(&value, || format!("{}\n\n{}", in_words(&explained), about_in_words(&travelling)))
}

fn sign(context: &Context, file: &Path, yes: bool, output: Output) -> Result<(), CliError> {
    let mut travelling = Travelling::read(file)?;
    let explained = travelling.explain()?;
    // On stderr, so that it is read before the question whatever stdout carries.
    output.note(format!("{}\n\n{}\n", in_words(&explained), about_in_words(&travelling)));
    if !yes {
        confirm(context, output)?;
    }
    let keypair = context.keypair()?;
    travelling.sign(&keypair)?;
    travelling.write(file)?;
    let value =
        json!({ "signed_by": keypair.pubkey().to_string(), "instructions": explained, "about": about(&travelling) });
    output.result(&value, || {
        format!(
            "signed by {}; next, where there is a network: assay transaction send {}",
            keypair.pubkey(),
            file.display()
        )
    })
}

/// Asks at the terminal.
fn confirm(context: &Context, output: Output) -> Result<(), CliError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() || context.reads_stdin() {
        return Err(CliError::new(
            "A0720",
            "nobody can be asked whether to sign this; read what it does, and pass --yes",
        ));
    }
    output.note("sign this? Type yes: ");
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    match answer.trim() {
        "yes" => Ok(()),
        _ => Err(CliError::new("A0721", "it was not signed, because the answer was not yes")),
    }
}

async fn send(context: &Context, file: &Path, output: Output) -> Result<(), CliError> {
    let travelling = Travelling::read(file)?;
    let landed = travelling.send(&context.sender).await?.into_result()?;
    output.result(&json!({ "signature": landed.signature.to_string(), "slot": landed.slot }), || {
        fields([("signature", landed.signature.to_string()), ("slot", landed.slot.to_string())])
    })
}

async fn create_nonce(context: &Context, file: &Path, authority: &Pubkey, output: Output) -> Result<(), CliError> {
    let (payer, nonce) = (context.keypair()?, read_or_create_keypair(file)?);
    let lamports = context.chain().rent_exempt_lamports(NONCE_ACCOUNT_BYTES).await?;
    let steps = solana_system_interface::instruction::create_nonce_account(
        &payer.pubkey(),
        &nonce.pubkey(),
        authority,
        lamports,
    );
    context.sender.execute(&steps, &[&payer, &nonce]).await?;
    let value =
        json!({ "nonce": nonce.pubkey().to_string(), "authority": authority.to_string(), "lamports": lamports });
    output.result(&value, || {
        fields([
            ("nonce account", nonce.pubkey().to_string()),
            ("authority", authority.to_string()),
            ("lamports", lamports.to_string()),
        ])
    })
}

fn about(travelling: &Travelling) -> serde_json::Value {
    let signers = travelling.signers();
    json!({
        "cluster": travelling.cluster.to_string(),
        "lifetime": travelling.lifetime,
        "signers": signers.iter().map(|(key, signed)| json!({ "key": key.to_string(), "signed": signed })).collect::<Vec<_>>(),
    })
}

fn about_in_words(travelling: &Travelling) -> String {
    let mut rows = vec![
        ("cluster", travelling.cluster.to_string()),
        (
            "lands",
            match travelling.lifetime {
                Lifetime::Nonce => "at any time, once".to_owned(),
                Lifetime::Blockhash { last_valid_block_height } => {
                    format!("up to the block height {last_valid_block_height}")
                }
            },
        ),
    ];
    rows.extend(travelling.signers().into_iter().map(|(key, signed)| {
        ("signer", format!("{key}, {}", if signed { "who signed" } else { "who has not signed yet" }))
    }));
    fields(rows)
}
