//! Every key of the settings: what it means, in which unit, what is allowed, and whether a running node takes it up. The file that
//! `assay node config generate` writes, the checks, the environment's variables and the reload all come from this one table.

use super::{AdapterSettings, ConfigError, NodeConfig, OfferedModel};
use assay_chain::Endpoint;
use assay_chain::endpoint::shown_listed;
use assay_chain::keys::looks_secret;
use assay_store::RemoteAddress;
use solana_sdk::pubkey::Pubkey;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::{Table, Value};

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// A whole number from the first to the last.
    Number(u64, u64),
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Words(&'static [&'static str]),
    /// An address and a port to listen at.
    Address,
    /// Any text.
    Text,
    /// The address of a remote store, or nothing.
    Remote,
    /// An http(s) address without anything secret, or nothing.
    Url,
    /// A list of addresses of token mints, base58.
    Mints,
    /// A list of RPC endpoints in the forms that `--url` takes.
    Endpoints,
    /// A list of roots of graphs: 64 digits of hex each.
    Roots,
    /// A list of models that are offered: tables of their own.
    Models,
    /// A list of adapters: tables of their own.
    Adapters,
}

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its section and name: `limits.fetch_seconds`.
    pub path: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// The unit of its values; nothing where they have none.
    pub unit: Option<&'static str>,
    /// What is allowed.
    pub bounds: Bounds,
    /// Whether a running node takes it up; others need a restart.
    pub is_live: bool,
}

const fn key(
    path: &'static str,
    unit: Option<&'static str>,
    bounds: Bounds,
    is_live: bool,
    meaning: &'static str,
) -> Key {
    Key { path, meaning, unit, bounds, is_live }
}

use Bounds::{Adapters, Address, Endpoints, Mints, Models, Number, Remote, Roots, Switch, Text, Url, Words};

/// The greatest number that a TOML file can hold.
const ANY: u64 = i64::MAX as u64;
const JOBS: Option<&str> = Some("jobs");
const BYTES: Option<&str> = Some("bytes");
const SECONDS: Option<&str> = Some("seconds");
const SLOTS: Option<&str> = Some("slots, of about 0.4 s");
const LAMPORTS: Option<&str> = Some("lamports");
const PRICE: Option<&str> = Some("base units of the payment mint");

