//! The endpoints of a connection, what went over each, and what is known of them.

use super::policy::{Fault, Judgement, Policy};
use super::{EndpointCondition, EndpointOptions, EndpointReport};
use crate::endpoint::Endpoint;
use crate::traffic::{Paid, Traffic};
use serde_json::Value;
use solana_client::client_error::{ClientError, ClientErrorKind};
use solana_client::nonblocking::rpc_client::RpcClient;
use solana_client::rpc_request::{RpcError, RpcRequest};
use solana_commitment_config::CommitmentConfig;
use solana_sdk::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// How long one request may take, pauses that a busy server asks for included, before the next endpoint is asked.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// JSON-RPC code of a node that has not come to a slot yet.
const NOT_YET: i64 = -32016;
/// JSON-RPC code of a node that says of itself that it is behind.
const UNHEALTHY: i64 = -32005;

/// One endpoint.
struct Link {
    endpoint: Endpoint,
    rpc: RpcClient,
    /// Requests to which nothing came back that could be read.
    unreachable: AtomicU64,
    refused: AtomicU64,
    /// Whether it said, since it last failed, that it is of the right cluster.
    is_identified: AtomicBool,
}

/// Endpoints that stand in for one another.
pub(crate) struct Pool {
    links: Vec<Link>,
    policy: Mutex<Policy>,
    options: EndpointOptions,
    /// The cluster that all of them must be of, once it is known.
    genesis: OnceLock<Hash>,
    born: Instant,
    /// What transactions that landed cost.
    base_lamports: AtomicU64,
    priority_lamports: AtomicU64,
}

impl Pool {
    /// Endpoints in the order of preference, one at least.
    pub(crate) fn new(endpoints: Vec<Endpoint>, options: EndpointOptions) -> Self {
        let link = |endpoint: Endpoint| Link {
            rpc: RpcClient::new_with_timeout_and_commitment(
                endpoint.rpc_url.clone(),
                REQUEST_TIMEOUT,
                CommitmentConfig::confirmed(),
            ),
            endpoint,
            unreachable: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            is_identified: AtomicBool::new(false),
        };
        let links: Vec<Link> = endpoints.into_iter().map(link).collect();
        let policy = Mutex::new(Policy::new(links.len(), options));
        Self {
            links,
            policy,
            options,
            genesis: OnceLock::new(),
            born: Instant::now(),
            base_lamports: AtomicU64::new(0),
            priority_lamports: AtomicU64::new(0),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.links.len()
    }

    pub(crate) fn options(&self) -> &EndpointOptions {
        &self.options
    }

    /// The cluster that endpoints must be of from now on. The first one counts.
    pub(crate) fn pin_genesis(&self, genesis: Hash) {
        let _ = self.genesis.set(genesis);
    }

    pub(crate) fn in_use(&self) -> usize {
        self.policy().in_use()
    }

    pub(crate) fn switches(&self) -> u64 {
        self.policy().switches()
    }

    /// The best slot that an endpoint told lately; 0 before the first.
    pub(crate) fn best_slot(&self) -> u64 {
        self.policy().best(self.now())
    }

    /// How far `slot` is behind the best one known, if that is further than is allowed.
    pub(crate) fn is_behind(&self, slot: u64) -> Option<u64> {
        let lag = self.best_slot().saturating_sub(slot);
        (self.count() > 1 && lag > self.options.most_lag_slots).then_some(lag)
    }

    /// Numbers of the endpoints of which an answer can be expected, the one in use in front.
    pub(crate) fn circle(&self) -> Vec<usize> {
        let first = self.choose(&[]).unwrap_or_else(|| self.in_use());
        let policy = self.policy();
        let answers = |number: &usize| !matches!(policy.fault(*number), Some(Fault::Silent | Fault::Foreign));
        let others = (0..self.count()).filter(|number| *number != first).filter(answers);
        [first].into_iter().chain(others).collect()
    }

    pub(crate) fn note_paid(&self, base_lamports: u64, priority_lamports: u64) {
        self.base_lamports.fetch_add(base_lamports, Ordering::Relaxed);
        self.priority_lamports.fetch_add(priority_lamports, Ordering::Relaxed);
    }

    pub(crate) fn paid(&self) -> Paid {
        Paid {
            base_lamports: self.base_lamports.load(Ordering::Relaxed),
            priority_lamports: self.priority_lamports.load(Ordering::Relaxed),
        }
    }

    /// The endpoint of this number; the first where there is none.
    ///
    /// # Panics
    /// Never: there is one endpoint at least.
    #[allow(clippy::indexing_slicing)]
    pub(crate) fn endpoint(&self, number: usize) -> &Endpoint {
        &self.links[number.min(self.links.len() - 1)].endpoint
    }

    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.links.iter().map(|link| &link.endpoint)
    }

