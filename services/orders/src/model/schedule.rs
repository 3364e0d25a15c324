//! When a shop is open, in its own time zone, and the slots that its open hours are divided into.
//!
//! A stretch of opening hours may end on the next day; it belongs to the day on which it begins. Every open moment
//! lies in exactly one slot: slots are counted from the beginning of the stretch, and the last one ends with it.

use contracts::catalog::{OpeningHours, ShopTerms};
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use kernel::Timestamp;

use super::WantedTime;

/// The part of a day that an order may be due in. Half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    /// Included.
    pub from: Timestamp,
    /// Excluded.
    pub to: Timestamp,
}

/// An unbroken time of being open. Half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Included.
    pub from: Timestamp,
    /// Excluded.
    pub to: Timestamp,
}

impl Stretch {
    fn contains(&self, moment: Timestamp) -> bool {
        self.from <= moment && moment < self.to
    }
}

/// A time at which an order could be due, with its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// When it would be ready.
    pub due_at: Timestamp,
    /// The slot of that time.
    pub slot: Slot,
}

/// The opening hours of a shop, ready to be asked.
#[derive(Clone, Debug)]
pub struct Schedule {
    zone: TimeZone,
    hours: Vec<Hours>,
    closed: Vec<Date>,
    slot_minutes: i64,
    lead_minutes: i64,
}

#[derive(Clone, Copy, Debug)]
struct Hours {
    day: Weekday,
    from: Time,
    to: End,
}

/// The end of a stretch on the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    SameDay(Time),
    NextDay(Time),
}

/// Why a shop's terms cannot be worked with, or a wanted time cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The terms that catalog gave make no sense: a fault on our side.
    #[error("the terms of the shop cannot be read: {0}")]
    Terms(String),
    /// Closed at that time.
    #[error("the shop is closed at that time")]
    Closed {
        /// When it opens next, if it does within two months.
        opens_at: Option<Timestamp>,
    },
    /// Open, but no slot begins there.
    #[error("no slot begins at that time")]
    NotASlot,
    /// The slot begins before the order could be ready.
    #[error("the order cannot be ready by then")]
    TooSoon {
        /// The earliest time that it could be ready at.
        earliest_at: Timestamp,
    },
    /// Further ahead than orders are taken.
    #[error("orders are not taken so far ahead")]
    TooFar,
}

/// How far ahead an opening is looked for.
const OPENING_SEARCH_DAYS: i64 = 62;

impl Schedule {
    /// Reads the terms.
    ///
    /// # Errors
    /// [`ScheduleError::Terms`] names what cannot be read.
    pub fn of(terms: &ShopTerms) -> Result<Self, ScheduleError> {
        let zone = TimeZone::get(&terms.time_zone).map_err(|error| ScheduleError::Terms(error.to_string()))?;
        let closed = terms.closed_days.iter().map(|day| day.parse()).collect::<Result<_, _>>();
        if terms.slot_minutes < 1 || terms.lead_time_min < 0 {
            return Err(ScheduleError::Terms("slot or lead time out of range".to_owned()));
        }
        Ok(Self {
            zone,
            hours: terms.hours.iter().map(Hours::of).collect::<Result<_, _>>()?,
            closed: closed.map_err(|error: jiff::Error| ScheduleError::Terms(error.to_string()))?,
            slot_minutes: terms.slot_minutes,
            lead_minutes: terms.lead_time_min,
        })
    }

    /// The shop's day of a moment.
    #[must_use]
    pub fn day_of(&self, moment: Timestamp) -> Date {
        moment.to_jiff().to_zoned(self.zone.clone()).date()
    }

    /// The unbroken open time that a moment lies in.
    #[must_use]
    pub fn stretch_at(&self, moment: Timestamp) -> Option<Stretch> {
        let day = self.day_of(moment);
        let before = day.yesterday().ok();
        [before, Some(day)].into_iter().flatten().flat_map(|d| self.stretches_on(d)).find(|s| s.contains(moment))
    }

