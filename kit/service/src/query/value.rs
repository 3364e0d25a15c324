//! serde over pairs of text: numbers and flags are read out of their text, an absent parameter is an absent field.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

type Pair<'q> = (Cow<'q, str>, Cow<'q, str>);

/// Why a query is not of the type, and whether it was a value that failed (and not a missing field).
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) in_value: bool,
    words: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Failed {}

impl serde::de::Error for Failed {
    fn custom<T: fmt::Display>(words: T) -> Self {
        Self { in_value: false, words: words.to_string() }
    }
}

/// Reads a struct from its pairs.
pub(super) struct PairsReader<'p, 'q> {
    rest: std::slice::Iter<'p, Pair<'q>>,
    value: Option<&'p str>,
}

impl<'p, 'q> PairsReader<'p, 'q> {
    pub(super) fn all(pairs: &'p [Pair<'q>]) -> Self {
        Self { rest: pairs.iter(), value: None }
    }
}

impl<'p> Deserializer<'p> for PairsReader<'p, '_> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'p>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'p>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'p> MapAccess<'p> for PairsReader<'p, '_> {
    type Error = Failed;

    fn next_key_seed<K: DeserializeSeed<'p>>(&mut self, seed: K) -> Result<Option<K::Value>, Failed> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        let name: StrDeserializer<'_, Failed> = name.as_ref().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'p>>(&mut self, seed: V) -> Result<V::Value, Failed> {
        let text = self.value.take().unwrap_or_default();
        seed.deserialize(Text(text)).map_err(|failed| Failed { in_value: true, ..failed })
    }
}

/// One value.
struct Text<'p>(&'p str);

macro_rules! numbers {
    ($($method:ident $visit:ident $number:ty, $wanted:literal;)+) => {$(
        fn $method<V: Visitor<'p>>(self, visitor: V) -> Result<V::Value, Failed> {
            let number: $number = self.0.parse().map_err(|_| Failed::custom(concat!("must be ", $wanted)))?;
            visitor.$visit(number)
        }
    )+};
}

impl<'p> Deserializer<'p> for Text<'p> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'p>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_borrowed_str(self.0)
    }

    numbers! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_i8 visit_i8 i8, "a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16, "a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 i32, "a whole number of 32 bits";
        deserialize_i64 visit_i64 i64, "a whole number of 64 bits";
        deserialize_u8 visit_u8 u8, "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32, "a whole number of 32 bits, not below 0";
        deserialize_u64 visit_u64 u64, "a whole number of 64 bits, not below 0";
    }

    fn deserialize_f64<V: Visitor<'p>>(self, visitor: V) -> Result<V::Value, Failed> {
        let number = self.0.parse::<f64>().ok().filter(|number| number.is_finite());
        visitor.visit_f64(number.ok_or_else(|| Failed::custom("must be a number"))?)
    }

    fn deserialize_option<V: Visitor<'p>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'p>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'p>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        // serde's own words would repeat what was sent.
        if !variants.contains(&self.0) {
            return Err(Failed::custom(format_args!("must be one of {}", variants.join(", "))));
        }
        visitor.visit_enum(Word(self.0))
    }

    forward_to_deserialize_any! {
        <V: Visitor<'p>>
        i128 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

/// A value that names a variant.
struct Word<'p>(&'p str);

impl<'p> EnumAccess<'p> for Word<'p> {
    type Error = Failed;
    type Variant = <StrDeserializer<'p, Failed> as EnumAccess<'p>>::Variant;

    fn variant_seed<V: DeserializeSeed<'p>>(self, seed: V) -> Result<(V::Value, Self::Variant), Failed> {
        let name: StrDeserializer<'p, Failed> = self.0.into_deserializer();
        name.variant_seed(seed)
    }
}
