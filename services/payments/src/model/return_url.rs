//! Where a guest may be sent: addresses are parsed by a URL type and held against a list of hosts.

use service::address_holds_card_number;
use url::{Host, Origin, Url};

/// Where a browser may be sent: to hosts that are named, and to where a known address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    named: Vec<NamedHost>,
    origin: Option<Origin>,
}

/// A host as it is written in a setting: `shop.example`, `shop.example:8443`, `localhost:8080`, `[::1]`.
///
/// It is spoken to by https, on the port that is named or on 443. A host of this very machine is for development: by http
/// as well, and on every port unless one is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHost {
    host: Host<String>,
    port: Option<u16>,
}

/// Where guests may ask to be sent from the bank's page. The address is kept and handed on, so it holds no card number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnAddresses(Hosts);

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not an absolute address.
    #[error("is not an absolute address")]
    NotAnAddress,
    /// It is neither http nor https.
    #[error("is neither http nor https")]
    Scheme,
    /// It carries a name or a password.
    #[error("carries a name or a password")]
    Credentials,
    /// Its host is not in the list, or not by this scheme or on this port.
    #[error("names a host that is not allowed")]
    Host,
    /// There is a card number in it.
    #[error("holds what could be a card number")]
    CardNumber,
}

impl Refused {
    /// What the address has to be, for the guest.
    #[must_use]
    pub const fn in_russian(self) -> &'static str {
        match self {
            Self::NotAnAddress | Self::Scheme | Self::Credentials | Self::Host => {
                "должен быть адресом http или https на разрешённом узле"
            }
            Self::CardNumber => "не должен содержать ничего похожего на номер карты",
        }
    }
}

/// The longest address that is taken.
pub const URL_MAX_BYTES: usize = 2_000;

/// Where a web server listens that speaks https and was told nothing else.
const HTTPS_PORT: u16 = 443;

impl ReturnAddresses {
    /// These hosts, and the origin of our own address.
    #[must_use]
    pub fn new(hosts: &[String], public_url: &str) -> Self {
        Self(Hosts::new(hosts, public_url))
    }

    /// The address as the URL type writes it, if a guest may be sent back to it.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, text: &str) -> Result<String, Refused> {
        let address = self.0.check(text)?;
        if address_holds_card_number(&address) { Err(Refused::CardNumber) } else { Ok(address) }
    }
}

impl NamedHost {
    /// `None` when the text is anything but a host, with or without a port.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '@')) {
            return None;
        }
        // The port that one scheme leaves out as its own the other one shows.
        let [http, https] = ["http", "https"].map(|scheme| Url::parse(&format!("{scheme}://{text}")).ok());
        let (http, https) = (http?, https?);
        Some(Self { host: https.host()?.to_owned(), port: http.port().or_else(|| https.port()) })
    }

    fn allows(&self, url: &Url) -> bool {
        let is_host = url.host().is_some_and(|host| host.to_owned() == self.host);
        let port = url.port_or_known_default();
        is_host
            && if self.is_this_machine() {
                self.port.is_none() || self.port == port
            } else {
                url.scheme() == "https" && port == Some(self.port.unwrap_or(HTTPS_PORT))
            }
    }

    fn is_this_machine(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        }
    }
}

impl Hosts {
    /// These hosts, and the origin of this address: the same scheme, host and port. What is no host or no address stands
    /// for nothing; it is refused at the start.
    #[must_use]
    pub fn new(hosts: &[String], address: &str) -> Self {
        let named = hosts.iter().filter_map(|text| NamedHost::parse(text)).collect();
        Self { named, origin: Url::parse(address).ok().map(|url| url.origin()) }
    }

    /// The address as the URL type writes it, if it may be gone to.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, text: &str) -> Result<String, Refused> {
        if text.contains('\\') {
            return Err(Refused::NotAnAddress);
        }
        let url = Url::parse(text).map_err(|_| Refused::NotAnAddress)?;
        // As it is kept and looked at again: letters that are not ASCII have become three times as long.
        if text.len() > URL_MAX_BYTES || url.as_str().len() > URL_MAX_BYTES {
            return Err(Refused::NotAnAddress);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let is_known = self.origin.as_ref() == Some(&url.origin()) || self.named.iter().any(|known| known.allows(&url));
        if is_known { Ok(url.into()) } else { Err(Refused::Host) }
    }
}

#[cfg(test)]
mod tests;
