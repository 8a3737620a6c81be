//! What may be spent: one budget, by its agent, on clusters that were opted in, within limits on-chain and limits given here.

use crate::cluster::{self, AllowedCluster, Cluster};
use crate::error::Refusal;
use assay::budget::Request;
use assay::state::{Budget, Network, PaymentMint};
use assay::units::{Slot, TokenAmount};
use assay::{AssayError, PostJobArgs};
use assay_chain::{Chain, Sender};
use assay_client::Client;
use assay_store::{FetchOptions, LocalStore};
use solana_sdk::hash::Hash;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use std::path::PathBuf;
use tokio::sync::Mutex;

/// What a person allows an agent to spend.
pub struct Spending {
    /// How transactions are sent.
    pub sender: Sender,
    /// The budget's agent.
    pub key: Keypair,
    /// The budget.
    pub budget: Pubkey,
    /// The folder out of which nodes are served what jobs need.
    pub store: PathBuf,
    /// Base URL at which that folder is served.
    pub store_url: String,
    /// Where anything may be spent at all.
    pub clusters: Vec<AllowedCluster>,
    /// Highest maximum price of a job, in base units of the budget's mint; `None`: the budget's own limit alone.
    pub max_price_base_units: Option<u64>,
    /// Most jobs of the budget that may be open when one is posted.
    pub max_open_jobs: u32,
}

impl std::fmt::Debug for Spending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nothing of the key.
        f.debug_struct("Spending")
            .field("budget", &self.budget)
            .field("clusters", &self.clusters)
            .finish_non_exhaustive()
    }
}

/// A budget with its agent's key.
#[derive(Debug)]
pub(crate) struct Purse {
    pub(crate) client: Client,
    pub(crate) budget: Pubkey,
    /// Out of which nodes are served what jobs need: nothing of a stranger's is put into it.
    pub(crate) store: LocalStore,
    pub(crate) store_url: String,
    pub(crate) max_price_base_units: Option<u64>,
    pub(crate) max_open_jobs: u32,
    clusters: Vec<AllowedCluster>,
    /// Two posts at once would count each other's jobs too late.
    pub(crate) posting: Mutex<()>,
}

/// A budget as it is on-chain, with everything that its limits ask.
pub(crate) struct Account {
    pub(crate) genesis: Hash,
    pub(crate) network: Network,
    pub(crate) slot: u64,
    pub(crate) budget: Budget,
    pub(crate) open_jobs: u32,
    pub(crate) next_job_number: u64,
    pub(crate) vault_base_units: u64,
    pub(crate) lamports: u64,
}

impl Account {
    /// Reads a budget.
    ///
    /// # Errors
    /// There is no such budget, or the chain does not answer.
    pub(crate) async fn read(chain: &Chain, address: &Pubkey) -> Result<Self, Refusal> {
        let (genesis, network, slot) = (chain.genesis_hash().await?, chain.network().await?, chain.slot().await?);
        let budget = chain.budget(address).await?;
        let counter = chain.find_client(address).await?.unwrap_or_default();
        let vault = chain.token_mint(&budget.payment_mint).await?.associated_account(address);
        Ok(Self {
            genesis,
            network,
            slot,
            budget,
            open_jobs: counter.open_jobs,
            next_job_number: counter.next_job_id,
            vault_base_units: chain.token_balance(&vault).await?.unwrap_or(0),
            lamports: chain.balance_lamports(address).await?,
        })
    }

    /// What may still be escrowed in this period.
    pub(crate) fn allowance_base_units(&self) -> u64 {
        self.budget.allowance(Slot(self.slot)).map_or(0, |left| left.0)
    }
}

impl Purse {
    pub(crate) fn new(spending: Spending, fetch: FetchOptions) -> Result<Self, Refusal> {
        let store = LocalStore::open(&spending.store)?;
        let client = Client::new(spending.sender, spending.key, store.clone(), fetch)?.out_of(spending.budget);
        Ok(Self {
            client,
            budget: spending.budget,
            store,
            store_url: spending.store_url,
            max_price_base_units: spending.max_price_base_units,
            max_open_jobs: spending.max_open_jobs,
            clusters: spending.clusters,
            posting: Mutex::new(()),
        })
    }

