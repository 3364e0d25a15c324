//! Where a guest may be sent: addresses are parsed by a URL type and held against a list of hosts.

use url::{Origin, Url};

/// Where a browser may be sent: to hosts, `shop.example` on every port or `localhost:8080` on one, and to where known
/// addresses are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    named: Vec<String>,
    origins: Vec<Origin>,
}

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
    /// Its host is not in the list.
    #[error("names a host that is not allowed")]
    Host,
}

/// The longest address that is taken.
pub const URL_MAX_BYTES: usize = 2_000;

impl Hosts {
    /// These hosts, and the origins of these addresses: the same scheme, host and port.
    #[must_use]
    pub fn new<'a>(hosts: &[String], addresses: impl IntoIterator<Item = &'a str>) -> Self {
        let addresses = addresses.into_iter().filter_map(|text| Url::parse(text).ok());
        Self { named: hosts.to_vec(), origins: addresses.map(|url| url.origin()).collect() }
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
        let named = host(&url).ok_or(Refused::NotAnAddress)?;
        let bare = url.host_str().unwrap_or_default();
        let is_known =
            self.origins.contains(&url.origin()) || self.named.iter().any(|known| *known == named || known == bare);
        if is_known { Ok(url.into()) } else { Err(Refused::Host) }
    }
}

/// Host and port, the port only when it is not the scheme's own.
fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::{Hosts, Refused};

    fn hosts() -> Hosts {
        Hosts::new(&["shop.example".to_owned()], ["http://localhost:8080"])
    }

    #[test]
    fn allowed_hosts_are_gone_to() {
        for good in ["https://shop.example/thanks?a=1", "http://localhost:8080/", "http://shop.example:8443/x"] {
            assert_eq!(hosts().check(good).as_deref(), Ok(good));
        }
        assert_eq!(
            hosts().check("HTTP://LocalHost:8080").as_deref(),
            Ok("http://localhost:8080/"),
            "one host, two spellings"
        );
    }

    #[test]
    fn an_address_that_is_taken_is_taken_again_as_it_is_kept() {
        let within = format!("https://shop.example/{}", "я".repeat(300));
        let beyond = format!("https://shop.example/{}", "я".repeat(900));

        let kept = hosts().check(&within).unwrap();
        assert_eq!(hosts().check(&kept), Ok(kept));
        assert_eq!(hosts().check(&beyond), Err(Refused::NotAnAddress));
    }

    #[test]
    fn of_a_known_address_scheme_and_port_count_as_well() {
        let hosts = Hosts::new(&[], ["https://shop.example/base"]);

        for good in ["https://shop.example/x", "https://shop.example:443/x"] {
            assert!(hosts.check(good).is_ok(), "{good}");
        }
        for bad in ["http://shop.example/x", "https://shop.example:8443/x"] {
            assert_eq!(hosts.check(bad), Err(Refused::Host), "{bad}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for (bad, why) in [
            ("javascript:alert(1)", Refused::Scheme),
            ("data:text/html,x", Refused::Scheme),
            ("//evil.example", Refused::NotAnAddress),
            ("/thanks", Refused::NotAnAddress),
            ("https:/\\evil.example", Refused::NotAnAddress),
            ("https://evil.example", Refused::Host),
            ("https://shop.example.evil.example", Refused::Host),
            ("https://shop.example@evil.example", Refused::Credentials),
            ("http://localhost:9090/", Refused::Host),
            ("https://evil.example%0d%0a", Refused::NotAnAddress),
            ("https://shop@evil.example", Refused::Credentials),
            ("https://shop.example:pass@shop.example", Refused::Credentials),
            ("https://shop.example./", Refused::Host),
            ("https:///evil.example", Refused::Host),
            ("https:evil.example", Refused::Host),
            ("\\\\evil.example", Refused::NotAnAddress),
            ("https://shop.example\\@evil.example", Refused::NotAnAddress),
            ("https://localhost:8080/", Refused::Host),
            ("ftp://shop.example/", Refused::Scheme),
        ] {
            assert_eq!(hosts().check(bad), Err(why), "{bad}");
        }
    }
}
