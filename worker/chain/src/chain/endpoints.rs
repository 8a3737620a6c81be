//! A connection to several endpoints: which of them is used, how they are doing, and each of them alone.

use super::Chain;
use crate::endpoint::Endpoint;
use crate::endpoints::{EndpointOptions, EndpointReport, EndpointSettings, Pool};
use crate::error::{ChainError, Result};
use crate::traffic::{Paid, Traffic};
use futures_util::future::join_all;
use solana_sdk::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long an endpoint may take, tries included, to say which cluster it is of.
const PATIENCE_AT_START: Duration = Duration::from_secs(20);

impl Chain {
    /// A connection to `first`, and to `further` endpoints in the order of preference; nothing is sent yet.
    pub fn over(first: Endpoint, further: Vec<Endpoint>, options: EndpointOptions) -> Self {
        let endpoints = [first].into_iter().chain(further).collect();
        Self::of(Arc::new(Pool::new(endpoints, options)), None)
    }

    /// As [`Chain::over`], with the further endpoints in the forms that [`Endpoint::parse_listed`] takes.
    ///
    /// # Errors
    /// `C0101`.
    pub fn with_further(first: &Endpoint, further: &[String], settings: EndpointSettings) -> Result<Self> {
        let further = further.iter().map(|given| Endpoint::parse_listed(given)).collect::<Result<_>>()?;
        Ok(Self::over(first.clone(), further, settings.into()))
    }

    /// Refuses endpoints of another cluster: those that answer are asked now; of several, one that failed is asked again before it is used.
    /// What does not answer is told in the log.
    ///
    /// # Errors
    /// `C0113`: an endpoint is of another cluster. The error of the last endpoint, if none answers.
    pub async fn require_cluster(&self, genesis: Hash) -> Result<()> {
        let each = self.each();
        let asked = each.iter().map(|chain| tokio::time::timeout(PATIENCE_AT_START, chain.genesis_hash()));
        let (mut trouble, mut is_answered) = (None, false);
        for (chain, answer) in each.iter().zip(join_all(asked).await) {
            let endpoint = chain.endpoint().shown();
            let late = |_| {
                Err(ChainError::Unreachable {
                    endpoint: endpoint.clone(),
                    request: "getGenesisHash".to_owned(),
                    reason: format!("no answer within {} s", PATIENCE_AT_START.as_secs()),
                })
            };
            match answer.unwrap_or_else(late) {
                Ok(given) if given == genesis => is_answered = true,
                Ok(given) => {
                    let (given, expected) = (given.to_string(), genesis.to_string());
                    return Err(ChainError::EndpointOfOtherCluster { endpoint, given, expected });
                }
                Err(error) => {
                    tracing::warn!(endpoint, %error, "an endpoint does not answer");
                    trouble = Some(error);
                }
            }
        }
        match trouble {
            Some(error) if !is_answered => Err(error),
            _ => {
                self.pool.pin_genesis(genesis);
                Ok(())
            }
        }
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// How many endpoints there are.
    pub fn endpoint_count(&self) -> usize {
        if self.only.is_some() { 1 } else { self.pool.count() }
    }

    /// How each endpoint is doing, in the order of the settings.
    pub fn endpoints(&self) -> Vec<EndpointReport> {
        self.pool.reports()
    }

    /// How often another endpoint was taken into use.
    pub fn failovers(&self) -> u64 {
        self.pool.switches()
    }

    /// The best slot that an endpoint told lately; 0 before the first.
    pub fn best_known_slot(&self) -> u64 {
        self.pool.best_slot()
    }

    /// A connection to the endpoint of this number alone.
    pub(crate) fn only(&self, number: usize) -> Self {
        Self::of(Arc::clone(&self.pool), Some(number))
    }

    /// Asks the endpoint which cluster it is of, where that matters and is not known. It is of the right one, or an error says why not.
    pub(crate) async fn identify(&self) -> Result<()> {
        self.pool.identify(self.number()).await.map_err(|error| self.error(error))
    }

    /// One connection to each endpoint alone, in the order of the settings.
    pub fn each(&self) -> Vec<Self> {
        match self.only {
            Some(_) => vec![self.clone()],
            None => (0..self.pool.count()).map(|number| self.only(number)).collect(),
        }
    }

    /// Connections to each endpoint alone of which an answer can be expected, the one in use in front.
    pub(crate) fn circle(&self) -> Vec<Self> {
        match self.only {
            Some(_) => vec![self.clone()],
            None => self.pool.circle().into_iter().map(|number| self.only(number)).collect(),
        }
    }

    /// What this process paid over this connection and its clones so far.
    pub fn paid(&self) -> Paid {
        self.pool.paid()
    }

    /// Compares the endpoints from time to time until `stop`, so that one that fell behind is left and one that is well again is used.
    pub async fn keep_level(&self, stop: &CancellationToken) {
        stop.run_until_cancelled(self.pool.keep_level()).await;
    }

    /// What went over this connection and its clones so far, over all endpoints.
    pub fn traffic(&self) -> Traffic {
        self.traffic_of_each().into_iter().fold(Traffic::default(), Traffic::plus)
    }

    /// What went over each endpoint so far, in the order of the settings.
    pub fn traffic_of_each(&self) -> Vec<Traffic> {
        (0..self.pool.count()).map(|number| self.pool.traffic(number)).collect()
    }
}
