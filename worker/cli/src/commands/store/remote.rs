//! The options by which commands name a store of somebody else's.

use crate::error::CliError;
use assay_store::{
    ArtifactUri, FetchOptions, Fetcher, LocalStore, RemoteAddress, RemoteOptions, RemoteStore, Variables,
};
use clap::Args;

/// Where `--help` lists these options.
const HEADING: &str = "Options of remote stores";

/// A store of somebody else's. Credentials come from the environment and AWS's shared files, never from arguments.
#[derive(Args, Clone, Debug)]
pub(crate) struct Remote {
    /// Store beside the folder: s3://bucket/prefix, or the http(s) address of a WebDAV folder. Credentials come from AWS_ACCESS_KEY_ID
    /// and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the machine; for WebDAV from ASSAY_STORE_USER and ASSAY_STORE_PASSWORD, or
    /// ASSAY_STORE_TOKEN
    #[arg(long, value_name = "ADDRESS", help_heading = HEADING)]
    remote: Option<RemoteAddress>,
    /// Address of an S3-compatible service [default: AWS_ENDPOINT_URL_S3, else AWS's]
    #[arg(long, value_name = "URL", requires = "remote", help_heading = HEADING)]
    remote_endpoint: Option<String>,
    /// The bucket's region [default: AWS_REGION, the profile's, else us-east-1]
    #[arg(long, value_name = "REGION", requires = "remote", help_heading = HEADING)]
    remote_region: Option<String>,
    /// Put the bucket's name before the service's host, and not into the path
    #[arg(long, requires = "remote", help_heading = HEADING)]
    remote_virtual_hosted: bool,
    /// Send to another machine by http, too
    #[arg(long, requires = "remote", help_heading = HEADING)]
    remote_unencrypted: bool,
}

impl Remote {
    /// Whether a store is named.
    pub(crate) fn is_named(&self) -> bool {
        self.remote.is_some()
    }

    /// The store, if one is named.
    pub(crate) fn open(&self) -> Result<Option<RemoteStore>, CliError> {
        let Some(address) = &self.remote else { return Ok(None) };
        let options = RemoteOptions {
            endpoint: self.remote_endpoint.clone(),
            region: self.remote_region.clone(),
            virtual_hosted: self.remote_virtual_hosted,
            allow_unencrypted: self.remote_unencrypted,
            ..RemoteOptions::default()
        };
        Ok(Some(RemoteStore::open(address, options, &Variables::of_process()).map_err(name_the_option)?))
    }

    /// Puts the artifacts at these URIs, which `store` holds, into the store, if one is named, and makes sure that strangers can
    /// fetch them there.
    pub(crate) async fn publish<'a>(
        &self,
        store: &LocalStore,
        uris: impl IntoIterator<Item = &'a str>,
        allow_private: bool,
    ) -> Result<(), CliError> {
        let Some(remote) = self.open()? else { return Ok(()) };
        let mut parsed: Vec<ArtifactUri> = Vec::new();
        for uri in uris {
            let uri = ArtifactUri::parse(uri)?;
            if !parsed.contains(&uri) {
                parsed.push(uri);
            }
        }
        let fetcher = Fetcher::new(FetchOptions { allow_private, ..FetchOptions::default() })?;
        remote.publish(&parsed, store, &fetcher).await.map_err(name_the_option)
    }
}

/// The library speaks of options; here they have names.
pub(super) fn name_the_option(error: assay_store::StoreError) -> CliError {
    let hint = match error.code() {
        "S0205" => Some("here: --allow-private"),
        "S0502" => Some("here: --remote-unencrypted"),
        "S0508" => Some("here: --remote-region, --remote-endpoint"),
        "S0510" => Some("here: the address is that of --store-url or --public-url"),
        _ => None,
    };
    let error = CliError::from(error);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}
