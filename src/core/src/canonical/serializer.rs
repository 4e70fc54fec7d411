//! Which of a value's shapes have a canonical form, and what the rest is refused for.

use serde::{
    Serialize, Serializer,
    ser::{Impossible, SerializeStruct},
};

use super::{
    CanonicalError,
    writer::{Array, Fault, Object, Writer},
};

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Array<'a>;
    type SerializeTuple = Array<'a>;
    type SerializeTupleStruct = Array<'a>;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.text.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_i8(self, value: i8) -> Result<(), Fault> {
        self.integer(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<(), Fault> {
        self.integer(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<(), Fault> {
        self.integer(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<(), Fault> {
        self.integer(value)
    }
    fn serialize_u8(self, value: u8) -> Result<(), Fault> {
        self.integer(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<(), Fault> {
        self.integer(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<(), Fault> {
        self.integer(value.into())
    }
    fn serialize_u64(self, value: u64) -> Result<(), Fault> {
        self.integer(i64::try_from(value).map_err(|_| CanonicalError::IntegerOutOfRange)?)
    }
    fn serialize_f32(self, _: f32) -> Result<(), Fault> {
        Err(CanonicalError::Fraction.into())
    }
    fn serialize_f64(self, _: f64) -> Result<(), Fault> {
        Err(CanonicalError::Fraction.into())
    }
    fn serialize_char(self, value: char) -> Result<(), Fault> {
        self.string(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }
    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        self.string(value);
        Ok(())
    }
    fn collect_str<T: core::fmt::Display + ?Sized>(self, value: &T) -> Result<(), Fault> {
        self.string(&value.to_string());
        Ok(())
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), Fault> {
        Err(CanonicalError::Unsupported("bytes have no canonical form".to_owned()).into())
    }
    fn serialize_none(self) -> Result<(), Fault> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Fault> {
        self.text.extend_from_slice(b"null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Fault> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        let mut object = self.open_object();
        SerializeStruct::serialize_field(&mut object, variant, value)?;
        object.close()
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Array<'a>, Fault> {
        Ok(self.open_array())
    }
    fn serialize_tuple(self, _: usize) -> Result<Array<'a>, Fault> {
        Ok(self.open_array())
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Array<'a>, Fault> {
        Ok(self.open_array())
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Impossible<(), Fault>, Fault> {
        Err(CanonicalError::Unsupported(format!("the variant `{variant}` has no canonical form")).into())
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, Fault> {
        Ok(self.open_object())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'a>, Fault> {
        Ok(self.open_object())
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'a>, Fault> {
        self.text.push(b'{');
        self.string(variant);
        self.text.push(b':');
        let mut object = self.open_object();
        object.closing = "}}";
        Ok(object)
    }
}
