//! `assay demo fetch`: everything that the demos of real models need, so that they then work without a network.

use super::prepared;
use crate::error::CliError;
use crate::output::{Output, fields};
use assay_pretrained::cache::Cache;
use assay_pretrained::magika::Magika;
use assay_pretrained::minilm::MiniLm;
use assay_pretrained::python::Peers;
use clap::Args;
use serde_json::json;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Also make a Python environment with Magika's official package and ONNX Runtime, to compare with
    #[arg(long)]
    peers: bool,
}

pub(super) async fn run(arguments: &Arguments, output: Output) -> Result<(), CliError> {
    let with_peers = arguments.peers;
    let (magika, minilm, peers) = prepared(output, move |say| {
        let cache = Cache::standard()?;
        let magika = Magika::fetch(&cache, say)?.network(&cache, say)?;
        let minilm = MiniLm::fetch(&cache, say)?.network(&cache, say)?;
        let peers = if with_peers { Some(Peers::ready(&cache, say)?) } else { None };
        Ok((magika, minilm, peers))
    })
    .await?;
    let peers = peers.map(|peers| peers.folder().to_owned());
    let value = json!({ "magika": magika.folder, "minilm": minilm.folder, "peers": peers });
    output.result(&value, || {
        let mut pairs =
            vec![("magika", magika.folder.display().to_string()), ("minilm", minilm.folder.display().to_string())];
        pairs.extend(peers.iter().map(|folder| ("peers", folder.display().to_string())));
        fields(pairs)
    })
}
