//! Walks over the text of a JSON document for what serde does not tell: how deep it is, which keys are repeated,
//! which texts hold the character NUL, and which value stands at an offset.
//!
//! [`unseen_faults`] and [`pointer_at`] are given only text that serde has read without complaint; on any other
//! they stop early and never panic.

use std::borrow::Cow;
use std::collections::HashSet;

use kernel::Text;

use crate::problem::{FAULTS_MAX, Fault};

/// What is said of a text that holds U+0000, wherever it came from.
pub(crate) const NUL: Text =
    Text { en: "must not hold the character NUL", ru: "не должно содержать символ NUL" };

/// Whether objects and arrays are nested deeper than `max`. Works on any bytes, before anything is parsed.
pub(super) fn is_deeper_than(text: &[u8], max: usize) -> bool {
    let mut depth = 0_usize;
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'{' | b'[' => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Takes the rest of a string, up to and with its closing quote.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

/// Whether a string of the document may say U+0000. JSON has no bare control characters, so only this escape can.
pub(super) fn may_hold_nul(text: &str) -> bool {
    text.contains("\\u0000")
}

/// The length of a string up to and with its closing quote; the text begins after its opening one.
pub(crate) fn len_of_string(text: &str) -> usize {
    let mut bytes = text.as_bytes().iter();
    skip_string(&mut bytes);
    let len = text.len() - bytes.as_slice().len();
    text.floor_char_boundary(len)
}

/// A fault for everything that serde takes and we do not: every key that stands twice in one object, every key and
/// text that holds the character NUL, which PostgreSQL cannot store.
pub(super) fn unseen_faults(text: &str) -> Vec<Fault> {
    let mut walk = Walk::new(text, usize::MAX);
    walk.value();
    walk.faults
}

/// The JSON pointer of the innermost value that ends at or after `offset` and begins before it.
pub(super) fn pointer_at(text: &str, offset: usize) -> String {
    let mut walk = Walk::new(text, offset);
    walk.value();
    walk.found.unwrap_or_default()
}

/// The offset of a position that serde_json names: lines from 1, columns in bytes from 1.
pub(super) fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column
}

enum Step<'t> {
    Key(Cow<'t, str>),
    Index(usize),
}

struct Walk<'t> {
    text: &'t str,
    at: usize,
    path: Vec<Step<'t>>,
    wanted: usize,
    found: Option<String>,
    faults: Vec<Fault>,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str, wanted: usize) -> Self {
        Self { text, at: 0, path: Vec::new(), wanted, found: None, faults: Vec::new() }
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Recursion is bounded: the depth of the text was checked before.
    fn value(&mut self) {
        let first = self.peek();
        let start = self.at;
        match first {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => {
                let text = self.string();
                self.refuse_nul(&text);
            }
            Some(_) => self.word(),
            None => return,
        }
        if self.found.is_none() && start < self.wanted && self.wanted <= self.at {
            self.found = Some(self.pointer());
        }
    }

    fn object(&mut self) {
        let mut keys = HashSet::new();
        self.at += 1;
        while self.peek() == Some(b'"') {
            let key = self.string();
            self.path.push(Step::Key(key.clone()));
            self.refuse_nul(&key);
            if !keys.insert(key) {
                self.fault("repeated", "stands twice in this object", "повторяется в этом объекте");
            }
            self.peek(); // the colon
            self.at += 1;
            self.value();
            self.path.pop();
            if self.peek() != Some(b',') {
                break;
            }
            self.at += 1;
        }
        self.at += 1;
    }

    fn refuse_nul(&mut self, text: &str) {
        if text.contains('\0') {
            self.fault("nul", NUL.en, NUL.ru);
        }
    }

    /// Something wrong at the place where the walk stands.
    fn fault(&mut self, code: &'static str, en: &'static str, ru: &'static str) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault::worded(self.pointer(), code, en, ru));
        }
    }

    fn array(&mut self) {
        self.at += 1;
        let mut index = 0;
        while self.peek().is_some_and(|byte| byte != b']') {
            self.path.push(Step::Index(index));
            self.value();
            self.path.pop();
            if self.peek() != Some(b',') {
                break;
            }
            self.at += 1;
            index += 1;
        }
        self.at += 1;
    }

    /// Takes a string and gives what it says.
    fn string(&mut self) -> Cow<'t, str> {
        let start = self.at;
        let mut bytes = self.text.as_bytes()[start + 1..].iter();
        skip_string(&mut bytes);
        self.at = self.text.len() - bytes.as_slice().len();
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        match quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
            Some(_) | None => Cow::Owned(serde_json::from_str(quoted).unwrap_or_default()),
        }
    }

    /// Takes a number or `true`, `false`, `null`; at least one byte, so that a walk always ends.
    fn word(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let len = rest.iter().position(|b| b",]}".contains(b) || b.is_ascii_whitespace()).unwrap_or(rest.len());
        self.at += len.max(1);
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.push_str(&escaped(key)),
                Step::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }
}

/// A key as a step of a JSON pointer (RFC 6901).
pub(crate) fn escaped(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) { Cow::Owned(key.replace('~', "~0").replace('/', "~1")) } else { Cow::Borrowed(key) }
}

/// The key that a step of a JSON pointer names.
pub(crate) fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_as_a_step_of_a_pointer_is_itself_again() {
        for key in ["a", "", "~", "/", "~1", "~01/~0"] {
            assert_eq!(unescaped(&escaped(key)), key);
        }
    }

    #[test]
    fn brackets_inside_strings_have_no_depth() {
        assert!(!is_deeper_than(br#"{"a": "[[[[\"[[[", "b": [1]}"#, 2));
        assert!(is_deeper_than(br#"{"a": [[1]]}"#, 2));
    }

    #[test]
    fn every_text_with_nul_is_named_at_its_place() {
        let text = r#"{"a": "x\u0000", "b": [1, "\\u0000", "\\\u0000"], "c\u0000": "fine"}"#;

        let found: Vec<_> = unseen_faults(text).iter().map(|f| format!("{} {}", f.pointer(), f.code())).collect();

        assert!(may_hold_nul(text));
        assert_eq!(found, ["/a nul", "/b/2 nul", "/c\0 nul"]);
    }

    #[test]
    fn every_repeated_key_is_named_at_its_place() {
        let text = r#"{"a": 1, "b": [{"x/y": 1, "x\/y": 2}], "a": {"c": 1, "d": 2}, "e": {"c": 3}}"#;

        let pointers: Vec<_> = unseen_faults(text).iter().map(|f| f.pointer().to_owned()).collect();

        assert_eq!(pointers, ["/b/0/x~1y", "/a"]);
    }

    #[test]
    fn an_offset_belongs_to_the_innermost_value() {
        let text = "{\n \"lines\": [ {\"id\": \"x\"}, {\"id\": \"yy\" } ] }";
        let offset = text.find("yy").unwrap() + 3;

        assert_eq!(pointer_at(text, offset), "/lines/1/id");
        assert_eq!(pointer_at(text, text.len()), "");
        assert_eq!(offset_of(text, 2, 3), 5);
    }

    #[test]
    fn a_walk_over_rubbish_ends() {
        for text in ["", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "[", "[,", "]", "\"\\", "[[[", "{\"é", "{{}}", "::::"]
        {
            drop(unseen_faults(text));
            pointer_at(text, 1);
        }
    }
}
