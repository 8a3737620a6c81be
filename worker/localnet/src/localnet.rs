//! The chain itself: Surfpool's core in threads of this process.

use crate::error::{LocalnetError, Result};
use assay_chain::{Chain, Endpoint, SendOptions, Sender};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender as ChannelSender};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use surfpool_core::surfnet::locker::SurfnetSvmLocker;
use surfpool_core::surfnet::svm::{SurfnetSvm, SurfnetSvmConfig};
use surfpool_types::{
    BlockProductionMode, RpcConfig, SimnetCommand, SimnetConfig, SimnetEvent, SurfpoolConfig, SvmFeatureConfig,
};

/// How long starting and stopping may take.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// Free ports are found by asking the system; another process may take one before it is used.
const PORT_ATTEMPTS: u32 = 5;

/// How a local chain is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalnetOptions {
    /// Address to listen on.
    pub host: String,
    /// Port of the RPC service; 0 takes a free one.
    pub rpc_port: u16,
    /// Port of the websocket service; 0 takes the one after the RPC port, or a free one if that is free too.
    pub websocket_port: u16,
    /// Length of a slot.
    pub slot_time_ms: u64,
}

impl Default for LocalnetOptions {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), rpc_port: 0, websocket_port: 0, slot_time_ms: 400 }
    }
}

/// A running local chain. It stops when dropped.
#[derive(Debug)]
pub struct Localnet {
    endpoint: Endpoint,
    slot_time_ms: u64,
    commands: ChannelSender<SimnetCommand>,
    /// Ends when the chain does.
    chain_thread: Option<JoinHandle<()>>,
}

