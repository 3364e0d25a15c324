//! What no setting is wrong in by itself, and what keeps the program from serving all the same: seen before anything is begun.

use std::net::{IpAddr, SocketAddr};

use service::{SettingFault, Settings, UreqOutbound};
use store::PostgresConfig;

use crate::instance::is_on_sqlite;

const LISTEN: &str = "server.listen";
const PRIVATE_LISTEN: &str = "server.private_listen";

/// The addresses that are asked from here.
const ASKED: [&str; 2] = ["payments.bank_url", "telemetry.otlp_endpoint"];

/// Everything of that kind.
pub(super) fn faults(settings: &Settings) -> Vec<SettingFault> {
    let mut faults = UreqOutbound::faults(settings, &ASKED);
    let database = PostgresConfig::new(settings.secret("database.url"));
    if let Some(error) = (!is_on_sqlite(settings)).then(|| database.check().err()).flatten() {
        faults.push(settings.unusable("database.url", format!("cannot be used: {error}")));
    }
    faults.extend(one_address(settings));
    faults.extend(payments::setting_faults(settings));
    faults
}

/// Two listeners on one address, as a fault of the one that somebody chose.
fn one_address(settings: &Settings) -> Option<SettingFault> {
    let (key, other) =
        if settings.is_set(PRIVATE_LISTEN) { (PRIVATE_LISTEN, LISTEN) } else { (LISTEN, PRIVATE_LISTEN) };
    let (address, taken) = (settings.text(key), settings.text(other));
    overlap(address.parse().ok()?, taken.parse().ok()?)
        .then(|| settings.unusable(key, format!("is {address}, which {other} ({taken}) leaves no room for")))
}

/// Whether only one of two can be listened on. Every port that is free will do for port 0.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = |wide: IpAddr, narrow: IpAddr| wide.is_unspecified() && (wide.is_ipv6() || narrow.is_ipv4());
    let (a, b) = (one.ip(), other.ip());
    one.port() == other.port() && one.port() != 0 && (a == b || covers(a, b) || covers(b, a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_addresses_that_cover_one_another_only_one_can_be_open() {
        let cases = [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "[::]:80", true),
            ("[::]:80", "[::1]:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("0.0.0.0:80", "[::1]:80", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ];

        for (one, other, expected) in cases {
            let (a, b) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!((overlap(a, b), overlap(b, a)), (expected, expected), "{one} {other}");
        }
    }
}
