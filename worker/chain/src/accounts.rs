//! The program's accounts, fetched and decoded, each proved to be the one meant: owner, kind, version and, where it can be
//! derived, address.

use crate::chain::{Chain, Observed, RawAccount};
use crate::error::{ChainError, Result};
use crate::instructions::TokenMint;
use anchor_lang::error::Error as AnchorError;
use anchor_lang::{AccountDeserialize, Discriminator};
use assay::AssayError;
use assay::address;
use assay::dispute::ChallengeState;
use assay::fairness::FairnessError;
use assay::fairness::seed::{Found, find};
use assay::session::SessionState;
use assay::state::{
    Attestation, Budget, Buffer, Challenge, Client, Demand, DemandState, Job, Network, Node, PaymentMint, Proposal,
    RewardPool, SegmentClaim, Session, StakeRegister, Validator,
};
use assay::state_machine::JobState;
use assay::units::Slot;
use solana_client::rpc_filter::{Memcmp, RpcFilterType};
use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::sysvar::slot_hashes;

/// A slot, then its hash.
const SLOT_HASH_BYTES: usize = 40;

/// Names of the account kinds in errors.
pub(crate) trait Kind: AccountDeserialize + Discriminator {
    const NAME: &'static str;
}

impl Kind for Network {
    const NAME: &'static str = "network";
}
impl Kind for StakeRegister {
    const NAME: &'static str = "register of stake";
}
impl Kind for PaymentMint {
    const NAME: &'static str = "payment mint record";
}
impl Kind for Client {
    const NAME: &'static str = "client account";
}
impl Kind for Node {
    const NAME: &'static str = "node";
}
impl Kind for Job {
    const NAME: &'static str = "job";
}
impl Kind for Session {
    const NAME: &'static str = "session";
}
impl Kind for Challenge {
    const NAME: &'static str = "challenge";
}
impl Kind for Buffer {
    const NAME: &'static str = "buffer";
}
impl Kind for SegmentClaim {
    const NAME: &'static str = "segment root";
}
impl Kind for Demand {
    const NAME: &'static str = "demand";
}
impl Kind for Validator {
    const NAME: &'static str = "validator";
}
impl Kind for Attestation {
    const NAME: &'static str = "attestation";
}
impl Kind for Proposal {
    const NAME: &'static str = "proposal";
}
impl Kind for RewardPool {
    const NAME: &'static str = "reward pool";
}

impl Kind for Budget {
    const NAME: &'static str = "budget";
}

/// Which budgets to list; every condition given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetFilter {
    /// Only budgets of this owner.
    pub owner: Option<Pubkey>,
    /// Only budgets with this agent.
    pub agent: Option<Pubkey>,
}

impl BudgetFilter {
    pub(crate) fn to_rpc(self) -> Vec<RpcFilterType> {
        let mut filters = vec![kind_filter::<Budget>()];
        filters.extend(self.owner.map(|owner| bytes_at(Budget::OWNER_OFFSET, owner.as_ref())));
        filters.extend(self.agent.map(|agent| bytes_at(Budget::AGENT_OFFSET, agent.as_ref())));
        filters
    }
}

/// Which challenges to list; every condition given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChallengeFilter {
    /// Only challenges in this state.
    pub state: Option<ChallengeState>,
    /// Only challenges of this job.
    pub job: Option<Pubkey>,
    /// Only challenges by this key.
    pub challenger: Option<Pubkey>,
}

/// Which demands to list; every condition given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DemandFilter {
    /// Only demands in this state.
    pub state: Option<DemandState>,
    /// Only demands about this job.
    pub job: Option<Pubkey>,
}

impl ChallengeFilter {
    pub(crate) fn to_rpc(self) -> Vec<RpcFilterType> {
        let mut filters = vec![kind_filter::<Challenge>()];
        filters.extend(self.state.map(|state| bytes_at(Challenge::STATE_OFFSET, &[state as u8])));
        filters.extend(self.job.map(|job| bytes_at(Challenge::JOB_OFFSET, job.as_ref())));
        filters.extend(self.challenger.map(|key| bytes_at(Challenge::CHALLENGER_OFFSET, key.as_ref())));
        filters
    }
}

impl DemandFilter {
    pub(crate) fn to_rpc(self) -> Vec<RpcFilterType> {
        let mut filters = vec![kind_filter::<Demand>()];
        filters.extend(self.state.map(|state| bytes_at(Demand::STATE_OFFSET, &[state as u8])));
        filters.extend(self.job.map(|job| bytes_at(Demand::JOB_OFFSET, job.as_ref())));
        filters
    }
}

