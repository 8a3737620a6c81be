//! `quote`: what a job would pin and cost, and whether it would be refused. Nothing is sent.

use super::{Call, Effect, tool};
use crate::context::blocking;
use crate::error::Refusal;
use crate::market::Market;
use crate::offer::{Offer, QuoteId, QuotedTerms, WorkFiles, address};
use crate::purse::Account;
use crate::view::Said;
use assay::PostJobArgs;
use assay::state::{Network, Node, PaymentMint};
use assay::units::Slot;
use assay_chain::accounts::{JobFilter, NodeFilter};
use assay_client::Work;
use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solana_sdk::pubkey::Pubkey;
use std::sync::Arc;

/// What is to be quoted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The work; left out, only the market is looked at
    #[serde(default)]
    work: Option<WorkFiles>,
    /// What is offered; left out, a price is suggested
    #[serde(default)]
    offer: Option<Offer>,
    /// The mint of the price [default: the budget's, or the network's if it has one only]
    #[serde(default)]
    payment_mint: Option<String>,
}

/// A quote.
#[derive(Debug, JsonSchema, Serialize)]
pub(super) struct Quote {
    /// Hash of the chain's first block: which chain this is
    genesis_hash: String,
    /// Whether its market is for development, with tokens of no value
    is_development: bool,
    /// The slot as of which everything is said
    slot: u64,
    /// The mint of the price
    payment_mint: String,
    /// So many base units to the power of ten are one token
    payment_mint_decimals: u8,
    /// What nodes took jobs for
    market: Market,
    /// Nodes that may take a job now
    ready_nodes: usize,
    /// What the work is, if it was given
    work: Option<QuotedWork>,
    /// What such work costs at the market's median rate, if any was taken yet
    suggested_price_max_base_units: Option<u64>,
    /// All terms that the job would pin, if work and offer were given
    terms: Option<QuotedTerms>,
    /// What would be escrowed
    escrow_base_units: Option<u64>,
    /// By what it would be refused now; empty: by nothing that is known
    would_be_refused: Vec<Said>,
    /// What `post` takes to post just this, once; missing where this server only reads
    quote_id: Option<String>,
}

/// What the work is.
#[derive(Debug, JsonSchema, Serialize)]
struct QuotedWork {
    /// Root of the graph
    graph_root: String,
    /// Root of the params
    params_root: String,
    /// Root of the inputs
    inputs_root: String,
    /// Values of the graph's symbols
    symbols: Vec<u32>,
    /// Operations of one run, as the market measures work
    cost_units: u64,
    /// Element type of the output
    output_dtype: &'static str,
    /// Length of each axis of the output
    output_dims: Vec<u32>,
}

pub(super) fn definition() -> Tool {
    tool::<Arguments, Quote>(
        "quote",
        "Quote a job",
        Effect::Reads,
        "What a job would pin, escrow and cost, what the market took for such work, and by which limits it would be refused. Sends and \
         spends nothing. Give `work` and `offer` to get the `quote_id` that `post` takes.",
    )
}

