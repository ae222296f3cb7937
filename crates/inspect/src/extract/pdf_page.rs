//! What the content of a PDF page writes (ISO 32000-1, 8 and 9): strings in the order of the content, with the spaces and line
//! ends that their places on the page mean.

use std::rc::Rc;

use super::pdf_file::{File, Stream};
use super::pdf_font::Font;
use super::pdf_object::{Dict, Lexer, Object};
use super::reading::{Outcome, Reading};
use crate::report::Reason;

/// One stream of content; pages have some hundred kilobytes.
const CONTENT_BYTES_MAX: u64 = 32 << 20;

/// Forms in forms.
const FORMS_DEPTH_MAX: usize = 8;

/// Forms that one page draws, repeats included: they multiply when each draws the next one twice.
const FORMS_MAX: usize = 2000;

/// Operators of one document; a full page has some thousand.
const OPERATORS_MAX: u64 = 50_000_000;

/// Operands of one operator; the largest has 33 (ISO 32000-1, annex C).
const OPERANDS_MAX: usize = 64;

/// States that are saved in each other (annex C has 28).
const STATES_MAX: usize = 256;

/// Fonts that are kept, since pages share them.
const FONTS_MAX: usize = 64;

/// What reading a font counts as, in operators.
const FONT_OPERATORS: u64 = 500;

/// What copying a value of a dictionary counts as, in bytes that are parsed.
const VALUE_WORK: usize = 16;

/// A gap between strings that is a space, in parts of the size of the font: narrow spaces have a quarter, kerning a twentieth.
const SPACE: f64 = 0.18;

/// A gap that is another column.
const COLUMN: f64 = 1.5;

/// A step across the line that is another line; raised letters stay below.
const LINE: f64 = 0.6;

type Matrix = [f64; 6];

const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// `first` and then `second`.
fn then(first: &Matrix, second: &Matrix) -> Matrix {
    let [a, b, c, d, e, f] = *first;
    let [g, h, i, j, k, l] = *second;
    [
        a * g + b * i,
        a * h + b * j,
        c * g + d * i,
        c * h + d * j,
        e * g + f * i + k,
        e * h + f * j + l,
    ]
}

#[derive(Clone)]
struct State {
    matrix: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    char_space: f64,
    word_space: f64,
    stretch: f64,
    leading: f64,
}

/// Where the last string ended, on the page.
struct Pen {
    x: f64,
    y: f64,
}

/// What content may name.
struct Resources<'d> {
    fonts: Dict,
    objects: Dict,
    all: &'d Dict,
}

/// Reads the pages of one file, one after the other.
pub(crate) struct Painter {
    fonts: Vec<(u32, Rc<Font>)>,
    operators_left: u64,
    forms_left: usize,
    state: State,
    saved: Vec<State>,
    text: Matrix,
    line: Matrix,
    pen: Option<Pen>,
    /// There are pictures on the page, and strings.
    pub(crate) has_picture: bool,
    pub(crate) has_text: bool,
    /// There are strings whose characters nothing tells.
    pub(crate) is_mute: bool,
    buffer: String,
}

impl Painter {
    pub(crate) fn new() -> Painter {
        Painter {
            fonts: Vec::new(),
            operators_left: OPERATORS_MAX,
            forms_left: FORMS_MAX,
            state: State {
                matrix: IDENTITY,
                font: None,
                size: 1.0,
                char_space: 0.0,
                word_space: 0.0,
                stretch: 1.0,
                leading: 0.0,
            },
            saved: Vec::new(),
            text: IDENTITY,
            line: IDENTITY,
            pen: None,
            has_picture: false,
            has_text: false,
            is_mute: false,
            buffer: String::new(),
        }
    }

    /// Begins a page.
    pub(crate) fn begin(&mut self) {
        let fonts = std::mem::take(&mut self.fonts);
        let operators_left = self.operators_left;
        *self = Painter {
            fonts,
            operators_left,
            ..Painter::new()
        };
    }