/// All keys in the order in which files have them. A section's keys stand together, those without one first.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("listen", None, Address, false, "Address on which artifacts are served; it must be reachable at the endpoint that is registered on-chain."),
    key("status_listen", None, Address, false, "Address on which status and health are served; loopback, unless everybody may read them."),
    key("backend", None, Words(&["auto", "cpu", "wgpu"]), false, "Which backend computes: auto takes wgpu if an adapter passes its self-test, else the CPU; wgpu does not start without one."),
    key("adapter", None, Text, false, "Name, or part of it, of the adapter to use; the fastest kind without one. `assay node adapters` lists them."),
    key("threads", Some("CPU threads"), Number(0, 1_024), false, "Threads of the CPU kernels; 0 takes every core."),
    key("adapters", None, Adapters, false, "Adapters that compute side by side, each with a queue of its own: tables as { backend = \"cpu\", threads = 4 } or { backend = \"wgpu\", adapter = \"H200\" }, each also with name and memory_bytes where wanted. None listed: what backend, adapter and threads say."),
    key("concurrent_jobs", JOBS, Number(1, 64), false, "Jobs in work at a time."),
    key("cached_models", Some("models"), Number(1, 1_024), false, "Loaded models that stay in memory, on each adapter; those that a promise or a session needs stay in any case."),
    key("cached_model_bytes", BYTES, Number(1 << 20, 1 << 44), false, "What loaded models may take on each adapter, those used longest ago leave first; those that a promise or a session needs stay in any case."),
    key("price_floor", PRICE, Number(0, ANY), true, "Least price of a job. It is declared on-chain, so that clients know."),
    key("accepted_mints", None, Mints, true, "Payment mints that are accepted; none listed: every mint that the network allows."),
    key("self_check", None, Words(&["first", "always", "never"]), false, "When sampled elements are compared with the scalar reference before a commitment: on the first run of each graph, always, or never. With never, a hardware fault costs the bond."),
    key("allow_private_addresses", None, Switch, false, "Whether artifacts may be fetched from loopback and private addresses. Strangers choose those addresses: true is for networks of one's own."),
    key("withdraw_payments", None, Switch, true, "Whether payments are withdrawn to the withdraw authority's token account as soon as a job settles."),

    key("prices.floor_per_giga_operation", PRICE, Number(0, ANY), true, "Least price of a thousand million operations; 0 asks for nothing."),
    key("prices.cost_per_hour", PRICE, Number(0, ANY), true, "What an hour of this machine costs. A job has to pay its share, by how long it is thought to run here; 0 asks for nothing."),
    key("prices.margin_bps", Some("parts of 10,000"), Number(0, 1_000_000), true, "What a job has to pay beyond its share of the cost."),
    key("prices.allowed_graphs", None, Roots, true, "Roots of the graphs that are taken, in hex; none listed: every graph."),
    key("prices.denied_graphs", None, Roots, true, "Roots of the graphs that are not taken, in hex."),

    key("limits.max_artifact_bytes", BYTES, Number(1 << 10, 1 << 40), true, "Most bytes of one artifact: graph, params or inputs."),
    key("limits.max_memory_bytes", BYTES, Number(1 << 20, 1 << 44), true, "Most bytes that params and one run may take together."),
    key("limits.max_total_memory_bytes", BYTES, Number(0, 1 << 46), true, "Most of the machine's memory that all models, runs and sessions may take together: no job is claimed that does not fit beside what is promised. 0: max_memory_bytes for each of concurrent_jobs."),
    key("limits.fetch_seconds", SECONDS, Number(1, 3_600), false, "Within which all artifacts of a job must have arrived."),
    key("limits.margin_slots", SLOTS, Number(0, ANY), true, "What must be left between the estimated end of a run and the job's deadline."),

    key("serving.concurrent_segments", Some("traces"), Number(1, 64), false, "Traces of segments that are computed at a time, for those who look into results."),
    key("serving.queued_segments", Some("traces"), Number(0, 10_000), false, "Traces that may wait for that."),
    key("serving.segments_per_minute", Some("traces a minute"), Number(1, 60_000), false, "Traces that one address (one IPv6 network) may ask for, those that are stored not counted."),

    key("retention.results_slots", SLOTS, Number(0, ANY), true, "How long results stay after their job's end, so that clients can still fetch them. Before, and while a challenge can come, they always stay."),
    key("retention.unused_seconds", SECONDS, Number(0, ANY), true, "How long artifacts stay that were fetched for a job that others took."),
    key("retention.most_bytes", BYTES, Number(0, 1 << 50), true, "Artifacts and results in the node's store from which on no job is claimed until some may be removed; what is needed is never removed. 0: no bound."),

    key("mirror.remote", None, Remote, false, "Store into which results are put once more, so that clients fetch them while the node is away: s3://bucket/prefix, or the http(s) address of a WebDAV folder; empty: none. Credentials come from the environment or AWS's shared files alone."),
    key("mirror.endpoint", None, Url, false, "Address of an S3-compatible service; empty: what AWS_ENDPOINT_URL_S3 says, else AWS's."),
    key("mirror.region", None, Text, false, "The bucket's region; empty: what AWS_REGION or the profile says."),
    key("mirror.virtual_hosted", None, Switch, false, "Whether the bucket's name goes before the service's host, and not into the path."),
    key("mirror.allow_unencrypted", None, Switch, false, "Whether results may go to another machine by http, with the signature or password: true is for networks of one's own."),
    key("mirror.public_url", None, Url, false, "The base URL at which everybody reads what is in the store; the node tells clients. Without it they have to know it."),

    key("disputes.least_clock_slots", SLOTS, Number(0, u32::MAX as u64), true, "Least time that a job must give the defending side in a dispute: a node that cannot answer in time is convicted."),
    key("disputes.least_opening_fee_lamports", LAMPORTS, Number(0, ANY), true, "Least that a job must make challengers prepay for each opening."),
    key("disputes.low_clock_slots", SLOTS, Number(0, ANY), true, "While an answer is due in less than this, no new jobs are claimed."),
    key("disputes.reserved_challenges", Some("challenges of each open job"), Number(1, 64), true, "For how many whole challenges the operator key's lamports have to suffice before another job is claimed."),
    key("disputes.further_endpoints", None, Endpoints, false, "Further RPC endpoints, for when the first does not answer. Name at least one, of another provider; its websocket follows after a space where it has another address."),

    key("endpoints.most_lag_slots", SLOTS, Number(1, ANY), false, "How far an RPC endpoint may be behind the best one that is known. What is further behind decides nothing, and is left for a fresher one."),
    key("endpoints.return_seconds", SECONDS, Number(1, 86_400), false, "For which an endpoint that stands earlier (--url stands first) must have answered and been level before it is used again."),
    key("endpoints.check_seconds", SECONDS, Number(1, 3_600), false, "Between two looks at all endpoints, where there are several."),

    key("fees.priority", None, Words(&["none", "market", "fixed"]), true, "What is paid for transactions to land sooner: nothing; what was lately paid for the same accounts, more of it the less time is left; or always the same price."),
    key("fees.micro_lamports_per_unit", Some("micro-lamports a compute unit"), Number(0, ANY), true, "The price under the rule fixed."),
    key("fees.most_lamports", LAMPORTS, Number(0, 1_000_000_000), true, "Most that one transaction pays for priority under any rule. What lies ready for the defence of jobs counts with it."),

    key("breaker.failures", Some("failures"), Number(0, 1_000), true, "Runs, commitments or jobs that failed one after the other, after which nothing new is claimed for a while. 0 never stops for them."),
    key("breaker.pause_slots", SLOTS, Number(1, ANY), true, "How long nothing is claimed then. Afterwards one job is tried at a time: when it is kept, claims go on; when it fails, the next pause is twice as long."),
    key("breaker.longest_pause_slots", SLOTS, Number(1, ANY), true, "The longest of these pauses, and of those after slow runs."),
    key("breaker.mismatch", None, Words(&["any", "all"]), true, "Which wrong result of a backend, compared with the scalar reference, stops claims: any, or the one after which no backend is left. What was promised is computed by those that are left."),
    key("breaker.slow_percent", Some("parts of 100"), Number(0, 99), true, "A run is slow if it has less than so much of the speed that the same run had: a device that is too hot. 0 never stops for it."),
    key("breaker.slow_runs", Some("runs"), Number(1, 1_000), true, "Slow runs one after the other, after which nothing new is claimed until the device has cooled."),
    key("breaker.cooling_slots", SLOTS, Number(1, ANY), true, "How long it may cool. Afterwards one job is tried at a time: a run that is not slow ends it, a slow one makes the next pause twice as long."),
    key("breaker.least_lamports", LAMPORTS, Number(0, ANY), true, "While the operator key holds less, nothing new is claimed; claims go on when it holds a quarter more. 0 asks for nothing."),
    key("breaker.disagreement_slots", SLOTS, Number(1, ANY), true, "How far one RPC endpoint may be behind another."),
    key("breaker.disagreement_seconds", SECONDS, Number(0, 86_400), true, "While RPC endpoints have disagreed for so long, in their slots or about this node's account, nothing new is claimed, until they have agreed for as long. 0 compares nothing."),

    key("sessions.enabled", None, Switch, true, "Whether sessions are accepted. Those that were are served to their end in any case."),
    key("sessions.most_sessions", Some("sessions"), Number(0, 256), true, "Most sessions at a time; each keeps a model loaded."),
    key("sessions.longest_slots", SLOTS, Number(0, ANY), true, "Most that a session may last."),
    key("sessions.least_price", PRICE, Number(0, ANY), true, "Least price of a request."),
    key("sessions.least_price_per_giga_operation", PRICE, Number(0, ANY), true, "Least price of a thousand million operations of the graph at its largest."),
    key("sessions.loaded_forms", Some("forms"), Number(1, 256), true, "Forms of a session's model, for different values of its symbols, that stay loaded. For sessions that are accepted from then on."),
    key("sessions.concurrent_runs", Some("requests"), Number(1, 64), false, "Requests that are computed at a time, over all sessions."),
    key("sessions.requests_per_session", Some("requests"), Number(1, 1_024), true, "Requests of one session that may be read or wait at a time. For sessions that are accepted from then on."),
    key("sessions.requests_per_address", Some("requests"), Number(1, 1_024), false, "Requests of one address (one IPv6 network) that may be read or wait at a time."),
    key("sessions.repeats_per_minute", Some("receipts a minute"), Number(1, 60_000), false, "Receipts that one address may ask for again: each is computed again, for nothing."),
    key("sessions.most_input_bytes", BYTES, Number(1 << 10, 1 << 30), true, "Most bytes of the inputs of a request. For sessions that are accepted from then on."),
    key("sessions.most_kept_bytes", BYTES, Number(1 << 20, 1 << 44), true, "Most bytes of inputs that are kept, over all sessions, until no dispute about them can come any more."),
    key("sessions.request_seconds", SECONDS, Number(1, 3_600), true, "Within which a request must have arrived."),
    key("sessions.record_slots", SLOTS, Number(1, ANY), true, "After which vouchers are recorded while a session goes on."),

    key("sessions.payments.enabled", None, Switch, false, "Whether strangers may pay with their first request (x402). Sessions that were opened like this go on in any case."),
    key("sessions.payments.most_pending", Some("payments"), Number(1, 256), false, "Payments that may be under way at a time: sent and not confirmed, or confirmed and not accepted."),
    key("sessions.payments.payments_per_minute", Some("payments a minute"), Number(1, 60_000), false, "Payments that one address (one IPv6 network) may send."),
    key("sessions.payments.wait_seconds", SECONDS, Number(1, 25), false, "Within which a payment is answered, be it that it is not confirmed yet: then the client sends it again. Connections are silent for 30 at most."),
    key("sessions.payments.models", None, Models, false, "The models that are offered; `assay node offer` adds one."),

    key("profile.capabilities", None, Number(0, ANY), true, "A bit for each capability, by the list that the network publishes. Clients choose by it, as by all of the profile."),
    key("profile.region", None, Number(0, 63), true, "The number of the region."),
    key("profile.units_per_slot", Some("cost units a slot"), Number(0, ANY), true, "What the node promises to do, whatever else it is doing: the tier follows from it, and a result that comes later earns less. 0 promises nothing. `assay node benchmark` measures it."),
];

