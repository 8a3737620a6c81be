//! From a signed transaction to its outcome.

use super::{Landed, Outcome, Sender, SignedTransaction};
use crate::backoff::Backoff;
use crate::chain::Tip;
use crate::error::{ChainError, Result};
use crate::failure::TransactionFailure;
use solana_client::client_error::{ClientError, ClientErrorKind};
use solana_client::rpc_config::{RpcSendTransactionConfig, RpcTransactionConfig, UiTransactionEncoding};
use solana_client::rpc_request::{RpcError, RpcResponseErrorData};
use solana_commitment_config::{CommitmentConfig, CommitmentLevel};
use solana_sdk::transaction::TransactionError;
use std::time::Duration;
use tokio::time::Instant;

/// What is known about a delivery under way.
pub(super) struct Delivery<'a> {
    pub(super) signed: &'a SignedTransaction,
    /// Whether some copy may have reached a block producer. Only while none has, a refusal is final.
    pub(super) may_be_out: bool,
    pub(super) last_sent: Option<Instant>,
}

/// What the endpoint said to a transaction that was sent.
enum Answer {
    Accepted,
    /// The endpoint ran it and did not pass it on.
    Refused(TransactionFailure),
}

/// What the chain knows of a signature.
enum Status {
    Confirmed {
        slot: u64,
        error: Option<TransactionError>,
    },
    /// In a block that may still be dropped.
    Processed,
    /// Not in any block that the endpoint knew at this slot.
    Unknown {
        as_of_slot: u64,
    },
}

impl Sender {
    /// Finds out what became of a signed transaction, sending its bytes as long as they can land. May be called any number
    /// of times, by any process that has the bytes; it is how a stored promise is resumed.
    ///
    /// An endpoint forgets signatures after minutes unless it keeps history. So for a transaction much older than its
    /// blockhash, `Expired` says only that it can no longer land: whether it did, its accounts show.
    ///
    /// `C0122` when the endpoint stays unreachable for longer than the sender's patience.
    pub async fn deliver(&self, signed: &SignedTransaction) -> Result<Outcome> {
        self.run(Delivery { signed, may_be_out: true, last_sent: None }).await
    }

    /// As [`Sender::deliver`] for a transaction of which no copy has left yet.
    pub(super) async fn deliver_fresh(&self, signed: &SignedTransaction) -> Result<Outcome> {
        self.run(Delivery { signed, may_be_out: false, last_sent: None }).await
    }