    /// Whether anything may be spent on the cluster at hand.
    ///
    /// # Errors
    /// `Y0301`: it was not opted in.
    pub(crate) fn check_cluster(&self, genesis: Hash, network: &Network) -> Result<(), Refusal> {
        let rpc_url = &self.client.chain().endpoint().rpc_url;
        cluster::check(&self.clusters, &Cluster { genesis, rpc_url, is_development: network.development })
    }

    /// The budget, if this server may spend out of it here and now. Asked before anything is signed.
    ///
    /// # Errors
    /// `Y0301` for a cluster that was not opted in, `Y0302` for the owner's key, the program's `P6341` and `P6342` for a key
    /// that is not the agent's, or no longer.
    pub(crate) async fn open(&self) -> Result<Account, Refusal> {
        let account = Account::read(self.client.chain(), &self.budget).await?;
        self.check_cluster(account.genesis, &account.network)?;
        check_agent(&account.budget, &self.client.address(), account.slot)?;
        Ok(account)
    }

    /// Everything by which a job of these terms would be refused now: by this server, by the budget, by the program.
    pub(crate) fn refusals(&self, account: &Account, arguments: &PostJobArgs, mint: &PaymentMint) -> Vec<Refusal> {
        let key = self.client.address();
        let mut refusals = refusals(account, &key, arguments, self.max_price_base_units, self.max_open_jobs);
        refusals.extend(arguments.validate(&account.network, mint).err().map(Refusal::from));
        refusals
    }
}

/// An agent acts for a budget, and never its owner: who holds the owner's key can change every limit.
fn check_agent(budget: &Budget, key: &Pubkey, slot: u64) -> Result<(), Refusal> {
    if *key == budget.owner {
        return Err(Refusal::new(
            "Y0302",
            "this server holds the key of the budget's owner, who can change every limit; start it with the agent's own key",
        ));
    }
    Ok(budget.check_actor(key, Slot(slot))?)
}

