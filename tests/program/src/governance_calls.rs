//! Proposals, pauses, migrations and fees that burn: the accounts of each call, and changes carried out in one go.

use crate::calls::{Call, SYSTEM};
use crate::outcome::Outcome;
use crate::tokens::{Mint, associated};
use crate::world::{Job, World};
use assay::address;
use assay::instructions::{PauseNewWorkArgs, ProposeChangeArgs};
use assay::state::{Change, Parameters, Proposal, RewardPool};
use assay::{accounts, instruction};
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;

/// What a proposal can say about a payment mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MintTerms {
    /// Whether new jobs may be posted in it.
    pub enabled: bool,
    /// Base units of the stake mint ...
    pub bond_numerator: u64,
    /// ... for so many of the mint.
    pub bond_denominator: u64,
}

impl MintTerms {
    /// As a change.
    pub fn of(self, mint: &Mint) -> Change {
        let Self { enabled, bond_numerator, bond_denominator } = self;
        Change::SetPaymentMint { mint: mint.address, enabled, bond_numerator, bond_denominator }
    }
}

/// The change that allows a mint.
pub fn allowance(mint: &Mint, bond_numerator: u64, bond_denominator: u64) -> Change {
    Change::AllowPaymentMint { mint: mint.address, bond_numerator, bond_denominator }
}

impl World {
    /// The change that pays fees to the authority's associated token account.
    pub fn fee_withdrawal(&self, mint: &Mint, amount: u64) -> Change {
        Change::WithdrawFees { mint: mint.address, destination: associated(self.authority, mint), amount }
    }

    /// By the authority: the next proposal.
    pub fn propose(&self, change: Change) -> Call<accounts::ProposeChange> {
        let accounts = accounts::ProposeChange {
            authority: self.authority,
            network: address::NETWORK,
            proposal: address::proposal(self.network().proposals),
            mint: change.new_mint(),
            payment_mint: change.recorded_mint().map(|mint| address::payment_mint(&mint)),
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ProposeChange { args: ProposeChangeArgs { change } })
    }

    /// Proposes, which must work; the number of the proposal.
    pub fn proposed(&mut self, change: Change) -> u64 {
        let number = self.network().proposals;
        let propose = self.propose(change);
        self.accepts(&propose);
        number
    }

    /// By nobody in particular; the proposer is the authority.
    pub fn execute_network_change(&self, number: u64) -> Call<accounts::ExecuteNetworkChange> {
        let accounts = accounts::ExecuteNetworkChange {
            network: address::NETWORK,
            proposal: address::proposal(number),
            proposer: self.authority,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ExecuteNetworkChange {})
    }

    /// By anyone, who pays; here by mallory.
    pub fn execute_mint_allowance(&self, number: u64, mint: &Mint) -> Call<accounts::ExecuteMintAllowance> {
        let accounts = accounts::ExecuteMintAllowance {
            payer: self.mallory,
            network: address::NETWORK,
            proposal: address::proposal(number),
            proposer: self.authority,
            mint: mint.address,
            payment_mint: address::payment_mint(&mint.address),
            fee_vault: address::fee_vault(&mint.address),
            token_program: mint.program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ExecuteMintAllowance {})
    }

    /// By nobody in particular.
    pub fn execute_mint_change(&self, number: u64, mint: &Mint) -> Call<accounts::ExecuteMintChange> {
        let accounts = accounts::ExecuteMintChange {
            network: address::NETWORK,
            proposal: address::proposal(number),
            proposer: self.authority,
            payment_mint: address::payment_mint(&mint.address),
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ExecuteMintChange {})
    }

    /// By nobody in particular, to the authority's associated token account.
    pub fn execute_fee_withdrawal(&self, number: u64, mint: &Mint) -> Call<accounts::ExecuteFeeWithdrawal> {
        let accounts = accounts::ExecuteFeeWithdrawal {
            network: address::NETWORK,
            proposal: address::proposal(number),
            proposer: self.authority,
            payment_mint: address::payment_mint(&mint.address),
            mint: mint.address,
            fee_vault: address::fee_vault(&mint.address),
            destination: associated(self.authority, mint),
            token_program: mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ExecuteFeeWithdrawal {})
    }

    /// The instruction that carries a change out.
    pub fn execute(&self, number: u64, change: Change) -> Instruction {
        let mint = |address| {
            let program = self.svm.get_account(&address).map_or(crate::tokens::TOKEN, |mint| mint.owner);
            Mint { address, program, issuer: Pubkey::default() }
        };
        match change {
            Change::AllowPaymentMint { mint: address, .. } => {
                self.execute_mint_allowance(number, &mint(address)).instruction()
            }
            Change::SetPaymentMint { mint: address, .. } => {
                self.execute_mint_change(number, &mint(address)).instruction()
            }
            Change::WithdrawFees { mint: address, destination, .. } => self
                .execute_fee_withdrawal(number, &mint(address))
                .with(|accounts| accounts.destination = destination)
                .instruction(),
            _ => self.execute_network_change(number).instruction(),
        }
    }

    /// A change proposed and carried out in one transaction, as a network without a timelock allows.
    pub fn at_once(&self, change: Change) -> [Instruction; 2] {
        [self.propose(change).instruction(), self.execute(self.network().proposals, change)]
    }