    pub(super) async fn run(&self, mut delivery: Delivery<'_>) -> Result<Outcome> {
        let mut backoff = Backoff::new(self.options.poll_interval, Duration::from_secs(5));
        let mut trouble_since = None;
        loop {
            match self.step(&mut delivery).await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {
                    trouble_since = None;
                    backoff.reset();
                    tokio::time::sleep(self.options.poll_interval).await;
                }
                Err(error) => {
                    let since = *trouble_since.get_or_insert_with(Instant::now);
                    let signature = delivery.signed.signature();
                    if since.elapsed() >= self.options.patience {
                        return Err(ChainError::OutcomeUnknown { signature, reason: error.to_string() });
                    }
                    tracing::debug!(%signature, %error, "delivery goes on after an error");
                    tokio::time::sleep(backoff.advance()).await;
                }
            }
        }
    }

    /// One look at the transaction, and one copy sent if it is time. An error means only that nothing is known yet.
    async fn step(&self, delivery: &mut Delivery<'_>) -> Result<Option<Outcome>> {
        if delivery.may_be_out {
            match self.status(delivery.signed, false).await? {
                Status::Confirmed { slot, error } => return self.landed(delivery.signed, slot, error).await.map(Some),
                Status::Processed => return Ok(None),
                Status::Unknown { .. } => {}
            }
        }
        if delivery.last_sent.is_some_and(|at| at.elapsed() < self.options.resend_interval) {
            return Ok(None);
        }
        if delivery.may_be_out {
            let tip = self.chain.tip().await?;
            if tip.block_height > delivery.signed.last_valid_block_height {
                return self.expired(delivery.signed, tip).await;
            }
        }
        delivery.last_sent = Some(Instant::now());
        match self.submit(delivery.signed).await {
            Ok(Answer::Accepted) => delivery.may_be_out = true,
            Ok(Answer::Refused(failure)) if failure.is_duplicate() => delivery.may_be_out = true,
            Ok(Answer::Refused(failure)) if failure.is_unknown_blockhash() => {
                // Too old, or the endpoint lags behind the one that gave the blockhash: the block height will tell.
                delivery.may_be_out = true;
            }
            Ok(Answer::Refused(failure)) if !delivery.may_be_out => {
                return Ok(Some(Outcome::Failed { failure, landed: None }));
            }
            Ok(Answer::Refused(failure)) => {
                tracing::debug!(%failure, "refused, but an earlier copy may still land");
            }
            Err(error) => {
                // The request may have arrived even if its answer did not.
                delivery.may_be_out = true;
                return Err(error);
            }
        }
        Ok(None)
    }

    async fn submit(&self, signed: &SignedTransaction) -> Result<Answer> {
        let config = RpcSendTransactionConfig {
            skip_preflight: false,
            preflight_commitment: Some(CommitmentLevel::Confirmed),
            encoding: Some(UiTransactionEncoding::Base64),
            // Sending again is done here, where it ends with the blockhash.
            max_retries: Some(0),
            min_context_slot: None,
        };
        match self.chain.rpc().send_transaction_with_config(&signed.transaction, config).await {
            Ok(_) => Ok(Answer::Accepted),
            Err(error) => match preflight_failure(&error, signed) {
                Some(failure) => Ok(Answer::Refused(failure)),
                None => Err(self.chain.error(error)),
            },
        }
    }

    async fn status(&self, signed: &SignedTransaction, with_history: bool) -> Result<Status> {
        let signatures = [signed.signature()];
        let rpc = self.chain.rpc();
        let response = if with_history {
            rpc.get_signature_statuses_with_history(&signatures).await
        } else {
            rpc.get_signature_statuses(&signatures).await
        }
        .map_err(|error| self.chain.error(error))?;
        Ok(match response.value.into_iter().next().flatten() {
            Some(status) if status.satisfies_commitment(CommitmentConfig::confirmed()) => {
                Status::Confirmed { slot: status.slot, error: status.err }
            }
            Some(_) => Status::Processed,
            None => Status::Unknown { as_of_slot: response.context.slot },
        })
    }

    /// Decides about a transaction whose blockhash is too old at `tip`. An answer from before the tip decides nothing: it
    /// comes from an endpoint that lags behind the one that gave the tip.
    async fn expired(&self, signed: &SignedTransaction, tip: Tip) -> Result<Option<Outcome>> {
        match self.status(signed, true).await? {
            Status::Confirmed { slot, error } => self.landed(signed, slot, error).await.map(Some),
            Status::Unknown { as_of_slot } if as_of_slot >= tip.slot => {
                Ok(Some(Outcome::Expired { signature: signed.signature() }))
            }
            Status::Processed | Status::Unknown { .. } => Ok(None),
        }
    }

    async fn landed(&self, signed: &SignedTransaction, slot: u64, error: Option<TransactionError>) -> Result<Outcome> {
        let landed = Landed { signature: signed.signature(), slot };
        let Some(error) = error else { return Ok(Outcome::Landed(landed)) };
        let logs = self.logs(signed).await;
        let failure = TransactionFailure::new(error, logs, &signed.programs());
        Ok(Outcome::Failed { failure, landed: Some(landed) })
    }

    /// The logs of a landed transaction; none if the endpoint does not have them, because they only explain.
    async fn logs(&self, signed: &SignedTransaction) -> Vec<String> {
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: Some(CommitmentConfig::confirmed()),
            max_supported_transaction_version: Some(0),
        };
        match self.chain.rpc().get_transaction_with_config(&signed.signature(), config).await {
            Ok(found) => found
                .transaction
                .meta
                .and_then(|meta| Option::<Vec<String>>::from(meta.log_messages))
                .unwrap_or_default(),
            Err(error) => {
                tracing::debug!(%error, "no logs for a failed transaction");
                Vec::new()
            }
        }
    }
}

/// The failure of the simulation that an endpoint runs before it passes a transaction on.
fn preflight_failure(error: &ClientError, signed: &SignedTransaction) -> Option<TransactionFailure> {
    let cause = error.get_transaction_error()?;
    let logs = match error.kind() {
        ClientErrorKind::RpcError(RpcError::RpcResponseError {
            data: RpcResponseErrorData::SendTransactionPreflightFailure(result),
            ..
        }) => result.logs.clone().unwrap_or_default(),
        _ => Vec::new(),
    };
    Some(TransactionFailure::new(cause, logs, &signed.programs()))
}
