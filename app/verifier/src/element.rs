//! One element: its value, what it read, and its leaf.

use crate::failure::{Failure, NO_ELEMENT, NO_PRODUCER};
use crate::wire::{Reader, Writer};
use crate::work::{Whose, Work, tensor_of, wrong_length};
use referee::graph::{ResolvedTensor, Slot};
use referee::semantics::{Fetch, evaluate_output};

/// Most elements of what was read that a reply lists.
const MOST_LISTED: usize = 4096;

/// Fetches from a work and notes what was read.
struct Noted<'a> {
    work: &'a Work,
    whose: Whose,
    count: u32,
    listed: Vec<(Slot, u32, i64)>,
}

impl Fetch for Noted<'_> {
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64> {
        let dtype = tensor_of(&self.work.graph, slot).ok()?.dtype;
        let value = dtype.read(self.work.values(self.whose, slot).ok()?, element as usize)?;
        self.count = self.count.saturating_add(1);
        if self.listed.len() < MOST_LISTED {
            self.listed.push((slot, element, value));
        }
        Some(value)
    }
}

impl Work {
    pub(crate) fn element(&self, request: Reader<'_>, reply: &mut Writer) -> Result<(), Failure> {
        let (whose, slot, element) = self.place(request)?;
        let tensor = tensor_of(&self.graph, slot)?;
        let nobody = || Failure::new(NO_PRODUCER, format_args!("tensor {slot} is given; only its root can be checked"));
        let (op, output) = tensor.producer.ok_or_else(nobody)?;
        let mut noted = Noted { work: self, whose, count: 0, listed: Vec::new() };
        let value = evaluate_output(&self.graph, slot, element, &mut noted).map_err(Failure::of)?;
        let stands = self.values(whose, slot).ok().and_then(|bytes| tensor.dtype.read(bytes, element as usize));
        reply.i64(value).u8(stands.is_some().into()).i64(stands.unwrap_or(0)).u16(op).u8(output);
        reply.u32(noted.count).u32(noted.listed.len() as u32);
        for (slot, element, value) in noted.listed {
            reply.u16(slot).u32(element).i64(value);
        }
        Ok(())
    }

    pub(crate) fn leaf(&self, request: Reader<'_>, reply: &mut Writer) -> Result<(), Failure> {
        let (whose, slot, element) = self.place(request)?;
        let tensor = tensor_of(&self.graph, slot)?;
        let bytes = self.values(whose, slot)?;
        let address = tensor.layout.address(element);
        let opened = || opened(tensor, bytes, address.position);
        let (root, path, data) = opened().ok_or_else(|| wrong_length(slot, tensor, bytes.len()))?;
        reply.bytes(&root).u32(address.position).u32(address.offset).u8(path.len() as u8);
        reply.bytes(path.as_flattened()).bytes(data);
        Ok(())
    }

    /// Whose values, of which tensor, which element; there is such an element.
    fn place(&self, mut request: Reader<'_>) -> Result<(Whose, Slot, u32), Failure> {
        let (whose, slot, element) = (Whose::read(&mut request)?, request.u16()?, request.u32()?);
        request.finish()?;
        let elements = tensor_of(&self.graph, slot)?.elements();
        if element >= elements {
            let text = format!("tensor {slot} has {elements} elements, none is number {element}");
            return Err(Failure::new(NO_ELEMENT, text));
        }
        Ok((whose, slot, element))
    }
}

type Opened<'a> = ([u8; 32], Vec<[u8; 32]>, &'a [u8]);

fn opened<'a>(tensor: &ResolvedTensor, bytes: &'a [u8], position: u32) -> Option<Opened<'a>> {
    let leaves = tensor.layout.leaf_hashes(bytes)?;
    let range = tensor.layout.leaf_range(position)?;
    let data = bytes.get(range.start as usize..range.end as usize)?;
    let path = tensor.layout.path(bytes, position)?;
    Some((tensor.layout.root_of_leaves(&leaves), path, data))
}
