use crate::address::{NETWORK, RECEIPT_SEED};
use crate::dispute::signature::{signed_by, INSTRUCTIONS_SYSVAR};
use crate::error::AssayError;
use crate::events::ReceiptOpened;
use crate::market::is_uri;
use crate::session::Receipt;
use crate::state::{Job, Network, Session};
use crate::state_machine::JobState;
use crate::units::Slot;
use anchor_lang::prelude::*;
use anchor_lang::system_program::{transfer, Transfer};
use referee::commit::{commitment, sha256};

/// Arguments of `open_receipt`. The receipt itself is read from the instruction that verifies its signature.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct OpenReceiptArgs {
    /// SHA-256 of the receipt's message.
    pub receipt_hash: [u8; 32],
    /// SHA-256 of the manifest that lists where the result's bytes are: a hint.
    pub result_manifest: [u8; 32],
    /// Where the inputs can be fetched: a hint, which the session's client can replace.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "crate::wire::read_text"))]
    pub inputs_uri: String,
}

/// Calls a receipt in: makes it a job with a committed result, which every instruction of disputes serves.
///
/// Who: anyone, while the session is `Active`, until the window after its end is over, with an instruction of the ed25519
/// program right before this one that verifies the operator's signature over the [`Receipt`]. Each receipt once: its address
/// follows from its hash. Whoever calls pays the rent, which returns when the receipt is closed, and the fee of one opening.
///
/// 1. Creates the job: roots and result are the receipt's, model, node, bond and terms of disputes the session's; there is no
///    price and no vault. Its window starts.
/// 2. Counts it: the session cannot end before it has.
/// 3. Pays the opening fee to the operator, for the work of a defence; not if the operator's account could not take it.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: OpenReceiptArgs)]
pub struct OpenReceipt<'info> {
    /// Who calls in; pays.
    #[account(mut)]
    pub caller: Signer<'info>,
    /// The network, for the genesis hash.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The session.
    #[account(mut)]
    pub session: Box<Account<'info, Session>>,
    /// CHECK: the key that the session names; it only receives lamports.
    #[account(mut, address = session.operator @ AssayError::WrongSession)]
    pub operator: UncheckedAccount<'info>,
    /// The job to create.
    #[account(
        init,
        payer = caller,
        space = Job::receipt_space(&session),
        seeds = [RECEIPT_SEED, session.key().as_ref(), args.receipt_hash.as_ref()],
        bump,
    )]
    pub job: Box<Account<'info, Job>>,
    /// CHECK: the sysvar that shows this transaction.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
    /// Creates the job.
    pub system_program: Program<'info, System>,
}

impl OpenReceipt<'_> {
    /// The receipt that the operator signed. Whether it was right to sign it is what a dispute decides.
    fn validate(&self, args: &OpenReceiptArgs) -> Result<Receipt> {
        require!(is_uri(&args.inputs_uri), AssayError::UriInvalid);
        let sysvar = self.instructions.try_borrow_data()?;
        let message = signed_by(&sysvar, &self.session.operator)?;
        require!(sha256(&[message]) == args.receipt_hash, AssayError::ReceiptInvalid);
        let receipt = Receipt::parse(message)?;
        require!(receipt.genesis_hash == self.network.genesis_hash, AssayError::ReceiptInvalid);
        require_keys_eq!(receipt.session, self.session.key(), AssayError::WrongSession);
        receipt.output.validate()?;
        Ok(receipt)
    }

    /// See [`OpenReceipt`].
    pub fn handle(ctx: Context<'_, Self>, args: OpenReceiptArgs) -> Result<()> {
        let now = Slot(Clock::get()?.slot);
        let receipt = ctx.accounts.validate(&args)?;
        let accounts = &mut *ctx.accounts;
        accounts.session.open_receipt(now)?;
        accounts.record_result(&receipt, args, ctx.bumps.job, now);
        accounts.pay_operator()?;
        accounts.session.invariant()?;
        accounts.job.invariant()?;

        let job = &ctx.accounts.job;
        emit_cpi!(ReceiptOpened {
            session: job.session,
            job: job.key(),
            node: job.node,
            caller: job.client,
            sequence: job.job_id,
            commitment: job.commitment,
            boundary_root: job.boundary_root,
            last_challenge_slot: job.challenge_deadline()?.last().0,
        });
        Ok(())
    }

    fn record_result(&mut self, receipt: &Receipt, args: OpenReceiptArgs, bump: u8, now: Slot) {
        let session = &self.session;
        let (job, node) = (self.job.key().to_bytes(), session.node.to_bytes());
        self.job.set_inner(Job {
            version: Job::VERSION,
            bump,
            state: JobState::Committed,
            client: self.caller.key(),
            job_id: receipt.sequence,
            payment_mint: session.payment_mint,
            node: session.node,
            operator: session.operator,
            payee: session.payee,
            graph_root: session.graph_root,
            params_root: session.params_root,
            inputs_root: receipt.inputs_root,
            ir_version: session.ir_version,
            symbols: receipt.symbols,
            output: receipt.output,
            window_slots: session.window_slots,
            bond: session.bond,
            protocol_fee_bps: session.protocol_fee_bps,
            posted_slot: now.0,
            claimed_slot: now.0,
            committed_slot: now.0,
            commitment: commitment(&job, &node, &receipt.boundary_root),
            boundary_root: receipt.boundary_root,
            output_root: receipt.output_root,
            result_manifest: args.result_manifest,
            dispute: session.dispute,
            session: session.key(),
            graph_uri: session.graph_uri.clone(),
            params_uri: session.params_uri.clone(),
            inputs_uri: args.inputs_uri,
            ..Job::default()
        });
    }

    /// An operator that keeps its account empty, or makes it one that takes no lamports, must not be able to stop this.
    fn pay_operator(&self) -> Result<()> {
        let (operator, fee_lamports) = (self.operator.to_account_info(), self.session.dispute.opening_fee_lamports);
        let balance = operator.lamports().saturating_add(fee_lamports);
        let takes_lamports = *operator.owner == anchor_lang::system_program::ID
            && operator.data_is_empty()
            && balance >= Rent::get()?.minimum_balance(0);
        if fee_lamports == 0 || !takes_lamports {
            return Ok(());
        }
        let route = Transfer { from: self.caller.to_account_info(), to: operator };
        transfer(CpiContext::new(self.system_program.key(), route), fee_lamports)
    }
}
