//! Static checks.
use super::error::CheckError;
use super::resolve::ResolvedGraph;
use super::types::Graph;

pub(super) fn structure(_graph: &Graph) -> Result<(), CheckError> {
    Ok(())
}

pub(super) fn resolved(_graph: &ResolvedGraph) -> Result<(), CheckError> {
    Ok(())
}
