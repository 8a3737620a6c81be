//! `post`: what was quoted, once.

use super::{Call, Effect, tool};
use crate::context::{Context, blocking};
use crate::error::Refusal;
use crate::offer::{Offer, QuoteId, QuotedTerms, WorkFiles};
use crate::purse::{Account, Purse};
use crate::view::JobView;
use assay::state::Job;
use assay::{AssayError, address};
use assay_client::ClientError;
use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;

/// What is to be posted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The id that `quote` returned for this work and this offer: it is posted once, however often this is called
    quote_id: String,
    /// The work, as it was quoted
    work: WorkFiles,
    /// The offer, as it was quoted
    offer: Offer,
}

/// A job that is on-chain.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Posted {
    /// Its address
    job: String,
    /// Its number among those of the budget
    job_number: u64,
    /// Whether an earlier call had posted it: then this one has spent nothing
    already_posted: bool,
    /// The job as it is now; missing where the endpoint does not show it yet
    now: Option<JobView>,
}

pub(super) fn definition() -> Tool {
    tool::<Arguments, Posted>(
        "post",
        "Post a job",
        Effect::Spends,
        "Escrows the maximum price out of the budget and opens the job to nodes. Takes the `quote_id` of `quote` with the same work and \
         offer; what differs from the quote is refused. Calling it again with the same arguments returns the same job and spends \
         nothing more. What is not spent returns to the budget.",
    )
}

pub(super) async fn post(call: &Call, arguments: Arguments) -> Result<Posted, Refusal> {
    let purse = call.context.purse()?;
    let quoted: QuoteId = arguments.quote_id.parse()?;
    let _one_at_a_time = purse.posting.lock().await;
    let account = purse.open().await?;
    if let Some((address, job)) = find(&call.context, purse, &account, &quoted).await? {
        return Ok(posted(&address, &quoted, true, Some(&job)));
    }
    let shared = Arc::clone(&call.context);
    let work = blocking(move || shared.work(&arguments.work)).await?;
    let mint = call.context.chain.payment_mint(&account.budget.payment_mint).await?;
    let terms = arguments.offer.terms(mint.mint)?;
    let promised = call.context.promised_uris()?;
    let pinned = terms.arguments(quoted.job_number, &work, &promised, &account.network, &mint)?;
    if QuoteId::of(&account.genesis, &purse.budget, &QuotedTerms::of_arguments(&pinned, &mint.mint)) != quoted {
        return Err(Refusal::new(
            "Y0310",
            "this is not what was quoted: a file, the offer, or the network's terms differ; quote again, and look at what changed",
        ));
    }
    if let Some(refusal) = purse.refusals(&account, &pinned, &mint).into_iter().next() {
        return Err(refusal);
    }
    let uris = work.store(&purse.store, &purse.store_url).await?;
    let sent = purse.client.post_numbered(quoted.job_number, &work, &uris, &terms).await;
    // Whatever was said of the transaction, the chain has the last word.
    let found = find(&call.context, purse, &account, &quoted).await?;
    match (sent, found) {
        (_, Some((address, job))) => Ok(posted(&address, &quoted, false, Some(&job))),
        (Ok(sent), None) => Ok(posted(&sent.address, &quoted, false, None)),
        (Err(error), None) if is_not_next(&error) => Err(Refusal::new(
            "Y0311",
            "the quote's number is not the budget's next: another quote was posted meanwhile, or nothing yet; quote again",
        )),
        (Err(error), None) => Err(error.into()),
    }
}

fn is_not_next(error: &ClientError) -> bool {
    matches!(error, ClientError::Chain(chain) if chain.program_error() == Some(AssayError::JobIdMismatch))
}

/// The job of a quote, if its number was taken.
///
/// # Errors
/// `Y0311` if another job took it, `Y0312` if its job is closed.
async fn find(
    context: &Context,
    purse: &Purse,
    account: &Account,
    quoted: &QuoteId,
) -> Result<Option<(Pubkey, Job)>, Refusal> {
    if context.chain.next_job_id(&purse.budget).await? <= quoted.job_number {
        return Ok(None);
    }
    let address = address::job(&purse.budget, quoted.job_number);
    let Some(job) = context.chain.find_job(&address).await? else {
        return Err(Refusal::new(
            "Y0312",
            format!(
                "number {} of this budget was taken and its job is closed, most likely the one of this quote; nothing was posted. To \
                 run the work again, quote again",
                quoted.job_number
            ),
        ));
    };
    if QuoteId::of(&account.genesis, &purse.budget, &QuotedTerms::of_job(&job)) != *quoted {
        return Err(Refusal::new(
            "Y0311",
            format!(
                "number {} of this budget was taken by another job, {address}, since this was quoted; nothing was posted. Quote again",
                quoted.job_number
            ),
        ));
    }
    Ok(Some((address, job)))
}

fn posted(address: &Pubkey, quoted: &QuoteId, already_posted: bool, job: Option<&Job>) -> Posted {
    Posted {
        job: address.to_string(),
        job_number: quoted.job_number,
        already_posted,
        now: job.map(|job| JobView::of(address, job)),
    }
}
