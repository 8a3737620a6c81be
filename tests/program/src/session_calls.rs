//! Sessions: their terms, the accounts of every instruction as a well-behaved caller passes them, and what parties sign.

use crate::calls::{Call, GENESIS_HASH, SYSTEM};
use crate::tokens::{Mint, associated, associated_with_bump};
use crate::trial::{Case, Trial, signature_check};
use crate::world::{Job, Node, World};
use assay::dispute::signature::INSTRUCTIONS_SYSVAR;
use assay::instructions::{
    AmendReceiptArgs, CreditRole, OpenReceiptArgs, OpenSessionArgs, RecordVoucherArgs, WithdrawSessionCreditArgs,
};
use assay::session::{Receipt, Voucher};
use assay::{accounts, address, instruction};
use referee::graph::IR_VERSION;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

/// An opened session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its account.
    pub address: Pubkey,
    /// Its vault.
    pub vault: Pubkey,
    /// Who opened it.
    pub client: Pubkey,
    /// The client's number for it.
    pub id: u64,
    /// What it is paid in.
    pub mint: Mint,
    /// The node that it is offered to.
    pub node: Node,
}

/// A session as a client opens it. The voucher key is filled in by [`World::open`].
pub fn session_terms() -> OpenSessionArgs {
    OpenSessionArgs {
        session_id: 0,
        graph_root: [1; 32],
        params_root: [2; 32],
        ir_version: IR_VERSION,
        voucher_key: Pubkey::default(),
        price: 100,
        balance: 2_003,
        accept_slots: 100,
        session_slots: 200,
        window_slots: 30,
        bond: 3_001,
        graph_uri: "http://store.example/graph".into(),
        params_uri: "http://store.example/params".into(),
    }
}

/// Where the inputs of every receipt are said to be.
pub const INPUTS_URI: &str = "http://store.example/inputs";

impl World {
    /// The key that signs the vouchers of every session.
    pub fn voucher_key(&mut self) -> Pubkey {
        self.key("voucher key")
    }

    /// The addresses of a session.
    pub fn session_at(&self, client: Pubkey, id: u64, mint: &Mint) -> Session {
        let address = address::session(&client, id);
        Session { address, vault: address::vault(&address), client, id, mint: *mint, node: self.node }
    }

    /// Opens a session of `client` paid in `mint`; id and voucher key are filled in.
    pub fn open(&mut self, client: Pubkey, mint: &Mint, terms: OpenSessionArgs) -> Session {
        let id = self.next_job_id(client);
        let session = self.session_at(client, id, mint);
        let voucher_key = self.voucher_key();
        let open = self.open_session(&session, OpenSessionArgs { session_id: id, voucher_key, ..terms });
        self.accepts(&open);
        session
    }

    /// A session that waits for the node.
    pub fn offered(&mut self) -> Session {
        self.open(self.client, &self.mint.clone(), session_terms())
    }

    /// A session that the node accepted.
    pub fn active(&mut self) -> Session {
        let session = self.offered();
        let accept = self.accept_session(&session);
        self.accepts(&accept);
        session
    }

    /// A session that was paid `amount` and has settled.
    pub fn settled_session(&mut self, amount: u64) -> Session {
        let session = self.active();
        self.pay(&session, amount);
        self.end_and_finalise(&session);
        session
    }

    /// Records a voucher.
    pub fn pay(&mut self, session: &Session, amount: u64) {
        let voucher = self.voucher(session, amount);
        self.must(&voucher);
    }

    /// Lets the time of a session pass and finalises it.
    pub fn end_and_finalise(&mut self, session: &Session) {
        let last = self.read_session(session).closing_deadline().expect("a deadline").last();
        self.warp_to(self.slot().max(last.0 + 1));
        let finalise = self.finalise_session(session);
        self.accepts(&finalise);
    }

    /// Reads a session.
    pub fn read_session(&self, session: &Session) -> assay::state::Session {
        self.read(session.address)
    }

    /// The receipt of a request, with roots that follow from its sequence.
    pub fn receipt(&self, session: &Session, sequence: u64) -> Receipt {
        let output = crate::terms::output_descriptor();
        let result = crate::terms::ComputedResult::new(&output, &sequence.to_le_bytes());
        Receipt {
            genesis_hash: GENESIS_HASH,
            session: session.address,
            sequence,
            inputs_root: [3; 32],
            symbols: [8, 0, 0, 0],
            output,
            boundary_root: result.boundary_root,
            output_root: result.output_root,
            price: session_terms().price,
        }
    }

