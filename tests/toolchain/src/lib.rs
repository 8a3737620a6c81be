//! Runs `toolchain-program` in LiteSVM, as compiled to SBPF by the toolchain under test.

use std::env;
use std::fs;
use std::path::PathBuf;

use litesvm::LiteSVM;
use litesvm::types::TransactionMetadata;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_sdk::account::Account;
use solana_sdk::instruction::{AccountMeta, Instruction};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::{Keypair, Signer};
use solana_sdk::transaction::Transaction;
use toolchain_program::Section;

/// The heap that the program's allocator counts on.
const HEAP_BYTES: u32 = 256 * 1024;
/// The most that one transaction may use.
const MAXIMUM_COMPUTE_UNITS: u32 = 1_400_000;

/// What the two other instructions of a transaction take.
const AROUND_COMPUTE_UNITS: u64 = 300;

/// A chain with the compiled program on it.
pub struct Machine {
    chain: LiteSVM,
    payer: Keypair,
    program: Pubkey,
    question: Pubkey,
    questions: u64,
}

/// What the referee said on-chain, and what that took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Compute units of the program alone.
    pub compute_units: u64,
    /// Bytes of heap; none is ever given back.
    pub heap_bytes: u32,
    /// The answer, as `toolchain_program::verdicts` has it.
    pub said: Vec<u8>,
}

impl Machine {
    /// Loads the compiled program.
    ///
    /// # Panics
    /// If it is not there, or the chain refuses it.
    #[must_use]
    pub fn load() -> Self {
        let path = compiled_program();
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
        let mut chain = LiteSVM::new();
        let payer = Keypair::new();
        chain.airdrop(&payer.pubkey(), 1_000_000_000_000).expect("an airdrop");
        let program = Pubkey::new_unique();
        chain.add_program(program, &bytes).expect("the chain takes the program");
        Self { chain, payer, program, question: Pubkey::new_unique(), questions: 0 }
    }

    /// Runs a section on-chain: the number it returned, and the compute units that the transaction used.
    ///
    /// # Errors
    /// What the chain said, with the program's log.
    pub fn run(&mut self, section: Section, seed: u64, rounds: u32) -> Result<(u64, u64), String> {
        let mut data = Vec::with_capacity(16);
        data.extend((section as u32).to_le_bytes());
        data.extend(rounds.to_le_bytes());
        data.extend(seed.to_le_bytes());
        self.run_raw(&data)
    }

    /// Asks the referee on-chain, by the data of an account.
    ///
    /// # Errors
    /// What the chain said, with the program's log.
    ///
    /// # Panics
    /// If the chain refuses the account.
    pub fn ask(&mut self, question: &[u8]) -> Result<Answer, String> {
        self.questions += 1;
        let address = self.question;
        let account = Account {
            lamports: 1_000_000_000 + self.questions,
            data: question.to_vec(),
            owner: self.program,
            ..Account::default()
        };
        self.chain.set_account(address, account).expect("the chain takes an account");
        // Transactions of equal bytes are refused: the limit makes them differ.
        let limit = MAXIMUM_COMPUTE_UNITS - (self.questions % 100_000) as u32;
        let accounts = vec![AccountMeta::new_readonly(address, false)];
        let done = self.send(limit, accounts, &[])?;
        let compute_units = done.compute_units_consumed.saturating_sub(AROUND_COMPUTE_UNITS);
        let (heap_bytes, said) =
            done.return_data.data.split_first_chunk().ok_or("the program returned fewer than 4 bytes")?;
        Ok(Answer { compute_units, heap_bytes: u32::from_le_bytes(*heap_bytes), said: said.to_vec() })
    }

    /// Calls the program with instruction data as they are.
    ///
    /// # Errors
    /// What the chain said, with the program's log.
    pub fn run_raw(&mut self, data: &[u8]) -> Result<(u64, u64), String> {
        let done = self.send(MAXIMUM_COMPUTE_UNITS, Vec::new(), data)?;
        let returned = <[u8; 8]>::try_from(done.return_data.data.as_slice())
            .map_err(|_| format!("the program returned {} bytes", done.return_data.data.len()))?;
        Ok((u64::from_le_bytes(returned), done.compute_units_consumed))
    }

    fn send(&mut self, limit: u32, accounts: Vec<AccountMeta>, data: &[u8]) -> Result<TransactionMetadata, String> {
        let instructions = [
            ComputeBudgetInstruction::set_compute_unit_limit(limit),
            ComputeBudgetInstruction::request_heap_frame(HEAP_BYTES),
            Instruction { program_id: self.program, accounts, data: data.to_vec() },
        ];
        let transaction = Transaction::new_signed_with_payer(
            &instructions,
            Some(&self.payer.pubkey()),
            &[&self.payer],
            self.chain.latest_blockhash(),
        );
        self.chain.send_transaction(transaction).map_err(|e| format!("{:?}: {:?}", e.err, e.meta.logs))
    }
}

/// ASSAY_TOOLCHAIN_SO, else deploy/toolchain_program.so in the target folder that this test runs from.
fn compiled_program() -> PathBuf {
    if let Some(path) = env::var_os("ASSAY_TOOLCHAIN_SO") {
        return path.into();
    }
    let executable = env::current_exe().expect("the running test has a path");
    executable
        .ancestors()
        .map(|folder| folder.join("deploy/toolchain_program.so"))
        .find(|path| path.is_file())
        .expect("deploy/toolchain_program.so is not in the target folder: run `cargo xtask test --only program`")
}
