//! The cookie that a browser keeps its refresh token in, where no script can read it (ASVS 3.3, decision 27).

use std::time::Duration;

use http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Error;
use crate::secret::Secret;

/// `__Host-`: the browser takes it only with Secure, Path=/ and without a Domain.
const NAME: &str = "__Host-samovar-refresh";

/// What a client says that has no `Origin` to send. A page of another site cannot set it without being asked for
/// permission first, which nobody gives.
const OWN_HEADER: HeaderName = HeaderName::from_static("samovar-session");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Puts the token into the answer's cookie.
pub(super) fn set(headers: &mut HeaderMap, token: &Secret, max_age: Duration) {
    let text =
        format!("{NAME}={}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=Strict", token.expose(), max_age.as_secs());
    let mut value = HeaderValue::from_str(&text).expect("a token is base64url");
    value.set_sensitive(true);
    headers.append(SET_COOKIE, value);
}

/// Takes the cookie away.
pub(super) fn clear(headers: &mut HeaderMap) {
    let text = format!("{NAME}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict");
    headers.append(SET_COOKIE, HeaderValue::from_str(&text).expect("made of visible ASCII characters"));
}

/// The token of the request's cookie.
pub(super) fn token(headers: &HeaderMap) -> Option<Secret> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='));
    values.next().filter(|value| !value.is_empty()).map(|value| Secret::new(value.to_owned()))
}

/// Refuses a request with the cookie that another site may have made (ASVS 3.5.1). The browser says where it comes
/// from in `Origin` or `Sec-Fetch-Site`; a client that says neither shows that it knows us by a header of our own.
///
/// # Errors
///
/// [`Error::CrossSite`].
pub(super) fn require_own_site(headers: &HeaderMap, origins: &[String]) -> Result<(), Error> {
    let own = match (headers.get(ORIGIN), headers.get(SEC_FETCH_SITE)) {
        (Some(origin), _) => is_own_origin(origin, headers.get(HOST), origins),
        (None, Some(site)) => site == "same-origin",
        (None, None) => headers.get(OWN_HEADER).is_some_and(|value| value == "cookie"),
    };
    if own { Ok(()) } else { Err(Error::CrossSite) }
}

/// One of the configured origins, or without any the host that the request was sent to.
fn is_own_origin(origin: &HeaderValue, host: Option<&HeaderValue>, origins: &[String]) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    if !origins.is_empty() {
        return origins.iter().any(|own| own == origin);
    }
    let of_origin = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let host = host.and_then(|value| value.to_str().ok());
    of_origin.is_some() && of_origin == host
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{require_own_site, token};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pairs.collect()
    }

    fn is_own(pairs: &[(&'static str, &'static str)], origins: &[&str]) -> bool {
        let origins: Vec<String> = origins.iter().map(|origin| (*origin).to_owned()).collect();
        require_own_site(&headers(pairs), &origins).is_ok()
    }

    #[test]
    fn a_page_of_another_site_is_refused() {
        for origin in
            ["https://evil.example", "null", "https://shop.example.evil", "", "shop.example", "file://shop.example"]
        {
            assert!(!is_own(&[("host", "shop.example"), ("origin", origin)], &[]), "{origin:?} without a list");
            assert!(!is_own(&[("host", "shop.example"), ("origin", origin)], &["https://shop.example"]), "{origin:?}");
            let with_header = [("host", "shop.example"), ("origin", origin), ("samovar-session", "cookie")];
            assert!(!is_own(&with_header, &[]), "{origin:?} and our own header");
        }
        assert!(!is_own(&[("sec-fetch-site", "cross-site")], &[]));
        assert!(!is_own(&[("sec-fetch-site", "same-site"), ("samovar-session", "cookie")], &[]));
        assert!(!is_own(&[], &[]), "a simple form says nothing");
    }

    #[test]
    fn our_own_pages_and_programs_are_taken() {
        assert!(is_own(&[("host", "shop.example"), ("origin", "https://shop.example")], &[]));
        assert!(is_own(&[("host", "10.0.0.7"), ("origin", "https://shop.example")], &["https://shop.example"]));
        assert!(is_own(&[("sec-fetch-site", "same-origin")], &[]));
        assert!(is_own(&[("samovar-session", "cookie")], &[]));
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let found = |text| token(&headers(&[("cookie", text)])).map(|token| token.expose().to_owned());

        assert_eq!(found("a=b; __Host-samovar-refresh=tok; c=d"), Some("tok".to_owned()));
        assert_eq!(found("x__Host-samovar-refresh=tok"), None);
        assert_eq!(found("__Host-samovar-refresh="), None);
        assert_eq!(found("__Host-samovar-refreshing=tok"), None);
    }
}
