//! What cannot be had is skipped, loudly.

use assay_pretrained::PretrainedError;
use assay_pretrained::cache::Cache;

/// Set where the packages were set up before, so that one that is missing is an error.
const REQUIRED: &str = "ASSAY_REQUIRE_PACKAGES";

/// What `get` gives, or nothing where this machine has no way to it.
pub(crate) fn had<T>(
    what: &str,
    get: impl FnOnce(&Cache, &mut dyn FnMut(&str)) -> Result<T, PretrainedError>,
) -> Option<T> {
    let mut say = |line: &str| eprintln!("{line}");
    match Cache::standard().and_then(|cache| get(&cache, &mut say)) {
        Ok(had) => Some(had),
        Err(error) if error.is_unavailable() && std::env::var_os(REQUIRED).is_none() => {
            eprintln!("SKIPPED: {what} cannot be had: {error}");
            None
        }
        Err(error) => panic!("{what}: {error}"),
    }
}
