//! `assay network plan` and `apply`: bringing a chain to what the migrations say, dry run first.

use super::parameters::parameter_values;
use crate::commands::localnet::{program, words};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, fields};
use assay_chain::migrations::{self, Action, Credentials, Desired, Plan, Step, Variables};
use assay_chain::read_keypair;
use clap::Args;
use serde_json::{Value, json};
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::path::PathBuf;

/// Where the migrations are and what stands for their `${...}`.
#[derive(Args, Debug)]
pub(crate) struct Migrations {
    /// Folder of the migrations [default: those that this program was built with]
    #[arg(long)]
    migrations: Option<PathBuf>,
    /// The compiled program [default: where `cargo xtask build` puts it]
    #[arg(long, env = "ASSAY_PROGRAM_SO")]
    program: Option<PathBuf>,
    /// What nodes stake: a mint without a freeze authority [default: that of the network on the chain]
    #[arg(long)]
    stake_mint: Option<Pubkey>,
    /// In what jobs are paid [default: that of the network on the chain if it allows one only]
    #[arg(long)]
    payment_mint: Option<Pubkey>,
}

#[derive(Args, Debug)]
pub(crate) struct Apply {
    #[command(flatten)]
    migrations: Migrations,
    /// Keypair of the program's address, for its first deployment
    #[arg(long)]
    program_keypair: Option<PathBuf>,
    /// Do what the plan says
    #[arg(long)]
    yes: bool,
    /// Allow mainnet, where what is done costs money and is seen by everybody
    #[arg(long)]
    allow_mainnet: bool,
}

/// What the chain should look like, what it lacks, and who would sign.
struct Prepared {
    desired: Desired,
    plan: Plan,
    authority: Keypair,
    mainnet: bool,
}

impl Migrations {
    async fn prepare(&self, context: &Context) -> Result<Prepared, CliError> {
        let chain = context.chain();
        let authority = context.keypair()?;
        let variables = self.variables(context).await?;
        let desired = match &self.migrations {
            Some(folder) => Desired::load(folder, &variables)?,
            None => Desired::builtin(&variables)?,
        };
        let plan = migrations::plan(chain, &desired, &authority.pubkey()).await?;
        Ok(Prepared { desired, plan, authority, mainnet: chain.is_mainnet().await? })
    }