    /// The job that a receipt is called in as.
    pub fn receipt_job(&self, session: &Session, receipt: &Receipt, caller: Pubkey) -> Job {
        let address = address::receipt(&session.address, &receipt.hash());
        Job { address, vault: Pubkey::default(), client: caller, id: receipt.sequence, mint: session.mint }
    }

    /// Calls a receipt in.
    pub fn call_in(&mut self, session: &Session, receipt: &Receipt, caller: Pubkey) -> Job {
        let check = self.signed_receipt(session, receipt);
        let open = self.open_receipt(session, receipt, caller);
        self.must(&[check, open.instruction()]);
        self.receipt_job(session, receipt, caller)
    }

    /// The check of the operator's signature over a receipt.
    pub fn signed_receipt(&self, session: &Session, receipt: &Receipt) -> Instruction {
        signature_check(self.keypair(session.node.operator), &receipt.message())
    }

    /// The check of a voucher's signature, and the call that records it.
    pub fn voucher(&self, session: &Session, amount: u64) -> [Instruction; 2] {
        let voucher = Voucher { genesis_hash: GENESIS_HASH, session: session.address, amount };
        let key = self.read_session(session).voucher_key;
        let check = signature_check(self.keypair(key), &voucher.message());
        [check, self.record_voucher(session, amount).instruction()]
    }

    /// By the client, from its associated token account.
    pub fn open_session(&self, session: &Session, args: OpenSessionArgs) -> Call<accounts::OpenSession> {
        let accounts = accounts::OpenSession {
            client: session.client,
            network: address::NETWORK,
            node: session.node.address,
            payment_mint: address::payment_mint(&session.mint.address),
            mint: session.mint.address,
            client_account: address::client(&session.client),
            session: session.address,
            vault: session.vault,
            source: associated(session.client, &session.mint),
            token_program: session.mint.program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::OpenSession { args })
    }

    /// By the client.
    pub fn cancel_session(&self, session: &Session) -> Call<accounts::CancelSession> {
        let accounts = accounts::CancelSession {
            client: session.client,
            session: session.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CancelSession {})
    }

    /// By nobody in particular.
    pub fn expire_session(&self, session: &Session) -> Call<accounts::ExpireSession> {
        let accounts = accounts::ExpireSession {
            session: session.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ExpireSession {})
    }

    /// By the operator.
    pub fn accept_session(&self, session: &Session) -> Call<accounts::AcceptSession> {
        let accounts = accounts::AcceptSession {
            operator: session.node.operator,
            network: address::NETWORK,
            node: session.node.address,
            session: session.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::AcceptSession {})
    }

    /// By a party.
    pub fn end_session(&self, session: &Session, party: Pubkey) -> Call<accounts::EndSession> {
        let accounts = accounts::EndSession {
            party,
            session: session.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::EndSession {})
    }

    /// By nobody in particular, with the voucher key's signature, which the caller puts before it.
    pub fn record_voucher(&self, session: &Session, amount: u64) -> Call<accounts::RecordVoucher> {
        let accounts = accounts::RecordVoucher {
            network: address::NETWORK,
            session: session.address,
            instructions: INSTRUCTIONS_SYSVAR,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::RecordVoucher { args: RecordVoucherArgs { amount } })
    }