/// Which jobs to list; every condition given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only jobs in this state.
    pub state: Option<JobState>,
    /// Only jobs that this node account claimed.
    pub node: Option<Pubkey>,
    /// Only jobs that this key posted.
    pub client: Option<Pubkey>,
}

/// Which sessions to list; every condition given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Only sessions in this state.
    pub state: Option<SessionState>,
    /// Only sessions that are offered to this node account, or were.
    pub node: Option<Pubkey>,
    /// Only sessions that this key opened.
    pub client: Option<Pubkey>,
}

/// Which nodes to list; every condition given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeFilter {
    /// Only nodes of this cold key.
    pub withdraw_authority: Option<Pubkey>,
    /// Only nodes with this hot key.
    pub operator: Option<Pubkey>,
}

impl JobFilter {
    pub(crate) fn to_rpc(self) -> Vec<RpcFilterType> {
        // Of today's layout only: one that waits for its migration would make the whole list unreadable.
        let mut filters = vec![versioned_filter::<Job>(Job::VERSION)];
        filters.extend(self.state.map(|state| bytes_at(Job::STATE_OFFSET, &[state as u8])));
        filters.extend(self.client.map(|client| bytes_at(Job::CLIENT_OFFSET, client.as_ref())));
        filters.extend(self.node.map(|node| bytes_at(Job::NODE_OFFSET, node.as_ref())));
        filters
    }
}

impl SessionFilter {
    pub(crate) fn to_rpc(self) -> Vec<RpcFilterType> {
        let mut filters = vec![kind_filter::<Session>()];
        filters.extend(self.state.map(|state| bytes_at(Session::STATE_OFFSET, &[state as u8])));
        filters.extend(self.client.map(|client| bytes_at(Session::CLIENT_OFFSET, client.as_ref())));
        filters.extend(self.node.map(|node| bytes_at(Session::NODE_OFFSET, node.as_ref())));
        filters
    }
}

impl NodeFilter {
    fn to_rpc(self) -> Vec<RpcFilterType> {
        let mut filters = vec![kind_filter::<Node>()];
        filters.extend(self.withdraw_authority.map(|key| bytes_at(Node::WITHDRAW_AUTHORITY_OFFSET, key.as_ref())));
        filters.extend(self.operator.map(|key| bytes_at(Node::OPERATOR_OFFSET, key.as_ref())));
        filters
    }
}

impl Chain {
    /// The network. `C0130` where the program is not initialised.
    pub async fn network(&self) -> Result<Network> {
        self.fetch(&address::network()).await
    }

    /// The network; nothing where the program is not initialised.
    pub async fn find_network(&self) -> Result<Option<Network>> {
        self.find(&address::network()).await
    }

    /// What the chain remembers of the first slot present at or after `wanted`; nothing while it has none so late. The very
    /// function that the program seals seeds with.
    pub async fn slot_hash_at(&self, wanted: u64) -> Result<Option<Found>> {
        let account = self.account(&slot_hashes::ID).await?;
        let data = account.map(|account| account.data).unwrap_or_default();
        let bytes = |at: usize, length: usize| data.get(at..at.checked_add(length)?);
        let number = |at: usize| Some(u64::from_le_bytes(bytes(at, 8)?.try_into().ok()?));
        let entry = |index: u64| {
            let at = usize::try_from(index).ok()?.checked_mul(SLOT_HASH_BYTES)?.checked_add(8)?;
            Some((Slot(number(at)?), bytes(at.checked_add(8)?, 32)?.try_into().ok()?))
        };
        match find(Slot(wanted), number(0).unwrap_or(0), entry) {
            Ok(found) => Ok(Some(found)),
            Err(FairnessError::SeedNotYet) => Ok(None),
            Err(error) => Err(ChainError::AccountMalformed {
                what: "list of slot hashes",
                address: slot_hashes::ID,
                reason: error.to_string(),
            }),
        }
    }

    /// What all nodes weigh; nothing where no register was created.
    pub async fn find_stake_register(&self) -> Result<Option<StakeRegister>> {
        self.find(&address::STAKE_REGISTER).await
    }