    async fn variables(&self, context: &Context) -> Result<Variables, CliError> {
        let chain = context.chain();
        let file = program(self.program.clone())?;
        let file = file.to_str().ok_or_else(|| {
            CliError::new("A0702", format!("the path {} is not text; move the program", file.display()))
        })?;
        let stake_mint = match self.stake_mint {
            Some(mint) => mint,
            None => chain.find_network().await?.ok_or_else(|| missing("stake"))?.stake_mint,
        };
        let payment_mint = match self.payment_mint {
            Some(mint) => mint,
            None => match chain.payment_mints().await?.as_slice() {
                [only] => only.mint,
                _ => return Err(missing("payment")),
            },
        };
        let pairs = [
            ("program", assay::ID.to_string()),
            ("program_file", file.to_owned()),
            ("stake_mint", stake_mint.to_string()),
            ("payment_mint", payment_mint.to_string()),
        ];
        Ok(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

fn missing(which: &str) -> CliError {
    CliError::new("A0701", format!("the chain does not say which {which} mint is meant; give --{which}-mint"))
        .with_status(ExitStatus::Usage)
}

impl Prepared {
    fn value(&self, context: &Context, applied: usize) -> Value {
        json!({
            "endpoint": context.chain().endpoint().shown(),
            "mainnet": self.mainnet,
            "authority": self.authority.pubkey().to_string(),
            "actions": self.plan.actions.iter().map(describe).collect::<Vec<_>>(),
            "applied": applied,
        })
    }

    fn words(&self, context: &Context) -> String {
        let network = if self.mainnet { " (mainnet)" } else { "" };
        let about = fields([
            ("endpoint", format!("{}{network}", context.chain().endpoint().shown())),
            ("authority", self.authority.pubkey().to_string()),
        ]);
        if self.plan.is_empty() {
            return format!("{about}\n\nnothing to do: the chain is as the migrations say");
        }
        let actions = self.plan.actions.iter().enumerate();
        let list: Vec<String> = actions.map(|(index, action)| format!("{}. {}", index + 1, describe(action))).collect();
        format!("{about}\n\n{}", list.join("\n"))
    }
}

/// An action in words; of parameters only those that change.
fn describe(action: &Action) -> String {
    let (from, to) = match action {
        Action::SetParameters { from, to } => (parameter_values(from), parameter_values(to)),
        Action::InitialiseNetwork { stake_mint, development, parameters, governance } => {
            let list: Vec<String> =
                named(&parameter_values(parameters)).map(|(name, value)| format!("{name} {value}")).collect();
            let kind = if *development { "development network" } else { "network" };
            let guardian = governance.guardian.map_or("none".to_owned(), |guardian| guardian.to_string());
            return format!(
                "initialise the {kind} with stake mint {stake_mint}: {}, guardian {guardian}, timelock_slots {}, fee_burn_bps {}",
                list.join(", "),
                governance.timelock_slots,
                governance.fee_burn_bps
            );
        }
        other => return other.to_string(),
    };
    let changes: Vec<String> = named(&to)
        .filter(|(name, value)| from.get(name) != Some(*value))
        .map(|(name, value)| format!("{name} from {} to {value}", from.get(name).unwrap_or(&Value::Null)))
        .collect();
    format!("set {}", changes.join(", "))
}

fn named(values: &Value) -> impl Iterator<Item = (&String, &Value)> {
    values.as_object().into_iter().flatten()
}

pub(super) async fn show_plan(context: &Context, arguments: &Migrations, output: Output) -> Result<(), CliError> {
    let prepared = arguments.prepare(context).await?;
    output.result(&prepared.value(context, 0), || prepared.words(context))
}

pub(super) async fn apply(context: &Context, arguments: &Apply, output: Output) -> Result<(), CliError> {
    let prepared = arguments.migrations.prepare(context).await?;
    let Prepared { desired, plan, authority, .. } = &prepared;
    output.say(prepared.words(context));
    if plan.is_empty() {
        return output.result(&prepared.value(context, 0), || "nothing was sent".to_owned());
    }
    if !arguments.yes {
        return Err(CliError::new("A0703", "nothing was sent: read the plan, then pass --yes to do what it says")
            .with_status(ExitStatus::Usage));
    }
    let program_keypair = arguments.program_keypair.as_deref().map(read_keypair).transpose()?;
    let credentials = Credentials { authority, program_keypair: program_keypair.as_ref() };
    let progress = output.progress("applying", 0);
    let (mut applied, mut waiting) = (0, Vec::new());
    let report = |step: Step<'_>| {
        match step {
            Step::Done { .. } => applied += 1,
            Step::Waiting { .. } | Step::Postponed { .. } => waiting.push(words(&step)),
            Step::Begun { .. } | Step::Deploying(_) => {}
        }
        progress.message(words(&step));
    };
    let done = migrations::apply(&context.sender, desired, plan, credentials, arguments.allow_mainnet, report).await;
    progress.done();
    done?;
    let mut value = prepared.value(context, applied);
    value["waiting"] = json!(waiting);
    output.result(&value, || {
        let mut lines = vec![format!("\ndone: {applied} of {}", plan.actions.len())];
        lines.extend(waiting.iter().cloned());
        if !waiting.is_empty() || plan.actions.contains(&Action::MigrateNetwork) {
            lines.push(
                "apply again then: what was proposed is carried out, and what is left is planned anew".to_owned(),
            );
        }
        lines.join("\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_parameters_only_those_that_change_are_named() {
        let from = crate::commands::network::tests::parameters();
        let mut to = from;
        to.protocol_fee_bps += 50;
        let action = Action::SetParameters { from, to };
        let (before, after) = (from.protocol_fee_bps, to.protocol_fee_bps);
        assert_eq!(describe(&action), format!("set protocol_fee_bps from {before} to {after}"));
    }
}
