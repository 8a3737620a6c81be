//! Convolutions and pools.

use super::Translator;
use super::arithmetic::{optional, required};
use super::node::Node;
use crate::error::ImportError;
use crate::float::{ElementType, Extent, FloatOp, PoolKind, ReduceKind, ValueId, Window};

type Results = Result<Option<Vec<ValueId>>, ImportError>;

impl Translator {
    pub(super) fn windowed(&mut self, node: &Node<'_>, kind: &str, inputs: &[Option<ValueId>]) -> Results {
        let result = match kind {
            "Conv" => self.convolution(node, inputs)?,
            "ConvTranspose" => self.transposed_convolution(node, inputs)?,
            "MaxPool" => self.pool(node, inputs, PoolKind::Max)?,
            "AveragePool" => self.pool(node, inputs, PoolKind::Mean)?,
            "GlobalMaxPool" => self.global_pool(node, inputs, ReduceKind::Max)?,
            "GlobalAveragePool" => self.global_pool(node, inputs, ReduceKind::Mean)?,
            _ => return Ok(None),
        };
        Ok(Some(vec![result]))
    }

    /// The geometry, and the lengths of the result's axes of positions.
    fn window(
        &self,
        node: &Node<'_>,
        positions: &[Extent],
        kernel: Vec<u32>,
    ) -> Result<(Window, Vec<Extent>), ImportError> {
        let axes = positions.len();
        let list = |name: &str, default: i64, count: usize| -> Result<Vec<u32>, ImportError> {
            let values = node.ints(name).map_or_else(|| vec![default; count], <[i64]>::to_vec);
            let least = i64::from(name != "pads");
            if values.len() != count || values.iter().any(|value| !(least..1 << 20).contains(value)) {
                return Err(node.malformed(format!("its {name} are {values:?}")));
            }
            Ok(values.iter().map(|&value| value as u32).collect())
        };
        let (strides, dilations) = (list("strides", 1, axes)?, list("dilations", 1, axes)?);
        let pads = list("pads", 0, 2 * axes)?;
        let mut window = Window {
            kernel,
            strides,
            dilations,
            padding_before: pads[..axes].to_vec(),
            padding_after: pads[axes..].to_vec(),
        };
        let automatic = node.text("auto_pad").unwrap_or_default();
        let round_up = node.int("ceil_mode").unwrap_or(0) != 0;
        let mut lengths = Vec::new();
        for (axis, &extent) in positions.iter().enumerate() {
            let too_long = || node.malformed("its window or its axis is too long");
            let span = (window.kernel[axis] - 1).checked_mul(window.dilations[axis]).filter(|&span| span < 1 << 24);
            let span = span.ok_or_else(too_long)?;
            if extent.known().is_some_and(|length| !(1..1 << 28).contains(&length)) {
                return Err(too_long());
            }
            let stride = window.strides[axis];
            if automatic.starts_with("SAME") {
                let total = match extent {
                    Extent::Known(length) => ((length.div_ceil(stride) - 1) * stride + span + 1).saturating_sub(length),
                    Extent::Symbol(_) if stride == 1 => span,
                    Extent::Symbol(_) => return Err(node.shape_error("it strides over a symbol's length")),
                };
                let small = total / 2;
                let before = if automatic == "SAME_UPPER" { small } else { total - small };
                (window.padding_before[axis], window.padding_after[axis]) = (before, total - before);
            }
            let padding = window.padding_before[axis] + window.padding_after[axis];
            lengths.push(match extent {
                Extent::Known(length) => {
                    let free = (length + padding).checked_sub(span + 1);
                    let free = free.ok_or_else(|| node.malformed("its window is longer than the axis"))?;
                    let mut count = free / stride + 1;
                    if round_up && !free.is_multiple_of(stride) {
                        // a window that begins in the padding behind does not count
                        if count * stride < length + window.padding_before[axis] {
                            window.padding_after[axis] += stride - free % stride;
                            count += 1;
                        }
                    }
                    Extent::Known(count)
                }
                symbol if stride == 1 && padding == span => symbol,
                Extent::Symbol(_) => {
                    return Err(
                        node.shape_error("the length of its result is not that of its input, which is a symbol")
                    );
                }
            });
        }
        Ok((window, lengths))
    }

