//! From an empty local chain to a market: mints, program, network, funded keys.

use crate::error::{LocalnetError, Result};
use crate::faucet::fund;
use crate::localnet::Localnet;
use assay_chain::instructions::TokenMint;
use assay_chain::migrations::{self, Credentials, Desired, Step, Variables};
use assay_chain::{Sender, read_keypair, read_or_create_keypair};
use futures_util::future::try_join_all;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signature::Keypair, signer::Signer};
use std::path::{Path, PathBuf};

/// Decimals of both test mints.
pub const DECIMALS: u8 = 6;
/// One whole token in base units.
pub const TOKEN: u64 = 1_000_000;
/// What every key gets in lamports: nodes keep some of it for the defence of their open jobs. The authority gets ten times as
/// much, because it pays for the program.
pub const FUNDED_LAMPORTS: u64 = 200_000_000_000;
/// What the client gets of the payment mint and each node and validator of the stake mint, in base units.
pub const FUNDED_TOKENS: u64 = 1_000_000 * TOKEN;

/// How a market is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketOptions {
    /// The built program.
    pub program_file: PathBuf,
    /// Keypair of the program's address; without one, the project's development keypair.
    pub program_keypair: Option<PathBuf>,
    /// Where the keypairs of the market are kept; made if they are not there.
    pub keys_folder: PathBuf,
    /// How many node owners to fund.
    pub nodes: u16,
    /// How many validators to fund.
    pub validators: u16,
    /// Migrations (their text) that are laid over the project's own.
    pub migrations: Vec<String>,
}

/// A market on a local chain. Every path is a keypair file in the keys folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// The program.
    pub program: Pubkey,
    /// What nodes stake.
    pub stake_mint: TokenMint,
    /// What clients pay in.
    pub payment_mint: TokenMint,
    /// Governs the network and both mints, and may upgrade the program.
    pub authority: PathBuf,
    /// A client with tokens of the payment mint.
    pub client: PathBuf,
    /// Owners (cold keys) of nodes with tokens of the stake mint.
    pub nodes: Vec<PathBuf>,
    /// Keys of validators with tokens of the stake mint, in which challenges are bonded.
    pub validators: Vec<PathBuf>,
}