    /// Proposes and carries out a change, which must work.
    pub fn governs(&mut self, change: Change) -> Outcome {
        let instructions = self.at_once(change);
        self.must(&instructions)
    }

    /// Replaces the parameters, which must work.
    pub fn changes_parameters(&mut self, parameters: Parameters) -> Outcome {
        self.governs(Change::Parameters { parameters })
    }

    /// Reads a proposal.
    pub fn read_proposal(&self, number: u64) -> Proposal {
        self.read(address::proposal(number))
    }

    /// Names a guardian, which must work; its key.
    pub fn appointed_guardian(&mut self) -> Pubkey {
        let guardian = self.rich_key("guardian");
        self.governs(Change::Guardian { guardian });
        guardian
    }

    /// By the guardian.
    pub fn veto_proposal(&self, guardian: Pubkey, number: u64) -> Call<accounts::VetoProposal> {
        let accounts = accounts::VetoProposal {
            guardian,
            network: address::NETWORK,
            proposal: address::proposal(number),
            proposer: self.authority,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::VetoProposal {})
    }

    /// By the authority.
    pub fn withdraw_proposal(&self, number: u64) -> Call<accounts::WithdrawProposal> {
        let accounts = accounts::WithdrawProposal {
            authority: self.authority,
            network: address::NETWORK,
            proposal: address::proposal(number),
            proposer: self.authority,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::WithdrawProposal {})
    }

    /// By nobody in particular.
    pub fn close_proposal(&self, number: u64) -> Call<accounts::CloseProposal> {
        let accounts = accounts::CloseProposal {
            proposal: address::proposal(number),
            proposer: self.authority,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CloseProposal {})
    }

    /// By the guardian.
    pub fn pause_new_work(&self, guardian: Pubkey, slots: u64) -> Call<accounts::PauseNewWork> {
        let accounts = accounts::PauseNewWork {
            guardian,
            network: address::NETWORK,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::PauseNewWork { args: PauseNewWorkArgs { slots } })
    }

    /// By anyone, who pays; here by mallory.
    pub fn migrate_network(&self) -> Call<accounts::MigrateNetwork> {
        let accounts = accounts::MigrateNetwork {
            payer: self.mallory,
            network: address::NETWORK,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::MigrateNetwork {})
    }

    /// By anyone, who pays; here by mallory.
    pub fn migrate_job(&self, job: Pubkey) -> Call<accounts::MigrateJob> {
        let accounts = accounts::MigrateJob {
            payer: self.mallory,
            job,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::MigrateJob {})
    }

    /// By anyone, who pays; here by mallory.
    pub fn migrate_node(&self, node: Pubkey) -> Call<accounts::MigrateNode> {
        let accounts = accounts::MigrateNode {
            payer: self.mallory,
            network: address::NETWORK,
            node,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::MigrateNode {})
    }

    /// By anyone, who pays; here by mallory.
    pub fn create_reward_pool(&self) -> Call<accounts::CreateRewardPool> {
        let accounts = accounts::CreateRewardPool {
            payer: self.mallory,
            network: address::NETWORK,
            reward_pool: address::reward_pool(),
            stake_mint: self.stake_mint.address,
            reward_vault: address::reward_vault(),
            token_program: self.stake_mint.program,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CreateRewardPool {})
    }

    /// By nobody in particular.
    pub fn burn_fee(&self, job: &Job) -> Call<accounts::BurnFee> {
        let accounts = accounts::BurnFee {
            network: address::NETWORK,
            reward_pool: address::reward_pool(),
            reward_vault: address::reward_vault(),
            job: job.address,
            vault: job.vault,
            payment_mint: address::payment_mint(&job.mint.address),
            mint: job.mint.address,
            fee_vault: address::fee_vault(&job.mint.address),
            token_program: job.mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::BurnFee {})
    }

    /// Reads the reward pool.
    pub fn reward_pool(&self) -> RewardPool {
        self.read(address::reward_pool())
    }
}

/// What the pool of a world with rewards holds.
pub const REWARDS: u64 = 1_000_000;

impl World {
    /// Allows payments in the stake mint, lets half of each fee in it burn, and fills a reward pool.
    pub fn begin_rewards(&mut self) {
        if !self.exists(address::reward_pool()) {
            let create = self.create_reward_pool();
            self.accepts(&create);
        }
        let stake_mint = self.stake_mint;
        self.governs(allowance(&stake_mint, 1, 1));
        self.governs(Change::FeeBurn { fee_burn_bps: 5_000 });
        self.mint_to(&stake_mint, address::reward_vault(), REWARDS);
        self.mint_to(&stake_mint, associated(self.client, &stake_mint), crate::world::POCKET);
    }

    /// A settled job that was paid in the stake mint at a price of 20,000, whose fee is 500; begins rewards where they have
    /// not begun.
    pub fn settled_in_stake(&mut self) -> Job {
        let stake_mint = self.stake_mint;
        if !self.exists(address::payment_mint(&stake_mint.address)) {
            self.begin_rewards();
        }
        let job = self.post(self.client, &stake_mint, stake_terms());
        self.claim(&job);
        self.commit(&job);
        self.finalise(&job);
        job
    }
}

/// Terms of a job whose price is 20,000.
pub fn stake_terms() -> assay::instructions::PostJobArgs {
    let price = 20_000;
    assay::instructions::PostJobArgs { price_min: price, price_max: price, bond: price, ..crate::terms::terms() }
}
