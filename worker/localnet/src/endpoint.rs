//! The bare chain: surfpool's runloop on a thread of its own.

use crate::error::LocalnetError;
use assay_chain::{Chain, Endpoint};
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::net::TcpListener;
use std::time::{Duration, Instant};
use surfpool_core::surfnet::locker::SurfnetSvmLocker;
use surfpool_core::surfnet::svm::{SurfnetSvm, SurfnetSvmConfig};
use surfpool_types::{
    BlockProductionMode, RpcConfig, SimnetCommand, SimnetConfig, SimnetEvent, SurfpoolConfig, SvmFeatureConfig,
};

/// How a localnet runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalnetOptions {
    /// Port of the JSON-RPC service; 0 takes a free one.
    pub rpc_port: u16,
    /// Port of the websocket; 0 takes a free one.
    pub ws_port: u16,
    /// Time between blocks.
    pub slot_ms: u64,
}

impl Default for LocalnetOptions {
    fn default() -> Self {
        Self { rpc_port: 8899, ws_port: 8900, slot_ms: 400 }
    }
}

/// A chain that produces blocks until it is dropped.
#[derive(Debug)]
pub struct Localnet {
    endpoint: Endpoint,
    commands: Sender<SimnetCommand>,
}

/// How long the chain may take to answer.
const START_TIMEOUT: Duration = Duration::from_secs(30);

impl Localnet {
    /// Starts a chain and waits until it answers.
    ///
    /// # Errors
    /// A port is taken, or the chain does not answer in time.
    pub async fn start(options: LocalnetOptions) -> Result<Self, LocalnetError> {
        let (rpc_port, ws_port) = ports(options)?;
        let config = SurfpoolConfig {
            simnets: vec![SimnetConfig {
                offline_mode: true,
                remote_rpc_url: None,
                slot_time: options.slot_ms,
                block_production_mode: BlockProductionMode::Clock,
                airdrop_addresses: Vec::new(),
                // Profiling keeps every transaction's accounts: memory that grows without bound.
                instruction_profiling_enabled: false,
                ..SimnetConfig::default()
            }],
            rpc: RpcConfig { bind_host: "127.0.0.1".to_owned(), bind_port: rpc_port, ws_port, ..RpcConfig::default() },
            ..SurfpoolConfig::default()
        };
        let (commands, events) = spawn(config, options.slot_ms)?;
        let started = tokio::task::spawn_blocking(move || wait_until_started(&events))
            .await
            .map_err(|error| LocalnetError::Start { reason: error.to_string() })?;
        started.map_err(|reason| LocalnetError::Start { reason })?;
        let endpoint = Endpoint::parse_with_websocket(
            &format!("http://127.0.0.1:{rpc_port}"),
            &format!("ws://127.0.0.1:{ws_port}"),
        )?;
        let localnet = Self { endpoint, commands };
        localnet.wait_until_it_answers().await?;
        Ok(localnet)
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    async fn wait_until_it_answers(&self) -> Result<(), LocalnetError> {
        let (chain, started) = (Chain::new(self.endpoint.clone()), Instant::now());
        loop {
            match chain.rpc().get_slot().await {
                Ok(_) => return Ok(()),
                Err(error) if started.elapsed() > START_TIMEOUT => {
                    return Err(LocalnetError::Start { reason: error.to_string() });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        // The thread may already be gone; then there is nothing to stop.
        let _ = self.commands.send(SimnetCommand::Terminate(None));
    }
}

/// Free ports where 0 is asked for. They are only probed: another process may still take one in between.
fn ports(options: LocalnetOptions) -> Result<(u16, u16), LocalnetError> {
    let probe = |port: u16| {
        TcpListener::bind(("127.0.0.1", port))
            .and_then(|listener| listener.local_addr().map(|address| (listener, address.port())))
            .map_err(|error| LocalnetError::Port { port, reason: error.to_string() })
    };
    // Both are held at once, so that they differ.
    let (first, rpc_port) = probe(options.rpc_port)?;
    let (second, ws_port) = probe(options.ws_port)?;
    drop((first, second));
    Ok((rpc_port, ws_port))
}

type Running = (Sender<SimnetCommand>, Receiver<SimnetEvent>);

fn spawn(config: SurfpoolConfig, slot_ms: u64) -> Result<Running, LocalnetError> {
    let failed = |reason: String| LocalnetError::Start { reason };
    let simnet = config.simnets.first().ok_or_else(|| failed("no chain is configured".to_owned()))?;
    let (svm, events, geyser) = SurfnetSvm::new(SurfnetSvmConfig {
        surfnet_id: simnet.surfnet_id.clone(),
        slot_time: slot_ms,
        instruction_profiling_enabled: false,
        max_profiles: simnet.max_profiles,
        log_bytes_limit: simnet.log_bytes_limit,
        feature_config: SvmFeatureConfig::default(),
        skip_blockhash_check: false,
    })
    .map_err(|error| failed(error.to_string()))?;
    let (commands, received) = unbounded();
    let (locker, runloop_commands) = (SurfnetSvmLocker::new(svm), commands.clone());
    std::thread::Builder::new()
        .name("localnet".to_owned())
        .spawn(move || {
            let run = surfpool_core::runloops::start_local_surfnet_runloop(
                locker,
                config,
                runloop_commands,
                received,
                geyser,
            );
            let ended = hiro_system_kit::nestable_block_on(run);
            if let Err(error) = ended {
                tracing::error!(%error, "the local chain ended");
            }
        })
        .map_err(|error| failed(error.to_string()))?;
    Ok((commands, events))
}

/// Waits for the start, then leaves a thread behind that empties the channel: nobody else reads these events.
fn wait_until_started(events: &Receiver<SimnetEvent>) -> Result<(), String> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        match events.recv_deadline(deadline) {
            Ok(SimnetEvent::CoreStarted(_)) => break,
            Ok(SimnetEvent::Aborted(reason)) => return Err(reason.to_string()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    let rest = events.clone();
    std::thread::spawn(move || while rest.recv().is_ok() {});
    Ok(())
}
