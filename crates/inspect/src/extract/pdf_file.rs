//! A PDF file: its objects by number, read when they are asked for, and its streams unpacked as far as they are wanted.
//!
//! Own code, since the libraries that there are hold all objects in memory (lopdf) or unpack object streams of any size and keep
//! them (hayro-syntax, pdf); here all of that has limits.

use std::io::Read;
use std::rc::Rc;

use super::budget::{Budget, Unpacked};
use super::pdf_crypt::Decryptor;
use super::pdf_filter::{self, Fault};
use super::pdf_object::{Dict, Lexer, Object};
use super::pdf_xref::{self, Place, Table};
use crate::report::Reason;

/// References to references.
const REFERENCES_MAX: usize = 16;

/// Objects of one stream, unpacked; writers put some hundred into each.
const OBJECT_STREAM_BYTES_MAX: u64 = 16 << 20;

/// Object streams that are kept, since pages that follow each other ask for the same ones.
const KEPT_BYTES_MAX: usize = 24 << 20;

/// Objects that are known of one stream, 16 bytes each.
const OBJECT_STREAM_PLACES_MAX: usize = 100_000;

/// More streams are not kept, however small they are.
const KEPT_STREAMS_MAX: usize = 64;

/// Objects are parsed again whenever they are asked for, pages' resources most of all.
const WORK_PER_BYTE: usize = 8;

/// The line end between the bytes of a stream and the word after them, and spaces that some writers add.
const END_WITHIN: usize = 64;

pub(crate) struct File<'b> {
    bytes: &'b [u8],
    budget: &'b Budget,
    table: Table,
    pub(crate) trailer: Dict,
    decryptor: Option<Decryptor>,
    kept: Vec<(u32, Rc<ObjectStream>)>,
    fault: Fault,
    /// Bytes of objects that may still be parsed: many numbers may mean one large object.
    work_left: usize,
}

pub(crate) struct Stream<'b> {
    pub(crate) number: u32,
    pub(crate) dict: Dict,
    raw: &'b [u8],
}

/// Objects in a stream: (number, where it begins).
pub(crate) struct ObjectStream {
    bytes: Vec<u8>,
    pub(crate) places: Vec<(u32, usize)>,
}

impl ObjectStream {
    fn held(&self) -> usize {
        self.bytes.len() + self.places.len() * size_of::<(u32, usize)>()
    }
}