/// Makes a local chain a market. Running it again on the same chain and folder changes nothing but balances.
///
/// `report` hears of each migration step; the deployment takes most of the time.
pub async fn set_up_market(
    localnet: &Localnet,
    options: &MarketOptions,
    report: impl FnMut(Step<'_>),
) -> Result<Market> {
    let sender = localnet.sender();
    let file = |name: &str| options.keys_folder.join(name);
    let authority = read_or_create_keypair(&file("authority.json"))?;
    fund(sender.chain(), &authority.pubkey(), FUNDED_LAMPORTS * 10).await?;
    let (stake_keypair, payment_keypair) =
        (read_or_create_keypair(&file("stake-mint.json"))?, read_or_create_keypair(&file("payment-mint.json"))?);
    let (stake_mint, payment_mint) = futures_util::try_join!(
        create_mint(&sender, &authority, &stake_keypair),
        create_mint(&sender, &authority, &payment_keypair),
    )?;

    let program_keypair = program_keypair(options.program_keypair.as_deref())?;
    let variables = variables(&program_keypair.pubkey(), options, stake_mint, payment_mint)?;
    let desired = Desired::builtin_with(&variables, &options.migrations)?;
    let client = file("client.json");
    let numbered = |name: &str, count| -> Vec<_> {
        (1..=count).map(|number: u16| file(&format!("{name}-{number}.json"))).collect()
    };
    let (nodes, validators) = (numbered("node", options.nodes), numbered("validator", options.validators));
    // The deployment takes seconds, so everybody is funded meanwhile.
    futures_util::try_join!(
        migrate(&sender, &authority, &program_keypair, &desired, report),
        give(&sender, &authority, &client, payment_mint),
        try_join_all(nodes.iter().chain(&validators).map(|path| give(&sender, &authority, path, stake_mint))),
    )?;
    Ok(Market {
        program: program_keypair.pubkey(),
        stake_mint,
        payment_mint,
        authority: file("authority.json"),
        client,
        nodes,
        validators,
    })
}

/// Brings program and network to where the migrations want them.
async fn migrate(
    sender: &Sender,
    authority: &Keypair,
    program_keypair: &Keypair,
    desired: &Desired,
    report: impl FnMut(Step<'_>),
) -> Result<()> {
    let plan = migrations::plan(sender.chain(), desired, &authority.pubkey()).await?;
    let credentials = Credentials { authority, program_keypair: Some(program_keypair) };
    Ok(migrations::apply(sender, desired, &plan, credentials, false, report).await?)
}

/// Creates an SPL Token mint of [`DECIMALS`] decimals without a freeze authority at the keypair's address, unless it is
/// there.
pub async fn create_mint(sender: &Sender, authority: &Keypair, mint: &Keypair) -> Result<TokenMint> {
    const MINT_BYTES: usize = 82;
    let token_mint = TokenMint::spl_token(mint.pubkey());
    if sender.chain().account(&mint.pubkey()).await?.is_some_and(|account| !account.data.is_empty()) {
        return Ok(token_mint);
    }
    let lamports = sender.chain().rent_exempt_lamports(MINT_BYTES).await?;
    let create = solana_system_interface::instruction::create_account(
        &authority.pubkey(),
        &mint.pubkey(),
        lamports,
        MINT_BYTES as u64,
        &spl_token_interface::ID,
    );
    let initialise = token(spl_token_interface::instruction::initialize_mint2(
        &spl_token_interface::ID,
        &mint.pubkey(),
        &authority.pubkey(),
        None,
        DECIMALS,
    ))?;
    sender.execute(&[create, initialise], &[authority, mint]).await?;
    Ok(token_mint)
}

/// Mints `amount` base units to the owner's associated token account, making it if it is not there. The mint is one of
/// SPL Token whose authority is `authority`.
pub async fn mint_tokens(
    sender: &Sender,
    authority: &Keypair,
    mint: TokenMint,
    owner: &Pubkey,
    amount: u64,
) -> Result<Pubkey> {
    let account = mint.associated_account(owner);
    let mint_to = token(spl_token_interface::instruction::mint_to(
        &mint.token_program,
        &mint.address,
        &account,
        &authority.pubkey(),
        &[],
        amount,
    ))?;
    let create = mint.create_associated_account(&authority.pubkey(), owner);
    sender.execute(&[create, mint_to], &[authority]).await?;
    Ok(account)
}

/// Funds the key in a file, made if it is not there, with lamports and with tokens up to [`FUNDED_TOKENS`].
async fn give(sender: &Sender, authority: &Keypair, path: &Path, mint: TokenMint) -> Result<()> {
    let owner = read_or_create_keypair(path)?.pubkey();
    fund(sender.chain(), &owner, FUNDED_LAMPORTS).await?;
    let held = sender.chain().token_balance(&mint.associated_account(&owner)).await?.unwrap_or(0);
    let lacking = FUNDED_TOKENS.saturating_sub(held);
    if lacking > 0 {
        mint_tokens(sender, authority, mint, &owner, lacking).await?;
    }
    Ok(())
}

/// The keypair at `path`, else the project's public development keypair.
fn program_keypair(path: Option<&Path>) -> Result<Keypair> {
    const DEVELOPMENT: &str = include_str!("../../../migrations/keys/assay-dev-keypair.json");
    if let Some(path) = path {
        return Ok(read_keypair(path)?);
    }
    let unusable = |reason: String| LocalnetError::FileUnusable { path: "assay-dev-keypair.json".into(), reason };
    let bytes: Vec<u8> = serde_json::from_str(DEVELOPMENT).map_err(|error| unusable(error.to_string()))?;
    Keypair::try_from(bytes.as_slice()).map_err(|error| unusable(error.to_string()))
}

fn variables(
    program: &Pubkey,
    options: &MarketOptions,
    stake_mint: TokenMint,
    payment_mint: TokenMint,
) -> Result<Variables> {
    let program_file = options.program_file.to_str().ok_or_else(|| LocalnetError::FileUnusable {
        path: options.program_file.clone(),
        reason: "its path is not text: move it".to_owned(),
    })?;
    let pairs = [
        ("program", program.to_string()),
        ("program_file", program_file.to_owned()),
        ("stake_mint", stake_mint.address.to_string()),
        ("payment_mint", payment_mint.address.to_string()),
    ];
    Ok(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn token<E: std::fmt::Display>(instruction: std::result::Result<Instruction, E>) -> Result<Instruction> {
    instruction
        .map_err(|error| LocalnetError::Chain(assay_chain::ChainError::SigningFailed { reason: error.to_string() }))
}