    /// Reads a stream of content; what it leaves behind goes on in the next one of the page.
    pub(crate) fn paint<'b>(
        &mut self,
        reading: &mut Reading<'_>,
        file: &mut File<'b>,
        stream: &Stream<'b>,
        resources: &Dict,
        depth: usize,
    ) -> Outcome {
        let (content, is_all) = file.content(stream, CONTENT_BYTES_MAX)?;
        if file.take_fault() {
            reading.miss(Reason::Corrupt);
        }
        reading.holding(content.len() as u64, |reading| {
            self.run(reading, file, &content, resources, depth)
        })?;
        match is_all {
            true => Ok(()),
            false => Err(Reason::TooLarge),
        }
    }

    fn run(
        &mut self,
        reading: &mut Reading<'_>,
        file: &mut File<'_>,
        content: &[u8],
        resources: &Dict,
        depth: usize,
    ) -> Outcome {
        let mut lexer = Lexer::new(content, 0);
        let mut operands: Vec<Object> = Vec::new();
        let states = self.saved.len();
        let resources = Resources {
            fonts: file.dict(resources, "Font").unwrap_or_default(),
            objects: file.dict(resources, "XObject").unwrap_or_default(),
            all: resources,
        };
        let copied = resources.fonts.weight() + resources.objects.weight();
        file.work(copied * VALUE_WORK).ok_or(Reason::TooLarge)?;
        while let Some(object) = lexer.object() {
            let Object::Word(word) = object else {
                if operands.len() < OPERANDS_MAX {
                    operands.push(object);
                }
                continue;
            };
            self.operators_left = self.operators_left.checked_sub(1).ok_or(Reason::TooLarge)?;
            match &*word {
                b"ID" => {
                    self.has_picture = true;
                    lexer.at = end_of_picture(content, lexer.at);
                }
                b"Do" => self.draw(reading, file, &operands, &resources, depth)?,
                b"Tf" => self.set_font(file, &operands, &resources)?,
                word => self.operator(reading, word, &operands)?,
            }
            operands.clear();
        }
        // There is more, behind something that is too large or too deep.
        lexer.skip_space();
        if lexer.at < content.len() {
            reading.miss(Reason::Corrupt);
        }
        // Forms that forget to restore do not change what draws them.
        if depth > 0
            && self.saved.len() > states
            && let Some(state) = self.saved.drain(states..).next()
        {
            self.state = state;
        }
        Ok(())
    }

    fn operator(&mut self, reading: &mut Reading<'_>, word: &[u8], operands: &[Object]) -> Outcome {
        let number = |at: usize| operands.get(at).and_then(Object::number).unwrap_or(0.0);
        let matrix = || std::array::from_fn(number);
        match word {
            b"q" if self.saved.len() < STATES_MAX => self.saved.push(self.state.clone()),
            b"Q" => self.state = self.saved.pop().unwrap_or_else(|| self.state.clone()),
            b"cm" => self.state.matrix = then(&matrix(), &self.state.matrix),
            b"BT" => {
                self.text = IDENTITY;
                self.line = IDENTITY;
            }
            b"Tm" => {
                self.text = matrix();
                self.line = self.text;
            }
            b"Td" => self.step(number(0), number(1)),
            b"TD" => {
                self.state.leading = -number(1);
                self.step(number(0), number(1));
            }
            b"T*" => self.step(0.0, -self.state.leading),
            b"Tc" => self.state.char_space = number(0),
            b"Tw" => self.state.word_space = number(0),
            b"Tz" => self.state.stretch = number(0) / 100.0,
            b"TL" => self.state.leading = number(0),
            b"Tj" => self.show(reading, operands.first())?,
            b"'" => {
                self.step(0.0, -self.state.leading);
                self.show(reading, operands.first())?;
            }
            b"\"" => {
                self.state.word_space = number(0);
                self.state.char_space = number(1);
                self.step(0.0, -self.state.leading);
                self.show(reading, operands.get(2))?;
            }
            b"TJ" => {
                for item in operands.first().and_then(Object::array).unwrap_or_default() {
                    match item {
                        Object::Number(back) => {
                            self.advance(-back / 1000.0 * self.state.size * self.state.stretch)
                        }
                        item => self.show(reading, Some(item))?,
                    }
                }
            }
            // What a marked piece of content reads as, for those who cannot see it.
            b"BDC" => {
                let properties = operands.get(1).and_then(Object::dict);
                for key in ["ActualText", "Alt"] {
                    if let Some(Object::Text(text)) = properties.and_then(|it| it.get(key)) {
                        reading.aside(&super::pdf::text(text))?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn step(&mut self, x: f64, y: f64) {
        self.line = then(&[1.0, 0.0, 0.0, 1.0, x, y], &self.line);
        self.text = self.line;
    }

    fn advance(&mut self, x: f64) {
        self.text = then(&[1.0, 0.0, 0.0, 1.0, x, 0.0], &self.text);
    }

    fn show(&mut self, reading: &mut Reading<'_>, string: Option<&Object>) -> Outcome {
        let Some(Object::Text(string)) = string else {
            return Ok(());
        };
        let Some(font) = self.state.font.clone() else {
            return Ok(());
        };
        self.is_mute |= font.is_mute() && !string.is_empty();
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let state = &self.state;
        let mut width = 0.0;
        font.decode(string, &mut buffer, &mut |glyph| {
            let word_space = if glyph.is_space {
                state.word_space
            } else {
                0.0
            };
            width +=
                (glyph.width / 1000.0 * state.size + state.char_space + word_space) * state.stretch;
        });
        let outcome = self.write(reading, &buffer);
        self.buffer = buffer;
        self.advance(width);
        let end = then(&self.text, &self.state.matrix);
        self.pen = Some(Pen {
            x: end[4],
            y: end[5],
        });
        outcome
    }

    /// Hands text over after what the gap before it means.
    fn write(&mut self, reading: &mut Reading<'_>, text: &str) -> Outcome {
        if text.is_empty() {
            return Ok(());
        }
        self.has_text = true;
        let [a, b, c, d, x, y] = then(&self.text, &self.state.matrix);
        let size = self.state.size.abs() * (a * d - b * c).abs().sqrt();
        let length = a.hypot(b);
        if let Some(pen) = &self.pen
            && size > 0.0
            && length > 0.0
        {
            let (dx, dy) = ((x - pen.x) / size, (y - pen.y) / size);
            let along = (dx * a + dy * b) / length * self.state.size.signum();
            let across = (dy * a - dx * b) / length;
            if across.abs() > LINE || along < -1.0 {
                reading.line()?;
            } else if along > COLUMN {
                reading.text("\t")?;
            } else if along > SPACE {
                reading.text(" ")?;
            }
        }
        reading.text(text)
    }

    fn set_font(
        &mut self,
        file: &mut File<'_>,
        operands: &[Object],
        resources: &Resources<'_>,
    ) -> Outcome {
        let [Object::Name(name), size, ..] = operands else {
            return Ok(());
        };
        self.state.size = size.number().unwrap_or(1.0);
        let font = resources.fonts.0.get(name);
        if let Some(Object::Reference(number)) = font
            && let Some((_, font)) = self.fonts.iter().find(|(known, _)| known == number)
        {
            self.state.font = Some(Rc::clone(font));
            return Ok(());
        }
        let left = self.operators_left.checked_sub(FONT_OPERATORS);
        self.operators_left = left.ok_or(Reason::TooLarge)?;
        // Readers take any font where there is none.
        let dict = match font {
            Some(font) => match file.resolve(font.clone()) {
                Object::Dict(dict) => {
                    file.work(dict.weight() * VALUE_WORK)
                        .ok_or(Reason::TooLarge)?;
                    dict
                }
                _ => Dict::default(),
            },
            None => Dict::default(),
        };
        let read = Rc::new(Font::read(file, &dict));
        if let Some(Object::Reference(number)) = font {
            if self.fonts.len() >= FONTS_MAX {
                self.fonts.remove(0);
            }
            self.fonts.push((*number, Rc::clone(&read)));
        }
        self.state.font = Some(read);
        Ok(())
    }

    /// Draws a form, which is content again; pictures are only noted.
    fn draw(
        &mut self,
        reading: &mut Reading<'_>,
        file: &mut File<'_>,
        operands: &[Object],
        resources: &Resources<'_>,
        depth: usize,
    ) -> Outcome {
        let Some(Object::Name(name)) = operands.first() else {
            return Ok(());
        };
        let Some(Object::Reference(number)) = resources.objects.0.get(name) else {
            return Ok(());
        };
        let Some(form) = file.stream(*number) else {
            reading.miss(Reason::Corrupt);
            return Ok(());
        };
        if !form.dict.is("Subtype", "Form") {
            self.has_picture = true;
            return Ok(());
        }
        if depth >= FORMS_DEPTH_MAX {
            return Err(Reason::TooDeep);
        }
        self.forms_left = self.forms_left.checked_sub(1).ok_or(Reason::Expands)?;
        let own = file.dict(&form.dict, "Resources");
        let before = (self.state.clone(), self.text, self.line);
        if let Object::Array(matrix) = file.value(&form.dict, "Matrix")
            && matrix.len() == 6
        {
            let matrix = std::array::from_fn(|at| matrix[at].number().unwrap_or(0.0));
            self.state.matrix = then(&matrix, &self.state.matrix);
        }
        let outcome = self.paint(
            reading,
            file,
            &form,
            own.as_ref().unwrap_or(resources.all),
            depth + 1,
        );
        (self.state, self.text, self.line) = before;
        match outcome {
            // A form that cannot be unpacked leaves the rest of the page as it is.
            Err(Reason::Corrupt | Reason::Unsupported) => {
                reading.miss(Reason::Corrupt);
                Ok(())
            }
            outcome => outcome,
        }
    }
}

/// The data of a picture within content ends with "EI" between spaces (ISO 32000-1, 8.9.7).
fn end_of_picture(content: &[u8], from: usize) -> usize {
    let rest = &content[from.min(content.len())..];
    let is_space = |at: usize| {
        rest.get(at)
            .is_none_or(|byte| super::pdf_object::is_space(*byte))
    };
    let end = memchr::memmem::find_iter(rest, b"EI")
        .find(|at| *at > 0 && is_space(at - 1) && is_space(at + 2));
    end.map_or(content.len(), |at| from + at + 2)
}