/// The key of this path.
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The path that is most like `given`, if one is like it: by its whole, or by its name alone where it has no section.
pub fn nearest(given: &str) -> Option<&'static str> {
    let name = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let distance = |path: &str| {
        let whole = strsim::damerau_levenshtein(given, path);
        let of_names = strsim::damerau_levenshtein(&name(given), &name(path));
        // In the wrong section stands better than misspelt.
        whole.min(of_names.saturating_add(1))
    };
    let (path, far) = KEYS.iter().map(|key| (key.path, distance(key.path))).min_by_key(|(_, far)| *far)?;
    (far <= 1 + given.len() / 4).then_some(path)
}

/// What to do about a key that there is not.
pub fn advice(given: &str) -> String {
    match nearest(given) {
        Some(path) => format!("did you mean {path}?"),
        None => "`assay node config generate` writes a file with all keys".to_owned(),
    }
}

/// The settings as a table.
pub(super) fn table_of(config: &NodeConfig) -> Result<Table, ConfigError> {
    Table::try_from(config)
        .map_err(|error| ConfigError::Parse { path: PathBuf::from("settings"), reason: error.to_string() })
}

/// Every value that is not a table, with its path.
pub(super) fn leaves(table: &Table) -> Vec<(String, &Value)> {
    fn walk<'a>(prefix: &str, table: &'a Table, into: &mut Vec<(String, &'a Value)>) {
        for (name, value) in table {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                Value::Table(inner) => walk(&path, inner, into),
                other => into.push((path, other)),
            }
        }
    }
    let mut all = Vec::new();
    walk("", table, &mut all);
    all
}

