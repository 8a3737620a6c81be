use crate::address::{CLIENT_SEED, JOB_SEED, NETWORK, STAKE_REGISTER, VAULT_SEED};
use crate::beacon::newest_slot_hash;
use crate::error::{AssayError, Checked};
use crate::events::JobPosted;
use crate::fairness::endings::{FaultSide, Reason};
use crate::fairness::filter::JobFilter;
use crate::fairness::sortition::{SeedRecord, Sortition};
use crate::market::{is_uri, minimum_bond, OutputDescriptor, PriceRamp};
use crate::state::{
    limits, Client, Credits, DisputeRecord, DisputeTerms, Job, JobAudit, Network, PaymentMint, StakeRegister,
};
use crate::state_machine::JobState;
use crate::units::{BasisPoints, Slot, Slots, TokenAmount};
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};
use referee::graph::IR_VERSION;

/// Arguments of `post_job`: the terms. See the fields of the same names in [`Job`].
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct PostJobArgs {
    /// The client's `next_job_id`; 0 for a client without an account.
    pub job_id: u64,
    /// Root of the graph.
    pub graph_root: [u8; 32],
    /// Root of weights, biases, multipliers and tables.
    pub params_root: [u8; 32],
    /// Root of the inputs.
    pub inputs_root: [u8; 32],
    /// Version of the graph language.
    pub ir_version: u16,
    /// Values of the graph's symbols; unused ones are 0.
    pub symbols: [u32; 4],
    /// Where the output lies in what will be committed.
    pub output: OutputDescriptor,
    /// Price until the hold ends, in base units of the payment mint.
    pub price_min: u64,
    /// Price at the end of the ramp, in base units of the payment mint; all of it is escrowed.
    pub price_max: u64,
    /// How long the price stays at the minimum.
    pub ramp_hold_slots: u64,
    /// How long it then rises.
    pub ramp_slots: u64,
    /// Length of the claim window.
    pub claim_slots: u64,
    /// Time from the claim to the last slot of committing.
    pub run_slots: u64,
    /// Length of the challenge window.
    pub window_slots: u64,
    /// Least active stake of a node that claims, in base units of the stake mint.
    pub minimum_stake: u64,
    /// What the claiming node locks, in base units of the stake mint.
    pub bond: u64,
    /// For validators that attest, in base units of the payment mint, escrowed beside the price; 0: no audit.
    pub audit_pot: u64,
    /// Most that one attestation earns; 0: no audit.
    pub audit_cap: u64,
    /// The only node that may claim; none: every node.
    pub invited_node: Option<Pubkey>,
    /// What the graph costs by the graph language's own measure; 0 says nothing.
    pub cost_units: u64,
    /// Which nodes may claim, besides the stake; none: every node.
    pub filter: Option<JobFilter>,
    /// Where the graph can be fetched.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "crate::wire::read_text"))]
    pub graph_uri: String,
    /// Where the parameters can be fetched.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "crate::wire::read_text"))]
    pub params_uri: String,
    /// Where the inputs can be fetched.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "crate::wire::read_text"))]
    pub inputs_uri: String,
    /// Where the node uploads the result; may be empty.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "crate::wire::read_text"))]
    pub store_uri: String,
}

impl PostJobArgs {
    /// Bytes of the four strings together.
    pub fn uri_bytes(&self) -> usize {
        [&self.graph_uri, &self.params_uri, &self.inputs_uri, &self.store_uri]
            .iter()
            .fold(0, |sum, uri| sum.saturating_add(uri.len()))
    }

    /// Checks the terms against the network's parameters; the error names the term.
    pub fn validate(&self, network: &Network, payment_mint: &PaymentMint) -> Checked {
        let parameters = &network.parameters;
        if self.ir_version != IR_VERSION {
            return Err(AssayError::UnsupportedIrVersion);
        }
        self.output.validate()?;
        if !(*limits::CLAIM_SLOTS.start()..=parameters.maximum_claim_slots).contains(&self.claim_slots) {
            return Err(AssayError::ClaimSlotsOutOfBounds);
        }
        if !(*limits::RUN_SLOTS.start()..=parameters.maximum_run_slots).contains(&self.run_slots) {
            return Err(AssayError::RunSlotsOutOfBounds);
        }
        if !(parameters.minimum_window_slots..=parameters.maximum_window_slots).contains(&self.window_slots) {
            return Err(AssayError::WindowSlotsOutOfBounds);
        }
        let ramp = PriceRamp {
            minimum: TokenAmount(self.price_min),
            maximum: TokenAmount(self.price_max),
            hold: Slots(self.ramp_hold_slots),
            rise: Slots(self.ramp_slots),
        };
        ramp.validate(Slots(self.claim_slots))?;
        let sortition = parameters.scheduling.opening.sortition_slots();
        if ramp.maximum > ramp.minimum && ramp.hold < sortition {
            return Err(AssayError::RampHoldTooShort);
        }
        if self.claim_slots < sortition.0 {
            return Err(AssayError::ClaimSlotsOutOfBounds);
        }
        let multiple = BasisPoints(parameters.minimum_bond_bps);
        if TokenAmount(self.bond) < minimum_bond(ramp.maximum, payment_mint.bond_rate(), multiple)? {
            return Err(AssayError::BondTooSmall);
        }
        if self.invited_node == Some(Pubkey::default()) {
            return Err(AssayError::InvitedNodeInvalid);
        }
        JobAudit::check_terms(self.audit_pot, self.audit_cap, self.window_slots, parameters.audit.epoch_slots)?;
        let required_uris = [&self.graph_uri, &self.params_uri, &self.inputs_uri];
        if !required_uris.into_iter().all(|uri| is_uri(uri)) {
            return Err(AssayError::UriInvalid);
        }
        if !self.store_uri.is_empty() && !is_uri(&self.store_uri) {
            return Err(AssayError::UriInvalid);
        }
        Ok(())
    }
}

