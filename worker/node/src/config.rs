//! The node's settings: a TOML file, every key with a default that is safe.
//!
//! | module | what it is |
//! |---|---|
//! | `breaker` | when the node stops claiming by itself, and when it goes on |
//! | [`keys`] | every key with its meaning, unit and bounds: the one table that all the others use |
//! | `document` | settings as a file that explains itself |
//! | [`layers`] | file, environment and flags, and where each value comes from |
//! | `adapters` | adapters that compute side by side |
//! | `payments` | what is offered to strangers who pay with their first request |
//! | [`change`] | what differs between two settings, and what of it needs a restart |
//! | [`suggest`] | settings for a machine |

mod adapters;
mod breaker;
pub mod change;
mod document;
mod error;
pub mod keys;
pub mod layers;
mod payments;
pub mod suggest;

pub(crate) use adapters::names as adapter_names;
pub use adapters::{AdapterBackend, AdapterSettings};
pub use breaker::{BreakerSettings, MismatchRule};
pub use document::with_value;
pub use error::ConfigError;
pub use layers::Layers;
pub use payments::{OfferedModel, Payments};

use crate::mirror::MirrorSettings;
use assay_chain::{EndpointSettings, FeeSettings};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

/// Where artifacts are served unless the settings say otherwise: on loopback, and beside the ports of every other service.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8910);
/// Where status is served unless the settings say otherwise.
const STATUS_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8911);

/// Which backend computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendChoice {
    /// wgpu if an adapter passes its self-test, else the CPU.
    #[default]
    Auto,
    /// The CPU kernels.
    Cpu,
    /// A GPU through wgpu; the node does not start without one.
    Wgpu,
}

/// What the node checks against the scalar reference before it commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SelfCheck {
    /// Sampled elements of every tensor, on the first run of each graph.
    #[default]
    First,
    /// The same on every run.
    Always,
    /// Nothing. A hardware fault then costs the bond.
    Never,
}

/// Bounds on what a job may ask of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most bytes of one artifact.
    pub max_artifact_bytes: u64,
    /// Most bytes that params and one run may take together.
    pub max_memory_bytes: u64,
    /// Most bytes of the machine's memory that all models, runs and sessions may take together; 0: `max_memory_bytes` for each of
    /// the jobs in work.
    pub max_total_memory_bytes: u64,
    /// Seconds within which all artifacts of a job must have arrived.
    pub fetch_seconds: u64,
    /// Slots that must be left between the estimated end of a run and the job's deadline.
    pub margin_slots: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_artifact_bytes: 1 << 30,
            max_memory_bytes: 4 << 30,
            max_total_memory_bytes: 0,
            fetch_seconds: 60,
            margin_slots: 5,
        }
    }
}

/// What the node does for those who look into its results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serving {
    /// Traces of segments that are computed at a time.
    pub concurrent_segments: usize,
    /// Traces that may wait for that.
    pub queued_segments: usize,
    /// Traces that one address (one IPv6 network) may ask for within a minute, those that are stored not counted.
    pub segments_per_minute: u32,
}

impl Default for Serving {
    fn default() -> Self {
        Self { concurrent_segments: 1, queued_segments: 32, segments_per_minute: 30 }
    }
}

/// How long artifacts stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Slots for which the artifacts of a job that was computed stay after its end, so that its client can still fetch
    /// the result. Before its end, and as long as a challenge can be raised or is open, they always stay.
    pub results_slots: u64,
    /// Seconds for which artifacts stay that were fetched for a job that others took.
    pub unused_seconds: u64,
    /// Bytes of artifacts and results in the node's store from which on no job is claimed until some may be removed; 0: no bound.
    pub most_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { results_slots: 216_000, unused_seconds: 3_600, most_bytes: 0 }
    }
}

/// Which disputes the node can live with, and how it takes part in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Disputes {
    /// Least slots that a job must give the defending side in a dispute: a node that cannot answer in time is convicted.
    pub least_clock_slots: u32,
    /// Least lamports that a job must make challengers prepay for each opening.
    pub least_opening_fee_lamports: u64,
    /// While an answer is due in fewer slots than this, no new jobs are claimed.
    pub low_clock_slots: u64,
    /// For how many whole challenges of each open job the operator key's lamports have to suffice before another job is
    /// claimed. Those that were raised count in any case.
    pub reserved_challenges: u32,
    /// Further RPC endpoints, in the forms that --url takes, for when the first does not answer.
    pub further_endpoints: Vec<String>,
}

impl Default for Disputes {
    fn default() -> Self {
        Self {
            least_clock_slots: 100,
            least_opening_fee_lamports: 0,
            low_clock_slots: 900,
            reserved_challenges: 1,
            further_endpoints: Vec::new(),
        }
    }
}

