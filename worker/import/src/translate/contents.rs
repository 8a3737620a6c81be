//! Integers that are known up to symbols: exporters compute shapes with chains of Shape, Gather, Concat, Cast and Slice.

use super::Translator;
use super::node::Node;
use super::size::Size;
use crate::error::ImportError;
use crate::float::{ElementType, Extent, Tensor, TensorData, ValueId};

/// Longer lists are no shapes.
const MAXIMUM_ELEMENTS: usize = 1024;

/// A small tensor of integers, each known up to symbols or not at all.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) shape: Vec<usize>,
    pub(super) elements: Vec<Option<Size>>,
}

impl Translator {
    /// The content of a value, if it is such a tensor.
    pub(super) fn content(&self, id: ValueId) -> Option<Content> {
        if let Some(content) = self.contents.get(&id) {
            return Some(content.clone());
        }
        let tensor = self.graph.constant(id)?;
        let integers = tensor.as_integers().filter(|integers| integers.len() <= MAXIMUM_ELEMENTS)?;
        let elements = integers.iter().map(|&value| Some(Size::known(value))).collect();
        Some(Content { shape: tensor.shape.clone(), elements })
    }

    /// A list of integers that must be known.
    pub(super) fn integers(&self, node: &Node<'_>, id: ValueId, what: &str) -> Result<Vec<i64>, ImportError> {
        let content = self.content(id);
        let values: Option<Vec<i64>> = content
            .and_then(|content| content.elements.iter().map(|size| size.as_ref().and_then(Size::value)).collect());
        values.ok_or_else(|| node.unsupported(&format!("its {what} must be constants; export with fixed ones")))
    }

    /// What a node computes, if that is integers known up to symbols.
    pub(super) fn known_content(
        &mut self,
        node: &Node<'_>,
        inputs: &[Option<ValueId>],
    ) -> Result<Option<ValueId>, ImportError> {
        let kind = node.proto.op_type.as_str();
        if !matches!(node.proto.domain.as_str(), "" | "ai.onnx") {
            return Ok(None);
        }
        let content = match (kind, inputs) {
            ("Shape", [Some(x), ..]) => {
                let shape = self.shape(*x);
                let rank = shape.len() as i64;
                let bound = |name, default| {
                    let value = node.int(name).unwrap_or(default);
                    (if value < 0 { value + rank } else { value }).clamp(0, rank) as usize
                };
                let (start, end) = (bound("start", 0), bound("end", rank));
                let elements: Vec<_> = shape
                    .get(start..end.max(start))
                    .unwrap_or(&[])
                    .iter()
                    .map(|&extent| Some(Size::of(extent)))
                    .collect();
                Content { shape: vec![elements.len()], elements }
            }
            ("Size", [Some(x), ..]) => {
                let total =
                    self.shape(*x).iter().try_fold(Size::known(1), |total, &extent| total.times(&Size::of(extent)));
                Content { shape: vec![], elements: vec![total] }
            }
            _ => {
                let read: Option<Vec<Content>> = inputs.iter().flatten().map(|&id| self.content(id)).collect();
                let Some(read) = read.filter(|read| !read.is_empty()) else { return Ok(None) };
                match self.derived(node, kind, &read)? {
                    Some(content) if content.elements.len() <= MAXIMUM_ELEMENTS => content,
                    _ => return Ok(None),
                }
            }
        };
        Ok(Some(self.add_content(node, content)))
    }

    /// A constant where everything is known, otherwise a value that only shapes may be made from.
    fn add_content(&mut self, node: &Node<'_>, content: Content) -> ValueId {
        let known: Option<Vec<i64>> = content.elements.iter().map(|size| size.as_ref().and_then(Size::value)).collect();
        let name = format!("{}~content", node.name());
        if let Some(known) = known {
            return self.graph.add_constant(name, Tensor { shape: content.shape, data: TensorData::Integers(known) });
        }
        let shape: Vec<Extent> = content.shape.iter().map(|&length| Extent::Known(length as u32)).collect();
        let id = self.graph.add_computed(name, &shape, ElementType::Integer);
        self.contents.insert(id, content);
        id
    }

