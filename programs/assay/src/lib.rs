//! Assay: a market for verifiable compute.
//!
//! A client escrows payment for a job; a staked node claims it, runs it, and commits to the result; after a challenge
//! window in which the result can be disputed, settlement records who is owed what, and each party withdraws its own.
//!
//! Read from the bottom up, every module depending only on those before it:
//!
//! * [`mod@error`], [`units`], [`address`], [`wire`]: codes, typed units, seeds, reading strings;
//! * [`market`], [`audit`], [`state_machine`]: the rules as pure functions and the life of a job as a table;
//! * [`budget`]: what an agent may post out of a budget;
//! * [`dispute`]: the rules of disputes as pure functions, and the life of a challenge as a table;
//! * [`mod@session`]: what is signed in a session, and its life as a table;
//! * [`governance`]: how long changes wait and pauses last, as pure functions;
//! * [`state`], [`events`]: the accounts with their transitions and invariants, and what is announced;
//! * [`fairness`]: who may claim, reputation and standing, emissions and delegation, as pure functions;
//! * [`token_policy`], [`vault`]: which mints are accepted, and the only code that moves tokens;
//! * [`beacon`]: what a slot brings that nobody knew before;
//! * [`instructions`]: one a file: who may call, from which state, with which effects.
//!
//! `ATTACKS.md` lists for every instruction what was tried against it and the test that shows it refused.

// Anchor's macros write undocumented items next to ours: here and in `instructions` always, elsewhere for the IDL.
#![allow(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

use anchor_lang::prelude::*;

#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod address;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod audit;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod beacon;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod budget;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod dispute;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod error;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod events;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod fairness;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod governance;
pub mod instructions;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod market;
#[cfg(test)]
mod seeded;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod session;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod state;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod state_machine;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod token_policy;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod units;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod vault;
#[cfg(test)]
mod vectors;
#[cfg_attr(not(feature = "idl-build"), warn(missing_docs))]
pub mod wire;

pub use error::AssayError;
pub use instructions::*;

// The development program: see migrations/keys/README.md.
declare_id!("4CtkpeuiqSthMf5RuTVCYXVGNKP2oj73FdBpyGu6FtSj");

/// The instructions in a line each; the type of the accounts holds the whole rule.
#[program]
pub mod assay {
    use super::*;

    /// Creates the network and its stake vault. Once, by the program's upgrade authority.
    pub fn initialize_network(ctx: Context<InitializeNetwork>, args: InitializeNetworkArgs) -> Result<()> {
        InitializeNetwork::handle(ctx, args)
    }

    /// Proposes a new authority, which has to accept. By the authority.
    pub fn propose_authority(ctx: Context<ProposeAuthority>, args: ProposeAuthorityArgs) -> Result<()> {
        ProposeAuthority::handle(ctx, args)
    }

    /// Takes over the authority. By the proposed key.
    pub fn accept_authority(ctx: Context<AcceptAuthority>) -> Result<()> {
        AcceptAuthority::handle(ctx)
    }

    /// Registers a node without stake. By its withdraw authority.
    pub fn register_node(ctx: Context<RegisterNode>, args: RegisterNodeArgs) -> Result<()> {
        RegisterNode::handle(ctx, args)
    }

    /// Changes operator and endpoint of a node. By its withdraw authority.
    pub fn update_node(ctx: Context<UpdateNode>, args: UpdateNodeArgs) -> Result<()> {
        UpdateNode::handle(ctx, args)
    }