impl<'b> File<'b> {
    pub(crate) fn open(bytes: &'b [u8], budget: &'b Budget) -> Result<File<'b>, Reason> {
        let start = memchr::memmem::find(bytes, b"%PDF-").unwrap_or(0);
        let mut file = File {
            bytes: &bytes[start..],
            budget,
            table: Table::default(),
            trailer: Dict::default(),
            decryptor: None,
            kept: Vec::new(),
            fault: Fault::default(),
            work_left: bytes.len().saturating_mul(WORK_PER_BYTE),
        };
        pdf_xref::read(&mut file);
        if !file.has_pages() {
            file.table = Table::default();
            file.trailer = Dict::default();
            file.kept.clear();
            pdf_xref::rebuild(&mut file)?;
        }
        if file.trailer.get("Encrypt").is_some() {
            let decryptor = Decryptor::open(&mut file).ok_or(Reason::Encrypted)?;
            file.decryptor = Some(decryptor);
            file.kept.clear();
        }
        Ok(file)
    }

    /// Whether a stream has broken off since this was last asked.
    pub(crate) fn take_fault(&mut self) -> bool {
        self.fault.take()
    }

    pub(crate) fn bytes(&self) -> &'b [u8] {
        self.bytes
    }

    pub(crate) fn table_mut(&mut self) -> &mut Table {
        &mut self.table
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// An encrypted catalogue may lie in an encrypted stream, which only the trailer tells before.
    fn has_pages(&mut self) -> bool {
        if self.trailer.get("Encrypt").is_some() {
            return self.trailer.get("Root").is_some();
        }
        match self.value(&self.trailer.clone(), "Root") {
            Object::Dict(root) => matches!(self.value(&root, "Pages"), Object::Dict(_)),
            _ => false,
        }
    }

    /// What a key of a dictionary means, references followed.
    pub(crate) fn value(&mut self, dict: &Dict, key: &str) -> Object {
        match dict.get(key) {
            Some(object) => self.resolve(object.clone()),
            None => Object::Null,
        }
    }

    pub(crate) fn dict(&mut self, dict: &Dict, key: &str) -> Option<Dict> {
        match self.value(dict, key) {
            Object::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    pub(crate) fn resolve(&mut self, object: Object) -> Object {
        let mut object = object;
        for _ in 0..REFERENCES_MAX {
            match object {
                Object::Reference(number) => object = self.object(number).unwrap_or(Object::Null),
                object => return object,
            }
        }
        Object::Null
    }

    /// The object of a number; of a stream its dictionary.
    pub(crate) fn object(&mut self, number: u32) -> Option<Object> {
        match self.table.get(number)? {
            Place::Free => None,
            Place::At(at) => {
                let mut lexer = self.begin(number, at)?;
                let start = lexer.at;
                let object = lexer.object();
                self.work(lexer.at - start)?;
                let mut object = object?;
                if let Some(decryptor) = &self.decryptor {
                    decryptor.decrypt_texts(number, &mut object);
                }
                Some(object)
            }
            Place::In(stream, index) => {
                let objects = self.objects(stream)?;
                let is_it = |place: &&(u32, usize)| place.0 == number;
                let mut place = objects.places.get(index as usize).filter(is_it);
                // Some writers count wrongly, and the number decides.
                if place.is_none() {
                    self.work(objects.places.len())?;
                    place = objects.places.iter().find(is_it);
                }
                let mut lexer = Lexer::new(&objects.bytes, place?.1);
                let start = lexer.at;
                let object = lexer.object();
                self.work(lexer.at - start)?;
                object
            }
        }
    }

    /// Counts what is parsed, searched or copied; none when it is too much.
    pub(crate) fn work(&mut self, bytes: usize) -> Option<()> {
        if let Some(left) = self.work_left.checked_sub(bytes) {
            self.work_left = left;
            return Some(());
        }
        if self.budget.work(bytes) {
            return Some(());
        }
        self.work_left = 0;
        self.table.is_cut = true;
        None
    }

    /// Whether "12 0 obj" stands there, and what follows it.
    fn begin(&mut self, number: u32, at: usize) -> Option<Lexer<'b>> {
        // Nothing is walked through once there is nothing left to pay it with.
        self.work(1)?;
        let mut lexer = Lexer::new(self.bytes, at);
        let is_it = is_header(&mut lexer, number);
        // A text or a comment that nobody closed is walked through to the end of the file.
        self.work(lexer.at.saturating_sub(at))?;
        is_it?.then_some(lexer)
    }

    pub(crate) fn stream(&mut self, number: u32) -> Option<Stream<'b>> {
        match self.table.get(number)? {
            Place::At(at) => self.stream_at(number, at),
            Place::Free | Place::In(..) => None,
        }
    }

    pub(crate) fn stream_at(&mut self, number: u32, at: usize) -> Option<Stream<'b>> {
        let mut lexer = self.begin(number, at)?;
        let begun = lexer.at;
        let object = lexer.object();
        lexer.skip_space();
        self.work(lexer.at - begun)?;
        let Object::Dict(dict) = object? else {
            return None;
        };
        if !self.bytes[lexer.at..].starts_with(b"stream") {
            return None;
        }
        let start = pdf_filter::data_start(self.bytes, lexer.at + 6);
        let rest = self.bytes.get(start..)?;
        // A length that is itself in a stream is asked for like any other, but not while that stream is being read.
        let length = match dict.get("Length") {
            Some(Object::Reference(length)) => match self.table.get(*length) {
                Some(Place::At(at)) => self
                    .begin(*length, at)
                    .and_then(|mut it| it.object()?.count()),
                _ => None,
            },
            Some(length) => length.count(),
            None => None,
        };
        let is_end = |length: usize| {
            let after = rest.get(length..).unwrap_or_default();
            let after = &after[..after.len().min(END_WITHIN)];
            after.trim_ascii_start().starts_with(b"endstream")
        };
        let length = match length.filter(|length| *length <= rest.len() && is_end(*length)) {
            Some(length) => length,
            None => {
                let length = memchr::memmem::find(rest, b"endstream").unwrap_or(rest.len());
                self.work(length)?;
                length
            }
        };
        Some(Stream {
            number,
            dict,
            raw: &rest[..length],
        })
    }

    /// The bytes of a stream; none where it is a picture, or in a filter that nobody knows.
    pub(crate) fn unpacked(&mut self, stream: &Stream<'b>) -> Option<impl Read + use<'b>> {
        let filters = self.filters(&stream.dict);
        let is_table = stream.dict.is("Type", "XRef");
        let raw: Box<dyn Read + 'b> = match &self.decryptor {
            Some(decryptor) if !is_table => {
                Box::new(decryptor.decrypt_stream(stream.number, stream.raw))
            }
            _ => Box::new(stream.raw),
        };
        let chained = pdf_filter::chain(raw, &filters, self.budget, &self.fault)?;
        Some(Unpacked::new(chained, self.budget))
    }

    /// The bytes of a stream up to a limit, and whether that was all.
    pub(crate) fn content(
        &mut self,
        stream: &Stream<'b>,
        bytes_max: u64,
    ) -> Result<(Vec<u8>, bool), Reason> {
        let Some(unpacked) = self.unpacked(stream) else {
            return Err(Reason::Unsupported);
        };
        let mut bytes = Vec::new();
        let read = unpacked.take(bytes_max).read_to_end(&mut bytes);
        read.map_err(|error| self.budget.blame(&error))?;
        let is_all = (bytes.len() as u64) < bytes_max;
        Ok((bytes, is_all))
    }

    fn filters(&mut self, dict: &Dict) -> Vec<(Vec<u8>, Dict)> {
        let mut values = |long: &str, short: &str| match self.value(dict, long) {
            Object::Null => self.value(dict, short),
            value => value,
        };
        let names = match values("Filter", "F") {
            Object::Array(names) => names,
            Object::Null => Vec::new(),
            name => vec![name],
        };
        let parameters = match values("DecodeParms", "DP") {
            Object::Array(parameters) => parameters,
            parameters => vec![parameters],
        };
        let mut parameters = parameters.into_iter();
        let mut filters = Vec::new();
        for name in names {
            let parameters = match self.resolve(parameters.next().unwrap_or(Object::Null)) {
                Object::Dict(parameters) => parameters,
                _ => Dict::default(),
            };
            match self.resolve(name) {
                Object::Name(name) => filters.push((name, parameters)),
                _ => filters.push((Vec::new(), parameters)),
            }
        }
        filters
    }

    /// The objects of an object stream (ISO 32000-1, 7.5.7).
    fn objects(&mut self, number: u32) -> Option<Rc<ObjectStream>> {
        if let Some((_, kept)) = self.kept.iter().find(|(known, _)| *known == number) {
            return Some(Rc::clone(kept));
        }
        let stream = self.stream(number)?;
        let objects = Rc::new(self.object_stream(&stream)?);
        let mut bytes: usize = self.kept.iter().map(|(_, kept)| kept.held()).sum();
        while !self.kept.is_empty()
            && (bytes + objects.held() > KEPT_BYTES_MAX || self.kept.len() >= KEPT_STREAMS_MAX)
        {
            bytes -= self.kept.remove(0).1.held();
        }
        self.kept.push((number, Rc::clone(&objects)));
        Some(objects)
    }

    pub(crate) fn object_stream(&mut self, stream: &Stream<'b>) -> Option<ObjectStream> {
        if !stream.dict.is("Type", "ObjStm") {
            return None;
        }
        let first = stream.dict.get("First")?.count()?;
        let count = stream.dict.get("N")?.count()?;
        let (bytes, _) = self.content(stream, OBJECT_STREAM_BYTES_MAX).ok()?;
        let mut lexer = Lexer::new(&bytes, 0);
        let mut places = Vec::new();
        while places.len() < count && lexer.at < first {
            let (Some(Object::Number(number)), Some(Object::Number(at))) =
                (lexer.object(), lexer.object())
            else {
                break;
            };
            if places.len() >= OBJECT_STREAM_PLACES_MAX {
                self.table.is_cut = true;
                break;
            }
            places.push((number as u32, first.saturating_add(at as usize)));
        }
        Some(ObjectStream { bytes, places })
    }
}

/// Whether the next objects are "12 0 obj".
fn is_header(lexer: &mut Lexer<'_>, number: u32) -> Option<bool> {
    let is_it = lexer.object()?.count() == Some(number as usize);
    lexer.object()?.number()?;
    let is_object = lexer.object()? == Object::Word(b"obj".to_vec());
    Some(is_it && is_object)
}
