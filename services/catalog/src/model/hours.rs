//! Opening hours: whether a shop is open at a moment, until when, and when it opens next.
//!
//! A stretch of hours belongs to the day on which it begins, in the shop's own time: on a closed day none begins, and
//! one that began the evening before runs to its end. No hours at all mean always open but for the closed days. Where the clock is put forward a local time that does not exist is read as the moment that follows
//! the jump by as much; where it is put back a time that comes twice is read as the first.

use contracts::catalog::OpeningHours;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use kernel::Timestamp;

/// How far ahead is looked: who opens later than this has closed down for the season.
const HORIZON_DAYS: i32 = 62;

/// When a shop is open.
#[derive(Clone, Debug)]
pub(crate) struct Hours {
    zone: TimeZone,
    stretches: Vec<Stretch>,
    closed_days: Vec<Date>,
}

#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// 1 is Monday.
    day: i8,
    from_min: i32,
    /// Counted from midnight of the day it begins on: above 1440 the stretch runs into the next day.
    to_min: i32,
}

/// A stretch of time, end excluded.
type Interval = (Timestamp, Timestamp);

/// What a guest wants to know of a shop's hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Open now; until when, if it closes within two months.
    Open {
        /// When it closes.
        closes_at: Option<Timestamp>,
    },
    /// Closed now; until when, if it opens within two months.
    Closed {
        /// When it opens.
        opens_at: Option<Timestamp>,
    },
}

/// What is wrong with hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HoursError {
    /// Not a name of the time zone data.
    #[error("{0:?} is not a time zone of the IANA database")]
    UnknownZone(String),
    /// This stretch cannot be read.
    #[error("stretch {0} of the hours cannot be read")]
    Stretch(usize),
    /// This stretch overlaps an earlier one.
    #[error("stretch {0} of the hours overlaps another")]
    Overlap(usize),
    /// This closed day cannot be read.
    #[error("closed day {0} is not a date")]
    ClosedDay(usize),
}

const DAY_MIN: i32 = 24 * 60;
const WEEK_MIN: i32 = 7 * DAY_MIN;

