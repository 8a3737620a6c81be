//! Several RPC endpoints as one: whichever is fit is asked, and what one of them says alone is not all that is believed.
//!
//! | module | what it is |
//! |---|---|
//! | `policy` | which endpoint is used, and when another one is: pure rules |
//! | `pool` | the endpoints, what went over each, and what is known of them |
//! | `transport` | one request over the endpoint in use, or over the next one when it fails |
//! | `level` | asks all of them for their slots from time to time |

mod level;
mod policy;
mod pool;
mod transport;

pub(crate) use pool::Pool;
pub(crate) use transport::{Transport, is_out_of_reach};

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When an endpoint is left, and when it is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointOptions {
    /// Slots that an endpoint may be behind the best one known; what is further behind decides nothing.
    pub most_lag_slots: u64,
    /// How long an endpoint that stands earlier must have answered and been level before it is used again.
    pub return_after: Duration,
    /// How often all endpoints are asked for their slots.
    pub check_interval: Duration,
}

impl Default for EndpointOptions {
    fn default() -> Self {
        Self { most_lag_slots: 50, return_after: Duration::from_secs(60), check_interval: Duration::from_secs(5) }
    }
}

/// The settings of a service about endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointSettings {
    /// Slots that an endpoint may be behind the best one known.
    pub most_lag_slots: u64,
    /// Seconds for which an earlier endpoint must have answered and been level before it is used again.
    pub return_seconds: u64,
    /// Seconds between two looks at all endpoints.
    pub check_seconds: u64,
}

impl Default for EndpointSettings {
    fn default() -> Self {
        let EndpointOptions { most_lag_slots, return_after, check_interval } = EndpointOptions::default();
        Self { most_lag_slots, return_seconds: return_after.as_secs(), check_seconds: check_interval.as_secs() }
    }
}

impl From<EndpointSettings> for EndpointOptions {
    fn from(settings: EndpointSettings) -> Self {
        Self {
            most_lag_slots: settings.most_lag_slots,
            return_after: Duration::from_secs(settings.return_seconds),
            check_interval: Duration::from_secs(settings.check_seconds),
        }
    }
}

/// How an endpoint is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointCondition {
    /// Nothing is known against it.
    #[default]
    Well,
    /// It did not answer when it was last asked.
    Silent,
    /// It is behind the others.
    Behind,
    /// It is of another cluster, and not used.
    OtherCluster,
}

impl EndpointCondition {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Silent => "does not answer",
            Self::Behind => "is behind the others",
            Self::OtherCluster => "is of another cluster",
        }
    }
}

/// What is known of one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointReport {
    /// Its address, without what may be secret in it.
    pub endpoint: String,
    /// Whether it is the one in use.
    pub in_use: bool,
    /// How it is doing.
    pub condition: EndpointCondition,
    /// The last slot that it told.
    pub slot: Option<u64>,
    /// Slots behind the best one known.
    pub lag_slots: Option<u64>,
}
