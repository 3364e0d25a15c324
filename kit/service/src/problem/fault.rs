//! One wrong place in a request.

use std::borrow::Cow;

use kernel::{Language, Text};
use serde::Serialize;

/// A problem document lists at most so many faults: who breaks more rules than this is not helped by more lines.
pub const FAULTS_MAX: usize = 100;

/// One wrong place: where, a stable code, and a sentence in both languages. Never the value itself: it may be a
/// password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pointer: Cow<'static, str>,
    code: &'static str,
    en: Cow<'static, str>,
    ru: Cow<'static, str>,
    /// Other places that it depends on.
    beside: Vec<Cow<'static, str>>,
}

impl Fault {
    /// A fault at a JSON pointer (`/lines/0/quantity`; a query parameter is `/limit`) with a fixed sentence.
    #[must_use]
    pub fn new(pointer: impl Into<Cow<'static, str>>, code: &'static str, message: Text) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            en: Cow::Borrowed(message.en),
            ru: Cow::Borrowed(message.ru),
            beside: Vec::new(),
        }
    }

    /// The same with sentences made for the occasion.
    #[must_use]
    pub fn worded(
        pointer: impl Into<Cow<'static, str>>,
        code: &'static str,
        en: impl Into<Cow<'static, str>>,
        ru: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { pointer: pointer.into(), code, en: en.into(), ru: ru.into(), beside: Vec::new() }
    }

    /// The same, true only together with what stands at another place: a minimum above the maximum is no fault while the
    /// maximum cannot be read.
    #[must_use]
    pub fn beside(mut self, pointer: impl Into<Cow<'static, str>>) -> Self {
        self.beside.push(pointer.into());
        self
    }

    /// Whether it depends on a place, or on anything inside it or around it.
    pub(crate) fn depends_on(&self, place: &str) -> bool {
        let touches = |own: &str| is_at_or_inside(own, place) || is_at_or_inside(place, own);
        touches(&self.pointer) || self.beside.iter().any(|own| touches(own))
    }

    /// Where: a JSON pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// What, for people.
    #[must_use]
    pub fn message(&self, language: Language) -> &str {
        match language {
            Language::Ru => &self.ru,
            Language::En => &self.en,
        }
    }

    /// The same fault inside a larger document.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer = Cow::Owned(format!("{prefix}{}", self.pointer));
        self
    }

    pub(super) fn in_language(&self, language: Language) -> Line<'_> {
        Line { pointer: &self.pointer, code: self.code, message: self.message(language) }
    }
}

fn is_at_or_inside(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A fault as it stands in the document.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pointer: &'a str,
    code: &'static str,
    message: &'a str,
}