/// Checks the kind and the bounds of a value. A key that there is not is another's to refuse.
pub(super) fn check(path: &str, value: &Value) -> Result<(), ConfigError> {
    let Some(key) = find(path) else { return Ok(()) };
    let is_address = matches!(key.bounds, Bounds::Remote | Bounds::Url);
    if texts(value).any(|text| looks_secret(text) || (is_address && carries_secret(text))) {
        return Err(ConfigError::Secret { key: path.to_owned() });
    }
    if key.bounds.allows(value) {
        return Ok(());
    }
    Err(ConfigError::Value { key: path.to_owned(), value: shown(key, value).to_string(), rule: key.bounds.rule() })
}

/// A value as it may be shown: of RPC endpoints, in which there may be keys, only the hosts.
pub fn shown(key: &Key, value: &Value) -> Value {
    match (key.bounds, value) {
        (Bounds::Endpoints, Value::Array(items)) => {
            Value::Array(items.iter().map(|item| Value::String(shown_endpoint(item))).collect())
        }
        (Bounds::Endpoints, other) => Value::String(shown_endpoint(other)),
        (_, other) => other.clone(),
    }
}

fn shown_endpoint(value: &Value) -> String {
    value.as_str().map_or_else(|| format!("({})", value.type_str()), shown_listed)
}

