//! Which hosts, by which scheme and on which port, and what an address may not hold.

use super::{Hosts, NamedHost, Refused, ReturnAddresses};

fn named(hosts: &[&str]) -> Hosts {
    Hosts::new(&hosts.iter().map(|&host| host.to_owned()).collect::<Vec<_>>(), "http://shop.lan:8080")
}

fn hosts() -> Hosts {
    named(&["shop.example"])
}

#[test]
fn allowed_hosts_are_gone_to() {
    for good in ["https://shop.example/thanks?a=1", "http://shop.lan:8080/"] {
        assert_eq!(hosts().check(good).as_deref(), Ok(good));
    }
    assert_eq!(
        hosts().check("HTTP://Shop.LAN:8080").as_deref(),
        Ok("http://shop.lan:8080/"),
        "one host, two spellings"
    );
}

#[test]
fn a_host_is_spoken_to_by_https_and_on_its_own_port() {
    for (name, good, bad) in [
        ("shop.example", "https://shop.example:443/", "https://shop.example:8443/"),
        ("shop.example", "https://SHOP.example/", "http://shop.example/"),
        ("shop.example:443", "https://shop.example/", "http://shop.example:443/"),
        ("shop.example:8443", "https://shop.example:8443/", "https://shop.example/"),
        ("shop.example:8443", "https://shop.example:8443/x", "http://shop.example:8443/"),
        ("127.0.0.1.example", "https://127.0.0.1.example/", "http://127.0.0.1.example/"),
        ("192.168.0.7", "https://192.168.0.7/", "http://192.168.0.7/"),
    ] {
        let hosts = named(&[name]);

        assert!(hosts.check(good).is_ok(), "{name}: {good}");
        assert_eq!(hosts.check(bad), Err(Refused::Host), "{name}: {bad}");
    }
}

#[test]
fn a_host_is_one_host_however_it_is_spelt() {
    for name in ["кофе.рф", "КОФЕ.РФ", "xn--e1ajmy.xn--p1ai", "XN--E1AJMY.xn--p1ai", "кофе.рф:443"] {
        for address in ["https://кофе.рф/спасибо", "https://Кофе.РФ:443/", "https://xn--e1ajmy.xn--p1ai/"]
        {
            assert!(named(&[name]).check(address).is_ok(), "{name}: {address}");
        }
    }
    assert!(named(&["Shop.Example"]).check("https://shop.example/").is_ok());
}

#[test]
fn on_this_very_machine_http_is_good_and_every_port_unless_one_is_named() {
    for (name, address) in [
        ("localhost", "http://localhost:3000/x"),
        ("localhost", "https://localhost/x"),
        ("LocalHost:3000", "http://localhost:3000/x"),
        ("localhost:80", "http://localhost/x"),
        ("127.0.0.1", "http://127.0.0.1:5173/x"),
        ("[::1]:5173", "http://[::1]:5173/x"),
    ] {
        assert!(named(&[name]).check(address).is_ok(), "{name}: {address}");
    }
    for (name, address) in [
        ("localhost:3000", "http://localhost:3001/"),
        ("localhost:443", "http://localhost:3000/"),
        ("localhost", "http://127.0.0.1/"),
        ("localhost", "http://localhost.example/"),
    ] {
        assert_eq!(named(&[name]).check(address), Err(Refused::Host), "{name}: {address}");
    }
}

#[test]
fn what_is_no_host_is_no_name_of_one() {
    for text in ["", " ", "https://shop.example", "shop.example/", "me@shop.example", "shop.example:0x50", "a b", ":80"]
    {
        assert_eq!(NamedHost::parse(text), None, "{text:?}");
    }
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
    let hosts = Hosts::new(&[], "https://shop.example/base");

    for good in ["https://shop.example/x", "https://shop.example:443/x"] {
        assert!(hosts.check(good).is_ok(), "{good}");
    }
    for bad in ["http://shop.example/x", "https://shop.example:8443/x"] {
        assert_eq!(hosts.check(bad), Err(Refused::Host), "{bad}");
    }
}

#[test]
fn a_guest_is_not_sent_back_to_an_address_with_a_card_number() {
    let addresses = ReturnAddresses::new(&["shop.example".to_owned()], "http://localhost:8080");

    for bad in ["paid/4242424242424242", "?card=4242+4242%204242-4242", "#4242%C2%A04242%C2%A04242%C2%A04242"] {
        assert_eq!(addresses.check(&format!("https://shop.example/{bad}")), Err(Refused::CardNumber), "{bad}");
    }
    for good in
        ["2026/11/21/123456", "?phone=%2B79001234567&total=18000", "?t=1763764422123456", "?a=4242&b=424242424242"]
    {
        assert!(addresses.check(&format!("https://shop.example/{good}")).is_ok(), "{good}");
    }
    assert_eq!(addresses.check("https://evil.example/"), Err(Refused::Host));
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
