//! What can go wrong between this process and the chain, with stable codes.

use crate::failure::TransactionFailure;
use solana_sdk::{pubkey::Pubkey, signature::Signature};
use std::path::PathBuf;
use thiserror::Error;

/// Result of every call of this crate.
pub type Result<T> = std::result::Result<T, ChainError>;

/// Every error of the chain client. [`ChainError::code`] is stable; the message names what was wrong and what to do.
#[derive(Debug, Error)]
pub enum ChainError {
    /// An endpoint is neither a moniker nor an HTTP address.
    #[error("'{given}' is not an endpoint ({reason}): use l, d, t, m or an http(s):// address")]
    EndpointInvalid {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The Solana CLI's configuration cannot be used.
    #[error(
        "the configuration {path} cannot be used ({reason}): correct it, or pass the endpoint and the keypair explicitly"
    )]
    ConfigUnusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A keypair file cannot be read or written.
    #[error("the keypair file {path} is not accessible ({reason}): check the path and its permissions, or create one")]
    KeypairInaccessible {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A keypair file does not hold a keypair.
    #[error(
        "{path} does not hold a keypair ({reason}): expected a JSON array of 64 numbers, secret key then public key"
    )]
    KeypairInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A key itself was given where its source belongs.
    #[error(
        "{given_as} looks like a secret key; on a command line, in the environment or in settings others can read it: give the path of a file, - for stdin, or ASK, and make another key if anybody may have seen this one"
    )]
    KeyGivenOpenly {
        /// Where it was given.
        given_as: String,
    },
    /// A source of keys that this program cannot use.
    #[error(
        "{reason} are not supported: give the path of a file, - for stdin, ASK or prompt:, or sign on another machine (`assay transaction sign`)"
    )]
    KeySourceUnsupported {
        /// Which.
        reason: String,
    },
    /// A keypair would be overwritten.
    #[error("{path} exists, and overwriting it would lose a key: choose another path")]
    KeypairExists {
        /// The file.
        path: PathBuf,
    },

    /// The endpoint did not answer.
    #[error("{endpoint} did not answer {request} ({reason}): check that it runs and can be reached")]
    Unreachable {
        /// Address of the endpoint.
        endpoint: String,
        /// The RPC method.
        request: String,
        /// What the transport said.
        reason: String,
    },
    /// The endpoint answered with an error.
    #[error("{endpoint} refused {request} ({reason})")]
    RpcRefused {
        /// Address of the endpoint.
        endpoint: String,
        /// The RPC method.
        request: String,
        /// The JSON-RPC error code, where there is one.
        rpc_code: Option<i64>,
        /// What the endpoint said.
        reason: String,
    },
    /// A subscription could not be made or broke.
    #[error("the subscription to {endpoint} failed ({reason})")]
    SubscriptionFailed {
        /// Address of the websocket.
        endpoint: String,
        /// What happened.
        reason: String,
    },

    /// One of several endpoints is of another cluster than the network.
    #[error(
        "{endpoint} is of the cluster {given}, the network was made on {expected}: what is signed would count on neither; use an endpoint of that cluster"
    )]
    EndpointOfOtherCluster {
        /// Address of the endpoint.
        endpoint: String,
        /// Its genesis hash, base58.
        given: String,
        /// That of the network, base58.
        expected: String,
    },

    /// The chain would refuse the transaction, or refused it: nothing changed but perhaps a fee.
    #[error("{0}")]
    TransactionFailed(Box<TransactionFailure>),
    /// The transaction's blockhash expired before it landed; it can never land any more.
    #[error(
        "transaction {signature} did not land before its blockhash expired: send it again, perhaps with a higher priority fee"
    )]
    TransactionExpired {
        /// Signature of the transaction.
        signature: Signature,
    },
    /// Whether the transaction landed is not known yet.
    #[error(
        "whether transaction {signature} landed is unknown ({reason}): deliver the same signed bytes again, never a new transaction"
    )]
    OutcomeUnknown {
        /// Signature of the transaction.
        signature: Signature,
        /// Why it is not known.
        reason: String,
    },
    /// A signature is missing or a key cannot sign.
    #[error("the transaction cannot be signed ({reason}): pass the keypair of every signer")]
    SigningFailed {
        /// What the signer said.
        reason: String,
    },
    /// The caller's promise could not be stored, so nothing was sent.
    #[error("the promise could not be stored, so nothing was sent ({reason})")]
    PromiseNotStored {
        /// What the caller's store said.
        reason: String,
    },
    /// Stored bytes are not a signed transaction.
    #[error(
        "the stored bytes are not a signed transaction ({reason}): the store was damaged or written by another version"
    )]
    StoredTransactionInvalid {
        /// What is wrong with them.
        reason: String,
    },
    /// Bytes that somebody sent are not a signed transaction.
    #[error("the bytes are not a signed legacy transaction ({reason}): sign it whole and send its wire form")]
    ForeignTransactionInvalid {
        /// What is wrong with them.
        reason: String,
    },
    /// An instruction that nobody should sign, because this program cannot say what it does.
    #[error(
        "instruction {place} cannot be explained, so nothing was signed ({reason}): sign only what you made with this program, in the same release"
    )]
    InstructionUnexplained {
        /// Which, counted from 1.
        place: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The key at hand is not the one that is needed.
    #[error("{signer} cannot sign this ({reason}): use the right key")]
    NotSigner {
        /// The key at hand.
        signer: Pubkey,
        /// Whose key is needed.
        reason: String,
    },
    /// A transaction was made for another cluster.
    #[error(
        "the transaction is for the cluster {expected}, {endpoint} is of {given}: use an endpoint of that cluster, or make it anew"
    )]
    TransactionOfOtherCluster {
        /// Address of the endpoint.
        endpoint: String,
        /// Its genesis hash, base58.
        given: String,
        /// That of the transaction, base58.
        expected: String,
    },
    /// A transaction does not fit a packet.
    #[error("the transaction has {bytes} bytes and at most 1,232 fit: use fewer instructions, accounts or arguments")]
    TransactionTooLarge {
        /// Its size.
        bytes: usize,
    },

    /// An account does not exist.
    #[error("{what} {address} does not exist on this chain: check the address, the endpoint, and that it was created")]
    AccountMissing {
        /// What the account should be.
        what: &'static str,
        /// Its address.
        address: Pubkey,
    },
    /// An account belongs to another program.
    #[error("{what} {address} is owned by {owner}, not by {expected}: this is another account than the one meant")]
    AccountOwner {
        /// What the account should be.
        what: &'static str,
        /// Its address.
        address: Pubkey,
        /// Who owns it.
        owner: Pubkey,
        /// Who should.
        expected: Pubkey,
    },
    /// An account is of another kind or cannot be decoded.
    #[error(
        "{address} is not a {what} ({reason}): check the address and that client and program have the same version"
    )]
    AccountMalformed {
        /// What the account should be.
        what: &'static str,
        /// Its address.
        address: Pubkey,
        /// What is wrong with it.
        reason: String,
    },
    /// An account has another layout than this client knows.
    #[error(
        "the {what} {address} was written by another version of the program: run `assay network migrate`, or use the client of that version"
    )]
    AccountOutdated {
        /// What the account is.
        what: &'static str,
        /// Its address.
        address: Pubkey,
    },

    /// The program file cannot be used.
    #[error("the program file {path} cannot be used ({reason}): build it first")]
    ProgramFileUnusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The program on the chain cannot be changed by this authority.
    #[error("program {program} cannot be upgraded by {authority} ({reason}): sign with its upgrade authority")]
    NotUpgradeAuthority {
        /// The program.
        program: Pubkey,
        /// The key at hand.
        authority: Pubkey,
        /// Who may, or that nobody may.
        reason: String,
    },
    /// The address for the program is taken by something else.
    #[error("{address} cannot take the program ({reason}): choose another program keypair")]
    ProgramAddressOccupied {
        /// The address.
        address: Pubkey,
        /// What is there.
        reason: String,
    },
    /// The bytes on the chain differ from the file after deploying.
    #[error("deploying {program} did not finish ({reason}): run it again, it resumes where it stopped")]
    DeployIncomplete {
        /// The program.
        program: Pubkey,
        /// What is missing.
        reason: String,
    },
    /// The payer cannot pay.
    #[error("{payer} holds {available_lamports} lamports and needs {needed_lamports}: fund it first")]
    InsufficientFunds {
        /// Who pays.
        payer: Pubkey,
        /// What it holds.
        available_lamports: u64,
        /// What it needs.
        needed_lamports: u64,
    },

    /// A migration file cannot be used.
    #[error("the migration {path} cannot be used ({reason})")]
    MigrationInvalid {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// Mainnet was not asked for.
    #[error(
        "this endpoint is mainnet and migrations run there only when asked to: read the plan, then pass the flag that allows mainnet"
    )]
    MainnetNotAllowed,
    /// The chain is in a state that no migration leads out of.
    #[error("the chain contradicts the migrations ({reason})")]
    MigrationConflict {
        /// What contradicts and what to do.
        reason: String,
    },
    /// The key at hand does not govern the network.
    #[error("the network is governed by {authority}, not by {signer}: sign with the authority")]
    NotNetworkAuthority {
        /// Who governs.
        authority: Pubkey,
        /// The key at hand.
        signer: Pubkey,
    },
}