/// Whether an address has a user name, a password or a query in it.
fn carries_secret(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    host.contains(['@', '?', '#']) || path.contains(['?', '#'])
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let listed = value.as_array().map(Vec::as_slice).unwrap_or_default();
    std::iter::once(value).chain(listed).filter_map(Value::as_str)
}

impl Bounds {
    /// Whether a value is of the kind, and within.
    pub(super) fn allows(self, value: &Value) -> bool {
        let every = |is_right: fn(&str) -> bool| {
            value.as_array().is_some_and(|items| items.iter().all(|item| item.as_str().is_some_and(is_right)))
        };
        match self {
            Self::Number(low, high) => value
                .as_integer()
                .and_then(|number| u64::try_from(number).ok())
                .is_some_and(|number| (low..=high).contains(&number)),
            Self::Switch => value.is_bool(),
            Self::Words(words) => value.as_str().is_some_and(|given| words.contains(&given)),
            Self::Address => value.as_str().is_some_and(|given| given.parse::<SocketAddr>().is_ok()),
            Self::Text => value.is_str(),
            Self::Remote => value.as_str().is_some_and(|given| given.is_empty() || RemoteAddress::parse(given).is_ok()),
            Self::Url => value.as_str().is_some_and(|given| {
                given.is_empty() || matches!(RemoteAddress::parse(given), Ok(RemoteAddress::Http(_)))
            }),
            Self::Mints => every(|item| item.parse::<Pubkey>().is_ok()),
            Self::Endpoints => every(|item| Endpoint::parse_listed(item).is_ok()),
            Self::Roots => every(|item| item.len() == 64 && hex::decode(item).is_ok()),
            Self::Models => value
                .as_array()
                .is_some_and(|items| items.iter().all(|item| item.clone().try_into::<OfferedModel>().is_ok())),
            Self::Adapters => value
                .as_array()
                .is_some_and(|items| items.iter().all(|item| item.clone().try_into::<AdapterSettings>().is_ok())),
        }
    }

    /// What is allowed, for people.
    pub fn rule(self) -> String {
        match self {
            Self::Number(low, ANY) => format!("allowed is a whole number, {} or more", grouped(low)),
            Self::Number(low, high) => format!("allowed are {} to {}", grouped(low), grouped(high)),
            Self::Switch => "allowed are true and false".to_owned(),
            Self::Words(words) => format!("allowed are {}", words.join(", ")),
            Self::Address => "allowed is an address with a port, as \"127.0.0.1:8910\"".to_owned(),
            Self::Text => "allowed is a text".to_owned(),
            Self::Remote => "allowed is s3://bucket/prefix, or an http(s) address, without credentials".to_owned(),
            Self::Url => "allowed is an http(s) address without user name, password, query and fragment".to_owned(),
            Self::Mints => "allowed is a list of addresses of token mints, base58".to_owned(),
            Self::Endpoints => "allowed is a list of http(s):// addresses, or of l, d, t, m".to_owned(),
            Self::Roots => "allowed is a list of roots of graphs, 64 digits of hex each".to_owned(),
            Self::Models => "allowed is a list of tables as `assay node offer` writes them".to_owned(),
            Self::Adapters => {
                "allowed is a list of tables with backend, and name, adapter, threads, memory_bytes".to_owned()
            }
        }
    }

