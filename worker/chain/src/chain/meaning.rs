//! What errors of the RPC client mean.

use super::Chain;
use crate::endpoint::Endpoint;
use crate::endpoints::is_out_of_reach;
use crate::error::ChainError;
use solana_client::client_error::{ClientError, ClientErrorKind};
use solana_client::rpc_request::RpcError;

impl Chain {
    /// What an error of the RPC client means.
    pub(crate) fn error(&self, error: ClientError) -> ChainError {
        let endpoint = self.endpoint_of(&error).shown();
        let request = error.request().map_or_else(|| "the request".to_owned(), |request| request.to_string());
        match error.kind() {
            ClientErrorKind::RpcError(RpcError::RpcResponseError { code, message, .. }) => {
                ChainError::RpcRefused { endpoint, request, rpc_code: Some(*code), reason: message.clone() }
            }
            ClientErrorKind::RpcError(RpcError::RpcRequestError(reason)) => {
                ChainError::Unreachable { endpoint, request, reason: self.without_addresses(reason.clone()) }
            }
            _ if is_out_of_reach(&error) => {
                ChainError::Unreachable { endpoint, request, reason: self.without_addresses(root_cause(&error)) }
            }
            _ => ChainError::RpcRefused {
                endpoint,
                request,
                rpc_code: None,
                reason: self.without_addresses(error.to_string()),
            },
        }
    }

    /// The endpoint of which an error speaks, else the one in use.
    fn endpoint_of(&self, error: &ClientError) -> &Endpoint {
        let named = match error.kind() {
            ClientErrorKind::Reqwest(error) => error.url().map(url::Url::as_str),
            _ => None,
        };
        let is_named = |endpoint: &&Endpoint| {
            named.is_some_and(|named| url::Url::parse(&endpoint.rpc_url).is_ok_and(|url| url.as_str() == named))
        };
        self.pool.endpoints().find(is_named).unwrap_or_else(|| self.endpoint())
    }

    /// A reason without the addresses, which may have keys in them.
    fn without_addresses(&self, reason: String) -> String {
        self.pool.endpoints().fold(reason, |reason, endpoint| endpoint.conceal(&reason))
    }
}

/// The innermost reason: a transport error's own text names only the address again.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
