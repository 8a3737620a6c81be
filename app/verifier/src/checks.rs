//! Comparisons with what stands on-chain. What differs is an error.

use crate::failure::{Failure, LEAF_PATH, NOT_GIVEN, OTHER_WORK, OUTPUT_PATH, OUTPUT_ROOT, REQUEST, hexadecimal};
use crate::wire::{Reader, Writer};
use crate::work::{Work, tensor_of, wrong_length};
use referee::commit::{self, ListRole, depth_for, list_root, root_from_path};
use referee::graph::IR_VERSION;
use referee::proof::{self, Fault, Pinned, PinnedSegment};

/// See [`Operation::CheckJob`](crate::Operation::CheckJob).
pub(crate) fn job(work: &Work, mut request: Reader<'_>) -> Result<(), Failure> {
    let pinned = [request.hash()?, request.hash()?, request.hash()?];
    let (version, symbols) = (request.u16()?, request.symbols()?);
    let (uid, leaves, depth) = (request.array::<8>()?, request.u32()?, request.u8()?);
    let (position, count) = (request.u16()?, request.u16()?);
    request.finish()?;
    let not_given = |what| move || Failure::new(NOT_GIVEN, format_args!("give the {what} first"));
    let given = [
        ("graph root", work.graph.root),
        ("params root", work.params_root.ok_or_else(not_given("params"))?),
        ("inputs root", work.inputs_root.ok_or_else(not_given("inputs"))?),
    ];
    for ((what, given), pinned) in given.into_iter().zip(pinned) {
        same(what, hexadecimal(&given), hexadecimal(&pinned))?;
    }
    same("IR version", IR_VERSION.to_string(), version.to_string())?;
    let mut given = [0; 4];
    given.iter_mut().zip(&work.graph.symbols).for_each(|(place, value)| *place = *value);
    same("symbol values", format!("{given:?}"), format!("{symbols:?}"))?;
    let layout = &tensor_of(&work.graph, work.output)?.layout;
    let place = work.graph.boundary_position(work.output);
    same("uid of the output", hexadecimal(&layout.uid), hexadecimal(&uid))?;
    same("number of leaves of the output", layout.leaves().to_string(), leaves.to_string())?;
    same("depth of the output", layout.depth().to_string(), depth.to_string())?;
    same("place of the output", format!("{place:?}"), format!("{:?}", Some(position)))?;
    same("number of boundary tensors", work.graph.boundary.len().to_string(), count.to_string())
}

fn same(what: &str, given: String, pinned: String) -> Result<(), Failure> {
    if given == pinned {
        return Ok(());
    }
    let text = format!("the {what} of what was given is {given}, the job pins {pinned}; fetch what the job names");
    Err(Failure::new(OTHER_WORK, text))
}

/// See [`Operation::CheckLeaf`](crate::Operation::CheckLeaf).
pub(crate) fn leaf(work: &Work, mut request: Reader<'_>) -> Result<(), Failure> {
    let (slot, root, position) = (request.u16()?, request.hash()?, request.u32()?);
    let path = request.hashes()?;
    if tensor_of(&work.graph, slot)?.layout.verify(&root, position, request.rest(), &path) {
        return Ok(());
    }
    let text = format!("leaf {position} of tensor {slot} and its path do not lead to {}", hexadecimal(&root));
    Err(Failure::new(LEAF_PATH, text))
}

/// See [`Operation::CheckOutput`](crate::Operation::CheckOutput).
pub(crate) fn output(work: &Work, mut request: Reader<'_>) -> Result<(), Failure> {
    let committed = request.hash()?;
    let (slot, bytes) = (work.output, request.rest());
    let tensor = tensor_of(&work.graph, slot)?;
    let root = tensor.layout.root(bytes).ok_or_else(|| wrong_length(slot, tensor, bytes.len()))?;
    if root == committed {
        return Ok(());
    }
    let (root, committed) = (hexadecimal(&root), hexadecimal(&committed));
    let text = format!("these bytes lead to {root}, the node committed to {committed}; ask another source");
    Err(Failure::new(OUTPUT_ROOT, text))
}

/// See [`Operation::CheckOutputPath`](crate::Operation::CheckOutputPath).
pub(crate) fn output_path(work: &Work, mut request: Reader<'_>) -> Result<(), Failure> {
    let (output_root, boundary_root) = (request.hash()?, request.hash()?);
    let path = request.hashes()?;
    request.finish()?;
    let count = work.graph.boundary.len() as u32;
    let position = u32::from(work.graph.boundary_position(work.output).unwrap_or(0));
    let hash = tensor_of(&work.graph, work.output)?.layout.hash_of_root(&output_root);
    let root = if path.len() == usize::from(depth_for(count)) { root_from_path(&hash, position, &path) } else { None };
    if root.is_some_and(|root| list_root(ListRole::Boundary, count, &root) == boundary_root) {
        return Ok(());
    }
    let text = format!("the output and its path do not lead to the boundary root {}", hexadecimal(&boundary_root));
    Err(Failure::new(OUTPUT_PATH, text))
}

/// See [`Operation::Commitment`](crate::Operation::Commitment).
pub(crate) fn commitment(mut request: Reader<'_>, reply: &mut Writer) -> Result<(), Failure> {
    let (job, node, boundary_root) = (request.hash()?, request.hash()?, request.hash()?);
    request.finish()?;
    reply.bytes(&commit::commitment(&job, &node, &boundary_root));
    Ok(())
}

/// See [`Operation::Judge`](crate::Operation::Judge).
pub(crate) fn judge(mut request: Reader<'_>, reply: &mut Writer) -> Result<(), Failure> {
    let (graph_root, params_root, inputs_root) = (request.hash()?, request.hash()?, request.hash()?);
    let (boundary_root, boundary_count, ir_version) = (request.hash()?, request.u16()?, request.u16()?);
    let symbols = request.symbols()?;
    let segment = match request.u8()? {
        0 => None,
        1 => Some(PinnedSegment { index: request.u16()?, root: request.hash()? }),
        other => return Err(Failure::new(REQUEST, format_args!("a segment is there (1) or not (0), not {other}"))),
    };
    let pinned =
        Pinned { graph_root, params_root, inputs_root, boundary_root, boundary_count, ir_version, symbols, segment };
    let finding = proof::judge(request.rest(), &pinned).map_err(Failure::of)?;
    match finding.fault {
        Fault::Element { op, slot, element, claimed, computed } => {
            reply.u8(0).u16(op).u16(slot).u32(element).i64(claimed).i64(computed);
        }
        Fault::Mismatch { slot, boundary, segment } => {
            reply.u8(1).u16(slot).bytes(&boundary).bytes(&segment);
        }
    }
    reply.u8(finding.uses_segment.into());
    Ok(())
}
