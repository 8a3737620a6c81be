//! A local chain with three nodes, and a client that maps parts of one piece of work over them.

use crate::commands::job::{follow_map, missing_parts};
use crate::error::CliError;
use crate::local_market::{Launch, NodeInfo, Processes, has_adapter, start_localnet, start_node};
use crate::output::Output;
use assay_chain::{Chain, Endpoint, SendOptions, Sender, read_keypair};
use assay_client::split::{MapOptions, Mapped, map};
use assay_client::{Client, Terms, Work};
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep};
use assay_localnet::market::TOKEN;
use assay_store::{FetchOptions, LocalStore, ServerOptions, serve};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The market.
pub(super) struct Farm {
    nodes: [NodeInfo; 3],
    client: Client,
    store: LocalStore,
    store_url: String,
    terms: Terms,
    _serving: DropGuard,
}

impl Farm {
    /// Starts everything: the first node on wgpu where there is an adapter, the others on the processor.
    pub(super) async fn open(processes: &Processes, slot_ms: u64, output: Output) -> Result<Self, CliError> {
        output.heading("A local chain and three nodes");
        let progress = output.progress("deploying, registering, staking, compiling kernels, self-tests", 0);
        let (ready, adapter) = tokio::try_join!(start_localnet(processes, slot_ms, 3), has_adapter(processes))?;
        let launch = |name, owner, backend| Launch {
            name,
            owner,
            backend,
            stake: 500 * TOKEN,
            price_floor: TOKEN,
            concurrent_jobs: 2,
            fault: None,
        };
        let (first, second, third) = tokio::try_join!(
            start_node(processes, &ready, launch("node-a", 0, if adapter { "wgpu" } else { "cpu" })),
            start_node(processes, &ready, launch("node-b", 1, "cpu")),
            start_node(processes, &ready, launch("node-c", 2, "cpu")),
        )?;
        progress.done();
        let nodes = [first, second, third];
        for node in &nodes {
            output.say(format!("  {} on {}, {}", node.name, node.backend, node.device));
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let store_url = format!("http://{}", listener.local_addr()?);
        let store = LocalStore::open(processes.folder().join("client-store"))?;
        let stop = CancellationToken::new();
        tokio::spawn(serve(store.clone(), listener, ServerOptions::default(), stop.clone()));
        let fetch = FetchOptions { allow_private: true, ..FetchOptions::default() };
        let chain = Chain::new(Endpoint::parse_with_websocket(&ready.rpc_url, &ready.ws_url)?);
        let sender = Sender::new(chain, SendOptions::default());
        let client = Client::new(sender, read_keypair(&ready.keys.client)?, store.clone(), fetch)?;
        let terms =
            Terms { ramp_hold_slots: 4, ramp_slots: 24, ..Terms::new(ready.payment_mint.parse()?, TOKEN, 2 * TOKEN) };
        Ok(Self { nodes, client, store, store_url, terms, _serving: stop.drop_guard() })
    }

    /// Computes all parts, all of them open at once, and gives the outputs one after the other.
    pub(super) async fn map(&self, parts: &[Work], output: Output) -> Result<(Mapped, Vec<u8>), CliError> {
        let options = MapOptions { at_once: parts.len(), ..MapOptions::default() };
        let mapped = follow_map(parts, output, async |observe| {
            map(&self.client, &self.store, &self.store_url, parts, &self.terms, options, observe).await
        })
        .await;
        match mapped.output() {
            Some(bytes) => Ok((mapped, bytes)),
            None => Err(missing_parts(&mapped)),
        }
    }

    /// What a node of this market is called.
    pub(super) fn name(&self, address: Option<Pubkey>) -> &'static str {
        self.nodes.iter().find(|node| Some(node.address) == address).map_or("-", |node| node.name)
    }
}

/// The output of one job on this machine's processor.
pub(super) fn alone(work: &Work) -> Result<Vec<u8>, CliError> {
    let backend = CpuBackend::new(CpuOptions::default())?;
    let run = backend.load(Arc::clone(&work.resolved), &work.params)?.run(&work.inputs, Keep::Boundary)?;
    Ok(run.tensors.get(&work.output_slot).map(|bytes| bytes.to_vec()).unwrap_or_default())
}