impl Hours {
    /// Reads the hours of a shop.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn new(zone: &str, hours: &[OpeningHours], closed_days: &[String]) -> Result<Self, Vec<HoursError>> {
        let mut errors = Vec::new();
        let read_zone = zone_of(zone).map_err(|e| errors.push(e));
        let mut stretches: Vec<Stretch> = Vec::with_capacity(hours.len());
        for (index, stretch) in hours.iter().map(read_stretch).enumerate() {
            match stretch {
                None => errors.push(HoursError::Stretch(index)),
                Some(stretch) if stretches.iter().any(|known| overlap(known, &stretch)) => {
                    errors.push(HoursError::Overlap(index));
                }
                Some(stretch) => stretches.push(stretch),
            }
        }
        let mut days = Vec::with_capacity(closed_days.len());
        for (index, day) in closed_days.iter().enumerate() {
            match read_date(day) {
                Some(date) => days.push(date),
                None => errors.push(HoursError::ClosedDay(index)),
            }
        }
        let Ok(zone) = read_zone else { return Err(errors) };
        stretches.sort_by_key(|s| (s.day, s.from_min));
        if errors.is_empty() { Ok(Self { zone, stretches, closed_days: days }) } else { Err(errors) }
    }

    /// Whether the shop is open, and when that changes.
    #[must_use]
    pub(crate) fn at(&self, now: Timestamp) -> Opening {
        // A stretch of the day before may still run.
        let today = now.to_jiff().to_zoned(self.zone.clone()).date();
        let mut open_since: Option<Interval> = None;
        for offset in -1..=HORIZON_DAYS {
            let Ok(date) = today.checked_add(jiff::Span::new().days(offset)) else { break };
            for interval in self.intervals_of(date) {
                let (from, to) = interval;
                if to <= now {
                    continue;
                }
                match open_since {
                    // Stretches that touch are one opening: a shop that closes at 24:00 and opens at 00:00 stays open.
                    Some((since, end)) if from <= end => open_since = Some((since, end.max(to))),
                    Some((_, end)) => return Opening::Open { closes_at: Some(end) },
                    None if from <= now => open_since = Some(interval),
                    None => return Opening::Closed { opens_at: Some(from) },
                }
            }
        }
        match open_since {
            Some((_, end)) if self.reaches_horizon(end, today) => Opening::Open { closes_at: None },
            Some((_, end)) => Opening::Open { closes_at: Some(end) },
            None => Opening::Closed { opens_at: None },
        }
    }

    fn reaches_horizon(&self, end: Timestamp, today: Date) -> bool {
        today.checked_add(jiff::Span::new().days(HORIZON_DAYS)).is_ok_and(|last| end > self.moment(last, 0))
    }

    /// What begins on this day, in order.
    fn intervals_of(&self, date: Date) -> Vec<Interval> {
        if self.closed_days.contains(&date) {
            return Vec::new();
        }
        if self.stretches.is_empty() {
            return vec![(self.moment(date, 0), self.moment(date, DAY_MIN))];
        }
        let day = date.weekday().to_monday_one_offset();
        self.stretches
            .iter()
            .filter(|stretch| stretch.day == day)
            .map(|s| (self.moment(date, s.from_min), self.moment(date, s.to_min)))
            .filter(|(from, to)| from < to)
            .collect()
    }

    fn moment(&self, date: Date, minutes: i32) -> Timestamp {
        let days = jiff::Span::new().days(minutes.div_euclid(DAY_MIN));
        let minute = minutes.rem_euclid(DAY_MIN);
        let time = i8::try_from(minute / 60).ok().zip(i8::try_from(minute % 60).ok());
        let (hour, minute) = time.expect("a minute of the day has an hour below 24 and a minute below 60");
        let date = date.checked_add(days).unwrap_or(date);
        let local = date.to_datetime(Time::constant(hour, minute, 0, 0));
        self.zone
            .to_ambiguous_zoned(local)
            .compatible()
            .map_or(Timestamp::from_micros(i64::MAX), |moment| Timestamp::from(moment.timestamp()))
    }
}

fn zone_of(name: &str) -> Result<TimeZone, HoursError> {
    // jiff also reads a POSIX rule here; only names of the IANA database mean the same in ten years.
    let is_name =
        !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+-/".contains(c));
    let found = if is_name { jiff::tz::db().get(name).ok() } else { None };
    found.ok_or_else(|| HoursError::UnknownZone(name.chars().take(64).collect()))
}

fn read_stretch(hours: &OpeningHours) -> Option<Stretch> {
    let day = i8::try_from(hours.day).ok().filter(|day| (1..=7).contains(day))?;
    let from_min = read_minutes(&hours.from).filter(|minutes| *minutes < DAY_MIN)?;
    let to = read_minutes(&hours.to)?;
    let to_min = if to <= from_min { to + DAY_MIN } else { to };
    Some(Stretch { day, from_min, to_min })
}

/// `HH:MM`; `24:00` is the end of the day.
fn read_minutes(text: &str) -> Option<i32> {
    let (hours, minutes) = text.split_once(':')?;
    let both_digits = [hours, minutes].iter().all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()));
    if !both_digits {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= DAY_MIN).then_some(total)
}

fn read_date(text: &str) -> Option<Date> {
    let is_plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Whether two stretches share a minute of the week.
fn overlap(one: &Stretch, other: &Stretch) -> bool {
    let start = |s: &Stretch| i32::from(s.day - 1) * DAY_MIN + s.from_min;
    let distance = (start(other) - start(one)).rem_euclid(WEEK_MIN);
    let back = (start(one) - start(other)).rem_euclid(WEEK_MIN);
    distance < one.to_min - one.from_min || back < other.to_min - other.from_min
}

#[cfg(test)]
mod tests;
