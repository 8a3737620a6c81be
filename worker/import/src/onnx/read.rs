//! Decoding a file, and its constants.

use super::proto::{ModelProto, TensorProto, data_type};
use crate::error::ImportError;
use crate::float::{ElementType, Tensor};
use prost::Message;

/// The opsets of `ai.onnx` whose meaning is implemented.
const OPSETS: std::ops::RangeInclusive<i64> = 11..=21;
/// A graph of more nodes than this cannot become one of 4096 ops.
const MAXIMUM_NODES: usize = 100_000;
/// Axes of a tensor.
const MAXIMUM_AXES: usize = 8;

/// Decodes a file and checks what concerns the whole of it.
///
/// # Errors
/// [`ImportError::Malformed`], [`ImportError::Opset`], [`ImportError::TooLarge`], [`ImportError::Unsupported`].
pub fn parse(bytes: &[u8]) -> Result<ModelProto, ImportError> {
    let model = ModelProto::decode(bytes).map_err(|error| ImportError::Malformed { reason: error.to_string() })?;
    let Some(graph) = &model.graph else {
        return Err(ImportError::Malformed { reason: String::from("it holds no graph") });
    };
    if graph.output.is_empty() {
        return Err(ImportError::Malformed { reason: String::from("its graph has no output") });
    }
    if graph.node.len() > MAXIMUM_NODES {
        let (found, limit) = (graph.node.len() as u64, MAXIMUM_NODES as u64);
        return Err(ImportError::TooLarge { what: String::from("the number of nodes"), found, limit });
    }
    let opset = opset(&model);
    if !OPSETS.contains(&opset) {
        return Err(ImportError::Opset { found: opset });
    }
    if let Some(function) = model.functions.first() {
        return Err(ImportError::Unsupported {
            node: function.name.clone(),
            operator: String::from("functions of a model's own"),
            remedy: String::from("export with functions inlined"),
        });
    }
    Ok(model)
}

/// The version of `ai.onnx` that a model uses.
pub(crate) fn opset(model: &ModelProto) -> i64 {
    let own = model.opset_import.iter().find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
    own.map_or(1, |set| set.version)
}

/// What the elements of a type of the format become.
pub(crate) fn element_type(number: i32) -> Option<ElementType> {
    match number {
        data_type::FLOAT | data_type::FLOAT16 | data_type::DOUBLE | data_type::BFLOAT16 => Some(ElementType::Float),
        data_type::BOOL => Some(ElementType::Boolean),
        data_type::UINT8
        | data_type::INT8
        | data_type::UINT16
        | data_type::INT16
        | data_type::INT32
        | data_type::INT64
        | data_type::UINT32
        | data_type::UINT64 => Some(ElementType::Integer),
        _ => None,
    }
}

