//! The values of one column, each with a number: what repeats is held once, and compared by its number.

use ahash::RandomState;
use hashbrown::HashTable;

/// One value: all that is no text is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value<'a> {
    Number(i64),
    Text(&'a [u8]),
}

/// Values in the order of their numbers.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Numbers(Vec<i64>),
    Texts { bytes: Vec<u8>, ends: Vec<u32> },
}

impl Values {
    /// Of the same kind as a value.
    pub(crate) fn like(value: Value<'_>) -> Values {
        match value {
            Value::Number(_) => Values::Numbers(vec![]),
            Value::Text(_) => Values::Texts {
                bytes: vec![],
                ends: vec![],
            },
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Values::Numbers(numbers) => numbers.len(),
            Values::Texts { ends, .. } => ends.len(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, place: u32) -> Value<'_> {
        let place = place as usize;
        match self {
            Values::Numbers(numbers) => Value::Number(numbers[place]),
            Values::Texts { bytes, ends } => {
                let begin = match place {
                    0 => 0,
                    place => ends[place - 1] as usize,
                };
                Value::Text(&bytes[begin..ends[place] as usize])
            }
        }
    }

    /// Adds a value of this kind.
    #[inline]
    pub(crate) fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Values::Numbers(numbers), Value::Number(number)) => numbers.push(number),
            (Values::Texts { bytes, ends }, Value::Text(text)) => {
                bytes.extend_from_slice(text);
                // They are held in memory, so they are far less.
                ends.push(u32::try_from(bytes.len()).expect("less than 4 GB of texts"));
            }
            _ => unreachable!("a column has values of one kind"),
        }
    }
}

impl Default for Values {
    fn default() -> Values {
        Values::Numbers(vec![])
    }
}

/// Values each of which is there once, numbered in the order they came.
#[derive(Default)]
pub(crate) struct Dictionary {
    values: Values,
    known: HashTable<u32>,
    keys: RandomState,
    /// The number of the value that came last: most columns repeat themselves.
    last: u32,
}

impl Dictionary {
    pub(crate) fn into_values(self) -> Values {
        self.values
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The number of a value, and whether it is new.
    #[inline]
    pub(crate) fn place(&mut self, value: Value<'_>) -> (u32, bool) {
        if self.len() == 0 {
            self.values = Values::like(value);
        } else if self.values.get(self.last) == value {
            return (self.last, false);
        }
        self.look_up(value)
    }

    /// Adds a value without looking whether it is known.
    pub(crate) fn add(&mut self, value: Value<'_>) -> u32 {
        if self.len() == 0 {
            self.values = Values::like(value);
        }
        let place = self.next();
        self.values.push(value);
        place
    }

    fn next(&self) -> u32 {
        u32::try_from(self.len()).expect("fewer values than bytes")
    }

    fn look_up(&mut self, value: Value<'_>) -> (u32, bool) {
        let hash = hash(&self.keys, value);
        let values = &self.values;
        if let Some(known) = self.known.find(hash, |place| values.get(*place) == value) {
            self.last = *known;
            return (*known, false);
        }
        let place = self.next();
        self.values.push(value);
        let (values, keys) = (&self.values, &self.keys);
        let again = |place: &u32| self::hash(keys, values.get(*place));
        self.known.insert_unique(hash, place, again);
        self.last = place;
        (place, true)
    }
}

#[inline]
fn hash(keys: &RandomState, value: Value<'_>) -> u64 {
    match value {
        Value::Number(number) => keys.hash_one(number),
        Value::Text(text) => keys.hash_one(text),
    }
}