/// Posts a job and escrows its maximum price and its audit pot.
///
/// Who: the client, which pays for the job, its vault and, the first time, its counter. All but the counter's rent returns
/// when the job is closed. Not while the guardian pauses new work. The four URIs share a transaction with everything else:
/// together about 430 bytes fit without an address lookup table; an invitation takes 32 of them.
///
/// 1. Creates the job with its terms, pinning fee, miss charge, the terms of disputes and audits, the stake of all validators
///    and the newest slot hash, how claims open and what all nodes weighed at the end of the last epoch; and its vault.
/// 2. Counts it in the client's counter, created if need be.
/// 3. Moves `price_max` and `audit_pot` from the client into the vault.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: PostJobArgs)]
pub struct PostJob<'info> {
    /// The client; pays.
    #[account(mut)]
    pub client: Signer<'info>,
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The weight of all nodes, of which each one's is its share.
    #[account(address = STAKE_REGISTER)]
    pub stake_register: Box<Account<'info, StakeRegister>>,
    /// The record of the payment mint.
    #[account(
        has_one = mint @ AssayError::WrongMint,
        has_one = token_program @ AssayError::WrongTokenProgram,
        constraint = payment_mint.enabled @ AssayError::PaymentMintDisabled,
    )]
    pub payment_mint: Box<Account<'info, PaymentMint>>,
    /// The payment mint.
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The client's counter.
    #[account(
        init_if_needed,
        payer = client,
        space = Client::SPACE,
        seeds = [CLIENT_SEED, client.key().as_ref()],
        bump,
        // Before the job is created, so that a used id is named and not met as an account that exists.
        constraint = client_account.next_job_id == args.job_id @ AssayError::JobIdMismatch,
    )]
    pub client_account: Box<Account<'info, Client>>,
    /// The job to create.
    #[account(
        init,
        payer = client,
        space = Job::space(args.uri_bytes()),
        seeds = [JOB_SEED, client.key().as_ref(), args.job_id.to_le_bytes().as_ref()],
        bump,
    )]
    pub job: Box<Account<'info, Job>>,
    /// The vault to create.
    #[account(
        init,
        payer = client,
        seeds = [VAULT_SEED, job.key().as_ref()],
        bump,
        token::mint = mint,
        token::authority = job,
        token::token_program = token_program,
    )]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Where the escrow comes from.
    #[account(mut, token::mint = mint, token::authority = client, token::token_program = token_program)]
    pub source: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Owner of the payment mint.
    pub token_program: Interface<'info, TokenInterface>,
    /// Creates the accounts.
    pub system_program: Program<'info, System>,
}

impl<'info> PostJob<'info> {
    fn validate(&self, args: &PostJobArgs) -> Result<()> {
        self.network.check_takes_work(Slot(Clock::get()?.slot))?;
        args.validate(&self.network, &self.payment_mint)?;
        Ok(())
    }

    /// See [`PostJob`].
    pub fn handle(ctx: Context<'info, Self>, args: PostJobArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let accounts = &mut *ctx.accounts;
        accounts.client_account.begin(accounts.client.key(), args.job_id, ctx.bumps.client_account)?;
        accounts.record_terms(args, ctx.bumps.job)?;
        let escrow = accounts.job.escrow()?.0;
        Route {
            token_program: &accounts.token_program,
            mint: &accounts.mint,
            from: &accounts.source,
            to: &accounts.vault,
            authority: accounts.client.to_account_info(),
        }
        .deposit(escrow)?;
        accounts.vault.reload()?;
        require_gte!(accounts.vault.amount, escrow, AssayError::VaultShort);
        accounts.client_account.invariant()?;
        accounts.job.invariant()?;
        emit_cpi!(announce(&ctx.accounts.job)?);
        Ok(())
    }