    fn derived(&self, node: &Node<'_>, kind: &str, read: &[Content]) -> Result<Option<Content>, ImportError> {
        let first = &read[0];
        let same = |content: &Content| content.elements.len() == content.shape.iter().product::<usize>();
        if !read.iter().all(same) {
            return Ok(None);
        }
        let result = match kind {
            "Identity" => Some(first.clone()),
            "Cast"
                if node.int("to").and_then(|to| i32::try_from(to).ok()).and_then(crate::onnx::element_type)
                    == Some(ElementType::Integer) =>
            {
                Some(first.clone())
            }
            "Squeeze" | "Unsqueeze" | "Reshape" if first.elements.len() == 1 => {
                let rank = match kind {
                    "Unsqueeze" => first.shape.len() + read.get(1).map_or(1, |axes| axes.elements.len()),
                    "Squeeze" => 0,
                    _ => read.get(1).map_or(0, |shape| shape.elements.len()),
                };
                Some(Content { shape: vec![1; rank], elements: first.elements.clone() })
            }
            "Concat" if read.iter().all(|content| content.shape.len() == 1) => {
                let elements: Vec<_> = read.iter().flat_map(|content| content.elements.clone()).collect();
                Some(Content { shape: vec![elements.len()], elements })
            }
            "Gather" if first.shape.len() == 1 && read.len() == 2 => {
                let length = first.elements.len() as i64;
                let at = |index: &Option<Size>| {
                    let index = index.as_ref()?.value()?;
                    first.elements.get(usize::try_from(if index < 0 { index + length } else { index }).ok()?).cloned()
                };
                let elements: Option<Vec<_>> = read[1].elements.iter().map(at).collect();
                elements.map(|elements| Content { shape: read[1].shape.clone(), elements })
            }
            "Slice" if first.shape.len() == 1 && (3..=5).contains(&read.len()) => sliced(read),
            "Add" | "Sub" | "Mul" | "Div" | "Equal" | "Min" | "Max" if read.len() == 2 => {
                together(kind, first, &read[1])
            }
            "Where" if read.len() == 3 => {
                let length = read.iter().map(|content| content.elements.len()).max().unwrap_or(0);
                let at = |content: &Content, index: usize| {
                    content.elements.get(if content.elements.len() == 1 { 0 } else { index }).cloned().flatten()
                };
                let longest = read.iter().find(|content| content.elements.len() == length);
                let pick = |index: usize| match at(&read[0], index)?.value()? {
                    0 => at(&read[2], index),
                    _ => at(&read[1], index),
                };
                longest.map(|like| Content { shape: like.shape.clone(), elements: (0..length).map(pick).collect() })
            }
            "ReduceProd" => {
                let total = first
                    .elements
                    .iter()
                    .try_fold(Size::known(1), |total, size| size.as_ref().and_then(|size| total.times(size)));
                let keep = node.int("keepdims").unwrap_or(1) != 0;
                Some(Content { shape: if keep { vec![1; first.shape.len()] } else { vec![] }, elements: vec![total] })
            }
            "Range" if read.iter().all(|content| content.elements.len() == 1) && read.len() == 3 => {
                let value = |content: &Content| content.elements[0].as_ref().and_then(Size::value);
                match (value(&read[0]), value(&read[1]), value(&read[2])) {
                    (Some(start), Some(end), Some(step)) if step != 0 => {
                        // In more bits than the numbers have: the distance of two of them does not fit into their own.
                        let (start, end, step) = (i128::from(start), i128::from(end), i128::from(step));
                        let count = (end - start + step - step.signum()) / step;
                        let count = count.clamp(0, MAXIMUM_ELEMENTS as i128 + 1);
                        let element = |index: i128| i64::try_from(start + index * step).ok().map(Size::known);
                        let elements: Vec<_> = (0..count).map(element).collect();
                        Some(Content { shape: vec![elements.len()], elements })
                    }
                    _ => None,
                }
            }
            "ConstantOfShape" => constant_of_shape(node, first),
            _ => None,
        };
        Ok(result)
    }
}

fn constant_of_shape(node: &Node<'_>, shape: &Content) -> Option<Content> {
    let value = match node.attribute("value").and_then(|attribute| attribute.t.as_ref()) {
        Some(proto) => {
            let tensor = crate::onnx::tensor_from_proto(proto).ok()?;
            *tensor.as_integers()?.first()?
        }
        None => return None,
    };
    let lengths: Option<Vec<usize>> =
        shape.elements.iter().map(|size| usize::try_from(size.as_ref()?.value()?).ok()).collect();
    let lengths = lengths?;
    let total = lengths.iter().try_fold(1usize, |total, &length| total.checked_mul(length))?;
    (total <= MAXIMUM_ELEMENTS).then(|| Content { shape: lengths, elements: vec![Some(Size::known(value)); total] })
}

fn sliced(read: &[Content]) -> Option<Content> {
    let one = |index: usize, default: i64| match read.get(index) {
        Some(content) if content.elements.len() == 1 => content.elements[0].as_ref()?.value(),
        Some(_) => None,
        None => Some(default),
    };
    let length = read[0].elements.len() as i64;
    let (start, end, step) = (one(1, 0)?, one(2, length)?, one(4, 1)?);
    let bound = |value: i64| (if value < 0 { value.saturating_add(length) } else { value }).clamp(0, length) as usize;
    if step < 1 {
        return None;
    }
    let part = read[0].elements.get(bound(start)..bound(end)).unwrap_or(&[]);
    let elements: Vec<_> = part.iter().step_by(step as usize).cloned().collect();
    Some(Content { shape: vec![elements.len()], elements })
}

fn together(kind: &str, a: &Content, b: &Content) -> Option<Content> {
    let length = a.elements.len().max(b.elements.len());
    let fits = |content: &Content| content.elements.len() == length || content.elements.len() == 1;
    if !fits(a) || !fits(b) || a.shape.len().max(b.shape.len()) > 1 {
        return None;
    }
    let combine = |index: usize| {
        let x = a.elements[if a.elements.len() == 1 { 0 } else { index }].as_ref()?;
        let y = b.elements[if b.elements.len() == 1 { 0 } else { index }].as_ref()?;
        match kind {
            "Add" => x.plus(y, 1),
            "Sub" => x.plus(y, -1),
            "Mul" => x.times(y),
            "Div" => x.over(y),
            "Min" => Some(Size::known(x.value()?.min(y.value()?))),
            "Max" => Some(Size::known(x.value()?.max(y.value()?))),
            // lengths are 1 or more: no symbol is equal to a negative number
            _ if x == y => Some(Size::known(1)),
            _ => match (x.value(), y.value()) {
                (Some(_), Some(_)) => Some(Size::known(0)),
                (Some(value), None) | (None, Some(value)) if value <= 0 => Some(Size::known(0)),
                _ => None,
            },
        }
    };
    let shape =
        if a.shape.len() >= b.shape.len() && a.elements.len() >= b.elements.len() { &a.shape } else { &b.shape };
    let shape = if shape.iter().product::<usize>() == length { shape.clone() } else { vec![length] };
    Some(Content { shape, elements: (0..length).map(combine).collect() })
}
