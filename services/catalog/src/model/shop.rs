//! A shop: where it is, what it sells in, when it is open, and the terms of its slots.

use contracts::ShopId;
use contracts::catalog::{OpeningHours, ShopTerms};
use kernel::{Currency, Text, Timestamp};
use service::Fault;

use super::hours::{Hours, HoursError};
use super::rules;

/// Characters of an address.
pub(crate) const ADDRESS_MAX: usize = 500;
/// Stretches of opening hours.
pub(crate) const STRETCHES_MAX: usize = 50;
/// Closed days.
pub(crate) const CLOSED_DAYS_MAX: usize = 400;
/// The longest lead time: a week.
pub(crate) const LEAD_TIME_MAX_MIN: i64 = 7 * 24 * 60;
/// The longest slot: a day.
pub(crate) const SLOT_MAX_MIN: i64 = 24 * 60;
/// Orders of a slot.
pub(crate) const SLOT_CAPACITY_MAX: i64 = 10_000;

const LAT: Text = Text { en: "must be between -90 and 90", ru: "должно быть от -90 до 90" };
const LON: Text = Text { en: "must be between -180 and 180", ru: "должно быть от -180 до 180" };
const ZONE: Text = Text {
    en: "must be a time zone of the IANA database, such as Europe/Moscow",
    ru: "должно быть часовым поясом из базы IANA, например Europe/Moscow",
};
const STRETCH: Text = Text {
    en: "must be a day from 1 (Monday) to 7 and times HH:MM; to may be 24:00",
    ru: "нужны день от 1 (понедельник) до 7 и время ЧЧ:ММ; to может быть 24:00",
};
const OVERLAP: Text =
    Text { en: "overlaps another stretch", ru: "пересекается с другим промежутком" };
const DATE: Text = Text { en: "must be a date YYYY-MM-DD", ru: "должно быть датой ГГГГ-ММ-ДД" };

/// A shop as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shop {
    /// Its id.
    pub(crate) id: ShopId,
    /// Everything that can be edited.
    pub(crate) draft: ShopDraft,
    /// Moves with every edit.
    pub(crate) version: i64,
    /// Moves with every edit, on stops, and when something sells out or comes back.
    pub(crate) menu_version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it was last edited.
    pub(crate) updated_at: Timestamp,
}

/// A shop as somebody wants it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ShopDraft {
    /// What guests call it.
    pub(crate) name: String,
    /// Where it is, for people.
    pub(crate) address: String,
    /// Where it is: degrees north.
    pub(crate) lat: f64,
    /// Where it is: degrees east.
    pub(crate) lon: f64,
    /// IANA name.
    pub(crate) time_zone: String,
    /// What it sells in.
    pub(crate) currency: Currency,
    /// Minutes from an order to its being ready at the earliest.
    pub(crate) lead_time_min: i64,
    /// When it is open; none: always.
    pub(crate) hours: Vec<OpeningHours>,
    /// When it is not, whatever the hours say.
    pub(crate) closed_days: Vec<String>,
    /// The length of a slot.
    pub(crate) slot_minutes: i64,
    /// Orders of a slot; none: unlimited.
    pub(crate) slot_capacity: Option<i64>,
}

impl Shop {
    /// What orders need to know of it.
    #[must_use]
    pub(crate) fn terms(&self) -> ShopTerms {
        let draft = &self.draft;
        ShopTerms {
            shop_id: self.id,
            time_zone: draft.time_zone.clone(),
            currency: draft.currency,
            lead_time_min: draft.lead_time_min,
            hours: draft.hours.clone(),
            closed_days: draft.closed_days.clone(),
            slot_minutes: draft.slot_minutes,
            slot_capacity: draft.slot_capacity,
        }
    }

    /// How far it is, kilometres along the ground (haversine on a sphere: half a per cent off at most).
    #[must_use]
    pub(crate) fn distance_km(&self, lat: f64, lon: f64) -> f64 {
        const EARTH_RADIUS_KM: f64 = 6371.0088;
        let half_lat = (self.draft.lat - lat).to_radians() / 2.0;
        let half_lon = (self.draft.lon - lon).to_radians() / 2.0;
        let cosines = lat.to_radians().cos() * self.draft.lat.to_radians().cos();
        let chord = half_lat.sin().powi(2) + cosines * half_lon.sin().powi(2);
        2.0 * EARTH_RADIUS_KM * chord.sqrt().min(1.0).asin()
    }
}

impl ShopDraft {
    /// Everything that is wrong with it.
    #[must_use]
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        rules::line("/name", &self.name, rules::NAME_MAX, &mut faults);
        rules::line("/address", &self.address, ADDRESS_MAX, &mut faults);
        if !(-90.0..=90.0).contains(&self.lat) {
            faults.push(Fault::new("/lat", "out-of-range", LAT));
        }
        if !(-180.0..=180.0).contains(&self.lon) {
            faults.push(Fault::new("/lon", "out-of-range", LON));
        }
        rules::within("/lead_time_min", self.lead_time_min, 0..=LEAD_TIME_MAX_MIN, &mut faults);
        rules::within("/slot_minutes", self.slot_minutes, 1..=SLOT_MAX_MIN, &mut faults);
        if let Some(capacity) = self.slot_capacity {
            rules::within("/slot_capacity", capacity, 1..=SLOT_CAPACITY_MAX, &mut faults);
        }
        rules::count("/hours", self.hours.len(), STRETCHES_MAX, &mut faults);
        rules::count("/closed_days", self.closed_days.len(), CLOSED_DAYS_MAX, &mut faults);
        if faults.iter().all(|fault| fault.code() != "too-many") {
            let hours = Hours::new(&self.time_zone, &self.hours, &self.closed_days);
            faults.extend(hours.err().unwrap_or_default().iter().map(hours_fault));
        }
        faults
    }
}

fn hours_fault(error: &HoursError) -> Fault {
    match error {
        HoursError::UnknownZone(_) => Fault::new("/time_zone", "time-zone", ZONE),
        HoursError::Stretch(index) => Fault::new(format!("/hours/{index}"), "hours", STRETCH),
        HoursError::Overlap(index) => Fault::new(format!("/hours/{index}"), "overlap", OVERLAP).beside("/hours"),
        HoursError::ClosedDay(index) => Fault::new(format!("/closed_days/{index}"), "date", DATE),
    }
}
