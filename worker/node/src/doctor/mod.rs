//! Whether a node is fit to run: everything that can be known beforehand of keys, endpoints, chain, machine and settings, each
//! with a grade and what to do about it.
//!
//! | module | what it is |
//! |---|---|
//! | [`finding`] | a finding and its grade |
//! | [`codes`] | the codes of findings |
//! | [`machine`] | what has to be known of the machine, behind a trait |
//! | `keys` | keys and the folder that holds them |
//! | `endpoints` | RPC endpoints, websockets, the clock |
//! | `market` | program, network, the node's account, its lamports, risky settings |
//! | `body` | disk, memory, backends, speed |
//! | [`duties`] | whether the node runs, and what waits for it |
//! | `mirror` | whether the mirror takes results and shows them |
//! | `reach` | ports, and whether others reach this node at its registered endpoint |
//!
//! In each of them what is looked at is kept apart from how it is graded: grading is pure.

mod body;
pub mod codes;
pub mod duties;
mod endpoints;
pub mod finding;
mod keys;
pub mod machine;
mod market;
mod mirror;
mod reach;

pub use duties::Duties;
pub use finding::{Finding, Grade, gravest};
pub use machine::{Machine, ThisMachine};
pub use market::Horizon;

use crate::config::NodeConfig;
use crate::identity::{NONCE_BYTES, Statement};
use crate::journal::JournalError;
use assay_chain::{Chain, Endpoint, read_keypair};
use assay_store::Variables;
use endpoints::EndpointFacts;
use keys::KeyFacts;
use market::MarketFacts;
use reach::ReachFacts;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signature::Keypair;
use solana_sdk::signer::Signer;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Who is examined.
#[derive(Clone, Debug)]
pub struct Patient {
    /// Address of the node account.
    pub node: Pubkey,
    /// File of the operator's key.
    pub operator_path: PathBuf,
    /// Journal and artifacts.
    pub data_folder: PathBuf,
    /// The key that the command line would sign with, and its file: it may be the withdraw authority's.
    pub signing: Option<(PathBuf, Pubkey)>,
    /// The settings.
    pub config: NodeConfig,
    /// The endpoint that is used first.
    pub chain: Chain,
    /// What a transaction can cost at most.
    pub fee_lamports: u64,
}

/// How thoroughly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// For how long the operator key is to pay.
    pub horizon: Horizon,
    /// Whether the speed is measured, which takes seconds and the whole machine.
    pub measures_speed: bool,
    /// Whether the node is about to run.
    pub is_starting: bool,
}

/// What an examination came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
    /// Whether bonds or clients wait for the node: it is worse that it does not run than that it runs with a fault.
    pub binds: bool,
}

/// Looks at everything, what can be looked at together at the same time.
pub async fn examine<M: Machine>(patient: &Patient, extent: Extent, machine: M) -> Examination {
    let Patient { node, operator_path, data_folder, signing, config, chain, fee_lamports } = patient;
    let operator = read_keypair(operator_path);
    let operator_key = operator.as_ref().ok().map(Keypair::pubkey);
    let (chains, wrong_endpoints) = endpoints_of(chain, config);
    // What is read is read over whichever endpoint answers, as the node does it.
    let further = chains.iter().skip(1).map(|chain| chain.endpoint().clone()).collect();
    let chain = &Chain::over(chain.endpoint().clone(), further, config.endpoints.into());
    let machine = Arc::new(machine);
    let (on_chain, endpoints, clock, duties, bodily, mirrored) = tokio::join!(
        MarketFacts::of(chain, node, operator_key.as_ref()),
        EndpointFacts::of_all(&chains),
        endpoints::within(chain.unix_seconds()),
        Duties::of(config, data_folder, *fee_lamports),
        bodily(Arc::clone(&machine), patient, extent),
        mirror::look(&config.mirror, Variables::of_process()),
    );
    let is_development = on_chain.is_development();
    let expected = match &on_chain.network {
        Ok(Some(network)) => Some(solana_sdk::hash::Hash::new_from_array(network.genesis_hash).to_string()),
        _ => None,
    };
    let cold_at_hand = signing.as_ref().filter(|(_, key)| is_withdraw_authority(&on_chain, key));
    let keys = KeyFacts::of(&*machine, operator_path, data_folder, cold_at_hand.map(|(path, _)| path.as_path()));

    let mut findings = keys.grade(is_development);
    if let (Err(error), Ok(Some(_))) = (&operator, &keys.operator) {
        findings.push(Finding::of_error(
            Grade::Error,
            "operator key",
            error.code(),
            error,
            "bring the key's file back from its copy",
        ));
    }
    findings.extend(endpoints::grade(&endpoints, expected.as_deref(), is_development));
    findings.extend(wrong_endpoints);
    findings.push(endpoints::grade_clock(machine.unix_seconds(), &clock, is_development));
    findings.extend(market::grade_network(&on_chain));
    findings.extend(market::grade_account(&on_chain, node, operator_key.as_ref()));
    let needed_lamports = duties.as_ref().map_or(0, |duties| duties.needed_lamports);
    findings.extend(market::grade_funds(
        &on_chain,
        needed_lamports,
        extent.horizon,
        *fee_lamports,
        operator_key.as_ref(),
    ));
    findings.extend(duties::grade(&duties, &node.to_string(), extent.is_starting));
    findings.extend(reachable(patient, &on_chain, operator.ok().as_ref(), &duties, is_development).await);
    // Where nothing is worth anything, a machine that is too small for the limits is its owner's affair.
    let most = if is_development { Grade::Warning } else { Grade::Error };
    let is_size = |finding: &Finding| [body::DISK, body::MEMORY, body::SPEED].contains(&finding.check);
    findings.extend(bodily.into_iter().map(|finding| if is_size(&finding) { finding.at_most(most) } else { finding }));
    findings.extend(mirror::grade(&config.mirror, &mirrored));
    findings.extend(market::grade_settings(config, is_development, cfg!(debug_assertions)));
    let binds = duties.as_ref().map_or(true, Duties::binds)
        || matches!(&on_chain.node, Ok(Some(account)) if account.open_jobs > 0);
    Examination { findings, binds }
}

