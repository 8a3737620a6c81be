//! The market of the demo: who takes part, and the course of events.

use super::audit::share_of_replay;
use super::dispute::{Caught, Holdings};
use super::jobs::{self, Entry, Following, HONEST_FLOOR, LIARS_FLOOR, LIARS_STAKE, Plan};
use super::report::{Balance, backends_used, balance_table, claim_words, job_table, node_words, validator_words};
use super::verify::{Checked, check};
use super::{Arguments, Summary};
use crate::commands::localnet::Ready;
use crate::error::CliError;
use crate::local_market::{
    Launch, NodeInfo, Processes, ValidatorInfo, has_adapter, settled, start_localnet, start_node, start_validator,
};
use crate::output::{Output, draw_digits};
use assay::state::Job;
use assay::state_machine::JobState;
use assay_chain::instructions::TokenMint;
use assay_chain::{Chain, Endpoint, SendOptions, Sender, read_keypair};
use assay_client::Client;
use assay_localnet::market::TOKEN;
use assay_models::digits::{Image, Prediction};
use assay_node::status::Status;
use assay_store::{FetchOptions, LocalStore, ServerOptions, serve};
use solana_sdk::pubkey::Pubkey;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long nodes get to withdraw what they earned.
const PAYOUT_PATIENCE: Duration = Duration::from_secs(20);

/// How the third node lies: one element of the first tensor that it computes, consistently from there on.
const LIE: &str = "element:element=777,bit=2";

/// Everything that is running.
pub(super) struct Market {
    ready: Ready,
    chain: Chain,
    client: Arc<Client>,
    nodes: Vec<NodeInfo>,
    validator: ValidatorInfo,
    store: LocalStore,
    store_url: String,
    stop: CancellationToken,
}

impl Market {
    /// Starts localnet, nodes and store.
    pub(super) async fn open(processes: &Processes, arguments: &Arguments, output: Output) -> Result<Self, CliError> {
        output.heading("A local chain");
        let progress = output.progress("deploying the program by loader transactions", 0);
        let (ready, adapter) =
            tokio::try_join!(start_localnet(processes, arguments.slot_ms, 3), has_adapter(processes))?;
        progress.done();
        let chain = Chain::new(Endpoint::parse_with_websocket(&ready.rpc_url, &ready.ws_url)?);
        output.say(format!("  {}, a slot every {} ms", ready.rpc_url, arguments.slot_ms));
        output.say(format!("  program {}, deployed by loader transactions", ready.program));

        output.heading("Three nodes, one of which lies, and a validator");
        let progress = output.progress("registering, staking, compiling kernels, self-tests", 0);
        let backend = if adapter { "wgpu" } else { "cpu" };
        let first = Launch {
            name: "node-a",
            owner: 0,
            backend,
            stake: 3_000 * TOKEN,
            price_floor: 3 * TOKEN,
            concurrent_jobs: 2,
            fault: None,
        };
        let second = Launch {
            name: "node-b",
            owner: 1,
            backend: "cpu",
            stake: 500 * TOKEN,
            price_floor: HONEST_FLOOR,
            concurrent_jobs: 2,
            fault: None,
        };
        let third = Launch {
            name: "node-c",
            owner: 2,
            backend: "cpu",
            stake: LIARS_STAKE,
            price_floor: LIARS_FLOOR,
            concurrent_jobs: 1,
            fault: Some(LIE),
        };
        let (first, second, third, validator) = tokio::try_join!(
            start_node(processes, &ready, first),
            start_node(processes, &ready, second),
            start_node(processes, &ready, third),
            start_validator(processes, &ready, "validator"),
        )?;
        progress.done();
        let nodes = vec![first, second, third];
        if !adapter {
            output.note("  no GPU adapter here: all nodes compute on the CPU");
        }
        for node in &nodes {
            output.say(node_words(node));
        }
        output.say(validator_words(&validator));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let store_url = format!("http://{}", listener.local_addr()?);
        let store = LocalStore::open(processes.folder().join("client-store"))?;
        let stop = CancellationToken::new();
        tokio::spawn(serve(store.clone(), listener, ServerOptions::default(), stop.clone()));
        let fetch = FetchOptions { allow_private: true, ..FetchOptions::default() };
        let key = read_keypair(&ready.keys.client)?;
        let client = Client::new(Sender::new(chain.clone(), SendOptions::default()), key, store.clone(), fetch)?;
        Ok(Self { ready, chain, client: Arc::new(client), nodes, validator, store, store_url, stop })
    }