/// What the node says of itself on-chain. Clients choose by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileSettings {
    /// A bit for each capability, by the list that the network publishes.
    pub capabilities: u64,
    /// The number of the region, 0 to 63.
    pub region: u8,
    /// Cost units that the node promises to do in a slot, whatever else it is doing: the tier follows from it, and a result
    /// that comes later than it promises earns less. 0 promises nothing, and no result is late.
    pub units_per_slot: u64,
}

/// Which sessions the node takes, and how it answers their requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// Whether sessions are accepted. Those that were are served to their end in any case.
    pub enabled: bool,
    /// Most sessions at a time; each keeps a model loaded.
    pub most_sessions: usize,
    /// Most slots that a session may last.
    pub longest_slots: u64,
    /// Least price of a request, in base units of the session's payment mint.
    pub least_price: u64,
    /// Least price of a thousand million operations of the graph at its largest, in base units of the session's payment mint.
    pub least_price_per_giga_operation: u64,
    /// Forms of a session's model, for different values of its symbols, that stay loaded.
    pub loaded_forms: usize,
    /// Requests that are computed at a time, over all sessions.
    pub concurrent_runs: usize,
    /// Requests of one session that may be read or wait at a time.
    pub requests_per_session: usize,
    /// Requests of one address (one IPv6 network) that may be read or wait at a time.
    pub requests_per_address: usize,
    /// Receipts that one address may ask for again within a minute: each is computed again, for nothing.
    pub repeats_per_minute: u32,
    /// Most bytes of the inputs of a request.
    pub most_input_bytes: u64,
    /// Most bytes of inputs that are kept, over all sessions, until no dispute about them can come any more.
    pub most_kept_bytes: u64,
    /// Seconds within which a request must have arrived.
    pub request_seconds: u64,
    /// Slots after which vouchers are recorded while a session goes on.
    pub record_slots: u64,
    /// Payment with the first request, by strangers who have no session.
    pub payments: Payments,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            enabled: true,
            most_sessions: 4,
            longest_slots: 216_000,
            least_price: 1,
            least_price_per_giga_operation: 0,
            loaded_forms: 4,
            concurrent_runs: 1,
            requests_per_session: 8,
            requests_per_address: 16,
            repeats_per_minute: 30,
            most_input_bytes: 16 << 20,
            most_kept_bytes: 4 << 30,
            request_seconds: 20,
            record_slots: 9_000,
            payments: Payments::default(),
        }
    }
}

/// What a job has to pay, and whose graphs are taken. A job has to pay the most that any of these asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    /// Least price of a thousand million operations, in base units of the job's payment mint.
    pub floor_per_giga_operation: u64,
    /// What an hour of this machine costs, in base units of payment mints.
    pub cost_per_hour: u64,
    /// What a job has to pay beyond its share of that, in parts of 10,000.
    pub margin_bps: u32,
    /// Roots of graphs that are taken, in hex; empty: every graph.
    pub allowed_graphs: Vec<String>,
    /// Roots of graphs that are not taken, in hex.
    pub denied_graphs: Vec<String>,
}

/// All settings of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    /// Address on which artifacts are served; it must be reachable at the endpoint that is registered on-chain.
    pub listen: SocketAddr,
    /// Address on which status and health are served; loopback unless told otherwise.
    pub status_listen: SocketAddr,
    /// Which backend computes.
    pub backend: BackendChoice,
    /// Name, or part of it, of the adapter to use.
    pub adapter: Option<String>,
    /// CPU threads; 0 takes every core.
    pub threads: usize,
    /// Adapters that compute side by side; none: what `backend`, `adapter` and `threads` say.
    pub adapters: Vec<AdapterSettings>,
    /// Jobs in work at a time.
    pub concurrent_jobs: usize,
    /// Loaded models that stay in memory, on each adapter; those that a promise or a session needs stay in any case.
    pub cached_models: usize,
    /// Bytes that loaded models may take on each adapter; those that a promise or a session needs stay in any case.
    pub cached_model_bytes: u64,
    /// Least price of a job, in base units of its payment mint.
    pub price_floor: u64,
    /// Payment mints that are accepted, base58; empty: every mint that the network allows.
    pub accepted_mints: Vec<String>,
    /// What is checked against the scalar reference.
    pub self_check: SelfCheck,
    /// Whether artifacts may be fetched from loopback and private addresses. Strangers choose those addresses: on a
    /// public network this lets them make the node send requests inside the operator's own.
    pub allow_private_addresses: bool,
    /// Whether payments are withdrawn to the withdraw authority's token account as soon as a job settles.
    pub withdraw_payments: bool,
    /// What jobs have to pay.
    pub prices: Prices,
    /// Bounds on jobs.
    pub limits: Limits,
    /// Traces of segments for those who look into results.
    pub serving: Serving,
    /// How long artifacts stay.
    pub retention: Retention,
    /// Results once more in a store of the operator's.
    pub mirror: MirrorSettings,
    /// Disputes.
    pub disputes: Disputes,
    /// When the node stops claiming by itself.
    pub breaker: BreakerSettings,
    /// When an RPC endpoint is left for another one.
    pub endpoints: EndpointSettings,
    /// What is paid for priority.
    pub fees: FeeSettings,
    /// Sessions.
    pub sessions: Sessions,
    /// What the node says of itself.
    pub profile: ProfileSettings,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            status_listen: STATUS_LISTEN,
            backend: BackendChoice::Auto,
            adapter: None,
            threads: 0,
            adapters: Vec::new(),
            concurrent_jobs: 2,
            cached_models: 4,
            cached_model_bytes: 8 << 30,
            price_floor: 1,
            accepted_mints: Vec::new(),
            self_check: SelfCheck::First,
            allow_private_addresses: false,
            withdraw_payments: true,
            prices: Prices::default(),
            limits: Limits::default(),
            serving: Serving::default(),
            retention: Retention::default(),
            mirror: MirrorSettings::default(),
            disputes: Disputes::default(),
            breaker: BreakerSettings::default(),
            endpoints: EndpointSettings::default(),
            fees: FeeSettings::default(),
            sessions: Sessions::default(),
            profile: ProfileSettings::default(),
        }
    }
}