    /// What governance decided about a mint. `C0130` where jobs cannot be paid in it.
    pub async fn payment_mint(&self, mint: &Pubkey) -> Result<PaymentMint> {
        self.fetch(&address::payment_mint(mint)).await
    }

    /// What governance decided about a mint; nothing where it was never allowed.
    pub async fn find_payment_mint(&self, mint: &Pubkey) -> Result<Option<PaymentMint>> {
        self.find(&address::payment_mint(mint)).await
    }

    /// All mints in which jobs can be, or could once be, paid.
    pub async fn payment_mints(&self) -> Result<Vec<PaymentMint>> {
        let found = self.list::<PaymentMint>(&[kind_filter::<PaymentMint>()], 0).await?;
        Ok(found.value.into_iter().map(|(_, mint)| mint).collect())
    }

    /// The job counter of a client; nothing for a client that never posted.
    pub async fn find_client(&self, client: &Pubkey) -> Result<Option<Client>> {
        self.find(&address::client(client)).await
    }

    /// The id of the job that a client posts next.
    pub async fn next_job_id(&self, client: &Pubkey) -> Result<u64> {
        Ok(self.find_client(client).await?.map_or(0, |account| account.next_job_id))
    }

    /// A node by its account's address.
    pub async fn node(&self, node: &Pubkey) -> Result<Node> {
        self.fetch(node).await
    }

    /// A node by its account's address; nothing where there is none.
    pub async fn find_node(&self, node: &Pubkey) -> Result<Option<Node>> {
        self.find(node).await
    }

    /// All nodes that pass the filter, with their addresses.
    pub async fn nodes(&self, filter: NodeFilter) -> Result<Vec<(Pubkey, Node)>> {
        Ok(self.list(&filter.to_rpc(), 0).await?.value)
    }

    /// A job by its address.
    pub async fn job(&self, job: &Pubkey) -> Result<Job> {
        self.fetch(job).await
    }

    /// A job by its address; nothing where there is none, or no longer one.
    pub async fn find_job(&self, job: &Pubkey) -> Result<Option<Job>> {
        self.find(job).await
    }

    /// All jobs that pass the filter, with their addresses.
    pub async fn jobs(&self, filter: JobFilter) -> Result<Vec<(Pubkey, Job)>> {
        Ok(self.jobs_at(filter, 0).await?.value)
    }

    /// All jobs that pass the filter as they were together at a slot not before `minimum_slot`.
    pub async fn jobs_at(&self, filter: JobFilter, minimum_slot: u64) -> Result<Observed<Vec<(Pubkey, Job)>>> {
        self.list(&filter.to_rpc(), minimum_slot).await
    }

    /// A session by its address.
    pub async fn session(&self, session: &Pubkey) -> Result<Session> {
        self.fetch(session).await
    }

    /// A session by its address; nothing where there is none, or no longer one.
    pub async fn find_session(&self, session: &Pubkey) -> Result<Option<Session>> {
        self.find(session).await
    }

    /// All sessions that pass the filter, with their addresses.
    pub async fn sessions(&self, filter: SessionFilter) -> Result<Vec<(Pubkey, Session)>> {
        Ok(self.sessions_at(filter, 0).await?.value)
    }

    /// All sessions that pass the filter as they were together at a slot not before `minimum_slot`.
    pub async fn sessions_at(
        &self,
        filter: SessionFilter,
        minimum_slot: u64,
    ) -> Result<Observed<Vec<(Pubkey, Session)>>> {
        self.list(&filter.to_rpc(), minimum_slot).await
    }

    /// A challenge by its address; nothing where there is none, or no longer one.
    pub async fn find_challenge(&self, challenge: &Pubkey) -> Result<Option<Challenge>> {
        self.find(challenge).await
    }

    /// All challenges that pass the filter, with their addresses.
    pub async fn challenges(&self, filter: ChallengeFilter) -> Result<Vec<(Pubkey, Challenge)>> {
        Ok(self.challenges_at(filter, 0).await?.value)
    }

    /// All challenges that pass the filter as they were together at a slot not before `minimum_slot`.
    pub async fn challenges_at(
        &self,
        filter: ChallengeFilter,
        minimum_slot: u64,
    ) -> Result<Observed<Vec<(Pubkey, Challenge)>>> {
        self.list(&filter.to_rpc(), minimum_slot).await
    }

    /// A demand by its address; nothing where there is none, or no longer one.
    pub async fn find_demand(&self, demand: &Pubkey) -> Result<Option<Demand>> {
        self.find(demand).await
    }

