//! Deploying through the loader: refusals, resuming, upgrading.

use crate::support::{funded, program_file, shared, start};
use assay_chain::deploy::{DeployProgress, Deployed, Deployment, deploy};
use solana_sdk::{pubkey::Pubkey, signature::Keypair, signer::Signer};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_deployed_is_refused_before_anything_is_paid() {
    let shared = shared().await;
    let sender = shared.sender();
    let payer = funded(&sender, 1_000_000_000).await;
    let image = std::fs::read(program_file()).unwrap();
    let program = Keypair::new();
    let deployment = |program: Pubkey, program_keypair, image| Deployment {
        program,
        program_keypair,
        payer: &payer,
        authority: &payer,
        image,
    };
    for (code, deployment) in [
        ("C0141", deployment(assay::ID, None, b"\x7fELF another program".as_slice())),
        ("C0142", deployment(shared.market.stake_mint.address, None, image.as_slice())),
        ("C0123", deployment(program.pubkey(), None, image.as_slice())),
        ("C0144", deployment(program.pubkey(), Some(&program), image.as_slice())),
    ] {
        let error = deploy(&sender, deployment, |_| {}).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    assert_eq!(sender.chain().balance_lamports(&payer.pubkey()).await.unwrap(), 1_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_equal_program_is_left_alone_even_by_a_stranger() {
    let shared = shared().await;
    let sender = shared.sender();
    let stranger = Keypair::new();
    let image = std::fs::read(program_file()).unwrap();
    let deployment =
        Deployment { program: assay::ID, program_keypair: None, payer: &stranger, authority: &stranger, image: &image };
    assert_eq!(deploy(&sender, deployment, |_| {}).await.unwrap(), Deployed::Unchanged);
}

/// Interrupts a deployment half-way, resumes it, and upgrades to a longer image.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_deployment_resumes_and_an_upgrade_grows_the_program() {
    let localnet = start(100);
    let sender = localnet.sender();
    let payer = funded(&sender, 100_000_000_000).await;
    let authority = Keypair::new();
    let program = Keypair::new();
    let image = std::fs::read(program_file()).unwrap();
    let deployment = Deployment {
        program: program.pubkey(),
        program_keypair: Some(&program),
        payer: &payer,
        authority: &authority,
        image: &image,
    };

    let half_way = CancellationToken::new();
    let interrupted = deploy(&sender, deployment, |progress| {
        if matches!(progress, DeployProgress::Writing { written_bytes, total_bytes } if written_bytes > total_bytes / 2)
        {
            half_way.cancel();
        }
    });
    tokio::select! {
        () = half_way.cancelled() => {}
        result = interrupted => panic!("it ended before it could be interrupted: {result:?}"),
    }
    let mut first_report = None;
    let deployed = deploy(&sender, deployment, |progress| {
        first_report.get_or_insert(progress);
    });
    assert_eq!(deployed.await.unwrap(), Deployed::Created);
    assert!(
        matches!(first_report, Some(DeployProgress::Writing { written_bytes, .. }) if written_bytes >= image.len() / 4),
        "{first_report:?}"
    );

    let mut longer = image.clone();
    longer.extend_from_slice(b"bytes after the last section are allowed");
    let mut extended = false;
    let upgraded = deploy(&sender, Deployment { image: &longer, program_keypair: None, ..deployment }, |progress| {
        extended |= matches!(progress, DeployProgress::Extending { .. });
    });
    assert_eq!(upgraded.await.unwrap(), Deployed::Upgraded);
    assert!(extended, "the longer image needed room");
    assert!(sender.chain().program(&program.pubkey()).await.unwrap().unwrap().runs(&longer));
}
