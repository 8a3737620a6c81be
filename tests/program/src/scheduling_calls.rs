//! Who may claim: parameters that draw nodes, slot hashes, and the calls that weigh nodes and seal seeds.

use crate::calls::{Call, SYSTEM};
use crate::terms::parameters;
use crate::world::{Job, Node, World};
use assay::fairness::maintenance::MaintenanceRules;
use assay::fairness::reputation::ReputationRules;
use assay::fairness::sortition::OpeningRules;
use assay::fairness::standing::StandingRules;
use assay::instructions::{AnnounceMaintenanceArgs, SetProfileArgs};
use assay::state::{Parameters, Profile, SchedulingParameters, StakeRegister};
use assay::{accounts, address, instruction};
use referee::commit::sha256;
use solana_sdk::hash::Hash;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::slot_hashes::SlotHashes;

/// The rules under which every world begins: all may claim at once.
pub fn scheduling() -> SchedulingParameters {
    SchedulingParameters {
        epoch_slots: 50,
        opening: OpeningRules { delay_slots: 0, step_slots: 0, first_expected: 0, steps: 0 },
        reputation: ReputationRules { fee_per_observation: 25, ..ReputationRules::default() },
        standing: StandingRules {
            recovery_slots: 150,
            jail_slots: 40,
            maximum_jail_slots: 400,
            silence_slots: 60,
            repeat_bps: 100,
            lates_per_tier: 2,
            maintenance: MaintenanceRules { notice_slots: 10, maximum_slots: 100, gap_slots: 300 },
        },
        stake_per_job: 10_000,
        late_price_bps: 5_000,
        correlation_window_slots: 128,
        absent_epochs: 100,
        delegation_multiple_bps: 30_000,
    }
}

/// What these parameters need to be those of a network with something at stake: clocks of hours, a draw, and an unbonding that
/// outlasts both.
pub fn at_stake(mut parameters: Parameters) -> Parameters {
    parameters.dispute.reveal_slots = 150;
    (parameters.dispute.challenger_clock_slots, parameters.dispute.defender_clock_slots) = (9_000, 9_000);
    parameters.scheduling =
        SchedulingParameters { opening: drawn().scheduling.opening, correlation_window_slots: 216_000, ..scheduling() };
    parameters.unbonding_slots = 400 + 300 + (9_000 + 9_000 + 150) * 3 / 2 + 108_000 + 64;
    parameters
}

/// The same with a draw: one node on average two slots after the post, twice as many every three slots, all after four steps.
pub fn drawn() -> Parameters {
    let opening = OpeningRules { delay_slots: 2, step_slots: 3, first_expected: 1, steps: 4 };
    Parameters { scheduling: SchedulingParameters { opening, ..scheduling() }, ..parameters() }
}

/// The hash of a slot on the chains of these tests.
pub fn slot_hash(slot: u64) -> [u8; 32] {
    sha256(&[b"slot", &slot.to_le_bytes()])
}

impl World {
    /// A world in which nodes are drawn, an epoch after the two of it were weighed.
    pub fn with_draw() -> Self {
        let mut world = Self::new();
        world.changes_parameters(drawn());
        world.advance(50);
        world
    }

    /// The chain remembers exactly these slots.
    pub fn remember(&mut self, slots: impl IntoIterator<Item = u64>) {
        let hashes: Vec<_> = slots.into_iter().map(|slot| (slot, Hash::new_from_array(slot_hash(slot)))).collect();
        self.svm.set_sysvar(&SlotHashes::new(&hashes));
    }

    /// Goes to the first slot in which the seed of the job can be sealed, and seals it.
    pub fn seal(&mut self, job: &Job) {
        let wanted = self.read_job(job).sortition.seed_slot;
        self.warp_to(wanted + 1);
        self.remember((wanted.saturating_sub(3)..=wanted).rev());
        let seal = self.seal_seed(job);
        self.accepts(&seal);
    }

    /// Reads the register of stake.
    pub fn stake_register(&self) -> StakeRegister {
        self.read(address::STAKE_REGISTER)
    }

    /// By anyone.
    pub fn create_stake_register(&self, payer: Pubkey) -> Call<accounts::CreateStakeRegister> {
        let accounts = accounts::CreateStakeRegister {
            payer,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            system_program: SYSTEM,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::CreateStakeRegister {})
    }

    /// By the operator.
    pub fn set_profile(&self, node: &Node, profile: Profile) -> Call<accounts::SetProfile> {
        let accounts = accounts::SetProfile {
            operator: node.operator,
            node: node.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::SetProfile { args: SetProfileArgs { profile } })
    }

    /// By the operator.
    pub fn heartbeat(&self, node: &Node) -> Call<accounts::Heartbeat> {
        let accounts = accounts::Heartbeat {
            operator: node.operator,
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: node.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::Heartbeat {})
    }

    /// By the operator.
    pub fn announce_maintenance(
        &self,
        node: &Node,
        start_slot: u64,
        length_slots: u64,
    ) -> Call<accounts::AnnounceMaintenance> {
        let accounts = accounts::AnnounceMaintenance {
            operator: node.operator,
            network: address::NETWORK,
            node: node.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        let args = AnnounceMaintenanceArgs { start_slot, length_slots };
        Call::new(accounts, instruction::AnnounceMaintenance { args })
    }

    /// By nobody in particular.
    pub fn charge_correlation(&self, node: &Node) -> Call<accounts::ChargeCorrelation> {
        let accounts = accounts::ChargeCorrelation {
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: node.address,
            stake_mint: self.stake_mint.address,
            stake_vault: address::stake_vault(),
            token_program: self.stake_mint.program,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::ChargeCorrelation {})
    }

    /// By nobody in particular.
    pub fn weigh_node(&self, node: &Node) -> Call<accounts::WeighNode> {
        let accounts = accounts::WeighNode {
            network: address::NETWORK,
            stake_register: address::STAKE_REGISTER,
            node: node.address,
            event_authority: address::EVENT_AUTHORITY,
            program: assay::ID,
        };
        Call::new(accounts, instruction::WeighNode {})
    }

    /// By nobody in particular.
    pub fn seal_seed(&self, job: &Job) -> Call<accounts::SealSeed> {
        let accounts =
            accounts::SealSeed { job: job.address, event_authority: address::EVENT_AUTHORITY, program: assay::ID };
        Call::new(accounts, instruction::SealSeed {})
    }
}