pub(super) async fn quote(call: &Call, arguments: Arguments) -> Result<Quote, Refusal> {
    let context = &call.context;
    let chain = &context.chain;
    // First what needs no chain: a wrong file name is said at once.
    let work = match arguments.work {
        Some(files) => {
            let shared = Arc::clone(context);
            Some(blocking(move || shared.work(&files)).await?)
        }
        None => None,
    };
    let account = match &context.purse {
        Some(purse) => Some(Account::read(chain, &purse.budget).await?),
        None => None,
    };
    let (genesis, network, slot) = match &account {
        Some(account) => (account.genesis, account.network.clone(), account.slot),
        None => (chain.genesis_hash().await?, chain.network().await?, chain.slot().await?),
    };
    let mint = mint_of(call, account.as_ref(), arguments.payment_mint.as_deref()).await?;
    let jobs = chain.jobs(JobFilter::default()).await?;
    let market = Market::of(jobs.iter().map(|(_, job)| job), &mint.mint);
    let nodes = chain.nodes(NodeFilter::default()).await?;
    let may_take = |node: &Node| node.check_may_take(Slot(slot), &network.parameters).is_ok();
    let mut quote = Quote {
        genesis_hash: genesis.to_string(),
        is_development: network.development,
        slot,
        payment_mint: mint.mint.to_string(),
        payment_mint_decimals: mint.decimals,
        market,
        ready_nodes: nodes.iter().filter(|(_, node)| may_take(node)).count(),
        work: None,
        suggested_price_max_base_units: None,
        terms: None,
        escrow_base_units: None,
        would_be_refused: Vec::new(),
        quote_id: None,
    };
    let Some(work) = work else { return Ok(quote) };
    quote.suggested_price_max_base_units = quote.market.price_of(work.cost_units());
    quote.work = Some(describe(&work));
    let Some(offer) = arguments.offer else { return Ok(quote) };
    let number = account.as_ref().map_or(0, |account| account.next_job_number);
    let terms = offer.terms(mint.mint)?;
    let posted = terms.arguments(number, &work, &context.promised_uris()?, &network, &mint)?;
    let pinned = QuotedTerms::of_arguments(&posted, &mint.mint);
    quote.escrow_base_units = posted.price_max.checked_add(posted.audit_pot);
    match (&context.purse, &account) {
        (Some(purse), Some(account)) => {
            let not_here = purse.check_cluster(account.genesis, &account.network).err();
            let refused = purse.refusals(account, &posted, &mint);
            quote.would_be_refused = not_here.into_iter().chain(refused).map(Said::from).collect();
            quote.quote_id = Some(QuoteId::of(&genesis, &purse.budget, &pinned).to_string());
        }
        _ => quote.would_be_refused = refused_by_the_program(&posted, &network, &mint),
    }
    quote.terms = Some(pinned);
    Ok(quote)
}

fn refused_by_the_program(posted: &PostJobArgs, network: &Network, mint: &PaymentMint) -> Vec<Said> {
    posted.validate(network, mint).err().map(|error| Said::from(Refusal::from(error))).into_iter().collect()
}

/// The payment mint: the budget's where there is one, the given one, or the only one.
async fn mint_of(call: &Call, account: Option<&Account>, given: Option<&str>) -> Result<PaymentMint, Refusal> {
    let chain = &call.context.chain;
    let given = given.map(|given| address("payment_mint", given)).transpose()?;
    let of_budget = account.map(|account| account.budget.payment_mint);
    if let (Some(given), Some(of_budget)) = (given, of_budget)
        && given != of_budget
    {
        return Err(Refusal::new(
            "Y0308",
            format!("the budget's jobs are paid in {of_budget}; leave `payment_mint` out"),
        ));
    }
    let mints: Vec<PaymentMint> = chain.payment_mints().await?.into_iter().filter(|mint| mint.enabled).collect();
    let named = of_budget.or(given);
    match (named, &mints[..]) {
        (Some(named), mints) => mints.iter().position(|mint| mint.mint == named),
        (None, [_]) => Some(0),
        (None, _) => None,
    }
    .and_then(|at| mints.into_iter().nth(at))
    .ok_or_else(|| no_mint(named))
}

fn no_mint(named: Option<Pubkey>) -> Refusal {
    match named {
        Some(named) => Refusal::new("Y0308", format!("{named} is not enabled for payments on this network")),
        None => Refusal::new("Y0308", "the network has no payment mint or several; name one as `payment_mint`"),
    }
}

fn describe(work: &Work) -> QuotedWork {
    let output = work.resolved.tensors.get(usize::from(work.output_slot));
    QuotedWork {
        graph_root: hex::encode(work.resolved.root),
        params_root: hex::encode(work.params_root),
        inputs_root: hex::encode(work.inputs_root),
        symbols: work.resolved.symbols.clone(),
        cost_units: work.cost_units(),
        output_dtype: output.map_or("", |tensor| tensor.dtype.name()),
        output_dims: output.map(|tensor| tensor.dims.clone()).unwrap_or_default(),
    }
}