    /// All demands that pass the filter, with their addresses.
    pub async fn demands(&self, filter: DemandFilter) -> Result<Vec<(Pubkey, Demand)>> {
        Ok(self.demands_at(filter, 0).await?.value)
    }

    /// All demands that pass the filter as they were together at a slot not before `minimum_slot`.
    pub async fn demands_at(&self, filter: DemandFilter, minimum_slot: u64) -> Result<Observed<Vec<(Pubkey, Demand)>>> {
        self.list(&filter.to_rpc(), minimum_slot).await
    }

    /// A segment root by its address; nothing where there is none, or no longer one.
    pub async fn find_segment_claim(&self, claim: &Pubkey) -> Result<Option<SegmentClaim>> {
        self.find(claim).await
    }

    /// All segment roots of a job, signed and posted, with their addresses.
    pub async fn segment_claims(&self, job: &Pubkey) -> Result<Vec<(Pubkey, SegmentClaim)>> {
        let filters = [kind_filter::<SegmentClaim>(), bytes_at(SegmentClaim::JOB_OFFSET, job.as_ref())];
        Ok(self.list(&filters, 0).await?.value)
    }

    /// All segment roots of all jobs, signed and posted, with their addresses.
    pub async fn all_segment_claims(&self) -> Result<Vec<(Pubkey, SegmentClaim)>> {
        Ok(self.list(&[kind_filter::<SegmentClaim>()], 0).await?.value)
    }

    /// The validator of a cold key; nothing where there is none, or no longer one.
    pub async fn find_validator(&self, authority: &Pubkey) -> Result<Option<Validator>> {
        self.find(&address::validator(authority)).await
    }

    /// All validators, with their addresses.
    pub async fn validators(&self) -> Result<Vec<(Pubkey, Validator)>> {
        Ok(self.list(&[kind_filter::<Validator>()], 0).await?.value)
    }

    /// The validators whose hot key this is, with their addresses.
    pub async fn validators_of_auditor(&self, auditor: &Pubkey) -> Result<Vec<(Pubkey, Validator)>> {
        let filters = [kind_filter::<Validator>(), bytes_at(Validator::AUDITOR_OFFSET, auditor.as_ref())];
        Ok(self.list(&filters, 0).await?.value)
    }

    /// A budget by its address.
    pub async fn budget(&self, budget: &Pubkey) -> Result<Budget> {
        self.fetch(budget).await
    }

    /// All budgets that pass the filter, with their addresses.
    pub async fn budgets(&self, filter: BudgetFilter) -> Result<Vec<(Pubkey, Budget)>> {
        Ok(self.list(&filter.to_rpc(), 0).await?.value)
    }

    /// The attestation of a job by a validator; nothing where there is none, or no longer one.
    pub async fn find_attestation(&self, job: &Pubkey, validator: &Pubkey) -> Result<Option<Attestation>> {
        self.find(&address::attestation(job, validator)).await
    }

    /// All open attestations of a job.
    pub async fn attestations_of_job(&self, job: &Pubkey) -> Result<Vec<Attestation>> {
        self.attestations(Attestation::JOB_OFFSET, job).await
    }

    /// All open attestations by a validator.
    pub async fn attestations_of_validator(&self, validator: &Pubkey) -> Result<Vec<Attestation>> {
        self.attestations(Attestation::VALIDATOR_OFFSET, validator).await
    }

    async fn attestations(&self, offset: usize, key: &Pubkey) -> Result<Vec<Attestation>> {
        let filters = [kind_filter::<Attestation>(), bytes_at(offset, key.as_ref())];
        let found = self.list(&filters, 0).await?;
        Ok(found.value.into_iter().map(|(_, attestation)| attestation).collect())
    }

    /// A buffer by its address, with its bytes; nothing where there is none, or no longer one.
    pub async fn find_buffer(&self, buffer: &Pubkey) -> Result<Option<(Buffer, Vec<u8>)>> {
        let Some(account) = self.account(buffer).await? else { return Ok(None) };
        if account.data.is_empty() && account.owner == solana_system_interface::program::ID {
            return Ok(None);
        }
        decode_buffer(buffer, &account).map(Some)
    }

