//! Opening hours and slots, in time zones with and without summer time.

use contracts::ShopId;
use kernel::Currency;

use super::*;

fn terms(zone: &str, hours: &[(u8, &str, &str)]) -> ShopTerms {
    let hours =
        hours.iter().map(|(day, from, to)| OpeningHours { day: *day, from: (*from).to_owned(), to: (*to).to_owned() });
    ShopTerms {
        shop_id: ShopId::from_bits(1),
        time_zone: zone.to_owned(),
        currency: Currency::RUB,
        lead_time_min: 10,
        hours: hours.collect(),
        closed_days: vec!["2026-11-25".to_owned()],
        slot_minutes: 15,
        slot_capacity: None,
    }
}

/// Monday is 2026-11-23.
fn daily(zone: &str, from: &str, to: &str) -> Schedule {
    let hours: Vec<_> = (1..=7).map(|day| (day, from, to)).collect();
    Schedule::of(&terms(zone, &hours)).unwrap()
}

fn t(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const FAR: Date = jiff::civil::date(2027, 12, 31);

fn asap(schedule: &Schedule, now: &str) -> Result<Vec<Opening>, ScheduleError> {
    schedule.openings(WantedTime::Asap, t(now), FAR)
}

fn slot_at(schedule: &Schedule, at: &str) -> Result<Vec<Opening>, ScheduleError> {
    schedule.openings(WantedTime::At(t(at)), t("2026-11-23T04:00:00Z"), FAR)
}

#[test]
fn as_soon_as_possible_is_the_lead_time_up_to_a_whole_minute() {
    let moscow = daily("Europe/Moscow", "08:00", "22:00");

    let openings = asap(&moscow, "2026-11-23T07:03:20Z").unwrap();

    assert_eq!(openings[0].due_at, t("2026-11-23T07:14:00Z"));
    assert_eq!(openings[0].slot, Slot { from: t("2026-11-23T07:00:00Z"), to: t("2026-11-23T07:15:00Z") });
    assert_eq!(openings[1].due_at, t("2026-11-23T07:15:00Z"), "the next slot stands by when the first is full");
    assert_eq!(openings.last().unwrap().slot.to, t("2026-11-23T19:00:00Z"), "up to closing");
}

#[test]
fn a_closed_shop_says_when_it_opens() {
    let moscow = daily("Europe/Moscow", "08:00", "22:00");
    let tomorrow = Err(ScheduleError::Closed { opens_at: Some(t("2026-11-24T05:00:00Z")) });

    assert_eq!(asap(&moscow, "2026-11-23T20:00:00Z"), tomorrow, "closed now");
    assert_eq!(asap(&moscow, "2026-11-23T18:55:00Z"), tomorrow, "would be ready after closing");
    assert_eq!(
        asap(&moscow, "2026-11-24T20:00:00Z"),
        Err(ScheduleError::Closed { opens_at: Some(t("2026-11-26T05:00:00Z")) }),
        "the 25th is a closed day"
    );
}

#[test]
fn split_hours_close_at_noon() {
    let hours: Vec<_> = (1..=7).flat_map(|day| [(day, "08:00", "12:00"), (day, "13:00", "20:00")]).collect();
    let split = Schedule::of(&terms("Europe/Moscow", &hours)).unwrap();

    let noon = slot_at(&split, "2026-11-23T09:30:00Z");

    assert_eq!(noon, Err(ScheduleError::Closed { opens_at: Some(t("2026-11-23T10:00:00Z")) }));
    assert!(slot_at(&split, "2026-11-23T10:00:00Z").is_ok());
}

#[test]
fn a_stretch_past_midnight_belongs_to_the_day_it_began() {
    let night = daily("Europe/Moscow", "18:00", "02:00");

    let openings = asap(&night, "2026-11-23T22:00:00Z").unwrap();
    let slots = night.slots_on(jiff::civil::date(2026, 11, 24));

    assert_eq!(openings.last().unwrap().slot.to, t("2026-11-23T23:00:00Z"));
    assert_eq!(slots[0].from, t("2026-11-23T21:00:00Z"), "midnight of the 24th in Moscow");
    assert_eq!(slots.len(), 8 + 24);
}

#[test]
fn hours_up_to_twenty_four_end_with_the_day() {
    let late = daily("Europe/Moscow", "18:00", "24:00");

    assert_eq!(late.slots_on(jiff::civil::date(2026, 11, 23)).len(), 24);
}

#[test]
fn a_shop_without_hours_is_always_open_but_on_closed_days() {
    let always = Schedule::of(&terms("Asia/Yekaterinburg", &[])).unwrap();

    assert_eq!(always.slots_on(jiff::civil::date(2026, 11, 24)).len(), 96);
    assert!(always.slots_on(jiff::civil::date(2026, 11, 25)).is_empty());
    let openings = asap(&always, "2026-11-23T18:55:00Z").unwrap();
    assert_eq!(openings[0].due_at, t("2026-11-23T19:05:00Z"), "over midnight into the next day");
}

#[test]
fn only_the_beginning_of_a_slot_can_be_asked_for() {
    let moscow = daily("Europe/Moscow", "08:00", "22:00");

    assert!(slot_at(&moscow, "2026-11-23T09:15:00Z").is_ok());
    assert_eq!(slot_at(&moscow, "2026-11-23T09:16:00Z"), Err(ScheduleError::NotASlot));
    assert_eq!(
        slot_at(&moscow, "2026-11-23T04:05:00Z"),
        Err(ScheduleError::TooSoon { earliest_at: t("2026-11-23T04:10:00Z") })
    );
    assert_eq!(slot_at(&moscow, "2028-01-23T09:15:00Z"), Err(ScheduleError::TooFar));
}

#[test]
fn the_day_on_which_clocks_go_back_has_its_hour_twice() {
    let berlin = daily("Europe/Berlin", "00:00", "24:00");

    assert_eq!(berlin.slots_on(jiff::civil::date(2026, 10, 25)).len(), 25 * 4);
    assert_eq!(berlin.slots_on(jiff::civil::date(2026, 3, 29)).len(), 23 * 4);
}

#[test]
fn the_last_slot_ends_with_the_hours() {
    let moscow = daily("Europe/Moscow", "08:00", "08:50");

    let slots = moscow.slots_on(jiff::civil::date(2026, 11, 23));

    assert_eq!(slots.last().unwrap().from, t("2026-11-23T05:45:00Z"));
    assert_eq!(slots.last().unwrap().to, t("2026-11-23T05:50:00Z"));
}

#[test]
fn terms_that_make_no_sense_are_named() {
    for hours in [[(0, "08:00", "20:00")], [(8, "08:00", "20:00")], [(1, "8h", "20:00")], [(1, "08:00", "25:00")]] {
        assert!(matches!(Schedule::of(&terms("Europe/Moscow", &hours)), Err(ScheduleError::Terms(_))), "{hours:?}");
    }
    assert!(matches!(Schedule::of(&terms("Mars/Olympus", &[])), Err(ScheduleError::Terms(_))));
}
