//! Items as JSON text and back, with every number exactly as it was.

use std::collections::BTreeMap;

use casbah_model::state::{Item, Value};
use serde::de::Error as _;
use serde_json::value::RawValue;

pub(crate) fn to_text(item: &Item) -> Result<String, serde_json::Error> {
    serde_json::to_string(item)
}

pub(crate) fn from_text(text: &str) -> Result<Item, serde_json::Error> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    fields
        .into_iter()
        .map(|(name, raw)| Ok((name, exact(raw.get())?)))
        .collect()
}

/// Reads floats with the standard library, since the JSON parser may be off by one in the last place.
fn exact(text: &str) -> Result<Value, serde_json::Error> {
    match text.as_bytes().first() {
        Some(b'{') => Ok(Value::Object(from_text(text)?.into_iter().collect())),
        Some(b'[') => {
            let values: Vec<&RawValue> = serde_json::from_str(text)?;
            values.into_iter().map(|raw| exact(raw.get())).collect()
        }
        Some(b'-' | b'0'..=b'9') if text.contains(['.', 'e', 'E']) => {
            let number: f64 = text.parse().map_err(serde_json::Error::custom)?;
            Ok(number.into())
        }
        _ => serde_json::from_str(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SeededRng;
    use casbah_model::ports::Rng;

    #[test]
    fn every_finite_float_comes_back_bit_for_bit() {
        let rng = SeededRng::new(7);
        for _ in 0..20_000 {
            let number = f64::from_bits(rng.next_u64());
            if !number.is_finite() {
                continue;
            }
            let item = Item::from([
                ("n".into(), number.into()),
                ("deep".into(), serde_json::json!([{ "n": number }])),
            ]);
            let text = to_text(&item).expect("text");
            let back = from_text(&text).expect("an item");
            assert_eq!(
                back["n"].as_f64().expect("a float").to_bits(),
                number.to_bits(),
                "{text}"
            );
            assert_eq!(
                back["deep"][0]["n"].as_f64().expect("a float").to_bits(),
                number.to_bits(),
                "{text}"
            );
        }
    }

    #[test]
    fn integers_stay_integers_and_whole_floats_stay_floats() {
        let item = Item::from([
            ("max".into(), i64::MAX.into()),
            ("min".into(), i64::MIN.into()),
            ("whole".into(), 3.0.into()),
            ("minus zero".into(), (-0.0).into()),
            ("text with \"quotes\"".into(), "1.5".into()),
        ]);
        assert_eq!(
            from_text(&to_text(&item).expect("text")).expect("an item"),
            item
        );
    }
}