/// All endpoints in the order in which they are used, and what is wrong with those that are none.
fn endpoints_of(chain: &Chain, config: &NodeConfig) -> (Vec<Chain>, Vec<Finding>) {
    let (mut chains, mut findings) = (vec![chain.clone()], Vec::new());
    for url in &config.disputes.further_endpoints {
        match Endpoint::parse_listed(url) {
            Ok(endpoint) => chains.push(Chain::new(endpoint)),
            Err(error) => findings.push(Finding::of_error(
                Grade::Error,
                "further endpoints",
                error.code(),
                &error,
                "correct [disputes] further_endpoints",
            )),
        }
    }
    (chains, findings)
}

fn is_withdraw_authority(on_chain: &MarketFacts, key: &Pubkey) -> bool {
    matches!(&on_chain.node, Ok(Some(account)) if account.withdraw_authority == *key)
}

/// What the machine has for the settings. Blocks on disks, drivers and kernels: not on an async thread.
async fn bodily<M: Machine>(machine: Arc<M>, patient: &Patient, extent: Extent) -> Vec<Finding> {
    let (config, folder) = (patient.config.clone(), patient.data_folder.clone());
    let looking = tokio::task::spawn_blocking(move || {
        let mut findings = vec![
            body::grade_disk(&machine.free_bytes(existing(&folder)), &config),
            body::grade_memory(machine.memory(), &config),
        ];
        findings.extend(body::grade_backends(&machine.backends(&config), &config));
        if extent.measures_speed {
            findings.push(body::grade_speed(&machine.speed(&config), config.profile.units_per_slot));
        }
        findings
    });
    looking.await.unwrap_or_else(|error| {
        let text = format!("the machine could not be looked at: {error}");
        vec![Finding::ill(Grade::Error, "backend", "K0006", text, "see what the driver says in the system's log")]
    })
}

/// The folder, or the nearest above it that exists.
fn existing(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(folder)
}

/// Ports and the registered endpoint.
async fn reachable(
    patient: &Patient,
    on_chain: &MarketFacts,
    operator: Option<&Keypair>,
    duties: &Result<Duties, JournalError>,
    is_development: bool,
) -> Vec<Finding> {
    let config = &patient.config;
    // One that is late holds its ports too.
    let runs =
        |duties: &Duties| duties.late.is_some() || duties.running.as_deref() == Some(patient.node.to_string().as_str());
    let is_ours = duties.as_ref().is_ok_and(runs);
    let (artifacts, status) =
        tokio::join!(reach::port(config.listen, is_ours), reach::port(config.status_listen, is_ours));
    let mut findings = vec![
        reach::grade_port("artifact port", "listen", config.listen, &artifacts),
        reach::grade_port("status port", "status_listen", config.status_listen, &status),
    ];
    if let (Ok(Some(account)), Ok(Some(network))) = (&on_chain.node, &on_chain.network) {
        let facts = match operator {
            Some(operator) => {
                let nonce: [u8; NONCE_BYTES] = Keypair::new().pubkey().to_bytes();
                let statement = Statement { genesis_hash: network.genesis_hash, node: patient.node, nonce };
                reach::reach(&account.endpoint, &statement, operator, config.listen, &artifacts).await
            }
            None => ReachFacts::Untried,
        };
        findings.extend(reach::grade(&account.endpoint, &facts, is_development));
    }
    findings
}
