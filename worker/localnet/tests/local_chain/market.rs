//! Setting up a market, and that migrations run once.

use crate::support::shared;
use assay_chain::migrations::{self, Action, Credentials, Desired, Step, Variables};
use assay_localnet::market::FUNDED_TOKENS;
use assay_localnet::set_up_market;
use solana_sdk::signer::Signer;
use tokio::sync::Mutex;

/// Held by tests that change parameters, or that rely on their not being changed.
static PARAMETERS: Mutex<()> = Mutex::const_new(());

fn variables(shared: &crate::support::Shared) -> Variables {
    let market = &shared.market;
    [
        ("program", market.program.to_string()),
        ("program_file", shared.options.program_file.display().to_string()),
        ("stake_mint", market.stake_mint.address.to_string()),
        ("payment_mint", market.payment_mint.address.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_is_complete() {
    let shared = shared().await;
    let chain = shared.localnet.chain();
    let authority = shared.authority().pubkey();
    let desired = Desired::builtin(&variables(shared)).unwrap();

    let network = chain.network().await.unwrap();
    assert_eq!(network.authority, authority);
    assert_eq!(network.stake_mint, shared.market.stake_mint.address);
    assert_eq!(chain.stake_mint().await.unwrap(), shared.market.stake_mint);
    let mints = chain.payment_mints().await.unwrap();
    assert_eq!(mints.len(), 1);
    assert_eq!(mints[0].mint, shared.market.payment_mint.address);
    assert!(mints[0].enabled && !mints[0].freezable);
    let program = chain.program(&shared.market.program).await.unwrap().unwrap();
    assert_eq!(program.upgrade_authority, Some(authority));
    assert!(program.runs(&std::fs::read(&shared.options.program_file).unwrap()));

    let owner = shared.node_owner().pubkey();
    let stake = shared.market.stake_mint.associated_account(&owner);
    assert_eq!(chain.token_balance(&stake).await.unwrap(), Some(FUNDED_TOKENS));
    assert_eq!(desired.payment_mints.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_again_changes_nothing() {
    let shared = shared().await;
    let _unchanged_by_others = PARAMETERS.lock().await;
    let mut steps = 0;
    let again = set_up_market(&shared.localnet, &shared.options, |_| steps += 1).await.unwrap();
    assert_eq!(again, shared.market);
    assert_eq!(steps, 0, "nothing was left to do");
}

/// Changes a parameter back and forth, by migrations alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_parameter_is_one_action_and_then_none() {
    let shared = shared().await;
    let _unchanged_by_others = PARAMETERS.lock().await;
    let sender = shared.sender();
    let authority = shared.authority();
    let original = Desired::builtin(&variables(shared)).unwrap();
    let mut changed = original.clone();
    changed.parameters.maximum_open_jobs_per_node += 1;
    let credentials = Credentials { authority: &authority, program_keypair: None };
    for desired in [&changed, &original] {
        let plan = migrations::plan(sender.chain(), desired, &authority.pubkey()).await.unwrap();
        assert!(matches!(plan.actions[..], [Action::SetParameters { .. }]), "{plan}");
        let mut done = Vec::new();
        let note = |step: Step<'_>| {
            if let Step::Done { position } = step {
                done.push(position);
            }
        };
        migrations::apply(&sender, desired, &plan, credentials, false, note).await.unwrap();
        assert_eq!(done, [0]);
        assert_eq!(sender.chain().network().await.unwrap().parameters, desired.parameters);
        let again = migrations::plan(sender.chain(), desired, &authority.pubkey()).await.unwrap();
        assert!(again.is_empty(), "{again}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_changes_nothing() {
    let shared = shared().await;
    let _unchanged_by_others = PARAMETERS.lock().await;
    let chain = shared.localnet.chain();
    let before = chain.network().await.unwrap().parameters.protocol_fee_bps;
    let mut desired = Desired::builtin(&variables(shared)).unwrap();
    desired.parameters.protocol_fee_bps = before + 1;
    let plan = migrations::plan(&chain, &desired, &shared.authority().pubkey()).await.unwrap();
    assert!(!plan.is_empty());
    assert_eq!(chain.network().await.unwrap().parameters.protocol_fee_bps, before);
}