impl ChainError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EndpointInvalid { .. } => "C0101",
            Self::ConfigUnusable { .. } => "C0102",
            Self::KeypairInaccessible { .. } => "C0103",
            Self::KeypairInvalid { .. } => "C0104",
            Self::KeypairExists { .. } => "C0105",
            Self::KeyGivenOpenly { .. } => "C0106",
            Self::KeySourceUnsupported { .. } => "C0107",
            Self::Unreachable { .. } => "C0110",
            Self::RpcRefused { .. } => "C0111",
            Self::SubscriptionFailed { .. } => "C0112",
            Self::EndpointOfOtherCluster { .. } => "C0113",
            Self::TransactionFailed(_) => "C0120",
            Self::TransactionExpired { .. } => "C0121",
            Self::OutcomeUnknown { .. } => "C0122",
            Self::SigningFailed { .. } => "C0123",
            Self::PromiseNotStored { .. } => "C0124",
            Self::StoredTransactionInvalid { .. } => "C0125",
            Self::TransactionTooLarge { .. } => "C0126",
            Self::ForeignTransactionInvalid { .. } => "C0127",
            Self::InstructionUnexplained { .. } => "C0160",
            Self::NotSigner { .. } => "C0161",
            Self::TransactionOfOtherCluster { .. } => "C0162",
            Self::AccountMissing { .. } => "C0130",
            Self::AccountOwner { .. } => "C0131",
            Self::AccountMalformed { .. } => "C0132",
            Self::AccountOutdated { .. } => "C0133",
            Self::ProgramFileUnusable { .. } => "C0140",
            Self::NotUpgradeAuthority { .. } => "C0141",
            Self::ProgramAddressOccupied { .. } => "C0142",
            Self::DeployIncomplete { .. } => "C0143",
            Self::InsufficientFunds { .. } => "C0144",
            Self::MigrationInvalid { .. } => "C0150",
            Self::MainnetNotAllowed => "C0151",
            Self::MigrationConflict { .. } => "C0152",
            Self::NotNetworkAuthority { .. } => "C0153",
        }
    }

    /// The program's error when a transaction failed for one.
    pub fn program_error(&self) -> Option<assay::error::AssayError> {
        match self {
            Self::TransactionFailed(failure) => failure.assay_error(),
            _ => None,
        }
    }

    /// Whether trying the same call again later may succeed without any change.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::SubscriptionFailed { .. } | Self::OutcomeUnknown { .. } => true,
            Self::RpcRefused { rpc_code, .. } => rpc_code.is_some_and(is_lag),
            _ => false,
        }
    }
}

/// JSON-RPC codes with which a node says that it is behind or busy: unhealthy, no status yet, context slot not reached,
/// epoch rewards being paid.
pub(crate) fn is_lag(rpc_code: i64) -> bool {
    matches!(rpc_code, -32004 | -32005 | -32014 | -32016 | -32017)
}