/// A constant of the file. Nothing is reserved that the file does not hold.
///
/// # Errors
/// [`ImportError::ExternalData`] or [`ImportError::Tensor`].
pub fn tensor_from_proto(proto: &TensorProto) -> Result<Tensor, ImportError> {
    if proto.data_location == 1 || !proto.external_data.is_empty() {
        let location = proto.external_data.iter().find(|entry| entry.key == "location");
        let location = location.map(|entry| entry.value.clone()).unwrap_or_default();
        return Err(ImportError::ExternalData { tensor: proto.name.clone(), location });
    }
    let refuse = |reason: String| ImportError::Tensor { tensor: proto.name.clone(), reason };
    if proto.dims.len() > MAXIMUM_AXES {
        return Err(refuse(format!("{} axes, at most {MAXIMUM_AXES} are read", proto.dims.len())));
    }
    let mut shape = Vec::with_capacity(proto.dims.len());
    let mut elements = 1usize;
    for &length in &proto.dims {
        let length = u32::try_from(length).map_err(|_| refuse(format!("an axis of length {length}")))? as usize;
        elements = elements.checked_mul(length).ok_or_else(|| refuse(String::from("too many elements")))?;
        shape.push(length);
    }
    let counted = |found: usize| {
        if found == elements {
            Ok(())
        } else {
            Err(refuse(format!("shape {shape:?} has {elements} elements, the file holds {found}")))
        }
    };
    let raw = proto.raw_data.as_deref().filter(|raw| !raw.is_empty());
    let Some(kind) = element_type(proto.data_type) else {
        return Err(refuse(format!("element type {} is not supported", proto.data_type)));
    };
    if kind == ElementType::Float {
        let data: Vec<f32> = match (raw, proto.data_type) {
            (Some(raw), data_type::FLOAT) => whole(raw, f32::from_le_bytes, &refuse)?,
            (Some(raw), data_type::DOUBLE) => whole(raw, |bytes| f64::from_le_bytes(bytes) as f32, &refuse)?,
            (Some(raw), data_type::FLOAT16) => whole(raw, |bytes| half(u16::from_le_bytes(bytes)), &refuse)?,
            (Some(raw), _) => whole(raw, |bytes| brain(u16::from_le_bytes(bytes)), &refuse)?,
            (None, data_type::FLOAT) => proto.float_data.clone(),
            (None, data_type::DOUBLE) => proto.double_data.iter().map(|&value| value as f32).collect(),
            (None, data_type::FLOAT16) => proto.int32_data.iter().map(|&bits| half(bits as u16)).collect(),
            (None, _) => proto.int32_data.iter().map(|&bits| brain(bits as u16)).collect(),
        };
        counted(data.len())?;
        return Ok(Tensor::floats(&shape, data));
    }
    let data: Vec<i64> = match (raw, proto.data_type) {
        (Some(raw), data_type::UINT8) => raw.iter().map(|&byte| i64::from(byte)).collect(),
        (Some(raw), data_type::INT8) => raw.iter().map(|&byte| i64::from(byte as i8)).collect(),
        (Some(raw), data_type::BOOL) => raw.iter().map(|&byte| i64::from(byte != 0)).collect(),
        (Some(raw), data_type::UINT16) => whole(raw, |bytes| i64::from(u16::from_le_bytes(bytes)), &refuse)?,
        (Some(raw), data_type::INT16) => whole(raw, |bytes| i64::from(i16::from_le_bytes(bytes)), &refuse)?,
        (Some(raw), data_type::UINT32) => whole(raw, |bytes| i64::from(u32::from_le_bytes(bytes)), &refuse)?,
        (Some(raw), data_type::INT32) => whole(raw, |bytes| i64::from(i32::from_le_bytes(bytes)), &refuse)?,
        (Some(raw), _) => whole(raw, i64::from_le_bytes, &refuse)?,
        (None, data_type::INT64) => proto.int64_data.clone(),
        (None, data_type::UINT32 | data_type::UINT64) => proto.uint64_data.iter().map(|&value| value as i64).collect(),
        (None, _) => proto.int32_data.iter().map(|&value| i64::from(value)).collect(),
    };
    counted(data.len())?;
    Ok(Tensor::integers(&shape, data))
}

fn whole<const N: usize, T>(
    raw: &[u8],
    convert: impl Fn([u8; N]) -> T,
    refuse: &impl Fn(String) -> ImportError,
) -> Result<Vec<T>, ImportError> {
    let (chunks, rest) = raw.as_chunks::<N>();
    if rest.is_empty() {
        Ok(chunks.iter().map(|&bytes| convert(bytes)).collect())
    } else {
        Err(refuse(format!("{} bytes are not whole elements of {N}", raw.len())))
    }
}

/// A number of IEEE 754 binary16.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2.0f32.powi(-24),
        0x1f if fraction == 0.0 => f32::INFINITY,
        0x1f => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0f32.powi(exponent - 15),
    }
}

/// The upper half of a binary32.
fn brain(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x0001, 2.0f32.powi(-24)), (0x7bff, 65504.0), (0x3555, 0.333_251_95)]
        {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert_eq!(half(0x7c00), f32::INFINITY);
        assert!(half(0x7e00).is_nan());
        assert_eq!(brain(0x3f80), 1.0);
    }
}