fn refusals(
    account: &Account,
    key: &Pubkey,
    arguments: &PostJobArgs,
    max_price_base_units: Option<u64>,
    max_open_jobs: u32,
) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = check_agent(&account.budget, key, account.slot).err().into_iter().collect();
    let price = arguments.price_max;
    if let Some(most) = max_price_base_units.filter(|most| price > *most) {
        let text = format!("the maximum price is {price}, this server allows {most} base units; offer less");
        refusals.push(Refusal::new("Y0304", text));
    }
    if account.open_jobs >= max_open_jobs {
        let text = format!(
            "{} jobs of the budget are open, this server posts while fewer than {max_open_jobs} are; reclaim those that have ended",
            account.open_jobs
        );
        refusals.push(Refusal::new("Y0305", text));
    }
    let Some(escrow) = price.checked_add(arguments.audit_pot) else {
        refusals.push(AssayError::ArithmeticOverflow.into());
        return refusals;
    };
    let request = Request {
        price_max: TokenAmount(price),
        escrow: TokenAmount(escrow),
        graph_root: arguments.graph_root,
        invited_node: arguments.invited_node,
        open_jobs: account.open_jobs,
    };
    refusals.extend(account.budget.limits.check(&request).err().map(Refusal::from));
    if escrow > account.allowance_base_units() {
        refusals.push(AssayError::BudgetPeriodExhausted.into());
    }
    if escrow > account.vault_base_units {
        let text = format!(
            "{escrow} base units are escrowed and the budget's vault holds {}; its owner has to fund it",
            account.vault_base_units
        );
        refusals.push(Refusal::new("Y0306", text));
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay::budget::BudgetLimits;
    use assay::market::OutputDescriptor;

    const OWNER: Pubkey = Pubkey::new_from_array([1; 32]);
    const AGENT: Pubkey = Pubkey::new_from_array([2; 32]);

    fn account() -> Account {
        let limits = BudgetLimits {
            maximum_job_escrow: 120,
            maximum_period_escrow: 300,
            period_slots: 1_000,
            maximum_price: 100,
            maximum_open_jobs: 3,
            last_slot: 500,
            any_graph: true,
            any_node: true,
            ..BudgetLimits::default()
        };
        Account {
            genesis: Hash::default(),
            network: Network::default(),
            slot: 400,
            budget: Budget { owner: OWNER, agent: AGENT, period_escrowed: 180, limits, ..Budget::default() },
            open_jobs: 1,
            next_job_number: 9,
            vault_base_units: 120,
            lamports: 0,
        }
    }

    fn arguments(price_max: u64, audit_pot: u64) -> PostJobArgs {
        PostJobArgs {
            job_id: 9,
            graph_root: [0; 32],
            params_root: [0; 32],
            inputs_root: [0; 32],
            ir_version: 1,
            symbols: [0; 4],
            output: OutputDescriptor { uid: [0; 8], leaves: 1, depth: 0, boundary_position: 0, boundary_count: 1 },
            price_min: price_max,
            price_max,
            ramp_hold_slots: 0,
            ramp_slots: 0,
            claim_slots: 1,
            run_slots: 1,
            window_slots: 1,
            minimum_stake: 0,
            bond: 1,
            audit_pot,
            audit_cap: 0,
            invited_node: None,
            cost_units: 1,
            filter: None,
            graph_uri: String::new(),
            params_uri: String::new(),
            inputs_uri: String::new(),
            store_uri: String::new(),
        }
    }

    fn codes(account: &Account, price: u64, pot: u64, max_price: Option<u64>, max_open: u32) -> Vec<String> {
        codes_for(&AGENT, account, price, pot, max_price, max_open)
    }

    fn codes_for(
        key: &Pubkey,
        account: &Account,
        price: u64,
        pot: u64,
        max_price: Option<u64>,
        max_open: u32,
    ) -> Vec<String> {
        let refusals = refusals(account, key, &arguments(price, pot), max_price, max_open);
        refusals.into_iter().map(|refusal| refusal.code).collect()
    }

    #[test]
    fn each_limit_is_exact_and_has_its_code() {
        let none: [&str; 0] = [];
        assert_eq!(codes(&account(), 100, 20, Some(100), 2), none, "all limits reached and none passed");
        assert_eq!(codes(&account(), 100, 20, None, 2), none);
        assert_eq!(codes(&account(), 100, 20, Some(99), 2), ["Y0304"]);
        assert_eq!(codes(&account(), 100, 20, None, 1), ["Y0305"]);
        assert_eq!(codes(&account(), 101, 0, None, 2), ["P6344"]);
        assert_eq!(codes(&Account { vault_base_units: 121, ..spent(179) }, 100, 21, None, 2), ["P6345"]);
        assert_eq!(codes(&spent(181), 100, 20, None, 2), ["P6346"]);
        assert_eq!(codes(&Account { open_jobs: 3, ..account() }, 100, 20, None, 9), ["P6347"]);
        assert_eq!(codes(&Account { vault_base_units: 119, ..account() }, 100, 20, None, 2), ["Y0306"]);
        assert_eq!(codes(&account(), u64::MAX, 1, None, 2), ["P6000"]);
    }

    fn spent(period_escrowed: u64) -> Account {
        let mut account = account();
        account.budget.period_escrowed = period_escrowed;
        account
    }

    #[test]
    fn a_key_that_may_not_post_is_among_the_refusals() {
        let revoked = Account { budget: Budget { agent: Pubkey::default(), ..account().budget }, ..account() };
        for (key, account, code) in [
            (OWNER, account(), "Y0302"),
            (AGENT, revoked, "P6341"),
            (AGENT, Account { slot: 501, ..account() }, "P6342"),
        ] {
            assert_eq!(codes_for(&key, &account, 100, 20, None, 2), [code]);
        }
    }

    #[test]
    fn only_the_agent_acts_and_never_the_owner() {
        let budget = account().budget;
        check_agent(&budget, &AGENT, 500).unwrap();
        for (key, slot, code) in
            [(OWNER, 1, "Y0302"), (Pubkey::new_from_array([3; 32]), 1, "P6341"), (AGENT, 501, "P6342")]
        {
            assert_eq!(check_agent(&budget, &key, slot).unwrap_err().code, code);
        }
        let revoked = Budget { agent: Pubkey::default(), ..budget };
        assert_eq!(check_agent(&revoked, &Pubkey::default(), 1).unwrap_err().code, "P6341");
    }
}
