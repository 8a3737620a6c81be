//! Descriptors from bytes that may be hostile.

use super::instruction::instruction_of;
use super::writer::{CLAMP, DIM_CONST, DIM_SYMBOL, NONE_U8, NONE_U16, PAD};
use super::{Header, HeaderCounts, MAGIC};
use crate::graph::bytecode::{MAX_CONSTANTS, MAX_WORDS, Program};
use crate::graph::error::DecodeError;
use crate::graph::types::{
    Dim, Dtype, IR_VERSION, MAX_AXES, MAX_CUTS, MAX_OP_OUTPUTS, MAX_OPERANDS, MAX_OPS, MAX_OUTPUT_AXES, MAX_OUTPUTS,
    MAX_PROGRAMS, MAX_REDUCTION_AXES, MAX_SYMBOLS, MAX_TENSORS, MAX_TERMS, Op, OpKind, OutOfBounds, Symbol, Tensor,
    TensorKind, Term, View,
};
use alloc::vec::Vec;

/// A cursor over bytes; every read either advances or fails with the offset where it began.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len() }
    }

    /// Bytes read so far.
    fn offset(&self) -> usize {
        self.length - self.rest.len()
    }

    fn fail<T>(&self, reason: &'static str) -> Result<T, DecodeError> {
        Err(DecodeError { offset: self.offset(), reason })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(*head)
            }
            None => self.fail("the bytes end too early"),
        }
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn i32(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    /// A one-byte field that `value_of` understands; its offset is the field's own when it does not.
    fn tag<T>(&mut self, value_of: fn(u8) -> Option<T>, reason: &'static str) -> Result<T, DecodeError> {
        let offset = self.offset();
        value_of(self.u8()?).ok_or(DecodeError { offset, reason })
    }

    /// `count` items of at least `least_bytes` each. Nothing is reserved that the remaining bytes could not fill.
    pub(super) fn list<T>(
        &mut self,
        count: usize,
        most: usize,
        least_bytes: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        if count > most {
            return self.fail("a list is longer than its bound");
        }
        if count > self.rest.len() / least_bytes.max(1) {
            return self.fail("a list is longer than the bytes that follow");
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn list_u8<T>(
        &mut self,
        most: usize,
        least_bytes: usize,
        item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = usize::from(self.u8()?);
        self.list(count, most, least_bytes, item)
    }

    fn count_u16(&mut self, most: usize) -> Result<u16, DecodeError> {
        let offset = self.offset();
        let count = self.u16()?;
        if usize::from(count) > most {
            return Err(DecodeError { offset, reason: "a count is beyond its bound" });
        }
        Ok(count)
    }

    pub(super) fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { self.fail("bytes are left over") }
    }

    pub(super) fn magic(&mut self) -> Result<(), DecodeError> {
        match self.rest.strip_prefix(&MAGIC) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => self.fail("the magic bytes `ASIR` are missing"),
        }
    }

    /// The front of a header: the counts, and the symbols.
    pub(super) fn header_counts(&mut self) -> Result<(HeaderCounts, Vec<Symbol>), DecodeError> {
        let offset = self.offset();
        let ir_version = self.u16()?;
        if ir_version != IR_VERSION {
            return Err(DecodeError { offset, reason: "the IR version is not 1" });
        }
        let symbols = self.list_u8(MAX_SYMBOLS, 8, |reader| Ok(Symbol { min: reader.u32()?, max: reader.u32()? }))?;
        let tensors = self.count_u16(MAX_TENSORS)?;
        let programs = self.count_u16(MAX_PROGRAMS)?;
        let ops = self.count_u16(MAX_OPS)?;
        Ok((HeaderCounts { ir_version, symbols: symbols.len(), tensors, programs, ops }, symbols))
    }

    pub(super) fn header(&mut self) -> Result<Header, DecodeError> {
        let (HeaderCounts { ir_version, tensors, programs, ops, .. }, symbols) = self.header_counts()?;
        let cuts = usize::from(self.count_u16(MAX_CUTS)?);
        let cuts = self.list(cuts, MAX_CUTS, 2, Self::u16)?;
        let outputs = self.list_u8(MAX_OUTPUTS, 2, Self::u16)?;
        Ok(Header { ir_version, symbols, tensors, programs, ops, cuts, outputs })
    }

    fn dims(&mut self, most: usize) -> Result<Vec<Dim>, DecodeError> {
        self.list_u8(most, 2, |reader| {
            let offset = reader.offset();
            match reader.u8()? {
                DIM_CONST => Ok(Dim::Const(reader.u32()?)),
                DIM_SYMBOL => Ok(Dim::Symbol(reader.u8()?)),
                _ => Err(DecodeError { offset, reason: "a dim is neither constant (0) nor symbol (1)" }),
            }
        })
    }

    pub(super) fn tensor(&mut self) -> Result<Tensor, DecodeError> {
        let dtype = self.tag(|byte| Dtype::ALL.get(usize::from(byte)).copied(), "unknown element type")?;
        let kind = self.tag(|byte| TensorKind::ALL.get(usize::from(byte)).copied(), "unknown tensor kind")?;
        Ok(Tensor { dtype, kind, shape: self.dims(MAX_AXES)? })
    }

    pub(super) fn program(&mut self) -> Result<Program, DecodeError> {
        let constants = self.list_u8(MAX_CONSTANTS, 8, |reader| Ok(i64::from_le_bytes(reader.array()?)))?;
        let code = self.list_u8(MAX_WORDS, 4, |reader| {
            let offset = reader.offset();
            instruction_of(reader.u32()?).map_err(|reason| DecodeError { offset, reason })
        })?;
        Ok(Program { constants, code })
    }

    pub(super) fn op(&mut self) -> Result<Op, DecodeError> {
        let kind = self.tag(|byte| OpKind::ALL.get(usize::from(byte)).copied(), "unknown op kind")?;
        let outputs = self.list_u8(MAX_OP_OUTPUTS, 2, Self::u16)?;
        let output_axes = self.dims(MAX_OUTPUT_AXES)?;
        let reduction_axes = self.dims(MAX_REDUCTION_AXES)?;
        let operands = self.list_u8(MAX_OPERANDS, 7, Self::view)?;
        let prologue = Some(self.u16()?).filter(|index| *index != NONE_U16);
        let program = self.u16()?;
        Ok(Op { kind, outputs, output_axes, reduction_axes, operands, prologue, program })
    }

    fn view(&mut self) -> Result<View, DecodeError> {
        let slot = self.u16()?;
        let as_shape = self.dims(MAX_AXES)?;
        let offsets = self.list_u8(MAX_AXES, 4, Self::i32)?;
        let terms = self.list_u8(MAX_TERMS, 6, |reader| {
            Ok(Term { source_axis: reader.u8()?, iteration_axis: reader.u8()?, coefficient: reader.i32()? })
        })?;
        let offset = self.offset();
        let out_of_bounds = match self.u8()? {
            CLAMP => OutOfBounds::Clamp,
            PAD => OutOfBounds::Pad(self.i32()?),
            _ => return Err(DecodeError { offset, reason: "a view neither clamps (0) nor pads (1)" }),
        };
        let indirect = Some(self.u8()?).filter(|axis| *axis != NONE_U8);
        Ok(View { slot, as_shape, offsets, terms, out_of_bounds, indirect })
    }
}
