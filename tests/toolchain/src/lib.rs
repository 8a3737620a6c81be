//! Runs `toolchain-program` in LiteSVM, as compiled to SBPF by the toolchain under test.

use std::env;
use std::fs;
use std::path::PathBuf;

use litesvm::LiteSVM;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::{Keypair, Signer};
use solana_sdk::transaction::Transaction;
use toolchain_program::Section;

/// The heap that the program's allocator counts on.
const HEAP_BYTES: u32 = 256 * 1024;
/// The most that one transaction may use.
const MAXIMUM_COMPUTE_UNITS: u32 = 1_400_000;

/// A chain with the compiled program on it.
pub struct Machine {
    chain: LiteSVM,
    payer: Keypair,
    program: Pubkey,
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
        Self { chain, payer, program }
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

    /// Calls the program with instruction data as they are.
    ///
    /// # Errors
    /// What the chain said, with the program's log.
    pub fn run_raw(&mut self, data: &[u8]) -> Result<(u64, u64), String> {
        let instructions = [
            ComputeBudgetInstruction::set_compute_unit_limit(MAXIMUM_COMPUTE_UNITS),
            ComputeBudgetInstruction::request_heap_frame(HEAP_BYTES),
            Instruction { program_id: self.program, accounts: Vec::new(), data: data.to_vec() },
        ];
        let transaction = Transaction::new_signed_with_payer(
            &instructions,
            Some(&self.payer.pubkey()),
            &[&self.payer],
            self.chain.latest_blockhash(),
        );
        let done = self.chain.send_transaction(transaction).map_err(|e| format!("{:?}: {:?}", e.err, e.meta.logs))?;
        let returned = <[u8; 8]>::try_from(done.return_data.data.as_slice())
            .map_err(|_| format!("the program returned {} bytes", done.return_data.data.len()))?;
        Ok((u64::from_le_bytes(returned), done.compute_units_consumed))
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
