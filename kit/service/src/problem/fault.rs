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
}

impl Fault {
    /// A fault at a JSON pointer (`/lines/0/quantity`; a query parameter is `/limit`) with a fixed sentence.
    #[must_use]
    pub fn new(pointer: impl Into<Cow<'static, str>>, code: &'static str, message: Text) -> Self {
        Self { pointer: pointer.into(), code, en: Cow::Borrowed(message.en), ru: Cow::Borrowed(message.ru) }
    }

    /// The same with sentences made for the occasion.
    #[must_use]
    pub fn worded(
        pointer: impl Into<Cow<'static, str>>,
        code: &'static str,
        en: impl Into<Cow<'static, str>>,
        ru: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { pointer: pointer.into(), code, en: en.into(), ru: ru.into() }
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

/// A fault as it stands in the document.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pointer: &'a str,
    code: &'static str,
    message: &'a str,
}