impl NodeConfig {
    /// Reads and validates a TOML file.
    ///
    /// # Errors
    /// The file is missing, has an unknown key or a value out of bounds.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        Ok(Layers::of_file(path).load()?.config)
    }

    /// The settings as a TOML file that explains every key.
    ///
    /// # Errors
    /// Never for settings that are valid; the serialiser's error is passed on all the same.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        document::document(self)
    }

    /// Bytes of the machine's memory for all models, runs and sessions together.
    pub fn total_memory_bytes(&self) -> u64 {
        match self.limits.max_total_memory_bytes {
            0 => self.limits.max_memory_bytes.saturating_mul(u64::try_from(self.concurrent_jobs).unwrap_or(u64::MAX)),
            bytes => bytes,
        }
    }

    /// Checks every value against the bounds of its key.
    ///
    /// # Errors
    /// The first value out of its bounds.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let table = keys::table_of(self)?;
        keys::leaves(&table).into_iter().try_for_each(|(path, value)| keys::check(&path, value))?;
        adapters::check(&self.adapters)?;
        self.sessions.payments.check(self.sessions.least_price, self.sessions.longest_slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_an_empty_file_gives_them() {
        let defaults: NodeConfig = toml::from_str("").unwrap();
        assert_eq!(defaults, NodeConfig::default());
        defaults.validate().unwrap();
        let written = defaults.to_toml().unwrap();
        assert_eq!(toml::from_str::<NodeConfig>(&written).unwrap(), defaults);
    }

    #[test]
    fn credentials_in_addresses_are_refused_and_not_repeated() {
        for text in [
            "[mirror]\nremote = \"s3://KEY:hushhush@artifacts\"",
            "[mirror]\nendpoint = \"https://user:hushhush@s3.example\"",
            "[mirror]\npublic_url = \"https://files.example/a?token=hushhush\"",
        ] {
            let config: NodeConfig = toml::from_str(text).unwrap();
            let error = config.validate().unwrap_err();
            assert!(error.code() == "N0005" && !error.to_string().contains("hushhush"), "{text}: {error}");
        }
    }

    #[test]
    fn values_out_of_bounds_are_refused_by_name() {
        for (text, key) in [
            ("concurrent_jobs = 0", "concurrent_jobs"),
            ("threads = 5000", "threads"),
            ("accepted_mints = [\"x\"]", "accepted_mints"),
            ("[limits]\nfetch_seconds = 0", "limits.fetch_seconds"),
            ("[serving]\nconcurrent_segments = 0", "serving.concurrent_segments"),
            ("[disputes]\nreserved_challenges = 0", "disputes.reserved_challenges"),
            ("[breaker]\npause_slots = 0", "breaker.pause_slots"),
            ("[breaker]\nslow_percent = 100", "breaker.slow_percent"),
            ("[sessions]\nconcurrent_runs = 0", "sessions.concurrent_runs"),
            ("[sessions]\nmost_input_bytes = 0", "sessions.most_input_bytes"),
            ("[prices]\ndenied_graphs = [\"00\"]", "prices.denied_graphs"),
            ("[mirror]\nremote = \"artifacts\"", "mirror.remote"),
            ("[mirror]\npublic_url = \"s3://artifacts\"", "mirror.public_url"),
        ] {
            let config: NodeConfig = toml::from_str(text).unwrap();
            let error = config.validate().unwrap_err();
            assert!(matches!(&error, ConfigError::Value { key: found, .. } if found == key), "{text}: {error}");
        }
    }
}