    /// By anyone, with the operator's signature, which the caller puts before it.
    pub fn open_receipt(&self, session: &Session, receipt: &Receipt, caller: Pubkey) -> Call<accounts::OpenReceipt> {
        let accounts = accounts::OpenReceipt {
            caller,
            network: address::NETWORK,
            session: session.address,
            operator: session.node.operator,
            job: address::receipt(&session.address, &receipt.hash()),
            instructions: INSTRUCTIONS_SYSVAR,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        let receipt_hash = receipt.hash();
        let args = OpenReceiptArgs { receipt_hash, result_manifest: [7; 32], inputs_uri: INPUTS_URI.into() };
        Call::new(accounts, instruction::OpenReceipt { args })
    }

    /// By the session's client.
    pub fn amend_receipt(&self, session: &Session, job: &Job, inputs_uri: &str) -> Call<accounts::AmendReceipt> {
        let accounts = accounts::AmendReceipt {
            client: session.client,
            session: session.address,
            job: job.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        let args = AmendReceiptArgs { result_manifest: [8; 32], inputs_uri: inputs_uri.into() };
        Call::new(accounts, instruction::AmendReceipt { args })
    }

    /// By nobody in particular.
    pub fn finalise_receipt(&self, session: &Session, job: &Job) -> Call<accounts::FinaliseReceipt> {
        let accounts = accounts::FinaliseReceipt {
            session: session.address,
            job: job.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::FinaliseReceipt {})
    }

    /// By nobody in particular.
    pub fn close_receipt(&self, session: &Session, job: &Job) -> Call<accounts::CloseReceipt> {
        let accounts = accounts::CloseReceipt {
            job: job.address,
            client: job.client,
            session: session.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CloseReceipt {})
    }

    /// By nobody in particular.
    pub fn finalise_session(&self, session: &Session) -> Call<accounts::FinaliseSession> {
        let accounts = accounts::FinaliseSession {
            node: session.node.address,
            session: session.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::FinaliseSession {})
    }

    /// By anyone, to the payee's associated token account, whose bump is given.
    pub fn withdraw_session_credit(
        &self,
        caller: Pubkey,
        session: &Session,
        role: CreditRole,
    ) -> Call<accounts::WithdrawSessionCredit> {
        let payee = match role {
            CreditRole::Node => session.node.owner,
            CreditRole::Client => session.client,
        };
        let (destination, bump) = associated_with_bump(payee, &session.mint);
        let accounts = accounts::WithdrawSessionCredit {
            authority: caller,
            session: session.address,
            vault: session.vault,
            mint: session.mint.address,
            destination,
            token_program: session.mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        let args = WithdrawSessionCreditArgs { role, associated_bump: Some(bump) };
        Call::new(accounts, instruction::WithdrawSessionCredit { args })
    }

    /// By nobody in particular.
    pub fn close_session(&self, session: &Session) -> Call<accounts::CloseSession> {
        let accounts = accounts::CloseSession {
            session: session.address,
            vault: session.vault,
            client: session.client,
            client_account: address::client(&session.client),
            payment_mint: address::payment_mint(&session.mint.address),
            mint: session.mint.address,
            fee_vault: address::fee_vault(&session.mint.address),
            token_program: session.mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CloseSession {})
    }

    /// Pays out all that a session owes to its parties, by strangers, to the associated token accounts.
    pub fn pay_out_session(&mut self, session: &Session) {
        let credits = self.read_session(session).credits;
        for (role, owed) in [(CreditRole::Node, credits.node), (CreditRole::Client, credits.client)] {
            if owed > 0 {
                let withdraw = self.withdraw_session_credit(self.payer(), session, role);
                self.accepts(&withdraw);
            }
        }
    }
}

impl Case {
    /// The terms of a session over the graph of the case.
    pub fn session_terms(&self) -> OpenSessionArgs {
        let terms = self.terms();
        OpenSessionArgs { graph_root: terms.graph_root, params_root: terms.params_root, ..session_terms() }
    }

    /// The receipt of the case's result.
    pub fn receipt(&self, session: &Session, sequence: u64) -> Receipt {
        let (terms, result) = (self.terms(), self.result());
        Receipt {
            genesis_hash: GENESIS_HASH,
            session: session.address,
            sequence,
            inputs_root: terms.inputs_root,
            symbols: terms.symbols,
            output: terms.output,
            boundary_root: result.boundary_root,
            output_root: result.output_root,
            price: session_terms().price,
        }
    }
}

impl Trial {
    /// Opens a session, has the node accept it and sign the case's result, and calls the receipt in.
    pub fn of_receipt(case: Case) -> (Self, Session) {
        let mut world = World::new();
        let challenger = crate::trial::party(&mut world, "challenger");
        let session = world.open(world.client, &world.mint.clone(), case.session_terms());
        let accept = world.accept_session(&session);
        world.accepts(&accept);
        let receipt = case.receipt(&session, 1);
        let job = world.call_in(&session, &receipt, world.client);
        (Self { world, case, job, challenger }, session)
    }

    /// Calls the case's result in once more, as that of another request, and turns to it.
    pub fn next_receipt(&mut self, session: &Session, sequence: u64) {
        let receipt = self.case.receipt(session, sequence);
        self.job = self.world.call_in(session, &receipt, session.client);
    }
}
