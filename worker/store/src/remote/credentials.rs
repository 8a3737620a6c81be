//! Where credentials of remote stores come from: by AWS's convention from the environment, from the file that its tools share, or from
//! the machine itself; never from settings or arguments.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use ini::{Ini, ParseOption};
use object_store::CredentialProvider;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential};
use reqwest::header::HeaderValue;

use crate::error::{Result, StoreError};

/// What the names of variables begin with that are read here.
const PREFIXES: &[&str] = &["AWS_", "ASSAY_STORE_"];
/// Where the home folder is, for the files that AWS's tools share.
const HOMES: &[&str] = &["HOME", "USERPROFILE"];
/// The profile where none is named.
const DEFAULT_PROFILE: &str = "default";

/// The environment variables that concern stores. Their values are never shown.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Those of this process that are not empty.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The folder in which AWS's tools keep their files.
    fn shared_folder(&self) -> Option<PathBuf> {
        HOMES.iter().find_map(|name| self.get(name)).map(|home| Path::new(home).join(".aws"))
    }

    fn profile(&self) -> &str {
        self.get("AWS_PROFILE").unwrap_or(DEFAULT_PROFILE)
    }

    /// The region that variables or the profile name.
    pub(super) fn region(&self) -> Option<String> {
        let named = self.get("AWS_REGION").or_else(|| self.get("AWS_DEFAULT_REGION")).map(str::to_owned);
        named.or_else(|| {
            let path = self
                .get("AWS_CONFIG_FILE")
                .map(PathBuf::from)
                .or_else(|| Some(self.shared_folder()?.join("config")))?;
            let section = match self.profile() {
                DEFAULT_PROFILE => DEFAULT_PROFILE.to_owned(),
                profile => format!("profile {profile}"),
            };
            Some(read_ini(&path).ok()?.section(Some(section))?.get("region")?.to_owned())
        })
    }

    /// The address of the S3-compatible service that variables name.
    pub(super) fn endpoint(&self) -> Option<&str> {
        self.get("AWS_ENDPOINT_URL_S3").or_else(|| self.get("AWS_ENDPOINT_URL"))
    }

    /// What an HTTP store is sent as `Authorization`, if anything.
    pub(super) fn http_authorization(&self) -> Result<Option<HeaderValue>> {
        let text = match (self.get("ASSAY_STORE_TOKEN"), self.get("ASSAY_STORE_USER"), self.get("ASSAY_STORE_PASSWORD"))
        {
            (None, None, None) => return Ok(None),
            (Some(token), None, None) => format!("Bearer {token}"),
            (None, Some(user), Some(password)) => {
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
            }
            _ => {
                return Err(no_credentials(
                    "an HTTP store takes either ASSAY_STORE_TOKEN, or ASSAY_STORE_USER with ASSAY_STORE_PASSWORD",
                ));
            }
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| no_credentials("ASSAY_STORE_TOKEN has characters that a header cannot carry"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        let concerns = |name: &str| HOMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        Self(variables.into_iter().filter(|(name, value)| concerns(name) && !value.is_empty()).collect())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Where the credentials of a bucket come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CredentialSource {
    /// `AWS_ACCESS_KEY_ID` and its companions.
    Environment,
    /// A token that stands in for them: a role's, or a container's.
    Exchanged,
    /// The file that AWS's tools share.
    File { path: PathBuf, profile: String },
    /// The machine, where it is one of a cloud's.
    Machine,
}

impl CredentialSource {
    /// The first source that the variables speak of; the machine where they speak of none.
    ///
    /// # Errors
    /// [`StoreError::NoCredentials`] for half of a pair, for a profile that is not there, and where the machine must not be asked.
    pub(super) fn choose(variables: &Variables) -> Result<Self> {
        match (variables.get("AWS_ACCESS_KEY_ID"), variables.get("AWS_SECRET_ACCESS_KEY")) {
            (Some(_), Some(_)) => return Ok(Self::Environment),
            (Some(_), None) => return Err(no_credentials("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not")),
            (None, Some(_)) => return Err(no_credentials("AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not")),
            (None, None) => {}
        }
        let is_set = |name| variables.get(name).is_some();
        if (is_set("AWS_WEB_IDENTITY_TOKEN_FILE") && is_set("AWS_ROLE_ARN"))
            || is_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
            || (is_set("AWS_CONTAINER_CREDENTIALS_FULL_URI") && is_set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"))
        {
            return Ok(Self::Exchanged);
        }
        let named = variables.get("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
        let is_wanted = named.is_some() || is_set("AWS_PROFILE");
        let path = named.or_else(|| Some(variables.shared_folder()?.join("credentials")));
        if let Some(path) = path.filter(|path| is_wanted || path.is_file()) {
            let profile = variables.profile().to_owned();
            return match read_profile(&path, &profile) {
                Ok(_) => Ok(Self::File { path, profile }),
                // Nobody asked for this file: a machine of a cloud may have one for another purpose.
                Err(reason) if !is_wanted => {
                    tracing::debug!(reason, "the shared credentials do not serve");
                    Self::of_machine(variables)
                }
                Err(reason) => Err(no_credentials(&reason)),
            };
        }
        Self::of_machine(variables)
    }

    fn of_machine(variables: &Variables) -> Result<Self> {
        match variables.get("AWS_EC2_METADATA_DISABLED") {
            Some(text) if text.eq_ignore_ascii_case("true") => Err(no_credentials(
                "neither the environment nor the shared file has any, and AWS_EC2_METADATA_DISABLED forbids asking the machine",
            )),
            _ => Ok(Self::Machine),
        }
    }

    /// Tells the library where to take credentials from.
    pub(super) fn apply(&self, builder: AmazonS3Builder, variables: &Variables) -> AmazonS3Builder {
        match self {
            Self::Environment | Self::Exchanged => FORWARDED
                .iter()
                .filter_map(|(name, key)| Some((key, variables.get(name)?)))
                .fold(builder, |builder, (key, value)| builder.with_config(*key, value)),
            Self::File { path, profile } => {
                builder.with_credentials(Arc::new(SharedFile { path: path.clone(), profile: profile.clone() }))
            }
            Self::Machine => builder,
        }
    }
}

/// What the library is told of the variables.
const FORWARDED: &[(&str, AmazonS3ConfigKey)] = &[
    ("AWS_ACCESS_KEY_ID", AmazonS3ConfigKey::AccessKeyId),
    ("AWS_SECRET_ACCESS_KEY", AmazonS3ConfigKey::SecretAccessKey),
    ("AWS_SESSION_TOKEN", AmazonS3ConfigKey::Token),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", AmazonS3ConfigKey::WebIdentityTokenFile),
    ("AWS_ROLE_ARN", AmazonS3ConfigKey::RoleArn),
    ("AWS_ROLE_SESSION_NAME", AmazonS3ConfigKey::RoleSessionName),
    ("AWS_ENDPOINT_URL_STS", AmazonS3ConfigKey::StsEndpoint),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", AmazonS3ConfigKey::ContainerCredentialsRelativeUri),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", AmazonS3ConfigKey::ContainerCredentialsFullUri),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", AmazonS3ConfigKey::ContainerAuthorizationTokenFile),
];

/// Reads the shared file at each use: whoever rotates keys there need not start anything again.
#[derive(Debug)]
struct SharedFile {
    path: PathBuf,
    profile: String,
}

#[async_trait]
impl CredentialProvider for SharedFile {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let failed = |reason: String| object_store::Error::Generic { store: "S3", source: Box::new(Missing(reason)) };
        let (path, profile) = (self.path.clone(), self.profile.clone());
        let read = tokio::task::spawn_blocking(move || read_profile(&path, &profile)).await;
        read.map_err(|error| failed(error.to_string()))?.map(Arc::new).map_err(failed)
    }
}

/// Credentials that were there and are there no longer; carried through the library's errors.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Missing(pub(super) String);

/// The credentials of a profile. Errors name the file and the profile, and nothing of what is in them.
fn read_profile(path: &Path, profile: &str) -> std::result::Result<AwsCredential, String> {
    let file = read_ini(path)?;
    let section =
        file.section(Some(profile)).ok_or_else(|| format!("{} has no profile [{profile}]", path.display()))?;
    let value = |name: &str| section.get(name).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned);
    match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(key_id), Some(secret_key)) => Ok(AwsCredential { key_id, secret_key, token: value("aws_session_token") }),
        _ => Err(format!(
            "the profile [{profile}] of {} has no aws_access_key_id and aws_secret_access_key; profiles that sign in in other ways \
             serve after `aws configure export-credentials`",
            path.display()
        )),
    }
}

