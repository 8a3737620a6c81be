//! `assay network params`, `propose`, `execute`, `veto`, `withdraw`, `close`, `pause` and `migrate`: how the network is governed.

use super::parameters::{SETTINGS, Setting, changed};
use super::proposals::{PROPOSAL_COLUMNS, about, change_value, proposal_row, proposal_value, words};
use crate::context::Context;
use crate::error::{CliError, ExitStatus};
use crate::output::{Output, Table, fields};
use assay::state::{Change, Network, RewardPool};
use assay_chain::governance::NetworkLayout;
use assay_chain::instructions;
use assay_chain::migrations::migrate_accounts;
use clap::{Args, Subcommand};
use serde_json::json;
use solana_sdk::instruction::Instruction;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;

/// What to propose. The network's authority signs and pays the rent, which returns when the proposal is closed.
#[derive(Debug, Args)]
pub(crate) struct Propose {
    #[command(subcommand)]
    change: Proposed,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Subcommand)]
enum Proposed {
    /// Change parameters; those that are not named stay as they are
    Params {
        /// Such as protocol_fee_bps=150
        #[arg(required = true, value_name = "NAME=VALUE")]
        changes: Vec<String>,
    },
    /// Allow a mint for payments, or change what was decided about it
    Mint {
        mint: Pubkey,
        /// Base units of the stake mint, and of this one, that are worth the same when bonds are sized [default: as it is]
        #[arg(long, value_name = "STAKE/UNITS", value_parser = rate)]
        rate: Option<(u64, u64)>,
        /// Allow no new jobs in it
        #[arg(long)]
        disable: bool,
    },
    /// Pay fees out of the treasury
    Fees {
        mint: Pubkey,
        /// The token account that receives them
        #[arg(long)]
        to: Pubkey,
        /// Base units of the mint
        #[arg(long)]
        amount: u64,
    },
    /// Name another guardian; it cannot veto this
    Guardian {
        /// Its key, or `none`
        #[arg(value_parser = key_or_none)]
        guardian: Pubkey,
    },
    /// Change how long later changes wait
    Timelock { slots: u64 },
    /// Change the share of fees in the stake mint that burns, in hundredths of a percent
    FeeBurn { bps: u16 },
}

/// Who signs what an authority or a guardian has to sign.
#[derive(Debug, Args)]
pub(crate) struct Signing {
    /// Send nothing: print the instruction that this key signs, for a multisig or a governance program
    #[arg(long, value_name = "KEY")]
    instruction_for: Option<Pubkey>,
}

fn rate(text: &str) -> Result<(u64, u64), String> {
    let (one, other) = text.split_once('/').ok_or("write two numbers with a / between them")?;
    let number = |text: &str| text.replace('_', "").parse().map_err(|_| format!("{text} is no number"));
    Ok((number(one)?, number(other)?))
}

fn key_or_none(text: &str) -> Result<Pubkey, String> {
    match text {
        "none" => Ok(Pubkey::default()),
        key => key.parse().map_err(|_| "give an address, or none".to_owned()),
    }
}