    /// All buffers of a key, with their addresses and bytes.
    pub async fn buffers(&self, owner: &Pubkey) -> Result<Vec<(Pubkey, Buffer, Vec<u8>)>> {
        let filters = [kind_filter::<Buffer>(), bytes_at(Buffer::OWNER_OFFSET, owner.as_ref())];
        let found = self.program_accounts(&assay::ID, &filters, 0).await?;
        let decoded = found.value.iter().map(|(address, account)| {
            let (buffer, bytes) = decode_buffer(address, account)?;
            Ok((*address, buffer, bytes))
        });
        decoded.collect()
    }

    /// A mint with the token program that owns it. `C0130` or `C0131` where there is no mint at the address.
    pub async fn token_mint(&self, mint: &Pubkey) -> Result<TokenMint> {
        const WHAT: &str = "mint";
        let account = self.account(mint).await?.ok_or(ChainError::AccountMissing { what: WHAT, address: *mint })?;
        let known = [spl_token_interface::ID, spl_token_2022_interface::ID];
        if !known.contains(&account.owner) {
            return Err(ChainError::AccountOwner {
                what: WHAT,
                address: *mint,
                owner: account.owner,
                expected: spl_token_interface::ID,
            });
        }
        Ok(TokenMint { address: *mint, token_program: account.owner })
    }

    /// Decimals of a mint. `C0130` to `C0132` where there is no mint at the address.
    pub async fn token_decimals(&self, mint: &Pubkey) -> Result<u8> {
        const DECIMALS: usize = 44;
        self.token_mint(mint).await?;
        let account = self.account(mint).await?;
        let malformed =
            || ChainError::AccountMalformed { what: "mint", address: *mint, reason: "it is too short".into() };
        account.and_then(|account| account.data.get(DECIMALS).copied()).ok_or_else(malformed)
    }

    /// The network's stake mint.
    pub async fn stake_mint(&self) -> Result<TokenMint> {
        let network = self.network().await?;
        self.token_mint(&network.stake_mint).await
    }

    /// Balance of a token account in base units; nothing where there is none.
    pub async fn token_balance(&self, token_account: &Pubkey) -> Result<Option<u64>> {
        let Some(account) = self.account(token_account).await? else { return Ok(None) };
        decode_token_amount(token_account, &account).map(Some)
    }

    pub(crate) async fn fetch<T: Kind>(&self, address: &Pubkey) -> Result<T> {
        self.find(address).await?.ok_or(ChainError::AccountMissing { what: T::NAME, address: *address })
    }

