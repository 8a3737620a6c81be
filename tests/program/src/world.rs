//! A network with clients, nodes and mints.

use crate::governance_calls::allowance;
use crate::program::program_bytes;
use crate::terms::{ComputedResult, parameters, terms};
use crate::tokens::Mint;
use anchor_lang::AccountDeserialize;
use assay::address;
use assay::instructions::PostJobArgs;
use litesvm::LiteSVM;
use referee::commit::sha256;
use solana_sdk::account::Account;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::{Keypair, Signer};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The slot in which every world begins.
pub const FIRST_SLOT: u64 = 1_000;
/// What each party of a new world holds of each mint, in base units.
pub const POCKET: u64 = 1_000_000_000;
/// What each node of a new world has staked.
pub const STAKE: u64 = 100_000;

const LAMPORTS: u64 = 100_000_000_000;
const UPGRADEABLE_LOADER: Pubkey = solana_sdk::pubkey!("BPFLoaderUpgradeab1e11111111111111111111111");

/// A node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its account.
    pub address: Pubkey,
    /// Its cold key.
    pub owner: Pubkey,
    /// Its hot key.
    pub operator: Pubkey,
}

/// A posted job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its account.
    pub address: Pubkey,
    /// Its vault.
    pub vault: Pubkey,
    /// Who posted it.
    pub client: Pubkey,
    /// The client's number for it.
    pub id: u64,
    /// What it is paid in.
    pub mint: Mint,
}

/// A chain with the program, and the keys of everybody on it.
///
/// Every key follows from a name, so every run sees the same addresses, bumps and compute units.
#[derive(Clone)]
pub struct World {
    /// The chain.
    pub svm: LiteSVM,
    pub(crate) keys: HashMap<Pubkey, Arc<Keypair>>,
    payer: Pubkey,
    /// Upgrade authority of the program and authority of the network.
    pub authority: Pubkey,
    /// What nodes stake.
    pub stake_mint: Mint,
    /// An SPL Token mint for payments, which its issuer can freeze.
    pub mint: Mint,
    /// A Token-2022 mint for payments.
    pub mint_2022: Mint,
    /// A client with tokens of every mint.
    pub client: Pubkey,
    /// Another one.
    pub other_client: Pubkey,
    /// A registered node with stake.
    pub node: Node,
    /// Another one.
    pub other_node: Node,
    /// Somebody with tokens and no part in anything.
    pub mallory: Pubkey,
}

impl World {
    /// The program is deployed and a stake mint exists; the network is not initialised.
    pub fn uninitialised() -> Self {
        static FIRST: OnceLock<World> = OnceLock::new();
        FIRST.get_or_init(Self::deploy).clone()
    }

    /// The network is initialised; two mints are allowed; two clients have tokens; two nodes are registered and staked.
    pub fn new() -> Self {
        static FIRST: OnceLock<World> = OnceLock::new();
        FIRST.get_or_init(Self::populate).clone()
    }

    fn deploy() -> Self {
        let unset = Mint { address: Pubkey::default(), program: Pubkey::default(), issuer: Pubkey::default() };
        let nobody = Node { address: Pubkey::default(), owner: Pubkey::default(), operator: Pubkey::default() };
        let mut world = Self {
            svm: LiteSVM::new().with_log_bytes_limit(None),
            keys: HashMap::new(),
            payer: Pubkey::default(),
            authority: Pubkey::default(),
            stake_mint: unset,
            mint: unset,
            mint_2022: unset,
            client: Pubkey::default(),
            other_client: Pubkey::default(),
            node: nobody,
            other_node: nobody,
            mallory: Pubkey::default(),
        };
        world.svm.add_program(assay::ID, program_bytes()).expect("the chain takes the program");
        world.payer = world.rich_key("payer");
        world.authority = world.rich_key("authority");
        world.mallory = world.rich_key("mallory");
        world.set_upgrade_authority(Some(world.authority));
        world.warp_to(FIRST_SLOT);
        world.stake_mint = world.create_mint("stake mint", false);
        world.fund(world.authority, &world.stake_mint.clone(), POCKET);
        world.fund(world.mallory, &world.stake_mint.clone(), POCKET);
        world
    }

    fn populate() -> Self {
        let mut world = Self::uninitialised();
        let initialise = world.initialize_network(parameters());
        world.accepts(&initialise);
        let register = world.create_stake_register(world.payer);
        world.accepts(&register);
        world.mint = world.create_mint("payment mint", true);
        world.mint_2022 = world.create_mint_2022("payment mint 2022");
        world.client = world.rich_key("client");
        world.other_client = world.rich_key("other client");
        let mints = [world.mint, world.mint_2022];
        for mint in &mints {
            world.governs(allowance(mint, 1, 1));
            for party in [world.client, world.other_client, world.mallory, world.authority] {
                world.fund(party, mint, POCKET);
            }
        }
        for client in [world.client, world.other_client] {
            world.fund(client, &world.stake_mint.clone(), 0);
        }
        world.node = world.registered_node("node", STAKE);
        world.other_node = world.registered_node("other node", STAKE);
        world
    }

