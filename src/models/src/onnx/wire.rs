//! Protocol buffers on the wire: numbered fields, whose meaning stands in `onnx.proto`.

use crate::error::ImportError;

/// The most fields in a file.
const FIELDS_MAX: usize = 8_000_000;

/// One field's contents.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field<'a> {
    Integer(u64),
    Fixed64,
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// The fields of a message, in the order of the file.
pub(super) fn fields(bytes: &[u8]) -> Result<Vec<(u32, Field<'_>)>, ImportError> {
    let mut rest = bytes;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        ImportError::limit("fields in the model file", fields.len() + 1, FIELDS_MAX)?;
        let key = varint(&mut rest)?;
        let field = match key & 7 {
            0 => Field::Integer(varint(&mut rest)?),
            1 => {
                take(&mut rest, 8)?;
                Field::Fixed64
            }
            2 => {
                let length = usize::try_from(varint(&mut rest)?).map_err(|_| too_short())?;
                Field::Bytes(take(&mut rest, length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(take(&mut rest, 4)?.try_into().unwrap_or([0; 4]))),
            other => return Err(ImportError::Syntax(format!("a field has the wire type {other}"))),
        };
        let number = u32::try_from(key >> 3).map_err(|_| too_short())?;
        if number == 0 {
            return Err(ImportError::Syntax("a field has the number 0".to_owned()));
        }
        fields.push((number, field));
    }
    Ok(fields)
}

fn too_short() -> ImportError {
    ImportError::Syntax("the file ends within a field".to_owned())
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], ImportError> {
    let (taken, left) = rest.split_at_checked(length).ok_or_else(too_short)?;
    *rest = left;
    Ok(taken)
}

fn varint(rest: &mut &[u8]) -> Result<u64, ImportError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?.first().copied().unwrap_or(0);
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(ImportError::Syntax("an integer has more than ten bytes".to_owned()))
}

/// A repeated integer, packed or not.
pub(super) fn integers(field: Field<'_>, list: &mut Vec<i64>) -> Result<(), ImportError> {
    match field {
        Field::Integer(value) => list.push(value.cast_signed()),
        Field::Bytes(mut packed) => {
            while !packed.is_empty() {
                list.push(varint(&mut packed)?.cast_signed());
            }
        }
        _ => return Err(ImportError::Syntax("a list of integers holds something else".to_owned())),
    }
    Ok(())
}

/// A repeated `f32`, packed or not.
pub(super) fn floats(field: Field<'_>, list: &mut Vec<f32>) -> Result<(), ImportError> {
    match field {
        Field::Fixed32(bits) => list.push(f32::from_bits(bits)),
        Field::Bytes(packed) if packed.len().is_multiple_of(4) => {
            list.extend(packed.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap_or([0; 4]))));
        }
        _ => return Err(ImportError::Syntax("a list of floats holds something else".to_owned())),
    }
    Ok(())
}

/// A string.
pub(super) fn text(field: Field<'_>) -> Result<&str, ImportError> {
    match field {
        Field::Bytes(bytes) => {
            std::str::from_utf8(bytes).map_err(|_| ImportError::Syntax("a string is not UTF-8".to_owned()))
        }
        _ => Err(ImportError::Syntax("a string is something else".to_owned())),
    }
}

/// A message within a message.
pub(super) fn message(field: Field<'_>) -> Result<&[u8], ImportError> {
    match field {
        Field::Bytes(bytes) => Ok(bytes),
        _ => Err(ImportError::Syntax("a message is something else".to_owned())),
    }
}
