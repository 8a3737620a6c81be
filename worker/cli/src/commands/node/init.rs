//! `assay node init`: an operator key, settings, and the registration on-chain.

use super::offline::{Offline, Signing};
use super::{Backend, Folder, IdentityFile, whole_number};
use crate::commands::write_file;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_chain::instructions;
use assay_chain::read_or_create_keypair;
use assay_node::config::{NodeConfig, with_value};
use clap::Args;
use serde_json::json;
use solana_sdk::pubkey::Pubkey;
use solana_sdk::signer::Signer;
use solana_system_interface::instruction::transfer;
use std::net::SocketAddr;

#[derive(Args, Debug)]
pub(crate) struct Init {
    #[command(flatten)]
    folder: Folder,
    /// Tells the nodes of one withdraw authority apart
    #[arg(long, default_value_t = 0)]
    index: u16,
    /// URL at which others reach this node's artifacts [default: as registered, else http:// and the listen address]
    #[arg(long)]
    endpoint: Option<String>,
    /// Address on which artifacts are served [default: as in node.toml, else 127.0.0.1:8910]
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Address on which status is served [default: as in node.toml, else 127.0.0.1:8911]
    #[arg(long)]
    status_listen: Option<SocketAddr>,
    /// Which backend computes [default: as in node.toml, else auto]
    #[arg(long, value_enum)]
    backend: Option<Backend>,
    /// Least price of a job, in base units [default: as in node.toml, else 1]
    #[arg(long)]
    price_floor: Option<u64>,
    /// Jobs in work at a time [default: as in node.toml, else 2]
    #[arg(long)]
    concurrent_jobs: Option<u32>,
    /// Fetch artifacts from loopback and private addresses too: on a network of one's own only
    #[arg(long)]
    allow_private: bool,
    /// Begin node.toml anew: without this, what it says stays, but for what is asked for here
    #[arg(long)]
    replace_settings: bool,
    /// Address of the withdraw authority, whose key is on another machine; with --unsigned
    #[arg(long, value_name = "ADDRESS", requires = "unsigned")]
    withdraw_authority: Option<Pubkey>,
    #[command(flatten)]
    offline: Offline,
    /// Lamports that the operator key should have; what it lacks is sent
    ///
    /// For fees, and for the rent of answers in a dispute: up to 60,000,000 for each opening, returned when the dispute is over.
    /// A job is claimed only if there is enough to open what one challenge of each open job can demand: 1,500,000,000 for a job
    /// with large tensors, far less for a small one.
    #[arg(long, default_value_t = 5_000_000_000)]
    fund_lamports: u64,
}

pub(super) async fn init(context: &Context, arguments: Init, output: Output) -> Result<(), CliError> {
    let signing = match (&arguments.withdraw_authority, &arguments.offline.unsigned) {
        (Some(authority), Some(file)) => arguments.offline.elsewhere(*authority, file),
        (None, Some(_)) => arguments.offline.signing(context, &arguments.folder)?,
        _ => Signing::Here(context.keypair()?),
    };
    let authority = signing.address();
    let operator = read_or_create_keypair(&arguments.folder.operator_path())?;
    let Settings { text: settings, config, listened } = arguments.settings()?;
    let node = assay::address::node(&authority, arguments.index);
    let registered = context.chain().find_node(&node).await?;
    let known_endpoint = registered.as_ref().map(|known| known.endpoint.as_str());
    let endpoint = endpoint(arguments.endpoint.as_deref(), known_endpoint, listened, config.listen);
    if config.listen.ip().is_loopback() && endpoint != endpoint_of(config.listen) {
        output.note(format!(
            "the node listens at {}, which only this machine reaches: something here has to forward {endpoint} to it; otherwise --listen",
            config.listen
        ));
    }
    let mut steps = Vec::new();
    match registered {
        None => steps.push(instructions::register_node(&authority, arguments.index, &operator.pubkey(), &endpoint)),
        Some(known) if known.operator != operator.pubkey() || known.endpoint != endpoint => {
            steps.push(instructions::update_node(&authority, &node, &operator.pubkey(), &endpoint));
        }
        Some(_) => {}
    }
    let funded = context.chain().balance_lamports(&operator.pubkey()).await?;
    let lacking = arguments.fund_lamports.saturating_sub(funded);
    if lacking > 0 {
        steps.push(transfer(&authority, &operator.pubkey(), lacking));
    }
    let identity =
        IdentityFile { node: node.to_string(), withdraw_authority: authority.to_string(), index: arguments.index };
    write_file(&arguments.folder.identity_path(), serde_json::to_string_pretty(&identity)?)?;
    write_file(&arguments.folder.config_path(), settings)?;
    // A file is said to be written, and nothing else: the node is not registered before it was signed and sent.
    if !steps.is_empty() && !signing.carry_out(context, &steps, output).await? {
        return Ok(());
    }
    let value = json!({
        "node": node.to_string(),
        "operator": operator.pubkey().to_string(),
        "withdraw_authority": authority.to_string(),
        "endpoint": endpoint,
        "config": arguments.folder.config_path(),
    });
    output.result(&value, || {
        let about = fields([
            ("node", node.to_string()),
            ("withdraw authority", authority.to_string()),
            ("operator", format!("{} in {}", operator.pubkey(), arguments.folder.operator_path().display())),
            ("endpoint", endpoint.clone()),
            ("settings", arguments.folder.config_path().display().to_string()),
        ]);
        format!("{about}\n\nnext: assay node stake AMOUNT, then assay node run")
    })
}

