//! Every event that was ever published stays readable (EVT-5). `contracts/events/<type>/1.json` is what the first program
//! wrote; a field that is added later adds `2.json`, and the older samples stay. Today's program reads all of them and
//! writes the last one byte for byte.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use contracts::auth::Profile;
use contracts::catalog::ProductChanged;
use contracts::feed::OrderFeed;
use contracts::orders::{OrderPaid, OrderPlaced, OrderUpdated};
use contracts::payments::PaymentMoved;
use kernel::Event;

/// A type, and a sample of it read and written again.
struct Kind {
    name: &'static str,
    again: fn(&str) -> Result<String, serde_json::Error>,
}

fn kind<E: Event>() -> Kind {
    Kind {
        name: E::TYPE,
        again: |text| serde_json::from_str::<E>(text).and_then(|event| serde_json::to_string(&event)),
    }
}

fn kinds() -> [Kind; 7] {
    [
        kind::<Profile>(),
        kind::<ProductChanged>(),
        kind::<OrderFeed>(),
        kind::<OrderPlaced>(),
        kind::<OrderPaid>(),
        kind::<OrderUpdated>(),
        kind::<PaymentMoved>(),
    ]
}

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The samples of a type, the oldest first.
fn samples(name: &str) -> Vec<String> {
    let file = |number: usize| home().join("events").join(name).join(format!("{number}.json"));
    let texts = (1..).map_while(|number| std::fs::read_to_string(file(number)).ok());
    texts.map(|text| text.trim_end().to_owned()).collect()
}

fn names_in(folder: PathBuf) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_was_once_published_is_still_read() {
    for Kind { name, again } in kinds() {
        let samples = samples(name);
        assert!(!samples.is_empty(), "{name} has no sample");
        for (place, sample) in samples.iter().enumerate() {
            let written = again(sample).unwrap_or_else(|error| panic!("{name}, sample {}: {error}", place + 1));
            let lost = lost(&serde_json::from_str(sample).unwrap(), &serde_json::from_str(&written).unwrap());
            assert_eq!(lost, [""; 0], "{name}, sample {}: read and not understood", place + 1);
        }
    }
}

#[test]
fn what_is_published_today_is_the_last_sample_byte_for_byte() {
    for Kind { name, again } in kinds() {
        let last = samples(name).pop().unwrap_or_else(|| panic!("{name} has no sample"));

        assert_eq!(again(&last).unwrap(), last, "{name}: a new field has its sample beside the old ones");
    }
}

#[test]
fn every_event_in_the_source_has_its_samples() {
    let mut declared = BTreeSet::new();
    for file in names_in(home().join("src")) {
        let source = std::fs::read_to_string(home().join("src").join(file)).unwrap();
        let types = source.lines().filter_map(|line| line.trim().strip_prefix("const TYPE: &'static str = \""));
        declared.extend(types.map(|rest| rest.trim_end_matches("\";").to_owned()));
    }

    let tested: BTreeSet<String> = kinds().iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(declared, tested, "kinds() lists every event");
    assert_eq!(
        names_in(home().join("events")),
        tested,
        "and every event has a folder of samples, also when it is retired"
    );
}

/// Members of `before` that `after` lacks or has otherwise.
fn lost(before: &serde_json::Value, after: &serde_json::Value) -> Vec<String> {
    let Some(members) = before.as_object() else { return Vec::new() };
    let differs = |(name, value): &(&String, &serde_json::Value)| after.get(name.as_str()) != Some(value);
    members.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}