    fn record_terms(&mut self, args: PostJobArgs, bump: u8) -> Result<()> {
        let posting = Posting {
            client: self.client.key(),
            mint: self.mint.key(),
            vault: self.vault.key(),
            bump,
            network: &self.network,
            payment_mint: &self.payment_mint,
            stake_register: &self.stake_register,
        };
        self.job.set_inner(posting.job(args)?);
        Ok(())
    }
}

/// What a job takes from where it is posted, by a client or out of a budget.
pub(super) struct Posting<'a> {
    /// Who posts and pays.
    pub(super) client: Pubkey,
    /// The mint of the price.
    pub(super) mint: Pubkey,
    /// The vault of the job.
    pub(super) vault: Pubkey,
    /// Bump of the job's address.
    pub(super) bump: u8,
    /// For what is pinned.
    pub(super) network: &'a Network,
    /// For the rate of bonds.
    pub(super) payment_mint: &'a PaymentMint,
    /// For what all nodes weighed.
    pub(super) stake_register: &'a StakeRegister,
}

impl Posting<'_> {
    /// The job with its terms, which were checked.
    pub(super) fn job(&self, args: PostJobArgs) -> Result<Job> {
        let parameters = &self.network.parameters;
        let rate = self.payment_mint.bond_rate();
        let multiple = BasisPoints(parameters.audit.attestation_bond_bps);
        let audit = JobAudit {
            pot: args.audit_pot,
            cap: args.audit_cap,
            attestation_bond: minimum_bond(TokenAmount(args.audit_cap), rate, multiple)?.0,
            validator_stake: self.network.validator_stake,
            beacon: newest_slot_hash()?,
            epoch_slots: parameters.audit.epoch_slots,
            audits_per_job: parameters.audit.audits_per_job,
            ..JobAudit::default()
        };
        let now = Slot(Clock::get()?.slot);
        let scheduling = &parameters.scheduling;
        let weights = &self.stake_register.weights;
        let sortition =
            Sortition::new(scheduling.opening, now, scheduling.epoch_slots, |epoch| weights.at_end_of(epoch))?;
        Ok(Job {
            version: Job::VERSION,
            bump: self.bump,
            state: JobState::Posted,
            client: self.client,
            job_id: args.job_id,
            payment_mint: self.mint,
            node: Pubkey::default(),
            operator: Pubkey::default(),
            payee: Pubkey::default(),
            vault: self.vault,
            graph_root: args.graph_root,
            params_root: args.params_root,
            inputs_root: args.inputs_root,
            ir_version: args.ir_version,
            symbols: args.symbols,
            output: args.output,
            price_min: args.price_min,
            price_max: args.price_max,
            ramp_hold_slots: args.ramp_hold_slots,
            ramp_slots: args.ramp_slots,
            claim_slots: args.claim_slots,
            run_slots: args.run_slots,
            window_slots: args.window_slots,
            minimum_stake: args.minimum_stake,
            bond: args.bond,
            invited_node: args.invited_node.unwrap_or_default(),
            protocol_fee_bps: parameters.protocol_fee_bps,
            miss_charge_bps: parameters.miss_charge_bps,
            late_price_bps: parameters.scheduling.late_price_bps,
            filter: args.filter.unwrap_or_default(),
            cost_units: args.cost_units,
            sortition,
            bond_numerator: rate.numerator,
            bond_denominator: rate.denominator,
            posted_slot: now.0,
            claimed_slot: 0,
            committed_slot: 0,
            price: 0,
            commitment: [0; 32],
            boundary_root: [0; 32],
            output_root: [0; 32],
            result_manifest: [0; 32],
            credits: Credits::default(),
            charge_credit: 0,
            dispute: DisputeTerms::new(&parameters.dispute, TokenAmount(args.bond))?,
            record: DisputeRecord::default(),
            audit,
            unavailable_open: 0,
            session: Pubkey::default(),
            expected_slots: 0,
            delegators_bps: 0,
            late_bps: 0,
            reason: Reason::Open,
            fault_side: FaultSide::None,
            seed: SeedRecord::Open,
            graph_uri: args.graph_uri,
            params_uri: args.params_uri,
            inputs_uri: args.inputs_uri,
            store_uri: args.store_uri,
        })
    }
}

/// What is announced of a job that was posted.
pub(super) fn announce(job: &Account<'_, Job>) -> Result<JobPosted> {
    Ok(JobPosted {
        job: job.key(),
        client: job.client,
        job_id: job.job_id,
        payment_mint: job.payment_mint,
        graph_root: job.graph_root,
        price_min: job.price_min,
        price_max: job.price_max,
        bond: job.bond,
        audit_pot: job.audit.pot,
        last_claim_slot: job.claim_deadline()?.last().0,
    })
}