/// What `init` writes into node.toml, and what it found there.
struct Settings {
    text: String,
    config: NodeConfig,
    /// Where the node listened by the file that was there.
    listened: Option<SocketAddr>,
}

impl Init {
    /// What node.toml says stays, comments too, but for what the command line asks for.
    fn settings(&self) -> Result<Settings, CliError> {
        let (path, layers) = (self.folder.config_path(), self.folder.layers()?);
        let present = match path.is_file() {
            true => Some(std::fs::read_to_string(&path).map_err(|error| CliError::file("read", &path, &error))?),
            false => None,
        };
        let listened = present.as_ref().and_then(|text| layers.load_text(text).ok()).map(|before| before.config.listen);
        let mut text = match present.filter(|_| !self.replace_settings) {
            Some(text) => text,
            None => NodeConfig::default().to_toml()?,
        };
        let mut set = |key: &str, value: Option<toml::Value>| -> Result<(), CliError> {
            if let Some(value) = value {
                text = with_value(&path, &text, key, &value)?;
            }
            Ok(())
        };
        set("listen", self.listen.map(|address| address.to_string().into()))?;
        set("status_listen", self.status_listen.map(|address| address.to_string().into()))?;
        set("backend", self.backend.map(|backend| backend.word().into()))?;
        set("price_floor", self.price_floor.map(|price| whole_number(price).into()))?;
        set("concurrent_jobs", self.concurrent_jobs.map(|jobs| i64::from(jobs).into()))?;
        set("allow_private_addresses", self.allow_private.then(|| true.into()))?;
        let config = layers.load_text(&text)?.config;
        config.validate()?;
        Ok(Settings { text, config, listened })
    }
}

fn endpoint_of(listens: SocketAddr) -> String {
    format!("http://{listens}")
}

/// What is registered stays unless another is given, or it was no more than where the node listened.
fn endpoint(
    given: Option<&str>,
    registered: Option<&str>,
    listened: Option<SocketAddr>,
    listens: SocketAddr,
) -> String {
    let is_chosen = |known: &&str| !known.is_empty() && listened.is_none_or(|before| *known != endpoint_of(before));
    given.or_else(|| registered.filter(is_chosen)).map_or_else(|| endpoint_of(listens), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_node::config::BackendChoice;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        init: Init,
    }

    fn settings(folder: &std::path::Path, words: &[&str]) -> Result<Settings, CliError> {
        let data = folder.display().to_string();
        Line::parse_from([&["init", "--data", &data], words].concat()).init.settings()
    }

    #[test]
    fn settings_that_are_there_stay_but_for_what_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        let first = settings(folder.path(), &["--backend", "cpu"]).unwrap();
        assert_eq!(first.listened, None);
        assert_eq!(first.config, NodeConfig { backend: BackendChoice::Cpu, ..NodeConfig::default() });

        let mine =
            "# mine\nprice_floor = 55 # dear\nlisten = \"127.0.0.1:5\"\n[limits]\nmax_memory_bytes = 123_000_000\n";
        std::fs::write(&path, mine).unwrap();
        let again = settings(folder.path(), &[]).unwrap();
        assert_eq!((again.text.as_str(), again.listened), (mine, Some("127.0.0.1:5".parse().unwrap())));
        let asked = settings(folder.path(), &["--listen", "0.0.0.0:8910", "--allow-private"]).unwrap();
        let expected = mine.replace("127.0.0.1:5", "0.0.0.0:8910");
        assert_eq!(asked.text.replace("allow_private_addresses = true\n", ""), expected);
        let NodeConfig { listen, allow_private_addresses, price_floor, limits, .. } = asked.config;
        assert_eq!((listen.to_string().as_str(), allow_private_addresses, price_floor), ("0.0.0.0:8910", true, 55));
        assert_eq!(limits.max_memory_bytes, 123_000_000);
        assert_eq!(settings(folder.path(), &["--replace-settings"]).unwrap().config, NodeConfig::default());

        std::fs::write(&path, "concurrent_jobs = 0\n").unwrap();
        assert_eq!(settings(folder.path(), &[]).err().map(|error| error.code().to_owned()).as_deref(), Some("N0003"));
        assert_eq!(settings(folder.path(), &["--concurrent-jobs", "3"]).unwrap().config.concurrent_jobs, 3);
    }

    #[test]
    fn a_registered_endpoint_stays_unless_it_was_only_where_the_node_listened() {
        let (before, now): (SocketAddr, SocketAddr) = ("127.0.0.1:5".parse().unwrap(), "127.0.0.1:6".parse().unwrap());
        let public = "https://node.example";
        assert_eq!(endpoint(None, None, None, now), "http://127.0.0.1:6");
        assert_eq!(endpoint(None, Some(public), Some(before), now), public);
        assert_eq!(endpoint(None, Some("http://127.0.0.1:5"), Some(before), now), "http://127.0.0.1:6");
        assert_eq!(endpoint(None, Some(""), Some(before), now), "http://127.0.0.1:6");
        assert_eq!(endpoint(Some("https://other.example"), Some(public), Some(before), now), "https://other.example");
    }
}
