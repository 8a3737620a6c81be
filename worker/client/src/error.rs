//! What can go wrong for a client, by stable codes.

use assay::session::SessionState;
use assay_chain::ChainError;
use assay_kernels::KernelError;
use assay_models::artifact::BundleError;
use assay_models::manifest::ManifestError;
use assay_store::StoreError;
use referee::graph::CheckError;
use solana_sdk::pubkey::Pubkey;
use std::path::PathBuf;

/// Why a client's wish was not granted. Nothing is lost: what is escrowed stays reclaimable.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The chain refused, or does not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// An artifact could not be stored or fetched.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The graph breaks a static check.
    #[error("{0}")]
    Graph(CheckError),
    /// Tensors do not fit the graph.
    #[error(transparent)]
    Tensors(#[from] KernelError),
    /// A bundle does not fit the graph.
    #[error("{0}")]
    Bundle(#[from] BundleError),
    /// The manifest does not fit the graph.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// A job takes graphs with one output.
    #[error("J0101 the graph has {outputs} outputs, a job takes graphs with one; pack them into one tensor")]
    Outputs {
        /// How many it has.
        outputs: usize,
    },
    /// More symbols than a job can hold.
    #[error("J0102 {given} symbol values were given, a job holds at most 4")]
    Symbols {
        /// How many were given.
        given: usize,
    },
    /// There is no such job.
    #[error("J0103 there is no job {job}; it was closed, or the address is of another network")]
    NoJob {
        /// The address.
        job: Pubkey,
    },
    /// The job has no result.
    #[error("J0104 job {job} has no result: it is {state}; wait until a node has committed")]
    NoResult {
        /// The address.
        job: Pubkey,
        /// Its state.
        state: String,
    },
    /// What was fetched is not what was committed.
    #[error(
        "J0105 the bytes that {source_uri} serves have root {computed}, the job's output root is {committed}; do not use them"
    )]
    WrongResult {
        /// Who served them.
        source_uri: String,
        /// Root of what was fetched.
        computed: String,
        /// The root on-chain.
        committed: String,
    },
    /// Neither the job nor its node says where results are.
    #[error(
        "J0106 job {job} names no store and its node no endpoint; ask the operator, the bytes can be checked whoever sends them"
    )]
    NoSource {
        /// The address.
        job: Pubkey,
    },
    /// The work at hand is not the job's.
    #[error(
        "J0107 the work at hand is not the job's: its {what} is {given}, the job pins {pinned}; use the graph, params, inputs and symbols that were posted"
    )]
    OtherWork {
        /// What differs.
        what: &'static str,
        /// In the job.
        pinned: String,
        /// At hand.
        given: String,
    },
    /// The mint is not allowed for payments.
    #[error("J0108 {mint} is not enabled for payments on this network; `assay network show` lists those that are")]
    Mint {
        /// The mint.
        mint: Pubkey,
    },
    /// The price is beyond what bonds can be computed for.
    #[error("J0110 no bond can be computed for a price of up to {price_max}; lower the maximum price")]
    Price {
        /// The maximum price, in base units.
        price_max: u64,
    },
    /// The job was closed before its end was seen.
    #[error("J0111 job {job} was closed while this client last saw it {state}; its events say how it ended")]
    Vanished {
        /// The address.
        job: Pubkey,
        /// Its last state.
        state: String,
    },
    /// The job has not ended.
    #[error("J0112 job {job} is still {state}; wait for its end, or cancel it while nobody has claimed it")]
    NotEnded {
        /// The address.
        job: Pubkey,
        /// Its state.
        state: String,
    },
    /// The job is of another version of the graph language.
    #[error(
        "J0113 the job pins IR version {pinned}, this program knows {known}; update it, or leave the job to others"
    )]
    IrVersion {
        /// Pinned by the job.
        pinned: u16,
        /// What this program computes.
        known: u16,
    },
    /// More than this machine is allowed to take on.
    #[error("J0114 {what} take {bytes} bytes, the limit is {limit}; raise the limit if the machine has the room")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its bytes.
        bytes: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// The boundary that is served is not the committed one.
    #[error(
        "J0115 the boundary tensors that {source_uri} serves have root {computed}, committed is {committed}; ask another source, or demand openings on-chain"
    )]
    WrongBoundary {
        /// Who served them.
        source_uri: String,
        /// Root of what was fetched.
        computed: String,
        /// The root on-chain.
        committed: String,
    },
    /// The graph of a job cannot be read.
    #[error("J0116 the job's graph is malformed: {reason}; nobody can compute it")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// Nobody is known who serves the result.
    #[error("J0117 neither the job nor its node says where the result is; demand openings on-chain")]
    NoServer,
    /// The output was demanded on-chain and not opened in time.
    #[error("J0118 the output of job {job} was withheld and its node convicted; reclaim the escrow")]
    Withheld {
        /// The address.
        job: Pubkey,
    },
    /// A filing ended while it was needed.
    #[error("J0119 the filing about job {job} ended before the output was open; file again while the window lasts")]
    FilingOver {
        /// The address.
        job: Pubkey,
    },
    /// What was opened does not fit together.
    #[error("J0120 the output cannot be opened on-chain: {reason}; check graph and symbols")]
    Opening {
        /// Why not.
        reason: String,
    },
    /// What strangers serve has no room here now.
    #[error(
        "J0121 an artifact takes up to {needed} bytes and {left} of the {limit} for what is fetched are left; try again when other calls are done, or raise the limit"
    )]
    NoRoom {
        /// Its most bytes.
        needed: u64,
        /// Bytes that are left.
        left: u64,
        /// Bytes in all.
        limit: u64,
    },
    /// There is no such session.
    #[error("J0201 there is no session {session}; it was closed, or the address is of another network")]
    NoSession {
        /// The address.
        session: Pubkey,
    },
    /// The session is in another state than this needs.
    #[error("J0202 session {session} is {state}; {advice}")]
    SessionState {
        /// The address.
        session: Pubkey,
        /// Its state.
        state: String,
        /// What to do.
        advice: &'static str,
    },
    /// The node refused a request.
    #[error("J0203 the node of session {session} refused with status {status}: {message}")]
    NodeRefused {
        /// The address.
        session: Pubkey,
        /// The HTTP status.
        status: u16,
        /// What it said: its own code, and what to do.
        message: String,
    },
    /// What came is no reply.
    #[error("J0204 what the node of session {session} sent is no reply: {reason}; ask again, or end the session")]
    Reply {
        /// The address.
        session: Pubkey,
        /// What is wrong.
        reason: String,
    },
    /// The receipt is about something else than what was asked for.
    #[error(
        "J0205 the receipt is not about what was asked for: its {what} is {given}, asked for was {asked}; promise this node nothing more and end the session"
    )]
    OtherRequest {
        /// What differs.
        what: &'static str,
        /// In the request.
        asked: String,
        /// In the receipt.
        given: String,
    },
    /// The signature is not the operator's.
    #[error(
        "J0206 the receipt of session {session} is not signed by {operator}; promise this node nothing more and end the session"
    )]
    NotSigned {
        /// The address.
        session: Pubkey,
        /// Who should have signed.
        operator: Pubkey,
    },
    /// The bytes are not the signed ones.
    #[error(
        "J0207 the output that came from session {session} is not the one that is signed: {reason}; do not use it, promise this node nothing more and end the session"
    )]
    OtherOutput {
        /// The address.
        session: Pubkey,
        /// What is wrong.
        reason: String,
    },
    /// The balance is spent.
    #[error("J0208 the balance of {balance} does not pay for another request; open another session")]
    Spent {
        /// What was escrowed, in base units.
        balance: u64,
    },
    /// A file is no receipt.
    #[error("J0209 the file is no receipt: {reason}; use the file that was written with the answer")]
    ReceiptFile {
        /// What is wrong.
        reason: String,
    },
    /// The record of what was promised cannot be read or written.
    #[error("J0210 {} cannot be read or written as the ledger of a session: {reason}; nothing was promised", file.display())]
    Ledger {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The node says nowhere where it can be reached.
    #[error("J0211 node {node} names no endpoint; ask its operator, or open a session with another node")]
    NoEndpoint {
        /// The node account.
        node: Pubkey,
    },
    /// A node offers nothing.
    #[error(
        "J0212 {url} offers no session: it answered with status {status}, {reason}; open one with `open_session`, or ask another node"
    )]
    NoOffer {
        /// Where it was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        reason: String,
    },
    /// An offer is not one to accept.
    #[error("J0213 the offer is not taken: its {what} is {offered}, wanted is {wanted}; nothing was signed")]
    Offer {
        /// What is not as it should be.
        what: &'static str,
        /// As it was offered.
        offered: String,
        /// What would be accepted.
        wanted: String,
    },
    /// A payment came to nothing.
    #[error(
        "J0214 the payment was not taken: {reason}; there is no session {session}, and nothing was paid; until block height {last_block_height} the transaction could still land, then cancel the session"
    )]
    Unpaid {
        /// Address that the session would have had.
        session: Pubkey,
        /// What the node said last.
        reason: String,
        /// The last block height at which the transaction can land.
        last_block_height: u64,
    },
    /// A session was paid for and is not served.
    #[error("J0215 session {session} is paid for and not served: {reason}; {advice}")]
    Unserved {
        /// The address.
        session: Pubkey,
        /// What the node said last.
        reason: String,
        /// The way out.
        advice: &'static str,
    },
    /// Work cannot be cut into parts.
    #[error(transparent)]
    Cut(#[from] assay_models::cut::CutError),
    /// The result is wrong.
    #[error(
        "J0109 the committed boundary root {committed} is not the one of a replay, {computed}; the result is wrong"
    )]
    Refuted {
        /// Root of the replay.
        computed: String,
        /// The root on-chain.
        committed: String,
    },
}

impl ClientError {
    /// A session in another state than something needs.
    pub(crate) fn session_state(session: &Pubkey, state: SessionState) -> Self {
        let advice = match state {
            SessionState::Offered => "wait until its node has accepted, or cancel it",
            SessionState::Active => "wait for the end of the window after its end; `end` brings that nearer",
            SessionState::Expired | SessionState::Cancelled => "reclaim its balance and open another one",
            SessionState::Settled | SessionState::Convicted => "it is over: reclaim what it owes",
        };
        Self::SessionState { session: *session, state: format!("{state:?}").to_lowercase(), advice }
    }
}

impl From<CheckError> for ClientError {
    fn from(error: CheckError) -> Self {
        Self::Graph(error)
    }
}