impl Signing {
    /// Sends the instruction that `build` makes for its signer, or prints it. Whether it was sent.
    async fn send(
        &self,
        context: &Context,
        output: Output,
        build: impl FnOnce(&Pubkey) -> Instruction,
    ) -> Result<bool, CliError> {
        if let Some(key) = self.instruction_for {
            let instruction = build(&key);
            let accounts = instruction.accounts.iter().map(|meta| {
                json!({ "address": meta.pubkey.to_string(), "signer": meta.is_signer, "writable": meta.is_writable })
            });
            let value = json!({
                "program": instruction.program_id.to_string(),
                "accounts": accounts.collect::<Vec<_>>(),
                "data": hex(&instruction.data),
            });
            output.result(&value, || {
                let mut table = Table::new(&["account", "signs", "written"]);
                for meta in &instruction.accounts {
                    table.row([meta.pubkey.to_string(), meta.is_signer.to_string(), meta.is_writable.to_string()]);
                }
                let about = [("program", instruction.program_id.to_string()), ("data", hex(&instruction.data))];
                format!("{}\n\n{}", fields(about), table.render())
            })?;
            return Ok(false);
        }
        let key = context.keypair()?;
        context.sender.execute(&[build(&key.pubkey())], &[&key]).await?;
        Ok(true)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Proposed {
    async fn change(&self, context: &Context, network: &Network) -> Result<Change, CliError> {
        Ok(match self {
            Self::Params { changes } => Change::Parameters { parameters: changed(&network.parameters, changes)? },
            Self::Mint { mint, rate, disable } => match (context.chain().find_payment_mint(mint).await?, rate) {
                (Some(record), rate) => {
                    let (bond_numerator, bond_denominator) =
                        rate.unwrap_or((record.bond_numerator, record.bond_denominator));
                    Change::SetPaymentMint { mint: *mint, enabled: !disable, bond_numerator, bond_denominator }
                }
                (None, Some((bond_numerator, bond_denominator))) if !disable => Change::AllowPaymentMint {
                    mint: *mint,
                    bond_numerator: *bond_numerator,
                    bond_denominator: *bond_denominator,
                },
                (None, _) => {
                    let text = format!("{mint} is not allowed yet; give its --rate to allow it, without --disable");
                    return Err(CliError::new("A0707", text).with_status(ExitStatus::Usage));
                }
            },
            Self::Fees { mint, to, amount } => Change::WithdrawFees { mint: *mint, destination: *to, amount: *amount },
            Self::Guardian { guardian } => Change::Guardian { guardian: *guardian },
            Self::Timelock { slots } => Change::Timelock { timelock_slots: *slots },
            Self::FeeBurn { bps } => Change::FeeBurn { fee_burn_bps: *bps },
        })
    }
}

pub(super) async fn params(context: &Context, output: Output) -> Result<(), CliError> {
    let chain = context.chain();
    let (network, slot) = (chain.network().await?, chain.slot().await?);
    let proposals = chain.proposals().await?;
    let bounds = |setting: &Setting| setting.bounds(&network.parameters, network.development);
    let pool = chain.find_reward_pool().await?;
    let pool_holds = match &pool {
        Some(pool) => chain.token_balance(&pool.vault).await?.unwrap_or(0),
        None => 0,
    };
    let value = json!({
        "slot": slot,
        "development": network.development,
        "authority": network.authority.to_string(),
        "pending_authority": network.pending_authority.to_string(),
        "guardian": network.guardian.to_string(),
        "timelock_slots": network.timelock_slots,
        "fee_burn_bps": network.fee_burn_bps,
        "paused": slot < network.paused_until_slot,
        "paused_until_slot": network.paused_until_slot,
        "pause_allowed_slot": network.pause_allowed_slot,
        "reward_pool": pool.as_ref().map(|pool| json!({
            "vault": pool.vault.to_string(),
            "holds": pool_holds,
            "fees_burned": pool.fees_burned,
            "rewards_paid": pool.rewards_paid,
        })),
        "parameters": SETTINGS.iter().map(|setting| {
            let (least, most) = bounds(setting);
            json!({ "name": setting.name, "value": setting.value(&network.parameters), "least": least, "most": most })
        }).collect::<Vec<_>>(),
        "proposals": proposals.iter().map(|proposal| proposal_value(proposal, slot)).collect::<Vec<_>>(),
    });
    output.result(&value, || {
        let nobody = |key: &Pubkey| if *key == Pubkey::default() { "nobody".to_owned() } else { key.to_string() };
        let pause = match network.paused_until_slot.checked_sub(slot) {
            Some(left) if left > 0 => format!("paused until slot {} ({})", network.paused_until_slot, about(left)),
            _ => "taken".to_owned(),
        };
        let mut about_it = vec![
            ("authority", network.authority.to_string()),
            ("may accept it", nobody(&network.pending_authority)),
            ("guardian", nobody(&network.guardian)),
            ("timelock", format!("{} slots ({})", network.timelock_slots, about(network.timelock_slots))),
            ("new work", pause),
            ("fees burnt", format!("{} bps of fees in the stake mint", network.fee_burn_bps)),
        ];
        if let Some(pool) = &pool {
            let RewardPool { fees_burned, rewards_paid, .. } = pool;
            about_it.push(("reward pool", format!("{pool_holds}; {fees_burned} burned, {rewards_paid} paid so far")));
        }
        let mut settings = Table::new(&["parameter", "value", "least", "most"]);
        for setting in SETTINGS {
            let (least, most) = bounds(setting);
            let value = setting.value(&network.parameters);
            settings.row([setting.name.to_owned(), value.to_string(), least.to_string(), most.to_string()]);
        }
        let mut waiting = Table::new(&PROPOSAL_COLUMNS);
        for proposal in &proposals {
            waiting.row(proposal_row(proposal, &network, slot));
        }
        let waiting = if proposals.is_empty() { "no proposals".to_owned() } else { waiting.render() };
        format!("{}\n\n{}\n\n{waiting}", fields(about_it), settings.render())
    })
}

pub(super) async fn propose(context: &Context, arguments: &Propose, output: Output) -> Result<(), CliError> {
    let network = context.chain().network().await?;
    let change = arguments.change.change(context, &network).await?;
    change.validate(&network).map_err(|error| {
        let code = assay_chain::program_error::code(error);
        CliError::new("A0708", format!("the program would refuse this with {code}; {error}"))
            .with_status(ExitStatus::Usage)
    })?;
    let number = network.proposals;
    let build = |key: &Pubkey| instructions::propose_change(key, number, change);
    if arguments.signing.send(context, output, build).await? {
        show(context, number, output).await?;
    }
    Ok(())
}

async fn show(context: &Context, number: u64, output: Output) -> Result<(), CliError> {
    let chain = context.chain();
    let (network, slot, proposal) = (chain.network().await?, chain.slot().await?, chain.proposal(number).await?);
    output.result(&proposal_value(&proposal, slot), || {
        let mut table = Table::new(&PROPOSAL_COLUMNS);
        table.row(proposal_row(&proposal, &network, slot));
        table.render()
    })
}

fn gone(number: u64, what: &str, change: &Change, network: &Network, output: Output) -> Result<(), CliError> {
    let value = json!({ "number": number, "outcome": what, "change": change_value(change) });
    output.result(&value, || format!("proposal {number} {what}: {}", words(change, network)))
}

pub(super) async fn execute(context: &Context, number: u64, output: Output) -> Result<(), CliError> {
    let (chain, key) = (context.chain(), context.keypair()?);
    let (network, proposal) = (chain.network().await?, chain.proposal(number).await?);
    let execute = chain.execution(&key.pubkey(), number, &proposal.proposer, proposal.change).await?;
    context.sender.execute(&[execute], &[&key]).await?;
    gone(number, "executed", &proposal.change, &network, output)
}

pub(super) async fn veto(context: &Context, number: u64, signing: &Signing, output: Output) -> Result<(), CliError> {
    let (network, proposal) = (context.chain().network().await?, context.chain().proposal(number).await?);
    if signing.send(context, output, |key| instructions::veto_proposal(key, &proposal)).await? {
        gone(number, "vetoed", &proposal.change, &network, output)?;
    }
    Ok(())
}

pub(super) async fn withdraw(
    context: &Context,
    number: u64,
    signing: &Signing,
    output: Output,
) -> Result<(), CliError> {
    let (network, proposal) = (context.chain().network().await?, context.chain().proposal(number).await?);
    if signing.send(context, output, |key| instructions::withdraw_proposal(key, &proposal)).await? {
        gone(number, "withdrawn", &proposal.change, &network, output)?;
    }
    Ok(())
}

pub(super) async fn close(context: &Context, number: u64, output: Output) -> Result<(), CliError> {
    let (chain, key) = (context.chain(), context.keypair()?);
    let (network, proposal) = (chain.network().await?, chain.proposal(number).await?);
    context.sender.execute(&[instructions::close_proposal(&proposal)], &[&key]).await?;
    gone(number, "closed", &proposal.change, &network, output)
}

pub(super) async fn pause(context: &Context, slots: u64, signing: &Signing, output: Output) -> Result<(), CliError> {
    if !signing.send(context, output, |key| instructions::pause_new_work(key, slots)).await? {
        return Ok(());
    }
    let network = context.chain().network().await?;
    let (until, next) = (network.paused_until_slot, network.pause_allowed_slot);
    let value = json!({ "paused_until_slot": until, "pause_allowed_slot": next });
    output.result(&value, || {
        format!(
            "no job is posted or claimed before slot {until} ({}); the next pause can begin in slot {next}",
            about(slots)
        )
    })
}

pub(super) async fn migrate(context: &Context, output: Output) -> Result<(), CliError> {
    let chain = context.chain();
    let network = match chain.network_layout().await? {
        NetworkLayout::Absent => {
            let text = "there is no network on this chain; initialise one with `assay network apply`";
            return Err(CliError::new("A0705", text));
        }
        NetworkLayout::Unknown => {
            let text = "the network was written by a later program; use the client of that version";
            return Err(CliError::new("A0706", text));
        }
        NetworkLayout::Current => false,
        NetworkLayout::Outdated => true,
    };
    let outdated = chain.outdated_accounts().await?;
    let register = chain.find_stake_register().await?.is_none();
    if network || register || !outdated.is_empty() {
        let key = context.keypair()?;
        if network {
            context.sender.execute(&[instructions::migrate_network(&key.pubkey())], &[&key]).await?;
        }
        if register {
            context.sender.execute(&[instructions::create_stake_register(&key.pubkey())], &[&key]).await?;
        }
        migrate_accounts(&context.sender, &key, &outdated).await?;
    }
    let value = json!({
        "migrated": network,
        "stake_register_created": register,
        "nodes": outdated.nodes.len(),
        "jobs": outdated.jobs.len(),
        "version": Network::VERSION,
    });
    output.result(&value, || {
        let mut done = Vec::new();
        if network {
            done.push(format!("the network is migrated to layout {}", Network::VERSION));
        }
        if register {
            done.push("the register of stake is created".to_owned());
        }
        if !outdated.is_empty() {
            done.push(format!("{outdated} are migrated"));
        }
        match done.is_empty() {
            true => "nothing to do: network, nodes and jobs have the layout of this client".to_owned(),
            false => done.join("; "),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_keys_are_read() {
        assert_eq!(rate("1_000/3"), Ok((1_000, 3)));
        assert!(rate("1").is_err() && rate("a/1").is_err() && rate("1/-1").is_err());
        assert_eq!(key_or_none("none"), Ok(Pubkey::default()));
        assert_eq!(key_or_none(&assay::ID.to_string()), Ok(assay::ID));
        assert!(key_or_none("nobody").is_err());
    }
}
