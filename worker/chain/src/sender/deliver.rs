//! From a signed transaction to its outcome.

use super::testimony::{End, LateTestimony, Testimony, Verdict, end, verdict};
use super::{Landed, Outcome, Sender, SignedTransaction};
use crate::backoff::Backoff;
use crate::chain::{Chain, Tip};
use crate::error::{ChainError, Result};
use crate::failure::TransactionFailure;
use futures_util::future::join_all;
use solana_client::client_error::{ClientError, ClientErrorKind};
use solana_client::rpc_config::{RpcSendTransactionConfig, RpcTransactionConfig, UiTransactionEncoding};
use solana_client::rpc_request::{RpcError, RpcResponseErrorData};
use solana_commitment_config::{CommitmentConfig, CommitmentLevel};
use solana_sdk::transaction::TransactionError;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// How many times as long as for one that does not answer another endpoint is waited for that says the transaction can still land: longer
/// than a blockhash is good.
const OBJECTION_FACTOR: u32 = 6;

/// What is known about a delivery under way.
pub(super) struct Delivery<'a> {
    pub(super) signed: &'a SignedTransaction,
    /// Whether some copy may have reached a block producer. Only while none has, a refusal is final.
    pub(super) may_be_out: bool,
    last_sent: Option<Instant>,
    /// Numbers of the endpoints that took a copy for one of a transaction that they had processed.
    knowing: BTreeSet<usize>,
    /// Since when some endpoint says that it can land no more, and not all do.
    disputed_since: Option<Instant>,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(signed: &'a SignedTransaction, may_be_out: bool) -> Self {
        Self { signed, may_be_out, last_sent: None, knowing: BTreeSet::new(), disputed_since: None }
    }
}

/// What the endpoint said to a transaction that was sent.
enum Answer {
    Accepted,
    /// The endpoint ran it and did not pass it on.
    Refused(TransactionFailure),
}

/// How far a transaction under way has come.
enum Stage {
    /// It can land, as far as some endpoint says.
    Live,
    /// Its last block is past, though not by enough to be sure.
    Past,
    /// What became of it is known.
    Over(Outcome),
}

impl Sender {
    /// Finds out what became of a signed transaction, sending its bytes to every endpoint as long as they can land. May be called any
    /// number of times, by any process that has the bytes; it is how a stored promise is resumed.
    ///
    /// An endpoint forgets signatures after minutes unless it keeps history. So for a transaction much older than its
    /// blockhash, `Expired` says only that it can no longer land: whether it did, its accounts show.
    ///
    /// `C0122` when no endpoint is reachable for longer than the sender's patience.
    pub async fn deliver(&self, signed: &SignedTransaction) -> Result<Outcome> {
        self.run_own(Delivery::new(signed, true)).await
    }

    /// As [`Sender::deliver`] for a transaction of which no copy has left yet.
    pub(super) async fn deliver_fresh(&self, signed: &SignedTransaction) -> Result<Outcome> {
        self.run_own(Delivery::new(signed, false)).await
    }