fn read_ini(path: &Path) -> std::result::Result<Ini, String> {
    // Secrets may contain backslashes and quotes.
    let options = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
    Ini::load_from_file_opt(path, options).map_err(|error| match error {
        ini::Error::Io(error) => format!("cannot read {}: {error}", path.display()),
        // The library's message may quote the line.
        ini::Error::Parse(error) => format!("{} is no INI file in line {}", path.display(), error.line),
    })
}

pub(super) fn no_credentials(reason: &str) -> StoreError {
    StoreError::NoCredentials { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn sources_are_asked_in_the_order_of_the_convention() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        std::fs::create_dir(folder.path().join(".aws")).unwrap();
        let path = folder.path().join(".aws/credentials");
        std::fs::write(
            &path,
            "[default]\naws_access_key_id = a\naws_secret_access_key = b/\\\"c\n[empty]\nregion = x\n",
        )
        .unwrap();
        let of_file = |profile: &str| CredentialSource::File { path: path.clone(), profile: profile.to_owned() };
        let key = [("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s"), ("HOME", home)];
        assert_eq!(CredentialSource::choose(&variables(&key)).unwrap(), CredentialSource::Environment);
        let role = [("AWS_WEB_IDENTITY_TOKEN_FILE", "t"), ("AWS_ROLE_ARN", "r"), ("HOME", home)];
        assert_eq!(CredentialSource::choose(&variables(&role)).unwrap(), CredentialSource::Exchanged);
        assert_eq!(CredentialSource::choose(&variables(&[("HOME", home)])).unwrap(), of_file("default"));
        assert_eq!(CredentialSource::choose(&variables(&[])).unwrap(), CredentialSource::Machine);
        assert_eq!(read_profile(&path, "default").unwrap().secret_key, "b/\\\"c");
        for (pairs, told) in [
            (vec![("AWS_ACCESS_KEY_ID", "k")], "AWS_SECRET_ACCESS_KEY is not"),
            (vec![("AWS_SECRET_ACCESS_KEY", "s")], "AWS_ACCESS_KEY_ID is not"),
            (vec![("HOME", home), ("AWS_PROFILE", "other")], "no profile [other]"),
            (vec![("HOME", home), ("AWS_PROFILE", "empty")], "no aws_access_key_id"),
            (vec![("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/at/all")], "cannot read"),
            (vec![("AWS_EC2_METADATA_DISABLED", "true")], "forbids asking the machine"),
        ] {
            let error = CredentialSource::choose(&variables(&pairs)).unwrap_err();
            assert!(error.code() == "S0503" && error.to_string().contains(told), "{pairs:?}: {error}");
        }
    }

    #[test]
    fn the_region_comes_from_variables_or_from_the_profile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, "[default]\nregion = eu-north-1\n[profile other]\nregion = eu-south-1\n").unwrap();
        let config = path.to_str().unwrap();
        let region = |pairs: &[(&str, &str)]| variables(pairs).region();
        assert_eq!(region(&[]), None);
        assert_eq!(region(&[("AWS_CONFIG_FILE", config)]).as_deref(), Some("eu-north-1"));
        assert_eq!(region(&[("AWS_CONFIG_FILE", config), ("AWS_PROFILE", "other")]).as_deref(), Some("eu-south-1"));
        assert_eq!(region(&[("AWS_CONFIG_FILE", config), ("AWS_REGION", "x")]).as_deref(), Some("x"));
    }

    #[test]
    fn no_value_is_shown_and_what_does_not_concern_stores_is_not_kept() {
        let variables = variables(&[("AWS_SECRET_ACCESS_KEY", "hushhush"), ("PATH", "/bin"), ("AWS_REGION", "")]);
        assert_eq!(format!("{variables:?}"), "{\"AWS_SECRET_ACCESS_KEY\"}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        std::fs::write(&path, "[default\naws_secret_access_key hushhush\n").unwrap();
        let error = read_profile(&path, "default").unwrap_err();
        assert!(!error.contains("hushhush"), "{error}");
    }

    #[test]
    fn an_http_store_gets_a_token_or_a_password() {
        let header = |pairs: &[(&str, &str)]| variables(pairs).http_authorization();
        assert_eq!(header(&[]).unwrap(), None);
        assert_eq!(header(&[("ASSAY_STORE_TOKEN", "abc")]).unwrap().unwrap(), "Bearer abc");
        let basic = header(&[("ASSAY_STORE_USER", "user"), ("ASSAY_STORE_PASSWORD", "pass")]).unwrap().unwrap();
        assert_eq!(basic, "Basic dXNlcjpwYXNz");
        assert!(!format!("{basic:?}").contains("dXNl"));
        assert_eq!(header(&[("ASSAY_STORE_USER", "user")]).unwrap_err().code(), "S0503");
        assert_eq!(header(&[("ASSAY_STORE_TOKEN", "a\nb")]).unwrap_err().code(), "S0503");
    }
}