    fn convolution(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>]) -> Result<ValueId, ImportError> {
        let (x, weight) = (required(node, inputs, 0)?, required(node, inputs, 1)?);
        let old = self.shape(x).to_vec();
        let Some(filters) = self.graph.constant(weight).map(|tensor| tensor.shape.clone()) else {
            return Err(node.unsupported("its weight must be a constant"));
        };
        let axes = old.len().saturating_sub(2);
        if !(1..=2).contains(&axes) {
            return Err(node.unsupported("convolutions over one or two axes of positions are supported"));
        }
        let groups = node.int("group").unwrap_or(1);
        let channels = old[1].known().map(i64::from);
        let fits = filters.len() == old.len()
            && groups > 0
            && channels == i64::try_from(filters[1]).ok().and_then(|each| each.checked_mul(groups))
            && (filters[0] as i64) % groups == 0
            && filters.iter().all(|&length| length > 0);
        if !fits {
            let text = self.graph.shape_text(&old);
            return Err(node.malformed(format!("a weight of shape {filters:?} in {groups} groups does not fit {text}")));
        }
        let kernel = filters[2..].iter().map(|&length| length as u32).collect();
        let (window, lengths) = self.window(node, &old[2..], kernel)?;
        let mut shape = vec![old[0], Extent::Known(filters[0] as u32)];
        shape.extend(lengths);
        let bias = optional(inputs, 2);
        if bias.is_some_and(|bias| self.graph.constant(bias).is_none_or(|bias| bias.shape != [filters[0]])) {
            return Err(node.unsupported("its bias must be a constant, one number for each channel"));
        }
        let inputs: Vec<ValueId> = [x, weight].into_iter().chain(bias).collect();
        self.emit(node, FloatOp::Convolution { window, groups: groups as u32 }, &inputs, &shape, ElementType::Float)
    }

    fn pool(&mut self, node: &Node<'_>, inputs: &[Option<ValueId>], kind: PoolKind) -> Result<ValueId, ImportError> {
        let mut x = required(node, inputs, 0)?;
        let old = self.shape(x).to_vec();
        let axes = old.len().saturating_sub(2);
        let kernel = node.ints("kernel_shape").unwrap_or_default();
        if !(1..=2).contains(&axes)
            || kernel.len() != axes
            || kernel.iter().any(|length| !(1..1 << 20).contains(length))
        {
            return Err(node.unsupported("pools over one or two axes of positions are supported"));
        }
        let kernel = kernel.iter().map(|&length| length as u32).collect();
        let (mut window, lengths) = self.window(node, &old[2..], kernel)?;
        let padded = window.padding_before.iter().chain(&window.padding_after).any(|&count| count > 0);
        if kind == PoolKind::Mean && padded && node.int("count_include_pad").unwrap_or(0) != 0 {
            if node.int("ceil_mode").unwrap_or(0) != 0 {
                return Err(node.unsupported("ceil_mode together with count_include_pad is not supported"));
            }
            let before = [&[0, 0], &window.padding_before[..]].concat();
            let after = [&[0, 0], &window.padding_after[..]].concat();
            let mut shape = old.clone();
            for (axis, extent) in shape.iter_mut().enumerate() {
                let extra = before[axis] + after[axis];
                if extra > 0 {
                    let refuse = || node.shape_error("an axis whose length is a symbol is padded");
                    *extent = Extent::Known(extent.known().ok_or_else(refuse)? + extra);
                }
            }
            x = self.emit(node, FloatOp::Pad { before, after, value: 0.0 }, &[x], &shape, ElementType::Float)?;
            window.padding_before = vec![0; axes];
            window.padding_after = vec![0; axes];
        }
        let mut shape = old[..2].to_vec();
        shape.extend(lengths);
        self.emit(node, FloatOp::Pool { kind, window }, &[x], &shape, ElementType::Float)
    }

    fn global_pool(
        &mut self,
        node: &Node<'_>,
        inputs: &[Option<ValueId>],
        kind: ReduceKind,
    ) -> Result<ValueId, ImportError> {
        let x = required(node, inputs, 0)?;
        let rank = self.shape(x).len();
        if rank < 3 {
            return Err(node.malformed("there are no positions"));
        }
        self.reduce(node, x, kind, (2..rank).collect(), true)
    }
}
