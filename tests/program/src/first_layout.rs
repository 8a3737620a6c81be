//! The market that the first program left on a chain, from the bytes in `fixtures/first-layout`.

use crate::tokens::{Mint, TOKEN, TOKEN_2022};
use crate::world::{Job, Node, World};
use anchor_lang::Discriminator;
use assay::address;
use solana_sdk::account::Account;
use solana_sdk::pubkey::Pubkey;
use std::fs;
use std::path::Path;

/// An account as it was.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its address.
    pub address: Pubkey,
    /// Owner, lamports and bytes.
    pub account: Account,
}

/// Every account, and the slot in which they were recorded.
pub fn recorded() -> (u64, Vec<Recorded>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/first-layout");
    let list = fs::read_to_string(folder.join("accounts.tsv")).expect("the list of accounts");
    let mut lines = list.lines();
    let slot = lines.next().and_then(|line| line.strip_prefix("slot\t")).expect("the slot");
    let accounts = lines.map(|line| {
        let [file, address, owner, lamports] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not an account: {line}")
        };
        let data = fs::read(folder.join(file)).expect("the bytes of an account");
        let owner = owner.parse().expect("an owner");
        let lamports = lamports.parse().expect("lamports");
        let account = Account { lamports, data, owner, ..Account::default() };
        Recorded { address: address.parse().expect("an address"), account }
    });
    (slot.parse().expect("a slot"), accounts.collect())
}

impl World {
    /// The chain as the first program left it, with today's program deployed; nothing is migrated. The parties are those of
    /// [`World::new`], and the keys that `record_accounts` uses.
    pub fn of_the_first_layout() -> Self {
        let mut world = Self::uninitialised();
        let issuer = world.key("issuer");
        world.mint = Mint { address: world.key("payment mint"), program: TOKEN, issuer };
        world.mint_2022 = Mint { address: world.key("payment mint 2022"), program: TOKEN_2022, issuer };
        world.client = world.rich_key("client");
        world.other_client = world.rich_key("other client");
        world.node = world.known_node("node");
        world.other_node = world.known_node("other node");
        for name in ["validator", "other validator"] {
            world.rich_key(&format!("{name} authority"));
            world.rich_key(&format!("{name} auditor"));
        }
        for name in ["challenger", "second", "poster"] {
            world.rich_key(name);
        }
        let (slot, accounts) = recorded();
        for Recorded { address, account } in accounts {
            world.svm.set_account(address, account).expect("an account can be put in its place");
        }
        world.warp_to(slot);
        world
    }

    fn known_node(&mut self, name: &str) -> Node {
        let owner = self.rich_key(&format!("{name} owner"));
        let operator = self.rich_key(&format!("{name} operator"));
        Node { address: address::node(&owner, 0), owner, operator }
    }

    /// The same chain after everything is migrated.
    pub fn migrated() -> Self {
        let mut world = Self::of_the_first_layout();
        let network = world.migrate_network();
        world.accepts(&network);
        let register = world.create_stake_register(world.payer());
        world.accepts(&register);
        for node in world.node_addresses() {
            let call = world.migrate_node(node);
            world.accepts(&call);
        }
        for job in world.job_addresses() {
            let call = world.migrate_job(job);
            world.accepts(&call);
        }
        world
    }

    /// The address of every job on the chain, in any layout.
    pub fn job_addresses(&self) -> Vec<Pubkey> {
        self.addresses_of(assay::state::Job::DISCRIMINATOR)
    }

    /// The address of every node on the chain, in any layout.
    pub fn node_addresses(&self) -> Vec<Pubkey> {
        self.addresses_of(assay::state::Node::DISCRIMINATOR)
    }

    fn addresses_of(&self, discriminator: &[u8]) -> Vec<Pubkey> {
        let accounts = self.svm.get_program_accounts(&assay::ID).into_iter();
        let found = accounts.filter(|(_, account)| account.data.starts_with(discriminator));
        let mut addresses: Vec<Pubkey> = found.map(|(address, _)| address).collect();
        addresses.sort();
        addresses
    }

    /// Every job on the chain, in the order of its client's numbers.
    pub fn all_jobs(&self) -> Vec<Job> {
        let mut jobs: Vec<Job> = self
            .job_addresses()
            .into_iter()
            .map(|key| {
                let state: assay::state::Job = self.read(key);
                let mint = if state.payment_mint == self.mint.address { self.mint } else { self.mint_2022 };
                Job { address: key, vault: state.vault, client: state.client, id: state.job_id, mint }
            })
            .collect();
        jobs.sort_by_key(|job| (job.client, job.id));
        jobs
    }
}
