//! E-mail addresses: kept as they were written, compared without regard to case.

/// At most so many characters: the longest path of RFC 5321.
pub(crate) const EMAIL_CHARS_MAX: usize = 254;

const LOCAL_PART_BYTES_MAX: usize = 64;

/// An address that mail could be sent to.
///
/// Only the shape is checked: one part before the last `@`, a domain of dot-separated labels after it. Whether
/// mail arrives is shown by sending some.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EmailAddress {
    text: String,
    key: String,
}

/// The text is not an e-mail address. Does not repeat the text: it may be a password in the wrong field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not an e-mail address")]
pub(crate) struct NotAnEmailAddress;

impl EmailAddress {
    /// Parses an address.
    ///
    /// # Errors
    ///
    /// [`NotAnEmailAddress`].
    pub(crate) fn parse(text: &str) -> Result<Self, NotAnEmailAddress> {
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnEmailAddress)?;
        let long = text.chars().count() > EMAIL_CHARS_MAX || local.len() > LOCAL_PART_BYTES_MAX;
        if long || !is_local_part(local) || !is_domain(domain) {
            return Err(NotAnEmailAddress);
        }
        Ok(Self { key: key_of(text), text: text.to_owned() })
    }

    /// The address as its owner wrote it.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What two addresses have in common when they are the same person's.
    #[must_use]
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The part before the `@`.
    #[must_use]
    pub(crate) fn local_part(&self) -> &str {
        self.text.rsplit_once('@').map_or(&*self.text, |(local, _)| local)
    }
}

/// The key of any text that somebody signs in with, address or not.
#[must_use]
pub(crate) fn key_of(text: &str) -> String {
    text.to_lowercase()
}

/// Personal data do not belong in logs.
impl std::fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

fn is_local_part(local: &str) -> bool {
    let dotted = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    !local.is_empty()
        && !dotted
        && local.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"@<>()[],;:\\\"".contains(c))
}

fn is_domain(domain: &str) -> bool {
    domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let hyphen = label.starts_with('-') || label.ends_with('-');
    let short = (1..=63).contains(&label.len());
    short && !hyphen && label.chars().all(|c| c.is_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::EmailAddress;

    #[test]
    fn addresses_that_differ_in_case_belong_to_one_person() {
        let written = EmailAddress::parse("Anna.Petrova@Example.ORG").unwrap();
        let again = EmailAddress::parse("anna.petrova@example.org").unwrap();

        assert_eq!(written.key(), again.key());
        assert_eq!(written.as_str(), "Anna.Petrova@Example.ORG");
        assert_eq!(written.local_part(), "Anna.Petrova");
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        for text in [
            "",
            "@",
            "a@",
            "@b.org",
            "a b@c.org",
            "a@b..org",
            "a@-b.org",
            ".a@b.org",
            "a..b@c.org",
            "a\r\nBcc: x@c.org",
            "a@b.org\0",
            "a@b@c.org",
            "<a@b.org>",
            "no-address",
            &long,
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?} was taken for an address");
        }
    }

    #[test]
    fn an_address_does_not_print_itself() {
        let address = EmailAddress::parse("anna@example.org").unwrap();

        assert!(!format!("{address:?}").contains("anna"));
    }
}
