//! The table of all settings for `docs/configuration.md`.

use std::fmt::Write as _;

use super::source::variable_of;
use super::{Setting, SettingKind};

/// A Markdown table of these settings by key: key, variable, default, expected, what it does.
#[must_use]
pub fn settings_table(tables: &[&'static [Setting]]) -> String {
    let mut settings: Vec<&Setting> = tables.iter().copied().flatten().collect();
    settings.sort_by_key(|setting| setting.key);
    let mut text = String::from("| Key | Environment | Default | Value | |\n|---|---|---|---|---|\n");
    for setting in settings {
        let default = if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
        let file = if setting.kind == SettingKind::Secret { " or in the file that `…_file` names" } else { "" };
        let (key, doc, expected) = (setting.key, setting.doc, setting.kind.expected());
        let line = format!("| `{key}` | `{}` | {default} | {expected}{file} | {doc} |", variable_of(key));
        writeln!(text, "{line}").expect("writing to a String cannot fail");
    }
    text
}