impl Localnet {
    /// Starts a chain and waits until it answers. Blocks for about a second: call it outside of async code or through
    /// `spawn_blocking`, or accept the pause.
    ///
    /// `C0201` when a port is taken, `C0202` when it does not start, `C0203` for an impossible slot time.
    pub fn start(options: LocalnetOptions) -> Result<Self> {
        if !(10..=10_000).contains(&options.slot_time_ms) {
            return Err(LocalnetError::SlotTimeInvalid { given: options.slot_time_ms });
        }
        let mut attempt = 1;
        loop {
            let (rpc_port, websocket_port) = ports(&options)?;
            match Self::start_on(&options, rpc_port, websocket_port) {
                Err(LocalnetError::NotStarted { reason }) if options.rpc_port == 0 && attempt < PORT_ATTEMPTS => {
                    tracing::debug!(reason, attempt, "trying other ports");
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn start_on(options: &LocalnetOptions, rpc_port: u16, websocket_port: u16) -> Result<Self> {
        let not_started = |reason: String| LocalnetError::NotStarted { reason };
        let simnet = SimnetConfig {
            offline_mode: true,
            remote_rpc_url: None,
            slot_time: options.slot_time_ms,
            block_production_mode: BlockProductionMode::Clock,
            instruction_profiling_enabled: false,
            ..SimnetConfig::default()
        };
        let svm_config = SurfnetSvmConfig {
            surfnet_id: simnet.surfnet_id.clone(),
            slot_time: simnet.slot_time,
            instruction_profiling_enabled: simnet.instruction_profiling_enabled,
            max_profiles: simnet.max_profiles,
            log_bytes_limit: simnet.log_bytes_limit,
            feature_config: SvmFeatureConfig::default(),
            skip_blockhash_check: false,
        };
        let config = SurfpoolConfig {
            simnets: vec![simnet],
            rpc: RpcConfig {
                bind_host: options.host.clone(),
                bind_port: rpc_port,
                ws_port: websocket_port,
                ..RpcConfig::default()
            },
            ..SurfpoolConfig::default()
        };
        let (svm, events, geyser_events) =
            SurfnetSvm::new(svm_config).map_err(|error| not_started(error.to_string()))?;
        let (commands, commands_in) = crossbeam_channel::unbounded();
        let commands_for_chain = commands.clone();
        let locker = SurfnetSvmLocker::new(svm);
        let (ended, ended_in) = crossbeam_channel::bounded::<String>(1);
        let chain_thread = spawn("localnet", move || {
            let runs = surfpool_core::runloops::start_local_surfnet_runloop(
                locker,
                config,
                commands_for_chain,
                commands_in,
                geyser_events,
            );
            let reason = match hiro_system_kit::nestable_block_on(runs) {
                Ok(()) => "it was stopped".to_owned(),
                Err(error) => error.to_string(),
            };
            let _ = ended.send(reason);
        })?;
        wait_until_started(&events, &ended_in)?;
        // Somebody has to take the events as long as the chain runs.
        spawn("localnet-events", move || events.iter().for_each(log))?;
        let endpoint = Endpoint::parse_with_websocket(
            &format!("http://{}:{rpc_port}", options.host),
            &format!("ws://{}:{websocket_port}", options.host),
        )?;
        Ok(Self { endpoint, slot_time_ms: options.slot_time_ms, commands, chain_thread: Some(chain_thread) })
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Length of a slot.
    pub fn slot_time_ms(&self) -> u64 {
        self.slot_time_ms
    }

    /// A connection to it.
    pub fn chain(&self) -> Chain {
        Chain::new(self.endpoint.clone())
    }

    /// A sender whose intervals fit its slots.
    pub fn sender(&self) -> Sender {
        let slot = Duration::from_millis(self.slot_time_ms);
        let options = SendOptions {
            poll_interval: (slot / 2).clamp(Duration::from_millis(20), Duration::from_millis(200)),
            ..SendOptions::default()
        };
        Sender::new(self.chain(), options)
    }

    /// Stops it and waits until it has. Dropping it does the same.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        let Some(thread) = self.chain_thread.take() else { return };
        let _ = self.commands.send(SimnetCommand::Terminate(None));
        let begun = Instant::now();
        while !thread.is_finished() {
            if begun.elapsed() > STOP_TIMEOUT {
                tracing::warn!("the local chain does not stop and is left behind");
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        if thread.join().is_err() {
            tracing::warn!("the local chain ended with a panic");
        }
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        self.shut_down();
    }
}

fn wait_until_started(events: &Receiver<SimnetEvent>, ended: &Receiver<String>) -> Result<()> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        if let Ok(reason) = ended.try_recv() {
            return Err(LocalnetError::NotStarted { reason });
        }
        match events.recv_timeout(Duration::from_millis(20)) {
            Ok(SimnetEvent::CoreStarted(_)) => return Ok(()),
            Ok(SimnetEvent::Aborted(reason)) => return Err(LocalnetError::NotStarted { reason }),
            Ok(other) => log(other),
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            Err(RecvTimeoutError::Timeout) => {
                return Err(LocalnetError::NotStarted { reason: "it did not become ready in time".to_owned() });
            }
            Err(RecvTimeoutError::Disconnected) => {
                let reason = ended.recv_timeout(STOP_TIMEOUT).unwrap_or_else(|_| "it ended at once".to_owned());
                return Err(LocalnetError::NotStarted { reason });
            }
        }
    }
}

/// The chain's own messages are for those who debug it: a transaction that fails is an error to its sender, not here.
fn log(event: SimnetEvent) {
    match event {
        SimnetEvent::ErrorLog(_, message) | SimnetEvent::WarnLog(_, message) => tracing::debug!("{message}"),
        SimnetEvent::Aborted(reason) => tracing::error!(reason, "the local chain aborted"),
        SimnetEvent::InfoLog(_, message) | SimnetEvent::DebugLog(_, message) => tracing::trace!("{message}"),
        _ => {}
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| LocalnetError::NotStarted { reason: error.to_string() })
}

/// The ports to use: those given, if they are free, else free ones. They are free when this returns.
fn ports(options: &LocalnetOptions) -> Result<(u16, u16)> {
    let rpc = bind(&options.host, options.rpc_port)?;
    let rpc_port = port_of(&rpc)?;
    // Most clients derive the websocket's port by adding one, so that is tried first.
    let websocket = match (options.websocket_port, rpc_port.checked_add(1)) {
        (0, Some(next)) => bind(&options.host, next).or_else(|_| bind(&options.host, 0))?,
        (given, _) => bind(&options.host, given)?,
    };
    Ok((rpc_port, port_of(&websocket)?))
}

fn bind(host: &str, port: u16) -> Result<TcpListener> {
    TcpListener::bind((host, port)).map_err(|error| LocalnetError::PortUnavailable {
        host: host.to_owned(),
        port,
        reason: error.to_string(),
    })
}

fn port_of(listener: &TcpListener) -> Result<u16> {
    let address = listener.local_addr().map_err(|error| LocalnetError::NotStarted { reason: error.to_string() })?;
    Ok(address.port())
}