    pub(crate) async fn find<T: Kind>(&self, address: &Pubkey) -> Result<Option<T>> {
        match self.account(address).await? {
            // What was closed within its last slot has no data and belongs to the system program.
            Some(account) if account.data.is_empty() && account.owner == solana_system_interface::program::ID => {
                Ok(None)
            }
            Some(account) => decode(address, &account).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn list<T: Kind>(
        &self,
        filters: &[RpcFilterType],
        minimum_slot: u64,
    ) -> Result<Observed<Vec<(Pubkey, T)>>> {
        let found = self.program_accounts(&assay::ID, filters, minimum_slot).await?;
        let value = found
            .value
            .iter()
            .map(|(address, account)| Ok((*address, decode(address, account)?)))
            .collect::<Result<_>>()?;
        Ok(Observed { slot: found.slot, value })
    }
}

/// Decodes a job. `C0131` when another program owns the account, `C0132` when it is no job.
pub fn decode_job(address: &Pubkey, account: &RawAccount) -> Result<Job> {
    decode(address, account)
}

/// Decodes a session. `C0131` when another program owns the account, `C0132` when it is no session.
pub fn decode_session(address: &Pubkey, account: &RawAccount) -> Result<Session> {
    decode(address, account)
}

/// Decodes the network. `C0131` when another program owns the account, `C0132` when it is no network.
pub fn decode_network(address: &Pubkey, account: &RawAccount) -> Result<Network> {
    decode(address, account)
}

/// Decodes a node. `C0131` when another program owns the account, `C0132` when it is no node.
pub fn decode_node(address: &Pubkey, account: &RawAccount) -> Result<Node> {
    decode(address, account)
}

/// Decodes a challenge. `C0131` when another program owns the account, `C0132` when it is no challenge.
pub fn decode_challenge(address: &Pubkey, account: &RawAccount) -> Result<Challenge> {
    decode(address, account)
}

/// Decodes a demand. `C0131` when another program owns the account, `C0132` when it is no demand.
pub fn decode_demand(address: &Pubkey, account: &RawAccount) -> Result<Demand> {
    decode(address, account)
}

/// Decodes a segment root. `C0131` when another program owns the account, `C0132` when it is none.
pub fn decode_segment_claim(address: &Pubkey, account: &RawAccount) -> Result<SegmentClaim> {
    decode(address, account)
}

/// Decodes a buffer and its bytes. `C0131` when another program owns the account, `C0132` when it is no buffer.
pub fn decode_buffer(address: &Pubkey, account: &RawAccount) -> Result<(Buffer, Vec<u8>)> {
    let buffer = decode(address, account)?;
    Ok((buffer, account.data.get(Buffer::BYTES_OFFSET..).unwrap_or_default().to_vec()))
}

pub(crate) fn decode<T: Kind>(address: &Pubkey, account: &RawAccount) -> Result<T> {
    if account.owner != assay::ID {
        return Err(ChainError::AccountOwner {
            what: T::NAME,
            address: *address,
            owner: account.owner,
            expected: assay::ID,
        });
    }
    T::try_deserialize(&mut account.data.as_slice()).map_err(|error| match error {
        AnchorError::AnchorError(ref known)
            if known.error_code_number == u32::from(AssayError::UnsupportedAccountVersion) =>
        {
            ChainError::AccountOutdated { what: T::NAME, address: *address }
        }
        _ => ChainError::AccountMalformed { what: T::NAME, address: *address, reason: error.to_string() },
    })
}

/// The amount lies at the same place in accounts of both token programs.
fn decode_token_amount(address: &Pubkey, account: &RawAccount) -> Result<u64> {
    const WHAT: &str = "token account";
    const AMOUNT: std::ops::Range<usize> = 64..72;
    const STATE: usize = 108;
    const MINIMUM_BYTES: usize = 165;
    if ![spl_token_interface::ID, spl_token_2022_interface::ID].contains(&account.owner) {
        return Err(ChainError::AccountOwner {
            what: WHAT,
            address: *address,
            owner: account.owner,
            expected: spl_token_interface::ID,
        });
    }
    let malformed =
        |reason: &str| ChainError::AccountMalformed { what: WHAT, address: *address, reason: reason.into() };
    if account.data.len() < MINIMUM_BYTES || account.data.get(STATE).is_none_or(|state| *state == 0) {
        return Err(malformed("it is too short or not initialised"));
    }
    let amount = account.data.get(AMOUNT).and_then(|bytes| bytes.try_into().ok());
    amount.map(u64::from_le_bytes).ok_or_else(|| malformed("it has no amount"))
}

/// Accounts of one kind in one layout: the version follows the discriminator.
pub(crate) fn versioned_filter<T: Kind>(version: u8) -> RpcFilterType {
    bytes_at(0, &[T::DISCRIMINATOR, &[version]].concat())
}

pub(crate) fn kind_filter<T: Kind>() -> RpcFilterType {
    bytes_at(0, T::DISCRIMINATOR)
}

pub(crate) fn bytes_at(offset: usize, bytes: &[u8]) -> RpcFilterType {
    RpcFilterType::Memcmp(Memcmp::new_base58_encoded(offset, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::AccountSerialize;

    fn stored<T: AccountSerialize>(value: &T, owner: Pubkey) -> RawAccount {
        let mut data = Vec::new();
        value.try_serialize(&mut data).unwrap();
        RawAccount { owner, lamports: 1, data, executable: false }
    }

    fn sample_job() -> Job {
        Job {
            version: Job::VERSION,
            state: JobState::Committed,
            client: Pubkey::new_unique(),
            node: Pubkey::new_unique(),
            graph_uri: "http://host/graph".into(),
            ..Job::default()
        }
    }

    /// Whether a filter set would pass the data, as a node of the chain decides it.
    fn passes(filters: &[RpcFilterType], data: &[u8]) -> bool {
        filters.iter().all(|filter| match filter {
            RpcFilterType::Memcmp(compare) => compare.bytes_match(data),
            _ => false,
        })
    }

    #[test]
    fn a_job_is_decoded_and_everything_else_is_refused_by_code() {
        let address = Pubkey::new_unique();
        let job = sample_job();
        let good = stored(&job, assay::ID);
        assert_eq!(decode_job(&address, &good).unwrap(), job);

        let foreign = RawAccount { owner: Pubkey::new_unique(), ..good.clone() };
        assert_eq!(decode_job(&address, &foreign).unwrap_err().code(), "C0131");
        let client = Client { version: 1, ..Client::default() };
        assert_eq!(decode_job(&address, &stored(&client, assay::ID)).unwrap_err().code(), "C0132");
        let mut cut = good.clone();
        cut.data.truncate(100);
        assert_eq!(decode_job(&address, &cut).unwrap_err().code(), "C0132");
        assert_eq!(decode_node(&address, &good).unwrap_err().code(), "C0132");
    }

    /// The bytes that the first program wrote are no network of today, and the error says what to run.
    #[test]
    fn an_account_of_an_earlier_layout_is_named() {
        let data = include_bytes!("../../../tests/program/fixtures/first-layout/network.bin").to_vec();
        let account = RawAccount { owner: assay::ID, lamports: 1, data, executable: false };
        let error = decode::<Network>(&address::NETWORK, &account).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), "C0133");
        assert!(error.to_string().contains("assay network migrate"), "{error}");
    }

    /// The same of every job that it wrote; what the migration makes of them is read, and no list has them before.
    #[test]
    fn jobs_of_an_earlier_layout_are_named_and_left_out() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/program/fixtures/first-layout");
        let mut count = 0;
        for file in std::fs::read_dir(folder).unwrap().flatten() {
            if !file.file_name().to_string_lossy().starts_with("job-") {
                continue;
            }
            let data = std::fs::read(file.path()).unwrap();
            let account = |data| RawAccount { owner: assay::ID, lamports: 1, data, executable: false };
            let address = Pubkey::new_unique();
            assert_eq!(decode_job(&address, &account(data.clone())).unwrap_err().code(), "C0133");
            assert!(!passes(&JobFilter::default().to_rpc(), &data));
            assert!(passes(&[versioned_filter::<Job>(assay::state::FirstJob::VERSION)], &data));
            let mut migrated = Vec::new();
            assay::state::FirstJob::read(&data).unwrap().try_serialize(&mut migrated).unwrap();
            assert!(passes(&JobFilter::default().to_rpc(), &migrated));
            let job = decode_job(&address, &account(migrated)).unwrap();
            job.invariant().unwrap();
            assert_eq!((job.invited_node, job.session), (Pubkey::default(), Pubkey::default()));
            assert!(job.graph_uri.starts_with("http://") && job.price_min <= job.price_max && job.bond > 0);
            count += 1;
        }
        assert!(count >= 8, "{count}");
    }

    #[test]
    fn filters_look_at_the_right_bytes() {
        let job = sample_job();
        let data = stored(&job, assay::ID).data;
        let other = Pubkey::new_unique();
        for (filter, expected) in [
            (JobFilter::default(), true),
            (JobFilter { state: Some(JobState::Committed), ..JobFilter::default() }, true),
            (JobFilter { state: Some(JobState::Posted), ..JobFilter::default() }, false),
            (JobFilter { client: Some(job.client), node: Some(job.node), state: None }, true),
            (JobFilter { client: Some(other), ..JobFilter::default() }, false),
            (JobFilter { node: Some(other), ..JobFilter::default() }, false),
        ] {
            assert_eq!(passes(&filter.to_rpc(), &data), expected, "{filter:?}");
        }
        assert!(!passes(&NodeFilter::default().to_rpc(), &data));
    }

    #[test]
    fn session_filters_look_at_the_right_bytes() {
        let session = Session {
            version: Session::VERSION,
            state: SessionState::Active,
            client: Pubkey::new_unique(),
            session_id: 7,
            node: Pubkey::new_unique(),
            graph_uri: "http://host/graph".into(),
            ..Session::default()
        };
        let stored = stored(&session, assay::ID);
        assert_eq!(decode_session(&Pubkey::new_unique(), &stored).unwrap(), session);
        let right =
            SessionFilter { state: Some(SessionState::Active), client: Some(session.client), node: Some(session.node) };
        assert!(passes(&right.to_rpc(), &stored.data));
        let other = Some(Pubkey::new_unique());
        for wrong in [
            SessionFilter { state: Some(SessionState::Offered), ..right },
            SessionFilter { client: other, ..right },
            SessionFilter { node: other, ..right },
        ] {
            assert!(!passes(&wrong.to_rpc(), &stored.data), "{wrong:?}");
        }
        assert!(!passes(&JobFilter::default().to_rpc(), &stored.data), "a session is no job");
    }

    #[test]
    fn node_filters_look_at_the_right_bytes() {
        let node = Node {
            withdraw_authority: Pubkey::new_unique(),
            operator: Pubkey::new_unique(),
            endpoint: "http://host".into(),
            ..Node::default()
        };
        let data = stored(&node, assay::ID).data;
        let both = NodeFilter { withdraw_authority: Some(node.withdraw_authority), operator: Some(node.operator) };
        assert!(passes(&both.to_rpc(), &data));
        let swapped = NodeFilter { withdraw_authority: Some(node.operator), operator: None };
        assert!(!passes(&swapped.to_rpc(), &data));
    }

    #[test]
    fn budget_filters_look_at_the_right_bytes() {
        let (owner, agent) = (Pubkey::new_unique(), Pubkey::new_unique());
        let data = stored(&Budget { owner, agent, ..Budget::default() }, assay::ID).data;
        let right = BudgetFilter { owner: Some(owner), agent: Some(agent) };
        assert!(passes(&right.to_rpc(), &data));
        for wrong in [BudgetFilter { owner: Some(agent), ..right }, BudgetFilter { agent: Some(owner), ..right }] {
            assert!(!passes(&wrong.to_rpc(), &data), "{wrong:?}");
        }
    }

    #[test]
    fn filters_of_disputes_look_at_the_right_bytes() {
        let challenge = Challenge {
            state: ChallengeState::Revealed,
            job: Pubkey::new_unique(),
            challenger: Pubkey::new_unique(),
            ..Challenge::default()
        };
        let data = stored(&challenge, assay::ID).data;
        let right = ChallengeFilter {
            state: Some(ChallengeState::Revealed),
            job: Some(challenge.job),
            challenger: Some(challenge.challenger),
        };
        assert!(passes(&right.to_rpc(), &data));
        let other = Pubkey::new_unique();
        for wrong in [
            ChallengeFilter { state: Some(ChallengeState::Won), ..right },
            ChallengeFilter { job: Some(other), ..right },
            ChallengeFilter { challenger: Some(other), ..right },
        ] {
            assert!(!passes(&wrong.to_rpc(), &data), "{wrong:?}");
        }
        let demand = Demand { state: DemandState::Answered, job: Pubkey::new_unique(), ..Demand::default() };
        let data = stored(&demand, assay::ID).data;
        let right = DemandFilter { state: Some(DemandState::Answered), job: Some(demand.job) };
        assert!(passes(&right.to_rpc(), &data));
        assert!(!passes(&DemandFilter { state: Some(DemandState::Open), ..right }.to_rpc(), &data));
        assert!(!passes(&DemandFilter { job: Some(other), ..right }.to_rpc(), &data));
        let claim = SegmentClaim { job: Pubkey::new_unique(), ..SegmentClaim::default() };
        let filter = [kind_filter::<SegmentClaim>(), bytes_at(SegmentClaim::JOB_OFFSET, claim.job.as_ref())];
        assert!(passes(&filter, &stored(&claim, assay::ID).data));
        let buffer = Buffer { owner: Pubkey::new_unique(), ..Buffer::default() };
        let mut account = stored(&buffer, assay::ID);
        let filter = [kind_filter::<Buffer>(), bytes_at(Buffer::OWNER_OFFSET, buffer.owner.as_ref())];
        assert!(passes(&filter, &account.data));
        account.data.extend([1, 2, 3]);
        assert_eq!(decode_buffer(&other, &account).unwrap(), (buffer, vec![1, 2, 3]));
    }

    #[test]
    fn a_token_balance_is_read_from_accounts_of_token_programs_only() {
        let address = Pubkey::new_unique();
        let mut data = vec![0; 165];
        data[64..72].copy_from_slice(&77u64.to_le_bytes());
        data[108] = 1;
        let account = RawAccount { owner: spl_token_interface::ID, lamports: 1, data, executable: false };
        assert_eq!(decode_token_amount(&address, &account).unwrap(), 77);
        let foreign = RawAccount { owner: assay::ID, ..account.clone() };
        assert_eq!(decode_token_amount(&address, &foreign).unwrap_err().code(), "C0131");
        let mint = RawAccount { data: vec![1; 82], ..account.clone() };
        assert_eq!(decode_token_amount(&address, &mint).unwrap_err().code(), "C0132");
        let mut blank = account;
        blank.data[108] = 0;
        assert_eq!(decode_token_amount(&address, &blank).unwrap_err().code(), "C0132");
    }
}
