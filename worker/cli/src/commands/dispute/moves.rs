//! `assay dispute open`, `move` and `settle`: by hand, under the same rules as the service.

use super::What;
use super::show::of_docket;
use crate::commands::{read_file, write_file};
use crate::context::Context;
use crate::error::CliError;
use crate::output::Output;
use assay::dispute::Target;
use assay_chain::ChainError;
use assay_validator::act::{self, forms};
use assay_validator::docket::Docket;
use assay_validator::rules::{self, Move};
use serde::{Deserialize, Serialize};
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::path::Path;

/// What `open` writes down and `reveal` reads.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    job: String,
    challenger: String,
    boundary: Option<u16>,
    segment: Option<u16>,
    own_hash: String,
    salt: String,
}

impl Claim {
    fn read(path: &Path) -> Result<Self, CliError> {
        serde_json::from_slice(&read_file(path)?).map_err(|error| {
            CliError::new("A0502", format!("{} is not what `dispute open` wrote: {error}", path.display()))
        })
    }

    fn target(&self) -> Result<Target, CliError> {
        match (self.boundary, self.segment) {
            (Some(position), None) => Ok(Target::boundary(position)),
            (None, Some(segment)) => Ok(Target::segment(segment)),
            _ => Err(CliError::new("A0503", "name either a boundary tensor or a segment")),
        }
    }
}

fn digits(what: &str, text: &str) -> Result<[u8; 32], CliError> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| CliError::new("A0504", format!("the {what} must be 64 hexadecimal digits")))
}

pub(super) async fn open(
    context: &Context,
    job: &Pubkey,
    boundary: Option<u16>,
    segment: Option<u16>,
    own_hash: &str,
    path: &Path,
    output: Output,
) -> Result<(), CliError> {
    let key = context.keypair()?;
    if path.exists() {
        let text = format!("{} exists; a claim that is lost cannot be revealed, choose another file", path.display());
        return Err(CliError::new("A0505", text));
    }
    // The secret half of a fresh key is as good a salt as any.
    let salt = Keypair::new().to_bytes().first_chunk::<32>().copied().unwrap_or_default();
    let claim = Claim {
        job: job.to_string(),
        challenger: key.pubkey().to_string(),
        boundary,
        segment,
        own_hash: own_hash.to_owned(),
        salt: hex::encode(salt),
    };
    let wanted = Move::Commit { target: claim.target()?, own_hash: digits("own hash", own_hash)?, salt };
    let docket = Docket::read(context.chain(), job, None, 0).await?;
    rules::check(&docket, &key.pubkey(), &wanted, 1)?;
    // On disk before the bond is at risk.
    write_file(path, serde_json::to_string_pretty(&claim)?)?;
    let signature = send(context, &docket, &key, &wanted).await?;
    let value = json!({ "job": job.to_string(), "claim": path, "signature": signature });
    output.result(&value, || {
        format!("challenged {job}; next: assay dispute move {job} reveal --claim {}", path.display())
    })
}

pub(super) async fn make(
    context: &Context,
    job: &Pubkey,
    what: What,
    claim: Option<&Path>,
    challenge: Option<Pubkey>,
    only_check: bool,
    output: Output,
) -> Result<(), CliError> {
    let key = context.keypair()?;
    let docket = Docket::read(context.chain(), job, None, 0).await?;
    let challenge = challenge.unwrap_or_else(|| assay::address::challenge(job, &key.pubkey()));
    let wanted = match what {
        What::Reveal => {
            let path =
                claim.ok_or_else(|| CliError::new("A0506", "give the claim that `dispute open` wrote: --claim"))?;
            let claim = Claim::read(path)?;
            Move::Reveal {
                target: claim.target()?,
                own_hash: digits("own hash", &claim.own_hash)?,
                salt: digits("salt", &claim.salt)?,
            }
        }
        What::Withdraw => Move::Withdraw,
        What::Resolve => Move::Resolve { challenge },
        What::TimeOutChallenger => Move::TimeOutChallenger { challenge },
        What::TimeOutDefender => Move::TimeOutDefender { challenge },
        What::Close => Move::CloseChallenge { challenge },
        What::Burn => Move::BurnSlash,
    };
    rules::check(&docket, &key.pubkey(), &wanted, 0)?;
    if only_check {
        let value = json!({ "job": job.to_string(), "legal": true });
        return output.result(&value, || "every rule allows it; nothing was sent".to_owned());
    }
    let signature = send(context, &docket, &key, &wanted).await?;
    let after = Docket::read(context.chain(), job, None, 0).await?;
    let dispute = after.job.as_ref().map(|account| of_docket(&after, account));
    let value = json!({ "job": job.to_string(), "signature": signature, "dispute": dispute });
    output.result(&value, || format!("done: {signature}"))
}

pub(super) async fn settle(context: &Context, job: &Pubkey, output: Output) -> Result<(), CliError> {
    let key = context.keypair()?;
    let me = key.pubkey();
    let mut done = Vec::new();
    // Each step may make the next one legal, so the accounts are read anew.
    loop {
        let docket = Docket::read(context.chain(), job, None, 0).await?;
        let own = assay::address::challenge(job, &me);
        let demands = docket.demands.iter().filter(|(_, demand)| demand.payer == me);
        let claims = docket.claims.iter().filter(|(_, claim)| claim.payer == me);
        let mut wanted = vec![Move::Settle, Move::CloseChallenge { challenge: own }];
        wanted.extend(demands.map(|(address, _)| Move::CloseDemand { demand: *address }));
        wanted.extend(claims.map(|(address, _)| Move::CloseClaim { claim: *address }));
        wanted.push(Move::BurnSlash);
        let Some(next) = wanted.into_iter().find(|wanted| rules::check(&docket, &me, wanted, 0).is_ok()) else {
            if done.is_empty() {
                rules::check(&docket, &me, &Move::Settle, 0)?;
            }
            break;
        };
        done.push(send(context, &docket, &key, &next).await?);
    }
    let value = json!({ "job": job.to_string(), "signatures": done });
    output.result(&value, || format!("{} transactions; nothing of this key is left to settle or close", done.len()))
}

/// Sends a move that every rule allows; its signature.
async fn send(context: &Context, docket: &Docket, key: &Keypair, wanted: &Move) -> Result<String, CliError> {
    let network = context.chain().network().await?;
    let stake_mint = context.chain().token_mint(&network.stake_mint).await?;
    let made = act::Context {
        docket,
        me: key.pubkey(),
        stake_mint,
        genesis_hash: network.genesis_hash,
        record: None,
        proof: None,
    };
    let mut last = CliError::new("A0507", "an account that this move needs is not there; look with `dispute show`");
    for form in forms(&made, wanted) {
        match context.sender.execute(&form.instructions, &[key]).await {
            Ok(landed) => return Ok(landed.signature.to_string()),
            Err(error @ (ChainError::TransactionFailed(_) | ChainError::TransactionTooLarge { .. })) => {
                last = error.into();
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(last)
}
