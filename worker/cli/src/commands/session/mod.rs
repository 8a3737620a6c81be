//! `assay session`: open, or pay with the first request; ask, watch, end; check a receipt and call it in.

mod ask;
mod open;
mod pay;
mod receipt;
mod show;

use super::job::{Local, ModelFiles, client};
use crate::context::{ChainArguments, Context};
use crate::error::CliError;
use crate::output::{Output, fields_of};
use assay::session::SessionState;
use assay_chain::read_keypair;
use clap::{Args, Subcommand};
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Escrow a balance and offer a session over a model to a node
    Open(Box<open::Open>),
    /// Ask without a session: the first request opens one and pays for itself (x402), within limits
    Pay(Box<pay::Pay>),
    /// Ask an active session, check every answer, and keep the receipts
    Ask(Box<ask::Ask>),
    /// One session
    Status {
        /// Address of the session
        session: Pubkey,
    },
    /// Sessions on-chain
    List {
        /// Only this client's [default: everybody's]
        #[arg(long)]
        client: Option<Pubkey>,
        /// Only this node account's
        #[arg(long)]
        node: Option<Pubkey>,
    },
    /// End the serving of a session now, or take an offer back that the node has not accepted
    End {
        /// Address of the session
        session: Pubkey,
        #[command(flatten)]
        local: Local,
    },
    /// Check a receipt: who signed it, and by replaying the request whether it is right; the exit status is 4 if it is wrong
    Check(receipt::Check),
    /// Call a receipt in, so that anybody can prove it wrong
    CallIn(receipt::CallIn),
    /// Withdraw what an ended session owes to this client and close it
    Reclaim {
        /// Address of the session
        session: Pubkey,
        #[command(flatten)]
        local: Local,
    },
}

#[derive(Args, Debug)]
pub(crate) struct VoucherKey {
    /// Keypair file of the key that signs vouchers; it can spend the balance, nothing else [default: the client's own key]
    #[arg(long)]
    voucher_key: Option<PathBuf>,
}

impl VoucherKey {
    fn read(&self, context: &Context) -> Result<Keypair, CliError> {
        match &self.voucher_key {
            Some(file) => Ok(read_keypair(file)?),
            None => context.keypair(),
        }
    }
}

pub(crate) async fn run(command: Command, chain: &ChainArguments, output: Output) -> Result<(), CliError> {
    let context = chain.connected().await?;
    match command {
        Command::Open(arguments) => open::open(&context, *arguments, output).await,
        Command::Pay(arguments) => pay::pay(&context, *arguments, output).await,
        Command::Ask(arguments) => ask::ask(&context, *arguments, output).await,
        Command::Status { session } => {
            let account = context.chain().session(&session).await?;
            let value = show::describe(&session, &account);
            output.result(&value, || show::words(&value))
        }
        Command::List { client, node } => show::list(&context, client, node, output).await,
        Command::End { session, local } => end(&context, &session, &local, output).await,
        Command::Check(arguments) => receipt::check(&context, arguments, output).await,
        Command::CallIn(arguments) => receipt::call_in(&context, arguments, output).await,
        Command::Reclaim { session, local } => {
            let reclaimed = client(&context, &local)?.reclaim_session(&session).await?;
            let value = json!({
                "session": session.to_string(),
                "refund": reclaimed.refund,
                "receipts": reclaimed.receipts,
                "closed": reclaimed.closed,
            });
            output.result(&value, || fields_of(&value, &["session", "refund", "receipts", "closed"]))
        }
    }
}

async fn end(context: &Context, session: &Pubkey, local: &Local, output: Output) -> Result<(), CliError> {
    let client = client(context, local)?;
    let state = context.chain().session(session).await?.state;
    if state == SessionState::Offered {
        client.cancel_session(session).await?;
    } else {
        client.end_session(session).await?;
    }
    let account = context.chain().session(session).await?;
    let value = show::describe(session, &account);
    output.result(&value, || {
        let about = show::words(&value);
        match account.state {
            SessionState::Active => {
                let last = account.ends_slot.saturating_add(account.window_slots);
                format!("{about}\nended; after slot {last} `assay session reclaim {session}` brings the rest back")
            }
            _ => format!("{about}\n`assay session reclaim {session}` brings the balance and the rent back"),
        }
    })
}

/// Where receipts of a session are kept unless a folder is given.
fn folder_of(session: &Pubkey, given: Option<&Path>) -> PathBuf {
    given.map_or_else(|| Path::new("assay-sessions").join(session.to_string()), Path::to_owned)
}