    /// A key that follows from its name. It can sign from now on.
    pub fn key(&mut self, name: &str) -> Pubkey {
        let keypair = Keypair::new_from_array(sha256(&[name.as_bytes()]));
        let key = keypair.pubkey();
        self.keys.insert(key, Arc::new(keypair));
        key
    }

    /// The keypair of a known key.
    pub fn keypair(&self, key: Pubkey) -> &Keypair {
        &self.keys[&key]
    }

    /// Every key that can sign.
    pub fn known_keys(&self) -> impl Iterator<Item = Pubkey> + '_ {
        self.keys.keys().copied()
    }

    /// A key with lamports.
    pub fn rich_key(&mut self, name: &str) -> Pubkey {
        let key = self.key(name);
        self.svm.airdrop(&key, LAMPORTS).expect("an airdrop");
        key
    }

    /// Pays for every transaction, so that other parties' lamports change only by what the program does.
    pub fn payer(&self) -> Pubkey {
        self.payer
    }

    /// A node that is registered and has `stake`; owner and operator are named after it.
    pub fn registered_node(&mut self, name: &str, stake: u64) -> Node {
        let owner = self.rich_key(&format!("{name} owner"));
        let operator = self.key(&format!("{name} operator"));
        let node = Node { address: address::node(&owner, 0), owner, operator };
        let register = self.register_node(&node, 0, "http://node.example:7001");
        self.accepts(&register);
        self.fund(owner, &self.stake_mint.clone(), POCKET);
        for mint in [self.mint, self.mint_2022] {
            self.fund(owner, &mint, 0);
        }
        if stake > 0 {
            let stake = self.stake(&node, owner, stake);
            self.accepts(&stake);
        }
        node
    }

    /// Posts a job of `client` paid in `mint`; its id is filled in.
    pub fn post(&mut self, client: Pubkey, mint: &Mint, terms: PostJobArgs) -> Job {
        let id = self.next_job_id(client);
        let job = self.job_at(client, id, mint);
        let post = self.post_job(&job, PostJobArgs { job_id: id, ..terms });
        self.accepts(&post);
        job
    }

    /// The addresses of a job.
    pub fn job_at(&self, client: Pubkey, id: u64, mint: &Mint) -> Job {
        let address = address::job(&client, id);
        Job { address, vault: address::vault(&address), client, id, mint: *mint }
    }

    /// The id that the client's next job must have.
    pub fn next_job_id(&self, client: Pubkey) -> u64 {
        self.find::<assay::state::Client>(address::client(&client)).map_or(0, |client| client.next_job_id)
    }

    /// A job that is open to claims.
    pub fn posted(&mut self) -> Job {
        self.post(self.client, &self.mint.clone(), terms())
    }

    /// A job that the node claimed in the slot of its posting, at the minimum price.
    pub fn claimed(&mut self) -> Job {
        let job = self.posted();
        self.claim(&job);
        job
    }

    /// A job with a result.
    pub fn committed(&mut self) -> Job {
        let job = self.claimed();
        self.commit(&job);
        job
    }

    /// A job that ended well; everybody is owed.
    pub fn settled(&mut self) -> Job {
        let job = self.committed();
        self.finalise(&job);
        job
    }

    /// A job whose node never delivered.
    pub fn missed(&mut self) -> Job {
        let job = self.claimed();
        self.miss(&job);
        self.account_for_misses();
        job
    }

    /// A job that its client took back.
    pub fn cancelled(&mut self) -> Job {
        let job = self.posted();
        let cancel = self.cancel_job(&job);
        self.accepts(&cancel);
        job
    }

    /// The node claims.
    pub fn claim(&mut self, job: &Job) {
        let claim = self.claim_job(&self.node, job);
        self.accepts(&claim);
    }

    /// The node commits.
    pub fn commit(&mut self, job: &Job) {
        let result = self.result(job);
        let commit = self.commit_result(&self.node, job, result.args());
        self.accepts(&commit);
    }

    /// The window closes and somebody finalises.
    pub fn finalise(&mut self, job: &Job) {
        let window = self.read_job(job).challenge_deadline().expect("a window");
        self.warp_to(window.last().0 + 1);
        let finalise = self.finalise_job(&self.node, job);
        self.accepts(&finalise);
    }

    /// The run deadline passes and somebody expires the claim.
    pub fn miss(&mut self, job: &Job) {
        let deadline = self.read_job(job).run_deadline().expect("a deadline");
        self.warp_to(deadline.last().0 + 1);
        let expire = self.expire_claim(&self.node, job);
        self.accepts(&expire);
    }

    /// The node accounts for what it missed, and may claim again once it is out of jail.
    pub fn account_for_misses(&mut self) {
        let heartbeat = self.heartbeat(&self.node);
        self.accepts(&heartbeat);
    }

    /// Pays out all that a job owes, by strangers, to the associated token accounts.
    pub fn pay_out(&mut self, job: &Job) {
        use assay::instructions::CreditRole;
        let state = self.read_job(job);
        if state.credits.node > 0 {
            let withdraw = self.withdraw_credit(self.payer, job, CreditRole::Node);
            self.accepts(&withdraw);
        }
        if state.credits.client > 0 {
            let withdraw = self.withdraw_credit(self.payer, job, CreditRole::Client);
            self.accepts(&withdraw);
        }
        if state.charge_credit > 0 {
            let withdraw = self.withdraw_charge(self.payer, job);
            self.accepts(&withdraw);
        }
        if state.credits.fee > 0 {
            let sweep = self.sweep_fee(job);
            self.accepts(&sweep);
        }
    }

    /// A result of the job.
    pub fn result(&self, job: &Job) -> ComputedResult {
        ComputedResult::new(&self.read_job(job).output, &job.id.to_le_bytes())
    }

    /// Reads an account of the program.
    pub fn read<T: AccountDeserialize>(&self, address: Pubkey) -> T {
        self.find(address).unwrap_or_else(|| panic!("there is no account at {address}"))
    }

    /// Reads an account of the program if it exists.
    pub fn find<T: AccountDeserialize>(&self, address: Pubkey) -> Option<T> {
        let account = self.svm.get_account(&address).filter(|account| !account.data.is_empty())?;
        assert_eq!(account.owner, assay::ID);
        Some(T::try_deserialize(&mut &account.data[..]).expect("an account of this type"))
    }

    /// Reads a job.
    pub fn read_job(&self, job: &Job) -> assay::state::Job {
        self.read(job.address)
    }

    /// Reads a node.
    pub fn read_node(&self, node: &Node) -> assay::state::Node {
        self.read(node.address)
    }

    /// Reads the network.
    pub fn network(&self) -> assay::state::Network {
        self.read(address::NETWORK)
    }

    /// Whether there is anything at an address.
    pub fn exists(&self, address: Pubkey) -> bool {
        self.svm.get_account(&address).is_some_and(|account| account.lamports > 0)
    }

    /// Lamports at an address.
    pub fn lamports(&self, address: Pubkey) -> u64 {
        self.svm.get_balance(&address).unwrap_or(0)
    }

    /// The present slot.
    pub fn slot(&self) -> u64 {
        self.svm.get_sysvar::<anchor_lang::prelude::Clock>().slot
    }

    /// Goes to a slot.
    pub fn warp_to(&mut self, slot: u64) {
        self.svm.warp_to_slot(slot);
    }

    /// Lets slots pass.
    pub fn advance(&mut self, slots: u64) {
        self.warp_to(self.slot() + slots);
    }

    /// Sets who may upgrade the program, as the loader's instructions would.
    pub fn set_upgrade_authority(&mut self, authority: Option<Pubkey>) {
        let address = program_data();
        let mut account = self.svm.get_account(&address).expect("program data");
        account.data[12] = u8::from(authority.is_some());
        account.data[13..45].copy_from_slice(authority.unwrap_or_default().as_ref());
        self.svm.set_account(address, account).expect("program data can be written");
    }

    /// A copy of an account under another owner, at an address of its own: what an attacker's program can write.
    pub fn forge(&mut self, original: Pubkey, owner: Pubkey) -> Pubkey {
        let account = self.svm.get_account(&original).expect("something to copy");
        let address = self.key(&format!("forgery of {original} for {owner}"));
        self.svm.set_account(address, Account { owner, ..account }).expect("a forgery can be written");
        address
    }

    /// The instruction that creates an account for a program; the account's key signs.
    pub fn create_account(&self, address: Pubkey, bytes: usize, owner: &Pubkey) -> Instruction {
        let rent = self.svm.minimum_balance_for_rent_exemption(bytes);
        solana_system_interface::instruction::create_account(&self.payer, &address, rent, bytes as u64, owner)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// The account that names the program's upgrade authority.
pub fn program_data() -> Pubkey {
    Pubkey::find_program_address(&[assay::ID.as_ref()], &UPGRADEABLE_LOADER).0
}