    /// Delivers what this process pays for.
    async fn run_own(&self, delivery: Delivery<'_>) -> Result<Outcome> {
        let signed = delivery.signed;
        let outcome = self.run(delivery).await?;
        if matches!(outcome, Outcome::Landed(_) | Outcome::Failed { landed: Some(_), .. }) {
            self.chain.pool().note_paid(signed.base_fee_lamports(), signed.priority_fee_lamports());
        }
        Ok(outcome)
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

    /// One look at the transaction, and one copy sent to every endpoint if it is time. An error means only that nothing is known yet.
    async fn step(&self, delivery: &mut Delivery<'_>) -> Result<Option<Outcome>> {
        let circle = self.chain.circle();
        let is_due = delivery.last_sent.is_none_or(|at| at.elapsed() >= self.options.resend_interval);
        if delivery.may_be_out {
            match self.look(&circle, delivery, is_due).await? {
                Verdict::Landed { slot, error } => return self.landed(delivery.signed, slot, error).await.map(Some),
                Verdict::Processed => return Ok(None),
                Verdict::Contradicted | Verdict::Unknown => {}
            }
        }
        if !is_due {
            return Ok(None);
        }
        if delivery.may_be_out {
            match self.end(&circle, delivery).await? {
                Stage::Over(outcome) => return Ok(Some(outcome)),
                Stage::Past => {
                    // Looked at again when the next copy would be due.
                    delivery.last_sent = Some(Instant::now());
                    return Ok(None);
                }
                Stage::Live => {}
            }
        }
        delivery.last_sent = Some(Instant::now());
        if delivery.may_be_out {
            return self.send_to_all(&circle, delivery).await.map(|()| None);
        }
        let Some((first, others)) = circle.split_first() else { return Ok(None) };
        match submit(first, delivery.signed).await {
            Ok(Answer::Refused(failure)) if !failure.is_duplicate() && !failure.is_unknown_blockhash() => {
                return Ok(Some(Outcome::Failed { failure, landed: None }));
            }
            // Where the blockhash is not known, it is too old, or the endpoint lags behind the one that gave it.
            Ok(_) => {}
            Err(error) if others.is_empty() => {
                // The request may have arrived even if its answer did not.
                delivery.may_be_out = true;
                return Err(error);
            }
            Err(error) => tracing::debug!(%error, "the others are asked to pass it on"),
        }
        delivery.may_be_out = true;
        if others.is_empty() { Ok(None) } else { self.send_to_all(others, delivery).await.map(|()| None) }
    }

    /// What the endpoint in use says; where it says that the transaction landed, does not answer, or `asks_all`, what all say.
    async fn look(&self, circle: &[Chain], delivery: &Delivery<'_>, asks_all: bool) -> Result<Verdict> {
        let Some((first, others)) = circle.split_first() else { return Ok(Verdict::Unknown) };
        let signed = delivery.signed;
        let mut trouble = None;
        let mut heard = |chain: &Chain, said: Result<Testimony>| match said {
            Ok(Testimony::Unknown { .. }) if delivery.knowing.contains(&chain.number()) => Testimony::Processed,
            Ok(said) => said,
            Err(error) => {
                trouble = Some(error);
                Testimony::Silent
            }
        };
        let mut said = vec![heard(first, testimony(first, signed, false).await)];
        let is_settled = matches!(said.first(), Some(Testimony::Unknown { .. } | Testimony::Processed)) && !asks_all;
        if !is_settled && !others.is_empty() {
            // Their caches of late signatures may be empty, while they know the block.
            let answers = join_all(others.iter().map(|chain| testimony(chain, signed, true))).await;
            said.extend(others.iter().zip(answers).map(|(chain, answer)| heard(chain, answer)));
        }
        match trouble {
            Some(error) if said.iter().all(|one| *one == Testimony::Silent) => Err(error),
            _ => Ok(verdict(&said)),
        }
    }

    /// Asks all endpoints whether it can still land, and where one says that it cannot, what became of it.
    async fn end(&self, circle: &[Chain], delivery: &mut Delivery<'_>) -> Result<Stage> {
        let signed = delivery.signed;
        let last = signed.last_valid_block_height;
        // First the height: what is not known after it is in no block before it.
        let mut trouble = None;
        let told = join_all(circle.iter().map(Chain::tip_once)).await;
        let tips: Vec<Option<Tip>> =
            told.into_iter().map(|tip| tip.map_err(|error| trouble = Some(error)).ok()).collect();
        if let (Some(error), true) = (trouble, tips.iter().all(Option::is_none)) {
            return Err(error);
        }
        if tips.iter().flatten().all(|tip| tip.block_height <= last) {
            return Ok(Stage::Live);
        }
        let answers = join_all(circle.iter().map(|chain| testimony(chain, signed, true))).await;
        let said = tips.iter().zip(answers);
        let said: Vec<LateTestimony> =
            said.map(|(tip, said)| LateTestimony { tip: *tip, said: said.unwrap_or(Testimony::Silent) }).collect();
        let expired = Outcome::Expired { signature: signed.signature() };
        let (found, patience) = match end(&said, last) {
            End::Landed { slot, error } => return self.landed(signed, slot, error).await.map(Stage::Over),
            End::Open => {
                delivery.disputed_since = None;
                // Where nobody could put it into a block any more, another copy is of no use.
                let is_past = tips.iter().flatten().all(|tip| tip.block_height > last);
                return Ok(if is_past { Stage::Past } else { Stage::Live });
            }
            End::Expired { witnesses } if witnesses > 1 || self.chain.endpoint_count() < 2 => {
                return Ok(Stage::Over(expired));
            }
            End::Expired { .. } => ("one endpoint alone says that it expired", self.options.second_opinion),
            End::Disputed => {
                let patience = self.options.second_opinion.saturating_mul(OBJECTION_FACTOR);
                ("it expired by one endpoint and not by another", patience)
            }
        };
        let since = *delivery.disputed_since.get_or_insert_with(Instant::now);
        if since.elapsed() < patience {
            return Ok(Stage::Live);
        }
        tracing::warn!(signature = %signed.signature(), "{found}, and no other says better for long: that is believed");
        Ok(Stage::Over(expired))
    }

    /// Sends a copy to each endpoint. An error only if none of them could be reached.
    async fn send_to_all(&self, circle: &[Chain], delivery: &mut Delivery<'_>) -> Result<()> {
        let signed = delivery.signed;
        let answers = join_all(circle.iter().map(|chain| submit(chain, signed))).await;
        let (mut trouble, mut is_reached) = (None, false);
        for (chain, answer) in circle.iter().zip(answers) {
            match answer {
                Ok(Answer::Refused(failure)) if failure.is_duplicate() => {
                    is_reached = true;
                    delivery.knowing.insert(chain.number());
                }
                Ok(Answer::Refused(failure)) => {
                    is_reached = true;
                    tracing::debug!(%failure, "refused, but an earlier copy may still land");
                }
                Ok(Answer::Accepted) => is_reached = true,
                Err(error) => trouble = Some(error),
            }
        }
        match trouble {
            Some(error) if !is_reached => Err(error),
            _ => Ok(()),
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

async fn submit(chain: &Chain, signed: &SignedTransaction) -> Result<Answer> {
    let config = RpcSendTransactionConfig {
        skip_preflight: false,
        preflight_commitment: Some(CommitmentLevel::Confirmed),
        encoding: Some(UiTransactionEncoding::Base64),
        // Sending again is done here, where it ends with the blockhash.
        max_retries: Some(0),
        min_context_slot: None,
    };
    match chain.rpc().send_transaction_with_config(&signed.transaction, config).await {
        Ok(_) => Ok(Answer::Accepted),
        Err(error) => match preflight_failure(&error, signed) {
            Some(failure) => Ok(Answer::Refused(failure)),
            None => Err(chain.error(error)),
        },
    }
}

/// What one endpoint knows of the signature.
async fn testimony(chain: &Chain, signed: &SignedTransaction, with_history: bool) -> Result<Testimony> {
    let signatures = [signed.signature()];
    let rpc = chain.rpc();
    let response = if with_history {
        rpc.get_signature_statuses_with_history(&signatures).await
    } else {
        rpc.get_signature_statuses(&signatures).await
    }
    .map_err(|error| chain.error(error))?;
    Ok(match response.value.into_iter().next().flatten() {
        Some(status) if status.satisfies_commitment(CommitmentConfig::confirmed()) => {
            Testimony::Confirmed { slot: status.slot, error: status.err }
        }
        Some(_) => Testimony::Processed,
        None => Testimony::Unknown { as_of_slot: response.context.slot },
    })
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
