//! One request over the endpoint in use, or over the next one when it fails: what the RPC client sends through.

use super::policy::Judgement;
use super::pool::{Pool, may_pass_elsewhere, too_far_behind};
use serde_json::Value;
use solana_client::client_error::{ClientError, ClientErrorKind};
use solana_client::rpc_request::RpcRequest;
use solana_client::rpc_sender::{RpcSender, RpcTransportStats};
use std::sync::Arc;

pub(crate) use super::pool::is_out_of_reach;

/// A way to the chain: over whichever endpoint of a pool is fit, or over one of them alone.
pub(crate) struct Transport {
    pub(crate) pool: Arc<Pool>,
    /// The number of the only endpoint that is asked.
    pub(crate) only: Option<usize>,
}

impl Transport {
    /// Asks one endpoint after the other until one gives an answer that may be used.
    async fn ask_in_turn(&self, request: RpcRequest, parameters: Value) -> Result<Value, ClientError> {
        let (mut tried, mut last) = (Vec::new(), None);
        while let Some(number) = self.pool.choose(&tried) {
            match self.pool.ask(number, request, parameters.clone()).await {
                Ok(answer) => match self.pool.judge(number, request, &answer) {
                    Judgement::Level => return Ok(answer),
                    Judgement::Behind { slot, best } => last = Some(too_far_behind(slot, best)),
                },
                Err(error) if may_pass_elsewhere(&error) => last = Some(error),
                Err(error) => return Err(error),
            }
            tried.push(number);
        }
        Err(last
            .unwrap_or_else(|| ClientErrorKind::Custom("no endpoint is of the network's cluster".to_owned()).into()))
    }

    async fn ask_one(&self, number: usize, request: RpcRequest, parameters: Value) -> Result<Value, ClientError> {
        let answer = self.pool.ask(number, request, parameters).await?;
        self.pool.judge(number, request, &answer);
        Ok(answer)
    }
}

#[async_trait::async_trait]
impl RpcSender for Transport {
    async fn send(&self, request: RpcRequest, params: Value) -> Result<Value, ClientError> {
        match (self.only, request) {
            (Some(number), _) => self.ask_one(number, request, params).await,
            // What changes something is not repeated here: whoever sends it knows what its answer means.
            (None, RpcRequest::SendTransaction | RpcRequest::RequestAirdrop) => {
                let number = self.pool.choose(&[]).unwrap_or_else(|| self.pool.in_use());
                self.ask_one(number, request, params).await
            }
            (None, _) => self.ask_in_turn(request, params).await,
        }
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        let traffic = (0..self.pool.count()).map(|number| self.pool.traffic(number));
        traffic.fold(RpcTransportStats::default(), |sum, one| RpcTransportStats {
            request_count: sum.request_count.saturating_add(usize::try_from(one.requests).unwrap_or(usize::MAX)),
            elapsed_time: sum.elapsed_time.saturating_add(one.waited),
            rate_limited_time: sum.rate_limited_time,
        })
    }

    fn url(&self) -> String {
        self.pool.endpoint(self.only.unwrap_or_else(|| self.pool.in_use())).rpc_url.clone()
    }
}