    /// When the shop opens next, after a moment at which it is closed.
    #[must_use]
    pub fn opens_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let first = self.day_of(moment);
        (0..OPENING_SEARCH_DAYS)
            .filter_map(|ahead| first.checked_add(ahead.days()).ok())
            .flat_map(|day| self.stretches_on(day))
            .map(|stretch| stretch.from)
            .find(|from| *from > moment)
    }

    /// The times that an order could be due at, the first one preferred. For a slot it is that slot alone; for as
    /// soon as possible the slots of the same day up to closing, since the first ones may be full.
    ///
    /// # Errors
    /// Why the wanted time cannot be had.
    pub fn openings(&self, wanted: WantedTime, now: Timestamp, last_day: Date) -> Result<Vec<Opening>, ScheduleError> {
        match wanted {
            WantedTime::Asap => self.soon(now),
            WantedTime::At(at) => self.at(at, now, last_day).map(|opening| vec![opening]),
        }
    }

    /// All slots that begin on a day of the shop, in order.
    #[must_use]
    pub fn slots_on(&self, day: Date) -> Vec<Slot> {
        let before = day.yesterday().ok();
        let stretches = [before, Some(day)].into_iter().flatten().flat_map(|d| self.stretches_on(d));
        let mut slots: Vec<Slot> =
            stretches.flat_map(|stretch| self.slots_of(stretch)).filter(|slot| self.day_of(slot.from) == day).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// The earliest time that an order given now could be ready at: the lead time, up to a whole minute.
    #[must_use]
    pub fn ready_at(&self, now: Timestamp) -> Timestamp {
        const MINUTE: i64 = 60_000_000;
        let micros = now.as_micros() + self.lead_minutes * MINUTE;
        Timestamp::from_micros(micros + (MINUTE - micros.rem_euclid(MINUTE)) % MINUTE)
    }

    fn soon(&self, now: Timestamp) -> Result<Vec<Opening>, ScheduleError> {
        let ready_at = self.ready_at(now);
        let closed = || ScheduleError::Closed { opens_at: self.opens_after(now) };
        self.stretch_at(now).ok_or_else(closed)?;
        let stretch = self.stretch_at(ready_at).ok_or_else(closed)?;
        let day = self.day_of(ready_at);
        let openings =
            self.slots_of(stretch).filter(|slot| slot.to > ready_at && self.day_of(slot.from.max(ready_at)) == day);
        Ok(openings.map(|slot| Opening { due_at: slot.from.max(ready_at), slot }).collect())
    }

    fn at(&self, at: Timestamp, now: Timestamp, last_day: Date) -> Result<Opening, ScheduleError> {
        let ready_at = self.ready_at(now);
        if at < ready_at {
            return Err(ScheduleError::TooSoon { earliest_at: ready_at });
        }
        if self.day_of(at) > last_day {
            return Err(ScheduleError::TooFar);
        }
        let closed = || ScheduleError::Closed { opens_at: self.opens_after(at) };
        let stretch = self.stretch_at(at).ok_or_else(closed)?;
        let slot = self.slots_of(stretch).find(|slot| slot.from == at).ok_or(ScheduleError::NotASlot)?;
        Ok(Opening { due_at: at, slot })
    }

    fn stretches_on(&self, day: Date) -> Vec<Stretch> {
        if self.closed.contains(&day) {
            return Vec::new();
        }
        if self.hours.is_empty() {
            return self.stretch(day, Time::midnight(), End::NextDay(Time::midnight())).into_iter().collect();
        }
        let weekday = day.weekday();
        self.hours.iter().filter(|h| h.day == weekday).filter_map(|h| self.stretch(day, h.from, h.to)).collect()
    }

    fn stretch(&self, day: Date, from: Time, to: End) -> Option<Stretch> {
        let (end_day, end) = match to {
            End::SameDay(time) => (day, time),
            End::NextDay(time) => (day.tomorrow().ok()?, time),
        };
        let (from, to) = (self.moment(day, from)?, self.moment(end_day, end)?);
        // Hours that the clock change swallows whole are no stretch.
        (from < to).then_some(Stretch { from, to })
    }

    fn moment(&self, day: Date, time: Time) -> Option<Timestamp> {
        day.to_datetime(time).to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp().into())
    }

    fn slots_of(&self, stretch: Stretch) -> impl Iterator<Item = Slot> + use<> {
        let length = self.slot_minutes * 60_000_000;
        let count = (stretch.to.as_micros() - stretch.from.as_micros() + length - 1) / length;
        (0..count).map(move |index| {
            let from = stretch.from.as_micros() + index * length;
            let to = (from + length).min(stretch.to.as_micros());
            Slot { from: Timestamp::from_micros(from), to: Timestamp::from_micros(to) }
        })
    }
}

/// The day so many days after another; the same day at the end of the calendar.
#[must_use]
pub fn days_after(day: Date, days: i64) -> Date {
    day.checked_add(Span::new().days(days)).unwrap_or(day)
}

impl Hours {
    fn of(hours: &OpeningHours) -> Result<Self, ScheduleError> {
        let unreadable = || ScheduleError::Terms(format!("day {} from {} to {}", hours.day, hours.from, hours.to));
        let day = i8::try_from(hours.day).ok().and_then(|day| Weekday::from_monday_one_offset(day).ok());
        let from = time_of(&hours.from).ok_or_else(unreadable)?;
        let to = match hours.to.as_str() {
            "24:00" => End::NextDay(Time::midnight()),
            text => match time_of(text).ok_or_else(unreadable)? {
                time if time > from => End::SameDay(time),
                time => End::NextDay(time),
            },
        };
        Ok(Self { day: day.ok_or_else(unreadable)?, from, to })
    }
}

fn time_of(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

#[cfg(test)]
mod tests;