    /// Posts, follows, verifies, pays out.
    pub(super) async fn run(&self, arguments: &Arguments, output: Output) -> Result<Summary, CliError> {
        let before = self.balances().await?;
        let (first_slot, held) = (self.chain.slot().await?, self.holdings().await?);
        let prepared = jobs::prepare(arguments.images_per_job, &self.store, &self.store_url).await?;
        output.heading("A client posts jobs: 500 images, for a price that rises until a node takes it");
        let names: HashMap<Pubkey, &'static str> = self.nodes.iter().map(|node| (node.address, node.name)).collect();
        let (mut entries, following) = jobs::post(prepared, &self.client, &self.ready, &names, output).await?;
        let ended = self.ends(following, output).await?;
        let statuses = self.wait_until_paid(&entries).await;
        output.heading(
            "What became of them (slots: from posting to the end of the challenge window, or to the conviction)",
        );
        output.say(job_table(&entries, &ended, &self.nodes, &statuses).render());
        output.say(claim_words(&ended, &statuses));

        output.heading("The lie: found, challenged and proved by the validator, with nobody watching");
        let caught = self.caught(&entries, &ended, first_slot, held).await?;
        output.say(caught.words());
        output.say(caught.transaction_table().render());
        output.say(caught.payment_table().render());
        let progress = output.progress("checking every output against the scalar reference", 0);
        let (checked, ()) = tokio::try_join!(check(&self.client, &mut entries, &ended), self.reclaim(&ended))?;
        progress.done();
        output.heading("What the network read: label = prediction, or ≠ where it is wrong");
        output.say(picture(&checked));
        let work = entries.iter().find(|entry| entry.plan == Plan::Bargain).map(|entry| entry.work.clone());
        let work = work.ok_or_else(|| CliError::new("A0308", "no job was for the node that lies"))?;
        let audit_share_of_replay = tokio::task::spawn_blocking(move || share_of_replay(&work)).await??;
        let after = self.balances().await?;
        output.heading("Tokens");
        output.say(balance_table(&before, &after).render());
        self.stop.cancel();

        let settled = ended.values().filter(|job| job.state == JobState::Settled).count();
        Ok(Summary {
            jobs: ended.len(),
            settled,
            refunded: ended.len().saturating_sub(settled),
            accuracy: checked.accuracy(),
            bit_exact: checked.bit_exact,
            backends: backends_used(&statuses),
            convicted: ended.values().filter(|job| job.state == JobState::Convicted).count(),
            dispute_transactions: caught.transactions(),
            dispute_compute_units: caught.compute_units(),
            slash_accounted: caught.balances(),
            audit_share_of_replay,
            seconds: 0.0,
        })
    }

    /// What became of the job whose node lies. Its dispute is settled and closed when this returns.
    async fn caught(
        &self,
        entries: &[Entry],
        ended: &HashMap<Pubkey, Job>,
        first_slot: u64,
        before: Holdings,
    ) -> Result<Caught, CliError> {
        let entry = entries.iter().find(|entry| entry.plan == Plan::Bargain);
        let job = entry.and_then(|entry| ended.get(&entry.posted.address));
        let (Some(entry), Some(job)) = (entry, job.filter(|job| job.state == JobState::Convicted)) else {
            let state = job.map(|job| job.state);
            return Err(CliError::new(
                "A0308",
                format!("the job of the node that lies ended as {state:?} and not convicted; see the logs"),
            ));
        };
        let record = settled(&self.validator, &entry.posted.address).await?;
        let receipts = self.chain.receipts(&self.validator.key, first_slot).await?;
        let after = self.holdings().await?;
        Ok(Caught::new(entry.posted.job_id, job, &record, receipts, before, after))
    }