    pub(crate) fn traffic(&self, number: usize) -> Traffic {
        let Some(link) = self.links.get(number) else { return Traffic::default() };
        let stats = link.rpc.get_transport_stats();
        Traffic {
            requests: stats.request_count as u64,
            waited: stats.elapsed_time,
            unreachable: link.unreachable.load(Ordering::Relaxed),
            refused: link.refused.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn reports(&self) -> Vec<EndpointReport> {
        let (policy, now) = (self.policy(), self.now());
        let report = |(number, link): (usize, &Link)| EndpointReport {
            endpoint: link.endpoint.shown(),
            in_use: policy.in_use() == number,
            condition: match policy.fault(number) {
                None => EndpointCondition::Well,
                Some(Fault::Silent) => EndpointCondition::Silent,
                Some(Fault::Behind) => EndpointCondition::Behind,
                Some(Fault::Foreign) => EndpointCondition::OtherCluster,
            },
            slot: policy.slot(number),
            lag_slots: policy.lag(number, now),
        };
        self.links.iter().enumerate().map(report).collect()
    }

    /// The endpoint to ask now that is not among `tried`. That another one is used from now on is logged.
    pub(crate) fn choose(&self, tried: &[usize]) -> Option<usize> {
        let mut policy = self.policy();
        let before = policy.in_use();
        let fault = policy.fault(before);
        let chosen = policy.choose(tried, self.now());
        let now = policy.in_use();
        drop(policy);
        if now != before {
            let (endpoint, left) = (self.endpoint(now).shown(), self.endpoint(before).shown());
            match fault {
                Some(fault) => {
                    tracing::warn!(endpoint, left, ?fault, "the endpoint in use is at fault: another one is used")
                }
                None => tracing::info!(endpoint, left, "an earlier endpoint is well again: it is used"),
            }
        }
        chosen
    }

    /// One request to one endpoint, which must be of the right cluster. What comes of it is noted.
    pub(super) async fn ask(
        &self,
        number: usize,
        request: RpcRequest,
        parameters: Value,
    ) -> Result<Value, ClientError> {
        self.identify(number).await?;
        self.exchange(number, request, parameters).await
    }

    /// What an answer says of its endpoint.
    pub(super) fn judge(&self, number: usize, request: RpcRequest, answer: &Value) -> Judgement {
        self.policy().answered(number, told_slot(request, answer), self.now())
    }

    pub(super) fn note_together(&self, slots: &[(usize, Option<u64>)]) {
        self.policy().told_together(slots, self.now());
    }

    /// Asks an endpoint for its genesis hash, where the right one is known and it has not said so since it last failed.
    pub(crate) async fn identify(&self, number: usize) -> Result<(), ClientError> {
        let (Some(expected), Some(link)) = (self.genesis.get(), self.links.get(number)) else { return Ok(()) };
        if self.count() < 2 || link.is_identified.load(Ordering::Acquire) {
            return Ok(());
        }
        let answer = self.exchange(number, RpcRequest::GetGenesisHash, Value::Null).await?;
        let is_right = answer.as_str() == Some(expected.to_string().as_str());
        link.is_identified.store(is_right, Ordering::Release);
        let endpoint = link.endpoint.shown();
        {
            let mut policy = self.policy();
            if !is_right && policy.fault(number) != Some(Fault::Foreign) {
                tracing::warn!(endpoint, %answer, %expected, "the endpoint is of another cluster: it is not used");
            }
            policy.identified(number, is_right, self.now());
        }
        if is_right {
            return Ok(());
        }
        Err(ClientErrorKind::Custom(format!("{endpoint} is of another cluster than the network")).into())
    }

    async fn exchange(&self, number: usize, request: RpcRequest, parameters: Value) -> Result<Value, ClientError> {
        let link =
            self.links.get(number).ok_or_else(|| ClientErrorKind::Custom("there is no such endpoint".to_owned()))?;
        let asking = link.rpc.send::<Value>(request, parameters);
        let answer = match self.attempt_timeout(request) {
            None => asking.await,
            Some(limit) => tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| {
                let reason = format!("no answer within {} s", limit.as_secs());
                Err(RpcError::RpcRequestError(reason).into())
            }),
        };
        if let Err(error) = &answer {
            self.note_error(number, link, error);
        }
        answer
    }

    /// One endpoint alone gets all the time that it needs.
    fn attempt_timeout(&self, request: RpcRequest) -> Option<Duration> {
        match request {
            _ if self.count() < 2 => None,
            // It reads all accounts of a program.
            RpcRequest::GetProgramAccounts => Some(REQUEST_TIMEOUT),
            _ => Some(ATTEMPT_TIMEOUT),
        }
    }

    fn note_error(&self, number: usize, link: &Link, error: &ClientError) {
        let mut policy = self.policy();
        if is_out_of_reach(error) {
            link.unreachable.fetch_add(1, Ordering::Relaxed);
            link.is_identified.store(false, Ordering::Release);
            policy.silent(number, self.now());
            return;
        }
        // What a transaction would do is no refusal of the request.
        if error.get_transaction_error().is_none() {
            link.refused.fetch_add(1, Ordering::Relaxed);
        }
        match code_of(error) {
            Some(UNHEALTHY) => policy.silent(number, self.now()),
            _ => drop(policy.answered(number, None, self.now())),
        }
    }

    fn now(&self) -> Duration {
        self.born.elapsed()
    }

    /// Sums are whole at every moment at which a panic could happen.
    fn policy(&self) -> MutexGuard<'_, Policy> {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nothing came back that could be read.
pub(crate) fn is_out_of_reach(error: &ClientError) -> bool {
    matches!(
        error.kind(),
        ClientErrorKind::Io(_)
            | ClientErrorKind::Reqwest(_)
            | ClientErrorKind::Middleware(_)
            | ClientErrorKind::RpcError(RpcError::RpcRequestError(_))
    )
}

/// Whether another endpoint may answer where this one could not.
pub(super) fn may_pass_elsewhere(error: &ClientError) -> bool {
    // A cluster that is not the right one is told as a text of our own.
    is_out_of_reach(error)
        || matches!(code_of(error), Some(code) if crate::error::is_lag(code))
        || matches!(error.kind(), ClientErrorKind::Custom(_))
}

/// The error of an answer that is too far behind to decide anything.
pub(super) fn too_far_behind(slot: u64, best: u64) -> ClientError {
    let message = format!("it is at slot {slot}, another endpoint at {best}");
    RpcError::RpcResponseError { code: NOT_YET, message, data: solana_client::rpc_request::RpcResponseErrorData::Empty }
        .into()
}

fn code_of(error: &ClientError) -> Option<i64> {
    match error.kind() {
        ClientErrorKind::RpcError(RpcError::RpcResponseError { code, .. }) => Some(*code),
        _ => None,
    }
}

/// The slot of which an answer speaks, where it says so.
fn told_slot(request: RpcRequest, answer: &Value) -> Option<u64> {
    match request {
        RpcRequest::GetSlot => answer.as_u64(),
        RpcRequest::GetEpochInfo => answer["absoluteSlot"].as_u64(),
        _ => answer["context"]["slot"].as_u64(),
    }
}
