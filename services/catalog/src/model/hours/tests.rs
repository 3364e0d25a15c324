use contracts::catalog::OpeningHours;
use kernel::Timestamp;

use super::{Hours, HoursError, Opening};

fn stretch(day: u8, from: &str, to: &str) -> OpeningHours {
    OpeningHours { day, from: from.to_owned(), to: to.to_owned() }
}

fn hours(zone: &str, stretches: &[OpeningHours], closed_days: &[&str]) -> Hours {
    let closed_days: Vec<String> = closed_days.iter().map(|day| (*day).to_owned()).collect();
    Hours::new(zone, stretches, &closed_days).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn open_until(text: &str) -> Opening {
    Opening::Open { closes_at: Some(at(text)) }
}

fn closed_until(text: &str) -> Opening {
    Opening::Closed { opens_at: Some(at(text)) }
}

/// 2026-11-16 is a Monday; Moscow is three hours before UTC all year.
#[test]
fn split_hours_have_a_break_between_them() {
    let hours = hours("Europe/Moscow", &[stretch(1, "15:00", "22:00"), stretch(1, "08:00", "14:00")], &[]);

    assert_eq!(hours.at(at("2026-11-16T07:59:00+03:00")), closed_until("2026-11-16T08:00:00+03:00"));
    assert_eq!(hours.at(at("2026-11-16T08:00:00+03:00")), open_until("2026-11-16T14:00:00+03:00"));
    assert_eq!(hours.at(at("2026-11-16T14:00:00+03:00")), closed_until("2026-11-16T15:00:00+03:00"));
    assert_eq!(hours.at(at("2026-11-16T21:59:59+03:00")), open_until("2026-11-16T22:00:00+03:00"));
    assert_eq!(hours.at(at("2026-11-16T22:00:00+03:00")), closed_until("2026-11-23T08:00:00+03:00"));
}

#[test]
fn a_night_shift_runs_into_the_next_day() {
    let hours = hours("Europe/Moscow", &[stretch(5, "20:00", "04:00")], &[]);

    assert_eq!(hours.at(at("2026-11-21T03:59:00+03:00")), open_until("2026-11-21T04:00:00+03:00"));
    assert_eq!(hours.at(at("2026-11-21T04:00:00+03:00")), closed_until("2026-11-27T20:00:00+03:00"));
}

#[test]
fn stretches_that_touch_at_midnight_are_one_opening() {
    let hours = hours("Europe/Moscow", &[stretch(1, "08:00", "24:00"), stretch(2, "00:00", "02:00")], &[]);

    assert_eq!(hours.at(at("2026-11-16T23:00:00+03:00")), open_until("2026-11-17T02:00:00+03:00"));
}

#[test]
fn on_a_closed_day_nothing_begins_and_the_evening_before_runs_to_its_end() {
    let every_night: Vec<_> = (1..=7).map(|day| stretch(day, "18:00", "02:00")).collect();
    let hours = hours("Europe/Moscow", &every_night, &["2027-01-01"]);

    assert_eq!(hours.at(at("2026-12-31T23:00:00+03:00")), open_until("2027-01-01T02:00:00+03:00"));
    assert_eq!(hours.at(at("2027-01-01T20:00:00+03:00")), closed_until("2027-01-02T18:00:00+03:00"));
}

#[test]
fn no_hours_mean_always_open_but_for_closed_days() {
    let always = hours("Asia/Yekaterinburg", &[], &[]);
    let with_holiday = hours("Asia/Yekaterinburg", &[], &["2026-11-20"]);

    assert_eq!(always.at(at("2026-11-16T00:00:00Z")), Opening::Open { closes_at: None });
    assert_eq!(with_holiday.at(at("2026-11-16T00:00:00Z")), open_until("2026-11-20T00:00:00+05:00"));
    assert_eq!(with_holiday.at(at("2026-11-20T12:00:00+05:00")), closed_until("2026-11-21T00:00:00+05:00"));
}

#[test]
fn a_shop_closed_for_the_season_has_no_opening() {
    let days: Vec<String> = (0..70)
        .map(|n| jiff::civil::date(2026, 11, 16).checked_add(jiff::Span::new().days(n)).unwrap().to_string())
        .collect();
    let hours = Hours::new("Europe/Moscow", &[], &days).unwrap();

    assert_eq!(hours.at(at("2026-11-16T12:00:00+03:00")), Opening::Closed { opens_at: None });
}

/// Berlin puts the clock forward on 2026-03-29 at 02:00 and back on 2026-10-25 at 03:00.
#[test]
fn hours_follow_the_local_clock_over_a_change() {
    let hours = hours("Europe/Berlin", &[stretch(6, "22:00", "06:00"), stretch(7, "08:00", "20:00")], &[]);

    // Spring: eight hours on the clock are seven.
    assert_eq!(hours.at(at("2026-03-28T21:00:00Z")), open_until("2026-03-29T04:00:00Z"));
    assert_eq!(hours.at(at("2026-03-29T05:00:00Z")), closed_until("2026-03-29T06:00:00Z"));
    // Autumn: eight hours on the clock are nine.
    assert_eq!(hours.at(at("2026-10-24T20:00:00Z")), open_until("2026-10-25T05:00:00Z"));
}

#[test]
fn a_local_time_that_does_not_exist_or_comes_twice_is_defined() {
    let hours = hours("Europe/Berlin", &[stretch(7, "02:30", "05:00")], &[]);

    // 02:30 does not exist in spring: as much after the jump, 03:30 summer time.
    assert_eq!(hours.at(at("2026-03-29T00:00:00Z")), closed_until("2026-03-29T01:30:00Z"));
    // 02:30 comes twice in autumn: the first.
    assert_eq!(hours.at(at("2026-10-24T23:00:00Z")), closed_until("2026-10-25T00:30:00Z"));
}

#[test]
fn everything_wrong_with_hours_is_named() {
    let stretches = [
        stretch(0, "08:00", "12:00"),
        stretch(1, "8:00", "12:00"),
        stretch(1, "08:00", "24:01"),
        stretch(1, "24:00", "02:00"),
        stretch(7, "20:00", "09:00"),
        stretch(1, "08:00", "12:00"),
    ];

    let errors = Hours::new("Mars/Olympus", &stretches, &["2026-02-30".to_owned()]).unwrap_err();

    assert_eq!(
        errors,
        [
            HoursError::UnknownZone("Mars/Olympus".to_owned()),
            HoursError::Stretch(0),
            HoursError::Stretch(1),
            HoursError::Stretch(2),
            HoursError::Stretch(3),
            HoursError::Overlap(5),
            HoursError::ClosedDay(0),
        ]
    );
}