    /// A value out of a text, as the environment and flags have it; lists have commas. `None` if it can be none of the kind.
    pub(super) fn parse(self, text: &str) -> Option<Value> {
        match self {
            Self::Number(..) => text.replace('_', "").parse().ok().map(Value::Integer),
            Self::Switch => text.parse().ok().map(Value::Boolean),
            Self::Words(_) | Self::Address | Self::Text | Self::Remote | Self::Url => {
                Some(Value::String(text.to_owned()))
            }
            // A list of tables does not fit a line of the environment.
            Self::Models | Self::Adapters => None,
            Self::Mints | Self::Endpoints | Self::Roots => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
            }
        }
    }
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Settings with a value for every key, optional ones too.
    fn whole() -> NodeConfig {
        NodeConfig { adapter: Some(String::new()), ..NodeConfig::default() }
    }

    #[test]
    fn the_table_has_exactly_the_keys_of_the_settings() {
        let table = table_of(&whole()).unwrap();
        let of_settings: BTreeSet<String> = leaves(&table).into_iter().map(|(path, _)| path).collect();
        let of_table: BTreeSet<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
        assert_eq!(of_table, of_settings);
        assert_eq!(of_table.len(), KEYS.len(), "each once");
    }

    #[test]
    fn every_default_is_of_its_kind_and_within_its_bounds_and_everything_beyond_is_refused() {
        for (path, value) in leaves(&table_of(&whole()).unwrap()) {
            check(&path, value).unwrap();
            assert!(check(&path, &Value::Datetime("1979-05-27".parse().unwrap())).is_err(), "{path}");
            let Bounds::Number(low, high) = find(&path).unwrap().bounds else { continue };
            let number = |number: u64| Value::Integer(i64::try_from(number).unwrap());
            for within in [low, high] {
                check(&path, &number(within)).unwrap();
            }
            assert!(check(&path, &Value::Integer(-1)).is_err(), "{path}");
            for beyond in [low.checked_sub(1), (high < ANY).then(|| high + 1)].into_iter().flatten() {
                let error = check(&path, &number(beyond)).unwrap_err();
                assert!(error.code() == "N0003" && error.to_string().contains(&path), "{error}");
            }
        }
    }

    #[test]
    fn each_key_says_what_it_means_in_a_sentence() {
        for key in KEYS {
            assert!(key.meaning.ends_with('.') && key.meaning.len() > 15, "{key:?}");
            assert!(!key.meaning.contains('\n'), "{key:?}");
        }
    }

    #[test]
    fn the_nearest_key_is_suggested_and_none_where_nothing_is_near() {
        for (given, path) in [
            ("concurent_jobs", "concurrent_jobs"),
            ("limits.fetch_second", "limits.fetch_seconds"),
            ("fetch_seconds", "limits.fetch_seconds"),
            ("sessions.fetch_seconds", "limits.fetch_seconds"),
            ("price_flor", "price_floor"),
        ] {
            assert_eq!(nearest(given), Some(path), "{given}");
        }
        assert_eq!(nearest("telemetry.sink_address"), None);
        assert!(advice("x").contains("generate") && advice("theads").contains("threads"));
    }

    #[test]
    fn texts_become_values_of_their_kind() {
        assert_eq!(Bounds::Number(0, 9).parse("1_0"), Some(Value::Integer(10)));
        assert_eq!(Bounds::Number(0, 9).parse("x"), None);
        assert_eq!(Bounds::Switch.parse("true"), Some(Value::Boolean(true)));
        assert_eq!(Bounds::Switch.parse("yes"), None);
        let list = Bounds::Endpoints.parse("d, t,").unwrap();
        assert_eq!(list.as_array().map(Vec::len), Some(2));
        assert_eq!((grouped(0), grouped(1_024), grouped(1_048_576)), ("0".into(), "1,024".into(), "1,048,576".into()));
    }
}