    /// Adds stake to a node. By anyone, from an own account.
    pub fn stake<'info>(ctx: Context<'info, Stake<'info>>, args: StakeArgs) -> Result<()> {
        Stake::handle(ctx, args)
    }

    /// Starts to unbond free stake. By the withdraw authority.
    pub fn request_withdrawal(ctx: Context<RequestWithdrawal>, args: RequestWithdrawalArgs) -> Result<()> {
        RequestWithdrawal::handle(ctx, args)
    }

    /// Makes unbonding stake active again. By the withdraw authority.
    pub fn cancel_withdrawal(ctx: Context<CancelWithdrawal>, args: CancelWithdrawalArgs) -> Result<()> {
        CancelWithdrawal::handle(ctx, args)
    }

    /// Pays out every withdrawal that has been released. By the withdraw authority.
    pub fn withdraw_stake<'info>(ctx: Context<'info, WithdrawStake<'info>>) -> Result<()> {
        WithdrawStake::handle(ctx)
    }

    /// Removes a node that owns and owes nothing. By the withdraw authority.
    pub fn deregister_node(ctx: Context<DeregisterNode>) -> Result<()> {
        DeregisterNode::handle(ctx)
    }

    /// Posts a job and escrows its maximum price. By the client.
    pub fn post_job<'info>(ctx: Context<'info, PostJob<'info>>, args: PostJobArgs) -> Result<()> {
        PostJob::handle(ctx, args)
    }

    /// Claims a posted job: fixes the price and locks the bond. By the node's operator.
    pub fn claim_job(ctx: Context<ClaimJob>) -> Result<()> {
        ClaimJob::handle(ctx)
    }

    /// Commits to the result of a claimed job and opens its output. By the operator that claimed.
    pub fn commit_result(ctx: Context<CommitResult>, args: CommitResultArgs) -> Result<()> {
        CommitResult::handle(ctx, args)
    }

    /// Settles a job whose challenge window has closed. By anyone.
    pub fn finalise_job(ctx: Context<FinaliseJob>) -> Result<()> {
        FinaliseJob::handle(ctx)
    }

    /// Takes a job back that nobody has claimed. By the client.
    pub fn cancel_job(ctx: Context<CancelJob>) -> Result<()> {
        CancelJob::handle(ctx)
    }

    /// Ends a job that nobody claimed in time. By anyone.
    pub fn expire_job(ctx: Context<ExpireJob>) -> Result<()> {
        ExpireJob::handle(ctx)
    }

    /// Ends a job whose node did not commit in time, and charges the node. By anyone.
    pub fn expire_claim(ctx: Context<ExpireClaim>) -> Result<()> {
        ExpireClaim::handle(ctx)
    }

    /// Pays a credit out of a job's vault. By the payee to any account, by anyone to the payee's associated token account.
    pub fn withdraw_credit<'info>(ctx: Context<'info, WithdrawCredit<'info>>, args: WithdrawCreditArgs) -> Result<()> {
        WithdrawCredit::handle(ctx, args)
    }

    /// Pays the client the charge of a missed claim. By the client to any account, by anyone to its associated token account.
    pub fn withdraw_charge<'info>(ctx: Context<'info, WithdrawCharge<'info>>) -> Result<()> {
        WithdrawCharge::handle(ctx)
    }

    /// Moves the fee of a settled job to the fee vault. By anyone.
    pub fn sweep_fee<'info>(ctx: Context<'info, SweepFee<'info>>) -> Result<()> {
        SweepFee::handle(ctx)
    }

    /// Removes a job that has ended and owes nothing; all rent goes to the client. By anyone.
    pub fn close_job<'info>(ctx: Context<'info, CloseJob<'info>>) -> Result<()> {
        CloseJob::handle(ctx)
    }

    /// Says under a bond that a result is wrong, without yet saying where. By anyone, within the challenge window.
    pub fn commit_challenge<'info>(
        ctx: Context<'info, CommitChallenge<'info>>,
        args: CommitChallengeArgs,
    ) -> Result<()> {
        CommitChallenge::handle(ctx, args)
    }

    /// Opens the seal of a challenge. By the challenger.
    pub fn reveal_challenge(ctx: Context<RevealChallenge>, args: RevealChallengeArgs) -> Result<()> {
        RevealChallenge::handle(ctx, args)
    }

    /// Opens a buffer for a proof, a witness or an answer. By anyone, for itself.
    pub fn open_buffer(ctx: Context<OpenBuffer>, args: OpenBufferArgs) -> Result<()> {
        OpenBuffer::handle(ctx, args)
    }

    /// Makes a buffer longer. By its owner.
    pub fn grow_buffer(ctx: Context<GrowBuffer>, args: GrowBufferArgs) -> Result<()> {
        GrowBuffer::handle(ctx, args)
    }

    /// Writes bytes into a buffer. By its owner.
    pub fn write_buffer(ctx: Context<WriteBuffer>, args: WriteBufferArgs) -> Result<()> {
        WriteBuffer::handle(ctx, args)
    }

    /// Removes a buffer that no demand holds. By its owner.
    pub fn close_buffer(ctx: Context<CloseBuffer>) -> Result<()> {
        CloseBuffer::handle(ctx)
    }

    /// Records a segment root that the job's operator signed. By anyone who has the signature.
    pub fn record_segment_root(ctx: Context<RecordSegmentRoot>, args: RecordSegmentRootArgs) -> Result<()> {
        RecordSegmentRoot::handle(ctx, args)
    }

    /// Posts a segment root for a silent node, under a bond. By anyone, while it is demanded.
    pub fn post_segment_root<'info>(
        ctx: Context<'info, PostSegmentRoot<'info>>,
        args: PostSegmentRootArgs,
    ) -> Result<()> {
        PostSegmentRoot::handle(ctx, args)
    }

    /// Demands the root of a segment. By a challenger, in its turn.
    pub fn demand_segment_root(ctx: Context<DemandSegmentRoot>, args: DemandSegmentRootArgs) -> Result<()> {
        DemandSegmentRoot::handle(ctx, args)
    }

    /// Demands that something below a bound hash is opened. By a challenger, in its turn.
    pub fn demand_opening(ctx: Context<DemandOpening>, args: DemandOpeningArgs) -> Result<()> {
        DemandOpening::handle(ctx, args)
    }

    /// Answers a demand out of a buffer. By anyone.
    pub fn answer_opening(ctx: Context<AnswerOpening>) -> Result<()> {
        AnswerOpening::handle(ctx)
    }

    /// Proves a fault: convicts the node, or refutes a posted root. By a challenger.
    pub fn prove(ctx: Context<Prove>) -> Result<()> {
        Prove::handle(ctx)
    }

    /// Proves that the node signed two roots of one segment. By a challenger.
    pub fn prove_equivocation(ctx: Context<ProveEquivocation>, args: ProveEquivocationArgs) -> Result<()> {
        ProveEquivocation::handle(ctx, args)
    }

    /// Ends the wait for an answer that does not come. By anyone.
    pub fn time_out_defender(ctx: Context<TimeOutDefender>) -> Result<()> {
        TimeOutDefender::handle(ctx)
    }

    /// Ends a challenge whose time is over. By anyone.
    pub fn time_out_challenger(ctx: Context<TimeOutChallenger>) -> Result<()> {
        TimeOutChallenger::handle(ctx)
    }

    /// Gives a challenge up. By the challenger.
    pub fn withdraw_challenge(ctx: Context<WithdrawChallenge>) -> Result<()> {
        WithdrawChallenge::handle(ctx)
    }

    /// Ends a challenge after the job was convicted through another one. By anyone.
    pub fn resolve_challenge(ctx: Context<ResolveChallenge>) -> Result<()> {
        ResolveChallenge::handle(ctx)
    }

    /// Shares the bounty of a conviction out. By anyone.
    pub fn settle_dispute<'info>(ctx: Context<'info, SettleDispute<'info>>) -> Result<()> {
        SettleDispute::handle(ctx)
    }

    /// Pays a challenge out and removes it. By the challenger to any account, by anyone to its associated token account.
    pub fn close_challenge<'info>(ctx: Context<'info, CloseChallenge<'info>>, args: CloseChallengeArgs) -> Result<()> {
        CloseChallenge::handle(ctx, args)
    }

    /// Burns what was slashed or lost over a job. By anyone.
    pub fn burn_slash<'info>(ctx: Context<'info, BurnSlash<'info>>) -> Result<()> {
        BurnSlash::handle(ctx)
    }

    /// Removes a demand once the dispute is over. By anyone.
    pub fn close_demand(ctx: Context<CloseDemand>) -> Result<()> {
        CloseDemand::handle(ctx)
    }

    /// Removes a segment root once the dispute is over and returns its bond. By anyone.
    pub fn close_segment_claim<'info>(
        ctx: Context<'info, CloseSegmentClaim<'info>>,
        args: CloseSegmentClaimArgs,
    ) -> Result<()> {
        CloseSegmentClaim::handle(ctx, args)
    }

    /// Accepts a result early: the node is paid, its bond stays at risk. By the client.
    pub fn accept_result(ctx: Context<AcceptResult>) -> Result<()> {
        AcceptResult::handle(ctx)
    }

    /// Registers a validator without stake. By its authority.
    pub fn register_validator(ctx: Context<RegisterValidator>, args: RegisterValidatorArgs) -> Result<()> {
        RegisterValidator::handle(ctx, args)
    }

    /// Changes the hot key of a validator. By its authority.
    pub fn update_validator(ctx: Context<UpdateValidator>, args: UpdateValidatorArgs) -> Result<()> {
        UpdateValidator::handle(ctx, args)
    }

    /// Adds stake to a validator. By its authority.
    pub fn stake_validator<'info>(ctx: Context<'info, StakeValidator<'info>>, args: StakeValidatorArgs) -> Result<()> {
        StakeValidator::handle(ctx, args)
    }

    /// Starts to unbond free stake of a validator. By its authority.
    pub fn request_validator_withdrawal(
        ctx: Context<RequestValidatorWithdrawal>,
        args: RequestValidatorWithdrawalArgs,
    ) -> Result<()> {
        RequestValidatorWithdrawal::handle(ctx, args)
    }

    /// Pays out the withdrawal of a validator that has been released. By its authority.
    pub fn withdraw_validator_stake<'info>(ctx: Context<'info, WithdrawValidatorStake<'info>>) -> Result<()> {
        WithdrawValidatorStake::handle(ctx)
    }

    /// Removes a validator that owns and owes nothing. By its authority.
    pub fn deregister_validator(ctx: Context<DeregisterValidator>) -> Result<()> {
        DeregisterValidator::handle(ctx)
    }

    /// Commits to a chain of seeds, which counts two epochs later. By the auditor.
    pub fn commit_chain(ctx: Context<CommitChain>, args: CommitChainArgs) -> Result<()> {
        CommitChain::handle(ctx, args)
    }

    /// Shows a seed of a past epoch. By the auditor.
    pub fn reveal_seed(ctx: Context<RevealSeed>, args: RevealSeedArgs) -> Result<()> {
        RevealSeed::handle(ctx, args)
    }

    /// Attests a result under a bond. By the auditor of a validator that is drawn for the job.
    pub fn attest(ctx: Context<Attest>, args: AttestArgs) -> Result<()> {
        Attest::handle(ctx, args)
    }

    /// Frees or slashes the bond of an attestation. By anyone.
    pub fn settle_attestation(ctx: Context<SettleAttestation>) -> Result<()> {
        SettleAttestation::handle(ctx)
    }

    /// Pays the fee of an attestation. By its payee to any account, by anyone to the payee's associated token account.
    pub fn collect_attestation<'info>(
        ctx: Context<'info, CollectAttestation<'info>>,
        args: CollectAttestationArgs,
    ) -> Result<()> {
        CollectAttestation::handle(ctx, args)
    }

    /// Files that the output of a job is not to be had. By the client, or the auditor of a validator that is drawn.
    pub fn file_unavailable<'info>(
        ctx: Context<'info, FileUnavailable<'info>>,
        args: FileUnavailableArgs,
    ) -> Result<()> {
        FileUnavailable::handle(ctx, args)
    }

    /// Ends a filing whose demands are all answered. By whoever filed.
    pub fn end_filing(ctx: Context<EndFiling>) -> Result<()> {
        EndFiling::handle(ctx)
    }

    /// Creates the register of what all nodes weigh. Once, by anyone.
    pub fn create_stake_register(ctx: Context<CreateStakeRegister>) -> Result<()> {
        CreateStakeRegister::handle(ctx)
    }

    /// Says what a node can do, how fast, where and for how much. By its operator.
    pub fn set_profile(ctx: Context<SetProfile>, args: SetProfileArgs) -> Result<()> {
        SetProfile::handle(ctx, args)
    }

    /// Says that a node is there, and accounts for its misses. By its operator, once an epoch or after a miss.
    pub fn heartbeat(ctx: Context<Heartbeat>) -> Result<()> {
        Heartbeat::handle(ctx)
    }

    /// Declares ahead that a node will be away. By its operator.
    pub fn announce_maintenance(ctx: Context<AnnounceMaintenance>, args: AnnounceMaintenanceArgs) -> Result<()> {
        AnnounceMaintenance::handle(ctx, args)
    }

    /// Charges a convicted node for the stake that was convicted around the same time. By anyone, half a window later.
    pub fn charge_correlation<'info>(ctx: Context<'info, ChargeCorrelation<'info>>) -> Result<()> {
        ChargeCorrelation::handle(ctx)
    }

    /// Weighs a node anew. By anyone.
    pub fn weigh_node(ctx: Context<WeighNode>) -> Result<()> {
        WeighNode::handle(ctx)
    }

    /// Records the slot hash that decides who may claim a job. By anyone.
    pub fn seal_seed(ctx: Context<SealSeed>) -> Result<()> {
        SealSeed::handle(ctx)
    }

    /// Lets others delegate to a node. By its withdraw authority.
    pub fn open_delegation_pool(ctx: Context<OpenDelegationPool>, args: OpenDelegationPoolArgs) -> Result<()> {
        OpenDelegationPool::handle(ctx, args)
    }

    /// Decides what a node keeps of its delegators' share of fees. By its withdraw authority.
    pub fn set_commission(ctx: Context<SetCommission>, args: SetCommissionArgs) -> Result<()> {
        SetCommission::handle(ctx, args)
    }

    /// Lets a pool share rewards in one more mint. By the node's withdraw authority, or by anyone where a job owes some.
    pub fn add_reward_mint(ctx: Context<AddRewardMint>) -> Result<()> {
        AddRewardMint::handle(ctx)
    }

    /// Ends the sharing of rewards in a mint while nobody delegates. By the withdraw authority.
    pub fn remove_reward_mint<'info>(ctx: Context<'info, RemoveRewardMint<'info>>) -> Result<()> {
        RemoveRewardMint::handle(ctx)
    }

    /// Delegates stake to a node. By the owner.
    pub fn delegate<'info>(ctx: Context<'info, Delegate<'info>>, args: DelegateArgs) -> Result<()> {
        Delegate::handle(ctx, args)
    }

    /// Starts to unbond delegated stake. By the owner.
    pub fn undelegate(ctx: Context<Undelegate>, args: UndelegateArgs) -> Result<()> {
        Undelegate::handle(ctx, args)
    }

    /// Pays out what has unbonded of a delegation. By the owner to any account, by anyone to its associated token account.
    pub fn withdraw_delegation<'info>(ctx: Context<'info, WithdrawDelegation<'info>>) -> Result<()> {
        WithdrawDelegation::handle(ctx)
    }

    /// Lets a slash of a node reach its pool. By anyone.
    pub fn settle_delegation_slash<'info>(ctx: Context<'info, SettleDelegationSlash<'info>>) -> Result<()> {
        SettleDelegationSlash::handle(ctx)
    }

    /// Moves the delegators' share of a job into the node's pool. By anyone.
    pub fn collect_delegation_reward<'info>(ctx: Context<'info, CollectDelegationReward<'info>>) -> Result<()> {
        CollectDelegationReward::handle(ctx)
    }

    /// Pays out what a delegation has earned in a mint. By the owner to any account, by anyone to its associated token account.
    pub fn withdraw_delegation_reward<'info>(ctx: Context<'info, WithdrawDelegationReward<'info>>) -> Result<()> {
        WithdrawDelegationReward::handle(ctx)
    }

    /// Removes a delegation of which nothing is left; its rent goes to the owner. By anyone.
    pub fn close_delegation(ctx: Context<CloseDelegation>) -> Result<()> {
        CloseDelegation::handle(ctx)
    }

    /// Ends delegation to a node. By its withdraw authority.
    pub fn close_delegation_pool(ctx: Context<CloseDelegationPool>) -> Result<()> {
        CloseDelegationPool::handle(ctx)
    }

    /// Opens a session: offers it to one node and escrows its balance. By the client.
    pub fn open_session<'info>(ctx: Context<'info, OpenSession<'info>>, args: OpenSessionArgs) -> Result<()> {
        OpenSession::handle(ctx, args)
    }

    /// Takes an offer back that the node has not accepted. By the client.
    pub fn cancel_session(ctx: Context<CancelSession>) -> Result<()> {
        CancelSession::handle(ctx)
    }

    /// Ends an offer that the node did not accept in time. By anyone.
    pub fn expire_session(ctx: Context<ExpireSession>) -> Result<()> {
        ExpireSession::handle(ctx)
    }

    /// Accepts a session and locks the bond. By the operator of the node that it is offered to.
    pub fn accept_session(ctx: Context<AcceptSession>) -> Result<()> {
        AcceptSession::handle(ctx)
    }

    /// Ends the serving of a session early. By the client or the operator.
    pub fn end_session(ctx: Context<EndSession>) -> Result<()> {
        EndSession::handle(ctx)
    }

    /// Records a voucher that the session's voucher key signed. By anyone who has it.
    pub fn record_voucher(ctx: Context<RecordVoucher>, args: RecordVoucherArgs) -> Result<()> {
        RecordVoucher::handle(ctx, args)
    }

    /// Calls a receipt in that the session's operator signed: makes it a job that can be challenged. By anyone who has it.
    pub fn open_receipt(ctx: Context<OpenReceipt>, args: OpenReceiptArgs) -> Result<()> {
        OpenReceipt::handle(ctx, args)
    }

    /// Says where inputs and result of a receipt are that somebody else has called in. By the session's client.
    pub fn amend_receipt(ctx: Context<AmendReceipt>, args: AmendReceiptArgs) -> Result<()> {
        AmendReceipt::handle(ctx, args)
    }

    /// Ends a receipt that was called in and stood. By anyone.
    pub fn finalise_receipt(ctx: Context<FinaliseReceipt>) -> Result<()> {
        FinaliseReceipt::handle(ctx)
    }

    /// Removes a receipt that was called in and has ended; the rent goes to who called it in. By anyone.
    pub fn close_receipt(ctx: Context<CloseReceipt>) -> Result<()> {
        CloseReceipt::handle(ctx)
    }

    /// Settles a session whose time is over by its greatest voucher. By anyone.
    pub fn finalise_session(ctx: Context<FinaliseSession>) -> Result<()> {
        FinaliseSession::handle(ctx)
    }

    /// Pays a credit out of a session's vault. By the payee to any account, by anyone to the payee's associated token account.
    pub fn withdraw_session_credit<'info>(
        ctx: Context<'info, WithdrawSessionCredit<'info>>,
        args: WithdrawSessionCreditArgs,
    ) -> Result<()> {
        WithdrawSessionCredit::handle(ctx, args)
    }

    /// Removes a session that has ended and owes nothing; the fee goes to the fee vault, all rent to the client. By anyone.
    pub fn close_session<'info>(ctx: Context<'info, CloseSession<'info>>) -> Result<()> {
        CloseSession::handle(ctx)
    }

    /// Creates a budget. By its owner.
    pub fn create_budget(ctx: Context<CreateBudget>, args: CreateBudgetArgs) -> Result<()> {
        CreateBudget::handle(ctx, args)
    }

    /// Changes agent or limits of a budget. By its owner.
    pub fn set_budget(ctx: Context<SetBudget>, args: SetBudgetArgs) -> Result<()> {
        SetBudget::handle(ctx, args)
    }

    /// Takes tokens or lamports out of a budget. By its owner.
    pub fn withdraw_budget<'info>(ctx: Context<'info, WithdrawBudget<'info>>, args: WithdrawBudgetArgs) -> Result<()> {
        WithdrawBudget::handle(ctx, args)
    }

    /// Removes a budget without open jobs. By its owner.
    pub fn close_budget<'info>(ctx: Context<'info, CloseBudget<'info>>) -> Result<()> {
        CloseBudget::handle(ctx)
    }

    /// Posts a job out of a budget within its limits. By its agent or its owner.
    pub fn post_budget_job<'info>(ctx: Context<'info, PostBudgetJob<'info>>, args: PostJobArgs) -> Result<()> {
        PostBudgetJob::handle(ctx, args)
    }

    /// Takes a job of a budget back that nobody has claimed. By its agent or its owner.
    pub fn cancel_budget_job(ctx: Context<CancelBudgetJob>) -> Result<()> {
        CancelBudgetJob::handle(ctx)
    }

    /// Accepts a result of a budget's job early. By its agent or its owner.
    pub fn accept_budget_result(ctx: Context<AcceptBudgetResult>) -> Result<()> {
        AcceptBudgetResult::handle(ctx)
    }

    /// Proposes a change, which waits for the network's timelock. By the authority.
    pub fn propose_change(ctx: Context<ProposeChange>, args: ProposeChangeArgs) -> Result<()> {
        ProposeChange::handle(ctx, args)
    }

    /// Carries out a proposed change of parameters, guardian, timelock or burnt fees. By anyone, in its time.
    pub fn execute_network_change(ctx: Context<ExecuteNetworkChange>) -> Result<()> {
        ExecuteNetworkChange::handle(ctx)
    }

    /// Allows a mint for payments, as proposed, and creates its fee vault. By anyone, in its time.
    pub fn execute_mint_allowance(ctx: Context<ExecuteMintAllowance>) -> Result<()> {
        ExecuteMintAllowance::handle(ctx)
    }

    /// Switches a payment mint on or off and sets its bond rate, as proposed. By anyone, in its time.
    pub fn execute_mint_change(ctx: Context<ExecuteMintChange>) -> Result<()> {
        ExecuteMintChange::handle(ctx)
    }

    /// Pays fees out of the treasury, as proposed. By anyone, in its time.
    pub fn execute_fee_withdrawal<'info>(ctx: Context<'info, ExecuteFeeWithdrawal<'info>>) -> Result<()> {
        ExecuteFeeWithdrawal::handle(ctx)
    }

    /// Vetoes a proposed change. By the guardian.
    pub fn veto_proposal(ctx: Context<VetoProposal>) -> Result<()> {
        VetoProposal::handle(ctx)
    }

    /// Withdraws a proposed change. By the authority.
    pub fn withdraw_proposal(ctx: Context<WithdrawProposal>) -> Result<()> {
        WithdrawProposal::handle(ctx)
    }

    /// Removes a proposal that nobody carried out in time. By anyone.
    pub fn close_proposal(ctx: Context<CloseProposal>) -> Result<()> {
        CloseProposal::handle(ctx)
    }

    /// Pauses new jobs and claims for a time. By the guardian.
    pub fn pause_new_work(ctx: Context<PauseNewWork>, args: PauseNewWorkArgs) -> Result<()> {
        PauseNewWork::handle(ctx, args)
    }

    /// Brings the network to the layout of this program. By anyone.
    pub fn migrate_network(ctx: Context<MigrateNetwork>) -> Result<()> {
        MigrateNetwork::handle(ctx)
    }

    /// Brings a job to the layout of this program. By anyone.
    pub fn migrate_job(ctx: Context<MigrateJob>) -> Result<()> {
        MigrateJob::handle(ctx)
    }

    /// Brings a node to the layout of this program. By anyone.
    pub fn migrate_node(ctx: Context<MigrateNode>) -> Result<()> {
        MigrateNode::handle(ctx)
    }

    /// Creates the reward pool. By anyone, once.
    pub fn create_reward_pool(ctx: Context<CreateRewardPool>) -> Result<()> {
        CreateRewardPool::handle(ctx)
    }

    /// Burns a share of a fee in the stake mint, moves the rest to the treasury and rewards the node. By anyone.
    pub fn burn_fee<'info>(ctx: Context<'info, BurnFee<'info>>) -> Result<()> {
        BurnFee::handle(ctx)
    }
}
