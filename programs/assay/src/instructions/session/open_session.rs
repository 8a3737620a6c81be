use crate::address::{CLIENT_SEED, NETWORK, SESSION_SEED, VAULT_SEED};
use crate::error::{AssayError, Checked};
use crate::events::SessionOpened;
use crate::market::{is_uri, minimum_bond};
use crate::session::SessionState;
use crate::state::{limits, Client, DisputeTerms, Network, Node, PaymentMint, Session, SessionCredits};
use crate::units::{BasisPoints, Slot, TokenAmount};
use crate::vault::Route;
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};
use referee::graph::IR_VERSION;

/// Arguments of `open_session`: the terms. See the fields of the same names in [`Session`].
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenSessionArgs {
    /// The client's `next_job_id`; 0 for a client without an account.
    pub session_id: u64,
    /// Root of the graph.
    pub graph_root: [u8; 32],
    /// Root of weights, biases, multipliers and tables.
    pub params_root: [u8; 32],
    /// Version of the graph language.
    pub ir_version: u16,
    /// Key that signs vouchers.
    pub voucher_key: Pubkey,
    /// What one request costs, in base units of the payment mint.
    pub price: u64,
    /// What is escrowed, in base units of the payment mint.
    pub balance: u64,
    /// Time in which the node can accept.
    pub accept_slots: u64,
    /// Time of serving, from the acceptance.
    pub session_slots: u64,
    /// Time for vouchers and receipts after the end, and for challenges of a receipt.
    pub window_slots: u64,
    /// What the node locks, in base units of the stake mint.
    pub bond: u64,
    /// Where the graph can be fetched.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "crate::wire::read_text"))]
    pub graph_uri: String,
    /// Where the parameters can be fetched.
    #[cfg_attr(not(feature = "idl-build"), borsh(deserialize_with = "crate::wire::read_text"))]
    pub params_uri: String,
}

impl OpenSessionArgs {
    /// Bytes of the two strings together.
    pub fn uri_bytes(&self) -> usize {
        self.graph_uri.len().saturating_add(self.params_uri.len())
    }

    /// Checks the terms against the network's parameters; the error names the term.
    pub fn validate(&self, network: &Network, payment_mint: &PaymentMint) -> Checked {
        let parameters = &network.parameters;
        if self.ir_version != IR_VERSION {
            return Err(AssayError::UnsupportedIrVersion);
        }
        if !(*limits::CLAIM_SLOTS.start()..=parameters.maximum_claim_slots).contains(&self.accept_slots) {
            return Err(AssayError::AcceptSlotsOutOfBounds);
        }
        if !(*limits::RUN_SLOTS.start()..=parameters.maximum_run_slots).contains(&self.session_slots) {
            return Err(AssayError::SessionSlotsOutOfBounds);
        }
        if !(parameters.minimum_window_slots..=parameters.maximum_window_slots).contains(&self.window_slots) {
            return Err(AssayError::WindowSlotsOutOfBounds);
        }
        if self.price == 0 || self.price > self.balance {
            return Err(AssayError::SessionPriceInvalid);
        }
        let multiple = BasisPoints(parameters.minimum_bond_bps);
        if TokenAmount(self.bond) < minimum_bond(TokenAmount(self.balance), payment_mint.bond_rate(), multiple)? {
            return Err(AssayError::BondTooSmall);
        }
        if self.voucher_key == Pubkey::default() {
            return Err(AssayError::VoucherKeyInvalid);
        }
        if !is_uri(&self.graph_uri) || !is_uri(&self.params_uri) {
            return Err(AssayError::UriInvalid);
        }
        Ok(())
    }
}

/// Opens a session: offers it to one node and escrows its balance.
///
/// Who: the client, which pays for the session, its vault and, the first time, its counter. All but the counter's rent returns
/// when the session is closed. Not while the guardian pauses new work.
///
/// 1. Creates the session with its terms, pinning fee and the terms of disputes, and its vault.
/// 2. Counts it in the client's counter, created if need be.
/// 3. Moves `balance` from the client into the vault.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: OpenSessionArgs)]
pub struct OpenSession<'info> {
    /// The client; pays.
    #[account(mut)]
    pub client: Signer<'info>,
    /// The network, for its parameters.
    #[account(address = NETWORK)]
    pub network: Box<Account<'info, Network>>,
    /// The node that the session is offered to.
    pub node: Box<Account<'info, Node>>,
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
        // Before the session is created, so that a used id is named and not met as an account that exists.
        constraint = client_account.next_job_id == args.session_id @ AssayError::JobIdMismatch,
    )]
    pub client_account: Box<Account<'info, Client>>,
    /// The session to create.
    #[account(
        init,
        payer = client,
        space = Session::space(args.uri_bytes()),
        seeds = [SESSION_SEED, client.key().as_ref(), args.session_id.to_le_bytes().as_ref()],
        bump,
    )]
    pub session: Box<Account<'info, Session>>,
    /// The vault to create.
    #[account(
        init,
        payer = client,
        seeds = [VAULT_SEED, session.key().as_ref()],
        bump,
        token::mint = mint,
        token::authority = session,
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

impl<'info> OpenSession<'info> {
    fn validate(&self, args: &OpenSessionArgs) -> Result<()> {
        self.network.check_takes_work(Slot(Clock::get()?.slot))?;
        args.validate(&self.network, &self.payment_mint)?;
        Ok(())
    }

    /// See [`OpenSession`].
    pub fn handle(ctx: Context<'info, Self>, args: OpenSessionArgs) -> Result<()> {
        ctx.accounts.validate(&args)?;
        let accounts = &mut *ctx.accounts;
        accounts.client_account.begin(accounts.client.key(), args.session_id, ctx.bumps.client_account)?;
        accounts.record_terms(args, &ctx.bumps)?;
        let escrow = accounts.session.balance;
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
        accounts.session.invariant()?;

        let session = &ctx.accounts.session;
        emit_cpi!(SessionOpened {
            session: session.key(),
            client: session.client,
            session_id: session.session_id,
            node: session.node,
            payment_mint: session.payment_mint,
            graph_root: session.graph_root,
            price: session.price,
            balance: session.balance,
            bond: session.bond,
            last_accept_slot: session.accept_deadline()?.last().0,
        });
        Ok(())
    }

    fn record_terms(&mut self, args: OpenSessionArgs, bumps: &OpenSessionBumps) -> Result<()> {
        let parameters = &self.network.parameters;
        self.session.set_inner(Session {
            version: Session::VERSION,
            bump: bumps.session,
            state: SessionState::Offered,
            client: self.client.key(),
            session_id: args.session_id,
            payment_mint: self.mint.key(),
            node: self.node.key(),
            operator: Pubkey::default(),
            payee: Pubkey::default(),
            vault: self.vault.key(),
            graph_root: args.graph_root,
            params_root: args.params_root,
            ir_version: args.ir_version,
            voucher_key: args.voucher_key,
            price: args.price,
            balance: args.balance,
            accept_slots: args.accept_slots,
            session_slots: args.session_slots,
            window_slots: args.window_slots,
            bond: args.bond,
            protocol_fee_bps: parameters.protocol_fee_bps,
            dispute: DisputeTerms::new(&parameters.dispute, TokenAmount(args.bond))?,
            offered_slot: Clock::get()?.slot,
            accepted_slot: 0,
            ends_slot: 0,
            paid: 0,
            credits: SessionCredits::default(),
            open_receipts: 0,
            receipts_opened: 0,
            graph_uri: args.graph_uri,
            params_uri: args.params_uri,
        });
        Ok(())
    }
}
