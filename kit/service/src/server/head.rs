//! What is wrong with a head that was read, so that whoever stands behind it might be misled.

use http::header::{HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderMap, Request, Version};

use super::smuggling::Conflict;

/// Why the request is refused without a look at what it asks for. The connection ends with it.
pub(super) fn fault<B>(request: &Request<B>, conflict: &Conflict) -> Option<&'static str> {
    if request.headers().contains_key(TRANSFER_ENCODING) && conflict.was_seen() {
        return Some("content-length and transfer-encoding exclude each other");
    }
    host_fault(request.headers(), request.version())
}

/// Exactly one `Host` that is a host (RFC 9112, section 3.2): two readers may go by different ones. HTTP/1.0 need not say it.
fn host_fault(headers: &HeaderMap, version: Version) -> Option<&'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 => None,
        (None, _) => Some("the header Host is missing"),
        (Some(_), Some(_)) => Some("the header Host is given twice"),
        (Some(host), None) if is_host(host.as_bytes()) => None,
        (Some(_), None) => Some("the header Host is not a host, with or without a port"),
    }
}

/// Empty is right where the address has no host.
fn is_host(bytes: &[u8]) -> bool {
    bytes.is_empty() || (!bytes.contains(&b'@') && Authority::try_from(bytes).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault_of(version: Version, hosts: &[&'static str]) -> Option<&'static str> {
        let mut request = Request::builder().version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        fault(&request.body(()).unwrap(), &Conflict::default())
    }

    #[test]
    fn a_request_has_one_host() {
        for good in ["a", "a.example:8080", "127.0.0.1:1", "[::1]:8080", ""] {
            assert_eq!(fault_of(Version::HTTP_11, &[good]), None, "{good}");
        }
        for bad in ["a b", "user@a", "a/b", "http://a", "a,b c", "a:b:c"] {
            assert!(fault_of(Version::HTTP_11, &[bad]).is_some(), "{bad}");
        }
        assert_eq!(fault_of(Version::HTTP_11, &[]), Some("the header Host is missing"));
        assert_eq!(fault_of(Version::HTTP_10, &[]), None);
        for version in [Version::HTTP_10, Version::HTTP_11] {
            assert_eq!(fault_of(version, &["a", "a"]), Some("the header Host is given twice"));
        }
    }
}