    /// What the conviction will change.
    async fn holdings(&self) -> Result<Holdings, CliError> {
        let liar = self.nodes.iter().find(|node| node.lies);
        let liar = liar.ok_or_else(|| CliError::new("A0308", "no node of this market lies"))?;
        Holdings::of(&self.chain, &self.ready.stake_mint.parse()?, liar, &self.validator).await
    }

    /// Collects the ends of all jobs.
    async fn ends(&self, mut following: Following, output: Output) -> Result<HashMap<Pubkey, Job>, CliError> {
        let progress = output.progress("jobs ended", following.len() as u64);
        let mut ended = HashMap::new();
        while let Some(done) = following.join_next().await {
            let done = done??;
            ended.insert(done.address, done.job);
            progress.set(ended.len() as u64);
        }
        progress.done();
        Ok(ended)
    }

    /// Nodes withdraw by themselves shortly after the end.
    async fn wait_until_paid(&self, entries: &[Entry]) -> Vec<Status> {
        let http = reqwest::Client::new();
        let expected = entries.iter().filter(|entry| matches!(entry.plan, Plan::Settle { .. })).count() as u64;
        let started = Instant::now();
        loop {
            let mut statuses: Vec<Status> = Vec::new();
            for node in &self.nodes {
                let url = format!("http://{}/v1/status", node.status);
                if let Ok(answer) = http.get(url).send().await
                    && let Ok(status) = answer.json().await
                {
                    statuses.push(status);
                }
            }
            let paid: u64 = statuses.iter().map(|status| status.totals.paid).sum();
            if paid >= expected || started.elapsed() > PAYOUT_PATIENCE {
                return statuses;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Takes back what jobs still hold, all of them at once.
    async fn reclaim(&self, ended: &HashMap<Pubkey, Job>) -> Result<(), CliError> {
        let mut reclaiming = JoinSet::new();
        for &address in ended.keys() {
            let client = Arc::clone(&self.client);
            reclaiming.spawn(async move { client.reclaim(&address).await });
        }
        while let Some(done) = reclaiming.join_next().await {
            done??;
        }
        Ok(())
    }

    /// Tokens of everybody who takes part.
    async fn balances(&self) -> Result<Vec<Balance>, CliError> {
        let mint = TokenMint::spl_token(self.ready.payment_mint.parse()?);
        let mut owners = vec![("client".to_owned(), self.client.address(), None)];
        for node in &self.nodes {
            owners.push((format!("{} ({})", node.name, node.backend), node.owner, Some(node.address)));
        }
        let mut balances = Vec::new();
        for (name, owner, node) in owners {
            let stake = match node {
                Some(node) => Some(self.chain.node(&node).await?.stake),
                None => None,
            };
            balances.push(Balance {
                name,
                tokens: self.chain.token_balance(&mint.associated_account(&owner)).await?.unwrap_or(0),
                stake,
                lamports: Some(self.chain.balance_lamports(&owner).await?),
            });
        }
        let fees = self.chain.token_balance(&assay::address::fee_vault(&mint.address)).await?.unwrap_or(0);
        balances.push(Balance { name: "protocol fees".to_owned(), tokens: fees, stake: None, lamports: None });
        Ok(balances)
    }
}

/// Two mistakes, if there are as many, and three other digits that are right.
fn picture(checked: &Checked) -> String {
    let is_right = |pair: &&(Image, Prediction)| pair.0.label == pair.1.class;
    let mut shown: Vec<&(Image, Prediction)> =
        checked.predictions.iter().filter(|pair| !is_right(pair)).take(2).collect();
    for pair in checked.predictions.iter().filter(is_right) {
        if shown.len() == 5 {
            break;
        }
        if shown.iter().all(|other| other.0.label != pair.0.label) {
            shown.push(pair);
        }
    }
    let shown: Vec<(&Image, &Prediction)> = shown.into_iter().map(|(image, prediction)| (image, prediction)).collect();
    draw_digits(&shown)
}
